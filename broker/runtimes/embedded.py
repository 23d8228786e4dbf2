"""The whole broker in one process: router, sequencer and releaser side by side.

While one batch is decided, the one before is logged and released. The core works in a process of
its own. On files one process at a time (a lock that its death releases); over Kafka, whoever
acquires the lanes last.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from broker.access_log.releaser import Releaser
from broker.access_log.sequencer import Sequencer
from broker.clock import Clock, Instant
from broker.lanes import Lane
from broker.routing.router import Router
from broker.runtimes.exchange import Keeper, Part, exchange_of
from broker.runtimes.layout import Layout
from broker.runtimes.loops import Logging, Routing, Told, open_logging, open_routing
from broker.settings import Settings

JOINED = "agencies changed"
"""Counted when the protocol has other agencies than those whose topics are routed."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker.

    Attributes:
        routing: its router.
        logging: its log.
        keeper: tidies its topics.
    """

    routing: Routing
    logging: Logging
    keeper: Keeper

    @property
    def router(self) -> Router:
        """The router of both lanes."""
        return self.routing.router

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """The router's lanes: of urgent records, and of all others."""
        return self.routing.urgent, self.routing.lane

    @property
    def sequencer(self) -> Sequencer:
        """What gives entries their leaves."""
        return self.logging.sequencer

    @property
    def releaser(self) -> Releaser:
        """What hands out what is logged."""
        return self.logging.releaser

    @property
    def rotates(self) -> Instant:
        """When the routers' sealing key is a day old."""
        return self.routing.rotates

    async def run(self, told: Told = lambda _counts: None, *, follow: bool = False) -> Counter[str]:
        """Route, log and release until nothing is left; return the counts.

        One that follows goes on until `rotates`, or until the protocol has other agencies; either
        is to be opened again then, the latter with `JOINED` among the counts.

        Raises:
            LaneError: a store is gone or another process has taken over; start again.
            LogError: the log does not add up: nothing more is released.
        """
        counts: Counter[str] = Counter()
        routed = asyncio.Event()

        async def route() -> None:
            if await self.routing.run(counts, told, follow=follow):
                counts[JOINED] += 1
            routed.set()

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(route())
                tasks.create_task(self.logging.run(counts, told, routed))
        except ExceptionGroup as group:
            # Whichever ended first has stopped the other: its error is what happened.
            raise group.exceptions[0] from group
        await self.keeper.rest()
        return counts

    async def tidy(self) -> int:
        """Delete what has served its purpose (`broker.runtimes.tidying`); return how much went.

        Raises:
            LaneError: a store is gone, or another process has taken over.
        """
        gone = await self.keeper.tidy(self.routing.agencies, self.routing.clock.now())
        gone += await self.routing.forget_seen()
        await self.keeper.rest()
        return gone


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
        enter = stack.enter_async_context
        streams = await enter(exchange_of(layout).broker(clock, Part.WHOLE))
        routing = await enter(open_routing(layout, clock, settings, streams, inline=inline))
        logging = await enter(open_logging(layout, settings, streams))
        yield Broker(routing, logging, streams.keeper)
