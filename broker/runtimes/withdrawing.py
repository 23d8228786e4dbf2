"""Wrong records: withdrawn, corrected, un-filed; who has done so, and what became an incident.

Everything that is said here is a signed record of the agency whose people say it. A correction is
two: the corrected record, decided afresh for whoever may have it now, and a retraction of the
former version, which reaches all who hold it, entitled still or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from adapters.format import Draft
from adapters.outbox import Kept, Origin
from broker.access_log.ports import DeliveryId
from broker.clock import DAY, Instant
from broker.lanes import Message
from broker.receipts.errors import (
    CLOSED,
    NO_RECORD,
    NO_SUBJECT,
    NOT_WITHDRAWN,
    SAME,
    SEVERAL,
    TAKEN_BEFORE,
    TOO_EARLY,
    UNFILED,
    InboxError,
    WithdrawalError,
)
from broker.receipts.inbox import INBOX, Item
from broker.receipts.incidents import Closing, Incident, Retraction, incident_named, incidents
from broker.receipts.known import Known
from broker.receipts.withdrawn import (
    DESTROY,
    DONE,
    MARK,
    TELL,
    Content,
    Recipient,
    Withdrawal,
    recipients,
    withdrawal_of,
    withdrawn,
)
from broker.records.envelope import Envelope, decode_envelope
from broker.records.names import Kind, RecordId
from broker.records.statement import Identifiers, Labels, Statement
from broker.runtimes.agency import AgencySide
from broker.runtimes.answering import ANSWER, RECEIPT, SYSTEM, VERSION, find
from broker.runtimes.owing import own_record
from broker.runtimes.publishing import PublishReport, publish_drafts, publish_files, send_waiting
from broker.runtimes.reading import content_of
from broker.runtimes.receiving import inbox, note_done

RETRACTION = "retraction"
RECEIPT_VERSION = "1.1"
"""The first version of receipts that can say what was un-filed, and what was decided."""

WITHDRAWN = "retraction/"
CLOSING = "incident/"
NO_DELIVERY_ID = bytes(16)


class Reason(StrEnum):
    """Why a record is withdrawn."""

    WRONG_PERSON = "wrong-person"
    FACTUALLY_WRONG = "factually-wrong"
    UNSUBSTANTIATED = "unsubstantiated"
    UNFOUNDED = "unfounded"
    FALSE = "false"
    MALICIOUS = "malicious"
    SUPERSEDED = "superseded"
    WRONG_RECIPIENT = "sent-to-wrong-recipient"


class Decided(StrEnum):
    """What a person decided about an incident."""

    REPORTED = "reported"
    NOT_REPORTABLE = "not-reportable"


@dataclass(frozen=True, slots=True)
class Why:
    """Why a record is wrong, in the words of a person at its source.

    Attributes:
        reason: coded.
        role: of that person.
        note: what was wrong, written for those who hold it.
        found: day on which it was found out, days since 1970-01-01; None: today.
    """

    reason: Reason
    role: str
    note: str | None = None
    found: int | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """A retraction of this agency, and those who held the record.

    Attributes:
        retraction: as it was signed.
        type: type of the record that was withdrawn; empty if the outbox has it no more.
        recipients: who held it; empty while the broker has not said so, or if nobody did.
    """

    retraction: Retraction
    type: str
    recipients: tuple[Recipient, ...]


# ------------------------------------------------------------------ at the source


async def retract(side: AgencySide, name: str, why: Why) -> Retraction:
    """Withdraw a record of this agency, named by its id or a unique beginning of it.

    Raises:
        WithdrawalError: none, or several, are named; it was withdrawn before, or is a record about
            another one; or it cannot have been found out on that day.
    """
    kept = await _own(side, name)
    day = _found(side, why)
    return await _withdraw(side, kept, why, day, TELL[why.reason])


async def correct(
    side: AgencySide, name: str, why: Why, files: Sequence[Path], format_name: str | None = None
) -> tuple[PublishReport, Retraction]:
    """Publish a corrected record from the agency's own files, and withdraw the former version.

    Raises:
        WithdrawalError: see `retract`; or the files hold no other version of it.
    """
    kept = await _own(side, name)
    day = _found(side, why)
    if await _is_withdrawn(side, kept):
        raise WithdrawalError(TAKEN_BEFORE)
    report = await publish_files(side, files, format_name, correcting=kept.origin)
    versions = (await side.outbox.known([kept.origin]))[kept.origin]
    if versions[-1].record_id == kept.record_id:
        raise WithdrawalError(SAME)
    return report, await _withdraw(side, kept, why, day, MARK)


async def _own(side: AgencySide, name: str) -> Kept:
    found = await side.outbox.beginning(name) if name else []
    if not found:
        raise WithdrawalError(NO_RECORD)
    if len(found) > 1:
        raise WithdrawalError(SEVERAL)
    if _opened(side, found[0])[1].type in {RETRACTION, RECEIPT, ANSWER}:
        raise WithdrawalError(NO_SUBJECT)
    return found[0]


def _opened(side: AgencySide, kept: Kept) -> tuple[Envelope, Known]:
    envelope = decode_envelope(side.opener.open(kept.own, side.own_way))
    return envelope, own_record(side, envelope)


def _found(side: AgencySide, why: Why) -> int:
    today = side.clock.now() // DAY
    if why.found is None:
        return today
    if not 0 <= why.found <= today:
        raise WithdrawalError(TOO_EARLY)
    return why.found


async def _is_withdrawn(side: AgencySide, kept: Kept) -> bool:
    await send_waiting(side)  # what a dead process has kept and not sent
    origin = Origin(SYSTEM, WITHDRAWN + kept.record_id.hex())
    return bool(await side.outbox.known([origin]))


async def _withdraw(side: AgencySide, kept: Kept, why: Why, day: int, tell: str) -> Retraction:
    if await _is_withdrawn(side, kept):
        raise WithdrawalError(TAKEN_BEFORE)
    main = {"reason": why.reason.value, "on": day, "role": why.role, "tell": tell}
    statement = Statement(
        RETRACTION,
        VERSION,
        Kind.RETRACTION,
        SYSTEM,
        WITHDRAWN + kept.record_id.hex(),
        "1",
        Labels(RETRACTION, subject="record", concerns=kept.record_id),
        Identifiers(),
        side.contact(),
        {RETRACTION: main, "note": why.note},
    )
    # By the lane of what it takes back, and behind it: a router must not meet it first.
    urgent = kept.message.topic.startswith("urgent.")
    draft = Draft(statement, kept.record_id.hex(), urgent=urgent)
    at = side.clock.now()
    (planned,) = await publish_drafts(side, [draft], kept.message.key)
    retraction = planned.prepared.record_id
    return Retraction(
        retraction, kept.record_id, why.reason.value, tell, day, why.role, why.note, at
    )


def _retraction(envelope: Envelope, known: Known) -> Retraction:
    main = known.part(RETRACTION)
    return Retraction(
        envelope.head.record_id,
        RecordId(bytes.fromhex(known.concerns)),
        main.get("reason"),
        main.get("tell", ""),
        main.get("on"),
        main.get("role", ""),
        known.content.get("note") if main else None,
        Instant(envelope.head.issued_at),
    )


async def followed(side: AgencySide) -> list[Followed]:
    """Return every retraction of this agency, oldest first, with who has un-filed the record."""
    items = await inbox(side)
    holding = recipients(items, content_here(side))
    named = {one.record_id: one for one in await side.outbox.from_system(SYSTEM, WITHDRAWN)}
    for record_id in holding:
        # Taken back without a reason, by an agency's own program: the outbox knows it as well.
        kept = await side.outbox.find(record_id)
        if kept is not None:
            named.setdefault(record_id, kept)
    found = []
    for record_id, kept in named.items():
        retraction = _retraction(*_opened(side, kept))
        former = await side.outbox.find(retraction.concerns)
        of_type = "" if former is None else _opened(side, former)[1].type
        found.append(Followed(retraction, of_type, holding.get(record_id, ())))
    return sorted(found, key=lambda one: (one.retraction.issued, one.retraction.id))


# ------------------------------------------------------------------ at a recipient


def content_here(side: AgencySide) -> Content:
    """Return what decodes the open slots of a record that this agency got."""
    return partial(content_of, side)


def withdrawn_here(side: AgencySide, items: Sequence[Item]) -> dict[DeliveryId, Withdrawal]:
    """Return which deliveries of an inbox hold a record that was taken back, and by what."""
    return withdrawn(items, content_here(side))


def withdrawal_here(side: AgencySide, item: Item) -> Withdrawal | None:
    """Return the retraction that a delivery is; None if it is none."""
    return withdrawal_of(item, content_here(side))


async def unfile(side: AgencySide, name: str, role: str, note: str | None = None) -> Withdrawal:
    """Note that what was taken back is un-filed, and tell its source.

    Named is the retraction's delivery, or one of the record itself. Where the source wants it
    destroyed, what the inbox holds of the record goes as well: before the source is told so.

    Raises:
        InboxError: none, or several, are named; nobody has taken it back; or it is un-filed.
    """
    items = await inbox(side)
    item = find(items, name, "delivery")
    by_record = withdrawn_here(side, items)
    found = withdrawal_here(side, item) or by_record.get(item.row.id)
    if found is None:
        raise InboxError(NOT_WITHDRAWN)
    if found.unfiled is not None:
        raise InboxError(UNFILED)
    if found.tell == DESTROY:
        consumer = found.item.row.told.consumer
        held = [one for one in items if one.row.told.consumer == consumer]
        await _destroy(side, [one for one in held if by_record.get(one.row.id) == found])
    await publish_drafts(side, [_unfiled(side, found, role, note)])
    at = side.clock.now()
    taken = found.item.done.acknowledged or at
    done = replace(found.item.done, unfiled=at, acknowledged=taken)
    item = replace(found.item, done=done)
    await note_done(side, [item])
    return replace(found, item=item)


async def _destroy(side: AgencySide, items: Sequence[Item]) -> None:
    rows = []
    for one in items:
        record = one.row.record
        if record is not None:
            row = replace(one.row, minimised=record.closed(side.partnership))
            rows.append(Message(INBOX, row.id, side.seal_row(row.encode())))
    if rows:
        await side.own.publish(rows)


def _unfiled(side: AgencySide, one: Withdrawal, role: str, note: str | None) -> Draft:
    row = one.item.row
    record = row.record
    record_id = RecordId(bytes(16)) if record is None else record.head.record_id
    delivery = row.id.hex()
    happened = _receipt(side, one.source, record_id, role, note) | {
        "delivery_id": row.id,
        "event": "acknowledged",
        "consumer": row.told.consumer,
        "unfiled": DONE[one.tell],
    }
    return Draft(_receipt_of(side, f"{delivery}/unfiled", record_id, happened), delivery)


def _receipt(
    side: AgencySide, source: str, record_id: RecordId, role: str, note: str | None
) -> dict[str, Any]:
    return {
        "delivery_id": NO_DELIVERY_ID,
        "source": source,
        "record_id": record_id,
        "event": "action",
        "action": None,
        "at": side.clock.now(),
        "role": role,
        "consumer": None,
        "unfiled": None,
        "incident": None,
        "note": note,
    }


def _receipt_of(
    side: AgencySide, named: str, record_id: RecordId, happened: dict[str, Any]
) -> Statement:
    return Statement(
        RECEIPT,
        RECEIPT_VERSION,
        Kind.RECORD,
        SYSTEM,
        named,
        "1",
        Labels(RECEIPT, subject="record", concerns=record_id),
        Identifiers(),
        side.contact(),
        {RECEIPT: happened},
    )


# ------------------------------------------------------------------ incidents


async def incidents_of(side: AgencySide) -> tuple[Incident, ...]:
    """Return every incident of this agency, from what it has signed."""
    signed = await side.outbox.from_system(SYSTEM, WITHDRAWN)
    closed = await side.outbox.from_system(SYSTEM, CLOSING)
    return incidents(
        [_retraction(*_opened(side, one)) for one in signed],
        [_closing(_opened(side, one)[1]) for one in closed],
    )


def _closing(known: Known) -> Closing:
    said = known.part(RECEIPT)
    incident = RecordId(bytes.fromhex(said["record_id"]))
    return Closing(
        incident, said["incident"], said["note"] or "", said["role"], Instant(said["at"])
    )


async def close(side: AgencySide, name: str, decision: Decided, reason: str, role: str) -> Incident:
    """Sign what was decided about an incident; the log keeps it, and nobody is told.

    Raises:
        WithdrawalError: none, or several, are named; or it was decided before.
    """
    incident = incident_named(await incidents_of(side), name)
    if incident.closing is not None:
        raise WithdrawalError(CLOSED)
    happened = _receipt(side, side.agency, incident.id, role, reason)
    happened |= {"incident": decision.value}
    statement = _receipt_of(side, CLOSING + incident.id.hex(), incident.id, happened)
    kept = await side.outbox.find(incident.id)
    key = None if kept is None else kept.message.key
    await publish_drafts(side, [Draft(statement, incident.id.hex())], key)
    closing = Closing(incident.id, decision.value, reason, role, happened["at"])
    return replace(incident, closing=closing)
