"""`scenario`: run, list, write the page; and how it ends."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from broker.cli import show
from broker.cli.app import app
from broker.cli.show import Exit
from broker.runtimes.founding import county_folder

STORY = """\
title: A small story
story: [One line.]
starts: 2026-03-04 12:00
children:
  robin: {name: Robin Ashdown, born: 2011-09-25, works_with: {millbrook-surgery: registered}}
steps:
  - step: The police report her missing
    by: eastshire-police
    record:
      type: missing-episode
      child: robin
      content: {episode: {start: 2026-03-04, kind: missing, risk: low}}
    gets:
      millbrook-surgery: {outcome: %s, clauses: ["4.1"], because: She is its patient.}
    others: any
"""


def _run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> tuple[int, str]:
    monkeypatch.setattr(show.screen, "_width", 200)
    answer = CliRunner().invoke(app, ["scenario", *(str(word) for word in words)])
    return answer.exit_code, answer.output


def _story(folder: Path, outcome: str = "content") -> Path:
    path = folder / "story.yaml"
    path.write_text(STORY % outcome, encoding="utf-8")
    return path


def test_a_scenario_that_comes_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a story that is so
    code, said = _run(monkeypatch, "run", _story(tmp_path))

    # then the table says who got what, by which clause, and that the log was verified
    assert code == Exit.DONE, said
    assert "A small story (story.yaml)" in said
    (line,) = [one for one in said.splitlines() if "millbrook-surgery" in one]
    assert "content of missing-episode: contact, episode" in line
    assert line.split()[-3:] == ["4.1", "as", "told"]
    assert "expectations: 1, all as told; every log verified" in said


def test_a_scenario_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a story that is not so
    path = _story(tmp_path, "existence")
    code, said = _run(monkeypatch, "run", path)

    # then it ends with 1, and says what differs, why it was so, and what the clause says
    assert code == Exit.REJECTED
    assert "DIFFERS" in said
    assert "It must be existence, and content came." in said
    assert "The scenario says why: She is its patient." in said
    assert "opens whom to ask and episode, because the recipient has the child" in said
    assert "Clause 4.1 says: Her school, her practice" in said
    assert "1 of them otherwise than told" in said

    # and for a program, the same as JSON
    code, said = _run(monkeypatch, "run", path, "--json")
    (played,) = json.loads(said)["scenarios"]
    (row,) = played["rows"]
    assert code == Exit.REJECTED
    assert (played["as_told"], played["verified"], played["findings"]) == (False, True, [])
    assert (row["consumer"], row["clauses"]) == ("millbrook-surgery", ["4.1"])
    assert row["differs"] == ["It must be existence, and content came."]
    assert row["why"]


def test_a_step_that_goes_wrong_is_told_without_a_consumer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a story that answers what nobody asked, and one that compares nothing
    head = STORY[: STORY.index("steps:")]
    answer = "{step: Answered, id: a, by: eastshire-police, answer: {to: b, say: share}}"
    text = f"{head}steps:\n  - {{step: Before, id: b}}\n  - {answer}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(f"{head}steps: [{{step: Before}}]\n", encoding="utf-8")
    code, said = _run(monkeypatch, "run", tmp_path)

    # then the one is told, and of the other that it compares nothing
    assert code == Exit.REJECTED
    assert "There is no task to answer" in said
    assert "It compares nothing: no step says what anybody gets." in said


def test_a_file_that_is_wrong_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file that names an outcome that there is not
    code, said = _run(monkeypatch, "run", _story(tmp_path, "gossip"), "--json")

    # then it ends with 2 and says file, line and what to do
    error: dict[str, Any] = json.loads(said)["error"]
    assert code == Exit.USAGE
    assert error["code"] == "scenario.value"
    assert error["where"].startswith("story.yaml:14: steps[0].gets.millbrook-surgery.outcome")
    assert "existence" in error["fix"]


def test_scenarios_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    # given the protocol's own, when they are listed, then each stands there with its title
    code, said = _run(monkeypatch, "list")
    assert code == Exit.DONE
    assert "missing-at-night.yaml" in said
    code, said = _run(monkeypatch, "list", "--protocol", "eastbridge", "--json")
    listed = json.loads(said)
    assert {"guest.yaml", "narrower.yaml"} <= {one["file"] for one in listed}
    assert all(one["title"] and one["story"] and one["steps"] for one in listed)


def test_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a story, when its page is written, then it holds it
    code, said = _run(monkeypatch, "doc", _story(tmp_path), "-o", tmp_path / "page.md")
    assert (code, said.split()[:2]) == (Exit.DONE, ["1", "scenarios"])
    assert "## A small story" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_another_protocol_is_tried_before_it_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a protocol of one's own, where clause 4.1 opens the return interview as well
    folder = Path(shutil.copytree(county_folder(), tmp_path / "draft"))
    text = (folder / "clauses.yaml").read_text(encoding="utf-8")
    here = text.index('id: "4.1"')
    changed = text[here:].replace("[contact, episode]", "[contact, episode, return_interview]", 1)
    (folder / "clauses.yaml").write_text(text[:here] + changed, encoding="utf-8")
    story = _story(tmp_path)

    # when a scenario is played by it, then it shows
    code, said = _run(monkeypatch, "run", story, "--protocol", folder)
    assert code == Exit.DONE, said
    assert "contact, episode, return_interview" in said


@pytest.mark.parametrize("lacks", ["clauses.yaml", "publication/harbour-academy.yaml"])
def test_half_a_protocol_cannot_be_tried(
    lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a folder that lacks a file
    folder = Path(shutil.copytree(county_folder(), tmp_path / "draft"))
    (folder / lacks).unlink()
    code, said = _run(monkeypatch, "run", "--protocol", folder, "--json")

    # then it says which
    error = json.loads(said)["error"]
    assert (code, error["code"]) == (Exit.USAGE, "scenario.protocol")
    assert error["where"] == f"draft has no {lacks}"

    # and a folder that is none at all is another error
    code, said = _run(monkeypatch, "run", "--protocol", tmp_path / "none", "--json")
    assert (code, json.loads(said)["error"]["code"]) == (Exit.USAGE, "usage.protocol")
