"""Reading a file from disk, and choosing its format."""

from pathlib import Path

import pytest

from adapters.errors import InputRefused
from adapters.reading import read_file
from adapters.registry import FORMATS, named, recognise
from tests.adapters.reading_support import (
    HEADER_CSV,
    MISSING_CSV,
    NHS,
    SHAPES,
    UPN,
    codes,
    context,
    drafts,
)
from tests.support.tree import ROOT


def test_formats_have_names_of_their_own() -> None:
    # Given the registry, when names are compared, then each is one format's.
    names = [one.name for one in FORMATS]
    assert len(names) == len(set(names))
    assert all(named(name).name == name for name in names)


def test_every_format_has_its_table_in_the_documentation() -> None:
    # Given the page of mappings, when formats are looked for, then each is named.
    page = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
    assert [one.name for one in FORMATS if f"`{one.name}`" not in page] == []


def test_an_unknown_name_lists_the_known_ones() -> None:
    # Given a name that no format has, when it is asked for, then the mend lists those there are.
    with pytest.raises(InputRefused) as caught:
        named("xml")
    assert "police-sui-json" in caught.value.fix


def test_nobody_or_more_than_one_recognises() -> None:
    # Given content that nobody knows, or two do, when a format is chosen, then a person must say.
    with pytest.raises(InputRefused) as caught:
        recognise(b"%PDF-1.7", "report.pdf")
    assert caught.value.code.name == "input.format.unknown"
    with pytest.raises(InputRefused) as caught:
        recognise(b'[{"missingEpisodes": [], "absences": []}]', "export")
    assert caught.value.code.name == "input.format.ambiguous"
    assert "education-sui-json" in caught.value.fix


@pytest.mark.parametrize("one", FORMATS, ids=[one.name for one in FORMATS])
def test_formats_recognise_nothing_in_noise(one: object) -> None:
    # Given noise, when a format looks at it, then it does not know it.
    assert not one.recognises(b"\x00\xff\x00\xff", "noise")  # type: ignore[attr-defined]  # of each service module


def test_a_file_is_read_with_what_lies_beside_it(tmp_path: Path) -> None:
    # Given missing.csv and header.csv in one folder, when the first is read
    (tmp_path / "missing.csv").write_text(MISSING_CSV)
    (tmp_path / "header.csv").write_text(HEADER_CSV)
    reading = read_file(tmp_path / "missing.csv", context("social-care"))
    # Then the second was joined.
    assert drafts(reading)[0].statement.identifiers.upn == UPN
    assert reading.accounting.file == "missing.csv"


def test_a_companion_may_be_given_with_the_command(tmp_path: Path) -> None:
    # Given the header module in another folder, when it is named with the command, then it is used.
    (tmp_path / "missing.csv").write_text(MISSING_CSV)
    other = tmp_path / "h"
    other.mkdir()
    (other / "header.csv").write_text(HEADER_CSV)
    given = {"header.csv": other / "header.csv"}
    reading = read_file(tmp_path / "missing.csv", context("social-care"), given=given)
    assert drafts(reading)[0].statement.identifiers.upn == UPN


def test_a_format_that_a_person_names_is_used(tmp_path: Path) -> None:
    # Given a file that could be two formats', when one is named, then it reads.
    path = tmp_path / "export.json"
    path.write_text(
        '[{"nhsNumber": "9990000018", "record": {"absences": []}, "missingEpisodes": 1}]'
    )
    account = read_file(path, context("education"), "education-sui-json").accounting
    assert (account.format, account.context) == ("education-sui-json", 1)


@pytest.mark.parametrize("name", [None, "form"])
def test_what_cannot_be_read_is_one_rejected_item(tmp_path: Path, name: str | None) -> None:
    # Given no file, when it is read, then it counts as one item, and its number is masked.
    path = tmp_path / f"police-{NHS}_X.json"
    reading = read_file(path, context(), name)
    assert codes(reading) == {"input.unreadable": 1}
    assert reading.accounting.format == (name or "")
    assert NHS not in repr(reading.accounting)


def test_a_vouched_encoding_reads_old_exports(tmp_path: Path) -> None:
    # Given an export of an old system, when its encoding is vouched for, then it reads.
    path = tmp_path / "form.json"
    text = SHAPES["form"][1].decode().replace("Lee Sample", "Zoë Sample")
    path.write_bytes(text.encode("cp1252"))
    assert codes(read_file(path, context("social-care"))) == {"input.encoding": 1}
    reading = read_file(path, context("social-care", encoding="cp1252"))
    assert reading.accounting.mapped == 3
