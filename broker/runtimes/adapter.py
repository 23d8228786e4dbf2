"""An agency's adapter as a whole: folders and listeners in, sinks out."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.intake import Heard, Listener
from adapters.listening.mllp import MllpListener, MllpListening
from adapters.listening.seen import Seen
from adapters.notices.mail import MailChannel, MailNoticing
from adapters.notices.port import Channel
from adapters.sinks.folder import FolderSink, FolderSinking
from adapters.sinks.mllp import MllpSink, MllpSinking
from adapters.sinks.port import Sink
from broker.backends.sqlite.hand_overs import SqliteHandOvers
from broker.backends.sqlite.notices import SqliteNotices
from broker.backends.sqlite.seen_messages import SqliteSeen
from broker.clock import Clock
from broker.runtimes.adapter_settings import AdapterSettings
from broker.runtimes.agency import AgencySide
from broker.runtimes.handing import Handing
from broker.runtimes.intake import SideIntake
from broker.runtimes.layout import Layout, replace_file
from broker.runtimes.noticing import Noticing
from broker.runtimes.watching import STILL_S, TakenFile, Watch

if TYPE_CHECKING:  # needed for HTTP only, and an extra
    from broker.runtimes.adapter_settings import Channelling, Listening, Sinking


@dataclass(slots=True)
class Adapter:
    """What `concordat adapter` runs beside receiving and sending.

    Attributes:
        watch: its folders.
        intake: what its listeners hand content to.
        listeners: open while it runs.
        handing: one for each of its sinks.
        noticing: what tells its people what they owe; None if nobody is to be told.
        counts: of what happened at each listener.
    """

    watch: Watch
    intake: SideIntake = field(default_factory=SideIntake)
    listeners: tuple[Listener, ...] = ()
    handing: tuple[Handing, ...] = ()
    noticing: Noticing | None = None
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    _written: bytes = b""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Open the listeners, and close them at the end.

        Raises:
            ListenerFailed: an address cannot be had.
            WireFilesUnfit: a certificate cannot be used.
        """
        async with AsyncExitStack() as stack:
            for one in self.listeners:
                stack.push_async_callback(one.close)
                await one.start()
                self.watch.said("listens", f"{one.name}: {one.address}")
            yield

    @asynccontextmanager
    async def attending(
        self, side: AgencySide, taken: Callable[[TakenFile], None] = lambda _: None
    ) -> AsyncIterator[Callable[[], None]]:
        """Take what is dropped or brought and hand over what comes, while a side is open.

        At the end, files that are being read are finished first.

        Args:
            side: the agency's.
            taken: told of each file that was taken.

        Yields:
            What raises the error of a folder's or a sink's work that has ended by one.
        """
        last = asyncio.Event()
        watching = [
            asyncio.create_task(self.watch.follow(side, folder, taken, last))
            for folder in self.watch.folders
        ]
        handing = [asyncio.create_task(one.follow(side)) for one in self.handing]
        if self.noticing is not None:
            handing.append(asyncio.create_task(self.noticing.follow(side)))

        def check() -> None:
            for task in (*watching, *handing):
                if task.done():
                    task.result()

        try:
            async with self.intake.open(side):
                yield check
        finally:
            last.set()
            for task in handing:
                task.cancel()
            await asyncio.gather(*watching, *handing, return_exceptions=True)

    async def end(self) -> None:
        """Take nothing new, while what is being taken can still come to its answer."""
        await asyncio.gather(*(one.close() for one in self.listeners))

    async def hand_over(self, side: AgencySide) -> int:
        """Hand over what is due, once; return how many deliveries."""
        return sum([await one.look(side) for one in self.handing])

    async def tell(self, side: AgencySide) -> int:
        """Tell the agency's people what came up, once; return how many notices were sent."""
        return 0 if self.noticing is None else await self.noticing.look(side)

    def note_status(self, layout: Layout, agency: str, clock_off_ms: int = 0) -> None:
        """Write what the listeners did, for `concordat adapter --status`, if it changed.

        Args:
            layout: where.
            agency: whose.
            clock_off_ms: by how much the host's clock differs (`clock_check`).
        """
        listeners: list[dict[str, object]] = [
            {"name": one.name, "address": one.address, "counts": self.counts.get(one.name, {})}
            for one in self.listeners
        ]
        unreached = [] if self.noticing is None else sorted(self.noticing.unreached)
        document = {
            "listeners": listeners,
            "nobody_told": unreached,
            "clock_off_ms": clock_off_ms,
        }
        said = json.dumps(document).encode()
        if said != self._written:
            replace_file(layout.adapter_status(agency), said)
            self._written = said


@asynccontextmanager
async def open_adapter(
    layout: Layout, agency: str, settings: AdapterSettings, clock: Clock, said: Heard
) -> AsyncIterator[Adapter]:
    """Make an adapter of its settings; at the end, give back what its sinks hold.

    Raises:
        StoreError: a file of the agency's folder cannot be used.
        Unavailable: the same, for now.
    """
    async with AsyncExitStack() as stack:
        made = Adapter(Watch(settings.folders, said, STILL_S))

        def heard_at(name: str) -> Heard:
            counts = made.counts.setdefault(name, Counter())

            def heard(what: str, sentence: str) -> None:
                counts[what] += 1
                said(what, sentence)

            return heard

        if settings.listeners:
            seen = stack.enter_context(SqliteSeen.open(layout.seen_messages(agency)))
            made.listeners = tuple(
                listener_of(one, made.intake, clock, seen, heard_at(one.name))
                for one in settings.listeners
            )
        if settings.sinks:
            held = stack.enter_context(SqliteHandOvers.open(layout.hand_overs(agency)))
            sinks = [sink_of(one, clock) for one in settings.sinks]
            for one in sinks:
                stack.push_async_callback(one.close)
            made.handing = tuple(Handing(one, held, said) for one in sinks)
        if settings.notices:
            told = stack.enter_context(SqliteNotices.open(layout.notices(agency)))
            channels = tuple(channel_of(one, clock) for one in settings.notices)
            for channel in channels:
                stack.push_async_callback(channel.close)
            made.noticing = Noticing(channels, told, said)
        yield made


def listener_of(
    settings: "Listening", intake: SideIntake, clock: Clock, seen: Seen, heard: Heard
) -> Listener:
    """Return the listener that settings describe; nothing is opened yet."""
    if isinstance(settings, MllpListening):
        return MllpListener(settings, intake, clock, heard)
    # Imported only where one is configured: they need an extra.
    from adapters.listening.fhir_subscription import (  # noqa: PLC0415 - an extra
        SubscriptionListener,
        SubscriptionListening,
    )
    from adapters.listening.webhook import WebhookListener  # noqa: PLC0415 - an extra

    if isinstance(settings, SubscriptionListening):
        return SubscriptionListener(settings, intake, heard)
    return WebhookListener(settings, intake, clock, seen, heard)


def sink_of(settings: "Sinking", clock: Clock) -> Sink:
    """Return the sink that settings describe; nothing is opened yet."""
    if isinstance(settings, FolderSinking):
        return FolderSink(settings)
    if isinstance(settings, MllpSinking):
        return MllpSink(settings, clock)
    # Imported only where one is configured: it needs an extra.
    from adapters.sinks.webhook import WebhookSink  # noqa: PLC0415 - an extra

    return WebhookSink(settings, clock)


def channel_of(settings: "Channelling", clock: Clock) -> Channel:
    """Return the channel of notices that settings describe; nothing is opened yet."""
    if isinstance(settings, MailNoticing):
        return MailChannel(settings, clock)
    # Imported only where one is configured: it needs an extra.
    from adapters.notices.webhook import WebhookChannel  # noqa: PLC0415 - an extra

    return WebhookChannel(settings, clock)
