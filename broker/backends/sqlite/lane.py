"""One lane over SQLite files.

Its owner, epoch and positions lie in the store that its outputs go to, and each commit checks the
epoch in the transaction that writes (rules 2 and 3 of `broker.lanes`). So a process that was frozen
for an hour and wakes up in its commit finds another epoch there and changes nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from broker.backends.progress import Progress
from broker.backends.source import Source
from broker.backends.sqlite import tables
from broker.backends.sqlite.database import Database
from broker.backends.sqlite.party import Party
from broker.lanes import Batch, Bound, LaneLost, Message, OutcomeUnknown, Received

Result = TypeVar("Result")

POLL_FIRST_S = 0.002
"""Seconds until a waiting `take` first looks whether anything was committed anywhere."""

POLL_MOST_S = 0.05
"""Seconds between two looks once it has waited for a while: what an idle installation adds to the
way of a record, against twenty cheap looks a second."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What makes a lane this owner's: its group, its shard, and the epoch that it was given."""

    group: str
    shard: int
    epoch: int

    def __str__(self) -> str:
        """Name the lane."""
        return f"{self.group}, shard {self.shard}"


class SqliteLane:
    """See `broker.lanes.Lane`; made by `SqliteStreams.lanes`."""

    def __init__(
        self,
        party: Party,
        holding: Holding,
        progress: Progress,
        sources: Sequence[tuple[Source, list[str]]],
    ) -> None:
        """Take what was acquired: the holding, its positions, topics by where they lie."""
        self._party = party
        self._sink = party.sink.database
        self._holding = holding
        self._progress = progress
        self._sources = sources
        self._alive = True
        self._turn = 0
        self._reading = asyncio.Lock()

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
        pause = POLL_FIRST_S
        while True:
            # Looked at before the read: what is committed between the two is not slept through.
            before = await self._states() if bound.wait_ms else []
            batch = await self._next(bound)
            if batch.messages or not bound.wait_ms:
                return batch
            while await self._states() == before:
                left = deadline - loop.time()
                if left <= 0:
                    return batch
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, POLL_MOST_S)

    async def commit(self, batch: Batch, outputs: Sequence[Message]) -> None:
        """Write outputs and position in one transaction of the sink."""
        self._must_be_alive()
        self._progress.check(batch)
        placed = [(self._home(message.topic), message) for message in outputs]
        for database, topics in self._party.by_store(dict.fromkeys(m.topic for m in outputs)):
            if database.path != self._sink.path:
                raise ValueError(f"{topics[0]} lies outside the store that this lane commits to")
        held = self._holding

        def write() -> None:
            with self._sink.transaction():
                tables.must_own(self._sink, held.group, held.shard, held.epoch)
                self._party.append(self._sink, placed)
                tables.advance(self._sink, held.group, held.shard, batch)

        with self._dying():
            try:
                await self._sink.call(write)
            except asyncio.CancelledError:
                # If its thread has begun the transaction, that runs on; nobody will hear its end.
                self._alive = False
                raise
        self._progress.committed(batch)

    async def recall(self, topic: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return rows of a compacted topic by key."""

        def look(database: Database, found: tables.Topic) -> dict[bytes, bytes]:
            return tables.recall(database, found, self._home(topic), keys)

        return await self._table(topic, look, {})

    async def rows(
        self, topic: str, after: bytes = b"", limit: int = 1000
    ) -> list[tuple[bytes, bytes]]:
        """Return rows of a compacted topic behind a key."""

        def look(database: Database, found: tables.Topic) -> list[tuple[bytes, bytes]]:
            return tables.rows(database, found, self._home(topic), after, limit)

        return await self._table(topic, look, [])

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
        """Return messages of the first source that has any; sources and topics take turns."""
        self._must_be_alive()
        sources = _turned(self._sources, self._turn)
        topic_turn = self._turn // len(self._sources)
        self._turn += 1
        for source, topics in sources:
            starts = {topic: self._progress.next(topic) for topic in _turned(topics, topic_turn)}
            with self._dying():
                await self._sink.call(self._must_own)
                found = await source.fetch(self.shard, starts, bound)
            if found:
                return found
        return []

    async def _table(
        self, topic: str, look: Callable[[Database, tables.Topic], Result], nothing: Result
    ) -> Result:
        """Look into a compacted topic, if it exists yet, while the lane is ours."""
        self._must_be_alive()
        self._party.topology.must_be_compacted(topic)
        database = self._party.places.of(topic).database

        def search() -> Result:
            found = self._party.topic(database, topic)
            return nothing if found is None else look(database, found)

        return await self._owned(database, search)

    async def _owned(self, database: Database, look: Callable[[], Result]) -> Result:
        """Read from a database, having made sure that the lane is ours."""

        def check_and_look() -> Result:
            with self._sink.snapshot():
                self._must_own()
                return look()

        def only_look() -> Result:
            with database.snapshot():
                return look()

        with self._dying():
            if database is self._sink:
                return await self._sink.call(check_and_look)
            await self._sink.call(self._must_own)
            return await database.call(only_look)

    async def _states(self) -> list[object]:
        """Return what changes when anything is committed to a source, or the lane may be lost."""
        states = [await source.state(self.shard, topics) for source, topics in self._sources]
        return [*states, await self._sink.call(self._sink.state)]

    def _must_own(self) -> None:
        held = self._holding
        tables.must_own(self._sink, held.group, held.shard, held.epoch)

    def _home(self, topic: str) -> int:
        return self._party.topology.home(topic, self.shard)

    def _must_be_alive(self) -> None:
        if not self._alive:
            raise LaneLost(f"{self._holding}, given up before")

    @contextmanager
    def _dying(self) -> Iterator[None]:
        """Rule 3: the lane is dead after these."""
        try:
            yield
        except (LaneLost, OutcomeUnknown):
            self._alive = False
            raise


Item = TypeVar("Item")


def _turned(items: Sequence[Item], turn: int) -> list[Item]:
    start = turn % len(items)
    return [*items[start:], *items[:start]]
