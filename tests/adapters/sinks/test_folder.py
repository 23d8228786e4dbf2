"""Deliveries as files: whole or not there, and written again as what they are."""

from pathlib import Path

import pytest

from adapters.sinks.errors import SinkFailed
from adapters.sinks.folder import FolderSink, FolderSinking
from adapters.sinks.port import HandOver
from tests.support.tmpfs import fill, small_disk

ONE = HandOver("ab" * 16, 7, b'{"content": {}}', frozenset())


async def test_a_delivery_is_a_file_and_the_same_file_when_it_comes_again(tmp_path: Path) -> None:
    # given a folder that nobody has made
    sink = FolderSink(FolderSinking("case", tmp_path / "in" / "here", frozenset({"no-copy"})))
    assert sink.name == "case"
    assert sink.honours == {"no-copy"}

    # when a delivery is handed over twice
    await sink.hand(ONE)
    await sink.hand(ONE)
    await sink.close()

    # then one file lies there, for its owner and group
    (file,) = (tmp_path / "in" / "here").iterdir()
    assert (file.name, file.read_bytes()) == (f"{ONE.delivery}.json", ONE.document)
    assert file.stat().st_mode & 0o007 == 0


async def test_what_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    # given a path that is a file
    (tmp_path / "in").write_text("x")
    with pytest.raises(SinkFailed) as refused:
        await FolderSink(FolderSinking("case", tmp_path / "in")).hand(ONE)
    assert refused.value.code.name == "sink.folder"
    assert refused.value.where == "File exists"


async def test_a_full_disk_leaves_no_half_of_a_delivery(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        folder = disk / "in"
        folder.mkdir()
        sink = FolderSink(FolderSinking("case", folder))
        filler = fill(disk)
        with pytest.raises(SinkFailed):
            await sink.hand(HandOver("cd" * 16, 8, b"x" * 20_000, frozenset()))
        assert list(folder.iterdir()) == []
        filler.unlink()
        await sink.hand(ONE)
        assert [one.name for one in folder.iterdir()] == [f"{ONE.delivery}.json"]
