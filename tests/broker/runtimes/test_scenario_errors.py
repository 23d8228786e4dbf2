"""Every mistake that the author of a scenario can make is told with its line, and what to do."""

from functools import cache
from pathlib import Path

import pytest

from broker.runtimes.founding import read_county
from broker.runtimes.scenarios.errors import ScenarioError
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.reading import read_scenario

STORY = """title: A girl is missing
story: [Told for a test.]
starts: 2026-03-04 20:00
children:
  robin: {name: Robin Ashdown, born: 2011-09-25, works_with: {st-brannocks-school: on-roll}}
steps:
  - step: The police report her missing
    id: report
    by: eastshire-police
    record:
      type: missing-episode
      child: robin
      facts: [missing:high-risk]
      content: {episode: {start: 2026-03-04, kind: missing, risk: high}}
    gets:
      st-brannocks-school: {outcome: content, slots: [identity], because: She may turn up.}
    others: any
"""

SCHOOL_GETS = "{outcome: content, slots: [identity], because: She may turn up.}"
GETS = f"    gets:\n      st-brannocks-school: {SCHOOL_GETS}"
POLICE = "  - {step: r, by: eastshire-police, "
COUNCIL = "  - {step: r, by: eastshire-council, "


@cache
def known() -> Known:
    """Return what Eastshire's scenarios may name."""
    return Known.of(read_county())


def refused(folder: Path, text: str | bytes) -> ScenarioError:
    """Return what is wrong with a scenario."""
    file = folder / "story.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as error:
        read_scenario(file, known())
    return error.value


def test_the_story_itself_is_right(tmp_path: Path) -> None:
    (tmp_path / "story.yaml").write_text(STORY)
    assert read_scenario(tmp_path / "story.yaml", known()).title == "A girl is missing"


def told(error: ScenarioError, code: str, line: int) -> None:
    """Check that an error has its code, its place, and a mend."""
    assert error.code.name == code
    assert error.where.startswith(f"story.yaml:{line}")
    assert error.fix.endswith(".")


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("title: A girl is missing", "title: a\ntitle: b", "scenario.text", 2),
        ("title: A girl", "colour: red\ntitle: A girl", "scenario.key", 1),
        ("title: A girl is missing\n", "", "scenario.key", 1),
        ("title: A girl is missing", "title:", "scenario.value", 2),
        ("  robin: {name", "  - {name", "scenario.value", 5),
        ("starts: 2026-03-04 20:00", "starts: 2026-02-30 20:00", "scenario.value", 3),
        ("starts: 2026-03-04 20:00", "starts: tomorrow", "scenario.value", 3),
        ("starts: 2026-03-04 20:00", "starts: 2026-02-30", "scenario.value", 3),
        ("starts: 2026-03-04 20:00", "starts: 0001-01-01 00:00", "scenario.value", 3),
        ("starts: 2026-03-04 20:00", "starts: 2026-03-04 20:00:00", "scenario.value", 3),
        ("starts: 2026-03-04 20:00", "starts: 2026-03-04T20:00Z", "scenario.value", 3),
        ("born: 2011-09-25", "born: 2011-13-25", "scenario.value", 5),
        ("{st-brannocks-school: on-roll}", "{st-nobody: on-roll}", "scenario.reference", 5),
        ("{st-brannocks-school: on-roll}", "{st-brannocks-school: on-rol}", "scenario.value", 5),
        ("{st-brannocks-school: on-roll}", "[st-brannocks-school]", "scenario.value", 5),
        ("by: eastshire-police", "by: eastshire-polise", "scenario.reference", 9),
        ("by: eastshire-police", "by: eastshire-council/mash", "scenario.value", 9),
        ("    by: eastshire-police\n", "", "scenario.value", 7),
        ("type: missing-episode", "type: missing-epsode", "scenario.reference", 11),
        ("child: robin", "child: robyn", "scenario.reference", 12),
        ("content: {episode:", "content: {episod:", "scenario.key", 14),
        ("risk: high", "rsk: high", "scenario.key", 14),
        ("risk: high", "risk: hihg", "scenario.value", 14),
        ("start: 2026-03-04, ", "", "scenario.key", 14),
        ("start: 2026-03-04", "start: soon", "scenario.value", 14),
        ("missing:high-risk", "missing:hi-risk", "scenario.value", 13),
        ("facts: [missing:high-risk]", "indicators: [mising]", "scenario.value", 13),
        (
            "facts: [missing:high-risk]",
            "indicators: [{code: missing, basis: rumour}]",
            "scenario.value",
            13,
        ),
        (
            "facts: [missing:high-risk]",
            "indicators: [{code: missing, on: 2026-02-30}]",
            "scenario.value",
            13,
        ),
        ("facts: [missing:high-risk]", "handling: Z", "scenario.value", 13),
        ("facts: [missing:high-risk]", "protections: [secret]", "scenario.value", 13),
        ("facts: [missing:high-risk]", "roles: [boss]", "scenario.value", 13),
        ("facts: [missing:high-risk]", "purpose: [fun]", "scenario.value", 13),
        ("facts: [missing:high-risk]", "age_band: old", "scenario.value", 13),
        ("facts: [missing:high-risk]", "subject: cat", "scenario.value", 13),
        ("facts: [missing:high-risk]", "kind: register", "scenario.value", 13),
        (
            "facts: [missing:high-risk]",
            "addressed_to: [eastshire-council/nobody]",
            "scenario.reference",
            13,
        ),
        ("facts: [missing:high-risk]", "concerns: later", "scenario.reference", 13),
        ("facts: [missing:high-risk]", "urgent: maybe", "scenario.value", 13),
        (
            "      st-brannocks-school: {outcome",
            "      st-brannocs-school: {outcome",
            "scenario.reference",
            16,
        ),
        (
            "      st-brannocks-school: {outcome",
            "      st-brannocks-school/x: {outcome",
            "scenario.reference",
            16,
        ),
        ("outcome: content", "outcome: contents", "scenario.value", 16),
        (", because: She may turn up.", "", "scenario.key", 16),
        ("slots: [identity]", "slots: [identty]", "scenario.reference", 16),
        ("slots: [identity]", "never: [{tag: plase}]", "scenario.reference", 16),
        ("slots: [identity]", "clauses: ['9.9']", "scenario.reference", 16),
        ("slots: [identity]", "clauses: [2.2]", "scenario.value", 16),
        ("slots: [identity]", "obligations: [be-nice]", "scenario.value", 16),
        ("slots: [identity]", "obligations: ['acknowledge-by soon']", "scenario.value", 16),
        ("slots: [identity]", "type: missing-epsode", "scenario.reference", 16),
        (
            GETS,
            "    gets: nobdy",
            "scenario.value",
            15,
        ),
        (
            GETS,
            "    gets:",
            "scenario.value",
            16,
        ),
        ("others: any", "others: some", "scenario.value", 17),
        (
            "    others: any",
            "      st-brannocks-school: {outcome: content, because: x}\n    others: any",
            "scenario.text",
            17,
        ),
        ("    others: any", "    others: any\n    acknowledge: all", "scenario.value", 18),
        ("born: 2011-09-25", "nhs_number: 9434765919", "scenario.value", 5),
        ("born: 2011-09-25", "nhs_number: 'abc'", "scenario.value", 5),
        ("born: 2011-09-25", "upn: X1", "scenario.value", 5),
        ("name: Robin Ashdown", "name: Robin", "scenario.value", 5),
        ("born: 2011-09-25", "bron: 2011-09-25", "scenario.key", 5),
        ("outcome: content", "outcome: refer", "scenario.value", 16),
        (
            "      st-brannocks-school: {outcome: content, slots: [identity]",
            "      eastshire-council/mash: {outcome: task",
            "scenario.reference",
            16,
        ),
        ("story: [Told for a test.]", "story: {a: b}", "scenario.value", 2),
        ("      child: robin\n", "", "scenario.key", 11),
        (
            "st-brannocks-school: {outcome: content",
            "eastshire-police: {outcome: content",
            "scenario.value",
            16,
        ),
    ],
)
def test_a_mistake_in_the_story(tmp_path: Path, old: str, new: str, code: str, line: int) -> None:
    assert old in STORY
    told(refused(tmp_path, STORY.replace(old, new, 1)), code, line)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("  - {step: before, at: 2026-03-04 10:00}\n", "scenario.order"),
        ("  - {step: both, at: 2026-03-05 10:00, after: 2 hours}\n", "scenario.key"),
        ("  - {step: after, after: soonish}\n", "scenario.value"),
        ("  - {step: after, after: -2 hours}\n", "scenario.value"),
        ("  - {step: again, id: report}\n", "scenario.twice"),
        (
            POLICE + "retract: {step: nothing, reason: wrong-person}}\n",
            "scenario.reference",
        ),
        (
            POLICE + "retract: {step: report, reason: wrong-persn}}\n",
            "scenario.value",
        ),
        (
            POLICE + "retract: {step: report, reason: wrong-person, tell: burn}}\n",
            "scenario.value",
        ),
        (
            "  - {step: w, id: w}\n" + POLICE + "retract: {step: w, reason: wrong-person}}\n",
            "scenario.reference",
        ),
        (
            POLICE + "answer: {to: report, say: maybe}}\n",
            "scenario.value",
        ),
        (
            COUNCIL + "alert: {child: robin, kind: secret}}\n",
            "scenario.value",
        ),
        (
            COUNCIL + "alert: {child: robin, kind: not-visible-to, who: [aunt]}}\n",
            "scenario.value",
        ),
        (
            COUNCIL + "involves: {child: robin, as: friend}}\n",
            "scenario.value",
        ),
        (
            COUNCIL
            + "involves: {child: robin, as: allocated, from: 2026-03-04, until: 2026-01-01}}\n",
            "scenario.value",
        ),
        (COUNCIL + "narrow: {direction: up}}\n", "scenario.value"),
        (
            COUNCIL + "narrow: {direction: sending, clause: '9.9'}}\n",
            "scenario.reference",
        ),
        (
            COUNCIL + "narrow: {direction: sending, hours: 0}}\n",
            "scenario.value",
        ),
        (POLICE + "lift: report}\n", "scenario.reference"),
        (POLICE + "acknowledge: some}\n", "scenario.value"),
        (POLICE + "file: {path: nothing.json}}\n", "scenario.reference"),
        (POLICE + "file: {path: .}}\n", "scenario.reference"),
        (POLICE + "file: {}}\n", "scenario.key"),
        (
            POLICE + "file: {content: x, format: runes}}\n",
            "scenario.value",
        ),
        (
            POLICE + "file: {content: '{robyn.nhs_number}'}}\n",
            "scenario.reference",
        ),
        (POLICE + "form: hello}\n", "scenario.value"),
        (POLICE + "form: [hello]}\n", "scenario.value"),
        (
            POLICE + "form: {form: concern, child: robyn}}\n",
            "scenario.reference",
        ),
        ("secrets: [{text: x, only: [nobody], because: y}]\n", "scenario.reference"),
        ("secrets: [{text: '', only: [], because: y}]\n", "scenario.value"),
        ("  - {step: r, gest: nobody}\n", "scenario.key"),
        ("  - hello\n", "scenario.value"),
    ],
)
def test_a_mistake_in_another_step(tmp_path: Path, step: str, code: str) -> None:
    told(refused(tmp_path, STORY + step), code, STORY.count("\n") + step.count("\n"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "scenario.text"),
        ("title: [\n", "scenario.text"),
        ("- a\n", "scenario.value"),
        ("hello\n", "scenario.value"),
        ("title:\n\t- a\n", "scenario.text"),
        (b"\0", "scenario.text"),
        (b"title: \xe9\n", "scenario.text"),
        (STORY + "---\n" + STORY, "scenario.text"),
        ("title: " + "[" * 2000, "scenario.text"),
        ("a: &a [x]\nb: *a\n", "scenario.text"),
    ],
)
def test_what_is_no_scenario_at_all(tmp_path: Path, text: str | bytes, code: str) -> None:
    error = refused(tmp_path, text)
    assert error.code.name == code
    assert error.where.startswith("story.yaml:")


def test_what_was_meant_is_suggested(tmp_path: Path) -> None:
    error = refused(tmp_path, STORY.replace("risk: high}", "risk: hihg}"))
    assert error.fix.startswith("Did you mean high? Use one of: ")
