"""The embedded broker: router, sequencer and releaser in one process, on files of one folder.

One process at a time (a lock that its death releases). The core works in a process of its own.
Router and log run side by side: while one batch is decided, the one before is logged and released.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from broker.access_log.notes import NoteSigner
from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.releaser import Releaser
from broker.access_log.sequencer import DECIDED, Sequencer
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.lock import exclusive
from broker.backends.sqlite.log_index import SqliteLogIndex
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import MINUTE, Clock, Instant
from broker.lanes import Batch, Bound, Lane
from broker.protocol.root import read_root
from broker.routing.host import CoreHost
from broker.routing.router import Router
from broker.runtimes.core import CoreParts, core_maker
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from broker.runtimes.protocol import read_protocol
from broker.runtimes.rotation import ROTATE_AFTER, due, load_router_keys, rotate
from broker.runtimes.tidying import expired_seen, tidy_decided, tidy_records
from broker.runtimes.topics import BROKER, STREAM, TOPOLOGY
from broker.runtimes.worker import InlineHost, WorkerHost
from broker.settings import Settings

ROUTER = "router"
URGENT = "router-urgent"

IDLE_MS = 20
"""How long the log waits for what the router decides next, in milliseconds."""

SWEEP_AFTER = MINUTE
"""How often a broker that follows looks whether time has freed what is held."""

Told = Callable[[Counter[str]], None]
"""Called after every step with all counts so far."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker.

    Attributes:
        router: of both lanes.
        urgent: urgent records, looked at after every batch of the others.
        lane: all other records, and the protocol.
        sequencer: gives entries their leaves.
        releaser: hands out what is logged.
        stores: the stream, and the broker's own.
        settings: bounds.
        clock: the time.
        rotates: when the routers' sealing key is a day old: one that follows ends then, to be
            opened again with a new key.
        first_of_day: whether a key was rotated at the start, so that tables are tidied too.
    """

    router: Router
    urgent: Lane
    lane: Lane
    sequencer: Sequencer
    releaser: Releaser
    stores: tuple[Store, Store]
    settings: Settings
    clock: Clock
    rotates: Instant
    first_of_day: bool

    async def run(self, told: Told = lambda _counts: None, *, follow: bool = False) -> Counter[str]:
        """Route, log and release until nothing is left, or until `rotates`; return the counts.

        Raises:
            LaneError: a store is gone or another process has taken over; start again.
            LogError: the log does not add up: nothing more is released.
        """
        counts: Counter[str] = Counter()
        routed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._route(counts, told, routed, follow=follow))
                tasks.create_task(self._log(counts, told, routed))
        except ExceptionGroup as group:
            # Whichever ended first has stopped the other: its error is what happened.
            raise group.exceptions[0] from group
        for store in self.stores:
            await store.checkpoint_wal()
        return counts

    async def tidy(self) -> int:
        """Delete what has served its purpose (`broker.runtimes.tidying`); return how much went.

        Raises:
            LaneError: a store is gone, or another process has taken over.
        """
        stream, own = self.stores
        at = self.clock.now()
        gone = await tidy_decided(own, stream)
        gone += await tidy_records(own, stream, (ROUTER, URGENT), at)
        rows = await expired_seen(self.lane, at) if self.first_of_day else []
        if rows:
            await self.lane.commit(Batch(()), rows)
        for store in self.stores:
            await store.checkpoint_wal()
        return gone + len(rows)

    async def _route(
        self, counts: Counter[str], told: Told, routed: asyncio.Event, *, follow: bool
    ) -> None:
        swept = self.clock.now()
        await self.router.sweep(self.lane, swept)
        while True:
            if self.clock.now() >= swept + SWEEP_AFTER:
                swept = self.clock.now()
                await self.router.sweep(self.lane, swept)
            # By turns: an urgent record waits for one batch at most, whatever backlog there is.
            taken = await self.router.step(self.lane)
            taken += await self.router.step(self.urgent)
            counts.update(self.router.take_counts())
            counts["messages"] += taken
            told(counts)
            if taken:
                continue
            if not follow or self.clock.now() >= self.rotates:
                break
            await asyncio.sleep(IDLE_MS / 1000)
        await self.router.settle()
        counts.update(self.router.take_counts())
        routed.set()

    async def _log(self, counts: Counter[str], told: Told, routed: asyncio.Event) -> None:
        while True:
            last = routed.is_set()
            bound = Bound(self.settings.batch_count, wait_ms=0 if last else IDLE_MS)
            sequenced = await self.sequencer.run_once(bound)
            released = await self.releaser.run_once(Bound(self.settings.batch_count))
            counts["entries"] += sequenced.count
            counts["deliveries"] += released.deliveries
            told(counts)
            if last and not (sequenced.messages or released.messages or released.waiting):
                return


@asynccontextmanager
async def open_broker(
    layout: Layout, clock: Clock, settings: Settings, *, inline: bool = False
) -> AsyncIterator[Broker]:
    """Open the broker's folder and take its lanes.

    Args:
        layout: where.
        clock: the time.
        settings: bounds.
        inline: run the core in this process: for tests that look inside.

    Raises:
        InstallationError: there is no such installation.
        Unavailable: another process is the broker, or a store cannot be reached.
    """
    layout.require()
    async with AsyncExitStack() as stack:
        stack.enter_context(exclusive(layout.broker_lock))
        secrets = BrokerSecrets.load(layout.broker_secrets)
        first_root = layout.first_root.read_bytes()
        origin = read_root(first_root).trust.origin
        stream = stack.enter_context(Store.open(layout.stream, checkpoints=True))
        own = stack.enter_context(Store.open(layout.broker_store, checkpoints=True))
        keys = stack.enter_context(SqliteRecordKeys.open(layout.record_keys, secrets.record_keys))
        index = stack.enter_context(SqliteLogIndex.open(layout.log_index))
        places = dict.fromkeys(STREAM, stream) | dict.fromkeys(BROKER, own)
        deciding = SqliteStreams(places, own, clock, TOPOLOGY)
        releasing = SqliteStreams(places, stream, clock, TOPOLOGY)
        protocol = await read_protocol(releasing, first_root)
        protocol.current(clock.now())  # without a revision nothing is decided, and all of it waits
        agencies = protocol.agencies()
        topics = ["protocol", *(f"records.{agency}" for agency in agencies)]
        urgent_topics = [f"urgent.{agency}" for agency in agencies]
        keys_of_router = load_router_keys(layout.router_keys)
        first_of_day = due(keys_of_router, clock.now())
        if first_of_day:
            keys_of_router = await rotate(
                layout.router_keys, protocol, releasing, secrets.operator, clock.now()
            )
        parts = CoreParts.of(first_root, secrets, settings.memo_size, keys_of_router)
        host = _host(parts, settings, stack, inline=inline)
        (urgent,) = await stack.enter_async_context(deciding.lanes(urgent_topics, URGENT))
        (lane,) = await stack.enter_async_context(deciding.lanes(topics, ROUTER))
        sequencing = await stack.enter_async_context(deciding.lanes([DECIDED], SEQUENCER))
        releases = await stack.enter_async_context(releasing.lanes([DECIDED], RELEASER))
        tiles = FileTileStore(layout.log)
        signer = NoteSigner(origin, secrets.log)
        yield Broker(
            Router(
                streams=releasing,
                registers=deciding,
                host=host,
                keys=keys,
                bound=Bound(settings.batch_count, settings.batch_octets),
            ),
            urgent,
            lane,
            await Sequencer.open(sequencing, tiles, index, signer),
            Releaser(releases, tiles),
            (stream, own),
            settings,
            clock,
            Instant(keys_of_router[0].made + ROTATE_AFTER),
            first_of_day,
        )


def _host(parts: CoreParts, settings: Settings, stack: AsyncExitStack, *, inline: bool) -> CoreHost:
    make = core_maker(parts)
    if inline:
        return InlineHost(make)
    worker = WorkerHost(make, settings.core_seconds)
    stack.callback(worker.close)
    return worker
