"""The access log: whether it can be believed."""

import asyncio
from collections.abc import Iterator

import typer
from rich.markup import escape

from broker.access_log.witness import Standing
from broker.cli.place import layout_for
from broker.cli.show import Dir, Exit, Json, progress_bar, reporting, say, say_json
from broker.cli.witness import alarm_documents, alarm_lines, standing_document, standing_words
from broker.clock import MINUTE
from broker.protocol.wording import span_words
from broker.runtimes import verifying
from broker.runtimes.clock import SystemClock


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
