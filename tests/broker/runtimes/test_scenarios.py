"""Scenarios on a real broker: those that are shipped, and what is said where one differs."""

import asyncio
from pathlib import Path

import pytest

from broker.clock import DAY, Instant
from broker.runtimes.founding import county_folder, read_county
from broker.runtimes.layout import Layout
from broker.runtimes.scenarios.errors import ScenarioError
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.page import page
from broker.runtimes.scenarios.reading import read_scenario, scenario_files
from broker.runtimes.scenarios.results import Played, Row
from broker.runtimes.scenarios.running import play, play_all
from broker.runtimes.scenarios.stage import found
from broker.settings import Settings
from tests.support.tree import ROOT

FOUNDED = Instant(1_769_904_000_000)
"""1 February 2026: before every scenario starts."""

PROTOCOLS = ("eastshire", "eastbridge")
SHIPPED = [
    (name, path.name)
    for name in PROTOCOLS
    for path in scenario_files([county_folder(name) / "scenarios"])
]

HEAD = """\
title: A small story
story: [One line.]
starts: 2026-03-04 20:00
children:
  robin:
    name: Robin Ashdown
    born: 2011-09-25
    works_with: {st-brannocks-school: on-roll, millbrook-surgery: registered}
"""

MISSING = """\
    by: eastshire-police
    record:
      type: missing-episode
      child: robin
      facts: [missing:high-risk]
      content:
        episode: {start: 2026-03-04, kind: missing, risk: high}
        last_seen: {description: bus station}
"""


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    """Return what each shipped protocol knows."""
    return {name: Known.of(read_county(name)) for name in PROTOCOLS}


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layout]:
    """Found each county once; scenarios are played in copies."""
    root = tmp_path_factory.mktemp("counties")

    async def all_of_them() -> dict[str, Layout]:
        return {
            name: await found(root / name, Instant(FOUNDED + DAY), county_folder(name))
            for name in PROTOCOLS
        }

    return asyncio.run(all_of_them())


@pytest.fixture
def eastshire(known: dict[str, Known], counties: dict[str, Layout], tmp_path: Path) -> "Theatre":
    """Return where small scenarios are played."""
    return Theatre(known["eastshire"], counties["eastshire"], tmp_path)


class Theatre:
    """Writes a scenario and plays it."""

    def __init__(self, known: Known, county: Layout, folder: Path) -> None:
        self.known, self.county, self.folder = known, county, folder

    async def play(self, text: str) -> Played:
        """Play a scenario."""
        path = self.folder / "story.yaml"
        path.write_text(text, encoding="utf-8")
        scenario = read_scenario(path, self.known)
        return await play(scenario, self.known, Settings(), self.county, self.folder / "stage")


def _row(played: Played, consumer: str, step: int = 0) -> Row:
    title = played.scenario.steps[step].title
    found_row = [one for one in played.rows if (one.step, one.consumer) == (title, consumer)]
    assert found_row, [(one.step, one.consumer) for one in played.rows]
    return found_row[0]


# ---------------------------------------------------------------------------------- shipped


@pytest.mark.parametrize(("protocol", "name"), SHIPPED, ids=lambda one: str(one))
async def test_a_shipped_scenario_comes_as_it_tells(
    protocol: str, name: str, known: dict[str, Known], counties: dict[str, Layout], tmp_path: Path
) -> None:
    # given a scenario that a protocol ships
    path = county_folder(protocol) / "scenarios" / name
    scenario = read_scenario(path, known[protocol])

    # when it is played on a real broker
    played = await play(
        scenario, known[protocol], Settings(), counties[protocol], tmp_path / "stage"
    )

    # then everybody gets what it says, nobody else gets anything, and the log proves it
    assert {(one.consumer, one.differs) for one in played.differing} == set()
    assert played.findings == ()
    assert played.as_told
    assert any(row.expected for row in played.rows)


def test_the_page_of_scenarios_is_made_from_them(known: dict[str, Known]) -> None:
    # given Eastshire's scenarios
    eastshire = known["eastshire"]
    paths = scenario_files([county_folder() / "scenarios"])

    # when their page is made, then the one in the tree is the same
    made = page([read_scenario(path, eastshire) for path in paths], eastshire.revision)
    written = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert written == made, "concordat scenario doc -o docs/scenarios.md"


# ---------------------------------------------------------------------------------- differences


async def test_what_came_otherwise_is_said_in_words(eastshire: Theatre) -> None:
    # given a scenario that expects what the protocol does not do
    played = await eastshire.play(
        HEAD
        + "secrets: [{text: bus station, only: [eastshire-council], because: It is tried.}]\n"
        + "steps:\n  - step: She is missing\n"
        + MISSING
        + """\
    gets:
      st-brannocks-school:
        outcome: existence
        slots: [circumstances]
        never: [{tag: place}, episode]
        clauses: ["4.6"]
        obligations: [delete-after]
        because: It is tried.
      millbrook-surgery: {outcome: withhold, clauses: ["6.4"], because: It is tried.}
      harbour-academy: {outcome: content, because: It is tried.}
      fairfield-primary: {outcome: refer, because: It is tried.}
      eastshire-council: {outcome: not-asked, because: It is tried.}
      eastshire-police: {outcome: task, because: It is tried.}
"""
    )

    # then each difference is a sentence
    assert not played.as_told
    assert played.verified
    school = _row(played, "st-brannocks-school")
    assert school.differs == (
        "It must be existence, and content came.",
        "The part circumstances must be open, and is not.",
        "What tells a place must stay closed, and is open.",
        "The part episode must stay closed, and is open.",
        "Clause 4.6 must be at work, and is not.",
        "The obligation delete-after must come with it, and does not.",
    )
    assert school.expected == ("existence: circumstances; never place, episode; must delete-after")
    assert school.came.startswith("content of missing-episode: identity, contact, episode")
    surgery = _row(played, "millbrook-surgery")
    assert surgery.differs[1:] == (
        "The decision must be withhold, and it was content.",
        "Clause 6.4 must be the reason, and is not.",
    )
    assert _row(played, "harbour-academy").differs == ("Content must come, and nothing came.",)
    assert _row(played, "fairfield-primary").differs == (
        "The decision must be refer, and nobody asked about it.",
    )
    task = _row(played, "eastshire-police")
    assert (task.differs, task.came) == (
        ("It must be asked to decide, and nothing came.",),
        "no task",
    )

    # and what is said of an agency holds for its desks
    council = " ".join(_row(played, "eastshire-council").differs)
    assert "Nothing must come, and eastshire-council/edt got content" in council
    assert "Nobody must ask about it, and eastshire-council/mash was asked about" in council

    # and the clauses explain it: those at work, and the one that was expected
    why = " ".join(surgery.why)
    assert "Clause 2.2 (A child at high risk is missing - those who work with her) opens" in why
    assert "Clause 6.4" in why
    assert "does not apply" in why
    assert "no current involvement with this child" in " ".join(_row(played, "harbour-academy").why)

    # and words that were to stay with the council are found elsewhere
    (secret, *_) = [one for one in played.rows if one.expected == "never “bus station”"]
    assert secret.differs == ("It reads “bus station”, which only eastshire-council may read.",)


async def test_who_is_not_named_must_get_nothing(eastshire: Theatre) -> None:
    # given the same record twice: once nobody else may get it, once anybody may
    gets = "    gets:\n      harbour-academy: {outcome: nothing, because: Not hers.}\n"
    again = MISSING.replace("robin\n", "robin\n      reference: again\n")
    played = await eastshire.play(
        HEAD
        + "steps:\n  - step: Told strictly\n"
        + MISSING
        + gets
        + "  - step: Told with others\n"
        + again
        + gets
        + "    others: any\n"
        + "  - step: Nobody\n    after: 1 hour\n    gets: nobody\n"
    )

    # then only the strict one differs, by everybody who got it
    differing = {one.consumer for one in played.differing}
    assert differing == {
        "st-brannocks-school",
        "millbrook-surgery",
        "eastshire-council/mash",
        "eastshire-council/edt",
        "eastshire-council/missing",
    }
    assert {one.step for one in played.differing} == {"Told strictly"}
    said = _row(played, "st-brannocks-school").differs[0]
    assert said.endswith("and this step does not name it.")

    # and that nobody got anything while time passed is a row as well
    assert _row(played, "everybody", 2).came == "nothing"


async def test_of_several_deliveries_each_is_looked_at(eastshire: Theatre) -> None:
    # given one file with two forms about a child
    played = await eastshire.play(
        HEAD
        + """\
steps:
  - step: Two forms at once
    by: fairfield-primary
    form:
      - {form: involvement, child: robin, kind: on-roll, from: 2026-03-01}
      - form: concern
        child: robin
        on: 2026-03-04
        account: Tired.
        shareableSummary: Tired in class.
        summaryShareable: true
        thirdPartyChecked: true
        decidedBy: DSL
    gets:
      eastshire-council/mash:
        {outcome: content, type: involvement, slots: [link], never: [contact], because: A.}
      millbrook-surgery: {outcome: content, type: concern, because: B.}
      st-brannocks-school: {outcome: withhold, type: involvement, because: C.}
"""
    )

    # then what is said of one type is compared with that type alone
    mash = [one for one in played.rows if one.consumer == "eastshire-council/mash"]
    assert [one.differs for one in mash] == [
        ("The part contact must stay closed, and is open.",),
        (
            "eastshire-council/mash got content of concern: identifiers, contact, concern, account,"
            " voice, shareable_summary, third_party, and this step does not name it.",
        ),
    ]
    assert _row(played, "millbrook-surgery").differs == ()


async def test_a_task_that_nobody_names_differs(eastshire: Theatre) -> None:
    # given flags under code C, whose source is asked
    played = await eastshire.play(
        HEAD
        + """\
steps:
  - step: Flags
    id: flags
    by: eastshire-police
    record: {type: risk-flags, child: robin, handling: C, content: {flags: {radicalisation: true}}}
    gets: nobody
  - step: Refused
    by: eastshire-police
    answer: {to: flags, say: refuse}
    gets: nobody
  - step: Refused again
    by: eastshire-police
    answer: {to: flags, say: refuse}
"""
    )

    # then the task differs; answered, there is no other
    rows = list(played.differing)
    assert rows[0].differs == (
        "eastshire-police was asked to decide, and this step does not name it.",
    )
    assert rows[0].came == "task about risk-flags"
    assert rows[1].differs == ("There is no task to answer: nobody asked this agency to decide.",)
    assert len(rows) == 2


# ---------------------------------------------------------------------------------- what steps do


async def test_every_kind_of_step(eastshire: Theatre) -> None:
    # given a story that uses what else a step can do
    (eastshire.folder / "export.json").write_text(
        '{"children": [{"nhsNumber": "{robin.nhs_number}", "dateOfBirth": "2011-09-25",'
        ' "record": {"missingEpisodes": []}}]}',
        encoding="utf-8",
    )
    played = await eastshire.play(
        HEAD
        + """\
  tom: {name: Tom Weaver, nhs_number: none}
steps:
  - step: The school withdraws its alert
    by: st-brannocks-school
    id: alert
    alert: {child: robin, kind: safe-contact, from: 2026-03-01, note: Ring the aunt.}
    gets:
      millbrook-surgery: {outcome: content, slots: [alert], because: It works with her.}
      eastshire-council/mash: {outcome: content, slots: [alert], because: It is named.}
  - step: It is taken back
    by: st-brannocks-school
    retract: {step: alert, reason: factually-wrong, tell: un-file-and-destroy}
    gets:
      millbrook-surgery: {outcome: content, type: alert, because: It holds it.}
    others: any
  - step: The surgery takes on what it has
    by: millbrook-surgery
    acknowledge: all
    gets:
      st-brannocks-school: {outcome: content, type: receipt, slots: [receipt], because: It sent it.}
    others: any
  - step: A court order's alert
    by: eastshire-council
    alert: {child: robin, kind: court-order, until: 2026-03-31}
  - step: The surgery stops receiving
    id: stop
    by: millbrook-surgery
    narrow: {direction: receiving, with: eastshire-police, type: risk-flags, clause: "4.4", hours: 6}
  - step: Flags
    by: eastshire-police
    record:
      type: risk-flags
      child: robin
      indicators: [missing, {code: self-harm, on: 2026-03-01, basis: opinion}]
      purpose: [safeguarding]
      content: {flags: {radicalisation: true}, services: [CAMHS]}
    gets:
      millbrook-surgery: {outcome: nothing, because: It has stopped that.}
      st-brannocks-school: {outcome: existence, clauses: ["4.4"], because: It is on roll.}
    others: any
  - step: It receives again
    by: millbrook-surgery
    lift: stop
    gets:
      millbrook-surgery: {outcome: existence, because: It waited.}
  - step: Nobody knows who he is
    by: st-brannocks-school
    record: {type: concern, child: tom, age_band: 13-15, content: {account: Sits alone.}}
    gets:
      eastshire-council/mash: {outcome: content, because: It finds out.}
  - step: A file of the health service, inline
    by: eastshire-hospitals
    file:
      name: export.json
      format: form
      content:
        forms:
          - form: involvement
            child: {nhsNumber: "{robin.nhs_number}", dateOfBirth: "2011-09-25"}
            kind: open-case
            from: "2026-03-01"
    gets:
      eastshire-council/mash: {outcome: content, type: involvement, because: It is told.}
"""
    )

    # then all of it is as told
    assert {(one.step, one.consumer, one.differs) for one in played.differing} == set()
    assert played.as_told
    assert played.entries > 10


async def test_what_does_not_leave_or_says_nothing_new_is_told(eastshire: Theatre) -> None:
    # given forms that the school's own rule keeps back or lets out otherwise than is told
    form = "{form: concern, child: robin, reference: R, on: 2026-03-04, account: Tired%s}"
    kept, out = form % "", form % ", decidedBy: DSL"
    said = "{type: concern, child: robin, reference: R, content: {account: Tired.}}"
    steps = [f"form: {kept}", f"kept_back: {out}", f"record: {said}", f"record: {said}"]
    empty = "file: {content: {forms: []}, format: form}"
    played = await eastshire.play(
        HEAD
        + "steps:\n"
        + "".join(
            f"  - step: number {number}\n    by: st-brannocks-school\n    {one}\n"
            for number, one in enumerate([*steps, empty])
        )
    )

    # then each says what was otherwise
    said_of = {one.step: " ".join(one.differs) for one in played.differing}
    assert said_of["number 0"].startswith("The agency's own rule core.default kept it back: ")
    assert said_of["number 1"] == "The agency's own rule must keep it back, and it left."
    assert "number 2" not in said_of
    assert said_of["number 3"] == ("It says nothing new: the same record was published before.")
    assert said_of["number 4"] == "The file gave no record that is new."


async def test_what_the_broker_does_not_accept_is_told(eastshire: Theatre) -> None:
    # given a record that says nothing of what its type cannot do without
    played = await eastshire.play(
        HEAD
        + "steps:\n  - step: Empty\n    by: eastshire-council\n"
        + "    record: {type: alert, kind: register, child: robin}\n"
    )

    # then it is in quarantine, and the step differs though it compares nothing
    (row,) = played.differing
    assert row.differs[0].startswith("The broker did not accept it: ")
    assert row.consumer == "eastshire-council"


@pytest.mark.parametrize(
    ("step", "where"),
    [
        (
            "record: {type: missing-episode, child: robin, content: {episode: {start: 2026-03-04, "
            "kind: lost, risk: high}}}",
            "story.yaml:12: slot episode.kind",
        ),
        ("form: {form: concern, child: robin}", "story.yaml:12: forms[0], on: "),
        ("involves: {child: robin, as: friend-of}", "story.yaml:12: slot link.kind"),
        (
            "record: {type: concern, child: robin, handling: Q, content: {account: Tired.}}",
            "story.yaml:12: slot labels.handling",
        ),
    ],
)
async def test_a_record_that_nobody_could_send_is_an_error(
    eastshire: Theatre, step: str, where: str
) -> None:
    # given a step whose record does not fit, when it is played
    with pytest.raises(ScenarioError) as caught:
        await eastshire.play(
            HEAD + f"steps:\n  - step: Bad\n    by: eastshire-police\n    {step}\n"
        )

    # then it says where
    assert caught.value.code.name == "scenario.record"
    assert caught.value.where.startswith(where)


async def test_nothing_is_left_behind(
    eastshire: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a folder for what is temporary
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "story.yaml"
    path.write_text(HEAD + "steps:\n  - step: Time passes\n    after: 1 day\n", encoding="utf-8")
    scenario = read_scenario(path, eastshire.known)

    # when scenarios are played
    told: list[tuple[int, int]] = []
    played = await play_all(
        [scenario, scenario], eastshire.known, Settings(), told=lambda *so_far: told.append(so_far)
    )

    # then they were, one after another, and nothing lies there any more
    assert [one.as_told for one in played] == [True, True]
    assert told == [(0, 2), (1, 2)]
    assert list((tmp_path / "temporary").iterdir()) == []
