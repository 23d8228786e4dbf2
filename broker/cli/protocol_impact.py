"""`protocol impact`: what a proposed text would have decided otherwise."""

import asyncio
from typing import Annotated

import typer
from rich.progress import TextColumn

from broker.access_log.ports import LogQuery
from broker.cli.log_search import From, To, end_of, instant_of
from broker.cli.place import layout_for
from broker.cli.protocol_review import TextArgument
from broker.cli.show import Dir, Json, progress_bar, reporting, say, say_json, table
from broker.protocol.impact import FEW, Impact
from broker.records.names import AgencyId
from broker.runtimes import explaining
from broker.runtimes.clock import SystemClock
from broker.runtimes.founding import protocol_folder, read_county
from broker.runtimes.impact import Impacts, impact_of

ROWS = 40
"""Rows shown to a person; `--json` gives all."""


def impact(
    protocol: TextArgument,
    since: From = None,
    to: To = None,
    as_agency: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="AGENCY",
            show_default=False,
            help="Count out small numbers where this agency sent or received; else nowhere.",
        ),
    ] = "",
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Decide what the log was asked by another text, too, and say what turns out otherwise."""
    clock, layout = SystemClock(), layout_for(folder)

    async def run() -> Impacts:
        after = read_county(folder=protocol_folder(protocol))
        before = (await explaining.published(layout, clock)).revisions[-1]
        at = max(clock.now(), before.agreement.in_force, after.agreement.in_force)
        span = LogQuery(since=instant_of("--from", since), until=end_of(None, to))
        with progress_bar(
            TextColumn("Reading the log: {task.completed} entries"), as_json=as_json
        ) as bar:
            task = bar.add_task("", total=None)

            def progress(read: int) -> None:
                bar.update(task, completed=read)

            return await impact_of(layout, before, after, at, span, progress)

    with reporting(as_json=as_json):
        found = asyncio.run(run())
    agency = AgencyId(as_agency) if as_agency else None
    if as_json:
        say_json(
            {
                "decisions": found.decisions,
                "erased": found.erased,
                "questions": found.questions,
                "cases": found.cases,
                "impact": [_document(one, agency) for one in found.found],
            }
        )
        return
    table(
        "",
        ("decisions", "type", "from", "to", "turns out", "parts", "clauses"),
        [_row(one, agency) for one in found.found[:ROWS]],
        "Nothing would have turned out otherwise.",
    )
    if len(found.found) > ROWS:
        say(f"{len(found.found) - ROWS} more kinds; --json tells them all.")
    say(
        f"{found.decisions} decisions of the log, {found.questions} different questions;"
        f" {found.cases} more that only decision cases ask."
    )
    if found.erased:
        say(f"{found.erased} could not be decided again: their records were erased.")
    say("Narrowings are left out. Nothing is told of what was never asked: see `protocol diff`.")


def _document(one: Impact, agency: AgencyId | None) -> dict[str, object]:
    count = one.count_for(agency)
    return {
        "decisions": count,
        "fewer_than": FEW if count is None else None,
        "type": one.type,
        "source": one.source or None,
        "consumer": one.consumer,
        "turns_out": one.turn.value,
        "shown": list(one.shown),
        "hidden": list(one.hidden),
        "before": list(one.before),
        "after": list(one.after),
    }


def _row(one: Impact, agency: AgencyId | None) -> tuple[str, ...]:
    count = one.count_for(agency)
    said = f"< {FEW}" if count is None else str(count) if count else "a case"
    parts = [
        f"{sign} {', '.join(few)}" for sign, few in (("+", one.shown), ("-", one.hidden)) if few
    ]
    clauses = f"{', '.join(one.before) or 'none'} → {', '.join(one.after) or 'none'}"
    return (
        said,
        one.type,
        one.source or "-",
        one.consumer,
        one.turn.value,
        "\n".join(parts) or "-",
        clauses,
    )
