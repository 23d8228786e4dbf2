"""Telling an agency's people what they owe: what is new is kept, then sent, by each channel.

Rules:

1. A notice is kept, durably, before it is sent, and struck off afterwards. It is sent at least
   once, with its id, and each of its lines stands in one notice a channel.
2. For one desk, or its manager, one notice a minute is made on a channel at most; what comes up in
   between is in the next one.
3. A notice that cannot be sent is tried again, later and later, up to an hour; what of it is no
   longer owed is left out, and it is dropped if nothing is.
4. A desk that no channel reaches is shown by status: somebody must know that nobody is told.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adapters.intake import Heard
from adapters.notices.errors import NOTICE_FAULT, NoticeFailed
from adapters.notices.port import Channel, KeptNotices
from broker.clock import MINUTE, SECOND, Instant
from broker.faults import reach
from broker.receipts.duties import Duty
from broker.receipts.notices import Notice, notices, still_owed
from broker.records.names import ConsumerId, desk_of
from broker.runtimes import backoff
from broker.runtimes.agency import AgencySide
from broker.runtimes.dues import all_owed

LOOK_S = 60.0
"""Pause between two looks at what is owed, in seconds."""

MADE_EVERY = MINUTE
SENT_AT_ONCE = 50

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
"""Pause before a notice is tried again: twice as long each time, up to an hour: a mail server that
was mended in the night is found before the morning's duties."""


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures, in seconds: half of it by chance."""
    return backoff.pause_s(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)


def home_desk(side: AgencySide) -> str:
    """Return the desk of an agency that hears of what others owe it: its first one."""
    desk = side.agreement.roster.desk(ConsumerId(side.agency))
    return side.agency if desk is None else f"{side.agency}/{desk.id}"


@dataclass(slots=True)
class Noticing:
    """Tells an agency's people, by all its channels.

    Attributes:
        channels: by which they are told.
        held: what they have been told.
        heard: told of what changes.
        pause_s: how long to wait after so many failures.
    """

    channels: Sequence[Channel]
    held: KeptNotices
    heard: Heard
    pause_s: Callable[[int], float] = pause_s
    unreached: frozenset[str] = frozenset()

    async def follow(self, side: AgencySide) -> None:
        """Tell what comes up, until cancelled.

        Raises:
            LaneError: inbox or outbox, or what is remembered, cannot be read or written.
            StoreError: the same, for good.
        """
        while True:
            await self.look(side)
            await asyncio.sleep(LOOK_S)

    async def look(self, side: AgencySide) -> int:
        """Keep what is new and send what is due; return how many notices were sent."""
        duties = await all_owed(side)
        home = home_desk(side)
        for one in self.channels:
            await self._keep(one, duties, side, home)
        self._note_unreached(notices(duties, side.agency, home, ()))
        return sum([await self._send(one, duties, side) for one in self.channels])

    async def _keep(
        self, channel: Channel, duties: Sequence[Duty], side: AgencySide, home: str
    ) -> None:
        now = side.clock.now()
        noted = await self.held.noted(channel.name)
        rests = await self.held.made_since(channel.name, Instant(now - MADE_EVERY))
        new = [
            one
            for one in notices(duties, side.agency, home, noted)
            if channel.reaches(one.desk, one.to) and (one.desk, one.to) not in rests
        ]
        if new:
            await self.held.keep(channel.name, new, now)

    async def _send(self, channel: Channel, duties: Sequence[Duty], side: AgencySide) -> int:
        sent, now = 0, side.clock.now()
        for one in await self.held.due(channel.name, now, SENT_AT_ONCE):
            lines = still_owed(one.notice, duties)
            if not lines:
                await self.held.dropped(channel.name, one.notice.id)
                continue
            reach("notice.before-send")
            try:
                await channel.send(replace(one.notice, lines=lines))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody was told yet
                failed = (
                    error
                    if isinstance(error, NoticeFailed)
                    else NoticeFailed(NOTICE_FAULT, type(error).__name__)
                )
                due = Instant(now + int(self.pause_s(one.tries + 1) * SECOND))
                await self.held.failed(channel.name, one.notice.id, failed.code.name, due)
                if not one.tries:
                    self.heard("cannot tell", f"{channel.name}: {failed.code.name} {failed.where}")
                break
            reach("notice.after-send")
            await self.held.sent(channel.name, one.notice.id, now)
            sent += 1
        return sent

    def _note_unreached(self, made: Sequence[Notice]) -> None:
        found = frozenset(
            f"{desk_of(one.desk) or one.desk} ({one.to.value})"
            for one in made
            if not any(channel.reaches(one.desk, one.to) for channel in self.channels)
        )
        for one in sorted(found - self.unreached):
            self.heard("nobody is told", f"no address: {one}")
        self.unreached = found
