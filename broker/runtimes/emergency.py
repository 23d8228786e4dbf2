"""Break-glass: sending a record past the broker, taking one, and reviewing what was sent.

Nothing here needs router, log or stream. The published protocol is read from the stream, or from
the agency's own copy where it is away; an entry that cannot be published waits in the outbox.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapters.format import Draft
from adapters.outbox import Kept
from broker.clock import Instant
from broker.lanes import Message, Unavailable
from broker.protocol.emergency import Emergency
from broker.receipts.emergency import BREAK_GLASS, Package, Recipient, emergency_way
from broker.receipts.errors import (
    GLASS_LIST,
    GLASS_OWN,
    GLASS_REVIEW,
    GLASS_SHAPE,
    EmergencyRefused,
)
from broker.receipts.inbox import INBOX, InboxRow
from broker.records.envelope import Envelope, Splicer, decode_envelope
from broker.records.names import SLOT_SCHEMA, Kind, RecordId, agency_of
from broker.records.statement import Identifiers, Labels, Statement
from broker.runtimes.agency import AgencySide
from broker.runtimes.answering import SYSTEM, VERSION
from broker.runtimes.owing import own_record
from broker.runtimes.publishing import publish_drafts

FORM = "concordat emergency 1"
"""First member of the file: what it is."""

NAMED = "break-glass/"
REVIEWED = "break-glass-review/"


class Finding(StrEnum):
    """What a second person found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not-justified"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent past the broker.

    Attributes:
        record: id of the signed entry, in hex.
        to: desk that got it.
        until: when it must be deleted there.
        file: what to hand over, by whatever way there is.
        waits: whether the entry could not be published yet.
        from_copy: whether list and keys are those of the agency's own copy of the protocol.
    """

    record: str
    to: str
    until: Instant
    file: bytes
    waits: bool
    from_copy: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """One emergency as its source keeps it.

    Attributes:
        record: id of the signed entry, in hex.
        entry: what it says, by name, as the schema has it.
        why: who sent it, and why.
        review: finding, when and by which role; None until somebody has reviewed it.
    """

    record: str
    entry: dict[str, Any]
    why: dict[str, Any]
    review: dict[str, Any] | None


async def break_glass(
    side: AgencySide, record: str, to: str, *, role: str, person: str, reason: str
) -> Sent:
    """Seal a record of one's own to a duty desk, with a signed entry; the entry is published, too.

    Args:
        side: who sends.
        record: id of the record in hex, or its beginning.
        to: the desk, as the protocol's list names it.
        role: of the person who sends it, as the list names it.
        person: who that is.
        reason: why it could not wait.

    Raises:
        EmergencyRefused: `emergency.record`, `emergency.list`.
        KeyRefused: nothing can be sealed to that agency.
    """
    found = await side.outbox.beginning(record.lower())
    if len(found) != 1 or not record:
        raise EmergencyRefused(GLASS_OWN, f"{len(found)} records begin so")
    rule, at = _rule(side), side.clock.now()
    if role not in rule.roles:
        raise EmergencyRefused(GLASS_LIST, "role", f"Roles: {', '.join(rule.roles)}.")
    if to not in rule.to:
        raise EmergencyRefused(GLASS_LIST, "desk", f"Desks: {', '.join(rule.to)}.")
    envelope = _own(side, found[0])
    schema = side.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
    digests = envelope.digests(side.partnership)
    slots, until = rule.opens(schema), Instant(at + rule.lasts)
    entry = {
        "to": to,
        "role": role,
        "at": at,
        "until": until,
        "record_id": envelope.head.record_id,
        "digest": envelope.digest(side.partnership),
        "slots": list(slots),
        "revision": side.protocol.current(at).digest,
    }
    content = {"emergency": entry, "why": {"person": person, "reason": reason}}
    name = f"{NAMED}{envelope.head.record_id.hex()}/{at}"
    said, waits = await _say(side, name, envelope.head.record_id, content, to)
    package = Package(said, Splicer(envelope, digests).minimise(slots))
    agency = agency_of(to)
    way = emergency_way(side.agency, agency)
    key = side.protocol.registry.sealing_key(agency)
    sealed = side.sealer.seal(package.encode(), way, key, at)
    file = {
        "form": FORM,
        "from": side.agency,
        "to": to,
        "sealed": base64.b64encode(sealed).decode(),
    }
    data = json.dumps(file, indent=1).encode() + b"\n"
    return Sent(said.head.record_id.hex(), to, until, data, waits, side.from_copy)


async def take(side: AgencySide, data: bytes) -> InboxRow:
    """Verify what was sent past the broker, and put it into the inbox.

    Raises:
        EmergencyRefused: it does not verify, or is meant for somebody else, or its time is over.
    """
    try:
        file = json.loads(data)
        source, sealed = file["from"], base64.b64decode(file["sealed"], validate=True)
        if file["form"] != FORM or not isinstance(source, str):
            raise EmergencyRefused(GLASS_SHAPE)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise EmergencyRefused(GLASS_SHAPE) from error
    protocol = side.protocol
    recipient = Recipient(
        side.partnership,
        side.agency,
        side.opener,
        protocol.registry,
        protocol.position,
        protocol.head,
        protocol.schemas,
        lambda digest: protocol.revision(digest).agreement.emergency,
    )
    row = recipient.take(sealed, source, side.clock.now())
    await side.own.publish([Message(INBOX, row.id, side.seal_row(row.encode()))])
    return row


async def broken(side: AgencySide) -> list[Broken]:
    """Return every emergency of an agency, oldest first."""
    reviews: dict[str, dict[str, Any]] = {}
    for kept in await side.outbox.from_system(SYSTEM, REVIEWED):
        said = own_record(side, _own(side, kept)).content
        reviews[kept.origin.natural_id.removeprefix(REVIEWED)] = said["review"]
    found = []
    for kept in await side.outbox.from_system(SYSTEM, NAMED):
        said = own_record(side, _own(side, kept)).content
        name = kept.record_id.hex()
        found.append(Broken(name, said["emergency"], said["why"], reviews.get(name)))
    return found


async def review(
    side: AgencySide, record: str, finding: Finding, *, role: str, person: str, reason: str
) -> Broken:
    """Review an emergency: by another person than whoever sent it.

    Raises:
        EmergencyRefused: `emergency.record`, `emergency.review`.
    """
    found = [one for one in await broken(side) if one.record.startswith(record.lower())]
    if len(found) != 1 or not record:
        raise EmergencyRefused(GLASS_OWN, f"{len(found)} emergencies begin so")
    (one,) = found
    same = str(one.why["person"]).casefold().split() == person.casefold().split()
    if same or one.review is not None:
        raise EmergencyRefused(GLASS_REVIEW, "the same person" if same else "reviewed before")
    at = side.clock.now()
    found_so: dict[str, Any] = {"finding": finding.value, "at": at, "role": role}
    content = {"review": found_so, "reviewer": {"person": person, "reason": reason}}
    about = RecordId(bytes.fromhex(one.record))
    await _say(side, f"{REVIEWED}{one.record}", about, content, str(one.entry["to"]))
    return Broken(one.record, one.entry, one.why, found_so)


def _rule(side: AgencySide) -> Emergency:
    rule = side.protocol.agreement(side.clock.now()).emergency
    if rule is None:
        raise EmergencyRefused(GLASS_LIST, "protocol", "The protocol has no list for emergencies.")
    return rule


async def _say(
    side: AgencySide, name: str, about: RecordId, content: dict[str, Any], to: str
) -> tuple[Envelope, bool]:
    """Sign, keep and publish an entry; if it cannot be published now, it waits in the outbox."""
    labels = Labels(BREAK_GLASS, subject="record", concerns=about, addressed_to=(to,))
    statement = Statement(
        BREAK_GLASS, VERSION, Kind.RECORD, SYSTEM, name, "1", labels, Identifiers(),
        side.contact(), content,
    )  # fmt: skip
    waits = False
    try:
        await publish_drafts(side, [Draft(statement, name, urgent=True)])
    except Unavailable:
        waits = True
    (kept,) = await side.outbox.from_system(SYSTEM, name)
    return _own(side, kept), waits


def _own(side: AgencySide, kept: Kept) -> Envelope:
    return decode_envelope(side.opener.open(kept.own, side.own_way))
