"""The demonstration: a week of a fictional county, told in a screenful."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from textwrap import wrap

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn

from broker.cli.log import verification_document, verification_lines
from broker.cli.place import Runtime, RuntimeOption, settings_for
from broker.cli.show import Dir, Exit, Json, counted, progress_bar, reporting, say, say_json, when
from broker.protocol.revision import Revision
from broker.records.names import AgencyId, agency_of
from broker.runtimes.catalogue import sentence_of
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

TASK = "task"
ORDER = ("content", "existence", "refer", "withhold", TASK)
COLUMNS = 100
"""Width that the story fits into."""


def demo(
    runtime: RuntimeOption = Runtime.EMBEDDED, folder: Dir = None, as_json: Json = False
) -> None:
    """Run a seeded week of Eastshire through the broker, tell one girl's story, verify the log.

    With --dir the county is kept there; otherwise it is made in a temporary folder.
    """
    kafka = runtime is Runtime.KAFKA
    settings = settings_for(None)
    root = folder or Path(tempfile.mkdtemp(prefix="concordat-demo-"))
    with reporting(as_json=as_json):
        if folder is not None and folder.exists() and any(folder.iterdir()):
            raise InstallationError(COUNTY_EXISTS, folder.name)
        root.mkdir(parents=True, exist_ok=True)
        try:
            columns = (TextColumn("{task.description}"), BarColumn())
            with progress_bar(*columns, as_json=as_json) as bar:
                task = bar.add_task("Founding the county", total=1)

                def progress(what: str, done: int, total: int) -> None:
                    bar.update(task, description=what, completed=done, total=total or None)

                report = asyncio.run(run_demo(root, settings, progress, kafka=kafka))
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
        "rejected": _rejected(report).total(),
        "rejected_by_code": dict(sorted(_rejected(report).items())),
        "kept_back": sum(len(one.kept_back) for one in report.published),
        "counts": dict(sorted(report.counts.items())),
        "received": report.received,
        "refused": report.refused,
        "acknowledged": report.acknowledged,
        "quarantined": [{"agency": one, "code": code} for one, code in report.quarantined],
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
    # Records of one minute that went alike, as of earlier episodes in the same file, are told once.
    for one, times in Counter(told).items():
        agency = agencies.get(AgencyId(one.source))
        source = one.source if agency is None else agency.name
        words = WORDS.get(one.type, one.type) + (f" ({times} records)" if times > 1 else "")
        say(f"[bold]{when(one.at)}[/]  {escape(source)}: {words}")
        for outcome, line in outcomes(one, revision):
            _say_wrapped(f"  {outcome:<10} {line}", " " * 13)
    never = sum(wrong in one.never for one in told)
    school = agencies[wrong].name if wrong in agencies else wrong
    _say_wrapped(
        f"{school}, the school she does not go to, was told nothing of all this: "
        f"not even that there was a record ({never} of {len(told)})."
    )
    _reasons(told, revision)
    _totals(report)
    if kept is not None:
        say(f"The county is kept in {escape(str(kept))}: look round, for example with")
        say(f"  concordat inbox {story['school']} --all --dir {escape(str(kept))}")
        say(f"  concordat tasks eastshire-hospitals --dir {escape(str(kept))}")
        say(f"  concordat log search --nhs-number {story['nhs_number']} --dir {escape(str(kept))}")
        say('    --because "Why you look; it is logged"')


def _say_wrapped(text: str, indent: str = "") -> None:
    for line in wrap(text, COLUMNS, subsequent_indent=indent, break_on_hyphens=False):
        say(escape(line))


def outcomes(chapter: Chapter, revision: Revision) -> list[tuple[str, str]]:
    """Return a line for each outcome: who, by which clauses, and why not more.

    An agency and its desks stand together: what each desk got, `concordat explain` says.
    """
    parties: dict[tuple[str, AgencyId], list[Told]] = {}
    for told in chapter.told:
        parties.setdefault((told.outcome, agency_of(told.consumer)), []).append(told)
    lines: dict[tuple[str, str], list[str]] = {}
    for (outcome, agency), some in sorted(parties.items(), key=lambda one: ORDER.index(one[0][0])):
        if outcome == TASK:
            waiting = sorted({agency_of(one.consumer) for one in chapter.told if one.waits})
            asked = f"share it with {', '.join(waiting)}, or record why not"
            lines.setdefault(("asked back", asked), []).append(agency)
        else:
            lines.setdefault((outcome, _why(some, revision)), []).append(_party(agency, some))
    return [
        (
            outcome,
            f"{', '.join(who)}: {why}" if outcome == "asked back" else f"{', '.join(who)} ({why})",
        )
        for (outcome, why), who in lines.items()
    ]


def _party(agency: AgencyId, told: list[Told]) -> str:
    desks = sorted(one.consumer for one in told if one.consumer != agency)
    if len(desks) == len(told):
        return ", ".join(desks)
    names = ", ".join(desk.partition("/")[2] for desk in desks)
    return f"{agency} with {names}" if names else agency


def _why(told: list[Told], revision: Revision) -> str:
    granting = _in_order({name for one in told for name in one.granting}, revision)
    reasons = _in_order({name for one in told for name in one.reasons}, revision)
    if not granting:
        return f"clause {reasons}"
    less = "not all" if all(one.reasons for one in told) else "some less"
    return f"clause {granting}" + (f"; {less}: {reasons}" if reasons else "")


def _in_order(names: set[str], revision: Revision) -> str:
    clauses = [clause.id for clause in revision.clauses if clause.id in names]
    return ", ".join([*clauses, *sorted(names.difference(clauses))])


def _reasons(told: list[Chapter], revision: Revision) -> None:
    used = {name for one in told for each in one.told for name in (*each.granting, *each.reasons)}
    say()
    line = ""
    for clause in revision.clauses:
        if clause.id in used:
            said = f"{clause.id} {clause.title}"
            if line and len(line) + len(said) + 3 > COLUMNS:
                say(escape(line))
                line = ""
            line += f"   {said}" if line else said
    say(escape(line))
    say()


def _totals(report: DemoReport) -> None:
    files = [one for each in report.published for one in each.files]
    published = sum(len(one.published) for one in report.published)
    kept_back = sum(len(one.kept_back) for one in report.published)
    already = sum(one.already for one in report.published)
    _say_wrapped(
        f"{len(files)} files: {sum(one.read for one in files)} items read, "
        f"{sum(one.mapped for one in files)} mapped, {_rejected(report).total()} rejected "
        f"(--json says why), {sum(one.context for one in files)} context; "
        f"{published} records published, {already} there already, "
        f"{kept_back} kept back by the agencies' own rules."
    )
    for agency, code in report.quarantined:
        sentence, _ = sentence_of(code)
        _say_wrapped(f"In quarantine, a copy altered on its way from {agency}: {sentence} [{code}]")
    found = {name: report.counts[name] for name in ORDER}
    found["in quarantine"] = len(report.quarantined)
    _say_wrapped(
        f"{report.counts['entries']} log entries: {counted(found)}. "
        f"{report.counts['deliveries']} deliveries, each verified by its consumer, "
        f"{report.acknowledged} acknowledged, {report.refused} refused."
    )
    if report.verification is not None:
        for line in verification_lines(report.verification):
            say(line)


def _rejected(report: DemoReport) -> Counter[str]:
    rejected: Counter[str] = Counter()
    for each in report.published:
        for one in each.files:
            rejected.update(wrong.code for wrong in one.rejected)
    return rejected
