"""What an agency's people say back: opened, acknowledged, action taken, tasks answered, retries.

Each is a signed record of the agency like any other: it goes through the outbox, is checked, logged
and released by a clause to the sender of what it is about.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from adapters.format import Draft
from broker.access_log.parts import ToldTask
from broker.clock import Instant
from broker.receipts.errors import (
    AMBIGUOUS,
    ANSWERED,
    NO_DELIVERY,
    NOT_SENT,
    SENT_AGAIN,
    InboxError,
)
from broker.receipts.inbox import Item
from broker.records.envelope import Envelope, Minimised, decode_envelope
from broker.records.errors import RecordRefused
from broker.records.names import Kind, RecordId
from broker.records.signing import Prepared, sign
from broker.records.statement import Identifiers, Labels, Statement
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import (
    publish_drafts,
    seal_own,
    sealed_message,
    send_waiting,
)
from broker.runtimes.reading import schema_of
from broker.runtimes.receiving import inbox, note_done

RECEIPT = "receipt"
ANSWER = "answer"
VERSION = "1.0"
SYSTEM = "concordat"
ALL = "all"


class Action(StrEnum):
    """What was done for the child (Working Together to Safeguard Children)."""

    NONE = "no-further-action"
    EARLY_HELP = "early-help"
    SECTION_17 = "section-17"
    SECTION_47 = "section-47"
    STRATEGY = "strategy-discussion"


class Answer(StrEnum):
    """What a person at the source decided about a task."""

    SHARE = "share"
    REFUSE = "refuse"


def find(items: Sequence[Item], name: str, kind: str) -> Item:
    """Return the item of a kind whose id begins with `name`; a task by its task id too.

    Raises:
        InboxError: none, or several.
    """
    wanted = name.lower()
    found = [
        one
        for one in items
        if one.row.told.kind == kind
        and (one.row.id.hex().startswith(wanted) or _task_hex(one).startswith(wanted))
    ]
    if not found or not wanted:
        raise InboxError(NO_DELIVERY)
    if len(found) > 1:
        raise InboxError(AMBIGUOUS, f"{len(found)} of them")
    return found[0]


def _record_of(item: Item) -> Minimised:
    record = item.row.record
    if record is None:  # of quarantined messages only, and nobody answers those so
        raise InboxError(NO_DELIVERY)
    return record


def task_of(item: Item) -> tuple[ToldTask, bytes]:
    """Return a task, and the id of the record that it is about.

    Raises:
        InboxError: it is none.
    """
    task = item.row.told.task
    if task is None:
        raise InboxError(NO_DELIVERY)
    return task, _record_of(item).head.record_id


def _task_hex(item: Item) -> str:
    task = item.row.told.task
    return "-" if task is None else task.id.hex()


async def open_delivery(side: AgencySide, name: str) -> Item:
    """Open a delivery; the first time, its sender hears of it.

    Raises:
        InboxError: none, or several, are named.
    """
    item = find(await inbox(side), name, "delivery")
    if item.done.opened is None:
        item = item.opened(side.clock.now())
        await note_done(side, [item])
        if _owes_receipt(side, item):
            await publish_drafts(side, [_receipt(side, item, "opened", None, "reader")])
    return item


async def acknowledge(side: AgencySide, name: str, role: str) -> list[Item]:
    """Acknowledge one delivery, or with `all` every one that is not acknowledged.

    Raises:
        InboxError: none, or several, are named.
    """
    items = await inbox(side)
    if name == ALL:
        wanted = [
            one
            for one in items
            if one.row.told.kind == "delivery" and one.done.acknowledged is None
        ]
    else:
        wanted = [find(items, name, "delivery")]
    at = side.clock.now()
    taken = [
        replace(one, done=replace(one.done, acknowledged=one.done.acknowledged or at))
        for one in wanted
    ]
    drafts = [
        _receipt(side, one, "acknowledged", None, role) for one in taken if _owes_receipt(side, one)
    ]
    await publish_drafts(side, drafts)
    await note_done(side, taken)
    return taken


def _owes_receipt(side: AgencySide, item: Item) -> bool:
    """Tell whether a receipt is owed: none for a receipt itself, or it would never end."""
    schema = schema_of(side, _record_of(item))
    return schema is None or schema.type != RECEIPT


async def act(side: AgencySide, name: str, taken: Action, role: str) -> Item:
    """Note an action taken about a delivery, and tell its sender.

    Raises:
        InboxError: none, or several, are named.
    """
    item = find(await inbox(side), name, "delivery")
    at = side.clock.now()
    actions = (*item.done.actions, (taken.value, at))
    acknowledged = item.done.acknowledged or at
    item = replace(item, done=replace(item.done, actions=actions, acknowledged=acknowledged))
    await publish_drafts(side, [_receipt(side, item, "action", taken.value, role)])
    await note_done(side, [item])
    return item


def _receipt(side: AgencySide, item: Item, event: str, action: str | None, role: str) -> Draft:
    record = _record_of(item)
    delivery = item.row.id.hex()
    statement = Statement(
        RECEIPT,
        VERSION,
        Kind.RECORD,
        SYSTEM,
        f"{delivery}/{event}/{action or ''}/{len(item.done.actions)}",
        "1",
        Labels(RECEIPT, subject="record", concerns=record.head.record_id),
        Identifiers(),
        side.contact(item.row.told.desk),
        {
            "receipt": {
                "delivery_id": item.row.id,
                "source": record.head.agency,
                "record_id": record.head.record_id,
                "event": event,
                "action": action,
                "at": side.clock.now(),
                "role": role,
            }
        },
    )
    return Draft(statement, delivery)


async def answer_task(side: AgencySide, name: str, answer: Answer, reason: str, role: str) -> Item:
    """Answer a task: share, or refuse with the reason why that is better for the child.

    Raises:
        InboxError: none, or several, are named; or it was answered before.
    """
    item = find([one for one in await inbox(side) if one.asks], name, "task")
    task, record_id = task_of(item)
    if item.done.answered is not None:
        raise InboxError(ANSWERED)
    at = side.clock.now()
    statement = Statement(
        ANSWER,
        VERSION,
        Kind.RECORD,
        SYSTEM,
        f"answer/{task.id.hex()}",
        "1",
        Labels(ANSWER, subject="record", concerns=record_id, answer=answer.value),
        Identifiers(),
        side.contact(),
        {
            "answer": {
                "task": task.id,
                "record_id": record_id,
                "answer": answer.value,
                "reason": reason,
                "role": role,
                "at": at,
            }
        },
    )
    kept = await side.outbox.find(RecordId(record_id))
    key = None if kept is None else kept.message.key
    await publish_drafts(side, [Draft(statement, task.id.hex())], key)
    item = replace(item, done=replace(item.done, answered=answer.value, acknowledged=at))
    await note_done(side, [item])
    return item


def quarantined_envelope(item: Item) -> Envelope | None:
    """Return the envelope of a quarantined message, None if it did not open or is none."""
    try:
        return decode_envelope(item.row.minimised)
    except RecordRefused:
        return None


async def retry(side: AgencySide, name: str) -> RecordId:
    """Sign and seal a quarantined record anew, under the same id, and publish it.

    What the agency once signed is taken from its own outbox, never from the quarantined message.

    Raises:
        InboxError: none, or several, are named; it was sent again before; or this agency's outbox
            never sent it.
    """
    item = find(await inbox(side), name, "quarantine")
    if item.done.retried is not None:
        raise InboxError(SENT_AGAIN)
    return await _send_again(side, item)


async def retry_all(side: AgencySide, code: str) -> tuple[list[RecordId], int]:
    """Sign and send anew what is in quarantine for one reason and was not sent again yet.

    Returns:
        The records, and how many messages this agency's outbox never sent.
    """
    records: list[RecordId] = []
    strangers = 0
    for item in await inbox(side):
        told, retried = item.row.told, item.done.retried
        if told.kind != "quarantine" or told.code != code or retried is not None:
            continue
        try:
            records.append(await _send_again(side, item))
        except InboxError:
            strangers += 1
    return records, strangers


async def _send_again(side: AgencySide, item: Item) -> RecordId:
    envelope = quarantined_envelope(item)
    if envelope is None:
        kept = await side.outbox.sent_as(item.row.minimised)
    else:
        kept = await side.outbox.find(envelope.head.record_id)
    if kept is None:
        raise InboxError(NOT_SENT)
    own = decode_envelope(side.opener.open(kept.own, side.own_way))
    anew = sign_again(side, own)
    message = sealed_message(side, anew, kept.message.topic, kept.message.key)
    await side.outbox.renew(kept.record_id, message, seal_own(side, anew))
    await send_waiting(side)
    done = replace(item.done, retried=side.clock.now())
    await note_done(side, [replace(item, done=done)])
    return kept.record_id


def sign_again(side: AgencySide, envelope: Envelope) -> Envelope:
    """Return the same values under the same id, with fresh salts, time and signature."""
    head = envelope.head
    statement = Statement("", "", head.kind, "", "", None, Labels(""), Identifiers(), None)
    values = tuple(slot.value for slot in envelope.slots)
    prepared = Prepared(statement, values, head.record_id, "", head.supersedes)
    (signed,) = sign([prepared], side.signer, Instant(side.clock.now()))
    return signed
