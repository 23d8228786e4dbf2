"""Exactly once, whatever happens to the process: workers that copy and start again and again."""

import asyncio
from collections.abc import Sequence
from itertools import count
from random import Random

from broker.lanes import (
    Batch,
    Lane,
    LaneLost,
    Message,
    OutcomeUnknown,
    Streams,
    Unavailable,
)
from tests.contracts.worlds import BOTH, World, at_most, drain, record

COUNT = b"count"
LIVES = 10
MOST_TURNS = 40
MOST_IDLE = 200


async def publish_numbers(world: World, total: int) -> None:
    """Publish numbered messages to two topics and every shard, in two calls."""
    messages = [
        record(str(number), BOTH[number % 2], shard=number // 2 % 3) for number in range(total)
    ]
    streams = world.streams("agency")
    await streams.publish(messages[: total // 2])
    await streams.publish(messages[total // 2 :])


async def copy_all(streams: Streams, chance: Random, total: int, lives: int | None = None) -> None:
    """Copy every message to `decided` and count it, starting again after whatever goes wrong.

    Ends when the counts of all shards say that all is done, whoever did it; or when it has started
    as often as it has lives, so that rivals cannot fence each other for ever.
    """
    for _ in count() if lives is None else range(lives):
        try:
            async with streams.lanes(BOTH, "copier") as lanes:
                idle = 0
                while await _counted(lanes) < total:
                    taken = sum([await _copy_some(lane, chance) for lane in lanes])
                    idle = 0 if taken else idle + 1
                    assert idle < MOST_IDLE, "a message is lost: nothing is left to copy"
                return
        except (LaneLost, OutcomeUnknown, Unavailable):
            for _ in range(chance.randrange(MOST_TURNS)):
                await asyncio.sleep(0)


async def copy_as_rivals(world: World, seeds: Sequence[int], total: int) -> None:
    """Let workers fence each other for a while, then one of them finish."""
    rivals = [copy_all(world.streams("broker"), Random(seed), total, lives=LIVES) for seed in seeds]
    await asyncio.gather(*rivals)
    await copy_all(world.streams("broker"), Random(seeds[0]), total)


async def _copy_some(lane: Lane, chance: Random) -> int:
    """Take one or two batches and commit them, sometimes a part of the last; count messages."""
    batches = [await lane.take(at_most(chance.randint(1, 7))) for _ in range(chance.randint(1, 2))]
    batches = [batch for batch in batches if batch.messages]
    for batch in batches:
        part = batch
        if batch is batches[-1] and chance.random() < 0.3:
            part = batch.first(chance.randint(1, len(batch.messages)))
        await _commit(lane, part, len(part.messages) + await _count(lane))
    return sum(len(batch.messages) for batch in batches)


async def _commit(lane: Lane, batch: Batch, number: int) -> None:
    outputs = [Message("decided", r.message.key, r.message.value) for r in batch.messages]
    while True:
        try:
            await lane.commit(batch, [*outputs, Message("seen", COUNT, number.to_bytes(4))])
        except Unavailable:
            continue
        return


async def _count(lane: Lane) -> int:
    while True:
        try:
            found = await lane.recall("seen", [COUNT])
        except Unavailable:
            continue
        return int.from_bytes(found.get(COUNT, b""))


async def _counted(lanes: Sequence[Lane]) -> int:
    return sum([await _count(lane) for lane in lanes])


async def assert_copied_once(world: World, total: int) -> None:
    """Check that `decided` holds each message once, each topic of a shard in its order."""
    streams = world.streams("stream")
    sources = await drain(streams, BOTH)
    copies = await drain(streams, ["decided"])
    number_of_copies = 0
    for shard, messages in copies.items():
        number_of_copies += len(messages)
        for topic in BOTH:
            sent = [r.message.value for r in sources[shard] if r.message.topic == topic]
            known = set(sent)
            copied = [r.message.value for r in messages if r.message.value in known]
            assert copied == sent
    assert number_of_copies == total


class RestartContract:
    """Rule 3, from outside: exactly once."""

    async def test_a_worker_that_starts_again_and_again_copies_once(self, world: World) -> None:
        total = 60
        await publish_numbers(world, total)
        chance = Random(5)
        for _ in range(12):
            async with world.streams("broker").lanes(BOTH, "copier") as lanes:
                for lane in lanes:
                    await _copy_some(lane, chance)
        await copy_all(world.streams("broker"), chance, total)
        await assert_copied_once(world, total)

    async def test_rivals_that_fence_each_other_copy_once(self, world: World) -> None:
        total = 90
        await publish_numbers(world, total)
        await copy_as_rivals(world, range(3), total)
        await assert_copied_once(world, total)
