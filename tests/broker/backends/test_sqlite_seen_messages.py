"""The memory of taken messages in a SQLite file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.listening.seen import Before
from broker.backends.sqlite.seen_messages import SqliteSeen
from tests.contracts.seen import AT, ONE, SeenContract


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[SqliteSeen]:
    with SqliteSeen.open(tmp_path / "seen.sqlite") as opened:
        yield opened


class TestSqliteSeen(SeenContract):
    """See `tests.contracts.seen`."""


async def test_it_outlives_its_process_and_shows_no_id(tmp_path: Path) -> None:
    # given a message that was noted, when the file is opened again, then it is known
    with SqliteSeen.open(tmp_path / "seen.sqlite") as first:
        await first.note("/a", "ellie-marsh", ONE, AT)
    with SqliteSeen.open(tmp_path / "seen.sqlite") as second:
        assert await second.look("/a", "ellie-marsh", ONE) is Before.TAKEN
    assert b"ellie-marsh" not in on_disk(tmp_path)


def on_disk(folder: Path) -> bytes:
    """Return every byte of every file."""
    return b"".join(one.read_bytes() for one in folder.iterdir())
