"""`demo`: a week of a county in a screenful, and as one document."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from broker.cli import demo
from broker.protocol.revision import Revision
from broker.runtimes.demonstration import DemoReport
from broker.runtimes.founding import read_county
from broker.runtimes.story import Chapter, Told
from tests.support.commands import Commands
from tests.support.installations import AFTER_THE_WEEK

SCREEN, WIDTH = 55, 100
POLICE, SCHOOL, SURGERY = "eastshire-police", "st-brannocks-school", "millbrook-surgery"
COUNCIL, WRONG = "eastshire-council", "harbour-academy"


@pytest.fixture
def report(demonstrated: tuple[Path, DemoReport], monkeypatch: pytest.MonkeyPatch) -> DemoReport:
    """The week's report, which the command gets instead of making the week again."""
    own = deepcopy(demonstrated[1])

    async def made(*_: object, kafka: bool) -> DemoReport:
        assert not kafka
        return own

    monkeypatch.setattr(demo, "run_demo", made)
    return own


@pytest.fixture
def revision() -> Revision:
    """Eastshire's protocol."""
    return read_county()


def test_the_story_is_a_screenful(week: Commands, report: DemoReport) -> None:
    # given the week, when a person runs the demonstration
    lines = week.bare("demo").out.splitlines()

    # then it fits a screen, and tells who got what, who did not, and that it can be believed
    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= WIDTH
    said = " ".join(" ".join(lines).split())
    assert "Ellie Marsh" in said
    for outcome in ("content", "existence", "refer", "withhold", "asked back"):
        assert f" {outcome} " in said
    assert "was told nothing of all this: not even that there was a record (9 of 9)" in said
    assert "2.1 A child at high risk is missing" in said
    assert f"{report.counts['entries']} log entries" in said
    assert lines[-1] == "released ⊆ logged ⊆ allowed: verified"


def test_what_went_alike_in_one_minute_is_told_once(week: Commands, report: DemoReport) -> None:
    # given records of one minute that went to the same people by the same clauses, when the story
    # is told, then they are one chapter, with how many they are
    assert len(report.story) > 0
    said = week.bare("demo").out
    assert said.count("2026-03-03 22:30") == 2
    assert "she went missing (2 records)" in said


def test_who_is_asked_back_is_told_what_for(week: Commands, report: DemoReport) -> None:
    # given records that a person at the source must decide about, when the story is told, then it
    # says what is asked of them, and for whom
    assert report.counts["task"] > 0
    said = week.bare("demo").out
    assert f"{SCHOOL}: share it with {SURGERY}, or record why not" in said
    assert "clause none" not in said


def test_a_message_altered_on_its_way_is_shown_in_quarantine(
    week: Commands, report: DemoReport
) -> None:
    # given a copy of a message with one byte changed, when the story is told, then it was not let
    # in, and its source finds it in its quarantine
    assert report.quarantined == [(SCHOOL, "record.seal")]
    said = " ".join(week.bare("demo").out.split())
    assert f"altered on its way from {SCHOOL}: The message cannot be opened" in said
    assert "1 in quarantine" in said
    found = week.json("quarantine", "list", SCHOOL)["quarantined"]
    assert [one["code"] for one in found] == ["record.seal"]


def test_the_whole_week_runs_by_the_command(week: Commands, tmp_path: Path) -> None:
    # given a folder, when a program runs the demonstration there
    root = tmp_path / "kept"
    document = week.bare("demo", "--dir", root, "--json").document

    # then it gets all of it, every count adds up, and the county stands there to be looked at
    assert list(document) == [
        "files",
        "read",
        "published",
        "rejected",
        "rejected_by_code",
        "kept_back",
        "counts",
        "received",
        "refused",
        "acknowledged",
        "quarantined",
        "story",
        "verification",
    ]
    assert document["rejected"] == sum(document["rejected_by_code"].values())
    assert document["refused"] == 0
    assert document["verification"]["verified"]
    assert {one["type"] for one in document["story"]} == demo.STORY
    assert all(WRONG in one["never_told"] for one in document["story"])
    assert document["quarantined"] == [{"agency": SCHOOL, "code": "record.seal"}]
    assert week.bare("log", "search", "--dir", root).code == 0

    # and a second week there is refused
    assert week.bare("demo", "--dir", root, "--json", code=2).error == "installation.exists"


def test_a_county_that_is_kept_is_shown_round(
    week: Commands, report: DemoReport, tmp_path: Path
) -> None:
    # given an empty folder that is to be kept, when the story is told, then commands to go on with
    root = tmp_path / "kept"
    root.mkdir()
    said = week.bare("demo", "--dir", root).out
    assert f"The county is kept in {root}" in said
    number = report.manifest["story"]["nhs_number"]
    assert f"concordat log search --nhs-number {number} --dir {root}" in said


def test_a_week_that_is_not_sound_ends_with_1(week: Commands, report: DemoReport) -> None:
    # given a week in which a delivery did not verify, when it is shown, then the command says so
    report.refused = 1
    assert "1 refused" in " ".join(week.bare("demo", code=1).out.split())

    # given one whose log was not verified, then too
    report.refused, report.verification = 0, None
    assert "⊆ allowed" not in week.bare("demo", code=1).out
    assert week.bare("demo", "--json", code=1).document["verification"] is None


def test_what_is_not_known_is_shown_by_its_id(week: Commands, report: DemoReport) -> None:
    # given a story with an agency that the protocol does not have, when it is told, then by its id
    report.manifest = {**report.manifest, "story": {**report.manifest["story"]}}
    report.manifest["story"]["wrong_school"] = "no-such-school"
    first = next(one for one in report.story if one.row.row.type in demo.STORY)
    row = replace(first.row, row=replace(first.row.row, source="westshire-police"))
    report.story.insert(0, replace(first, row=row))
    said = week.bare("demo").out
    assert "no-such-school, the school she does not go to" in said
    assert "westshire-police: she went missing" in said


def told(
    consumer: str, granting: tuple[str, ...] = ("4.1",), reasons: tuple[str, ...] = ()
) -> Told:
    """Return what one consumer was told."""
    return Told(consumer, "content", granting, reasons, 1)


@pytest.mark.parametrize(
    ("some", "line"),
    [
        ((told(COUNCIL), told(f"{COUNCIL}/mash")), f"{COUNCIL} with mash (clause 4.1)"),
        ((told(f"{COUNCIL}/mash"),), f"{COUNCIL}/mash (clause 4.1)"),
        ((told(SCHOOL), told(SURGERY)), f"{SCHOOL}, {SURGERY} (clause 4.1)"),
        ((told(SCHOOL, reasons=("6.2",)),), f"{SCHOOL} (clause 4.1; not all: 6.2)"),
        (
            (told(COUNCIL), told(f"{COUNCIL}/mash", ("2.1",), ("6.2",))),
            f"{COUNCIL} with mash (clause 2.1, 4.1; some less: 6.2)",
        ),
        (
            (told(SCHOOL, (), ("protocol.lapsed", "1.1")),),
            f"{SCHOOL} (clause 1.1, protocol.lapsed)",
        ),
    ],
)
def test_who_and_why_are_said_in_one_line(
    revision: Revision, some: tuple[Told, ...], line: str
) -> None:
    # given what some consumers were told, when it is shown, then an agency stands with its desks,
    # and clauses in the protocol's order
    chapter = Chapter(AFTER_THE_WEEK, POLICE, "concern", some, ())
    assert demo.outcomes(chapter, revision) == [("content", line)]
