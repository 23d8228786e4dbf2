"""Log and topics of different moments: refused before anything is signed."""

import pytest

from broker.access_log.errors import LOG_OLDER, TOPICS_OLDER, LogError
from broker.access_log.restored import check_held, check_moment
from broker.clock import Instant
from broker.lanes import Message, Received
from tests.broker.access_log.world import STEP, World, drain


@pytest.mark.parametrize(
    ("log", "sequenced", "end"),
    [
        ({}, 0, 0),  # nothing yet
        ({}, 0, 3),  # decided, not logged
        ({0: 3}, 0, 3),  # died between the log's swap and the position's commit
        ({0: 3}, 3, 3),
        ({0: 3}, 3, 9),
    ],
)
def test_whatever_a_crash_leaves_behind_is_of_one_moment(
    log: dict[int, int], sequenced: int, end: int
) -> None:
    check_moment(log, {0: sequenced}, {0: end})


@pytest.mark.parametrize("log", [{}, {0: 2}])
def test_a_log_that_lacks_what_was_sequenced_is_older(log: dict[int, int]) -> None:
    with pytest.raises(LogError) as refused:
        check_moment(log, {0: 3}, {0: 3})
    assert refused.value.code is LOG_OLDER


@pytest.mark.parametrize("ends", [{}, {0: 2}])
def test_a_topic_that_ends_before_the_log_is_older(ends: dict[int, int]) -> None:
    with pytest.raises(LogError) as refused:
        check_moment({0: 3}, {0: 1}, ends)
    assert refused.value.code is TOPICS_OLDER


@pytest.mark.parametrize("shards", [1, 3])
async def test_messages_that_come_again_are_known_again(shards: int) -> None:
    # given a log in several batches, whose positions were forgotten
    world = World(messages=12, shards=shards)
    await drain(await world.open(), STEP)
    world.topic.positions.clear()

    # when everything comes again, then the log stays as it is, and goes on
    world.put(3)
    await drain(await world.open(), STEP)
    await world.check()


@pytest.mark.parametrize("lost", [1, 5])
async def test_other_messages_in_the_place_of_those_that_are_logged_are_refused(lost: int) -> None:
    # given topics put back to an older moment, where others were decided since
    world = World(messages=9)
    await drain(await world.open(), STEP)
    logged = await world.leaves()
    del world.topic.shards[0][-lost:]
    world.topic.positions["sequencer", 0] = len(world.topic.shards[0])
    world.put(lost + 2)

    # when they are sequenced, then that is refused, and the log stays as it was
    sequencer = await world.open()
    with pytest.raises(LogError) as refused:
        await drain(sequencer, STEP)
    assert refused.value.code is TOPICS_OLDER
    assert await world.leaves() == logged


async def test_a_message_where_the_log_took_in_none_is_refused() -> None:
    # given a log, and a message of a place that it has passed but holds nothing of
    world = World(messages=2)
    await drain(await world.open(), STEP)
    stranger = Received(Message("decided", bytes(8), b""), 1, 0, Instant(0))

    # when it comes, then it is refused
    with pytest.raises(LogError, match="shard 1, offset 0") as refused:
        await check_held(await world.view(), [stranger])
    assert refused.value.code is TOPICS_OLDER
