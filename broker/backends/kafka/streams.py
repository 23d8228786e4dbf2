"""Streams over a Kafka cluster, as one process sees them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from broker.backends.kafka.clients import (
    Clients,
    acquire,
    committed_positions,
    connect,
    reader_of,
    stop,
)
from broker.backends.kafka.cluster import FAILURES, Cluster, Topics, memory_of_positions
from broker.backends.kafka.lane import Holding, send
from broker.backends.kafka.reader import Reader, wait_readable
from broker.backends.kafka.source import KafkaSource
from broker.backends.topology import Places, Topology
from broker.clock import Instant
from broker.lanes import Lane, Message, OutcomeUnknown, Received

READ_AT_ONCE = 5000
Result = TypeVar("Result")

ANY_OCTETS = 64 * 1024 * 1024


class KafkaStreams:
    """Topics of a cluster; see `broker.lanes.Streams`. Connects with the first call."""

    def __init__(
        self,
        cluster: Cluster,
        places: Mapping[str, str],
        sink: str,
        topology: Topology,
        folder: Path,
        party: str = "",
    ) -> None:
        """Say what lies where.

        Args:
            cluster: where.
            places: store of each topic, by name or by prefix (`records.`): whose it is.
            sink: the store that outputs of this process lie in.
            topology: shards and tables; the same for every process of an installation.
            folder: on this machine's disk, for copies of tables.
            party: whose transactions these are, where parties may not touch each other's.
        """
        self._party = party
        self._cluster = cluster
        self._places = Places(places)
        self._sink = sink
        self._topology = topology
        self._folder = folder
        self._clients: Clients | None = None
        self._stack = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._ends: dict[str, tuple[int, int]] = {}
        self._publisher: AIOKafkaProducer | None = None
        self._publishing = asyncio.Lock()

    async def close(self) -> None:
        """Stop every client."""
        if self._publisher is not None:
            await stop(self._publisher)
        await self._stack.aclose()

    async def _connected(self) -> Clients:
        async with self._connecting:
            if self._clients is None:
                with self._cluster.meaning(self._cluster.bootstrap):
                    self._clients, self._stack = await connect(
                        self._cluster, self._topology, self._places, self._sink, self._folder
                    )
        return self._clients

    def lanes(
        self, topics: Sequence[str], group: str
    ) -> AbstractAsyncContextManager[tuple[Lane, ...]]:
        """Acquire the lanes of a group."""
        return self._lanes(topics, group)

    @asynccontextmanager
    async def _lanes(self, topics: Sequence[str], group: str) -> AsyncIterator[tuple[Lane, ...]]:
        reach = self._topology.reach(topics)
        for topic in topics:
            self._places.of(topic)
        clients = await self._connected()
        async with AsyncExitStack() as stack:
            with self._cluster.meaning(group):
                await clients.shared.topics.make(topics)
                lanes = tuple(
                    [
                        await acquire(clients, Holding.of(group, shard), reached, stack)
                        for shard, reached in enumerate(reach)
                    ]
                )
            try:
                yield lanes
            finally:
                for lane in lanes:
                    lane.release()

    async def make(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing; they are made as they are needed, too.

        Raises:
            Unavailable: the cluster cannot be reached, or does not allow it.
        """
        clients = await self._connected()
        with self._cluster.meaning(self._cluster.bootstrap):
            await clients.shared.topics.make(topics)

    def source(self) -> KafkaSource:
        """Return the topics as a source of lanes whose positions lie elsewhere."""

        async def connect() -> tuple[Reader, Topics]:
            clients = await self._connected()
            with self._cluster.meaning(self._cluster.bootstrap):
                return (
                    await reader_of(self._cluster, clients.offsets, self._stack),
                    clients.shared.topics,
                )

        return KafkaSource(connect)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append messages of one store in one transaction."""
        if len({self._places.of(message.topic) for message in messages}) > 1:
            raise ValueError("messages that are published together lie in one store")
        if not messages:
            return
        clients = await self._connected()
        written = await self._with_publisher(lambda producer: _publish(producer, clients, messages))
        with self._cluster.meaning("publish"):
            async with self._reading:
                await wait_readable(clients.reader, written, self._cluster.deadline_s)

    async def positions(self, group: str, topics: Sequence[str], shard: int = 0) -> dict[str, int]:
        """Return how far a group has committed, by topic; where it has not, it is left out.

        Raises:
            Unavailable: the cluster cannot be reached.
        """
        clients = await self._connected()
        with self._cluster.meaning(group):
            partitions = [self._cluster.partition(topic, shard) for topic in topics]
            found = await committed_positions(clients, group, partitions)
        return {
            self._cluster.topic(tp.topic): one.offset
            for tp, one in found.items()
            if one.offset >= 0
        }

    async def report(self, group: str, positions: Mapping[str, int], shard: int = 0) -> None:
        """Say how far a group has come that keeps its positions elsewhere, for trimming.

        Raises:
            OutcomeUnknown: say it again.
        """
        clients = await self._connected()
        offsets = {
            self._cluster.partition(topic, shard): OffsetAndMetadata(position, "")
            for topic, position in positions.items()
        }

        async def say(producer: AIOKafkaProducer) -> None:
            await clients.shared.topics.make(list(positions))
            async with producer.transaction():
                await producer.send_offsets_to_transaction(offsets, self._cluster.prefix + group)

        if offsets:
            await self._with_publisher(say)

    async def boundary(self, topic: str, at: Instant, shard: int = 0) -> int:
        """Return the offset of the first message that arrived at `at` or later, else the end.

        Raises:
            Unavailable: the cluster cannot be reached.
        """
        clients = await self._connected()
        tp = self._cluster.partition(topic, shard)
        async with self._reading:
            with self._cluster.meaning(topic):
                await clients.shared.topics.make([topic])
                return await clients.reader.boundary(tp, at)

    async def edge(self, topic: str, shard: int = 0) -> int:
        """Return the offset behind all that is committed of a topic's shard, markers and all.

        Raises:
            Unavailable: the cluster cannot be reached.
        """
        clients = await self._connected()
        tp = self._cluster.partition(topic, shard)
        async with self._reading:
            with self._cluster.meaning(topic):
                await clients.shared.topics.make([topic])
                return (await clients.reader.ends([tp]))[tp]

    async def trim(self, topic: str, below: int, shard: int = 0) -> int:
        """Delete the messages of a topic's shard below an offset; return how many offsets went.

        Raises:
            Unavailable: the cluster cannot be reached, or does not allow it.
        """
        clients = await self._connected()
        tp = self._cluster.partition(topic, shard)
        async with self._reading:
            with self._cluster.meaning(topic):
                first = await clients.reader.first(tp)
                if below > first:
                    await clients.admin.delete_records({tp: RecordsToDelete(below)})
                return max(0, below - first)

    async def memory_of_positions(self) -> int | None:
        """Return how long the cluster keeps positions of groups at rest, in milliseconds.

        None if this party may not ask.

        Raises:
            Unavailable: the cluster cannot be reached.
        """
        clients = await self._connected()
        with self._cluster.meaning(self._cluster.bootstrap):
            return await memory_of_positions(clients.admin)

    async def _with_publisher(
        self, work: Callable[[AIOKafkaProducer], Coroutine[Any, Any, Result]]
    ) -> Result:
        async with self._publishing:
            producer = await self._started()
            try:
                async with asyncio.timeout(self._cluster.deadline_s):
                    return await work(producer)
            except BaseException as error:
                # Done with, as a lane's is; the next call starts another.
                self._publisher = None
                await stop(producer)
                if isinstance(error, FAILURES):
                    raise OutcomeUnknown(type(error).__name__) from error
                raise

    async def _started(self) -> AIOKafkaProducer:
        if self._publisher is None:
            # An id of its own a process: two publishers never write the same lane's outputs.
            producer = self._cluster.producer(f"publisher/{self._party}/{os.urandom(8).hex()}")
            try:
                with self._cluster.meaning("publish"):
                    async with asyncio.timeout(self._cluster.deadline_s):
                        await producer.start()
            except BaseException:
                await stop(producer)
                raise
            self._publisher = producer
        return self._publisher

    async def read(self, topic: str, after: int, limit: int = 1000) -> list[Received]:
        """Return messages of shard 0, or a table's rows, from an offset on."""
        clients = await self._connected()
        tp = self._cluster.partition(topic, 0)
        tables = clients.shared.tables
        async with self._reading:
            with self._cluster.meaning(topic):
                await clients.shared.topics.make([topic])
                if self._topology.is_compacted(topic):
                    await tables.catch_up(clients.reader, tp)
                    return await tables.written(tp, topic, after, limit)
                return await clients.reader.read({tp: after}, limit, ANY_OCTETS)

    async def end(self, topic: str) -> int:
        """Return the offset behind shard 0's last message.

        Kafka's own end lies behind the markers of transactions, which are no messages: what came
        since the last call is read.
        """
        clients = await self._connected()
        tp = self._cluster.partition(topic, 0)
        async with self._reading:
            with self._cluster.meaning(topic):
                await clients.shared.topics.make([topic])
                kafkas, ours = self._ends.get(topic, (0, 0))
                end = (await clients.reader.ends([tp]))[tp]
                if end != kafkas:
                    while found := await clients.reader.read({tp: ours}, READ_AT_ONCE, ANY_OCTETS):
                        ours = found[-1].offset + 1
                    self._ends[topic] = (end, ours)
                return ours


async def _publish(
    producer: AIOKafkaProducer, clients: Clients, messages: Sequence[Message]
) -> dict[TopicPartition, int]:
    """Write messages in one transaction; return the last offset of each partition."""
    topology = clients.shared.topology
    await clients.shared.topics.make({message.topic for message in messages})
    await producer.begin_transaction()
    placed = [(one, topology.shard_of(one.topic, one.key)) for one in messages]
    sent = await send(producer, clients.shared, placed)
    await producer.flush()
    last: dict[TopicPartition, int] = {}
    for one in sent:
        place = await one
        tp = TopicPartition(place.topic, place.partition)
        last[tp] = max(last.get(tp, -1), place.offset)
    await producer.commit_transaction()
    return last
