"""Scenarios: a partnership tries its protocol on small stories before it signs it."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn

from broker.cli.show import Exit, Json, progress_bar, reporting, say, say_json, table
from broker.errors import ConcordatError
from broker.protocol.revision import Revision
from broker.runtimes.founding import COUNTY, protocol_folder, read_county
from broker.runtimes.scenarios.errors import PROTOCOL, ScenarioError
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import Scenario
from broker.runtimes.scenarios.page import page
from broker.runtimes.scenarios.reading import read_scenario, scenario_files
from broker.runtimes.scenarios.results import Played, Row
from broker.runtimes.scenarios.running import play_all
from broker.settings import Settings

SCENARIOS = "scenarios"
"""Folder of a protocol that holds its scenarios."""

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILES]",
        help="Scenarios, or folders of them; by default the protocol's own.",
    ),
]
ProtocolFolder = Annotated[
    str,
    typer.Option("--protocol", help="The protocol to try: a shipped one, or a folder of one."),
]


def run(files: Files = None, protocol: ProtocolFolder = COUNTY, as_json: Json = False) -> None:
    """Play scenarios on a real broker and compare what comes; nothing of it is kept."""
    with reporting(as_json=as_json):
        folder, revision, scenarios, refused = _read(files, protocol)
        if not scenarios:
            raise refused[0]
        columns = (TextColumn("{task.description}"), BarColumn())
        with progress_bar(*columns, as_json=as_json) as bar:
            task = bar.add_task("Playing scenarios", total=len(scenarios))

            def told(done: int, _all: int) -> None:
                bar.update(task, completed=done)

            known = Known.of(revision)
            played, unplayed = asyncio.run(play_all(scenarios, known, Settings(), folder, told))
        refused += unplayed
        if not played:
            raise refused[0]
    if as_json:
        errors = [
            {
                "code": one.code.name,
                "sentence": one.code.sentence,
                "where": one.where,
                "fix": one.fix,
            }
            for one in refused
        ]
        say_json({"scenarios": [_document(one) for one in played], "errors": errors})
    else:
        _tell(played, revision)
        for one in refused:
            say(f"[bold]{escape(f'{one.where}: {one.code.sentence}')}[/] {escape(one.fix)}")
    as_told = all(one.as_told for one in played)
    code = Exit.USAGE if refused else Exit.DONE if as_told else Exit.REJECTED
    raise typer.Exit(code)


def list_them(
    files: Files = None, protocol: ProtocolFolder = COUNTY, as_json: Json = False
) -> None:
    """List scenarios: what each is about."""
    with reporting(as_json=as_json):
        _, _, scenarios = _read_all(files, protocol)
    if as_json:
        say_json(
            [
                {
                    "file": one.file,
                    "title": one.title,
                    "story": list(one.story),
                    "steps": len(one.steps),
                }
                for one in scenarios
            ]
        )
        return
    table(
        "",
        ("file", "scenario", "steps"),
        [(one.file, one.title, str(len(one.steps))) for one in scenarios],
        whole=("file",),
    )


def doc(
    output: Annotated[Path, typer.Option("-o", "--output", help="The page to write.")],
    files: Files = None,
    protocol: ProtocolFolder = COUNTY,
) -> None:
    """Write a page of all scenarios: each story, and who gets what of it, and why."""
    with reporting(as_json=False):
        _, revision, scenarios = _read_all(files, protocol)
        output.write_text(page(scenarios, revision), encoding="utf-8")
    say(f"{len(scenarios)} scenarios in {escape(str(output))}.")


def _read_all(files: list[Path] | None, protocol: str) -> tuple[Path, Revision, list[Scenario]]:
    """Return the scenarios; refuse all if one is wrong."""
    folder, revision, scenarios, refused = _read(files, protocol)
    if refused:
        raise refused[0]
    return folder, revision, scenarios


def _read(
    files: list[Path] | None, protocol: str
) -> tuple[Path, Revision, list[Scenario], list[ConcordatError]]:
    """Return the scenarios, and what is wrong with the other files."""
    folder = protocol_folder(protocol)
    for name in ("clauses.yaml", "cases.yaml"):
        if not (folder / name).is_file():
            raise ScenarioError(PROTOCOL, f"{folder.name} has no {name}")
    revision = read_county(folder=folder)
    for agency in revision.agreement.roster.agencies:
        if not (folder / "publication" / f"{agency}.yaml").is_file():
            raise ScenarioError(PROTOCOL, f"{folder.name} has no publication/{agency}.yaml")
    known = Known.of(revision)
    paths = scenario_files(files or [folder / SCENARIOS])
    scenarios: list[Scenario] = []
    refused: list[ConcordatError] = []
    for path in paths:
        try:
            scenarios.append(read_scenario(path, known))
        except ScenarioError as error:
            refused.append(error)
    return folder, revision, scenarios, refused


def _tell(played: list[Played], revision: Revision) -> None:
    for one in played:
        table(
            f"{one.scenario.title} ({one.scenario.file})",
            ("step", "agency", "expected", "came", "clause", ""),
            list(_lines(one.rows)),
            "It compares nothing: no step says what anybody gets.",
            whole=("agency",),
        )
        for row in one.differing:
            _differs(row, revision)
        for finding in one.findings:
            say(f"[bold]The log is not sound[/]: {escape(finding)}")
        say()
    wrong = sum(not one.as_told for one in played)
    rows = sum(len(one.rows) for one in played)
    said = f"{wrong} of them otherwise than told" if wrong else "all as told"
    sound = all(one.verified for one in played)
    seconds = sum(one.seconds for one in played)
    say(
        f"Scenarios: {len(played)}, expectations: {rows}, {said}; every log "
        f"{'verified' if sound else 'looked through: NOT SOUND'} ({seconds:.1f} s)."
    )


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    above = ""
    for row in rows:
        yield (
            "" if row.step == above else row.step,
            row.consumer,
            row.expected,
            row.came,
            ", ".join(row.clauses),
            "DIFFERS" if row.differs else "as told",
        )
        above = row.step


def _differs(row: Row, revision: Revision) -> None:
    say(f"[bold]{escape(row.step)}[/]: {escape(row.consumer or 'the step')}")
    for sentence in row.differs:
        say(f"  {escape(sentence)}")
    if row.because:
        say(f"  The scenario says why: {escape(row.because)}")
    for line in row.why:
        say(f"  {escape(line)}")
    for name in row.wanted:
        clause = revision.clause(name)
        if clause is not None:
            say(f"  Clause {name} says: {escape(' '.join(clause.text.split()))}")


def _document(one: Played) -> dict[str, object]:
    return {
        "file": one.scenario.file,
        "title": one.scenario.title,
        "as_told": one.as_told,
        "verified": one.verified,
        "findings": list(one.findings),
        "entries": one.entries,
        "seconds": round(one.seconds, 3),
        "rows": [
            {
                "step": row.step,
                "consumer": row.consumer or None,
                "expected": row.expected,
                "came": row.came,
                "clauses": list(row.clauses),
                "differs": list(row.differs),
                "because": row.because,
                "why": list(row.why),
            }
            for row in one.rows
        ],
    }
