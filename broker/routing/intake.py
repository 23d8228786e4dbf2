"""The first half of a batch: open and check every message, and say what else must be known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from broker.access_log.looks import LOOKS, Look
from broker.clock import Instant
from broker.errors import Code
from broker.lanes import Message, Received
from broker.records.check import RECORD_PURPOSE, ROUTER, Accepted, Checker
from broker.records.digests import tag
from broker.records.errors import RecordRefused
from broker.records.names import AgencyId, Kind, RecordDigest, RecordId
from broker.records.sealing import Way
from broker.routing.holders import HOLDERS, record_prefix, subject_prefix
from broker.routing.host import Needs
from broker.routing.meaning import ALERT, ANSWER, must_mean_something, replaced_by
from broker.subjects.registers import Registers
from broker.subjects.tokens import Tokeniser, Tokens

TIME = "time"
SEEN = "seen"
HELD = "held"
PROTOCOL = "protocol"

KEY_BYTES = 8
"""Bytes of a message key."""

DIGEST_KEPT_OVER = 768 * 1024
"""Bytes of a message over which quarantine keeps its SHA-256 alone: a delivery carries 1 MiB."""


def row_key(agency: AgencyId, record_id: bytes) -> bytes:
    """Return the key of a record's rows: ids are unique within one agency only."""
    return record_id + agency.encode()


def time_cause(at: Instant) -> Received:
    """Return what stands for the message where time alone makes us decide afresh.

    Its digest names the instant, so that a verification can tell that it is this cause.
    """
    return Received(Message(TIME, bytes(8), tag("time") + at.to_bytes(8, "big")), 0, 0, at)


def owed_cause(at: Instant) -> Received:
    """Return what stands for the message where the decision point answers what it still owed."""
    return Received(Message(TIME, bytes(8), tag("owed") + at.to_bytes(8, "big")), 0, 0, at)


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
            message as it came; of one that is too large to be carried, its SHA-256.
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


@dataclass(frozen=True, slots=True)
class Looked:
    """A search of the log for a person, by whoever may search it."""

    received: Received
    look: Look


Item = Quarantined | ProtocolEntry | New | Looked


def take_in(
    messages: Sequence[Received], checker: Checker, tokeniser: Tokeniser, position: int
) -> tuple[Item, ...]:
    """Open and check every message; order is kept."""
    items: list[Item] = []
    for received in messages:
        if received.message.topic == PROTOCOL:
            items.append(ProtocolEntry(received))
            continue
        if received.message.topic == LOOKS:
            items.append(Looked(received, Look.decode(received.message.value)))
            continue
        try:
            accepted = checker.check(received, position)
            must_mean_something(accepted)
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
        return carried(message.value)


def carried(raw: bytes) -> bytes:
    """Return what quarantine keeps of a message that does not open: it, or its SHA-256."""
    return raw if len(raw) <= DIGEST_KEPT_OVER else sha256(raw).digest()


def with_key(received: Received) -> Received:
    """Return a message whose key is one: what follows from it bears the same.

    A key of another size tells who knows what; it goes no further.
    """
    if len(received.message.key) == KEY_BYTES:
        return received
    return replace(received, message=replace(received.message, key=bytes(KEY_BYTES)))


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
    alerts: list[Tokens] = []
    for item in items:
        if isinstance(item, Looked):
            seen.add(row_key(AgencyId(item.look.agency), item.look.id))
            records.add(item.look.digest)
        if not isinstance(item, New):
            continue
        head = item.accepted.envelope.head
        labels = item.accepted.labels
        agency = item.accepted.agency
        seen.add(row_key(agency, head.record_id))
        records.add(item.accepted.digest)
        held.update(row_key(agency, one) for one in replaced_by(item.accepted))
        if labels.type == ANSWER and labels.concerns is not None:
            held.add(row_key(agency, labels.concerns))
        if head.kind is Kind.RETRACTION and labels.concerns is not None:
            holders.add(record_prefix(RecordId(labels.concerns)))
        elif labels.type == ALERT:
            alerts.append(item.tokens)
    if alerts:
        tied = _tied(items, registers)
        ids = {one for tokens in alerts for _, token in tokens.strong for one in tied[token]}
        holders.update(subject_prefix(one) for one in ids)
    prefixes: dict[str, frozenset[bytes]] = {}
    if holders:
        prefixes[HOLDERS] = frozenset(holders)
    if reopens:
        prefixes[HELD] = frozenset({b""})
    rows = {topic: frozenset(keys) for topic, keys in ((SEEN, seen), (HELD, held)) if keys}
    return Needs(rows, prefixes, frozenset({HELD}), frozenset(records))


def _tied(items: Sequence[Item], registers: Registers) -> dict[bytes, set[bytes]]:
    """Return for each strong token of a batch every id that its child may have by the batch's end.

    A record of the batch may join two children before an alert about one of them is decided, or
    take back what kept records of hers from linking.
    """
    tied: dict[bytes, set[bytes]] = {}
    for item in items:
        if not isinstance(item, New):
            continue
        together = registers.tokens_near(item.tokens)
        for one in tuple(together):
            together |= tied.get(one, set())
        tied |= dict.fromkeys(together, together)
    return tied
