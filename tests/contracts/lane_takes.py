"""What every backend keeps of taking and reading; a part of `tests.contracts.lanes`."""

import asyncio

import pytest

from broker.lanes import NOW, Batch, Bound, Message
from tests.contracts.worlds import (
    BOTH,
    POLICE,
    SCHOOL,
    World,
    at_most,
    drain,
    first_lane,
    key,
    record,
    texts,
)


class TakeContract:
    """Rule 1: order, bounds, waiting, fairness; and what can be read without a lane."""

    async def test_messages_come_in_the_order_of_their_topic(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("one"), record("two")])
        await streams.publish([record("three")])
        async with first_lane(streams) as lane:
            batch = await lane.take(NOW)
        assert texts(batch) == ["one", "two", "three"]
        offsets = [received.offset for received in batch.messages]
        arrivals = [received.at for received in batch.messages]
        assert offsets == sorted(set(offsets))
        assert arrivals == sorted(arrivals)
        assert {received.shard for received in batch.messages} == {0}

    async def test_a_batch_goes_topic_by_topic(self, world: World) -> None:
        streams = world.streams("broker")
        for text in ("1", "2"):
            await streams.publish([record(text, POLICE), record(text, SCHOOL)])
        async with first_lane(streams, BOTH) as lane:
            batch = await lane.take(NOW)
        topics = [received.message.topic for received in batch.messages]
        assert topics in ([POLICE, POLICE, SCHOOL, SCHOOL], [SCHOOL, SCHOOL, POLICE, POLICE])
        assert texts(batch) == ["1", "2", "1", "2"]

    async def test_take_goes_on_ahead_of_commit(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(text) for text in "abcde"])
        async with first_lane(streams) as lane:
            first = await lane.take(at_most(2))
            second = await lane.take(at_most(2))
            await lane.commit(first, ())
            third = await lane.take(at_most(2))
            await lane.commit(second, ())
            await lane.commit(third, ())
            assert not (await lane.take(NOW)).messages
        assert [texts(first), texts(second), texts(third)] == [["a", "b"], ["c", "d"], ["e"]]

    async def test_takes_at_the_same_time_share_nothing(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(text) for text in "abcd"])
        async with first_lane(streams) as lane:
            batches = await asyncio.gather(*(lane.take(at_most(1)) for _ in range(4)))
        assert sorted(text for batch in batches for text in texts(batch)) == list("abcd")

    async def test_octets_bound_a_batch_but_never_stop_a_big_message(self, world: World) -> None:
        streams = world.streams("broker")
        big = Message(POLICE, key(0), b"\x00\xff" * 1_500_000)
        await streams.publish([big, record("abc"), record("def"), record("g")])
        async with first_lane(streams) as lane:
            batches = [await lane.take(Bound(octets=6)) for _ in range(3)]
        assert batches[0].messages[0].message == big
        assert [len(batch.messages) for batch in batches] == [1, 2, 1]

    async def test_a_bulk_load_does_not_starve_another_topic(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("bulk", POLICE)] * 100)
        await streams.publish([record("single", SCHOOL)])
        async with first_lane(streams, BOTH) as lane:
            assert "single" in texts(await lane.take(at_most(10)))

    async def test_many_busy_topics_all_have_their_turn(self, world: World) -> None:
        topics = [f"records.school-{number}" for number in range(5)]
        streams = world.streams("broker")
        await streams.publish([record(topic, topic) for topic in topics for _ in range(20)])
        async with first_lane(streams, topics) as lane:
            taken = [text for _ in topics for text in texts(await lane.take(at_most(1)))]
        assert sorted(taken) == topics

    async def test_topics_of_several_stores_all_have_their_turn(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("stream")] * 20)
        async with first_lane(streams, ["protocol"], "writer") as lane:
            await lane.commit(Batch(()), [Message("decided", key(0), b"broker")] * 20)
        async with first_lane(streams, [POLICE, "decided"]) as lane:
            taken = texts(await lane.take(at_most(5))) + texts(await lane.take(at_most(5)))
        assert set(taken) == {"stream", "broker"}

    async def test_a_topic_that_comes_later_is_read_once_it_exists(self, world: World) -> None:
        streams = world.streams("broker")
        async with first_lane(streams, ["records.new-school"]) as lane:
            assert not (await lane.take(NOW)).messages
            await world.streams("agency").publish([record("first", "records.new-school")])
            assert texts(await lane.take(NOW)) == ["first"]

    async def test_waiting_ends_when_something_is_published(self, world: World) -> None:
        async with first_lane(world.streams("broker")) as lane:
            taking = asyncio.create_task(lane.take(Bound(wait_ms=60_000)))
            await asyncio.sleep(0)
            await world.streams("agency").publish([record("at last")])
            assert texts(await taking) == ["at last"]

    async def test_waiting_ends_when_an_output_of_ours_arrives(self, world: World) -> None:
        streams = world.streams("broker")
        async with (
            first_lane(streams, ["decided"], "releaser") as reader,
            first_lane(streams, [POLICE], "router") as writer,
        ):
            taking = asyncio.create_task(reader.take(Bound(wait_ms=60_000)))
            await asyncio.sleep(0)
            await writer.commit(Batch(()), [Message("decided", key(0), b"decided")])
            assert texts(await taking) == ["decided"]

    async def test_waiting_ends_empty_when_nothing_comes(self, world: World) -> None:
        async with first_lane(world.streams("broker")) as lane:
            assert await lane.take(Bound(wait_ms=20)) == Batch(())

    async def test_reading_needs_no_lane(self, world: World) -> None:
        streams = world.streams("broker")
        assert await streams.end("protocol") == 0
        assert await streams.read("protocol", 0) == []
        entries = [record(text, "protocol") for text in ("root", "key", "revision")]
        await streams.publish(entries)
        reader = world.streams("agency")
        found = await reader.read("protocol", 0)
        assert [received.message for received in found] == entries
        assert await reader.end("protocol") == found[-1].offset + 1
        assert texts(await reader.read("protocol", found[1].offset, limit=1)) == ["key"]
        assert await reader.read("protocol", await reader.end("protocol")) == []

    async def test_publishing_is_one_step_in_one_store(self, world: World) -> None:
        streams = world.streams("broker")
        with pytest.raises(ValueError, match="one store"):
            await streams.publish([record("here"), Message("decided", key(0), b"there")])
        await streams.publish([])
        assert await drain(streams, [POLICE, "decided"]) == {s: [] for s in range(world.shards)}
