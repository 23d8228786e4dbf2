"""Readers of topics that were trimmed under them, and lanes whose messages lie in a cluster."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.streams import KafkaStreams
from broker.backends.source import Consumed, Replaced, mark_of
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.lanes import NOW, Bound, Message, Unavailable
from broker.runtimes.clock import SystemClock
from tests.contracts.worlds import AGENCY, BROKER, POLICE, SCHOOL, STREAM, topology

SHARED = "kafka"
GROUP = "router"


@pytest.fixture
async def streams(kafka_address: str, tmp_path: Path) -> AsyncIterator[KafkaStreams]:
    """Topics of the contract's installation, of one shard, on a cluster."""
    cluster = Cluster(kafka_address, f"t{os.urandom(4).hex()}.")
    places = dict.fromkeys((*STREAM, *BROKER), SHARED)
    made = KafkaStreams(cluster, places, SHARED, topology(1), tmp_path)
    yield made
    await made.close()


async def publish(streams: KafkaStreams, topic: str, *values: bytes) -> None:
    """Publish values, all at once."""
    await streams.publish([Message(topic, bytes(8), value) for value in values])


async def take(streams: KafkaStreams, *topics: str, count: int = 100) -> list[bytes]:
    """Take messages as a group, and commit them."""
    async with streams.lanes(topics, GROUP) as (lane,):
        batch = await lane.take(Bound(count=count, wait_ms=2000))
        await lane.commit(batch, ())
    return [one.message.value for one in batch.messages]


async def position(streams: KafkaStreams, topic: str) -> int:
    """Return how far the group has come, once the broker's table of groups shows a commit.

    The broker answers a commit before it marks its end there.
    """
    async with asyncio.timeout(10):
        while not (found := await streams.positions(GROUP, [topic])):  # noqa: ASYNC110 - a broker sets no event
            await asyncio.sleep(0.02)
    return found[topic]


async def test_whoever_comes_after_the_trimming_begins_behind_it(streams: KafkaStreams) -> None:
    # given a topic of which the oldest are gone, and one that is whole
    await publish(streams, POLICE, b"a", b"b", b"c", b"d")
    await publish(streams, SCHOOL, b"x", b"y")
    assert await streams.trim(POLICE, 2) == 2
    assert await streams.trim(POLICE, 2) == 0
    assert await streams.trim(POLICE, 1) == 0

    # when a group reads both for the first time, then it finds all that is left
    assert sorted(await take(streams, POLICE, SCHOOL)) == [b"c", b"d", b"x", b"y"]
    assert await position(streams, POLICE) == 4

    # and so does who reads without a group, and the end is where it was
    assert [one.offset for one in await streams.read(POLICE, 0)] == [2, 3]
    assert await streams.end(POLICE) == 4

    # and what comes later is read as ever
    await publish(streams, POLICE, b"e")
    assert await take(streams, POLICE, SCHOOL) == [b"e"]


async def test_a_topic_of_which_all_is_gone_is_empty(streams: KafkaStreams) -> None:
    # given a topic that was trimmed to its end
    await publish(streams, POLICE, b"a", b"b")
    await streams.trim(POLICE, 2)

    # when it is read, again and again, then there is nothing, and then what is new
    async with streams.lanes([POLICE], GROUP) as (lane,):
        for _ in range(2):
            assert (await lane.take(NOW)).messages == ()
        assert await streams.read(POLICE, 0) == []
        await publish(streams, POLICE, b"c")
        batch = await lane.take(Bound(count=5, wait_ms=2000))
    assert [one.message.value for one in batch.messages] == [b"c"]


async def test_messages_that_are_gone_before_they_were_read_are_no_silence(
    streams: KafkaStreams,
) -> None:
    # given a group that has read one of four messages
    await publish(streams, POLICE, b"a", b"b", b"c", b"d")
    assert await take(streams, POLICE, count=1) == [b"a"]

    # when somebody deletes what it has not read, then it does not go on as if nothing were lost
    await streams.trim(POLICE, 3)
    async with streams.lanes([POLICE], GROUP) as (lane,):
        with pytest.raises(Unavailable, match="OffsetOutOfRange"):
            await lane.take(NOW)


async def test_an_agencys_lane_waits_for_what_comes_to_the_cluster(
    streams: KafkaStreams, tmp_path: Path
) -> None:
    # given an agency whose positions lie in its own store, and its deliveries in the cluster
    topic = "deliveries.school"
    with Store.open(tmp_path / "agency.sqlite", create=True) as own:
        elsewhere = dict.fromkeys(STREAM, streams.source())
        places = dict.fromkeys(AGENCY, own)
        agency = SqliteStreams(places, own, SystemClock(), topology(1), elsewhere)
        async with agency.lanes([topic], "consumer") as (lane,):
            # when it waits for a first delivery, and one comes
            waits = asyncio.create_task(lane.take(Bound(count=5, wait_ms=20_000)))
            await asyncio.sleep(0.5)
            assert not waits.done()
            await publish(streams, topic, b"first")
            batch = await waits

            # then it has that, with its position
            assert [one.message.value for one in batch.messages] == [b"first"]
            await lane.commit(batch, ())

            # and it waits no longer than it was told to
            assert (await lane.take(Bound(count=5, wait_ms=200))).messages == ()
        assert await own.positions("consumer", 0) == {topic: 1}


async def test_a_topic_that_an_older_copy_replaced_is_refused(streams: KafkaStreams) -> None:
    # given a reader that keeps its own position, and a topic of which three messages are there
    await publish(streams, POLICE, b"a", b"b", b"c")
    source = streams.source()

    # when it holds what was consumed of it, or has trimmed that, then it may go on
    await source.check(0, {POLICE: Consumed(0, None), SCHOOL: Consumed(0, None)})
    await source.check(0, {POLICE: Consumed(2, mark_of(b"b"))})
    await source.check(0, {POLICE: Consumed(3, None)})
    await streams.trim(POLICE, 2)
    await source.check(0, {POLICE: Consumed(2, mark_of(b"b"))})

    # and when it is shorter, or has another message in that place, then it is refused by name
    for consumed in (Consumed(9, None), Consumed(3, mark_of(b"other"))):
        with pytest.raises(Replaced, match=POLICE):
            await source.check(0, {POLICE: consumed})
