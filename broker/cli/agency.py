"""What an agency does: read its inbox, acknowledge, say what it did."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape

from broker.cli.place import layout_for
from broker.cli.show import (
    SHOWN_HEX,
    AgencyName,
    Dir,
    Exit,
    Json,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.cli.withdrawn import Taken, document_of, lines_of, waits
from broker.cli.witness import (
    alarm_documents,
    alarm_lines,
    entry_document,
    entry_words,
    standing_words,
)
from broker.clock import FOREVER, Instant
from broker.receipts.inbox import Item
from broker.runtimes import answering, receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.clock import SystemClock
from broker.runtimes.reading import delivery_document, receipt_of
from broker.runtimes.withdrawing import withdrawn_here
from broker.runtimes.witnessing import Witnessed


def inbox(
    agency: AgencyName,
    delivery: Annotated[
        str | None, typer.Option("--open", help="Open one delivery, by its id or its beginning.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is acknowledged.")] = False,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Also show what a withdrawn record said.")
    ] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Receive and verify what came for an agency, and list it; or open one delivery."""

    async def run() -> tuple[receiving.ReceiveReport, list[Item], Taken, AgencySide]:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            report = await receiving.receive(side)
            items = await receiving.inbox(side)
            taken = withdrawn_here(side, items)
            if delivery is not None:
                items = [await answering.open_delivery(side, delivery)]
            return report, items, taken, side

    with reporting(as_json=as_json):
        report, items, taken, side = asyncio.run(run())
        shown = [one for one in items if one.row.told.kind == "delivery"]
        if delivery is None and not everything:
            shown = [one for one in shown if waits(one, taken)]
        seen = report.witnessed
        content = delivery is not None and (withdrawn or shown[0].row.id not in taken)
        if as_json:
            say_json(
                {
                    "received": report.received,
                    "refused": [
                        {"topic": topic, "offset": offset, "code": code}
                        for topic, offset, code in report.refused
                    ],
                    "deliveries": [
                        document_of(side, one, taken, content=content)
                        | {"witnessed": entry_document(report.witnessed, one.row.index)}
                        for one in shown
                    ],
                    "alarms": [] if seen is None else alarm_documents(seen.alarms),
                    "not_witnessed": report.not_witnessed or None,
                }
            )
        elif delivery is not None:
            for line in lines_of(side, shown[0], taken, content=content):
                say(escape(line))
            say(f"Log entry {shown[0].row.index}: {entry_words(seen, shown[0].row.index)}.")
        else:
            _show_inbox(side, report, shown, taken)
        if not as_json:
            _show_refused(report)
            _show_witnessing(report)
    raise typer.Exit(Exit.REJECTED if report.refused else Exit.DONE)


def _show_inbox(
    side: AgencySide, report: receiving.ReceiveReport, items: list[Item], taken: Taken
) -> None:
    now = side.clock.now()
    news = [one for one in items if (receipt_of(side, one)) is not None]
    deliveries = sorted(
        (one for one in items if one not in news),
        key=lambda one: (one.row.acknowledge_by() or FOREVER, one.row.index),
    )
    say(f"{report.received} new. Times are UTC.")
    table(
        "Deliveries",
        ("delivery", "what", "you get", "when"),
        [
            (
                one.row.id.hex()[:SHOWN_HEX],
                "\n".join(_delivered(side, one)),
                "\n".join(_got(one, taken, report.witnessed)),
                "\n".join(_times(one, now)),
            )
            for one in deliveries
        ],
        "No delivery waits to be acknowledged.",
        whole=("delivery", "when"),
    )
    if deliveries:
        say("`concordat inbox AGENCY --open DELIVERY` shows one, `concordat ack` takes it on.")
    _show_news(side, news)


def _show_refused(report: receiving.ReceiveReport) -> None:
    for topic, offset, code in report.refused:
        say(f"[bold]Refused[/]: {topic}, message {offset}: {sentence_of(code)[0]} \\[{code}]")
        say("  Nothing of it was taken in; tell the broker's operator and the other signatories.")


def _show_witnessing(report: receiving.ReceiveReport) -> None:
    seen = report.witnessed
    if report.not_witnessed:
        say(f"The log was not looked at as a witness: {report.not_witnessed}")
    elif seen is not None and not seen.registered:
        say("This agency has no key for witnessing: `concordat log witness AGENCY` makes one.")
    if seen is not None:
        if seen.standing.waiting is not None:
            say(standing_words(seen.standing))
        for line in alarm_lines(seen.alarms):
            say(line)


def _got(item: Item, taken: Taken, seen: Witnessed | None) -> Iterator[str]:
    told, gone = item.row.told, taken.get(item.row.id)
    yield told.outcome if gone is None else f"WITHDRAWN: {gone.reason or 'no reason given'}"
    if item.row.past_the_broker:
        yield "EMERGENCY: not logged yet"
    else:
        yield entry_words(seen, item.row.index)
    if told.clauses:  # the existence of a record is told without them
        yield f"(clause {', '.join(told.clauses)})"


def _delivered(side: AgencySide, item: Item) -> Iterator[str]:
    document = delivery_document(side, item, content=False)
    yield str(document["type"] or "a record")
    yield f"from {document['source']}"
    if item.row.told.desk:
        yield f"for desk {item.row.told.desk}"


def _times(item: Item, now: Instant) -> Iterator[str]:
    yield f"came {when(item.row.at)}"
    due, taken = item.row.acknowledge_by(), item.done.acknowledged
    if item.done.unfiled is not None:
        yield f"done {when(item.done.unfiled)}"
    elif taken is not None and not item.takes_back:
        yield f"ack. {when(taken)}"
    elif due is not None:
        yield f"by   {when(due)}"
        if item.overdue(now):
            yield "     OVERDUE"


def _show_news(side: AgencySide, items: list[Item]) -> None:
    if not items:
        return
    table(
        "What became of what you sent",
        ("delivery", "record", "who", "what"),
        [
            (
                one.row.id.hex()[:SHOWN_HEX],
                said["record_id"][:SHOWN_HEX],
                "" if one.row.record is None else one.row.record.head.agency,
                f"{_done(said)} by {said['role']}, {when(said['at'])}",
            )
            for one in items
            if (said := receipt_of(side, one)) is not None
        ],
        whole=("delivery", "record"),
    )


def _done(said: dict[str, Any]) -> str:
    return str(said.get("unfiled") or said["action"] or said["event"])


def ack(
    agency: AgencyName,
    delivery: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="A delivery's id, its beginning, or `all`.")
    ],
    role: Annotated[str, typer.Option(help="Role of the person who takes it on.")] = "duty officer",
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Acknowledge a delivery: somebody has taken it on. Its sender hears of it."""

    async def run() -> list[Item]:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            return await answering.acknowledge(side, delivery, role)

    with reporting(as_json=as_json):
        items = asyncio.run(run())
    if as_json:
        say_json({"acknowledged": [one.row.id.hex() for one in items]})
    else:
        say(f"{len(items)} acknowledged; the senders will hear of it.")


def action(
    agency: AgencyName,
    delivery: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="A delivery's id, or its beginning.")
    ],
    taken: Annotated[answering.Action, typer.Argument(metavar="ACTION", help="What was done.")],
    role: Annotated[str, typer.Option(help="Role of the person who did it.")] = "duty officer",
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Say what was done about a delivery. Its sender hears of it."""

    async def run() -> Item:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            await receiving.receive(side)
            return await answering.act(side, delivery, taken, role)

    with reporting(as_json=as_json):
        item = asyncio.run(run())
    if as_json:
        say_json(
            {
                "delivery": item.row.id.hex(),
                "actions": [{"action": code, "at": iso(at)} for code, at in item.done.actions],
            }
        )
    else:
        say(f"Noted: {taken.value}. The sender will hear of it.")
