"""The releaser publishes each checkpoint once, in order, and before what rests on it."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from broker.access_log.errors import PROOF_CONSISTENCY, LogError
from broker.access_log.published import CHECKPOINTS, SHOWN, Followed, Published
from broker.access_log.releaser import LAST, Released, Releaser
from broker.lanes import Bound, LaneLost, OutcomeUnknown, Unavailable
from tests.broker.access_log.stores import AFTER, BEFORE, MemoryTileStore
from tests.broker.access_log.world import (
    STEP,
    Crash,
    World,
    check_published,
    check_released,
    drain,
    release,
)


async def made(messages: int = 12, shards: int = 1, seed: int = 1) -> World:
    """Return a world in whose log everything is, and of which nothing is released."""
    world = World(messages, shards, seed)
    await drain(await world.open())
    return world


def nth(wanted: int, when: str, error: BaseException) -> Callable[[str], None]:
    """Return what fails before or after the commit of this number."""
    left = wanted

    def fail(reached: str) -> None:
        nonlocal left
        left -= reached == when
        if left == 0 and reached == when:
            raise error

    return fail


def shown(world: World) -> Followed:
    return Followed.decode(world.topic.tables[SHOWN, LAST])


def steps(world: World) -> list[Published]:
    return [Published.decode(one.message.value) for one in world.topic.steps]


async def test_the_checkpoint_comes_before_the_first_delivery_that_rests_on_it() -> None:
    # given a log
    world = await made(messages=3)
    # when it is released from
    await world.releaser().run_once()
    # then first of all its checkpoint was published, from nothing
    first, *rest = world.topic.outputs
    step = Published.decode(first.value)
    view = await world.view()
    assert (first.topic, step.before, step.path) == (CHECKPOINTS, 0, ())
    assert step.checkpoint == view.state.record.checkpoint
    assert {output.topic.partition(".")[0] for output in rest} == {"deliveries"}
    # and the row behind it says so
    assert shown(world) == Followed(view.state.tree.size, view.state.tree.root())
    await check_released(world)


async def test_what_nothing_is_released_under_is_not_published() -> None:
    # given a log that holds nothing of what waits
    world = World(messages=2)
    await world.open()
    assert await world.releaser().run_once() == Released(0, 0, 2)
    # then nothing is published, and no row is written
    assert (world.topic.outputs, world.topic.tables) == ([], {})


async def test_a_checkpoint_is_published_once_however_many_runs_rest_on_it() -> None:
    # given a log that is released from one message at a time, also after a restart
    world = await made(messages=8)
    releaser = world.releaser()
    for _ in range(3):
        await releaser.run_once(Bound(count=1))
    releaser = world.releaser()
    await release(releaser, Bound(count=1))
    # then its checkpoint was published once
    assert len(world.topic.steps) == 1
    # and the next one, from that, once the log has grown
    world.put(3)
    await drain(await world.open())
    await release(releaser, Bound(count=1))
    assert len(world.topic.steps) == 2
    await check_released(world)


async def test_a_log_that_grew_by_some_checkpoints_is_published_as_it_stands() -> None:
    # given a log of which one checkpoint was published, and that has grown by many since
    world = await made(messages=4)
    await release(world.releaser())
    first = shown(world)
    world.put(30)
    await drain(await world.open(), Bound(count=1))
    # when the rest is released, then one step leads over all of it
    await release(world.releaser())
    assert [one.before for one in steps(world)] == [0, first.size]
    await check_released(world)


async def test_lanes_that_have_nothing_publish_for_those_that_have() -> None:
    # given three lanes, the first of which has no message
    world = World(messages=0, shards=3)
    for number in range(6):
        world.topic.put(world.county.decided(2).encode(), 1 + number % 2)
    await drain(await world.open())
    # when the others are released from
    await release(world.releaser())
    # then their checkpoint lies in shard 0, before all of it
    assert [one.shard for one in world.topic.steps] == [0]
    assert {one.shard for one in world.topic.published} == {1, 2}
    assert len(world.topic.published) == 6
    await check_published(world)


async def test_a_releaser_that_could_not_publish_is_refused() -> None:
    world = await made(shards=3)
    for shards in ([], [1], [1, 2]):
        with pytest.raises(ValueError, match="shard 0"):
            world.releaser(shards)
    await release(world.releaser([0, 2]))
    await check_published(world)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("wanted", range(1, 6))
async def test_a_death_around_any_commit_skips_and_doubles_nothing(
    wanted: int, when: str, shards: int
) -> None:
    # given a releaser that dies before or after its n-th commit, whatever that commits
    world = await made(messages=24, shards=shards, seed=wanted)
    world.topic.on_commit = nth(wanted, when, Crash())
    with pytest.raises(Crash):
        await release(world.releaser())
    world.topic.on_commit = lambda _when: None
    await check_published(world)
    # when the log grows meanwhile, and another releaser takes over
    world.put(6)
    await drain(await world.open())
    await release(world.releaser())
    # then everything is released and published once
    await check_released(world)


@pytest.mark.parametrize("error", [OutcomeUnknown("lane"), LaneLost("lane"), Unavailable("lane")])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("wanted", [1, 2, 3])
async def test_a_commit_that_fails_or_says_nothing_ends_the_releaser(
    wanted: int, when: str, error: Exception
) -> None:
    # given a commit that fails, with or without effect
    world = await made(messages=10, shards=2, seed=wanted)
    world.topic.on_commit = nth(wanted, when, error)
    releaser = world.releaser()
    with pytest.raises(type(error)):
        await release(releaser)
    world.topic.on_commit = lambda _when: None
    # then the releaser does not go on from what it believes
    with pytest.raises(LogError):
        await releaser.run_once()
    # and the next one finds out what took effect
    await release(world.releaser())
    await check_released(world)


@pytest.mark.parametrize("seed", range(20))
async def test_deaths_at_random_while_the_log_grows_skip_and_double_nothing(seed: int) -> None:
    # given a log that grows, and releasers that die around one commit in five
    world = World(messages=0, shards=1 + seed % 3, seed=seed)
    dice = random.Random(seed)

    def die(_when: str) -> None:
        if dice.random() < 0.1:
            raise Crash

    for _ in range(25):
        world.put(dice.randrange(5))
        await drain(await world.open(), Bound(count=dice.randint(1, 5)))
        world.topic.on_commit = die
        with suppress(Crash):
            await release(world.releaser(), Bound(count=dice.randint(1, 4)))
        world.topic.on_commit = lambda _when: None
    await release(world.releaser())
    # then whoever follows the checkpoints sees one log, and everything is released once
    assert len(world.topic.steps) > 5
    await check_released(world)


async def test_a_frozen_releaser_that_wakes_before_it_publishes_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a releaser that is frozen when it has taken its messages, while another one does all
    world = await made(messages=9, shards=2)
    former = world.releaser()
    real = world.store.current

    async def current() -> bytes | None:
        monkeypatch.setattr(world.store, "current", real)
        await release(world.releaser())
        world.put(2)
        await drain(await world.open())
        return await real()

    monkeypatch.setattr(world.store, "current", current)
    # when it wakes, then it can neither publish nor release
    with pytest.raises(LaneLost):
        await former.run_once(STEP)
    await release(world.releaser())
    await check_released(world)


async def rewritten(world: World, messages: int) -> MemoryTileStore:
    """Return the store of a log that the same key has begun anew, as somebody else would have it.

    It holds other messages of the same lanes, so that its record covers what waits on them.
    """
    other = World(messages, len(world.sent), seed=99)
    await drain(await other.open())
    return other.store


@pytest.mark.parametrize("messages", [2, 40])
async def test_a_log_that_was_rewritten_is_not_released_from(messages: int) -> None:
    # given a published log, and another history in its place, shorter or longer
    world = await made(messages=10)
    await release(world.releaser(), Bound(count=3))
    world.put(2)
    before = list(world.topic.outputs)
    store = await rewritten(world, messages)
    world.topic.positions["releaser", 0] = 0
    releaser = Releaser(world.topic.lanes("releaser"), store)
    # when something is to be released from it
    with pytest.raises(LogError) as refused:
        await releaser.run_once()
    # then it is not: the log does not continue what everybody was shown
    assert refused.value.code is PROOF_CONSISTENCY
    assert world.topic.outputs == before


async def test_another_log_of_the_same_size_is_not_released_from() -> None:
    world = await made(messages=5)
    await release(world.releaser())
    row = shown(world)
    world.topic.tables[SHOWN, LAST] = replace(row, root=bytes(32)).encode()
    world.topic.positions["releaser", 0] = 0
    with pytest.raises(LogError) as refused:
        await world.releaser().run_once()
    assert refused.value.code is PROOF_CONSISTENCY


async def test_a_log_restored_from_an_old_copy_waits_until_it_has_caught_up() -> None:
    # given a log that is restored from a copy made before its last checkpoint was published
    world = await made(messages=6)
    await release(world.releaser())
    old = world.store.copy()
    world.put(4)
    await drain(await world.open())
    await release(world.releaser())
    recent = world.store
    world.store = old
    world.put(1)
    # when something waits, then the old log does not hold it, and nothing of it is published
    done = await world.releaser().run_once()
    assert (done.messages, done.waiting) == (0, 1)
    # nor is anything that it does hold released again against it
    world.topic.positions["releaser", 0] = 0
    with pytest.raises(LogError) as refused:
        await world.releaser().run_once(Bound(count=2))
    assert refused.value.code is PROOF_CONSISTENCY
    world.store = recent
    world.topic.positions["releaser", 0] = 10
    await drain(await world.open())
    await release(world.releaser())
    await check_released(world)
