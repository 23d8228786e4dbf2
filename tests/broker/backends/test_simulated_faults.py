"""Each fault by script: what the caller sees, and what is true afterwards."""

import asyncio
from contextlib import AsyncExitStack
from random import Random

import pytest

from broker.backends.simulated.clock import VirtualClock
from broker.backends.simulated.faults import (
    CALM,
    FROZEN_MS,
    ROUGH,
    STRIKES,
    Call,
    Fault,
    Faults,
    Rates,
)
from broker.backends.simulated.lane import SimulatedLane
from broker.lanes import (
    NOW,
    Batch,
    Bound,
    Lane,
    LaneError,
    LaneLost,
    Message,
    OutcomeUnknown,
    Unavailable,
)
from tests.contracts.simulated_world import SimulatedWorld
from tests.contracts.worlds import POLICE, START, first_lane, record, row, texts

DECIDED = Message("decided", bytes(8), b"decided")


def world_with(call: Call, fault: Fault) -> SimulatedWorld:
    return SimulatedWorld(1, script={(call, 1): fault})


async def commit_and_recall(lane: Lane) -> None:
    await lane.commit(await lane.take(NOW), [DECIDED])
    await lane.recall("seen", [b"a"])


@pytest.mark.parametrize("call", [Call.TAKE, Call.RECALL, Call.COMMIT])
async def test_unavailable_changes_nothing_and_the_call_may_be_repeated(call: Call) -> None:
    world = world_with(call, Fault.UNAVAILABLE)
    streams = world.streams("broker")
    await streams.publish([record("a")])
    async with first_lane(streams) as lane:
        with pytest.raises(Unavailable):
            await commit_and_recall(lane)
        if call is Call.COMMIT:
            assert await streams.read("decided", 0) == []
        await lane.rows("seen")


async def test_unavailable_strikes_acquiring_publishing_and_reading() -> None:
    script = dict.fromkeys(
        [(Call.ACQUIRE, 1), (Call.PUBLISH, 1), (Call.READ, 1)], Fault.UNAVAILABLE
    )
    world = SimulatedWorld(1, script=script)
    streams = world.streams("broker")
    with pytest.raises(Unavailable, match="broker"):
        async with first_lane(streams):
            pass
    with pytest.raises(Unavailable, match="stream"):
        await streams.publish([record("a", "protocol")])
    with pytest.raises(Unavailable):
        await streams.end("protocol")
    assert await streams.end("protocol") == 0


@pytest.mark.parametrize("call", [Call.TAKE, Call.RECALL, Call.COMMIT])
async def test_another_owner_comes_in_between(call: Call) -> None:
    world = world_with(call, Fault.LOST)
    streams = world.streams("broker")
    await streams.publish([record("a")])
    async with first_lane(streams) as lane:
        with pytest.raises(LaneLost):
            await commit_and_recall(lane)
        with pytest.raises(LaneLost, match="before"):
            await lane.take(NOW)


async def test_a_member_frozen_by_chance_is_fenced_a_minute_later() -> None:
    world = world_with(Call.COMMIT, Fault.FROZEN)
    streams = world.streams("broker")
    async with first_lane(streams) as lane:
        with pytest.raises(LaneLost):
            await lane.commit(Batch(()), [DECIDED])
    assert world.clock.now() >= START + FROZEN_MS
    assert await streams.read("decided", 0) == []


async def test_a_member_frozen_by_hand_wakes_up_fenced() -> None:
    """Given a commit in a frozen process, when it wakes after another's, then it has no effect."""
    world = SimulatedWorld(1)
    await world.streams("agency").publish([record("a")])
    async with AsyncExitStack() as stack:
        frozen = await stack.enter_async_context(first_lane(world.streams("broker")))
        assert isinstance(frozen, SimulatedLane)
        batch = await frozen.take(NOW)
        frozen.freeze()
        sleeping = asyncio.create_task(frozen.commit(batch, [DECIDED]))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not sleeping.done()
        async with first_lane(world.streams("broker")) as lane:
            await lane.commit(await lane.take(NOW), [DECIDED])
        frozen.thaw()
        with pytest.raises(LaneLost):
            await sleeping
    assert texts(await world.streams("broker").read("decided", 0)) == ["decided"]


@pytest.mark.parametrize(
    ("fault", "done"), [(Fault.UNKNOWN_DONE, True), (Fault.UNKNOWN_UNDONE, False)]
)
async def test_the_committed_position_tells_how_an_unknown_outcome_was(
    fault: Fault, done: bool
) -> None:
    world = world_with(Call.COMMIT, fault)
    streams = world.streams("broker")
    await streams.publish([record("a")])
    async with first_lane(streams) as lane:
        batch = await lane.take(NOW)
        with pytest.raises(OutcomeUnknown):
            await lane.commit(batch, [DECIDED])
        with pytest.raises(LaneLost):
            await lane.commit(batch, [DECIDED])
    async with first_lane(streams) as lane:
        assert texts(await lane.take(NOW)) == ([] if done else ["a"])
    assert len(await streams.read("decided", 0)) == int(done)


@pytest.mark.parametrize(
    ("fault", "done"), [(Fault.UNKNOWN_DONE, True), (Fault.UNKNOWN_UNDONE, False)]
)
async def test_a_publication_without_an_answer(fault: Fault, done: bool) -> None:
    world = world_with(Call.PUBLISH, fault)
    streams = world.streams("agency")
    with pytest.raises(OutcomeUnknown):
        await streams.publish([record("a", "protocol"), record("b", "protocol")])
    assert texts(await streams.read("protocol", 0)) == (["a", "b"] if done else [])


async def test_readers_see_outputs_late_and_in_order_but_owners_recall_them_at_once() -> None:
    world = SimulatedWorld(1, seed=3, rates=Rates(delay_ms=1_000))
    streams = world.streams("broker")
    sent = [str(number) for number in range(20)]
    async with first_lane(streams) as lane:
        for text in sent:
            await lane.commit(
                Batch(()), [Message("decided", bytes(8), text.encode()), row("a", text)]
            )
            assert await lane.recall("seen", [b"a"]) == {b"a": text.encode()}
        partial = await streams.read("decided", 0)
        assert texts(partial) == sent[: len(partial)]
        assert len(partial) < len(sent)
        assert await streams.end("decided") >= len(partial)
        async with first_lane(streams, ["decided"], "releaser") as reader:
            late: list[str] = []
            while len(late) < len(sent):
                late += texts(await reader.take(Bound(wait_ms=500)))
    assert late == sent
    assert await streams.end("decided") == len(sent)


async def test_waiting_takes_no_real_time() -> None:
    world = SimulatedWorld(1)
    async with first_lane(world.streams("broker")) as lane:
        assert await lane.take(Bound(wait_ms=3_600_000)) == Batch(())
    assert world.clock.now() >= START + 3_600_000


async def test_a_cancelled_commit_leaves_a_dead_lane() -> None:
    world = SimulatedWorld(1)
    async with first_lane(world.streams("broker")) as lane:
        assert isinstance(lane, SimulatedLane)
        lane.freeze()
        committing = asyncio.create_task(lane.commit(Batch(()), [DECIDED]))
        for _ in range(10):
            await asyncio.sleep(0)
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
        with pytest.raises(LaneLost):
            await lane.take(NOW)


async def test_takes_may_be_short_and_topics_come_in_any_order() -> None:
    world = SimulatedWorld(1, seed=1, rates=Rates(short=1.0, reorder=True))
    topics = [f"records.school-{number}" for number in range(6)]
    streams = world.streams("agency")
    for topic in topics:
        await streams.publish([record(topic, topic)])
    firsts = set()
    sizes = set()
    for _ in range(20):
        async with first_lane(streams, topics) as lane:
            batch = await lane.take(Bound(count=6))
            firsts.add(batch.messages[0].message.topic)
            sizes.add(len(batch.messages))
    assert len(firsts) > 2
    assert len(sizes) > 2


def test_a_script_names_only_what_can_happen() -> None:
    with pytest.raises(ValueError, match="take 1"):
        Faults(0, script={(Call.TAKE, 1): Fault.UNKNOWN_DONE})


def test_rates_strike_each_call_with_what_can_happen_to_it() -> None:
    faults = Faults(2, ROUGH)
    for call, possible in STRIKES.items():
        struck = {faults.strike(call) for _ in range(2_000)}
        assert struck == {None, *possible}
    calm = Faults(2, CALM)
    assert {calm.strike(call) for call in Call for _ in range(100)} == {None}


def test_virtual_time_never_runs_back() -> None:
    clock = VirtualClock(START)
    clock.advance(5)
    assert clock.now() == START + 5
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


async def test_faults_are_lane_errors() -> None:
    """Given rough stores, when anything is called, then nothing but the port's errors comes out."""
    world = SimulatedWorld(1, seed=9, rates=Rates(unavailable=0.5, lost=0.3, unknown=0.2))
    chance = Random(9)
    streams = world.streams("broker")
    for _ in range(100):
        try:
            async with first_lane(streams, [POLICE]) as lane:
                await lane.commit(await lane.take(NOW), [DECIDED])
                await lane.recall("seen", [chance.randbytes(4)])
        except LaneError:
            continue
