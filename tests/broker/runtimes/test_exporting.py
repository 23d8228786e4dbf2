"""Files of what was found: whole or not there, and nothing in them that a spreadsheet runs."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.runtimes.exporting import DANGEROUS, WRITERS, cell, export
from broker.runtimes.layout import InstallationError

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(rows=st.lists(st.tuples(texts, texts), max_size=5))
def test_a_table_reads_back_and_holds_no_formula(rows: list[tuple[str, str]]) -> None:
    """Given any texts, when written and read, then each comes back, behind ' if it is a formula."""
    file = io.StringIO(newline="")
    write = WRITERS[".csv"](file, ("one", "two"))
    for one, two in rows:
        write({"one": one, "two": two})
    file.seek(0)
    read = list(csv.DictReader(file))
    assert len(read) == len(rows)
    for before, after in zip(rows, read, strict=True):
        for text, found in zip(before, after.values(), strict=True):
            assert found == (f"'{text}" if text.startswith(DANGEROUS) else text)
            assert not found.startswith(DANGEROUS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (-3, "-3"),
        (True, "yes"),
        (False, "no"),
        (["1.1", "2.4"], "1.1 2.4"),
        ("=1+1", "'=1+1"),
        (["@x"], "'@x"),
    ],
)
def test_values_become_cells(value: object, written: str) -> None:
    assert cell(value) == written


def test_what_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    # given a file of a former export, when another one fails half way, then the former one stands
    path = tmp_path / "found.jsonl"
    path.write_text("former")
    with pytest.raises(TypeError), export(path, ("a",)) as write:
        write({"a": {1}})
    assert [one.name for one in tmp_path.iterdir()] == ["found.jsonl"]
    assert path.read_text() == "former"


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    for name in ("found.parquet", "found"):
        with (
            pytest.raises(InstallationError, match=r"\.csv or \.jsonl"),
            export(tmp_path / name, ("a",)),
        ):
            pass
    assert not list(tmp_path.iterdir())
