"""Parts of an installation that run day and night, each a process of its own.

A part that loses its store, its lanes or its turn begins anew, and goes on until it is told to
stop; only a log that does not add up ends it, for then nothing may be released. Each touches a
heartbeat file whenever it has looked at everything, for whoever watches over it.
"""

import asyncio
import platform
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from broker.backends.sqlite.errors import StoreError
from broker.backends.sqlite.lock import exclusive
from broker.clock import Clock
from broker.errors import Code, ConcordatError
from broker.lanes import LaneError
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.records.names import AgencyId
from broker.routing.host import CoreFailed
from broker.routing.intake import PROTOCOL
from broker.runtimes import publishing, receiving
from broker.runtimes.adapter import Adapter
from broker.runtimes.agency import AgencySide, side_with
from broker.runtimes.clock_check import ClockCheck
from broker.runtimes.exchange import AgencyStreams, Part, Turn, exchange_of
from broker.runtimes.founding import engine_files
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.loops import open_logging, open_routing
from broker.runtimes.points import NO_CLIENT
from broker.runtimes.watching import TakenFile, taken_words
from broker.runtimes.witnessing_loop import Witnessing
from broker.settings import Settings

AGAIN_S = 1.0
"""Pause before a part begins anew, in seconds."""

LOOK_S = 0.1
"""Pause of an agency's part between two looks at its topics, in seconds."""

NOTE_S = 1.0
"""Pause between two notes of what an adapter's listeners did, in seconds."""

LAST_S = 5.0
"""How long the log may take to finish what it has begun when it is told to stop, in seconds."""

TOUCH_S = 1.0
"""Pause between two touches of the heartbeat, in seconds."""

ALIVE_S = 30.0
"""Age of a heartbeat from which on a part counts as dead, in seconds."""

NO_HEARTBEAT = Code(
    "installation.heartbeat",
    "This part does not run, or has not looked at its topics for half a minute.",
    "Look at what it said last; start it again.",
)
PARTS = frozenset({Part.ROUTER, Part.LOG})
"""Parts of the broker that several hosts may have."""

MENDED = (LaneError, CoreFailed, StoreError)
"""Errors after which a part begins anew."""

Said = Callable[[str, str], None]
"""Called with what a part does now, and why."""


@dataclass(slots=True)
class Service:
    """What every part that runs has.

    Attributes:
        layout: where.
        clock: the time.
        settings: bounds.
        said: told what happens.
        stop: set from outside: finish and return.
        counts: what happened so far.
        touched: when the heartbeat was touched last, by the monotonic clock.
        clock_check: whether the clock agrees with what the parties exchange.
    """

    layout: Layout
    clock: Clock
    settings: Settings
    said: Said
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    counts: Counter[str] = field(default_factory=Counter)
    touched: float = -TOUCH_S
    clock_check: ClockCheck = field(init=False)

    def __post_init__(self) -> None:
        """Check the clock that the part works by."""
        self.clock_check = ClockCheck(self.clock)

    async def again(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do a part's work again and again, until it is to stop.

        Raises:
            ConcordatError: what beginning anew does not mend.
        """
        while not self.stop.is_set():
            try:
                await work()
            except MENDED as error:
                self.counts["begun anew"] += 1
                self.said("begins anew", _told(error))
                await self.pause(AGAIN_S)

    def alive(self, part: str) -> None:
        """Touch the heartbeat of a part, once a second at most."""
        now = time.monotonic()
        if now >= self.touched + TOUCH_S:
            self.touched = now
            heartbeat(self.layout, part).touch()

    async def pause(self, seconds: float) -> None:
        """Wait, or until it is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return


def heartbeat(layout: Layout, part: str) -> Path:
    """Return this host's heartbeat file of a part: `router`, `log`, or an agency's id."""
    if part in PARTS:
        return layout.broker / f"{part}-{platform.node()}.alive"
    return layout.agency(part) / "consumer.alive"


def check_heartbeat(layout: Layout, part: str) -> None:
    """Refuse a part that has no fresh heartbeat; of the broker's parts one of any host will do.

    Raises:
        InstallationError: `installation.heartbeat`.
    """
    own = heartbeat(layout, part)
    files = list(layout.broker.glob(f"{part}-*.alive")) if part in PARTS else [own]
    ages = [time.time() - file.stat().st_mtime for file in files if file.exists()]
    if not ages:
        raise InstallationError(NO_HEARTBEAT, part)
    if min(ages) > ALIVE_S:
        raise InstallationError(NO_HEARTBEAT, f"{part}, {min(ages):.0f} s")


async def serve_router(service: Service) -> None:
    """Route; of several routers one does, the others stand by.

    Raises:
        ConcordatError: what beginning anew does not mend.
    """
    await _take_turns(service, Part.ROUTER, _route)


async def serve_log(service: Service) -> None:
    """Log and release; of several that could one does, the others stand by.

    Raises:
        LogError: the log does not add up: nothing more is released.
        ConcordatError: what else beginning anew does not mend.
    """
    await _take_turns(service, Part.LOG, _log)


async def _take_turns(
    service: Service, part: Part, work: Callable[[Service, Turn], Awaitable[None]]
) -> None:
    service.layout.require()
    exchange = exchange_of(service.layout)

    async def turn_by_turn() -> None:
        async with exchange.turn(part, service.clock) as turn:
            service.said("stands by", part.value)
            while not service.stop.is_set():
                service.alive(part)
                if turn.mine:
                    await work(service, turn)
                else:
                    await service.pause(LOOK_S)

    await service.again(turn_by_turn)


async def _route(service: Service, turn: Turn) -> None:
    layout, settings = service.layout, service.settings
    async with (
        exchange_of(layout).broker(service.clock, Part.ROUTER) as streams,
        open_routing(layout, service.clock, settings, streams, inline=False) as routing,
    ):
        service.said("routes", ", ".join(routing.agencies))

        def over() -> bool:
            service.alive(Part.ROUTER)
            return service.stop.is_set() or not turn.mine

        await routing.run(service.counts, lambda _counts: None, follow=True, over=over)
        if not over():
            gone = await streams.keeper.tidy(routing.agencies, service.clock.now())
            gone += await routing.forget_seen()
            service.said("tidied", f"{gone} messages")


async def _log(service: Service, turn: Turn) -> None:
    async with (
        exchange_of(service.layout).broker(service.clock, Part.LOG) as streams,
        open_logging(service.layout, service.settings, streams) as logging,
    ):
        service.said("logs", f"from entry {logging.sequencer.size}")
        last = asyncio.Event()
        logs = asyncio.create_task(
            logging.run(service.counts, lambda _counts: service.alive(Part.LOG), last)
        )
        ends = [asyncio.create_task(one) for one in (service.stop.wait(), turn.ends())]
        try:
            await asyncio.wait([logs, *ends], return_when=asyncio.FIRST_COMPLETED)
            last.set()
            await asyncio.wait([logs], timeout=LAST_S)
            if logs.done():
                await logs
        finally:
            for task in (logs, *ends):
                task.cancel()
            await asyncio.gather(logs, *ends, return_exceptions=True)


async def serve_agency(service: Service, agency: str, adapter: Adapter | None = None) -> None:
    """Receive what comes for an agency, and send what waits in its outbox.

    With `adapter`, take what its systems drop into their folders or bring to its listeners, and
    hand over to its sinks, too.

    Raises:
        LogError: the published log does not follow on what was seen of it.
        ListenerFailed: an address cannot be had.
        WireFilesUnfit: a certificate of a listener cannot be used.
        ConcordatError: what else beginning anew does not mend.
    """
    service.layout.require(agency)
    name = AgencyId(agency)

    async def work() -> None:
        async with exchange_of(service.layout).agency(name, service.clock) as streams:
            service.said("receives", agency)
            while not service.stop.is_set():
                # The protocol is read anew whenever it has changed: keys, agencies, revisions.
                position = await streams.stream.end(PROTOCOL)
                async with side_with(service.layout, name, service.clock, streams) as side:
                    await _adapt(service, side, streams, position, adapter)

    with exclusive(service.layout.adapter_lock(agency)):
        if adapter is None:
            await service.again(work)
        else:
            async with adapter.listening():
                await service.again(work)


async def _adapt(
    service: Service,
    side: AgencySide,
    streams: AgencyStreams,
    position: int,
    adapter: Adapter | None,
) -> None:
    if adapter is None:
        await _attend(service, side, streams, position, no_more)
        return

    def taken(one: TakenFile) -> None:
        service.counts[f"files {one.place}"] += 1
        service.said(one.place, taken_words(one))

    noted = -NOTE_S
    async with adapter.attending(side, taken) as check:

        async def more() -> None:
            nonlocal noted
            check()
            if time.monotonic() >= noted + NOTE_S:
                adapter.note_status(service.layout, side.agency, service.clock_check.off_ms)
                noted = time.monotonic()

        await _attend(service, side, streams, position, more)
        if service.stop.is_set():
            await adapter.end()
            adapter.note_status(service.layout, side.agency, service.clock_check.off_ms)
            service.counts["sent"] += await publishing.send_waiting(side)


async def no_more() -> None:
    """Do nothing beside receiving and sending."""


async def _attend(
    service: Service,
    side: AgencySide,
    streams: AgencyStreams,
    position: int,
    more: Callable[[], Awaitable[None]],
) -> None:
    topics = (f"deliveries.{side.agency}", f"quarantine.{side.agency}")
    seen: list[int] = []
    witnessing = Witnessing(service.said, service.counts)
    while not service.stop.is_set() and await side.stream.end(PROTOCOL) == position:
        await more()
        if await service.clock_check.look(side.stream):
            service.said("clock", service.clock_check.said)
        ends = [await side.stream.end(topic) for topic in topics]
        if ends != seen:
            report = await receiving.receive(side, witness=False)
            service.counts["received"] += report.received
            for topic, offset, code in report.refused:
                service.counts["refused"] += 1
                service.said("refused", f"{topic}, offset {offset}: {code}")
            await exchange_of(service.layout).report(streams, side.agency)
            seen = ends
        await witnessing.look(side)
        # A chunk at a time: an export that is being kept must not hold up what comes.
        sent = await publishing.send_some(side)
        service.counts["sent"] += sent
        service.alive(side.agency)
        if sent < publishing.OUTBOX_CHUNK:
            await service.pause(LOOK_S)


async def serve_bundle(service: Service, host: str, port: int) -> None:
    """Give the policy of the revision in force to whichever OPA server asks for it.

    Raises:
        InstallationError: `installation.opa-client`.
        ConcordatError: what beginning anew does not mend.
    """
    service.layout.require()
    try:
        from broker.backends.opa_server.service import BundleService  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise InstallationError(NO_CLIENT) from error
    partnership = read_root(service.layout.first_root.read_bytes()).digest

    async def work() -> None:
        async with exchange_of(service.layout).public(service.clock) as streams:
            protocol = PublishedProtocol(partnership)
            bundles = BundleService(lambda: protocol.current(service.clock.now()), engine_files())
            offset = 0
            async with bundles.serving(host, port) as url:
                service.said("serves", url)
                while not service.stop.is_set():
                    while found := await streams.read(PROTOCOL, offset):
                        for received in found:
                            protocol.apply(received)
                        offset = found[-1].offset + 1
                    await service.pause(LOOK_S)

    await service.again(work)


def _told(error: ConcordatError) -> str:
    return f"{error.code.name} {error.where}".strip()
