"""What an agency's people must do, and by when."""

import asyncio
from typing import Annotated, TypedDict

import typer

from broker.cli.place import layout_for
from broker.cli.show import (
    SHOWN_HEX,
    AgencyName,
    Dir,
    Json,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.clock import Instant
from broker.receipts.inbox import Item
from broker.records.names import ConsumerId
from broker.runtimes import answering, receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.reading import content_of

WHY = {
    "refer": "the protocol says that a person at the source must answer",
    "default-withhold": "no clause allows it, and the record carries a sign of risk: share it, "
    "or write down why sharing would be worse for the child",
}


def list_tasks(
    agency: AgencyName,
    everything: Annotated[bool, typer.Option("--all", help="Also what is answered.")] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """List an agency's open tasks, and deliveries that nobody has acknowledged in time."""

    async def run() -> tuple[list[Item], AgencySide]:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            return await receiving.inbox(side), side

    with reporting(as_json=as_json):
        items, side = asyncio.run(run())
        now = side.clock.now()
        tasks = [
            one
            for one in items
            if one.row.told.task is not None and (everything or one.done.answered is None)
        ]
        late = [one for one in items if one.row.told.kind == "delivery" and one.overdue(now)]
        documents = [task_document(one, now) for one in tasks]
        overdue = [_late_document(side, one, now) for one in late]
    if as_json:
        say_json({"tasks": documents, "overdue": overdue})
        return
    table(
        "Tasks",
        ("task", "record", "why", "who waits", "answer by", ""),
        [
            (
                one["task"][:SHOWN_HEX],
                one["record"][:SHOWN_HEX],
                one["reason"],
                ", ".join(one["consumers"]),
                one["answer_by"],
                "OVERDUE" if one["overdue"] else one["answered"] or "",
            )
            for one in documents
        ],
        "No open tasks.",
        whole=("task", "record", "answer by"),
    )
    table(
        "Not acknowledged in time",
        ("delivery", "desk", "due", "tell", "telephone"),
        [
            (
                str(one["delivery"])[:SHOWN_HEX],
                str(one["desk"]),
                str(one["due"]),
                str(one["manager"]),
                str(one["telephone"]),
            )
            for one in overdue
        ],
        "Every delivery was acknowledged in time.",
        whole=("delivery", "due", "telephone"),
    )


class TaskDocument(TypedDict):
    """A task as JSON shows it: ids in hex, times as people read them and in ms since 1970."""

    task: str
    record: str
    why: str
    reason: str
    consumers: list[str]
    clauses: list[str]
    answer_by: str
    answer_by_ms: int
    overdue: bool
    answered: str | None


def task_document(item: Item, now: Instant) -> TaskDocument:
    """Return a task as JSON shows it."""
    task, record = item.row.told.task, item.row.record
    if task is None or record is None:
        message = "not a task"
        raise ValueError(message)
    return {
        "task": task.id.hex(),
        "record": record.head.record_id.hex(),
        "why": task.why,
        "reason": WHY.get(task.why, task.why),
        "consumers": list(task.consumers),
        "clauses": list(task.clauses),
        "answer_by": when(task.deadline),
        "answer_by_ms": task.deadline,
        "overdue": item.overdue(now),
        "answered": item.done.answered,
    }


def _late_document(side: AgencySide, item: Item, now: Instant) -> dict[str, object]:
    told = item.row.told
    desk = side.agreement.roster.desk(ConsumerId(told.consumer))
    due = item.row.acknowledge_by()
    record = item.row.record
    content = {} if record is None else content_of(side, record)
    return {
        "delivery": item.row.id.hex(),
        "desk": told.consumer if desk is None else desk.name,
        "due": "" if due is None else when(due),
        "due_at": None if due is None else iso(due),
        "manager": "" if desk is None else desk.manager,
        "telephone": "" if desk is None else desk.telephone_at(now),
        "contact_at_source": content.get("contact"),
    }


def answer(
    agency: AgencyName,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's id, or its beginning.")],
    decision: Annotated[answering.Answer, typer.Argument(metavar="share|refuse")],
    reason: Annotated[str, typer.Option(help="Why; it is part of the record.")],
    role: Annotated[
        str, typer.Option(help="Role of the person who decides.")
    ] = "safeguarding lead",
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Answer a task: share the record, or refuse and say why that is better for the child."""

    async def run() -> TaskDocument:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            item = await answering.answer_task(side, task, decision, reason, role)
            return task_document(item, side.clock.now())

    with reporting(as_json=as_json):
        document = asyncio.run(run())
    if as_json:
        say_json(document)
    else:
        say(f"Answered: {decision.value}. It is decided afresh with the next `concordat route`.")
