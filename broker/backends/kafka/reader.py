"""Reads partitions from wanted offsets on, up to what is committed at the time of asking."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError, OffsetOutOfRangeError

from broker.backends.kafka.cluster import FAILURES, Cluster
from broker.backends.topology import fair_shares
from broker.clock import Instant
from broker.lanes import Message, Received

STOP_S = 2.0
"""How long a client may take to say good-bye to a cluster, in seconds."""

POLL_MS = 100
"""How long one look at the cluster's answers may take, in milliseconds."""


async def quietly(stopping: Coroutine[Any, Any, None]) -> None:
    """Stop a client: what its own background tasks end with is nobody's error any more."""
    try:
        async with asyncio.timeout(STOP_S):
            await stopping
    except FAILURES:
        return
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


class Reader:
    """One consumer over some partitions; the caller keeps the positions.

    Used by one task at a time.

    Attributes:
        cluster: whose.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, offsets: AIOKafkaConsumer, cluster: Cluster
    ) -> None:
        """Take a started consumer of the cluster, and one that nothing is assigned to.

        The latter is asked about offsets: the cluster answers a connection in the order of its
        questions, and a fetch may keep it waiting. It may be shared.
        """
        self._consumer = consumer
        self._offsets = offsets
        self.cluster = cluster
        self._deadline_s = cluster.deadline_s
        self._buffers: dict[TopicPartition, deque[Received]] = {}
        self._from: dict[TopicPartition, int] = {}

    async def read(
        self, starts: Mapping[TopicPartition, int], count: int, octets: int
    ) -> list[Received]:
        """Return committed messages from `starts` on, topic by topic, fairly divided.

        Args:
            starts: partition → offset to begin at, in the order in which they have their turn.
            count: messages at most.
            octets: bytes of values at most, but one message in any case.

        Raises:
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        self._begin(starts)
        await self._fill(starts, count)
        backlogs = {str(number): len(self._buffers[tp]) for number, tp in enumerate(starts)}
        shares = fair_shares(backlogs, count)
        found: list[Received] = []
        left = octets
        for number, tp in enumerate(starts):
            buffer = self._buffers[tp]
            for _ in range(shares.get(str(number), 0)):
                size = len(buffer[0].message.value)
                if found and size > left:
                    return found
                left -= size
                found.append(buffer.popleft())
                self._from[tp] = found[-1].offset + 1
        return found

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last committed message of each partition.

        Raises:
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        async with asyncio.timeout(self._deadline_s):
            found: dict[TopicPartition, int] = await self._offsets.end_offsets(list(partitions))
        return found

    async def first(self, tp: TopicPartition) -> int:
        """Return the offset of the first message that was not trimmed.

        Raises:
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        async with asyncio.timeout(self._deadline_s):
            return int((await self._offsets.beginning_offsets([tp]))[tp])

    async def boundary(self, tp: TopicPartition, at: Instant) -> int:
        """Return the offset of the first message that arrived at `at` or later, else the end.

        Raises:
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        async with asyncio.timeout(self._deadline_s):
            found = (await self._offsets.offsets_for_times({tp: at}))[tp]
        return (await self.ends([tp]))[tp] if found is None else int(found.offset)

    async def close(self) -> None:
        """Stop the consumer, whatever has become of the cluster."""
        await quietly(self._consumer.stop())

    def _begin(self, starts: Mapping[TopicPartition, int]) -> None:
        """Read on from `starts`: where that is elsewhere, what was fetched is dropped."""
        new = starts.keys() - self._buffers.keys()
        if new:
            places = {tp: self._place(tp) for tp in self._buffers}
            self._consumer.assign([*self._buffers, *new])
            for tp, offset in places.items():  # to assign anew forgets positions
                self._consumer.seek(tp, offset)
        for tp, offset in starts.items():
            if tp in new or self._from[tp] != offset:
                self._buffers[tp] = deque()
                self._from[tp] = offset
                self._consumer.seek(tp, offset)

    def _place(self, tp: TopicPartition) -> int:
        """Return the offset from which the consumer has to fetch."""
        buffer = self._buffers[tp]
        return buffer[-1].offset + 1 if buffer else self._from[tp]

    async def _fill(self, starts: Mapping[TopicPartition, int], count: int) -> None:
        """Fetch until each partition has something to give, or nothing is left to fetch."""
        hungry = [tp for tp in starts if len(self._buffers[tp]) < count]
        if not hungry:
            return
        ends = await self.ends(hungry)
        async with asyncio.timeout(self._deadline_s):
            while waiting := [tp for tp in hungry if await self._lacks(tp, ends[tp], count)]:
                # Others are paused by not being asked: their fetched messages stay buffered.
                try:
                    records = await self._consumer.getmany(
                        *waiting, timeout_ms=POLL_MS, max_records=max(count, 1)
                    )
                except OffsetOutOfRangeError as error:
                    await self._skip_trimmed(error, waiting)
                    continue
                for tp, some in records.items():
                    self._buffers[tp].extend(map(self._received, some))

    async def _skip_trimmed(
        self, error: OffsetOutOfRangeError, partitions: Sequence[TopicPartition]
    ) -> None:
        """Begin behind what was trimmed, where nothing was read yet.

        Raises:
            OffsetOutOfRangeError: messages are gone that were not read.
        """
        firsts: dict[TopicPartition, int] = await self._offsets.beginning_offsets(list(partitions))
        trimmed = [tp for tp in partitions if self._place(tp) < firsts[tp]]
        if not trimmed or any(self._place(tp) for tp in trimmed):
            raise error
        for tp in trimmed:
            self._from[tp] = firsts[tp]
            self._consumer.seek(tp, firsts[tp])

    def _received(self, record: "ConsumerRecord[bytes | None, bytes | None]") -> Received:
        topic = self.cluster.topic(record.topic)
        message = Message(topic, record.key or b"", record.value or b"")
        return Received(message, record.partition, record.offset, Instant(record.timestamp))

    async def _lacks(self, tp: TopicPartition, end: int, count: int) -> bool:
        if len(self._buffers[tp]) >= count or self._place(tp) >= end:
            return False
        # A commit's own marker has an offset too: the consumer's position goes past it.
        return int(await self._consumer.position(tp)) < end


async def wait_readable(
    reader: Reader, written: Mapping[TopicPartition, int], deadline_s: float
) -> None:
    """Wait until committed messages can be read by everybody.

    Kafka acknowledges a commit before its markers are in every partition; a millisecond later they
    are.

    Args:
        reader: asks.
        written: partition → offset of the last message written there.
        deadline_s: how long to wait.

    Raises:
        KafkaTimeoutError: they are not readable in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    pause = 0.001
    left: Sequence[TopicPartition] = list(written)
    while left:
        ends = await reader.ends(left)
        left = [tp for tp in left if ends[tp] <= written[tp]]
        if left and loop.time() > deadline:
            raise KafkaTimeoutError
        if left:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)
