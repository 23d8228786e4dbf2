"""The access log: who got what, when, why; and whether it can be believed."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress

from broker.access_log.ports import NEWEST, Cursor, LogQuery
from broker.access_log.query import FoundPage
from broker.cli.place import layout_for
from broker.cli.show import Dir, Exit, Json, Refused, errors, reporting, say, say_json, table, when
from broker.clock import SECOND, Instant
from broker.errors import Code
from broker.runtimes import searching, verifying
from broker.runtimes.clock import SystemClock

TIME = Code(
    "usage.time",
    "This is not a time.",
    "Write a day as 2026-03-07, or a time as 2026-03-07T02:00 (UTC).",
)


def _instant(text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(TIME, "--since or --until") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Instant(int(at.timestamp()) * SECOND)


def search(
    source: Annotated[str | None, typer.Option(help="Agency that the record came from.")] = None,
    consumer: Annotated[
        str | None, typer.Option(help="Agency, or agency/desk, that was decided about.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(help="withhold, refer, existence or content.")
    ] = None,
    record_type: Annotated[str | None, typer.Option("--type", help="Record type.")] = None,
    clause: Annotated[str | None, typer.Option(help="Id of a clause.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="decision, register, receipt, task, quarantine or protocol."),
    ] = None,
    nhs_number: Annotated[
        str | None, typer.Option(help="Of the child; it is looked up as a token.")
    ] = None,
    record: Annotated[str | None, typer.Option(help="Record id, in hex.")] = None,
    since: Annotated[str | None, typer.Option(help="From this day or time on, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or time, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Entries at most.")] = 50,
    cursor: Annotated[int | None, typer.Option(help="Go on where an earlier search ended.")] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Find entries of the access log, newest first."""

    async def run() -> FoundPage:
        wanted = searching.Wanted(nhs_number=nhs_number, record=record)
        query = LogQuery(
            since=_instant(since),
            until=_instant(until),
            kind=kind,
            source=source,
            consumer=consumer,
            outcome=outcome,
            type=record_type,
            clause=clause,
        )
        place = NEWEST if cursor is None else Cursor(cursor)
        return await searching.search(layout_for(folder), query, wanted, place, limit)

    with reporting(as_json=as_json):
        page = asyncio.run(run())
    if as_json:
        say_json(
            {
                "entries": [searching.found_document(one) for one in page.found],
                "cursor": page.cursor,
                "findings": [str(one) for one in page.findings],
            }
        )
        return
    table(
        "",
        ("entry", "time", "kind", "from", "to", "about", "outcome", "clauses"),
        [
            (
                str(one.row.index),
                when(one.row.row.at),
                one.row.row.kind,
                one.row.row.source,
                one.row.row.consumer or "-",
                one.row.row.type or "-",
                one.row.row.outcome or "-",
                ", ".join(one.row.row.clauses),
            )
            for one in page.found
        ],
        "No entry meets this.",
    )
    for finding in page.findings:
        say(f"[bold]{finding}[/]")
    if page.cursor is not None:
        say(f"More: --cursor {page.cursor}")


def verify(folder: Dir = None, as_json: Json = False) -> None:
    """Derive the whole log anew from its stored bytes, and check every decision and delivery."""

    async def run() -> verifying.Verification:
        with Progress(console=errors, transient=True, disable=as_json) as bar:
            task = bar.add_task("Verifying entries", total=None)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            return await verifying.verify(layout_for(folder), SystemClock(), progress)

    with reporting(as_json=as_json):
        result = asyncio.run(run())
    if as_json:
        say_json(verification_document(result))
    else:
        for line in verification_lines(result):
            say(line)
    raise typer.Exit(Exit.DONE if result.sound else Exit.REJECTED)


def verification_document(result: verifying.Verification) -> dict[str, object]:
    """Return a verification as JSON shows it."""
    deliveries = result.deliveries
    return {
        "verified": result.sound,
        "entries": result.log.size,
        "root": result.log.root.hex(),
        "decisions_made_again": result.decisions,
        "deliveries": None if deliveries is None else deliveries.deliveries,
        "released_later": None if deliveries is None else deliveries.absent,
        "closed": result.log.closed,
        "erased": result.log.erased,
        "findings": [
            {
                "entry": one.index,
                "code": one.code.name,
                "sentence": one.code.sentence,
                "where": one.where,
                "fix": one.code.fix,
            }
            for one in result.findings
        ],
    }


def verification_lines(result: verifying.Verification) -> list[str]:
    """Return a verification as a person reads it."""
    lines = [
        f"{result.log.size} entries in the log, root {result.log.root.hex()[:16]}…",
        f"{result.decisions} decisions made again from signed labels, registers and revision",
    ]
    if result.deliveries is not None:
        lines.append(f"{result.deliveries.deliveries} deliveries stand in the log, each once")
    if result.log.closed:
        lines.append(f"{result.log.closed} entries could not be opened for want of a key")
    lines += [f"[bold]{one}[/]" for one in result.findings]
    if result.sound:
        lines.append("[bold]released ⊆ logged ⊆ allowed: verified[/]")
    else:
        lines.append("[bold]released ⊆ logged ⊆ allowed: NOT verified[/]")
    return lines
