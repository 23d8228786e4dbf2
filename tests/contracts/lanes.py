"""What every backend of `broker.lanes` keeps, as examples: subclass, and give a `world`."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from broker.lanes import NOW, Batch, Bound, Lane, LaneLost, Message
from tests.contracts.lane_takes import TakeContract
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
    row,
    texts,
)


class ShardContract:
    """Rules 4 to 6: which shard a message lies in, and compacted topics as tables."""

    async def test_keys_choose_shards_and_each_lane_takes_its_own(self, world: World) -> None:
        streams = world.streams("broker")
        sent = [record(f"{shard}.{n}", shard=shard) for n in range(3) for shard in range(3)]
        await streams.publish(sent)
        found = await drain(streams, [POLICE])
        assert sorted(found) == list(range(world.shards))
        for shard, messages in found.items():
            expected = [m for m in sent if int.from_bytes(m.key) % world.shards == shard]
            assert [received.message for received in messages] == expected
            assert {received.shard for received in messages} == {shard}

    async def test_outputs_lie_in_the_shard_of_their_lane(self, world: World) -> None:
        streams = world.streams("broker")
        async with streams.lanes([POLICE], "router") as lanes:
            assert [lane.shard for lane in lanes] == list(range(world.shards))
            for lane in lanes:
                output = Message("decided", key(1), str(lane.shard).encode())
                await lane.commit(Batch(()), [output, Message("registers", key(2), b"entry")])
        found = await drain(streams, ["decided"])
        assert {shard: texts(messages) for shard, messages in found.items()} == {
            shard: [str(shard)] for shard in range(world.shards)
        }
        assert texts(await streams.read("registers", 0)) == ["entry"] * world.shards

    async def test_a_topic_of_one_shard_belongs_to_the_first_lane(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("entry", "protocol", shard=shard) for shard in range(3)])
        assert texts((await drain(streams, ["protocol"]))[0]) == ["entry"] * 3
        async with streams.lanes([POLICE, "protocol"], "router") as lanes:
            taken = [texts(await lane.take(NOW)) for lane in lanes]
        assert taken == [["entry"] * 3] + [[]] * (world.shards - 1)

    async def test_recall_finds_the_last_value_that_was_committed(self, world: World) -> None:
        streams = world.streams("broker")
        async with first_lane(streams) as lane:
            assert await lane.recall("seen", [b"a"]) == {}
            assert await lane.rows("seen") == []
            await lane.commit(Batch(()), [row("a", "1"), row("b", "1"), row("a", "2")])
            await lane.commit(Batch(()), [row("b", "2"), row("c", "1")])
            found = await lane.recall("seen", [b"a", b"b", b"z"])
            assert found == {b"a": b"2", b"b": b"2"}
            assert await lane.recall("seen", []) == {}

    async def test_an_empty_value_removes_the_row(self, world: World) -> None:
        streams = world.streams("broker")
        async with first_lane(streams) as lane:
            await lane.commit(Batch(()), [row("a", "1"), row("b", "1"), row("c", "1")])
            await lane.commit(Batch(()), [row("a", ""), row("b", ""), row("b", "2")])
            await lane.commit(Batch(()), [row("c", "2"), row("c", ""), row("never", "")])
            assert await lane.rows("seen") == [(b"b", b"2")]

    async def test_rows_are_listed_by_key_page_by_page(self, world: World) -> None:
        async with first_lane(world.streams("broker")) as lane:
            await lane.commit(Batch(()), [row(name, name.upper()) for name in "dbacb"])
            first = await lane.rows("seen", limit=3)
            rest = await lane.rows("seen", after=first[-1][0], limit=3)
        assert first == [(b"a", b"A"), (b"b", b"B"), (b"c", b"C")]
        assert rest == [(b"d", b"D")]

    async def test_each_lane_recalls_its_own_shard(self, world: World) -> None:
        async with world.streams("broker").lanes([POLICE], "router") as lanes:
            for lane in lanes:
                await lane.commit(Batch(()), [row("same", str(lane.shard))])
            for lane in lanes:
                assert await lane.recall("seen", [b"same"]) == {b"same": str(lane.shard).encode()}

    async def test_rows_outlive_their_owner_and_can_be_published(self, world: World) -> None:
        streams = world.streams("agency")
        await streams.publish([Message("inbox", key(0), b"new")])
        async with first_lane(streams, ["deliveries.school"], "school") as lane:
            await lane.commit(Batch(()), [Message("inbox", key(0, 1), b"other")])
        async with first_lane(world.streams("agency"), ["deliveries.school"], "school") as lane:
            assert await lane.rows("inbox") == [(key(0), b"new"), (key(0, 1), b"other")]

    async def test_a_table_is_read_as_its_rows_stand(self, world: World) -> None:
        streams = world.streams("broker")
        async with first_lane(streams) as lane:
            await lane.commit(Batch(()), [row("a", "1"), row("b", "1"), row("c", "1")])
            await lane.commit(Batch(()), [row("a", "2"), row("b", "")])
        found = await streams.read("seen", 0)
        assert [received.message for received in found] == [row("c", "1"), row("a", "2")]
        assert texts(await streams.read("seen", found[0].offset + 1)) == ["2"]
        assert await streams.end("seen") > found[-1].offset

    async def test_tables_are_recalled_and_other_topics_are_taken(self, world: World) -> None:
        streams = world.streams("broker")
        for topics, reason in (
            (["seen"], "compacted"),
            ([], "one or more"),
            ([POLICE, POLICE], "once"),
            (["nowhere"], "no place"),
        ):
            with pytest.raises(ValueError, match=reason):
                async with streams.lanes(topics, "router"):
                    pass
        async with first_lane(streams) as lane:
            with pytest.raises(ValueError, match="no compacted topic"):
                await lane.recall("decided", [b"a"])
            with pytest.raises(ValueError, match="no compacted topic"):
                await lane.rows("decided")


class CommitContract:
    """Rules 2 and 3: outputs with position, order of commits, and who owns a lane."""

    async def test_outputs_and_position_come_together(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("a"), record("b")])
        async with first_lane(streams) as lane:
            batch = await lane.take(at_most(1))
            assert texts(await streams.read("decided", 0)) == []
            await lane.commit(batch, [Message("decided", key(0), b"decided a"), row("a", "1")])
        assert texts(await streams.read("decided", 0)) == ["decided a"]
        async with first_lane(world.streams("broker")) as lane:
            assert texts(await lane.take(NOW)) == ["b"]
            assert await lane.recall("seen", [b"a"]) == {b"a": b"1"}

    async def test_what_is_not_committed_comes_again(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(text) for text in "abc"])
        async with first_lane(streams) as lane:
            await lane.commit(await lane.take(at_most(1)), ())
            assert texts(await lane.take(NOW)) == ["b", "c"]
        async with first_lane(world.streams("broker")) as lane:
            assert texts(await lane.take(NOW)) == ["b", "c"]

    async def test_a_prefix_of_the_last_batch_may_be_committed(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(f"p{n}", POLICE) for n in range(3)])
        await streams.publish([record(f"s{n}", SCHOOL) for n in range(3)])
        async with first_lane(streams, BOTH) as lane:
            batch = await lane.take(NOW)
            taken = texts(batch)
            await lane.commit(batch.first(2), ())
            again = await lane.take(NOW)
            assert sorted(texts(again)) == sorted(taken[2:])
            await lane.commit(again, ())
            assert not (await lane.take(NOW)).messages

    async def test_an_empty_batch_has_outputs_only(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(text) for text in "abc"])
        async with first_lane(streams) as lane:
            batch = await lane.take(at_most(2))
            await lane.commit(Batch(()), [Message("decided", key(0), b"on time")])
            await lane.commit(batch.first(0), ())
            assert texts(await lane.take(NOW)) == ["c"]
            await lane.commit(batch, ())
        assert texts(await streams.read("decided", 0)) == ["on time"]

    async def test_batches_are_committed_in_turn(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record(text) for text in "abcd"])
        async with first_lane(streams) as lane:
            first, second = await lane.take(at_most(2)), await lane.take(at_most(2))
            for wrong, reason in ((second, "order"), (first.first(1), "prefix")):
                with pytest.raises(ValueError, match=reason):
                    await lane.commit(wrong, [Message("decided", key(0), b"wrong")])
            await lane.commit(first, ())
            await lane.commit(second, ())
            with pytest.raises(ValueError, match="no batch"):
                await lane.commit(second, ())
        assert await streams.read("decided", 0) == []

    async def test_outputs_outside_the_sink_are_refused(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("a")])
        async with first_lane(streams) as lane:
            batch = await lane.take(NOW)
            outside = Message("deliveries.school", key(0), b"x")
            with pytest.raises(ValueError, match="outside the store"):
                await lane.commit(batch, [Message("decided", key(0), b"x"), outside])
            assert await streams.read("decided", 0) == []
            await lane.commit(batch, ())

    async def test_an_output_may_be_big(self, world: World) -> None:
        streams = world.streams("broker")
        big = Message("decided", key(0), bytes(range(256)) * 8192)
        async with first_lane(streams) as lane:
            await lane.commit(Batch(()), [big])
        assert [received.message for received in await streams.read("decided", 0)] == [big]

    async def test_groups_know_nothing_of_each_other(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("a")])
        async with first_lane(streams, group="one") as one, first_lane(streams, group="two") as two:
            assert texts(await one.take(NOW)) == texts(await two.take(NOW)) == ["a"]
            await one.commit(Batch(()), ())

    async def test_each_party_keeps_its_position_where_its_outputs_lie(self, world: World) -> None:
        router, releaser, school = (world.streams(sink) for sink in ("broker", "stream", "agency"))
        await school.publish([record("a")])
        async with first_lane(router) as lane:
            await lane.commit(await lane.take(NOW), [Message("decided", key(0), b"decided")])
        async with first_lane(releaser, ["decided"], "releaser") as lane:
            delivery = Message("deliveries.school", key(0), b"delivery")
            await lane.commit(await lane.take(NOW), [delivery])
        async with first_lane(school, ["deliveries.school"], "school") as lane:
            await lane.commit(await lane.take(NOW), [row("id", "delivery", "inbox")])
            assert await lane.rows("inbox") == [(b"id", b"delivery")]
        for streams, topics, group in (
            (router, [POLICE], "router"),
            (releaser, ["decided"], "releaser"),
            (school, ["deliveries.school"], "school"),
        ):
            async with first_lane(streams, topics, group) as lane:
                assert not (await lane.take(NOW)).messages

    async def test_a_new_owner_fences_the_old_one_in_every_call(self, world: World) -> None:
        await world.streams("agency").publish([record("a"), record("b")])
        async with AsyncExitStack() as stack:
            old: list[tuple[Lane, Batch]] = []
            for _ in range(4):
                lane = await stack.enter_async_context(first_lane(world.streams("broker")))
                old.append((lane, await lane.take(at_most(1))))
            new = await stack.enter_async_context(first_lane(world.streams("broker")))
            calls = [
                old[0][0].commit(old[0][1], [Message("decided", key(0), b"twice")]),
                old[1][0].take(NOW),
                old[2][0].recall("seen", [b"a"]),
                old[3][0].rows("seen"),
            ]
            for call in calls:
                with pytest.raises(LaneLost):
                    await call
            await new.commit(await new.take(NOW), [Message("decided", key(0), b"once")])
            for lane, batch in old:
                with pytest.raises(LaneLost):
                    await lane.take(NOW)
                with pytest.raises(LaneLost):
                    await lane.commit(batch, ())
        assert texts(await world.streams("broker").read("decided", 0)) == ["once"]

    async def test_a_frozen_owner_that_wakes_changes_nothing(self, world: World) -> None:
        await world.streams("agency").publish([record("a"), record("b")])
        async with first_lane(world.streams("broker")) as frozen:
            batch = await frozen.take(at_most(1))
            async with first_lane(world.streams("broker")) as new:
                await new.commit(await new.take(NOW), [row("a", "new"), row("b", "new")])
            with pytest.raises(LaneLost):
                await frozen.commit(batch, [row("a", "old")])
        async with first_lane(world.streams("broker")) as lane:
            assert await lane.rows("seen") == [(b"a", b"new"), (b"b", b"new")]
            assert not (await lane.take(NOW)).messages

    async def test_a_waiting_owner_learns_that_it_was_fenced(self, world: World) -> None:
        async with first_lane(world.streams("broker")) as old:
            taking = asyncio.create_task(old.take(Bound(wait_ms=60_000)))
            await asyncio.sleep(0)
            async with first_lane(world.streams("broker")):
                with pytest.raises(LaneLost):
                    await taking

    async def test_a_lane_ends_with_its_block(self, world: World) -> None:
        async with first_lane(world.streams("broker")) as lane:
            pass
        for call in (lane.take(NOW), lane.commit(Batch(()), ()), lane.rows("seen")):
            with pytest.raises(LaneLost):
                await call

    async def test_a_lane_may_be_taken_over_by_more_topics(self, world: World) -> None:
        streams = world.streams("broker")
        await streams.publish([record("a", POLICE), record("b", SCHOOL)])
        async with first_lane(streams, [POLICE]) as lane:
            await lane.commit(await lane.take(NOW), ())
        async with first_lane(streams, BOTH) as lane:
            assert texts(await lane.take(NOW)) == ["b"]


class LaneContract(TakeContract, ShardContract, CommitContract):
    """The whole contract."""
