"""What a store's keeper does: trimming for good; and what else only SQLite can get wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from broker.backends.sqlite.database import open_database
from broker.backends.sqlite.errors import FOREIGN, MISSING, SHAPE, SHORTENED, StoreError
from broker.backends.sqlite.lane import SqliteLane
from broker.backends.sqlite.record_keys import RECORD_KEYS
from broker.backends.sqlite.store import Store
from broker.backends.topology import Topology
from broker.clock import Instant
from broker.lanes import (
    NOW,
    Batch,
    Bound,
    LaneLost,
    Message,
    OutcomeUnknown,
    Received,
    Unavailable,
)
from tests.contracts.sqlite_world import SqliteWorld, sqlite_world
from tests.contracts.worlds import (
    COMPACTED,
    POLICE,
    SINGLE_SHARD,
    START,
    at_most,
    first_lane,
    record,
    row,
    texts,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SqliteWorld]:
    with sqlite_world(tmp_path, 1) as made:
        yield made


def on_disk(directory: Path) -> bytes:
    """Return every byte of every file."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


def canary(number: int, size: int) -> bytes:
    """Return bytes whose every part can be told from everything else."""
    return Random(number).randbytes(size)


async def test_trimmed_messages_are_gone_and_offsets_go_on(world: SqliteWorld) -> None:
    streams = world.streams("broker")
    await streams.publish([record(str(number)) for number in range(10)])
    async with first_lane(streams) as lane:
        await lane.commit(await lane.take(at_most(4)), ())
    store = world.store("stream")
    assert await store.trim(POLICE, 0, 6) == 6
    assert await store.trim(POLICE, 0, 6) == 0
    assert await store.trim("records.nobody", 0, 6) == 0
    await streams.publish([record("10")])
    async with first_lane(streams) as lane:
        batch = await lane.take(NOW)
        assert texts(batch) == ["6", "7", "8", "9", "10"]
        assert batch.messages[-1].offset == 10
        await lane.commit(batch, ())
    assert await store.trim(POLICE, 0, 11) == 5
    async with first_lane(streams) as lane:
        assert not (await lane.take(NOW)).messages


async def test_trimming_takes_many_short_transactions(world: SqliteWorld) -> None:
    await world.streams("agency").publish([record("x")] * 2_500)
    store = world.store("stream")
    before = store.database.state()[1]
    assert await store.trim(POLICE, 0, 2_400) == 2_400
    assert store.database.state()[1] - before == 4


async def test_trimmed_bytes_are_in_no_file_any_more(world: SqliteWorld) -> None:
    """Given canaries of all sizes, when they are trimmed and the log emptied, then none is left."""
    sizes = [40, 500, 2_000, 9_000, 70_000] * 8
    values = [canary(number, size) for number, size in enumerate(sizes)]
    streams = world.streams("broker")
    for value in values:
        await streams.publish([Message(POLICE, bytes(8), value)])
    assert all(value[:40] in on_disk(world.directory) for value in values)
    store = world.store("stream")
    await store.trim(POLICE, 0, 30)
    assert await store.checkpoint_wal()
    left = on_disk(world.directory)
    assert [value[:40] in left for value in values] == [False] * 30 + [True] * 10


async def test_a_rewritten_file_has_no_fragment_of_what_was_removed(world: SqliteWorld) -> None:
    """Given a table whose rows come and go, when its file is rewritten, then no 8 bytes remain."""
    chance = Random(1)
    streams = world.streams("broker")
    living: dict[bytes, bytes] = {}
    gone: list[bytes] = []
    async with first_lane(streams) as lane:
        for _ in range(6):
            new = {
                chance.randbytes(16): chance.randbytes(chance.randrange(200, 700))
                for _ in range(300)
            }
            await lane.commit(Batch(()), [Message("seen", *pair) for pair in new.items()])
            living |= new
            doomed = chance.sample(sorted(living), 150)
            await lane.commit(Batch(()), [Message("seen", name, b"") for name in doomed])
            gone += [living.pop(name) for name in doomed]
        assert await world.store("broker").rewrite()
        assert dict(await lane.rows("seen", limit=10_000)) == living
    left = on_disk(world.directory)
    runs = {left[place : place + 8] for place in range(len(left) - 7)}
    for value in gone:
        assert not any(value[place : place + 8] in runs for place in range(len(value) - 7))


async def test_rows_of_a_table_are_trimmed_by_their_last_writing(world: SqliteWorld) -> None:
    streams = world.streams("broker")
    async with first_lane(streams) as lane:
        await lane.commit(Batch(()), [row("a", "1"), row("b", "1"), row("c", "1")])
        await lane.commit(Batch(()), [row("a", "2")])
        assert await world.store("broker").trim("seen", 0, 2) == 1
        assert await lane.rows("seen") == [(b"a", b"2"), (b"c", b"1")]


async def test_the_boundary_of_an_age_is_an_offset(world: SqliteWorld) -> None:
    streams = world.streams("broker")
    for number in range(5):
        world.clock.time = Instant(START + 1_000 * number)
        await streams.publish([record(str(number))])
        async with first_lane(streams) as lane:
            await lane.commit(Batch(()), [row(str(number), "seen")])
    store, tables = world.store("stream"), world.store("broker")
    found = await streams.read(POLICE, 0)
    for received in found:
        assert await store.boundary(POLICE, 0, received.at) == received.offset
        assert await tables.boundary("seen", 0, received.at) == received.offset
    later = Instant(found[-1].at + 60_000)
    assert await store.boundary(POLICE, 0, later) == 5
    assert await tables.boundary("seen", 0, later) == 5
    assert await store.boundary("records.nobody", 0, later) == 0


async def test_arrival_times_do_not_run_back_with_the_clock(world: SqliteWorld) -> None:
    streams = world.streams("broker")
    await streams.publish([record("a")])
    world.clock.time = Instant(START - 3_600_000)
    await streams.publish([record("b")])
    first, second = await streams.read(POLICE, 0)
    assert first.at == second.at > START


async def test_the_number_of_shards_never_changes(world: SqliteWorld) -> None:
    await world.streams("broker").publish([record("a")])
    other = world.streams("broker", Topology(2, compacted=COMPACTED, single_shard=SINGLE_SHARD))
    for call in (other.publish([record("b")]), other.read(POLICE, 0), other.end(POLICE)):
        with pytest.raises(StoreError) as caught:
            await call
        assert caught.value.code is SHAPE
    with pytest.raises(StoreError):
        async with first_lane(other):
            pass


async def test_a_table_never_becomes_a_log(world: SqliteWorld) -> None:
    async with first_lane(world.streams("broker")) as lane:
        await lane.commit(Batch(()), [row("a", "1")])
    other = world.streams("broker", Topology(1, single_shard=SINGLE_SHARD))
    with pytest.raises(StoreError):
        await other.read("seen", 0)


async def test_a_source_that_was_replaced_by_an_older_copy_is_reported(
    world: SqliteWorld,
) -> None:
    """Given a position behind the source's end, then nobody waits in silence for lost offsets."""
    streams = world.streams("broker")
    await streams.publish([record("a"), record("b")])
    async with first_lane(streams) as lane:
        await lane.commit(await lane.take(NOW), ())
    world.store("stream").database.execute("UPDATE ends SET next = 1")
    async with first_lane(streams) as lane:
        with pytest.raises(StoreError) as caught:
            await lane.take(NOW)
        assert caught.value.code is SHORTENED


async def test_a_source_may_be_open_for_reading_only(world: SqliteWorld) -> None:
    await world.streams("agency").publish([record("a")])
    path = world.directory / "stream.sqlite"
    with Store.open(path, readonly=True) as source:
        streams = world.streams("broker")
        streams._party.places._places["records."] = source
        async with first_lane(streams) as lane:
            assert texts(await lane.take(NOW)) == ["a"]
        with pytest.raises(Unavailable):
            await streams.publish([record("b")])


def test_a_store_is_made_by_whoever_sets_up_the_installation(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    assert caught.value.code is MISSING
    open_database(path, RECORD_KEYS).close()
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    assert caught.value.code is FOREIGN


async def test_a_lost_lane_is_named_with_its_new_owner(world: SqliteWorld) -> None:
    async with first_lane(world.streams("broker")) as old, first_lane(world.streams("broker")):
        with pytest.raises(LaneLost, match=r"router, shard 0, owned by process \d+ on "):
            await old.take(NOW)


async def test_a_commit_that_the_disk_refuses_has_an_unknown_outcome(world: SqliteWorld) -> None:
    streams = world.streams("broker")
    await streams.publish([record("a")])
    connection = streams._party.sink.database._connection
    async with first_lane(streams) as lane:
        batch = await lane.take(NOW)
        connection.set_commit_hook(lambda: True)
        with pytest.raises(OutcomeUnknown):
            await lane.commit(batch, [Message("decided", bytes(8), b"x")])
        connection.set_commit_hook(None)
        with pytest.raises(LaneLost):
            await lane.commit(batch, ())
    async with first_lane(streams) as lane:
        assert texts(await lane.take(NOW)) == ["a"]


async def test_a_store_that_is_busy_changes_nothing_and_may_be_asked_again(
    world: SqliteWorld,
) -> None:
    streams = world.streams("broker")
    await streams.publish([record("a")])
    streams._party.sink.database._connection.set_busy_timeout(1)
    other = world.store("broker").database
    async with first_lane(streams) as lane:
        batch = await lane.take(NOW)
        with other.transaction(), pytest.raises(Unavailable):
            await lane.commit(batch, [Message("decided", bytes(8), b"once")])
        await lane.commit(batch, [Message("decided", bytes(8), b"once")])
    assert texts(await streams.read("decided", 0)) == ["once"]


async def test_a_cancelled_commit_leaves_a_dead_lane(world: SqliteWorld) -> None:
    """Given a commit that waits for another writer, when it is cancelled, then the lane is dead.

    Whether it took effect is open until the lane is acquired again.
    """
    streams = world.streams("broker")
    other = world.store("broker").database
    async with first_lane(streams) as lane:
        assert isinstance(lane, SqliteLane)
        with other.transaction():
            committing = asyncio.create_task(lane.commit(Batch(()), [row("a", "1")]))
            await asyncio.sleep(0)
            committing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await committing
        with pytest.raises(LaneLost):
            await lane.take(NOW)
    async with first_lane(streams) as lane:
        assert await lane.recall("seen", [b"a"]) in ({}, {b"a": b"1"})


async def test_a_take_that_a_prefix_overtakes_reads_again(
    world: SqliteWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a take that has read, when a prefix is committed just then, then it reads again."""
    streams = world.streams("broker")
    await streams.publish([record(text) for text in "abcd"])
    async with first_lane(streams) as lane:
        assert isinstance(lane, SqliteLane)
        batch = await lane.take(at_most(3))
        read = lane._read

        async def overtaken(bound: Bound) -> list[Received]:
            found = await read(bound)
            monkeypatch.undo()
            await lane.commit(batch.first(1), ())
            return found

        monkeypatch.setattr(lane, "_read", overtaken)
        assert texts(await lane.take(NOW)) == ["b", "c", "d"]
