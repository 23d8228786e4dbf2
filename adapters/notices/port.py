"""The port of a channel, and of what is remembered of notices.

A notice is kept for a channel, durably, before it is sent, and struck off afterwards: it is sent at
least once, and its id is the key by which the other side knows a repetition.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.clock import Instant
from broker.receipts.notices import Notice, To


class Channel(Protocol):
    """Brings notices to people."""

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        ...

    def reaches(self, desk: str, to: To) -> bool:
        """Tell whether it knows a way to a desk (`agency/desk`), or to its manager."""
        ...

    async def send(self, notice: Notice) -> None:
        """Send a notice; return when the other side has taken it.

        Raises:
            NoticeFailed: not now; to be tried again.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice that is on its way.

    Attributes:
        notice: as it was made.
        tries: how often it was tried.
    """

    notice: Notice
    tries: int


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """How a channel stands.

    Attributes:
        sent: notices so far.
        last: when the last one was sent.
        waiting: notices that wait.
        since: when the oldest of them was made.
        code: of the last try that failed; empty if nothing is wrong.
    """

    sent: int
    last: Instant | None
    waiting: int
    since: Instant | None
    code: str


class KeptNotices(Protocol):
    """What was told on which channel, and what is on its way; durable when a call returns."""

    async def noted(self, channel: str) -> Collection[str]:
        """Return the keys of lines that were told, or are on their way."""
        ...

    async def made_since(self, channel: str, at: Instant) -> Collection[tuple[str, To]]:
        """Return for whom a notice was made after `at`: desk and recipient."""
        ...

    async def keep(self, channel: str, notices: Sequence[Notice], at: Instant) -> None:
        """Keep notices to be sent; their lines count as told from now on."""
        ...

    async def due(self, channel: str, at: Instant, limit: int) -> Sequence[Kept]:
        """Return notices that may be tried now, the oldest first."""
        ...

    async def sent(self, channel: str, notice: str, at: Instant) -> None:
        """Strike off a notice that was sent."""
        ...

    async def dropped(self, channel: str, notice: str) -> None:
        """Strike off a notice of which nothing is owed any more."""
        ...

    async def failed(self, channel: str, notice: str, code: str, due: Instant) -> None:
        """Keep that a try failed, and when the next one is due."""
        ...

    async def standing(self, channel: str) -> ChannelStanding:
        """Return how a channel stands."""
        ...
