"""The clients of one process: started with its first call, stopped with its end."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from broker.backends.kafka.cluster import OWNERS, Cluster, Topics
from broker.backends.kafka.lane import Holding, KafkaLane, Owners, Shared
from broker.backends.kafka.reader import Reader, quietly, wait_readable
from broker.backends.kafka.tables import Tables
from broker.backends.progress import Progress
from broker.backends.topology import Places, Topology

RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Clients:
    """What is started once, with the first call.

    Attributes:
        shared: for lanes.
        admin: looks at groups.
        offsets: looks at ends.
        reader: of this process's own reading, and of ends.
    """

    shared: Shared
    admin: AIOKafkaAdminClient
    offsets: AIOKafkaConsumer
    reader: Reader


async def connect(
    cluster: Cluster, topology: Topology, places: Places[str], sink: str, folder: Path
) -> tuple[Clients, AsyncExitStack]:
    """Start the clients of a process; return them, and what stops them.

    Raises:
        KafkaError: the cluster cannot be reached, or does not let us in.
    """
    async with AsyncExitStack() as stack:
        tables = stack.enter_context(Tables.open(folder / "tables.sqlite"))
        admin = cluster.admin()
        stack.push_async_callback(admin.close)
        await admin.start()
        topics = Topics(cluster, topology, admin)
        await topics.make([OWNERS])
        offsets = await _consumer(cluster, stack)
        reader = await reader_of(cluster, offsets, stack)
        owners = Owners(await reader_of(cluster, offsets, stack), cluster.partition(OWNERS, 0))
        shared = Shared(cluster, topology, places, sink, topics, tables, owners)
        return Clients(shared, admin, offsets, reader), stack.pop_all()


async def committed_positions(
    clients: Clients, group: str, partitions: list[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return how far a group has come; a cluster that has just started finds its keeper late."""
    cluster = clients.shared.cluster
    async with asyncio.timeout(cluster.deadline_s):
        while True:
            try:
                found: dict[
                    TopicPartition, OffsetAndMetadata
                ] = await clients.admin.list_consumer_group_offsets(
                    cluster.prefix + group, partitions=partitions
                )
            except KafkaError as error:
                if not error.retriable:
                    raise
                await asyncio.sleep(RETRY_S)
            else:
                return found


async def acquire(
    clients: Clients, holding: Holding, topics: Sequence[str], stack: AsyncExitStack
) -> KafkaLane:
    """Fence the former owner, then look how far it has come.

    The order matters: what the former owner's last transaction has become is certain only behind
    the fence.
    """
    shared = clients.shared
    cluster = shared.cluster
    producer = cluster.producer(holding.name)
    stack.push_async_callback(stop, producer)
    owners = cluster.partition(OWNERS, 0)
    async with asyncio.timeout(cluster.deadline_s):
        await producer.start()
        async with producer.transaction():
            place = await producer.send_and_wait(
                owners.topic, value=holding.token, key=holding.name.encode(), partition=0
            )
    offsets = clients.offsets
    reader, looks = (
        await reader_of(cluster, offsets, stack),
        await reader_of(cluster, offsets, stack),
    )
    await wait_readable(looks, {owners: place.offset}, cluster.deadline_s)
    partitions = [cluster.partition(topic, holding.shard) for topic in topics]
    committed = await committed_positions(clients, holding.group, partitions)
    positions = {cluster.topic(tp.topic): max(0, found.offset) for tp, found in committed.items()}
    return KafkaLane(shared, holding, topics, Progress(positions), producer, (reader, looks))


async def reader_of(cluster: Cluster, offsets: AIOKafkaConsumer, stack: AsyncExitStack) -> Reader:
    """Start a reader with a consumer of its own; `stack` stops it."""
    return Reader(await _consumer(cluster, stack), offsets, cluster)


async def _consumer(cluster: Cluster, stack: AsyncExitStack) -> AIOKafkaConsumer:
    consumer = cluster.consumer()
    stack.push_async_callback(_quietly_stopped, consumer)
    await consumer.start()
    return consumer


async def _quietly_stopped(consumer: AIOKafkaConsumer) -> None:
    await quietly(consumer.stop())


async def stop(producer: AIOKafkaProducer) -> None:
    """Stop a producer, whatever has become of it."""
    await quietly(producer.stop())
