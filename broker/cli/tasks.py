"""What an agency's people must do, and by when."""

import asyncio
from dataclasses import asdict
from typing import Annotated, TypedDict

import typer

from broker.cli.place import at_agency, layout_for
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
from broker.runtimes.owing import figures_of
from broker.runtimes.reading import content_of

WHY = {
    "refer": "the protocol says that a person at the source must answer",
    "default-withhold": "no clause allows it, and the record carries a sign of risk: share it, "
    "or write down why sharing would be worse for the child",
}


def list_tasks(
    agency: AgencyName,
    everything: Annotated[bool, typer.Option("--all", help="Also what is answered.")] = False,
    counts: Annotated[bool, typer.Option("--figures", help="Count what was decided.")] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """List an agency's open tasks, and deliveries that nobody has acknowledged in time."""
    if counts:
        _show_figures(agency, folder, as_json=as_json)
        return

    async def run() -> tuple[list[Item], AgencySide]:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            return await receiving.inbox(side), side

    with reporting(as_json=as_json):
        items, side = asyncio.run(run())
        now = side.clock.now()
        tasks = [one for one in items if one.asks and (everything or one.done.answered is None)]
        documents = [task_document(one, now) for one in tasks]
        overdue = [
            _late_document(side, one, due, now)
            for one in items
            if one.row.told.kind == "delivery"
            and one.overdue(now)
            and (due := one.row.acknowledge_by()) is not None
        ]
    if as_json:
        say_json({"tasks": documents, "overdue": overdue})
        return
    table(
        "Tasks",
        ("task", "what", "who waits", "answer by"),
        [
            (
                one["task"][:SHOWN_HEX],
                f"record {one['record'][:SHOWN_HEX]}: {one['reason']}",
                "\n".join(one["consumers"]),
                f"{when(Instant(one['answer_by_ms']))}\n{_state(one)}".rstrip(),
            )
            for one in documents
        ],
        "No open tasks.",
        whole=("task", "answer by"),
    )
    if documents:
        say("`concordat tasks answer AGENCY TASK share|refuse --reason …` answers one.")
    table(
        "Not acknowledged in time",
        ("delivery", "desk", "due", "tell", "telephone"),
        [
            (
                one["delivery"][:SHOWN_HEX],
                one["desk"],
                when(Instant(one["due_ms"])),
                one["manager"],
                one["telephone"],
            )
            for one in overdue
        ],
        "Every delivery was acknowledged in time.",
        whole=("delivery", "due", "telephone"),
    )


def _show_figures(agency: str, folder: Dir, *, as_json: bool) -> None:
    with reporting(as_json=as_json):
        found = at_agency(agency, folder, figures_of)
    if as_json:
        say_json({"figures": [asdict(one) for one in found]})
        return
    table(
        "Decisions that people owed",
        ("why", "record type", "shared", "refused", "undecided", "of these overdue"),
        [
            (
                one.why,
                one.type,
                str(one.shared),
                str(one.refused),
                str(one.undecided),
                str(one.overdue),
            )
            for one in found
        ],
        "Nobody owed a decision.",
    )


def _state(document: "TaskDocument") -> str:
    return "OVERDUE" if document["overdue"] else document["answered"] or ""


class TaskDocument(TypedDict):
    """A task as JSON shows it: ids in hex, times as ISO 8601 says and in ms since 1970."""

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
    task, record_id = answering.task_of(item)
    return {
        "task": task.id.hex(),
        "record": record_id.hex(),
        "why": task.why,
        "reason": WHY.get(task.why, task.why),
        "consumers": list(task.consumers),
        "clauses": list(task.clauses),
        "answer_by": iso(task.deadline),
        "answer_by_ms": task.deadline,
        "overdue": item.overdue(now),
        "answered": item.done.answered,
    }


class LateDocument(TypedDict):
    """A delivery that nobody acknowledged in time, and whom to ring."""

    delivery: str
    consumer: str
    desk: str
    due: str
    due_ms: int
    manager: str
    telephone: str
    contact_at_source: object


def _late_document(side: AgencySide, item: Item, due: Instant, now: Instant) -> LateDocument:
    told = item.row.told
    desk = side.agreement.roster.desk(ConsumerId(told.consumer))
    record = item.row.record
    content = {} if record is None else content_of(side, record)
    return {
        "delivery": item.row.id.hex(),
        "consumer": told.consumer,
        "desk": told.consumer if desk is None else desk.name,
        "due": iso(due),
        "due_ms": due,
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
