"""The reader against a cluster that answers what a test wants; and how clients are stopped."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, OffsetOutOfRangeError

from broker.backends.kafka import reader as module
from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.reader import Reader, quietly, wait_readable
from broker.clock import Instant

ONE, OTHER = TopicPartition("east.records.police", 0), TopicPartition("east.records.school", 0)
PLENTY = 1024


@dataclass(frozen=True)
class Record:
    """A message as the client hands it out."""

    topic: str
    offset: int
    value: bytes | None
    key: bytes | None = b"key"
    partition: int = 0
    timestamp: int = 7


@dataclass
class Consumer:
    """A cluster, and a client of it.

    Attributes:
        kept: messages that are left, by partition.
        ends: behind the last message, and behind the markers that follow it.
        asked: how often messages were fetched.
        places: from where on.
        stuck: answers nothing.
        lag: how often an end is told that is not yet the last.
    """

    kept: Mapping[TopicPartition, Sequence[Record]] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    asked: int = 0
    places: dict[TopicPartition, int] = field(default_factory=dict)
    stuck: bool = False
    lag: int = 0

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self.places = dict.fromkeys(partitions, -1)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.places[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self.places[tp]

    async def beginning_offsets(self, wanted: Sequence[TopicPartition]) -> dict[Any, int]:
        return {tp: self.kept[tp][0].offset if self.kept[tp] else self.ends[tp] for tp in wanted}

    async def end_offsets(self, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.lag -= 1
        return {tp: self.ends[tp] - (1 if self.lag >= 0 else 0) for tp in wanted}

    async def offsets_for_times(self, wanted: dict[TopicPartition, int]) -> dict[Any, Any]:
        ((tp, at),) = wanted.items()
        return {tp: next((one for one in self.kept[tp] if one.timestamp >= at), None)}

    async def getmany(
        self, *wanted: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        self.asked += 1
        if self.stuck:
            await asyncio.sleep(timeout_ms / 1000)
            return {}
        firsts = await self.beginning_offsets(wanted)
        if lost := {tp: self.places[tp] for tp in wanted if self.places[tp] < firsts[tp]}:
            raise OffsetOutOfRangeError(lost)
        found = {}
        for tp in wanted:
            some = [one for one in self.kept[tp] if one.offset >= self.places[tp]][:max_records]
            self.places[tp] = some[-1].offset + 1 if some else self.ends[tp]
            if some:
                found[tp] = some
        return found


def kept(tp: TopicPartition, *offsets: int) -> list[Record]:
    """Return messages that name their offset, which is their time as well."""
    return [Record(tp.topic, offset, str(offset).encode(), timestamp=offset) for offset in offsets]


def reader(consumer: Consumer, deadline_s: float = 5.0) -> Reader:
    """Return a reader of a cluster."""
    return Reader(consumer, consumer, Cluster("127.0.0.1:9", "east.", deadline_s=deadline_s))


async def test_trimmed_and_whole_partitions_are_read_together() -> None:
    # given a partition of which the first five are gone, one that is whole, and markers behind
    consumer = Consumer({ONE: kept(ONE, 5, 6), OTHER: kept(OTHER, 0, 1)}, {ONE: 8, OTHER: 3})
    reads = reader(consumer)

    # when both are read from their beginning, then each gives what is left, under our names
    found = await reads.read({ONE: 0, OTHER: 0}, 10, PLENTY)
    assert [(one.message.topic, one.offset) for one in found] == [
        ("records.police", 5),
        ("records.police", 6),
        ("records.school", 0),
        ("records.school", 1),
    ]
    # and from there on there is nothing
    assert await reads.read({ONE: 7, OTHER: 2}, 10, PLENTY) == []


@pytest.mark.parametrize("place", [1, 4])
async def test_what_is_gone_and_was_not_read_is_an_error(place: int) -> None:
    # given a reader that has come to some place, and a partition that begins behind it
    consumer = Consumer({ONE: kept(ONE, 5, 6), OTHER: kept(OTHER, 3)}, {ONE: 7, OTHER: 4})

    # when it reads on, also beside one that it may begin anew, then that is told
    with pytest.raises(OffsetOutOfRangeError):
        await reader(consumer).read({ONE: place, OTHER: 0}, 10, PLENTY)


async def test_a_place_that_is_refused_though_nothing_is_gone_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a cluster that refuses a place that lies behind its first message
    consumer = Consumer({ONE: kept(ONE, 0)}, {ONE: 9})

    async def getmany(*_: object, **__: object) -> None:
        raise OffsetOutOfRangeError({ONE: 5})

    monkeypatch.setattr(consumer, "getmany", getmany)
    with pytest.raises(OffsetOutOfRangeError):
        await reader(consumer).read({ONE: 5}, 10, PLENTY)


async def test_a_read_again_from_elsewhere_forgets_what_was_fetched() -> None:
    # given a reader that has fetched four messages and handed out one
    consumer = Consumer({ONE: kept(ONE, 0, 1, 2, 3)}, {ONE: 4})
    reads = reader(consumer)
    assert [one.offset for one in await reads.read({ONE: 0}, 4, 1)] == [0]

    # when it reads on, then from what it has; when elsewhere, then from there
    assert [one.offset for one in await reads.read({ONE: 1}, 1, PLENTY)] == [1]
    assert consumer.asked == 1
    assert [one.offset for one in await reads.read({ONE: 0}, 9, PLENTY)] == [0, 1, 2, 3]


async def test_a_cluster_that_answers_nothing_is_given_up() -> None:
    consumer = Consumer({ONE: kept(ONE, 0)}, {ONE: 1}, stuck=True)
    with pytest.raises(TimeoutError):
        await reader(consumer, deadline_s=0.25).read({ONE: 0}, 1, PLENTY)


async def test_places_by_time() -> None:
    consumer = Consumer({ONE: kept(ONE, 3, 5)}, {ONE: 7})
    reads = reader(consumer)
    assert [await reads.boundary(ONE, Instant(at)) for at in (0, 4, 5, 6)] == [3, 5, 5, 7]
    assert await reads.first(ONE) == 3


async def test_an_empty_key_or_value_is_none_in_kafka() -> None:
    consumer = Consumer({ONE: [Record(ONE.topic, 0, None, None)]}, {ONE: 1})
    (found,) = await reader(consumer).read({ONE: 0}, 1, PLENTY)
    assert (found.message.key, found.message.value) == (b"", b"")
    assert found.at == 7


async def test_a_commit_is_waited_for_until_everybody_can_read_it() -> None:
    # given a cluster that shows a message with the third look only
    consumer = Consumer({}, {ONE: 4}, lag=2)
    await wait_readable(reader(consumer), {ONE: 3}, 5)
    assert consumer.lag == -1

    # and one that never does
    with pytest.raises(KafkaTimeoutError):
        await wait_readable(reader(consumer), {ONE: 4}, 0.01)


# ---------------------------------------------------------------- stopping


async def _fails() -> None:
    raise KafkaConnectionError


async def _hangs() -> None:
    await asyncio.sleep(60)


async def _cancelled_inside() -> None:
    """End as a client does whose own background task was cancelled."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("stopping", [_fails, _hangs, _cancelled_inside])
async def test_a_client_is_stopped_whatever_has_become_of_it(
    stopping: Callable[[], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.05)
    async with asyncio.timeout(2):
        await quietly(stopping())


async def test_whoever_is_cancelled_while_it_stops_a_client_ends() -> None:
    # given a task that stops a client, when it is cancelled itself, then it does not go on
    went_on: list[int] = []

    async def work() -> None:
        await quietly(_hangs())
        went_on.append(1)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not went_on
