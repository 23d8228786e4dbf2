"""How the parties of an installation exchange what they do: over files of its folder, or Kafka.

Everything above asks here for its streams and doesn't know which of the two it has. A process gets
what its party may open, no more.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from broker.access_log.openings import Positions
from broker.access_log.sequencer import DECIDED
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.sqlite.lock import exclusive
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import Clock, Instant
from broker.errors import Code
from broker.lanes import Streams
from broker.records.names import AgencyId
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.tidying import ROUTER, SHARD, URGENT, tidy_decided, tidy_records
from broker.runtimes.topics import AGENCY, BROKER, STREAM, TOPOLOGY

NO_CLIENT = Code(
    "installation.kafka-client",
    "This installation exchanges over Kafka, and the client for it is not installed.",
    "Install the distribution with its extra: concordat-broker[kafka].",
)


ONE_PROCESS = Code(
    "usage.run",
    "This installation exchanges over files: its broker is one process.",
    "Run `concordat route --follow`.",
)


class Part(StrEnum):
    """A part of the broker that may have a process of its own."""

    WHOLE = "whole"
    ROUTER = "router"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class AgencyStreams:
    """What one agency works with.

    Attributes:
        stream: what all parties exchange.
        own: its inbox and positions, in its own store; its lanes take from the stream.
        store: its own store.
    """

    stream: Streams
    own: Streams
    store: Store


@dataclass(frozen=True, slots=True)
class BrokerStreams:
    """What the broker works with.

    Attributes:
        deciding: for lanes whose outputs are the broker's own topics.
        releasing: for lanes whose outputs all parties read.
        keeper: tidies.
    """

    deciding: Streams
    releasing: Streams
    keeper: "Keeper"


class Keeper(Protocol):
    """Keeps an installation's topics tidy (`broker.runtimes.tidying`); knows how far they are."""

    async def sequenced(self) -> tuple[Positions, Positions]:
        """Return how far the sequencer has committed on `decided`, and where that topic ends.

        Raises:
            LaneError: a store is gone.
        """
        ...

    async def rest(self) -> None:
        """Do what is due whenever the broker has come to rest."""
        ...

    async def tidy(self, agencies: tuple[AgencyId, ...], at: Instant) -> int:
        """Delete what has served its purpose; return how many messages went.

        Raises:
            LaneError: a store is gone.
        """
        ...


class Turn(Protocol):
    """Whose turn it is at a task that one process does while others stand by."""

    @property
    def mine(self) -> bool:
        """Whether it is this process's turn."""
        ...

    async def ends(self) -> None:
        """Wait until the turn is over."""
        ...


class Exchange(Protocol):
    """One installation's way of exchange."""

    def found(
        self, clock: Clock, agencies: Iterable[AgencyId]
    ) -> AbstractAsyncContextManager[Streams]:
        """Make what there must be, and return the streams that all parties share."""
        ...

    def public(self, clock: Clock) -> AbstractAsyncContextManager[Streams]:
        """Return the shared streams, to read."""
        ...

    def agency(self, agency: AgencyId, clock: Clock) -> AbstractAsyncContextManager[AgencyStreams]:
        """Return what one agency works with."""
        ...

    def broker(self, clock: Clock, part: Part) -> AbstractAsyncContextManager[BrokerStreams]:
        """Return what a part of the broker works with.

        Raises:
            Unavailable: another process is this part, and no other may be beside it.
        """
        ...

    def turn(self, part: Part, clock: Clock) -> AbstractAsyncContextManager[Turn]:
        """Join those who take turns at a part of the broker.

        Raises:
            InstallationError: `usage.run`; the broker is one process here.
            Unavailable: Kafka cannot be reached.
        """
        ...

    async def described(self, clock: Clock) -> tuple[str, int | None]:
        """Return what it is, and for how long it remembers positions, in milliseconds, if it tells.

        Raises:
            Unavailable: it cannot be reached.
        """
        ...

    async def report(self, streams: AgencyStreams, agency: AgencyId) -> None:
        """Let the broker know how far an agency has read, so that it can tidy."""
        ...


def exchange_of(layout: Layout) -> Exchange:
    """Return the way of exchange that an installation was founded with.

    Raises:
        InstallationError: `installation.damaged`, or the client for it is not installed.
    """
    if not layout.cluster.exists():
        return FileExchange(layout)
    try:
        from broker.runtimes import kafka  # noqa: PLC0415 - its client is an extra
    except ModuleNotFoundError as error:
        raise InstallationError(NO_CLIENT, error.name or "") from error
    return kafka.KafkaExchange.of(layout)


@dataclass(frozen=True, slots=True)
class FileExchange:
    """Over files of the installation's folder."""

    layout: Layout

    @asynccontextmanager
    async def found(
        self,
        clock: Clock,
        agencies: Iterable[AgencyId],  # noqa: ARG002 - a file's topics are made with their first message
    ) -> AsyncIterator[Streams]:
        """Make the two files of streams."""
        Store.open(self.layout.stream, create=True).close()
        Store.open(self.layout.broker_store, create=True).close()
        with Store.open(self.layout.stream) as stream:
            yield SqliteStreams(dict.fromkeys(STREAM, stream), stream, clock, TOPOLOGY)

    @asynccontextmanager
    async def public(self, clock: Clock) -> AsyncIterator[Streams]:
        """Open the stream."""
        with Store.open(self.layout.stream, readonly=True) as stream:
            yield SqliteStreams(dict.fromkeys(STREAM, stream), stream, clock, TOPOLOGY)

    @asynccontextmanager
    async def agency(self, agency: AgencyId, clock: Clock) -> AsyncIterator[AgencyStreams]:
        """Open the stream and the agency's own store."""
        with Store.open(self.layout.stream) as stream, own_store(self.layout, agency) as own:
            shared = dict.fromkeys(STREAM, stream)
            places = shared | dict.fromkeys(AGENCY, own)
            yield AgencyStreams(
                SqliteStreams(shared, stream, clock, TOPOLOGY),
                SqliteStreams(places, own, clock, TOPOLOGY),
                own,
            )

    @asynccontextmanager
    async def broker(
        self,
        clock: Clock,
        part: Part,  # noqa: ARG002 - one process is the whole broker here
    ) -> AsyncIterator[BrokerStreams]:
        """Open the stream and the broker's own store."""
        layout = self.layout
        with (
            exclusive(layout.broker_lock),
            Store.open(layout.stream, checkpoints=True) as stream,
            Store.open(layout.broker_store, checkpoints=True) as own,
        ):
            places: Mapping[str, Store] = dict.fromkeys(STREAM, stream) | dict.fromkeys(BROKER, own)
            yield BrokerStreams(
                SqliteStreams(places, own, clock, TOPOLOGY),
                SqliteStreams(places, stream, clock, TOPOLOGY),
                _FileKeeper(stream, own),
            )

    @asynccontextmanager
    async def turn(self, part: Part, clock: Clock) -> AsyncIterator[Turn]:  # noqa: ARG002 - no part has a process of its own here
        """Refuse: over files the broker is one process."""
        raise InstallationError(ONE_PROCESS, part.value)
        yield  # a generator, as the protocol asks

    async def described(self, clock: Clock) -> tuple[str, int | None]:  # noqa: ARG002 - files have no clock
        """Name the file."""
        return self.layout.stream.name, None

    async def report(self, streams: AgencyStreams, agency: AgencyId) -> None:
        """Do nothing: deliveries stay until their agency's copy of them is no longer needed."""


@contextmanager
def own_store(layout: Layout, agency: AgencyId) -> Iterator[Store]:
    """Open an agency's own store; make it if need be."""
    with Store.open(layout.agency_store(agency), create=True) as store:
        yield store


@dataclass(frozen=True, slots=True)
class _FileKeeper:
    """Tidies the two files of streams."""

    stream: Store
    own: Store

    async def sequenced(self) -> tuple[Positions, Positions]:
        """Look into the broker's own file."""
        found = await self.own.positions(SEQUENCER, SHARD)
        end = await self.own.end(DECIDED, SHARD)
        return {SHARD: found.get(DECIDED, 0)}, {SHARD: end}

    async def rest(self) -> None:
        """Empty the write-ahead logs."""
        for store in (self.stream, self.own):
            await store.checkpoint_wal()

    async def tidy(self, agencies: tuple[AgencyId, ...], at: Instant) -> int:  # noqa: ARG002 - the files know the topics that they hold
        """Delete what every reader is past and what has reached its age."""
        gone = await tidy_decided(self.own, self.stream)
        return gone + await tidy_records(self.own, self.stream, (ROUTER, URGENT), at)
