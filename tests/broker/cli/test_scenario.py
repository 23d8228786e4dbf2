"""`scenario`: every shipped story comes out as told, and what is wrong with a file is told."""

from pathlib import Path

import pytest

from broker.runtimes.founding import county_folder
from tests.support.commands import Commands
from tests.support.tree import ROOT

STORY = """
title: A girl is missing
story: [Her school must know.]
starts: 2026-03-04 08:00
children:
  robin: {name: Robin Ashdown, born: 2011-09-25, works_with: {st-brannocks-school: on-roll}}
steps:
  - step: The police report it
    by: eastshire-police
    record:
      type: missing-episode
      child: robin
      content: {episode: {start: 2026-03-04, kind: missing, risk: medium}}
    gets:
      st-brannocks-school: {outcome: OUTCOME, because: She is its pupil.}
    others: any
"""


@pytest.mark.parametrize("county", ["eastshire", "eastbridge"])
def test_every_shipped_story_comes_out_as_told(county: str, eastshire: Commands) -> None:
    folder = county_folder(county) / "scenarios"
    played = eastshire.bare("scenario", "run", folder, "--protocol", county, "--json").document
    assert [one["file"] for one in played["scenarios"]] == sorted(
        path.name for path in folder.glob("*.yaml")
    )


def test_a_story_is_shown_with_what_each_gets(eastshire: Commands, tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(STORY.replace("OUTCOME", "content"))
    out = eastshire.bare("scenario", "run", path).out
    assert "as told" in out
    assert "every log verified" in out
    assert "story.yaml" in eastshire.bare("scenario", "list", path).out
    (listed,) = eastshire.bare("scenario", "list", path, "--json").document
    assert (listed["title"], listed["steps"]) == ("A girl is missing", 1)


def test_what_comes_otherwise_is_told_in_words(eastshire: Commands, tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(STORY.replace("OUTCOME", "withhold"))
    out = " ".join(eastshire.bare("scenario", "run", path, code=1).out.split())
    assert "DIFFERS" in out
    assert "Clause 4.1" in out


def test_the_page_is_what_the_stories_say(eastshire: Commands, tmp_path: Path) -> None:
    eastshire.bare("scenario", "doc", "-o", tmp_path / "page.md")
    written = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert written == (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("title:", "titel:", "scenario.key"),
        ("outcome: OUTCOME", "outcome: perhaps", "scenario.value"),
        ("eastshire-police", "westshire-police", "scenario.reference"),
        ("type: missing-episode", "type: rumour", "scenario.reference"),
        ("child: robin", "child: kit", "scenario.reference"),
        ("risk: medium", "danger: medium", "scenario.key"),
        ("2026-03-04 08:00", "soon", "scenario.value"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(
    old: str, new: str, code: str, eastshire: Commands, tmp_path: Path
) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(STORY.replace(old, new).replace("OUTCOME", "content"))
    answer = eastshire.bare("scenario", "run", path, "--json", code=2)
    assert answer.error == code
    assert "story.yaml" in answer.document["error"]["where"]
