"""Large files: read twice, in portions, and told as a small one is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from adapters import reading
from adapters.education import concern_export
from adapters.errors import CHANGED, InputRefused
from adapters.format import Draft, Outcome, Read, ReadContext
from adapters.reading import LARGE, LargeReading, ReadingStopped, read_file
from adapters.registry import FORMATS
from tests.adapters.reading_support import SHAPES, codes, context, drafts

STREAMS = [one.name for one in FORMATS if one.streams]


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file count as a large one, and a portion be one draft."""
    monkeypatch.setattr(reading, "LARGE", 0)
    monkeypatch.setattr(reading, "PORTION", 1)


def written(folder: Path, name: str, data: bytes | None = None) -> Path:
    path = folder / f"export-{name}"
    path.write_bytes(SHAPES[name][1] if data is None else data)
    return path


@pytest.mark.parametrize("name", STREAMS)
def test_a_large_file_gives_what_a_small_one_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # given a file of a format that reads item by item
    path = written(tmp_path, name)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "LARGE", LARGE)
        small = read_file(path, context(SHAPES[name][0]), name)
    # when it counts as a large one, then account, children and drafts are the same
    found = read_file(path, context(SHAPES[name][0]), name)
    assert isinstance(found, LargeReading)
    assert found.accounting == small.accounting
    assert (found.children, found.digest) == (small.children, small.digest)
    assert drafts(found) == drafts(small)


class TellsOneItemAgain(concern_export.ConcernCsv):
    """The log of concerns, its first incident once more at the end."""

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:
        found = list(super().read(stream, name, context))
        yield from found
        first = next(one for one in found if isinstance(one, Draft))
        yield from (Read("again"), replace(first, item="again"))


def test_contents_of_one_item_come_together_and_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file that tells an incident twice, with another one between
    monkeypatch.setattr(reading, "named", lambda _name: TellsOneItemAgain())
    found = read_file(written(tmp_path, "education-concern-csv"), context("education"), "it")
    # then its contents lie in one portion, in their order, behind the others
    portions = [[one.item for one in portion] for portion in found.portions()]
    assert portions == [["row 3"], ["row 2", "again"]]


@pytest.mark.parametrize("change", ["written", "replaced"])
def test_a_file_that_changes_between_is_refused(tmp_path: Path, change: str) -> None:
    path = written(tmp_path, "education-concern-csv")
    found = read_file(path, context("education"))
    if change == "written":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        other = path.with_name("other")
        other.write_bytes(path.read_bytes())
        other.replace(path)
    with pytest.raises(InputRefused) as refused:
        drafts(found)
    assert refused.value.code is CHANGED


def test_a_file_that_breaks_off_gives_what_stands_before(tmp_path: Path) -> None:
    cut = SHAPES["social-care-cin-census"][1].replace(b"</Children></Message>", b"")
    path = written(tmp_path, "social-care-cin-census", cut)
    found = read_file(path, context("social-care"))
    assert codes(found) == {"input.xml": 1}
    assert found.accounting.broken_off
    assert len(drafts(found)) == found.accounting.records > 0


def test_what_it_cannot_take_as_a_whole_is_one_rejected_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "education-concern-csv")
    # another type of agency's, and one larger than what is read at all
    assert codes(found := read_file(path, context("police"))) == {"input.other-type": 1}
    assert drafts(found) == []
    monkeypatch.setattr(reading, "STREAM_LIMIT", 10)
    assert codes(read_file(path, context("education"))) == {"input.too-large": 1}


def test_nobody_waits_for_it(tmp_path: Path) -> None:
    path = written(tmp_path, "education-concern-csv")
    with pytest.raises(ReadingStopped):
        read_file(path, context("education"), stopped=lambda: True)
