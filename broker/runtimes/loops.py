"""The loops of a broker that works: routing, and logging with release; and how each is opened.

They run side by side, in one process (`broker.runtimes.embedded`) or each in one of its own
(`broker.runtimes.serving`): nothing passes between them but what lies on topics.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from broker.access_log.notes import NoteSigner
from broker.access_log.reader import read_state
from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.releaser import Releaser
from broker.access_log.restored import check_moment
from broker.access_log.sequencer import DECIDED, Sequencer
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.errors import StoreError
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.clock import MINUTE, SECOND, Clock, Instant
from broker.lanes import Batch, Bound, Lane, Unavailable
from broker.protocol.root import read_root
from broker.records.names import AgencyId
from broker.routing.host import CoreHost
from broker.routing.router import Router
from broker.runtimes.core import CoreParts, core_maker
from broker.runtimes.exchange import BrokerStreams
from broker.runtimes.indexing import index_to_write
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from broker.runtimes.looks import Looks, open_looks
from broker.runtimes.points import Modules
from broker.runtimes.protocol import read_protocol
from broker.runtimes.rotation import ROTATE_AFTER, due, load_router_keys, rotate
from broker.runtimes.tidying import ROUTER, URGENT, expired_seen
from broker.runtimes.worker import InlineHost, WorkerHost
from broker.settings import Settings

IDLE_MS = 20
"""How long a loop waits for what comes next, in milliseconds."""

SWEEP_AFTER = MINUTE
"""How often a broker that follows looks whether time has freed what is held."""

RECALL_AFTER = 2 * SECOND
"""The same where decisions come from a server, which may have left some open."""

Told = Callable[[Counter[str]], None]
"""Called after every step with all counts so far."""


@dataclass(frozen=True, slots=True)
class Routing:
    """A router with its lanes.

    Attributes:
        router: of both lanes.
        urgent: urgent records, looked at after every batch of the others.
        lane: all other records, and the protocol.
        clock: the time.
        agencies: whose topics the lanes take from.
        agencies_now: returns who they would be by the protocol as it is published now.
        rotates: when the routers' sealing key is a day old: one that follows ends then, to be
            opened again with a new key.
        first_of_day: whether a key was rotated at the start, so that tables are tidied too.
        sweeps_after: how long after a sweep the next one comes, in milliseconds.
        looks: searches for a person that wait to be logged; looked at with each sweep.
    """

    router: Router
    urgent: Lane
    lane: Lane
    clock: Clock
    agencies: tuple[AgencyId, ...]
    agencies_now: Callable[[], Awaitable[tuple[AgencyId, ...]]]
    rotates: Instant
    first_of_day: bool
    sweeps_after: int = SWEEP_AFTER
    looks: Looks | None = None

    async def run(
        self,
        counts: Counter[str],
        told: Told,
        *,
        follow: bool,
        over: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Route until nothing is left; one that follows until a key is due.

        Args:
            counts: what happened is added here.
            told: see `Told`.
            follow: wait for what comes.
            over: asked after every step whether to end.

        Returns:
            Whether the protocol has other agencies now: open again, for their topics.

        Raises:
            LaneError: a store is gone or another process has taken over; start again.
        """
        swept = self.clock.now()
        await self.router.sweep(self.lane, swept)
        await self._log_looks()
        changed = False
        while not over():
            sweeps = self.clock.now() >= swept + self.sweeps_after
            if sweeps:
                swept = self.clock.now()
                await self.router.sweep(self.lane, swept)
                await self._log_looks()
            # By turns: an urgent record waits for one batch at most, whatever backlog there is.
            taken = await self.router.step(self.lane)
            taken += await self.router.step(self.urgent)
            counts["messages"] += taken
            changed = self._counted(counts) or changed
            told(counts)
            if taken and not sweeps:
                continue
            if follow and changed:
                if await self._others_now():
                    break
                changed = False
            if not taken and (not follow or self.clock.now() >= self.rotates):
                break
            await asyncio.sleep(0 if taken else IDLE_MS / 1000)
        await self.router.settle()
        changed = self._counted(counts) or changed
        return changed and await self._others_now()

    async def _log_looks(self) -> None:
        """Log what waits; a file that cannot be reached holds no record up."""
        if self.looks is None:
            return
        with suppress(Unavailable):
            while waiting := await self.looks.waiting():
                if not await self.router.note(self.lane, waiting):
                    return
                await self.looks.logged(waiting, self.clock.now())

    def _counted(self, counts: Counter[str]) -> bool:
        """Add the router's counts; tell whether the protocol has changed."""
        news = self.router.take_counts()
        counts.update(news)
        return news["protocol entries"] > 0

    async def _others_now(self) -> bool:
        return set(await self.agencies_now()) != set(self.agencies)

    async def forget_seen(self) -> int:
        """Remove rows of `seen` that no record can meet any more; return how many."""
        if not self.first_of_day:
            return 0
        rows = await expired_seen(self.lane, self.clock.now())
        if rows:
            await self.lane.commit(Batch(()), rows)
        return len(rows)


@dataclass(frozen=True, slots=True)
class Logging:
    """Sequencer and releaser.

    Attributes:
        sequencer: gives entries their leaves.
        releaser: hands out what is logged.
        settings: bounds.
    """

    sequencer: Sequencer
    releaser: Releaser
    settings: Settings

    async def run(self, counts: Counter[str], told: Told, last: asyncio.Event) -> None:
        """Log and release until `last` is set and nothing is left.

        Raises:
            LaneError: a store is gone or another process has taken over; start again.
            LogError: the log does not add up: nothing more is released.
        """
        while True:
            ending = last.is_set()
            bound = Bound(self.settings.batch_count, wait_ms=0 if ending else IDLE_MS)
            sequenced = await self.sequencer.run_once(bound)
            released = await self.releaser.run_once(Bound(self.settings.batch_count))
            counts["entries"] += sequenced.count
            counts["deliveries"] += released.deliveries
            told(counts)
            if ending and not (sequenced.messages or released.messages or released.waiting):
                return


@asynccontextmanager
async def open_routing(
    layout: Layout, clock: Clock, settings: Settings, streams: BrokerStreams, *, inline: bool
) -> AsyncIterator[Routing]:
    """Take the router's lanes, with a key that is not older than a day.

    Raises:
        InstallationError: the broker's secrets cannot be read.
        Unavailable: a store cannot be reached.
    """
    async with AsyncExitStack() as stack:
        secrets = BrokerSecrets.load(layout.broker_secrets)
        first_root = layout.first_root.read_bytes()
        keys = stack.enter_context(SqliteRecordKeys.open(layout.record_keys, secrets.record_keys))
        protocol = await read_protocol(streams.releasing, first_root)
        protocol.current(clock.now())  # without a revision nothing is decided, and all of it waits
        agencies = protocol.agencies()
        keys_of_router = load_router_keys(layout.router_keys)
        first_of_day = due(keys_of_router, clock.now())
        if first_of_day:
            keys_of_router = await rotate(
                layout.router_keys, protocol, streams.releasing, secrets.operator, clock.now()
            )
        parts = CoreParts.of(
            first_root,
            secrets,
            settings.memo_size,
            keys_of_router,
            opa_server=layout.addresses.opa_server,
        )
        host = _host(parts, settings, stack, inline=inline)
        lanes = streams.deciding.lanes
        urgent_topics = [f"urgent.{agency}" for agency in agencies]
        topics = ["protocol", *(f"records.{agency}" for agency in agencies)]
        (urgent,) = await stack.enter_async_context(lanes(urgent_topics, URGENT))
        (lane,) = await stack.enter_async_context(lanes(topics, ROUTER))

        async def agencies_now() -> tuple[AgencyId, ...]:
            return (await read_protocol(streams.releasing, first_root)).agencies()

        yield Routing(
            Router(
                streams=streams.releasing,
                registers=streams.deciding,
                host=host,
                keys=keys,
                bound=Bound(settings.batch_count, settings.batch_octets),
            ),
            urgent,
            lane,
            clock,
            agencies,
            agencies_now,
            Instant(keys_of_router[0].made + ROTATE_AFTER),
            first_of_day,
            RECALL_AFTER if layout.addresses.opa_server else SWEEP_AFTER,
            _looks(layout, secrets, stack),
        )


@asynccontextmanager
async def open_logging(
    layout: Layout, settings: Settings, streams: BrokerStreams
) -> AsyncIterator[Logging]:
    """Take the lanes of sequencer and releaser, and the log over.

    Raises:
        InstallationError: the broker's secrets cannot be read.
        LogError: what is stored does not add up, or log and topics are of different moments.
        Unavailable: a store cannot be reached.
    """
    async with AsyncExitStack() as stack:
        secrets = BrokerSecrets.load(layout.broker_secrets)
        origin = read_root(layout.first_root.read_bytes()).trust.origin
        index = await stack.enter_async_context(index_to_write(layout))
        sequencing = await stack.enter_async_context(streams.deciding.lanes([DECIDED], SEQUENCER))
        releases = await stack.enter_async_context(streams.releasing.lanes([DECIDED], RELEASER))
        tiles = FileTileStore(layout.log)
        # Looked at behind the fence, and before the log: in this order no crash breaks the rules.
        sequenced, ends = await streams.keeper.sequenced()
        state = await read_state(tiles)
        check_moment({} if state is None else state.record.positions, sequenced, ends)
        signer = NoteSigner(origin, secrets.log)
        sequencer = await Sequencer.open(sequencing, tiles, index, signer)
        yield Logging(sequencer, Releaser(releases, tiles), settings)


def _looks(layout: Layout, secrets: BrokerSecrets, stack: AsyncExitStack) -> Looks | None:
    """Return the looks; None if their file is not to be had: records do not wait for it.

    Whoever searches for a person then is refused, and told what is wrong with the file.
    """
    try:
        return stack.enter_context(open_looks(layout, secrets))
    except (StoreError, Unavailable):
        return None


def _host(parts: CoreParts, settings: Settings, stack: AsyncExitStack, *, inline: bool) -> CoreHost:
    if inline:
        return InlineHost(core_maker(parts, stack.enter_context(Modules())))
    worker = WorkerHost(core_maker(parts), settings.core_seconds)
    stack.callback(worker.close)
    return worker
