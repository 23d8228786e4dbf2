"""The first half of a batch: open and check every message, and say what else must be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from broker.errors import Code
from broker.lanes import Received
from broker.records.check import RECORD_PURPOSE, ROUTER, Accepted, Checker
from broker.records.errors import VALUE, RecordRefused
from broker.records.names import FIRST_TYPE_SLOT, Kind, RecordDigest, RecordId
from broker.records.sealing import Way
from broker.routing.holders import HOLDERS, record_prefix, subject_prefix
from broker.routing.host import Needs
from broker.subjects.registers import Registers
from broker.subjects.tokens import Tokeniser, Tokens

SEEN = "seen"
HELD = "held"
PROTOCOL = "protocol"

ANSWER = "answer"
RECEIPT = "receipt"
ALERT = "alert"

BETWEEN_PEOPLE = frozenset({ANSWER, RECEIPT})
"""Record types that are about another record, not about a child: they are not linked."""

WITH_MAIN_PART = BETWEEN_PEOPLE | {ALERT, "involvement"}
"""Record types that say nothing if their first slot is empty."""

ABOUT_A_CHILD = frozenset({"child", "unborn"})


def cause_of(received: Received) -> bytes:
    """Return the digest of the message that made us decide."""
    return sha256(received.message.value).digest()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that is not accepted.

    Attributes:
        received: the message.
        code: why.
        content: what is kept of it, sealed to its source: the envelope if it opened, else the
            message as it came.
    """

    received: Received
    code: Code
    content: bytes


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """An entry of the `protocol` topic; what it says was learnt before."""

    received: Received


@dataclass(frozen=True, slots=True)
class New:
    """A record that passed the check, seen or not.

    Attributes:
        accepted: the record.
        tokens: of its subject.
    """

    accepted: Accepted
    tokens: Tokens


Item = Quarantined | ProtocolEntry | New


def take_in(
    messages: Sequence[Received], checker: Checker, tokeniser: Tokeniser, position: int
) -> tuple[Item, ...]:
    """Open and check every message; order is kept."""
    items: list[Item] = []
    for received in messages:
        if received.message.topic == PROTOCOL:
            items.append(ProtocolEntry(received))
            continue
        try:
            accepted = checker.check(received, position)
            if accepted.schema.type in WITH_MAIN_PART:
                main_part(accepted)
        except RecordRefused as error:
            items.append(Quarantined(received, error.code, _content(received, checker)))
            continue
        items.append(New(accepted, tokeniser.tokens(accepted.identifiers)))
    return tuple(items)


def _content(received: Received, checker: Checker) -> bytes:
    message = received.message
    sender = message.topic.partition(".")[2]
    try:
        way = Way(RECORD_PURPOSE, sender, ROUTER, message.topic)
        return checker.opener.open(message.value, way)
    except RecordRefused:
        return message.value


def needs_of(items: Sequence[Item], registers: Registers, *, reopens: bool) -> Needs:
    """Return what must be recalled before the items can be decided.

    Args:
        items: what was taken in.
        registers: as far as they are read.
        reopens: a protocol entry among the items lets held records be decided afresh.
    """
    seen: set[bytes] = set()
    held: set[bytes] = set()
    holders: set[bytes] = set()
    records: set[RecordDigest] = set()
    for item in items:
        if not isinstance(item, New):
            continue
        head = item.accepted.envelope.head
        labels = item.accepted.labels
        seen.add(head.record_id)
        records.add(item.accepted.digest)
        if labels.type == ANSWER and labels.concerns is not None:
            held.add(labels.concerns)
        if head.kind is Kind.RETRACTION and labels.concerns is not None:
            holders.add(record_prefix(RecordId(labels.concerns)))
        if labels.type == ALERT:
            ids = {token for _, token in item.tokens.strong}
            subject = registers.find(item.tokens).subject
            ids.update(() if subject is None else subject.ids())
            holders.update(subject_prefix(one) for one in ids)
    prefixes: dict[str, frozenset[bytes]] = {}
    if holders:
        prefixes[HOLDERS] = frozenset(holders)
    if reopens:
        prefixes[HELD] = frozenset({b""})
    rows = {topic: frozenset(keys) for topic, keys in ((SEEN, seen), (HELD, held)) if keys}
    return Needs(rows, prefixes, frozenset({HELD}), frozenset(records))


def main_part(accepted: Accepted) -> dict[str, Any]:
    """Return the first slot of a record's type, which some types cannot do without.

    Raises:
        RecordRefused: `record.value`; the slot is empty.
    """
    spec = accepted.schema.slots[FIRST_TYPE_SLOT]
    value = spec.decode(accepted.envelope.slots[FIRST_TYPE_SLOT].value)
    if not isinstance(value, dict):
        raise RecordRefused(VALUE, f"slot {spec.name}")
    return value
