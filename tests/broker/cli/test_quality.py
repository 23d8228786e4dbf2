"""`quality`: what an agency's files were like in a month, on the screen, as a page, as tables."""

import csv
from pathlib import Path

import pytest

from broker.backends.sqlite.database import open_database
from broker.backends.sqlite.readings import READINGS
from broker.clock import SECOND
from broker.runtimes.quality import MONTH, QualityRefused, span_of
from tests.broker.cli.files import GIRL, concern, written
from tests.support.commands import Commands

SCHOOL = "st-brannocks-school"
VALUES = ("Robin", "Sample", GIRL["nhsNumber"], "SBS-1", "2011-09-25", "Fell asleep")


def published(eastshire: Commands, folder: Path) -> None:
    """Publish a file with two faults of one kind, one rejected child, and what is not mapped."""
    file = written(
        folder,
        "=monday.json",
        concern(1),
        *(concern(number, urgency="whenever") for number in (2, 3)),
        concern(4, child={**GIRL, "nhsNumber": "9990000019", "dateOfBirth": None}),
        concern(5, child={**GIRL, "nhsNumber": None}),
    )
    eastshire("publish", SCHOOL, file, code=1)
    eastshire("publish", SCHOOL, file, code=1)


def test_a_month_is_told_with_what_to_mend(eastshire: Commands, tmp_path: Path) -> None:
    # given a file that was published twice
    published(eastshire, tmp_path)

    # when the month is asked for, then the file counts once
    told = eastshire.json("quality", SCHOOL)
    assert (told["month"], told["contents"], told["read"], told["rejected"]) == ("2026-03", 1, 5, 3)
    assert (told["about_a_child"], told["cannot_link"]) == (2, 1)
    assert told["identifiers"]["nhs_number"] == {"valid": 1, "invalid": 1, "absent": 1}
    worst = told["faults"][0]
    assert (worst["rejects"], worst["code"], worst["field"], worst["count"]) == (
        *(True, "field.code"),
        *("urgency", 2),
    )
    assert worst["files"][0]["file"] == "=monday.json"
    out = eastshire("quality", SCHOOL, "--month", "2026-03").out
    assert "2 × The code is not one of the format's list." in out
    assert "1 of 2 (50.0 %)" in out


def test_it_is_written_as_a_page_and_as_tables_without_a_value(
    eastshire: Commands, tmp_path: Path
) -> None:
    published(eastshire, tmp_path)
    out = tmp_path / "reports"
    told = eastshire.json("quality", SCHOOL, "-o", out)
    stem = f"quality-{SCHOOL}-2026-03"
    names = [f"{stem}.html", f"{stem}-files.csv", f"{stem}-faults.csv"]
    assert told["written"] == names
    page, files, faults = ((out / name).read_text("utf-8") for name in names)
    for text in (page, files, faults):
        assert not any(value in text for value in VALUES)
    assert "Data quality: St Brannock" in page
    # a name that a spreadsheet would work out is no formula
    (row,) = csv.DictReader(files.splitlines())
    assert (row["file"], row["items"], row["nhs_number_invalid"]) == ("'=monday.json", "5", "1")
    first, *_ = csv.DictReader(faults.splitlines())
    assert (first["code"], first["count"]) == ("field.code", "2")


def test_a_month_without_files_and_one_that_is_none(eastshire: Commands, tmp_path: Path) -> None:
    assert "Nothing was read in that month" in eastshire("quality", SCHOOL).out
    eastshire("quality", SCHOOL, "-o", tmp_path / "reports")
    page = (tmp_path / "reports" / f"quality-{SCHOOL}-2026-03.html").read_text("utf-8")
    assert "Nothing was found" in page
    for month in ("2026-13", "March", "0001-01", "9999-12"):
        answer = eastshire("quality", SCHOOL, "--month", month, "--json", code=2)
        assert answer.error == MONTH.name


def test_a_report_that_cannot_be_written_holds_nothing_up(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a file of readings that is of another kind
    path = eastshire.root / "agencies" / SCHOOL / "readings.sqlite"
    path.write_bytes(b"no database" * 100)
    # when a file is published, then its records go out, and what is missing is told
    file = written(tmp_path, "monday.json", concern(1))
    out = " ".join(eastshire("publish", SCHOOL, file).out.split())
    assert "1 records published" in out
    assert "Missing in the report on quality" in out
    assert eastshire("quality", SCHOOL, "--json", code=3).error.startswith("store.")
    path.unlink()
    open_database(path, READINGS).close()
    assert eastshire.json("quality", SCHOOL)["contents"] == 0


def test_a_month_ends_with_its_year() -> None:
    first, end = span_of("2026-12")
    assert (end - first) // (86_400 * SECOND) == 31
    with pytest.raises(QualityRefused):
        span_of("2026-00")
