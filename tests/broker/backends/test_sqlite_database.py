"""Opening files: what is refused and why, what survives, and what errors mean."""

import asyncio
import doctest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import apsw
import pytest

from broker.backends import filesystem
from broker.backends.filesystem import type_of
from broker.backends.sqlite import database as module
from broker.backends.sqlite.database import Database, Schema, open_database
from broker.backends.sqlite.errors import (
    DAMAGED,
    FOREIGN,
    MISSING,
    NETWORK,
    NEWER,
    OLDER,
    StoreError,
)
from broker.errors import Code
from broker.lanes import OutcomeUnknown, Unavailable

NOTES = Schema("notes", ("CREATE TABLE note (text TEXT NOT NULL) STRICT",))
TITLES = Schema("notes", (*NOTES.migrations, "ALTER TABLE note ADD COLUMN title TEXT"))
OTHER = Schema("other", NOTES.migrations)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.sqlite"


def make(path: Path, schema: Schema = NOTES) -> None:
    open_database(path, schema).close()


def refused(code: Code, opening: Callable[[], Database]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        opening()
    assert caught.value.code is code
    return caught.value


def note(database: Database, text: str) -> None:
    database.execute("INSERT INTO note (text) VALUES (?)", (text,))


def notes(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT text FROM note ORDER BY rowid")]


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(module).failed == 0


def test_a_file_is_set_up_to_keep_its_promises(path: Path) -> None:
    database = open_database(path, Schema("notes", NOTES.migrations, page_octets=8192))
    settings = {
        name: database.one(f"PRAGMA {name}")
        for name in ("journal_mode", "synchronous", "secure_delete", "page_size", "trusted_schema")
    }
    database.close()
    assert settings == {
        "journal_mode": ("wal",),
        "synchronous": (2,),
        "secure_delete": (1,),
        "page_size": (8192,),
        "trusted_schema": (0,),
    }


def test_a_file_that_can_be_made_again_need_not_wait_for_the_disk(path: Path) -> None:
    database = open_database(path, Schema("notes", NOTES.migrations, durable=False))
    assert database.one("PRAGMA synchronous") == (1,)
    database.close()


def test_what_is_written_is_there_after_opening_again(path: Path) -> None:
    database = open_database(path, NOTES)
    with database.transaction():
        note(database, "one")
    database.close()
    database.close()
    database = open_database(path, NOTES, readonly=True)
    assert notes(database) == ["one"]
    with pytest.raises(Unavailable):
        note(database, "two")
    database.close()


def test_a_missing_file_is_made_only_where_that_is_meant(path: Path) -> None:
    refused(MISSING, lambda: open_database(path, NOTES, create=False))
    refused(MISSING, lambda: open_database(path, NOTES, readonly=True))
    assert not path.exists()


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    make(path, OTHER)
    assert str(path) in str(refused(FOREIGN, lambda: open_database(path, NOTES)))


def test_a_file_of_another_program_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    refused(FOREIGN, lambda: open_database(path, NOTES))


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"Date,School\n" * 1000)
    refused(FOREIGN, lambda: open_database(path, NOTES))
    assert path.read_bytes().startswith(b"Date")


def test_a_damaged_file_is_reported(path: Path) -> None:
    database = open_database(path, NOTES)
    with database.transaction():
        for _ in range(100):
            note(database, "x" * 1000)
    database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    database = open_database(path, NOTES)
    with pytest.raises(StoreError) as caught:
        notes(database)
    database.close()
    assert caught.value.code is DAMAGED


def test_an_older_file_is_brought_up_to_date_and_a_newer_one_refused(path: Path) -> None:
    database = open_database(path, NOTES)
    note(database, "kept")
    database.close()
    refused(OLDER, lambda: open_database(path, TITLES, readonly=True))
    database = open_database(path, TITLES)
    assert database.rows("SELECT text, title FROM note") == [("kept", None)]
    database.close()
    assert "version 2" in str(refused(NEWER, lambda: open_database(path, NOTES)))


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    make(path)
    broken = Schema("notes", (*NOTES.migrations, "CREATE TABLE more (x) STRICT; nonsense"))
    with pytest.raises(apsw.SQLError):
        open_database(path, broken)
    make(path)


def test_two_processes_may_make_a_file_at_once(path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: make(path, TITLES), range(8)))
    make(path, TITLES)


def test_a_file_system_without_shared_memory_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a place where SQLite cannot keep a write-ahead log, then the file is refused."""
    rows = Database.rows

    def stays(self: Database, sql: str) -> list[tuple[object, ...]]:
        return [("delete",)] if "journal_mode" in sql else rows(self, sql)

    monkeypatch.setattr(Database, "rows", stays)
    with pytest.raises(Unavailable):
        open_database(path, NOTES)


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    database = open_database(path, NOTES)

    def interrupted() -> None:
        with database.transaction():
            note(database, "one")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        interrupted()
    assert notes(database) == []
    with database.transaction():
        note(database, "two")
    assert database.changed() == 1
    database.close()


def test_a_snapshot_stands_still(path: Path) -> None:
    writer, reader = open_database(path, NOTES), open_database(path, NOTES)
    with reader.snapshot():
        assert notes(reader) == []
        note(writer, "one")
        assert notes(reader) == []
    assert notes(reader) == ["one"]
    writer.close()
    reader.close()


def test_state_changes_with_every_commit_whoever_made_it(path: Path) -> None:
    mine, other = open_database(path, NOTES), open_database(path, NOTES)
    states = [mine.state(), mine.state()]
    with other.transaction():
        note(other, "one")
    states.append(mine.state())
    with mine.transaction():
        note(mine, "two")
    states += [mine.state(), mine.state()]
    mine.close()
    other.close()
    assert states[0] == states[1] != states[2] != states[3] == states[4]


def test_a_writer_that_does_not_end_is_named(path: Path) -> None:
    mine, other = open_database(path, NOTES), open_database(path, NOTES)
    mine._connection.set_busy_timeout(1)
    with other.transaction(), pytest.raises(Unavailable, match="writing"), mine.transaction():
        pass
    mine.close()
    other.close()


def test_a_full_disk_is_named_and_changes_nothing(path: Path) -> None:
    database = open_database(path, NOTES)
    database.execute("PRAGMA max_page_count = 3")

    def fill() -> None:
        with database.transaction():
            for _ in range(100):
                note(database, "x" * 1000)

    with pytest.raises(Unavailable, match="disk is full"):
        fill()
    assert notes(database) == []
    database.close()


def test_a_commit_that_fails_has_an_unknown_outcome(path: Path) -> None:
    """Given a commit that the disk refuses (here: a hook), then nobody is told that it failed."""
    database = open_database(path, NOTES)
    database._connection.set_commit_hook(lambda: True)

    def write() -> None:
        with database.transaction():
            note(database, "one")

    with pytest.raises(OutcomeUnknown):
        write()
    database._connection.set_commit_hook(None)
    assert notes(database) == []
    with database.transaction():
        note(database, "two")
    database.close()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="directory exists"):
        open_database(tmp_path / "nowhere" / "notes.sqlite", NOTES)


def test_only_the_keeper_empties_the_write_ahead_log(path: Path) -> None:
    """Given a party that leaves the log alone, then it stays, however long, until the keeper."""
    make(path)
    log = path.with_name("notes.sqlite-wal")
    party = open_database(path, NOTES, checkpoints=False)
    for _ in range(12):
        with party.transaction():
            for _ in range(100):
                note(party, "x" * 4000)
    party.close()
    assert log.stat().st_size > 4_000_000
    keeper = open_database(path, NOTES)
    keeper._connection.set_busy_timeout(1)
    reader = open_database(path, NOTES, readonly=True)
    with reader.snapshot():
        assert len(notes(reader)) == 1_200
        assert not keeper.checkpoint()
    reader.close()
    assert keeper.checkpoint()
    assert log.stat().st_size == 0
    keeper.close()


async def test_calls_follow_each_other_off_the_loop(path: Path) -> None:
    database = open_database(path, NOTES)

    def write(number: int) -> None:
        with database.transaction():
            note(database, str(number))

    await asyncio.gather(*(database.call(partial(write, number)) for number in range(20)))
    assert await database.call(lambda: notes(database)) == [str(number) for number in range(20)]
    database.close()


MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /net/share rw shared:1 - nfs4 server:/export rw
31 30 0:41 / /net/share/local rw - tmpfs tmpfs rw
32 27 0:42 / /net/with\\040space rw - cifs //server/share rw
33 27 0:43 / /srv rw - nfs server:/srv rw
34 27 0:44 / /srv rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib/concordat", "ext4"),
        ("/net/share", "nfs4"),
        ("/net/share/partnership", "nfs4"),
        ("/net/shared", "ext4"),
        ("/net/share/local/x", "tmpfs"),
        ("/net/with space/x", "cifs"),
        ("/srv/x", "xfs"),
    ],
)
def test_the_type_of_a_file_system_is_that_of_the_nearest_mount(place: str, kind: str) -> None:
    assert type_of(Path(place), MOUNTS) == kind


def test_a_network_file_system_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    make(path)  # no list of mounts: nothing to go by
    mounts.write_text(f"30 27 0:40 / {tmp_path} rw - nfs4 server:/export rw\n")
    assert "nfs4" in str(refused(NETWORK, lambda: open_database(path, NOTES)))
    mounts.write_text("30 27 0:40 / /elsewhere rw - nfs4 server:/export rw\n")
    make(path)
