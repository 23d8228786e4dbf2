"""Reading the log at one checkpoint."""

import pytest

from broker.access_log.errors import BATCH, MISSING, OPENINGS_DIGEST, LogError
from broker.access_log.openings import batch_path, openings_path
from broker.access_log.prover import TileCache
from broker.access_log.reader import read_state
from broker.access_log.tree import check_consistency, check_inclusion, hash_leaf
from broker.lanes import Bound
from tests.broker.access_log.stores import MemoryTileStore
from tests.broker.access_log.world import World, drain


async def made(messages: int, count: int) -> World:
    world = World(messages=messages)
    await drain(await world.open(), Bound(count=count))
    return world


async def test_before_the_first_record_there_is_no_log() -> None:
    assert await read_state(MemoryTileStore()) is None


async def test_batches_follow_on_each_other_both_ways() -> None:
    world = await made(7, count=2)
    view = await world.view()
    back = [batch.start async for batch in view.batches_back()]
    assert await view.starts() == back[::-1]
    assert back[-1] == 0
    assert await view.starts(back[1]) == back[1::-1]


async def test_a_log_continues_each_of_its_own_checkpoints() -> None:
    # given a log of which every checkpoint was kept
    world = World(messages=300)
    sequencer = await world.open()
    roots: dict[int, bytes] = {}
    while (await sequencer.run_once(Bound(count=60))).messages:
        state = await read_state(world.store)
        assert state is not None
        roots[state.tree.size] = state.tree.root()
    view = await world.view()
    # then its consistency with each can be shown
    for size, root in roots.items():
        path = await view.consistency(TileCache(), size)
        check_consistency(size, root, view.state.tree.size, view.state.tree.root(), path)
    with pytest.raises(LogError):
        await view.consistency(TileCache(), view.state.tree.size + 1)


async def test_an_entry_is_proved_under_an_earlier_checkpoint_too() -> None:
    # given a log of which every checkpoint was kept, over more than one tile
    world = World(messages=300)
    sequencer = await world.open()
    roots: dict[int, bytes] = {}
    while (await sequencer.run_once(Bound(count=40))).messages:
        state = await read_state(world.store)
        assert state is not None
        roots[state.tree.size] = state.tree.root()
    view, leaves = await world.view(), await world.leaves()
    assert len(leaves) > 2 * 256
    for size, root in roots.items():
        # when a prover of that size is made, then what it proves leads to the root of then
        cache = TileCache()
        prover = await view.prover_at(cache, size)
        for index in {0, size // 2, size - 1}:
            await view.load(cache, prover.missing(index))
            path = prover.inclusion(index)
            check_inclusion(hash_leaf(leaves[index]), index, size, root, path)
    for size in (0, len(leaves) + 1):
        with pytest.raises(LogError):
            await view.prover_at(TileCache(), size)


async def test_what_is_missing_or_misplaced_is_named() -> None:
    # given a log of two batches
    world = await made(4, count=2)
    view = await world.view()
    batch = await view.batch(0)
    files = world.store.files
    # when a descriptor lies where another one belongs
    files[batch_path(1)] = files[batch_path(0)]
    with pytest.raises(LogError) as refused:
        await view.batch(1)
    assert (refused.value.code, refused.value.where) == (BATCH, batch_path(1))
    # or openings are not those that their batch names, or missing
    path = openings_path(batch.openings)
    files[path] += b"\x00"
    with pytest.raises(LogError) as refused:
        await view.openings(batch)
    assert (refused.value.code, refused.value.where) == (OPENINGS_DIGEST, path)
    del files[path]
    with pytest.raises(LogError) as refused:
        await view.openings(batch)
    assert refused.value.code is MISSING
    assert batch_path(0) in refused.value.where
    # then each is named; and so is a bundle that nobody has written
    with pytest.raises(LogError) as refused:
        await view.bundle(9)
    assert (refused.value.code, refused.value.where) == (MISSING, "tile/entries/009")
