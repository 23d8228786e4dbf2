"""A delivery as people and programs read it: what came, from whom, why, and what to do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from broker.clock import SECOND, Instant
from broker.protocol.revision import Revision
from broker.receipts.inbox import Item
from broker.records.envelope import Minimised, Slot
from broker.records.names import SLOT_SCHEMA
from broker.records.schemas import RecordSchema
from broker.runtimes.agency import AgencySide

EPOCH = date(1970, 1, 1)


def schema_of(side: AgencySide, record: Minimised) -> RecordSchema | None:
    """Return the schema of a record whose slot 0 is open; None if it is not."""
    slot = record.slots[SLOT_SCHEMA]
    return side.schemas.by_digest(slot.value) if isinstance(slot, Slot) else None


def content_of(side: AgencySide, record: Minimised) -> dict[str, Any]:
    """Return the open slots by name, decoded."""
    schema = schema_of(side, record)
    head = side.schemas.head(record.head.head_version)
    content: dict[str, Any] = {}
    for number in record.opened():
        slot = record.slots[number]
        spec = head.slots.get(number) or (schema and schema.slots.get(number))
        if spec and isinstance(slot, Slot):
            content[spec.name] = plain(spec.decode(slot.value))
    return content


def receipt_of(side: AgencySide, item: Item) -> dict[str, Any] | None:
    """Return what a receipt says of what this agency sent; None for any other delivery."""
    record = item.row.record
    said: dict[str, Any] = {} if record is None else content_of(side, record)
    return said.get("receipt")


def plain(value: Any) -> Any:  # noqa: ANN401 - any decoded Avro value
    """Return a decoded value as JSON can hold it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def delivery_document(side: AgencySide, item: Item, *, content: bool) -> dict[str, Any]:
    """Return a delivery as JSON shows it."""
    row, told = item.row, item.row.told
    record = row.record
    schema = None if record is None else schema_of(side, record)
    due = row.acknowledge_by()
    document: dict[str, Any] = {
        "delivery": row.id.hex(),
        "entry": None if row.past_the_broker else row.index,
        "emergency": row.past_the_broker,
        "source": None if record is None else record.head.agency,
        "record": None if record is None else record.head.record_id.hex(),
        "type": None if schema is None else schema.type,
        "kind": None if record is None else record.head.kind.word,
        "consumer": told.consumer,
        "outcome": told.outcome,
        "clauses": list(told.clauses),
        "obligations": [{"kind": one.kind, "detail": one.detail} for one in told.obligations],
        "own_identifier": told.own_identifier,
        "concerns": [held.hex() for held in told.holds],
        "received_at_ms": row.at,
        "acknowledge_by_ms": due,
        "opened_at_ms": item.done.opened,
        "acknowledged_at_ms": item.done.acknowledged,
        "actions": [code for code, _ in item.done.actions],
    }
    if content and record is not None:
        document["content"] = content_of(side, record)
    return document


def readable(side: AgencySide, item: Item) -> Iterator[str]:
    """Yield the lines of a delivery as a person reads it."""
    row, told = item.row, item.row.told
    record = row.record
    if record is None:
        return
    revision = side.protocol.current(side.clock.now())
    schema = schema_of(side, record)
    about = "a record" if schema is None else schema.type
    yield f"{record.head.agency} sent {about} ({told.outcome})"
    if told.own_identifier is not None:
        yield f"Your own number for this child: {told.own_identifier}"
    content = content_of(side, record)
    for name in sorted(content, key=_before):
        if content[name] is not None:
            yield from lines(name, content[name])
    yield "Why you may see it:"
    for line in reasons(revision, told.clauses):
        yield f"  {line}"
    for one in told.obligations:
        yield f"You must: {one.kind} {one.detail}".rstrip()


HER_OWN = ("own_words", "voice", "wants", "wishes", "barriers", "told", "feedback")
"""Slots in which a child speaks: shown before anything else that is said of her."""

HER_PEOPLE = ("person", "post")
"""Slots that name her named professional: shown next."""


def _before(name: str) -> int:
    first = (*HER_OWN, *HER_PEOPLE)
    return first.index(name) if name in first else len(first)


def reasons(revision: Revision, clauses: tuple[str, ...]) -> Iterator[str]:
    """Yield each clause by number and title."""
    for name in clauses:
        clause = revision.clause(name)
        yield f"clause {name}" if clause is None else f"clause {name}: {clause.title}"


def lines(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - any decoded value
    """Yield a named value as a person reads it."""
    if isinstance(value, dict):
        said = {key: one for key, one in value.items() if one is not None}
        yield f"{name}: " + ", ".join(f"{key} {said_as(key, one)}" for key, one in said.items())
    else:
        yield f"{name}: {said_as(name, value)}"


_DAYS = frozenset({"from", "until", "first_day", "last_day", "on", "date", "held", "day"})
_MOST_DAYS = 200_000
_LEAST_MS = 10_000_000_000


def said_as(name: str, value: Any) -> str:  # noqa: ANN401 - any decoded value
    """Return a value as a person reads it: days and instants as dates."""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    if value >= _LEAST_MS:
        at = datetime.fromtimestamp(Instant(value) // SECOND, UTC)
        return at.strftime("%Y-%m-%d %H:%M")
    if name in _DAYS and 0 < value < _MOST_DAYS:
        return (EPOCH + timedelta(days=value)).isoformat()
    return str(value)
