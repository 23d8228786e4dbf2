"""`log evidence` and `log verify-evidence`: what a court, an inquiry or a parent's lawyer gets."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from broker.access_log.witness import quorum_of
from broker.cli.place import layout_for
from broker.cli.show import Dir, Exit, Json, Refused, reporting, say, say_json, table, when
from broker.errors import Code
from broker.receipts.evidence_check import CheckedEntry
from broker.runtimes.clock import SystemClock
from broker.runtimes.evidence import Verdict, archive_of, verify_evidence
from broker.runtimes.evidence_page import said
from broker.runtimes.gathering import Case, gather
from broker.runtimes.layout import replace_file

NO_CASE = Code(
    "usage.evidence-case",
    "It is not said which entries are wanted.",
    "Name them with --entry, --record or --nhs-number.",
)
NO_FILE = Code(
    "usage.evidence-file",
    "The file cannot be read.",
    "Check its name, and that this user may read it.",
)


def evidence(
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the archive goes.")],
    entry: Annotated[
        list[int] | None, typer.Option(min=0, help="Place of an entry; may be said again.")
    ] = None,
    record: Annotated[
        str | None, typer.Option(help="Record id or digest in hex, or its beginning.")
    ] = None,
    nhs_number: Annotated[str | None, typer.Option(help="Of a child: all that is about her.")] = (
        None
    ),
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Write entries of the log into one file that anybody can check without this installation."""
    case = Case(tuple(sorted(set(entry or ()))), record, nhs_number)

    async def run() -> tuple[bytes, int]:
        found = await gather(layout_for(folder), SystemClock(), case)
        return await archive_of(found), len(found.entries)

    with reporting(as_json=as_json):
        if not case.words:
            raise Refused(NO_CASE)
        data, count = asyncio.run(run())
        replace_file(output.absolute(), data, 0o600)
    if as_json:
        say_json({"file": str(output), "entries": count, "bytes": len(data)})
        return
    say(f"{count} entries in {escape(str(output))}. It holds personal data: only you may read it.")
    say("Whoever gets it checks it with: concordat log verify-evidence FILE --root 1.root.json")


def verify_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive.")],
    root: Annotated[
        Path | None,
        typer.Option(help="The partnership's first root, from somebody whom you trust."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a file of evidence: offline, with the partnership's first root alone."""
    with reporting(as_json=as_json):
        first = None if root is None else _read(root)
        verdict = asyncio.run(verify_evidence(_read(file), first))
    if as_json:
        say_json(verdict_document(verdict, rooted=root is not None))
    else:
        _show(verdict, rooted=root is not None)
    raise typer.Exit(Exit.DONE if verdict.holds else Exit.REJECTED)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(NO_FILE, path.name) from error


def verdict_document(verdict: Verdict, *, rooted: bool) -> dict[str, object]:
    """Return a verdict as JSON shows it."""
    checked = verdict.checked
    point = checked.checkpoint
    return {
        "holds": verdict.holds,
        "partnership": checked.evidence.partnership.hex(),
        "first_root_given": rooted,
        "origin": checked.evidence.origin,
        "size": None if point is None else point.size,
        "root": None if point is None else point.root.hex(),
        "witnesses": list(checked.witnesses),
        "agencies": checked.agencies,
        "page_as_it_must_be": verdict.page,
        "entries": [
            {
                "entry": one.entry.index,
                "at_ms": None if one.facts is None else one.facts.at,
                "source": None if one.facts is None else one.facts.source,
                "consumer": None if one.facts is None else one.facts.consumer,
                "holds": one.holds,
                "checked": [
                    {"what": x.what.value, "holds": x.holds, "why": x.why} for x in one.shown
                ],
            }
            for one in checked.entries
        ],
    }


def _show(verdict: Verdict, *, rooted: bool) -> None:
    checked = verdict.checked
    table(
        "",
        ("entry", "time (UTC)", "from, to", "shown to hold"),
        [
            (
                str(one.entry.index),
                "closed" if one.facts is None else when(one.facts.at),
                "" if one.facts is None else _parties(one),
                ", ".join(x.what.value for x in one.shown if x.holds),
            )
            for one in checked.entries
        ],
        whole=("entry", "time (UTC)"),
    )
    wrong = [(one, x) for one in checked.entries for x in one.shown if not x.holds]
    for one, shown in wrong:
        say(f"[bold]Wrong[/]: entry {one.entry.index}: {escape(said(shown))}")
    if verdict.page is False:
        say("[bold]Wrong[/]: page.html does not say what the entries say. Do not read it.")
    if checked.checkpoint is not None:
        say(f"Log {checked.evidence.origin}: {checked.checkpoint.size} entries, signed by its key.")
        have, of = len(checked.witnesses), checked.agencies
        enough = "" if have >= quorum_of(of) else ": not more than half"
        names = f" ({escape(', '.join(checked.witnesses))})" if checked.witnesses else ""
        say(f"Witnessed by {have} of {of} agencies{enough}{names}.")
    counts = Counter(x.what.value for one in checked.entries for x in one.shown if x.holds)
    if not wrong:
        say(f"{len(checked.entries)} entries, {sum(counts.values())} things checked.")
    if rooted:
        say("The first root is the one that you gave.")
    else:
        say("The first root is the file's own. Compare this number with the one that the")
        say(f"partnership publishes: {checked.evidence.partnership.hex()}")
    say("[bold]The evidence holds.[/]" if verdict.holds else "[bold]The evidence does NOT hold.[/]")


def _parties(one: CheckedEntry) -> str:
    facts = one.facts
    if facts is None:
        return ""
    source = facts.source or "-"
    return f"{source}\n→ {facts.consumer}" if facts.consumer else source
