"""`scenario`: every shipped story comes out as told, and what is wrong with a file is told."""

import shutil
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


def test_a_wrong_file_holds_up_none_of_the_others(eastshire: Commands, tmp_path: Path) -> None:
    # given a right story, one that cannot be read, and one whose form its agency cannot send
    right = STORY.replace("OUTCOME", "content")
    (tmp_path / "1-wrong.yaml").write_text(STORY)
    (tmp_path / "2-right.yaml").write_text(right)
    sent = "  - {step: sent, by: eastshire-police, form: {form: poem, child: robin}}\n"
    (tmp_path / "3-form.yaml").write_text(right + sent)

    # when all are played, then the right one is, and each of the others is told with its place
    answer = eastshire.bare("scenario", "run", tmp_path, "--json", code=2).document
    assert [(one["file"], one["as_told"]) for one in answer["scenarios"]] == [
        ("2-right.yaml", True)
    ]
    wrong, form = answer["errors"]
    assert (wrong["code"], wrong["where"][:15]) == ("scenario.value", "1-wrong.yaml:15")
    assert (form["code"], form["where"][:14]) == ("scenario.record", "3-form.yaml:17")
    out = " ".join(eastshire.bare("scenario", "run", tmp_path, code=2).out.split())
    assert "1-wrong.yaml:15" in out
    assert "all as told" in out


@pytest.mark.parametrize("lacks", ["clauses.yaml", "publication/eastshire-police.yaml"])
def test_a_folder_that_is_no_whole_protocol(
    eastshire: Commands, tmp_path: Path, lacks: str
) -> None:
    folder = tmp_path / "another"
    shutil.copytree(county_folder("eastshire"), folder)
    (folder / lacks).unlink()
    answer = eastshire.bare("scenario", "run", "--protocol", folder, "--json", code=2)
    assert answer.error == "scenario.protocol"
    assert lacks in answer.document["error"]["where"]


def test_where_there_is_no_story(eastshire: Commands, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.yaml"):
        answer = eastshire.bare("scenario", "run", path, "--json", code=2)
        assert answer.error == "scenario.none"
