"""What an agency does: publish its files, read its inbox, acknowledge, say what it did."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from broker.cli.place import layout_for
from broker.cli.show import (
    AgencyName,
    Dir,
    Exit,
    Json,
    errors,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.receipts.inbox import Item
from broker.runtimes import answering, publishing, receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.publishing import PublishReport
from broker.runtimes.reading import delivery_document, readable


def publish(
    agency: AgencyName,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Exports to publish.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="Name the format instead of recognising it.")
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Read an agency's own files, sign what its publication rule lets out, and publish it."""

    async def run() -> PublishReport:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            with Progress(console=errors, transient=True, disable=as_json) as bar:
                task = bar.add_task("Reading files", total=len(files))

                def progress(_what: str, done: int, total: int) -> None:
                    bar.update(task, completed=done, total=total)

                return await publishing.publish_files(side, files, format_name, progress)

    with reporting(as_json=as_json):
        report = asyncio.run(run())
    if as_json:
        say_json(publish_document(report))
    else:
        show_publish(report)
    raise typer.Exit(Exit.DONE if report.clean else Exit.REJECTED)


def publish_document(report: PublishReport) -> dict[str, object]:
    """Return a publish report as JSON shows it."""
    rejected = [
        {
            "file": account.file,
            "item": one.item,
            "field": one.field,
            "code": one.code,
            "reason": one.reason,
            "fix": one.fix,
        }
        for account in report.files
        for one in account.rejected
    ]
    rejected += [
        {
            "file": file,
            "item": one.item,
            "field": one.field,
            "code": one.code,
            "reason": one.reason,
            "fix": one.fix,
        }
        for file, one in report.refused
    ]
    return {
        "read": sum(one.read for one in report.files),
        "mapped": sum(one.mapped for one in report.files),
        "rejected": rejected,
        "context": sum(one.context for one in report.files),
        "records": sum(one.records for one in report.files),
        "published": [
            {"file": one.file, "item": one.item, "record": one.record_id.hex(), "type": one.type}
            for one in report.published
        ],
        "already": report.already,
        "kept_back": [
            {"file": one.file, "item": one.item, "rule": one.rule, "text": one.text}
            for one in report.kept_back
        ],
        "warnings": [
            {
                "file": account.file,
                "item": one.item,
                "field": one.field,
                "code": one.code,
                "reason": one.reason,
                "fix": one.fix,
            }
            for account in report.files
            for one in account.warnings
        ],
        "files": [
            {
                "file": one.file,
                "format": one.format,
                "read": one.read,
                "mapped": one.mapped,
                "rejected": len(one.rejected),
                "context": one.context,
                "not_mapped": list(one.unmapped),
            }
            for one in report.files
        ],
    }


def show_publish(report: PublishReport) -> None:
    """Show a publish report to a person."""
    table(
        "",
        ("file", "format", "read", "mapped", "rejected", "context", "not mapped"),
        [
            (
                one.file,
                one.format or "-",
                str(one.read),
                str(one.mapped),
                str(len(one.rejected)),
                str(one.context),
                ", ".join(one.unmapped) or "-",
            )
            for one in report.files
        ],
    )
    say(
        f"{len(report.published)} records published, {report.already} were there already, "
        f"{len(report.kept_back)} kept back by the publication rule."
    )
    reasons: dict[tuple[str, str], int] = {}
    for one in report.kept_back:
        reasons[one.rule, one.text] = reasons.get((one.rule, one.text), 0) + 1
    for (rule, text), number in sorted(reasons.items()):
        say(f"  {number} kept back by {rule}: {text}")
    wrong = [(account.file, one) for account in report.files for one in account.rejected]
    for file, one_wrong in [*wrong, *report.refused]:
        say(f"[bold]{file}[/], {one_wrong.item}, {one_wrong.field}: {one_wrong.reason}")
        say(f"  What to do: {one_wrong.fix} \\[{one_wrong.code}]")


def inbox(
    agency: AgencyName,
    delivery: Annotated[
        str | None, typer.Option("--open", help="Open one delivery, by its id or its beginning.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is acknowledged.")] = False,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Receive and verify what came for an agency, and list it; or open one delivery."""

    async def run() -> tuple[receiving.ReceiveReport, list[Item], AgencySide]:
        async with agency_side(layout_for(folder), agency, SystemClock()) as side:
            report = await receiving.receive(side)
            if delivery is None:
                items = await receiving.inbox(side)
            else:
                items = [await answering.open_delivery(side, delivery)]
            return report, items, side

    with reporting(as_json=as_json):
        report, items, side = asyncio.run(run())
        shown = [one for one in items if one.row.told.kind == "delivery"]
        if delivery is None and not everything:
            shown = [one for one in shown if one.done.acknowledged is None]
        if as_json:
            say_json(
                {
                    "received": report.received,
                    "refused": [
                        {"topic": topic, "offset": offset, "code": code}
                        for topic, offset, code in report.refused
                    ],
                    "deliveries": [
                        delivery_document(side, one, content=delivery is not None) for one in shown
                    ],
                }
            )
        elif delivery is not None:
            for line in readable(side, shown[0]):
                say(line)
        else:
            _show_inbox(side, report, shown)
    raise typer.Exit(Exit.REJECTED if report.refused else Exit.DONE)


def _show_inbox(side: AgencySide, report: receiving.ReceiveReport, items: list[Item]) -> None:
    say(f"{report.received} new. Not yet acknowledged:")
    rows = []
    for one in items:
        document = delivery_document(side, one, content=False)
        due = one.row.acknowledge_by()
        rows.append(
            (
                one.row.id.hex()[:12],
                when(one.row.at),
                str(document["source"]),
                str(document["type"] or "-"),
                one.row.told.outcome,
                ", ".join(one.row.told.clauses),
                one.row.told.desk or "-",
                "-" if due is None else when(due),
            )
        )
    columns = ("delivery", "came", "from", "about", "outcome", "clauses", "desk", "acknowledge by")
    table("", columns, rows, "Nothing that is not acknowledged.")
    for topic, offset, code in report.refused:
        say(f"[bold]Refused[/]: {topic}, message {offset}: {code}.")
        say("  Hand nothing over; tell the operator.")


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
