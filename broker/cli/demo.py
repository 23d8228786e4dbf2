"""The demonstration: a week of a fictional county, told in a screenful."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from broker.cli.log import verification_document, verification_lines
from broker.cli.place import settings_for
from broker.cli.show import Dir, Exit, Json, counted, errors, reporting, say, say_json, when
from broker.protocol.revision import Revision
from broker.records.names import AgencyId, agency_of
from broker.runtimes.demonstration import DemoReport, run_demo
from broker.runtimes.founding import read_county
from broker.runtimes.layout import COUNTY_EXISTS, InstallationError
from broker.runtimes.story import Chapter, Told, chapters

STORY = frozenset(
    {"missing-episode", "emergency-attendance", "school-absence", "risk-flags", "concern"}
)

WORDS = {
    "missing-episode": "she went missing",
    "emergency-attendance": "she came to A&E",
    "school-absence": "she was absent from school",
    "risk-flags": "they hold risk flags about her",
    "concern": "somebody wrote down a concern",
}


def demo(folder: Dir = None, as_json: Json = False) -> None:
    """Run a seeded week of Eastshire through the broker, tell one girl's story, verify the log.

    With --dir the county is kept there; otherwise it is made in a temporary folder.
    """
    settings = settings_for(None)
    root = folder or Path(tempfile.mkdtemp(prefix="concordat-demo-"))
    with reporting(as_json=as_json):
        if folder is not None and folder.exists() and any(folder.iterdir()):
            raise InstallationError(COUNTY_EXISTS, folder.name)
        root.mkdir(parents=True, exist_ok=True)
        try:
            columns = (TextColumn("{task.description}"), BarColumn())
            with Progress(*columns, console=errors, transient=True, disable=as_json) as bar:
                task = bar.add_task("Founding the county", total=1)

                def progress(what: str, done: int, total: int) -> None:
                    bar.update(task, description=what, completed=done, total=total or None)

                report = asyncio.run(run_demo(root, settings, progress))
        finally:
            if folder is None:
                shutil.rmtree(root, ignore_errors=True)
    if as_json:
        say_json(_document(report))
    else:
        _tell(report, folder)
    sound = report.verification is not None and report.verification.sound
    raise typer.Exit(Exit.DONE if sound and not report.refused else Exit.REJECTED)


def _document(report: DemoReport) -> dict[str, object]:
    verification = report.verification
    return {
        "files": len(report.published),
        "read": sum(one.read for each in report.published for one in each.files),
        "published": sum(len(one.published) for one in report.published),
        "rejected": sum(len(one.rejected) for each in report.published for one in each.files),
        "kept_back": sum(len(one.kept_back) for one in report.published),
        "counts": dict(sorted(report.counts.items())),
        "received": report.received,
        "refused": report.refused,
        "acknowledged": report.acknowledged,
        "story": [
            {
                "at_ms": one.at,
                "source": one.source,
                "type": one.type,
                "told": [
                    {
                        "consumer": told.consumer,
                        "outcome": told.outcome,
                        "granting": list(told.granting),
                        "reasons": list(told.reasons),
                    }
                    for told in one.told
                ],
                "never_told": list(one.never),
            }
            for one in _chapters(report)
        ],
        "verification": None if verification is None else verification_document(verification),
    }


def _chapters(report: DemoReport) -> list[Chapter]:
    return list(chapters(report.story, sorted(report.received), STORY))


def _tell(report: DemoReport, kept: Path | None) -> None:
    revision = read_county()
    story = report.manifest["story"]
    wrong = AgencyId(story["wrong_school"])
    agencies = revision.agreement.roster.agencies
    name = f"{story['given']} {story['family']}"
    say(f"[bold]{name}, 14, of Eastshire, in one week of March 2026[/] (she is made up)")
    told = _chapters(report)
    for one in told:
        say()
        agency = agencies.get(AgencyId(one.source))
        source = one.source if agency is None else agency.name
        words = WORDS.get(one.type, one.type)
        say(f"[bold]{when(one.at)}[/]  {escape(source)}: {words}")
        for outcome, line in _outcomes(one, revision):
            say(f"  {outcome:<10} {escape(line)}")
    say()
    never = sum(wrong in one.never for one in told)
    school = agencies[wrong].name if wrong in agencies else wrong
    say(
        f"[bold]{escape(school)}[/], the school she does not go to, was told nothing of all this: "
        f"not even that there was a record ({never} of {len(told)})."
    )
    _reasons(told, revision)
    _totals(report)
    if kept is not None:
        say(f"The county is kept in {kept}: look round, for example with")
        say(f"  concordat inbox {story['school']} --all --dir {kept}")
        say(f"  concordat tasks eastshire-hospitals --dir {kept}")
        say(f"  concordat log search --nhs-number {story['nhs_number']} --dir {kept}")


def _outcomes(chapter: Chapter, revision: Revision) -> list[tuple[str, str]]:
    """Return a line for each outcome: who, by which clauses, and why not more."""
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Told]] = {}
    for told in chapter.told:
        groups.setdefault((told.outcome, told.granting, told.reasons), []).append(told)
    order = ("content", "existence", "refer", "withhold", "task")
    lines: list[tuple[str, str]] = []
    for outcome, granting, reasons in sorted(groups, key=lambda key: (order.index(key[0]), key)):
        who = ", ".join(one.consumer for one in groups[outcome, granting, reasons])
        if outcome == "task":
            lines.append(("asked back", f"{agency_of(who)} must answer (clause {_list(reasons)})"))
            continue
        why = f"clause {_list(granting)}" if granting else f"clause {_list(reasons)}"
        if granting and reasons:
            why += f"; not all, because of {_list(reasons)}"
        lines.append((outcome, f"{who} ({why})"))
    known = {clause.id for clause in revision.clauses}
    return [(outcome, line) for outcome, line in lines if known]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _reasons(told: list[Chapter], revision: Revision) -> None:
    used = {name for one in told for each in one.told for name in (*each.granting, *each.reasons)}
    say()
    for clause in revision.clauses:
        if clause.id in used:
            say(f"  {clause.id}  {escape(clause.title)}")


def _totals(report: DemoReport) -> None:
    files = [one for each in report.published for one in each.files]
    rejected: Counter[str] = Counter()
    for one in files:
        rejected.update(wrong.code for wrong in one.rejected)
    published = sum(len(one.published) for one in report.published)
    kept_back = sum(len(one.kept_back) for one in report.published)
    already = sum(one.already for one in report.published)
    say()
    say(
        f"{len(files)} files: {sum(one.read for one in files)} items read, "
        f"{sum(one.mapped for one in files)} mapped, {sum(rejected.values())} rejected, "
        f"{sum(one.context for one in files)} context; {published} records published, "
        f"{already} there already, {kept_back} kept back by the agencies' own rules."
    )
    say(f"Rejected: {counted(rejected)}.")
    outcomes = {
        name: report.counts[name] for name in ("content", "existence", "refer", "withhold", "task")
    }
    say(
        f"{report.counts['entries']} log entries: {counted(outcomes)}. "
        f"{report.counts['deliveries']} deliveries, each verified by its consumer, "
        f"{report.acknowledged} acknowledged, {report.refused} refused."
    )
    if report.verification is not None:
        for line in verification_lines(report.verification):
            say(line)
