"""One lane: partition p of its topics, written to by the one producer that holds its id."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from aiokafka.structs import OffsetAndMetadata, RecordMetadata

from broker.backends.kafka.cluster import FAILURES, Cluster, Topics
from broker.backends.kafka.headers import headers
from broker.backends.kafka.reader import Reader, wait_readable
from broker.backends.kafka.tables import Row, Tables
from broker.backends.progress import Progress
from broker.backends.topology import Places, Topology
from broker.clock import Instant
from broker.lanes import Batch, Bound, LaneLost, Message, OutcomeUnknown, Received

TOKEN_OCTETS = 16

WAIT_FIRST_S = 0.002
WAIT_MOST_S = 0.05
"""Seconds between two looks while nothing comes."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the lanes of one process share.

    Attributes:
        cluster: where.
        topology: shards and tables.
        places: store of each topic, by name or prefix.
        sink: the store that outputs lie in.
        topics: that exist.
        tables: on this machine's disk.
        owners: who holds which lane, looked up anew.
    """

    cluster: Cluster
    topology: Topology
    places: Places[str]
    sink: str
    topics: Topics
    tables: Tables
    owners: "Owners"


async def send(
    producer: AIOKafkaProducer, shared: Shared, placed: Sequence[tuple[Message, int]]
) -> list[asyncio.Future[RecordMetadata]]:
    """Hand messages, each with its shard, to a producer that is in a transaction."""
    found: list[asyncio.Future[RecordMetadata]] = []
    told = shared.cluster.told
    at = None if told is None else told.now()
    sent = Instant(time.time_ns() // 1_000_000) if at is None else at
    for one, shard in placed:
        removes = not one.value and shared.topology.is_compacted(one.topic)
        future = await producer.send(
            shared.cluster.prefix + one.topic,
            value=None if removes else one.value,
            key=one.key,
            partition=shard,
            timestamp_ms=at,
            headers=headers(one.topic, one.value, sent),
        )
        found.append(future)
    return found


@dataclass(frozen=True, slots=True)
class Holding:
    """What makes a lane this owner's: its group, its shard, and its token."""

    group: str
    shard: int
    token: bytes

    @classmethod
    def of(cls, group: str, shard: int) -> Self:
        """Return what a new owner holds."""
        return cls(group, shard, os.urandom(TOKEN_OCTETS))

    @property
    def name(self) -> str:
        """The lane's name: the key of its owner's row, and of its transactions."""
        return f"{self.group}/{self.shard}"

    def __str__(self) -> str:
        """Name the lane for people."""
        return f"{self.group}, shard {self.shard}"


class Owners:
    """The table of lanes' owners: a process that was fenced learns of it without a commit."""

    def __init__(self, reader: Reader, tp: TopicPartition) -> None:
        """Read the table from its beginning."""
        self._reader = reader
        self._tp = tp
        self._at = 0
        self._tokens: dict[bytes, bytes] = {}
        self._lock = asyncio.Lock()

    async def check(self, holding: Holding) -> None:
        """Make sure that nobody else has acquired the lane.

        Raises:
            LaneLost: somebody has.
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        async with self._lock:
            while found := await self._reader.read({self._tp: self._at}, 1000, 1 << 20):
                self._tokens.update({one.message.key: one.message.value for one in found})
                self._at = found[-1].offset + 1
        if self._tokens.get(holding.name.encode(), holding.token) != holding.token:
            raise LaneLost(str(holding))


class KafkaLane:
    """See `broker.lanes.Lane`; made by `KafkaStreams.lanes`."""

    def __init__(
        self,
        shared: Shared,
        holding: Holding,
        topics: Sequence[str],
        progress: Progress,
        producer: AIOKafkaProducer,
        readers: tuple[Reader, Reader],
    ) -> None:
        """Take what was acquired; the second reader is for tables, and looks at ends."""
        self._shared = shared
        self._holding = holding
        self._topics = topics
        self._progress = progress
        self._producer = producer
        self._reader, self._looks = readers
        self._alive = True
        self._turn = 0
        self._reading = asyncio.Lock()
        self._looking = asyncio.Lock()

    @property
    def shard(self) -> int:
        """The partition number."""
        return self._holding.shard

    def release(self) -> None:
        """Make every further call raise `LaneLost`."""
        self._alive = False

    async def take(self, bound: Bound) -> Batch:
        """Return the next messages; wait for a first one as long as `bound` says."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + bound.wait_ms / 1000
        pause = WAIT_FIRST_S
        while True:
            batch = await self._next(bound)
            left = deadline - loop.time()
            if batch.messages or left <= 0:
                return batch
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, WAIT_MOST_S)

    async def commit(self, batch: Batch, outputs: Sequence[Message]) -> None:
        """Write outputs and position in one transaction.

        Whatever goes wrong, the producer is done with: a failed send does not keep the rest of a
        transaction from being committed, so nothing is tried again with it.
        """
        self._must_be_alive()
        self._progress.check(batch)
        shared = self._shared
        for message in outputs:
            if shared.places.of(message.topic) != shared.sink:
                raise ValueError(
                    f"{message.topic} lies outside the store that this lane commits to"
                )
        positions = {
            shared.cluster.partition(topic, self.shard): OffsetAndMetadata(offset, "")
            for topic, offset in batch.positions().items()
        }
        try:
            async with asyncio.timeout(shared.cluster.deadline_s):
                written = await self._transact(positions, outputs)
        except ProducerFenced as error:
            self._alive = False
            raise LaneLost(str(self._holding)) from error
        except asyncio.CancelledError:
            self._alive = False
            raise
        except FAILURES as error:
            self._alive = False
            raise OutcomeUnknown(f"{self._holding}: {type(error).__name__}") from error
        self._progress.committed(batch)
        await self._settle(outputs, written)

    async def recall(self, topic: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return rows of a compacted topic by key."""
        tp = await self._table(topic)
        return await self._shared.tables.recall(tp, keys)

    async def rows(
        self, topic: str, after: bytes = b"", limit: int = 1000
    ) -> list[tuple[bytes, bytes]]:
        """Return rows of a compacted topic behind a key."""
        tp = await self._table(topic)
        return await self._shared.tables.rows(tp, after, limit)

    async def _transact(
        self, positions: Mapping[TopicPartition, OffsetAndMetadata], outputs: Sequence[Message]
    ) -> list[RecordMetadata]:
        if not (positions or outputs):
            # Nothing to write, but whoever lost the lane is to hear of it.
            await self._shared.owners.check(self._holding)
            return []
        producer = self._producer
        await self._shared.topics.make({one.topic for one in outputs})
        await producer.begin_transaction()
        home = self._shared.topology.home
        placed = [(one, home(one.topic, self.shard)) for one in outputs]
        sent = await send(producer, self._shared, placed)
        if positions:
            await producer.send_offsets_to_transaction(
                dict(positions), self._shared.cluster.prefix + self._holding.group
            )
        await producer.flush()
        written = [await one for one in sent]
        await producer.commit_transaction()
        return written

    async def _settle(self, outputs: Sequence[Message], written: Sequence[RecordMetadata]) -> None:
        """Let everybody, and this lane's tables, see what was committed."""
        last: dict[TopicPartition, int] = {}
        rows: dict[TopicPartition, list[Row]] = {}
        for message, place in zip(outputs, written, strict=True):
            tp = TopicPartition(place.topic, place.partition)
            last[tp] = max(last.get(tp, -1), place.offset)
            if self._shared.topology.is_compacted(message.topic):
                rows.setdefault(tp, []).append(
                    (message.key, place.offset, place.timestamp or 0, message.value)
                )
        for tp, some in rows.items():
            await self._shared.tables.apply(tp, some, None)
        with self._shared.cluster.meaning(str(self._holding)):
            async with self._looking:
                await wait_readable(self._looks, last, self._shared.cluster.deadline_s)

    async def _next(self, bound: Bound) -> Batch:
        """Read from the present positions and move them on."""
        async with self._reading:
            while True:
                rewinds = self._progress.rewinds
                found = await self._read(bound)
                # A commit of a prefix may have moved the positions back meanwhile.
                if rewinds == self._progress.rewinds:
                    break
            self._must_be_alive()
            batch = Batch(tuple(found))
            self._progress.took(batch)
            return batch

    async def _read(self, bound: Bound) -> list[Received]:
        async with self._owned():
            turn = self._turn % len(self._topics)
            self._turn += 1
            topics = [*self._topics[turn:], *self._topics[:turn]]
            where = self._shared.cluster.partition
            starts = {where(topic, self.shard): self._progress.next(topic) for topic in topics}
            return await self._reader.read(starts, bound.count, bound.octets)

    async def _table(self, topic: str) -> TopicPartition:
        """Return a table's partition, caught up with what others have committed."""
        self._must_be_alive()
        self._shared.topology.must_be_compacted(topic)
        home = self._shared.topology.home(topic, self.shard)
        tp = self._shared.cluster.partition(topic, home)
        async with self._looking, self._owned():
            await self._shared.topics.make([topic])
            await self._shared.tables.catch_up(self._looks, tp)
        return tp

    @asynccontextmanager
    async def _owned(self) -> AsyncIterator[None]:
        """Do something that only the owner may see the result of."""
        self._must_be_alive()
        try:
            with self._shared.cluster.meaning(str(self._holding)):
                await self._shared.owners.check(self._holding)
                yield
        except LaneLost:
            self._alive = False
            raise

    def _must_be_alive(self) -> None:
        if not self._alive:
            raise LaneLost(f"{self._holding}, given up before")
