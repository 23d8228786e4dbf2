"""Searching the access log: who got what, when, why."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from broker.access_log.ports import FIND_LIMIT, LogQuery
from broker.access_log.query import Found, FoundPage
from broker.cli.place import layout_for
from broker.cli.show import (
    Dir,
    Exit,
    Json,
    Refused,
    iso,
    reporting,
    say,
    say_json,
    table,
    when,
)
from broker.clock import DAY, SECOND, Instant
from broker.errors import Code
from broker.protocol.decisions import Outcome
from broker.runtimes import looking, searching
from broker.runtimes.clock import SystemClock
from broker.runtimes.exporting import Plain, export
from broker.runtimes.layout import Layout

TIME = Code(
    "usage.time",
    "This is not a time.",
    "Write a day as 2026-03-07, or a time as 2026-03-07T02:00 (UTC).",
)

COLUMNS = (
    "entry",
    "at",
    "kind",
    "source",
    "consumer",
    "type",
    "outcome",
    "clauses",
    "slots",
    "reasons",
    "narrowings",
    "code",
    "revision",
    "protocol_position",
    "delivery",
    "record_digest",
)
"""Columns of an export, in order."""


class Kind(StrEnum):
    """What an entry is about."""

    DECISION = "decision"
    REGISTER = "register"
    RECEIPT = "receipt"
    TASK = "task"
    QUARANTINE = "quarantine"
    PROTOCOL = "protocol"
    LOOK = "look"


As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="AGENCY",
        show_default=False,
        help="As this agency's auditor, who sees entries that name it; else as the independent"
        " scrutineer, who sees all.",
    ),
]
Role = Annotated[str, typer.Option(help="Role of the person who looks: it is logged.")]
Because = Annotated[
    str | None, typer.Option(help="Why a person is searched for: it is logged, sealed.")
]
From = Annotated[
    str | None, typer.Option("--from", "--since", help="From this day or time on, UTC.")
]
Until = Annotated[str | None, typer.Option(help="Before this day or time, UTC.")]
To = Annotated[str | None, typer.Option(help="Up to this day, the day itself included, UTC.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write all that is found into a file: .csv or .jsonl.",
    ),
]


def instant_of(option: str, text: str | None) -> Instant | None:
    """Return the instant that an option names.

    Raises:
        Refused: `usage.time`.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(TIME, option) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Instant(int(at.timestamp()) * SECOND)


def end_of(until: str | None, to: str | None) -> Instant | None:
    """Return the instant before which entries are wanted: the earlier of two ways to say it.

    Raises:
        Refused: `usage.time`.
    """
    before = instant_of("--until", until)
    if to is None:
        return before
    try:
        day = date.fromisoformat(to).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError as error:
        raise Refused(TIME, "--to") from error
    after = Instant((day + 1) * DAY)
    return after if before is None else min(before, after)


def search(
    agency: Annotated[
        str | None, typer.Option(help="Agency that the record came from, or was decided about.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Agency that the record came from.")] = None,
    consumer: Annotated[
        str | None, typer.Option(help="Agency, or agency/desk, that was decided about.")
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="What they got.")] = None,
    record_type: Annotated[str | None, typer.Option("--type", help="Record type.")] = None,
    clause: Annotated[str | None, typer.Option(help="Id of a clause.")] = None,
    revision: Annotated[
        str | None, typer.Option(help="Digest of the revision that decided, or its beginning.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="What the entry is about.")] = None,
    nhs_number: Annotated[
        str | None,
        typer.Option(help="Of the child; records that name her by another identifier are found."),
    ] = None,
    record: Annotated[
        str | None, typer.Option(help="Record id or digest in hex, or its beginning.")
    ] = None,
    since: From = None,
    until: Until = None,
    to: To = None,
    as_agency: As = "",
    role: Role = "auditor",
    because: Because = None,
    limit: Annotated[int, typer.Option(min=1, max=FIND_LIMIT, help="Entries at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where a search ended, as it said.")] = None,
    output: Output = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Find entries of the access log, newest first."""
    with reporting(as_json=as_json):
        query = LogQuery(
            since=instant_of("--from", since),
            until=end_of(until, to),
            kind=kind,
            source=source,
            consumer=consumer,
            outcome=outcome,
            type=record_type,
            clause=clause,
            party=agency,
        )
        wanted = searching.Wanted(nhs_number=nhs_number, record=record, revision=revision)
        looker = looking.Looker(as_agency, role)
        asked = looking.Asked(query, wanted, looker, because)
        layout = layout_for(folder)
        if output is not None:
            _report_export(asyncio.run(_export(layout, asked, output)), output, as_json=as_json)
            raise typer.Exit(Exit.DONE)
        page, place = asyncio.run(looking.look(layout, SystemClock(), asked, cursor, limit))
    if as_json:
        say_json(page_document(page, place))
    else:
        _show_page(page, place)
    raise typer.Exit(Exit.REJECTED if page.findings else Exit.DONE)


async def _export(layout: Layout, asked: looking.Asked, path: Path) -> int:
    rows = 0
    found: AsyncIterator[Found] = looking.every(layout, SystemClock(), asked)
    with export(path, COLUMNS) as write:
        async for one in found:
            write(_exported(one))
            rows += 1
    return rows


def _exported(one: Found) -> Plain:
    document = searching.found_document(one)
    return {**document, "at": iso(document["at_ms"])}


def _report_export(rows: int, path: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"file": str(path), "rows": rows})
    else:
        say(f"{rows} rows written to {escape(str(path))}.")


def page_document(page: FoundPage, place: str | None) -> dict[str, object]:
    """Return what a search has found as JSON shows it."""
    return {
        "entries": [searching.found_document(one) for one in page.found],
        "cursor": place,
        "findings": [str(one) for one in page.findings],
    }


def _show_page(page: FoundPage, place: str | None) -> None:
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
    if place is not None:
        say(f"There is more: go on with --cursor {place}")


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
