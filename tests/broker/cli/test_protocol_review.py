"""`protocol check` and `protocol diff`: a text before anybody signs it."""

import shutil
from pathlib import Path

import pytest

from broker.runtimes.founding import county_folder
from tests.support.commands import Commands


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A partnership's own copy of Eastshire's text."""
    return shutil.copytree(county_folder("eastshire"), tmp_path / "protocol")


def edited(folder: Path, file: str, old: str, new: str) -> Path:
    path = folder / file
    said = path.read_text(encoding="utf-8")
    assert old in said
    path.write_text(said.replace(old, new, 1), encoding="utf-8")
    return folder


def test_a_sound_text_has_no_findings(eastshire: Commands) -> None:
    for name in ("eastshire", "eastbridge"):
        assert "Nothing is wrong in the text." in eastshire.bare("protocol", "check", name).out
    found = eastshire.bare("protocol", "check", "--json").document
    assert (found["findings"], found["clauses"], found["cases"]) == ([], 55, 182)


def test_what_is_wrong_in_a_text_is_told_with_what_to_do(eastshire: Commands, text: Path) -> None:
    # given a text whose last day is a Saturday, and a case that expects something else
    edited(text, "protocol.yaml", "last_day: 2028-12-29", "last_day: 2028-12-30")
    edited(text, "cases.yaml", "outcome: content", "outcome: existence")
    out = eastshire.bare("protocol", "check", text, code=1).out
    assert "30 December 2028" in out
    assert "comes out otherwise" in out
    found = eastshire.bare("protocol", "check", text, "--json", code=1).document["findings"]
    assert [(one["kind"], one["fault"]) for one in found] == [
        ("case-fails", True),
        ("last-day", True),
    ]


def test_a_text_that_cannot_be_read_is_refused_with_its_line(
    eastshire: Commands, text: Path
) -> None:
    edited(text, "clauses.yaml", "effect: content", "effect: contend")
    answer = eastshire.bare("protocol", "check", text, "--json", code=3)
    assert "clauses.yaml:" in answer.document["error"]["where"]


def test_a_changed_text_is_told_clause_by_clause(eastshire: Commands, text: Path) -> None:
    # given a text like the one in force, then nothing is different
    assert "Nothing is different." in eastshire("protocol", "diff", text).out

    # when somebody opens more to somebody else, then it is said, and that it is more
    edited(text, "protocol.yaml", "review: 2027-06-30", "review: 2027-06-29")
    edited(text, "clauses.yaml", "labels.facts: {any: [missing:high-risk]}\n", "\n")
    out = eastshire("protocol", "diff", text).out
    assert "29 June 2027, not on 30 June 2027" in out
    assert "It asks no longer: the record must say: the risk was assessed as high." in out
    assert "Taken together: MORE" in out
    found = eastshire("protocol", "diff", text, "--json").document
    assert {one["what"] for one in found["clauses"]} == {"changed"}
    assert found["before"] != found["after"]


def test_two_texts_are_compared_without_an_installation(eastshire: Commands) -> None:
    words = ("protocol", "diff", "eastbridge", "--before", "eastshire")
    found = eastshire.bare(*words, "--json").document
    assert found["reach"] == "either"
    assert found["cases"] > 200
    assert "decision cases came, went" in eastshire.bare(*words).out
    assert eastshire.bare("protocol", "diff", "nowhere", "--json", code=2).error == "usage.protocol"
