"""Record keys in a SQLite file: the contract, the master key, and what destroyed means."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from broker.backends.sqlite.errors import MASTER_KEY, MISSING, StoreError
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.lanes import Unavailable
from broker.records.names import RecordDigest
from tests.contracts.record_keys import AT, RecordKeysContract, key, record

MASTER = bytes(range(32))


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[SqliteRecordKeys]:
    with SqliteRecordKeys.open(tmp_path / "keys.sqlite", MASTER, create=True) as opened:
        yield opened


class TestSqliteRecordKeys(RecordKeysContract):
    """See `tests.contracts.record_keys`."""


async def test_keys_outlive_their_process_under_the_same_master_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    with SqliteRecordKeys.open(path, MASTER, create=True) as keys:
        await keys.keep({record(1): key(1)})
    with SqliteRecordKeys.open(path, MASTER) as keys:
        assert await keys.get([record(1)]) == {record(1): key(1)}
    with pytest.raises(StoreError) as caught:
        SqliteRecordKeys.open(path, MASTER[::-1])
    assert caught.value.code is MASTER_KEY


def test_a_master_key_has_32_bytes_and_the_file_is_made_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SqliteRecordKeys.open(tmp_path / "keys.sqlite", b"short")
    with pytest.raises(StoreError) as caught:
        SqliteRecordKeys.open(tmp_path / "keys.sqlite", MASTER)
    assert caught.value.code is MISSING


async def test_a_key_that_was_moved_to_another_record_does_not_open(tmp_path: Path) -> None:
    with SqliteRecordKeys.open(tmp_path / "keys.sqlite", MASTER, create=True) as keys:
        await keys.keep({record(1): key(1)})
        keys._database.execute("UPDATE keys SET record = ?", (record(2),))
        with pytest.raises(StoreError):
            await keys.get([record(2)])


def on_disk(directory: Path) -> bytes:
    """Return every byte of every file."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


def fragments(data: bytes) -> set[bytes]:
    """Return all runs of 8 bytes."""
    return {data[place : place + 8] for place in range(len(data) - 7)}


async def test_destroyed_keys_leave_no_trace_in_any_file(
    tmp_path: Path, keys: SqliteRecordKeys
) -> None:
    """Given thousands of keys that come and go, when many are destroyed, then none leaves a trace.

    Eight bytes in a row of a wrapped key would be one; and no key ever lies there in clear.
    """
    chance = Random(3)
    living: dict[RecordDigest, bytes] = {}
    gone: list[bytes] = []
    for _ in range(8):
        new = {RecordDigest(chance.randbytes(32)): chance.randbytes(32) for _ in range(500)}
        await keys.keep(new)
        living |= new
        doomed = chance.sample(sorted(living), len(living) // 3)
        wrapped = dict(keys._database.rows("SELECT record, wrapped FROM keys"))
        gone += [wrapped[name] for name in doomed]
        await keys.destroy(doomed, AT)
        for name in doomed:
            assert fragments(living.pop(name)).isdisjoint(fragments(wrapped[name]))
    left = fragments(on_disk(tmp_path))
    assert not [trace for trace in gone if not fragments(trace).isdisjoint(left)]
    assert not [clear for clear in living.values() if not fragments(clear).isdisjoint(left)]
    assert await keys.get(list(living)) == living


async def test_a_reader_in_the_way_is_told_and_the_second_try_finishes(
    tmp_path: Path, keys: SqliteRecordKeys
) -> None:
    await keys.keep({record(1): key(1)})
    ((wrapped,),) = keys._database.rows("SELECT wrapped FROM keys")
    keys._database._connection.set_busy_timeout(1)
    with SqliteRecordKeys.open(tmp_path / "keys.sqlite", MASTER) as reader:
        with reader._database.snapshot():
            assert reader._database.rows("SELECT count(*) FROM keys") == [(1,)]
            with pytest.raises(Unavailable, match="once more"):
                await keys.destroy([record(1)], AT)
            assert await keys.get([record(1)]) == {}
        await keys.destroy([record(1)], AT)
    assert wrapped not in on_disk(tmp_path)
