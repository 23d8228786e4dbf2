"""The sequencer: every message once, in one log, whatever dies and whoever else tries."""

import random

import pytest

from broker.access_log import sequencer as module
from broker.access_log.errors import DEAD, SHAPE, LogError, SwapLost
from broker.access_log.notes import open_checkpoint
from broker.access_log.ports import LeafIndex
from broker.access_log.reader import read_state
from broker.access_log.sequencer import Sequenced
from broker.access_log.verify import verify_log
from broker.faults import POINTS
from broker.lanes import Bound, LaneLost
from tests.broker.access_log.county import ORIGIN
from tests.broker.access_log.stores import MemoryLogIndex
from tests.broker.access_log.world import CHECKS, KEYS, STEP, Crash, World, drain

OURS = [point for point in POINTS if point.startswith("sequencer.")]


async def test_every_entry_gets_its_leaf() -> None:
    # given messages of some entries each
    world = World(messages=5)
    # when they are sequenced
    done = await (await world.open()).run_once()
    # then the log holds them in order, under a checkpoint signed by the log
    assert done == Sequenced(LeafIndex(0), len(world.sent[0]), 5)
    await world.check()
    state = await read_state(world.store)
    assert state is not None
    checkpoint = open_checkpoint(state.record.checkpoint, ORIGIN, KEYS)
    assert checkpoint.size == len(world.sent[0])


async def test_nothing_to_take_changes_nothing() -> None:
    world = World(messages=0)
    sequencer = await world.open()
    before = world.store.record
    assert await sequencer.run_once(Bound(wait_ms=5)) == Sequenced(LeafIndex(0), 0, 0)
    assert world.store.record == before
    assert (await verify_log(world.store, CHECKS)).sound


@pytest.mark.parametrize("shards", [1, 3])
async def test_tiles_and_bundles_are_written_as_they_fill(shards: int) -> None:
    # given more entries than a tile holds, on some lanes, in small batches
    world = World(messages=300, shards=shards)
    await drain(await world.open(), Bound(count=40))
    # then the log is sound, and holds full tiles and bundles only
    await world.check()
    tiles = {path for path in world.store.files if path.startswith("tile/")}
    count = sum(len(sent) for sent in world.sent)
    assert tiles == {f"tile/{kind}/00{n}" for kind in ("0", "entries") for n in range(count // 256)}


async def test_lanes_that_are_all_empty_are_waited_for_together() -> None:
    world = World(messages=0, shards=2)
    sequencer = await world.open()
    assert (await sequencer.run_once(Bound(wait_ms=5))).messages == 0
    world.put(4)
    assert (await sequencer.run_once(Bound(wait_ms=5))).messages == 4
    await world.check()


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", OURS)
async def test_a_death_at_any_step_loses_and_doubles_nothing(
    point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a sequencer that dies when it has come to a step for the n-th time
    world = World(messages=12, shards=2, seed=nth)
    left = {point: nth}

    def die(reached: str) -> None:
        left[reached] = left.get(reached, 0) - 1
        if left[reached] == 0:
            raise Crash

    monkeypatch.setattr(module, "reach", die)
    with pytest.raises(Crash):
        await drain(await world.open())
    # when another one takes over
    world.put(5)
    await drain(await world.open())
    # then the log holds everything once
    await world.check()


@pytest.mark.parametrize("seed", range(20))
async def test_deaths_at_random_lose_and_double_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given sequencers that die at a random step in ten, also while they take over
    world = World(messages=60, shards=2, seed=seed)
    dice = random.Random(seed)

    def die(_reached: str) -> None:
        if dice.random() < 0.1:
            raise Crash

    real_create = world.store.create

    async def create(path: str, data: bytes) -> None:
        die(path)
        await real_create(path, data)

    monkeypatch.setattr(module, "reach", die)
    monkeypatch.setattr(world.store, "create", create)
    done = False
    while not done:
        try:
            await drain(await world.open())
            done = True
        except Crash:
            continue
    await world.check()


async def test_who_took_over_fences_who_held_the_lanes() -> None:
    # given two sequencers, the later of which has acquired the lanes
    world = World(messages=4)
    former = await world.open()
    later = await world.open()
    # when both go on, then the former can do nothing
    with pytest.raises(LaneLost):
        await former.run_once()
    await drain(later)
    await world.check()
    with pytest.raises(LogError) as refused:
        await former.run_once()
    assert refused.value.code is DEAD


async def test_of_two_that_hold_different_lanes_the_swap_lets_one_go_on() -> None:
    # given two sequencers that no lane fences from each other
    world = World(messages=12, shards=2)
    one = await world.open([0])
    other = await world.open([1])
    # when the one that opened first wants to commit, then it has lost the log
    with pytest.raises(SwapLost):
        await one.run_once()
    # and its messages are not lost
    await drain(other)
    await drain(await world.open())
    await world.check()


async def test_a_frozen_sequencer_that_wakes_between_steps_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a sequencer that is frozen before its swap, while another one takes over and ends
    world = World(messages=6)
    former = await world.open()

    real_swap = world.store.swap

    async def swap(old: bytes | None, new: bytes) -> None:
        monkeypatch.setattr(world.store, "swap", real_swap)
        await drain(await world.open())
        await real_swap(old, new)

    monkeypatch.setattr(world.store, "swap", swap)
    # when it wakes, then its swap fails
    with pytest.raises(SwapLost):
        await former.run_once(STEP)
    await world.check()


async def test_opening_raises_the_epoch() -> None:
    world = World(messages=0)
    epochs = []
    for _ in range(3):
        await world.open()
        state = await read_state(world.store)
        assert state is not None
        epochs.append(state.record.epoch)
    assert epochs == [1, 2, 3]


async def test_an_index_that_was_lost_is_built_from_the_log() -> None:
    # given a log in several batches, and an empty index
    world = World(messages=20)
    await drain(await world.open())
    rows = world.index.rows
    world.index = MemoryLogIndex()
    # when the log is opened
    await world.open()
    # then the index holds the same rows again
    assert world.index.rows == rows


async def test_an_index_that_holds_half_a_batch_is_filled_up() -> None:
    world = World(messages=9)
    await drain(await world.open())
    rows = list(world.index.rows)
    del world.index.rows[-2:]
    await world.open()
    assert world.index.rows == rows


async def test_a_message_that_no_router_writes_stops_the_log() -> None:
    # given a message that is no Decided
    world = World(messages=1)
    world.topic.put(b"nonsense")
    sequencer = await world.open()
    # when it is taken, then nothing is committed and the sequencer is dead
    with pytest.raises(LogError) as refused:
        await sequencer.run_once()
    assert refused.value.code is SHAPE
    assert await world.leaves() == []
    with pytest.raises(LogError):
        await sequencer.run_once()


async def test_work_an_entry_does_not_depend_on_the_size_of_the_log() -> None:
    # given a log of some tiles
    world = World(messages=400)
    sequencer = await world.open()
    await drain(sequencer, Bound(count=100))
    world.store.reads.clear()
    # when more is sequenced, then nothing of it is read again
    world.put(10)
    await drain(sequencer)
    assert world.store.reads == []


async def test_messages_that_are_in_the_log_already_are_only_committed() -> None:
    # given a lane whose position was lost after the log took the messages
    world = World(messages=4)
    await drain(await world.open())
    world.topic.positions.clear()
    # when they come again, together with a new one
    world.put(1)
    done = await (await world.open()).run_once()
    # then only the new one is sequenced
    assert done.messages == 5
    await world.check()
