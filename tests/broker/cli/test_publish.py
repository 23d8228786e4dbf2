"""`publish`: an agency's own files in, every item accounted for."""

from pathlib import Path

import pytest

from tests.broker.cli.files import GIRL, concern, involvement, written
from tests.support.commands import COLUMNS, Commands

SCHOOL = "st-brannocks-school"


def test_good_forms_are_published_once(eastshire: Commands, tmp_path: Path) -> None:
    # given a file with two concerns and what links the child to the school
    file = written(tmp_path, "monday.json", concern(1), concern(2), involvement(SCHOOL, "on-roll"))

    # when it is published twice
    first = eastshire.json("publish", SCHOOL, file)
    second = eastshire.json("publish", SCHOOL, file)

    # then all records went out the first time, and none the second
    assert (first["read"], first["mapped"], first["rejected"]) == (3, 3, [])
    assert sorted(one["type"] for one in first["published"]) == [
        "concern",
        "concern",
        "involvement",
    ]
    assert (second["published"], second["already"]) == ([], 3)


def test_a_bad_form_is_named_and_the_good_ones_go_through(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file with a good form among bad ones
    file = written(
        tmp_path,
        "monday.json",
        concern(1),
        concern(2, on="2026-02-30"),
        concern(3, urgency="whenever"),
        concern(4, child={**GIRL, "nhsNumber": "9990000019", "dateOfBirth": None}),
        "not a form",
    )

    # when it is published
    done = eastshire.json("publish", SCHOOL, file, code=1)

    # then one is published, and each of the others is named with place, reason and what to do
    assert len(done["published"]) == 1
    assert (done["read"], done["mapped"], done["context"]) == (5, 1, 0)
    assert len(done["rejected"]) == 4
    assert {one["file"] for one in done["rejected"]} == {"monday.json"}
    assert all(one["item"] and one["reason"] and one["fix"] for one in done["rejected"])
    codes = {one["code"] for one in done["rejected"]}
    assert {"field.date", "field.code", "field.type"} <= codes


def test_people_get_a_table_that_fits_and_each_reason_once(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file with many equal faults, when it is published, then a person reads one line of it
    forms = [concern(number, urgency="whenever") for number in range(9)]
    answer = eastshire("publish", SCHOOL, written(tmp_path, "monday.json", *forms), code=1)
    assert "Rejected: 9" in answer.out
    assert "and 4 more" in answer.out
    assert "[field.code]" in answer.out
    table = answer.out.splitlines()[:2]
    assert all(len(line) <= COLUMNS for line in table)
    assert "whenever" not in answer.out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input.empty"),
        (b'{"forms": [', "input.json"),
        ('{"forms": ["Zoë"]}'.encode("latin-1"), "input.encoding"),
    ],
)
def test_a_file_that_is_none_is_refused_whole_and_others_go_through(
    eastshire: Commands, tmp_path: Path, content: bytes, code: str
) -> None:
    # given a broken file beside a good one
    bad, good = tmp_path / "bad.json", written(tmp_path, "good.json", concern())
    bad.write_bytes(content)

    # when both are published, then the broken one is named and the good one is out
    done = eastshire.json("publish", SCHOOL, bad, good, code=1)
    assert [one["code"] for one in done["rejected"]] == [code]
    assert len(done["published"]) == 1


def test_another_agencys_file_is_refused(eastshire: Commands, tmp_path: Path) -> None:
    # given the school's file, when another agency publishes it, then nothing of it goes out
    file = written(tmp_path, "monday.json", concern())
    done = eastshire.json("publish", "harbour-academy", file, code=1)
    assert done["published"] == []
    assert [one["code"] for one in done["rejected"]] == ["input.other-agency"]


def test_what_the_rule_keeps_is_said_with_its_reason(eastshire: Commands, tmp_path: Path) -> None:
    # given a concern that nobody decided to share
    file = written(tmp_path, "monday.json", concern(decidedBy=None))

    # when it is published, then it stays, and the rule that keeps it is named
    done = eastshire.json("publish", SCHOOL, file)
    assert done["published"] == []
    assert done["kept_back"][0]["rule"]
    assert "kept back by" in eastshire("publish", SCHOOL, file).out


def test_a_file_that_is_not_there_is_wrong_usage(eastshire: Commands, tmp_path: Path) -> None:
    # given no such file, when it is published, then it says which, and nothing about the broker
    answer = eastshire("publish", SCHOOL, tmp_path / "nowhere.json", code=1)
    assert "nowhere.json" in answer.out
    assert "installation" not in answer.out + answer.errors


def test_an_unknown_format_is_wrong_usage(eastshire: Commands, tmp_path: Path) -> None:
    # given a format that there is not, when it is named, then those that there are are listed
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", SCHOOL, file, "--format", "xls", "--json", code=2).error


@pytest.mark.parametrize("agency", ["westshire-police", "../broker", ""])
def test_an_unknown_agency_is_wrong_usage(eastshire: Commands, tmp_path: Path, agency: str) -> None:
    # given an agency that there is not, when it publishes, then it is told so
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", agency, file, "--json", code=2).error == "installation.agency"


def test_no_installation_is_wrong_usage(eastshire: Commands, tmp_path: Path) -> None:
    # given a folder without an installation, when a file is published, then it says how to make one
    file = written(tmp_path, "monday.json", concern())
    answer = eastshire.bare("publish", SCHOOL, file, "--dir", tmp_path, code=2)
    assert "concordat init" in answer.errors


def test_a_rule_that_cannot_be_read_lets_nothing_out(eastshire: Commands, tmp_path: Path) -> None:
    # given a publication rule that is none
    rule = eastshire.root / "agencies" / SCHOOL / "publication.yaml"
    rule.write_text("rules: [", encoding="utf-8")

    # when a file is published, then it is refused: without the rule nobody may let anything out
    file = written(tmp_path, "monday.json", concern())
    assert eastshire("publish", SCHOOL, file, "--json", code=3).error.startswith("protocol.")


def test_a_changed_form_supersedes_the_one_before(eastshire: Commands, tmp_path: Path) -> None:
    # given a concern that was published, when it is published with other words, then it goes out
    # as a new version
    eastshire("publish", SCHOOL, written(tmp_path, "monday.json", concern(1)))
    changed = written(tmp_path, "tuesday.json", concern(1, account="Fell asleep twice."))
    assert len(eastshire.json("publish", SCHOOL, changed)["published"]) == 1
