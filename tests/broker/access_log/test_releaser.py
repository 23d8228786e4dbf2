"""The releaser: nothing before its entry is in the log, everything once, each with its proof."""

import random

import pytest

from broker.access_log import releaser as module
from broker.access_log.decided import DECIDED
from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.errors import DEAD, ORIGIN, LogError
from broker.access_log.openings import batch_path
from broker.access_log.prover import TileId
from broker.access_log.releaser import Released
from broker.access_log.trail import BATCHES_KEPT, Trail
from broker.access_log.tree import hash_leaf
from broker.lanes import Bound, LaneLost
from tests.broker.access_log import county
from tests.broker.access_log.world import (
    KEYS,
    STEP,
    Crash,
    World,
    check_released,
    drain,
    release,
)


async def test_a_delivery_goes_to_its_topic_with_the_proof_of_its_entry() -> None:
    # given a message in the log
    world = World(messages=1, seed=3)
    await drain(await world.open())
    # when it is released
    done = await world.releaser().run_once()
    # then each consumer that gets something can verify that this is what was logged
    assert done == Released(1, len(world.released), 0)
    for received in world.topic.published:
        delivery = Delivery.decode(received.message.value)
        agency = received.message.topic.removeprefix("deliveries.")
        bodies = [
            (consumer, body)
            for consumer, body in world.county.bodies.values()
            if consumer.partition("/")[0] == agency
        ]
        assert delivery.sealed == b"sealed for " + bodies[0][0].encode()
        consumer, body = bodies[0]
        body = DeliveryBody.decode(body.encode())
        body.verify(consumer, delivery.proof, county.ORIGIN, KEYS)
    await check_released(world)


async def test_nothing_is_released_before_the_log_holds_it() -> None:
    # given messages, and a log that has not begun, or not come to them
    world = World(messages=3)
    releaser = world.releaser()
    assert await releaser.run_once() == Released(0, 0, 3)
    await world.open()
    assert await releaser.run_once() == Released(0, 0, 3)
    assert world.topic.published == []
    # when the log holds two of them
    await (await world.open()).run_once(Bound(count=2))
    # then those are released, and the third once it is in as well
    assert (await releaser.run_once()).messages == 2
    assert await releaser.run_once() == Released(0, 0, 1)
    await drain(await world.open())
    assert (await releaser.run_once()).messages == 1
    await check_released(world)


@pytest.mark.parametrize("shards", [1, 3])
async def test_everything_is_released_however_far_the_log_is_ahead(shards: int) -> None:
    # given a log of many batches on some lanes, of which nothing was released
    world = World(messages=260, shards=shards)
    await drain(await world.open())
    # when a releaser starts
    assert (await release(world.releaser(), Bound(count=7))).waiting == 0
    # then it finds the leaves of every message
    await check_released(world)


async def test_releasing_keeps_up_while_the_log_grows() -> None:
    world = World(messages=0, shards=2)
    sequencer, releaser = await world.open(), world.releaser()
    for _ in range(60):
        world.put(world.random.randrange(4))
        await sequencer.run_once(STEP)
        await releaser.run_once(STEP)
    await drain(sequencer)
    await release(releaser)
    await check_released(world)
    # and only descriptors that are still of use are remembered
    assert len(releaser._trail._steps) <= 2


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", ["releaser.before-commit", "releaser.after-commit"])
async def test_a_death_at_any_step_loses_and_doubles_nothing(
    point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a releaser that dies when it has come to a step for the n-th time
    world = World(messages=20, shards=2, seed=nth)
    await drain(await world.open())
    left = {point: nth}

    def die(reached: str) -> None:
        left[reached] = left.get(reached, 0) - 1
        if left[reached] == 0:
            raise Crash

    monkeypatch.setattr(module, "reach", die)
    with pytest.raises(Crash):
        await release(world.releaser())
    # when another one takes over, then everything is released once
    await release(world.releaser())
    await check_released(world)


async def test_who_took_over_fences_who_held_the_lanes() -> None:
    world = World(messages=4)
    await drain(await world.open())
    former, later = world.releaser(), world.releaser()
    with pytest.raises(LaneLost):
        await former.run_once()
    await release(later)
    await check_released(world)
    with pytest.raises(LogError) as refused:
        await former.run_once()
    assert refused.value.code is DEAD


async def test_a_lane_that_was_silent_may_come_back_with_old_messages() -> None:
    # given two lanes, one of which the releaser has never had a message of
    world = World(messages=0, shards=2)
    first = world.county.decided()
    world.topic.put(first.encode(), 0)
    sequencer = await world.open()
    await sequencer.run_once()
    lanes = world.topic.lanes("releaser")
    world_releaser = module.Releaser(lanes, world.store)
    dice = random.Random(1)
    # when the other one goes far ahead while its messages are not to be seen
    for number in range(40):
        world.topic.put(world.county.decided(2).encode(), 1 if number == 5 else 0)
        await sequencer.run_once()
        if dice.random() < 0.5:
            lanes[1].silent = True
            await world_releaser.run_once()
    lanes[1].silent = False
    # then they are found all the same once they are
    await release(world_releaser)
    assert len(world.topic.published) == 2 + 40


async def test_a_message_that_stands_in_no_batch_stops_its_lane() -> None:
    # given a log whose record claims more of a lane than its batches hold
    world = World(messages=6)
    await drain(await world.open())
    view = await world.view()
    trail = Trail()
    await trail.reach(view, {0: 0})
    with pytest.raises(LogError) as refused:
        await trail.origin(view, 0, 6)
    assert refused.value.code is ORIGIN
    with pytest.raises(LogError):
        await Trail().origin(view, 0, 0)


async def test_a_release_for_an_entry_that_the_message_has_not_stops_its_lane() -> None:
    # given a message that releases something for its tenth entry of one
    world = World(messages=0)
    value = world.county.decided(2).encode()
    fields = DECIDED.decode(value)
    fields["releases"][0]["entry"] = 9
    world.topic.put(DECIDED.encode(fields))
    await drain(await world.open())
    # when it is to be released
    with pytest.raises(LogError) as refused:
        await world.releaser().run_once()
    # then it is not
    assert refused.value.code is ORIGIN
    assert world.topic.published == []


async def test_a_releaser_reads_on_from_where_the_last_one_ended() -> None:
    # given a long log, all but the end of which is released
    world = World(messages=200)
    await drain(await world.open())
    await release(world.releaser())
    world.put(2)
    await drain(await world.open())
    world.store.reads.clear()
    # when a new releaser starts, then it does not walk back further than it must
    await release(world.releaser())
    descriptors = [path for path in world.store.reads if path.startswith("openings/at/")]
    assert len(descriptors) <= 1
    await check_released(world)


async def test_few_descriptors_are_kept() -> None:
    world = World(messages=3 * BATCHES_KEPT * STEP.count)
    await drain(await world.open())
    releaser = world.releaser()
    await release(releaser)
    assert len(releaser._trail._origins) <= BATCHES_KEPT
    await check_released(world)


async def test_what_the_last_batch_completed_is_at_hand_before_it_is_written() -> None:
    # given a log whose last batch filled a tile that nobody has written yet
    world = World(messages=0)
    for _ in range(90):
        world.topic.put(world.county.decided(3).encode())
    await (await world.open()).run_once()
    written = [path for path in world.store.files if "tile/" in path]
    for path in [*written, batch_path(0)]:
        del world.store.files[path]
    # then it reads and releases as if it were
    view = await world.view()
    leaves = await view.bundle(0)
    assert len(leaves) == 256
    releaser = world.releaser()
    assert (await releaser.run_once()).messages == 90
    assert releaser._cache.rows(TileId(0, 0))[0][0] == hash_leaf(leaves[0])
