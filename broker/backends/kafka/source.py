"""Topics of a cluster as a source of lanes whose positions lie elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from broker.backends.kafka.cluster import Topics
from broker.backends.kafka.reader import Reader
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
