"""The access log: who got what, when, why; and whether it can be believed."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from broker.access_log.ports import FIND_LIMIT, NEWEST, Cursor, LogQuery
from broker.access_log.query import Found, FoundPage
from broker.access_log.witness import Standing
from broker.cli.place import layout_for
from broker.cli.show import (
    Dir,
    Exit,
    Json,
    Refused,
    progress_bar,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.cli.witness import alarm_documents, alarm_lines, standing_document, standing_words
from broker.clock import MINUTE, SECOND, Instant
from broker.errors import Code
from broker.protocol.decisions import Outcome
from broker.protocol.wording import span_words
from broker.runtimes import explaining, searching, verifying
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout

TIME = Code(
    "usage.time",
    "This is not a time.",
    "Write a day as 2026-03-07, or a time as 2026-03-07T02:00 (UTC).",
)


class Kind(StrEnum):
    """What an entry is about."""

    DECISION = "decision"
    REGISTER = "register"
    RECEIPT = "receipt"
    TASK = "task"
    QUARANTINE = "quarantine"
    PROTOCOL = "protocol"


def _instant(option: str, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(TIME, option) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Instant(int(at.timestamp()) * SECOND)


def search(
    source: Annotated[str | None, typer.Option(help="Agency that the record came from.")] = None,
    consumer: Annotated[
        str | None, typer.Option(help="Agency, or agency/desk, that was decided about.")
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="What they got.")] = None,
    record_type: Annotated[str | None, typer.Option("--type", help="Record type.")] = None,
    clause: Annotated[str | None, typer.Option(help="Id of a clause.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What the entry is about.")] = None,
    nhs_number: Annotated[
        str | None,
        typer.Option(help="Of the child; records that name her by another identifier are found."),
    ] = None,
    record: Annotated[
        str | None, typer.Option(help="Record id or digest in hex, or its beginning.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From this day or time on, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or time, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=FIND_LIMIT, help="Entries at most.")] = 50,
    cursor: Annotated[
        int, typer.Option(min=0, max=NEWEST, show_default=False, help="Where a search ended.")
    ] = NEWEST,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Find entries of the access log, newest first."""
    with reporting(as_json=as_json):
        query = LogQuery(
            since=_instant("--since", since),
            until=_instant("--until", until),
            kind=kind,
            source=source,
            consumer=consumer,
            outcome=outcome,
            type=record_type,
            clause=clause,
        )
        wanted = searching.Wanted(nhs_number=nhs_number, record=record)
        page = asyncio.run(_search(layout_for(folder), query, wanted, Cursor(cursor), limit))
    if as_json:
        say_json(page_document(page))
    else:
        _show_page(page)
    raise typer.Exit(Exit.REJECTED if page.findings else Exit.DONE)


async def _search(
    layout: Layout, query: LogQuery, wanted: searching.Wanted, cursor: Cursor, limit: int
) -> FoundPage:
    clock = SystemClock()
    searching.check_query(query, await explaining.published(layout, clock), clock.now())
    return await searching.search(layout, query, wanted, cursor, limit)


def page_document(page: FoundPage) -> dict[str, object]:
    """Return what a search has found as JSON shows it."""
    return {
        "entries": [searching.found_document(one) for one in page.found],
        "cursor": page.cursor,
        "findings": [str(one) for one in page.findings],
    }


def _show_page(page: FoundPage) -> None:
    table(
        "",
        ("entry", "time (UTC)", "from, to", "what", "clauses"),
        [
            (
                str(one.row.index),
                when(one.row.row.at),
                _parties(one),
                "\n".join(_what(one)),
                ", ".join(one.row.row.clauses),
            )
            for one in page.found
        ],
        "No entry meets this.",
        whole=("entry", "time (UTC)"),
    )
    for finding in page.findings:
        say(f"[bold]{escape(str(finding))}[/]")
    if page.cursor is not None:
        say(f"There is more: go on with --cursor {page.cursor}.")


def _parties(found: Found) -> str:
    row = found.row.row
    source = row.source or "-"
    return f"{source}\n→ {row.consumer}" if row.consumer else source


def _what(found: Found) -> Iterator[str]:
    row, facts = found.row.row, found.entry.facts
    yield row.type or row.kind
    if row.outcome:
        yield row.outcome
    elif facts is not None and facts.code:
        yield facts.code
    elif row.type:
        yield row.kind


def verify(folder: Dir = None, as_json: Json = False) -> None:
    """Derive the whole log anew from its stored bytes, and check every decision and delivery."""

    async def run() -> verifying.Verification:
        with progress_bar(as_json=as_json) as bar:
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
        "logged_late_ms": list(result.logged_late),
        "witnessing": None if result.standing is None else standing_document(result.standing),
        "alarms": alarm_documents(result.alarms),
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


def _witness_lines(standing: Standing) -> Iterator[str]:
    yield standing_words(standing).removesuffix(".")
    sizes = {agency: one.size for agency, one in standing.cosigned.items()}
    for size in sorted({size for size in sizes.values() if size < standing.newest}, reverse=True):
        who = ", ".join(agency for agency, one in sizes.items() if one == size)
        yield f"  {escape(who)}: only {size}"


def verification_lines(result: verifying.Verification) -> list[str]:
    """Return a verification as a person reads it."""
    log, deliveries = result.log, result.deliveries
    root = f", root {log.root.hex()[:16]}…" if log.root else ""
    lines = [
        f"{log.size} entries in the log{root}",
        f"{result.decisions} decisions made again from signed labels, registers and revision",
    ]
    if deliveries is not None:
        lines.append(f"{deliveries.deliveries} deliveries stand in the log, each once")
        if deliveries.absent:
            lines.append(
                f"{deliveries.absent} deliveries are not on their topics: "
                "not released yet, or deleted since"
            )
    if result.standing is not None:
        lines += _witness_lines(result.standing)
    lines += alarm_lines(result.alarms)
    if late := result.logged_late:
        words = "1 record was" if len(late) == 1 else f"{len(late)} records were"
        longest = span_words(-(-max(late) // MINUTE) * MINUTE)
        lines.append(f"{words} sent past the broker, in an emergency; logged late by {longest}")
    if log.erased:
        lines.append(f"{log.erased} entries are about records that were erased")
    if log.closed:
        lines.append(f"{log.closed} entries could not be opened for want of a key")
    lines += [f"[bold]Wrong[/]: {escape(str(one))}" for one in result.findings]
    if result.sound:
        lines.append("[bold]released ⊆ logged ⊆ allowed: verified[/]")
    else:
        lines.append("[bold]released ⊆ logged ⊆ allowed: NOT verified[/]")
    return lines
