"""What an agency owes: its own inbox and outbox, read for `broker.receipts.duties`."""

from typing import Any

from broker.clock import Instant
from broker.receipts.duties import Duty, duties
from broker.receipts.figures import Figures, figures
from broker.receipts.inbox import Item
from broker.receipts.known import Known, Task
from broker.records.envelope import Envelope, Minimised, decode_envelope
from broker.records.head import decode_labels
from broker.records.names import SLOT_LABELS, SLOT_SCHEMA, ZERO_ID, Kind
from broker.runtimes.agency import AgencySide
from broker.runtimes.reading import content_of, plain, schema_of
from broker.runtimes.receiving import inbox


async def known_records(side: AgencySide) -> tuple[list[Known], list[Task]]:
    """Return every record that an agency has sent or received and that still stands; its tasks."""
    items = await inbox(side)
    sent = [
        decode_envelope(side.opener.open(one.own, side.own_way))
        for one in await side.outbox.every()
    ]
    known = [own_record(side, one) for one in sent if one.head.kind is not Kind.RETRACTION]
    gone = {one.head.supersedes.hex() for one in sent if one.head.supersedes != ZERO_ID}
    gone |= {found for one in sent if (found := _takes_back(side, one)) is not None}
    tasks = []
    for item in items:
        record, task = item.row.record, item.row.told.task
        if record is None:
            continue
        gone |= _gone(item, record)
        if task is not None and item.asks:
            record_id, answer = record.head.record_id.hex(), item.done.answered
            tasks.append(Task(record_id, item.row.at, task.deadline, task.why, answer))
        elif item.row.told.kind == "delivery" and record.head.kind is not Kind.RETRACTION:
            known.append(_received(side, item, record))
    return [one for one in known if one.record not in gone], tasks


async def owed(side: AgencySide) -> tuple[Duty, ...]:
    """Return an agency's duties now, what is due first coming first."""
    known, tasks = await known_records(side)
    return duties(known, tasks, side.agency, side.agreement, side.clock.now())


async def figures_of(side: AgencySide) -> tuple[Figures, ...]:
    """Return what became of the decisions that an agency's people owed."""
    known, tasks = await known_records(side)
    types = {one.record: one.type for one in known if not one.delivery}
    return figures(tasks, types, side.clock.now())


def own_record(side: AgencySide, envelope: Envelope) -> Known:
    """Return a record that this agency signed."""
    head = envelope.head
    heads = side.schemas.head(head.head_version)
    schema = side.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
    labels = decode_labels(heads, envelope.slots[SLOT_LABELS].value)
    specs = {**heads.slots, **schema.slots}
    content: dict[str, Any] = {
        spec.name: plain(spec.decode(envelope.slots[number].value))
        for number, spec in specs.items()
        if number != SLOT_LABELS
    }
    return Known(
        head.record_id.hex(),
        head.agency,
        schema.type,
        Instant(head.issued_at),
        content,
        addressed_to=labels.addressed_to,
        concerns="" if labels.concerns is None else labels.concerns.hex(),
    )


def _received(side: AgencySide, item: Item, record: Minimised) -> Known:
    row, done = item.row, item.done
    schema = schema_of(side, record)
    return Known(
        record.head.record_id.hex(),
        record.head.agency,
        "" if schema is None else schema.type,
        row.at,
        content_of(side, record),
        consumer=row.told.consumer,
        delivery=row.id.hex(),
        own_identifier=row.told.own_identifier,
        acknowledge_by=row.acknowledge_by(),
        acknowledged=done.acknowledged,
        acted=bool(done.actions),
    )


def _takes_back(side: AgencySide, envelope: Envelope) -> str | None:
    if envelope.head.kind is not Kind.RETRACTION:
        return None
    heads = side.schemas.head(envelope.head.head_version)
    concerns = decode_labels(heads, envelope.slots[SLOT_LABELS].value).concerns
    return None if concerns is None else concerns.hex()


def _gone(item: Item, record: Minimised) -> set[str]:
    former = {record.head.supersedes.hex()} if record.head.supersedes != ZERO_ID else set()
    if record.head.kind is Kind.RETRACTION:
        former |= {held.hex() for held in item.row.told.holds}
    return former
