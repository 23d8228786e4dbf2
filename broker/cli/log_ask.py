"""Saved questions to the access log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from broker.cli.log_search import As, From, Output, To, Until, end_of, instant_of
from broker.cli.place import layout_for
from broker.cli.show import (
    SHOWN_HEX,
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
from broker.clock import Instant
from broker.receipts.saved import Line
from broker.runtimes.clock import SystemClock
from broker.runtimes.exporting import export
from broker.runtimes.looking import Looker
from broker.runtimes.saved import PERIOD, QUESTIONS, Period
from broker.runtimes.saved import ask as ask_log

HEADINGS = {
    "at_ms": "time (UTC)",
    "due_ms": "due",
    "acknowledged_ms": "taken on",
    "day_ms": "day",
    "source": "from, to, what",
}
HEX = frozenset({"delivery", "record_id"})
WHOLE = ("entry", "time (UTC)", "due", "taken on", "day")


def ask(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Of a question; without one, all are listed."),
    ] = None,
    since: From = None,
    until: Until = None,
    to: To = None,
    as_agency: As = "",
    output: Output = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Ask the log a saved question; by default about the last 30 days."""
    if name is None:
        _list(as_json=as_json)
        raise typer.Exit(Exit.DONE)
    with reporting(as_json=as_json):
        clock = SystemClock()
        now = clock.now()
        end = end_of(until, to)
        begin = instant_of("--from", since)
        last = Instant(now + 1) if end is None else end
        period = Period(
            Instant(max(0, last - PERIOD)) if begin is None else begin,
            last,
            Looker(as_agency),
            now,
        )
        lines = asyncio.run(ask_log(layout_for(folder), clock, name, period))
        if output is not None:
            _export(name, lines, output)
    if as_json:
        document: dict[str, Any] = {"question": name, "from_ms": period.since, "until_ms": last}
        say_json({**document, "lines": list(lines), "file": output and str(output)})
    elif output is not None:
        say(f"{len(lines)} rows written to {escape(str(output))}.")
    else:
        _show(name, lines)


def _list(*, as_json: bool) -> None:
    if as_json:
        say_json({"questions": [{"name": n, "asks": q.sentence} for n, q in QUESTIONS.items()]})
    else:
        table("", ("name", "what it asks"), [(n, q.sentence) for n, q in QUESTIONS.items()], "")


def _export(name: str, lines: Sequence[Line], path: Path) -> None:
    columns = QUESTIONS[name].columns
    with export(path, [_bare(column) for column in columns]) as write:
        for line in lines:
            write({_bare(column): _timed(column, line[column]) for column in columns})


def _bare(column: str) -> str:
    return column.removesuffix("_ms")


def _timed(column: str, value: object) -> object:
    if column.endswith("_ms") and isinstance(value, int):
        return iso(Instant(value))
    return value


def _show(name: str, lines: Sequence[Line]) -> None:
    question = QUESTIONS[name]
    shown = [column for column in question.columns if column not in {"consumer", "type"}]
    say(f"[bold]{escape(question.sentence)}[/]")
    table(
        "",
        [HEADINGS.get(column, column.replace("_", " ")) for column in shown],
        [[_cell(column, line[column], line) for column in shown] for line in lines],
        "Nothing.",
        whole=WHOLE,
    )


def _cell(column: str, value: object, line: Line) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if column.endswith("_ms") and isinstance(value, int):
        at = Instant(value)
        return iso(at)[: len("2026-03-04")] if column == "day_ms" else when(at)
    if isinstance(value, list):
        return ", ".join(value)
    if column == "source":
        to = f"\n→ {line['consumer']}" if line["consumer"] else ""
        return f"{value}{to}\n{line['type']}"
    return str(value)[:SHOWN_HEX] if column in HEX else str(value)
