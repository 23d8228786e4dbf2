"""Streams over SQLite files: the embedded runtime's queue."""

import os
import platform
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from broker.backends.progress import Progress
from broker.backends.source import Consumed, Source
from broker.backends.sqlite import tables
from broker.backends.sqlite.database import Database
from broker.backends.sqlite.lane import Holding, SqliteLane
from broker.backends.sqlite.party import Party
from broker.backends.sqlite.store import Store
from broker.backends.topology import Places, Topology
from broker.clock import Clock
from broker.lanes import Lane, Message, Received

NOTHING = Consumed(0, None)


class SqliteStreams:
    """Topics in SQLite files, as one process sees them; see `broker.lanes.Streams`."""

    def __init__(
        self,
        places: Mapping[str, Store],
        sink: Store,
        clock: Clock,
        topology: Topology,
        elsewhere: Mapping[str, Source] | None = None,
    ) -> None:
        """Say what lies where.

        Args:
            places: store of each topic, by name or by prefix (`records.`).
            sink: holds this process's positions; all outputs of its lanes lie there.
            clock: tells when messages arrive.
            topology: shards and tables; the same for every process of an installation.
            elsewhere: topics, by name or prefix, that lie in no file: lanes take from them.
        """
        self._party = Party(Places(places), Places(elsewhere or {}), sink, clock, topology)
        self._checked: set[tuple[str, int, str]] = set()

    def lanes(
        self, topics: Sequence[str], group: str
    ) -> AbstractAsyncContextManager[tuple[Lane, ...]]:
        """Acquire the lanes of a group."""
        return self._lanes(topics, group)

    @asynccontextmanager
    async def _lanes(self, topics: Sequence[str], group: str) -> AsyncIterator[tuple[Lane, ...]]:
        party = self._party
        reach = party.topology.reach(topics)
        sources = [party.by_source(reached) for reached in reach]
        database = party.sink.database
        owner = f"process {os.getpid()} on {platform.node()}"

        def acquire() -> list[tuple[Holding, dict[str, Consumed]]]:
            with database.transaction():
                return [
                    (
                        Holding(group, shard, tables.acquire(database, group, shard, owner)),
                        tables.consumed(database, group, shard),
                    )
                    for shard in range(len(reach))
                ]

        acquired = await database.call(acquire)
        for holding, so_far in acquired:
            await self._check(holding, so_far, sources[holding.shard])
        lanes = tuple(
            SqliteLane(
                party,
                holding,
                Progress({topic: one.next for topic, one in so_far.items()}),
                sources[holding.shard],
            )
            for holding, so_far in acquired
        )
        try:
            yield lanes
        finally:
            for lane in lanes:
                lane.release()

    async def _check(
        self,
        holding: Holding,
        so_far: Mapping[str, Consumed],
        sources: Sequence[tuple[Source, list[str]]],
    ) -> None:
        """Make sure, once for each topic, that it goes on from what was consumed of it."""
        for source, topics in sources:
            names = {(holding.group, holding.shard, topic) for topic in topics} - self._checked
            wanted = {topic: so_far.get(topic, NOTHING) for _, _, topic in names}
            if wanted:
                await source.check(holding.shard, wanted)
                self._checked |= names

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append messages of one store."""
        party = self._party
        stores = party.by_store(dict.fromkeys(message.topic for message in messages))
        if len(stores) > 1:
            raise ValueError("messages that are published together lie in one store")
        placed = [
            (party.topology.shard_of(message.topic, message.key), message) for message in messages
        ]
        for database, _ in stores:

            def write(database: Database = database) -> None:
                with database.transaction():
                    party.append(database, placed)

            await database.call(write)

    async def read(self, topic: str, after: int, limit: int = 1000) -> list[Received]:
        """Return messages of shard 0, or a table's rows, from an offset on."""
        database = self._party.places.of(topic).database

        def look() -> list[Received]:
            with database.snapshot():
                found = self._party.topic(database, topic)
                if found is None:
                    return []
                return list(tables.read(database, tables.Wanted(found, 0, after), limit))

        return await database.call(look)

    async def end(self, topic: str) -> int:
        """Return the offset behind shard 0's last message."""
        database = self._party.places.of(topic).database

        def look() -> int:
            with database.snapshot():
                found = self._party.topic(database, topic)
                return tables.end(database, found, 0) if found else 0

        return await database.call(look)
