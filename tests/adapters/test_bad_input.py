"""Bad input of one kind against every format that can meet it (docs/faults.md has the table)."""

import subprocess  # a process of its own shows what memory a file needs
import sys
from pathlib import Path

import pytest

from adapters.reading import Reading
from adapters.sources import xml
from adapters.sources.xml import STRAY
from tests.adapters.fuzzing import CSV, XML, settled
from tests.adapters.reading_support import ADT, SHAPES

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FHIR = b'<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/></Bundle>'


CENSUS = "social-care-cin-census"
PEAK = """
import os, sys
from adapters.sources.xml import stream
from benchmarks.kafka.processes import peak_mib
with open(sys.argv[1], "rb") as source:
    items = sum(1 for _ in stream(source, "Child"))
print(items, round(peak_mib(os.getpid())))
"""
"""Reads a census; prints its children and the most memory of the process, in MiB."""


def plain(name: str) -> Reading:
    """Read the sample as it is."""
    return settled(SHAPES[name][1], name)


@pytest.mark.parametrize("name", [*XML, "health-fhir"])
def test_entities_are_refused_before_they_grow(name: str) -> None:
    # Given a file that declares entities, when it is read, then the file is the one rejected item.
    data = FHIR if name == "health-fhir" else SHAPES[name][1]
    declaration, root = b"", data
    if data.startswith(b"<?xml"):
        declaration, _, root = data.partition(b"?>")
        declaration += b"?>"
    reading = settled(declaration + BOMB.encode() + root, name)
    assert reading.drafts == ()
    assert [one.code for one in reading.accounting.rejected] == ["input.xml.dtd"]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("name", CSV)
def test_a_table_with_other_separators_says_the_same(name: str, separator: str) -> None:
    # Given a table as a spreadsheet of another country saves it, then it says what it said.
    data = SHAPES[name][1].replace(b",", separator.encode())
    assert settled(data, name).drafts == plain(name).drafts


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_segments_may_end_otherwise(end: str) -> None:
    # Given HL7 with LF instead of CR, then it says what it said.
    data = ADT.replace("\r", end).encode()
    assert settled(data, "health-hl7-adt").drafts == plain("health-hl7-adt").drafts


DAYS = {b"03/03/2026": b"46084", b"02/03/2026": b"46083", b"01/02/2025": b"45689"}


@pytest.mark.parametrize(
    "name", [name for name in CSV if any(day in SHAPES[name][1] for day in DAYS)]
)
def test_days_as_a_spreadsheet_numbers_them_are_read_or_refused(name: str) -> None:
    # Given days as numbers, when the table is read, then schools' tables say the same, for that is
    # how offices save them, and returns, which no spreadsheet makes, name what they refuse.
    data = SHAPES[name][1]
    for day, number in DAYS.items():
        data = data.replace(day, number)
    reading = settled(data, name)
    if name.startswith("education"):
        assert reading.drafts == plain(name).drafts
    else:
        assert {one.code for one in reading.accounting.rejected} == {"field.date"}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_text_of_two_encodings_is_refused_or_kept(name: str) -> None:
    # Given a file in UTF-8 with one byte of Windows' old character set, then nothing is guessed.
    data = SHAPES[name][1]
    middle = len(data) // 2
    reading = settled(data[:middle] + b"\xe9" + data[middle:], name)
    assert reading.accounting.rejected


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("name", XML)
def test_words_between_children_are_told(name: str, place: str) -> None:
    # Given words where only a child may stand, in front of the first or behind the last one
    data = SHAPES[name][1]
    child = next(one for one in (b"Child", b"CHILD", b"Pupil") if b"<%b>" % one in data)
    begins, ends = b"<%b>" % child, b"</%b>" % child
    if place == "before":
        spoiled = data.replace(begins, b"words" + begins, 1)
    else:
        head, _, tail = data.rpartition(ends)
        spoiled = head + ends + b"words" + tail
    # When the file is read, then they are named, and the children say what they said.
    reading = settled(spoiled, name)
    assert STRAY in reading.accounting.unmapped
    assert reading.drafts == plain(name).drafts


@pytest.mark.parametrize("where", ["between", "within"])
@pytest.mark.parametrize("name", XML)
def test_what_would_be_held_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    # Given more elements that nobody knows than may be held together, behind the first child or
    # within it
    monkeypatch.setattr(xml, "MOST_HELD", 300)
    data = SHAPES[name][1]
    child = next(one for one in (b"Child", b"CHILD", b"Pupil") if b"<%b>" % one in data)
    ends = b"</%b>" % child
    many = b"<Other>x</Other>" * 400
    spoiled = data.replace(ends, ends + many if where == "between" else many + ends, 1)
    # When the file is read, then it is told that nothing from there on is.
    account = settled(spoiled, name).accounting
    assert account.broken_off
    assert [one.code for one in account.rejected] == ["input.xml.too-large"]


def test_bytes_that_are_held_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one child with more text than may be held, then nothing from there on is read.
    monkeypatch.setattr(xml, "MOST_BYTES", 100_000)
    data = SHAPES[CENSUS][1].replace(b"</Child>", b"<Other>words</Other>" * 10_000 + b"</Child>")
    account = settled(data, CENSUS).accounting
    assert [one.code for one in account.rejected] == ["input.xml.too-large"]


def test_memory_does_not_grow_with_a_file_of_xml(tmp_path: Path) -> None:
    # Given two files, one four times as long, with elements that nobody knows around the children
    head, rest = SHAPES[CENSUS][1].split(b"<Child>", 1)
    child, tail = rest.split(b"</Child>", 1)
    one = b"<Other><Child>" + child + b"</Child>" + b"<Other>x</Other>" * 50 + b"</Other>"
    peaks = []
    for times in (1_000, 4_000):
        path = tmp_path / "census.xml"
        path.write_bytes(head + one * times + tail)
        # When each is read in a process of its own, as a large one
        read = (sys.executable, "-c", PEAK, str(path))
        done = subprocess.run(read, check=True, capture_output=True)
        items, peak = map(int, done.stdout.split())
        assert items >= times
        peaks.append(peak)
    # Then the longer one needs hardly more memory; held, what was added takes some 40 MiB.
    assert peaks[1] - peaks[0] < 8
