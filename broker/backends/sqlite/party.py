"""One process's view of an installation's files: what its streams and its lanes share."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from broker.backends.source import Consumed, Source
from broker.backends.sqlite import tables
from broker.backends.sqlite.database import Database
from broker.backends.sqlite.store import Store
from broker.backends.topology import Places, Topology
from broker.clock import Clock
from broker.lanes import Bound, Message, Received


class Party:
    """Where topics lie for one process, and which store holds its positions.

    Attributes:
        places: the store of each topic.
        sink: the store of positions and outputs.
        topology: shards and tables.
    """

    def __init__(
        self,
        places: Places[Store],
        elsewhere: Places[Source],
        sink: Store,
        clock: Clock,
        topology: Topology,
    ) -> None:
        """Take what `SqliteStreams` was given."""
        self.places = places
        self._elsewhere = elsewhere
        self.sink = sink
        self.topology = topology
        self._clock = clock

    def by_store(self, topics: Iterable[str]) -> list[tuple[Database, list[str]]]:
        """Group topics by the database that they lie in, in order of first mention."""
        groups: dict[int, tuple[Database, list[str]]] = {}
        for topic in topics:
            database = self.places.of(topic).database
            groups.setdefault(id(database), (database, []))[1].append(topic)
        return list(groups.values())

    def by_source(self, topics: Iterable[str]) -> list[tuple[Source, list[str]]]:
        """Group topics by where a lane takes them from, in order of first mention."""
        groups: dict[int, tuple[Source, list[str]]] = {}
        for topic in topics:
            if self._elsewhere.has(topic):
                source = self._elsewhere.of(topic)
                groups.setdefault(id(source), (source, []))[1].append(topic)
            else:
                database = self.places.of(topic).database
                stored = DatabaseSource(self, database)
                groups.setdefault(id(database), (stored, []))[1].append(topic)
        return list(groups.values())

    def topic(self, database: Database, name: str) -> tables.Topic | None:
        """Return a topic of this installation's shape, or None if it does not exist yet."""
        return tables.find_topic(database, name, self.topology)

    def append(self, database: Database, messages: Sequence[tuple[int, Message]]) -> None:
        """Write messages, each with its shard, within a transaction; make topics as needed."""
        # The clock is asked behind the lock: arrival times rise as offsets do.
        now = self._clock.now()
        by_topic = sorted(messages, key=_topic_of)  # stable: the order within a topic stays
        for name, group in groupby(by_topic, key=_topic_of):
            topic = self.topic(database, name) or tables.make_topic(database, name, self.topology)
            tables.append(database, topic, group, now)


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """Topics in a file of streams; see `broker.backends.source.Source`."""

    party: Party
    database: Database

    async def fetch(self, shard: int, starts: Mapping[str, int], bound: Bound) -> list[Received]:
        """Return waiting messages."""
        database = self.database

        def look() -> list[Received]:
            with database.snapshot():
                existing = {name: self.party.topic(database, name) for name in starts}
                wanted = [
                    tables.Wanted(topic, shard, starts[name])
                    for name, topic in existing.items()
                    if topic is not None
                ]
                return tables.fetch(database, wanted, bound.count, bound.octets)

        return await database.call(look)

    async def check(self, shard: int, consumed: Mapping[str, Consumed]) -> None:
        """Make sure that topics hold what was consumed of them."""
        database = self.database

        def look() -> None:
            with database.snapshot():
                for name, one in consumed.items():
                    topic = self.party.topic(database, name)
                    tables.must_continue(database, name, topic, shard, one)

        await database.call(look)

    async def state(self, shard: int, topics: Collection[str]) -> object:  # noqa: ARG002 - a file's state is that of all its topics
        """Return what changes with every commit to the file."""
        return await self.database.call(self.database.state)


def _topic_of(pair: tuple[int, Message]) -> str:
    return pair[1].topic
