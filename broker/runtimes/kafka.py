"""An installation whose parties exchange over Kafka: `DIR/stream/kafka.toml` says where.

Every process keeps copies of the tables that it looks into on its own disk. Positions of router
and log lie in Kafka, with what they wrote; an agency's lie in its own store, with its inbox.
"""

import asyncio
import platform
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from broker.access_log.openings import Positions
from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import DECIDED
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.security import OPEN
from broker.backends.kafka.streams import KafkaStreams
from broker.backends.kafka.turn import take_turns
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import DAY, Clock, Instant
from broker.lanes import Streams
from broker.records.names import AgencyId
from broker.runtimes.acls import OF_WITNESSES, OPERATOR, principal_of
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.cluster_security import read_security
from broker.runtimes.exchange import AgencyStreams, BrokerStreams, Part, Turn, own_store
from broker.runtimes.layout import Layout
from broker.runtimes.tidying import KEPT, ROUTER, SHARD, URGENT
from broker.runtimes.topics import AGENCY, BROKER, STREAM, TOPOLOGY, names

CONSUMER = "consumer"
"""Group of an agency's lanes over its own topics; in Kafka, with the agency's name behind it."""

DELIVERIES_KEPT = 90 * DAY
"""How long an agency may leave deliveries unread before that is an alarm, in milliseconds."""

_SHARED = "kafka"


@dataclass(frozen=True, slots=True)
class KafkaExchange:
    """Over Kafka; see `broker.runtimes.exchange.Exchange`.

    Attributes:
        layout: the installation.
        file: what `kafka.toml` says.
    """

    layout: Layout
    file: ClusterFile

    @classmethod
    def of(cls, layout: Layout) -> Self:
        """Return the exchange that an installation's file describes.

        Raises:
            InstallationError: `installation.damaged`.
        """
        return cls(layout, ClusterFile.read(layout.cluster))

    def cluster(self, clock: Clock) -> Cluster:
        """Return the cluster as this machine reaches it.

        Raises:
            InstallationError: `usage.kafka-security`.
        """
        security = self.layout.addresses.kafka_security
        return Cluster(
            self.layout.addresses.kafka or self.file.bootstrap,
            self.file.prefix,
            self.file.replicas,
            told=clock if self.file.demonstration else None,
            security=OPEN if security is None else read_security(security),
        )

    @asynccontextmanager
    async def found(self, clock: Clock, agencies: Iterable[AgencyId]) -> AsyncIterator[Streams]:
        """Make the topics."""
        async with self.broker(clock, Part.WHOLE) as streams:
            if isinstance(streams.releasing, KafkaStreams):
                await streams.releasing.make(names(agencies))
            yield streams.releasing

    @asynccontextmanager
    async def public(self, clock: Clock) -> AsyncIterator[Streams]:
        """Connect, with nothing kept on disk afterwards."""
        with tempfile.TemporaryDirectory(prefix="concordat-") as folder:
            async with self._streams(clock, STREAM, Path(folder)) as streams:
                yield streams

    @asynccontextmanager
    async def agency(self, agency: AgencyId, clock: Clock) -> AsyncIterator[AgencyStreams]:
        """Connect, and open the agency's own store."""
        folder = self.layout.agency_tables(agency)
        with own_store(self.layout, agency) as own:
            async with self._streams(clock, STREAM, folder, principal_of(agency)) as stream:
                places = dict.fromkeys(AGENCY, own)
                elsewhere = dict.fromkeys(STREAM, stream.source())
                yield AgencyStreams(
                    stream, SqliteStreams(places, own, clock, TOPOLOGY, elsewhere), own
                )

    @asynccontextmanager
    async def broker(self, clock: Clock, part: Part) -> AsyncIterator[BrokerStreams]:
        """Connect as a part of the broker."""
        folder = self.layout.broker_tables / f"{part.value}-{platform.node()}"
        async with self._streams(clock, (*STREAM, *BROKER), folder, OPERATOR) as streams:
            if part is not Part.ROUTER:
                # Installations that were founded before there were witnesses lack them.
                await streams.make(OF_WITNESSES)
            yield BrokerStreams(streams, streams, KafkaKeeper(streams))

    @asynccontextmanager
    async def turn(self, part: Part, clock: Clock) -> AsyncIterator[Turn]:
        """Join the group of those who could be this part."""
        async with take_turns(self.cluster(clock), part.value) as turn:
            yield turn

    async def described(self, clock: Clock) -> tuple[str, int | None]:
        """Return address and prefix, and how long the cluster remembers positions, if it tells."""
        cluster = self.cluster(clock)
        with tempfile.TemporaryDirectory(prefix="concordat-") as folder:
            async with self._streams(clock, STREAM, Path(folder)) as streams:
                memory = await streams.memory_of_positions()
        return f"{cluster.bootstrap}, names begin with {cluster.prefix or 'nothing'}", memory

    async def report(self, streams: AgencyStreams, agency: AgencyId) -> None:
        """Commit the agency's positions to its group, where the broker's keeper sees them."""
        stream = streams.stream
        if isinstance(stream, KafkaStreams):
            positions = await streams.store.positions(CONSUMER, 0)
            await stream.report(f"{CONSUMER}.{agency}", positions)

    @asynccontextmanager
    async def _streams(
        self, clock: Clock, topics: tuple[str, ...], folder: Path, party: str = ""
    ) -> AsyncIterator[KafkaStreams]:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        places: Mapping[str, str] = dict.fromkeys(topics, _SHARED)
        streams = KafkaStreams(self.cluster(clock), places, _SHARED, TOPOLOGY, folder, party)
        try:
            yield streams
        finally:
            await streams.close()


@dataclass(frozen=True, slots=True)
class KafkaKeeper:
    """Tidies topics of a cluster; see `broker.runtimes.exchange.Keeper`."""

    streams: KafkaStreams

    async def sequenced(self) -> tuple[Positions, Positions]:
        """Ask the cluster."""
        found = await self.streams.positions(SEQUENCER, [DECIDED])
        return {SHARD: found.get(DECIDED, 0)}, {SHARD: await self.streams.edge(DECIDED)}

    async def rest(self) -> None:
        """Do nothing: Kafka looks after its own files."""

    async def tidy(self, agencies: tuple[AgencyId, ...], at: Instant) -> int:
        """Delete what every reader is past and what has reached its age."""
        gone = await self._trim(DECIDED, (SEQUENCER, RELEASER), None)
        old = Instant(at - KEPT)
        for agency in agencies:
            gone += await self._trim(f"records.{agency}", (ROUTER,), old)
            gone += await self._trim(f"urgent.{agency}", (URGENT,), old)
            for kind in ("deliveries", "quarantine"):
                gone += await self._trim(f"{kind}.{agency}", (f"{CONSUMER}.{agency}",), old)
        return gone

    async def _trim(self, topic: str, groups: tuple[str, ...], old: Instant | None) -> int:
        below = min(
            [(await self.streams.positions(group, [topic])).get(topic, 0) for group in groups]
        )
        if below and old is not None:
            below = min(below, await self.streams.boundary(topic, old))
        return await self.streams.trim(topic, below) if below else 0
