"""Topics of a cluster as a source of lanes whose positions lie elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiokafka import TopicPartition

from broker.backends.kafka.cluster import Topics
from broker.backends.kafka.reader import Reader
from broker.backends.source import REPLACED, Consumed, Replaced
from broker.lanes import Bound, Received


class KafkaSource:
    """See `broker.backends.source.Source`; made by `KafkaStreams.source`."""

    def __init__(self, connect: Callable[[], Awaitable[tuple[Reader, Topics]]]) -> None:
        """Take what connects; it is called once, with the first call."""
        self._connect = connect
        self._connected: tuple[Reader, Topics] | None = None
        self._reading = asyncio.Lock()

    async def fetch(self, shard: int, starts: Mapping[str, int], bound: Bound) -> list[Received]:
        """Return waiting messages."""
        async with self._reading:
            reader, topics = await self._begin()
            cluster = reader.cluster
            with cluster.meaning(", ".join(starts)):
                await topics.make(list(starts))
                wanted = {cluster.partition(topic, shard): at for topic, at in starts.items()}
                return await reader.read(wanted, bound.count, bound.octets)

    async def check(self, shard: int, consumed: Mapping[str, Consumed]) -> None:
        """Make sure that topics hold what was consumed of them."""
        async with self._reading:
            reader, topics = await self._begin()
            cluster = reader.cluster
            with cluster.meaning(", ".join(consumed)):
                await topics.make(list(consumed))
                for topic, one in consumed.items():
                    if one.next:
                        await _must_continue(reader, cluster.partition(topic, shard), one)

    async def state(self, shard: int, topics: Collection[str]) -> object:
        """Return the ends of the topics."""
        async with self._reading:
            reader, known = await self._begin()
            cluster = reader.cluster
            with cluster.meaning(", ".join(topics)):
                await known.make(topics)
                return await reader.ends([cluster.partition(topic, shard) for topic in topics])

    async def _begin(self) -> tuple[Reader, Topics]:
        if self._connected is None:
            self._connected = await self._connect()
        return self._connected


async def _must_continue(reader: Reader, tp: TopicPartition, so_far: Consumed) -> None:
    """Refuse a partition that does not go on from what was consumed of it."""
    where = f"{reader.cluster.topic(tp.topic)}, shard {tp.partition}"
    if (await reader.ends([tp]))[tp] < so_far.next:
        raise Replaced(REPLACED, where)
    last = so_far.next - 1
    if await reader.first(tp) > last:
        return  # trimmed
    found = await reader.read({tp: last}, 1, 1)
    if not found or found[0].offset != last:
        raise Replaced(REPLACED, where)
    so_far.check(where, last, found[0].message.value)
