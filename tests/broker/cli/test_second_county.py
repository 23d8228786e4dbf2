"""Another county of another shape: other types of agency, the same commands."""

import json
from pathlib import Path

import pytest

from tests.support.commands import Commands

YOUTH_JUSTICE, HOUSING = "eastbridge-youth-justice", "eastbridge-housing"
CHILD = {
    "firstName": "Robin",
    "lastName": "Sample",
    "dateOfBirth": "2011-09-25",
    "nhsNumber": "9990000018",
}


def forms(path: Path, *given: dict[str, str]) -> Path:
    path.write_text(json.dumps({"forms": [{**one, "child": CHILD} for one in given]}))
    return path


def test_youth_justice_and_housing_take_part_like_anybody(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given the borough
    there = ("--dir", tmp_path / "borough")
    said = eastshire.bare("init", "--protocol", "eastbridge", *there).out
    assert YOUTH_JUSTICE in said
    assert "safe-harbour" in said

    # when youth justice and housing say that they work with a girl, and housing raises an alert
    link = {"form": "involvement", "kind": "open-case", "from": "2026-01-02"}
    alert = {"form": "alert", "kind": "safe-contact", "from": "2026-01-02"}
    file = forms(tmp_path / "youth.json", link)
    eastshire.bare("publish", YOUTH_JUSTICE, file, *there)
    eastshire.bare("route", *there)
    file = forms(tmp_path / "housing.json", link, alert)
    eastshire.bare("publish", HOUSING, file, *there)
    eastshire.bare("route", *there)

    # then youth justice hears of the alert under the region's own clause
    inbox = eastshire.bare("inbox", YOUTH_JUSTICE, "--json", *there).document
    (delivery,) = inbox["deliveries"]
    assert delivery["clauses"] == ["L2.6"]

    # and the whole verifies
    eastshire.bare("log", "verify", *there)


@pytest.mark.parametrize("said", ["nowhere", "no such folder", "."])
def test_what_is_no_protocol_is_told_as_such(
    said: str, eastshire: Commands, tmp_path: Path
) -> None:
    answer = eastshire.bare("init", "--protocol", said, "--dir", tmp_path / "new", "--json", code=2)
    assert answer.error == "usage.protocol"
