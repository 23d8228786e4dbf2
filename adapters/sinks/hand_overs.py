"""Which deliveries each sink has, which wait, and which it will not take: the port.

A delivery is noted for a sink before it is handed over, and struck off after the other system has
said that it has it. Whoever dies in between hands over again, under the same id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.clock import Instant


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where of the inbox deliveries were noted for a sink.

    Attributes:
        place: offset behind the last one.
        delivery: id of the last one: where another lies there now, the inbox is not the one that
            was read, but an older one that was restored, and is read from its beginning.
    """

    place: int
    delivery: bytes


BEGINNING = Position(0, b"")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that a sink does not have yet.

    Attributes:
        place: its offset in the inbox.
        tries: how often it was tried.
    """

    place: int
    tries: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A delivery that a sink will not take, until a person has seen to it.

    Attributes:
        delivery: its id.
        code: stable code of the reason.
        where: what the reason is about.
        at: since when.
    """

    delivery: bytes
    code: str
    where: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sink stands.

    Attributes:
        handed: deliveries that it has.
        last: when it took the last one; None if it has none.
        waiting: deliveries that wait for it.
        since: when the oldest one that waits was noted; None if none waits.
        code: why the last try of one that waits failed; empty if none was tried.
        refused: those that it will not take.
    """

    handed: int
    last: Instant | None
    waiting: int
    since: Instant | None
    code: str
    refused: tuple[Refused, ...]


class HandOvers(Protocol):
    """Remembers, durably when a call returns."""

    async def position(self, sink: str) -> Position:
        """Return up to where of the inbox deliveries were noted for a sink.

        Raises:
            ConcordatError: nothing can be known now; so of the others.
        """
        ...

    async def note(
        self, sink: str, rows: Sequence[tuple[int, bytes, bool]], position: Position, at: Instant
    ) -> None:
        """Note deliveries for a sink, and up to where the inbox was read.

        Args:
            sink: its name.
            rows: of each delivery offset, id, and whether it is urgent.
            position: up to where.
            at: now.
        """
        ...

    async def due(self, sink: str, at: Instant, limit: int) -> Sequence[Waiting]:
        """Return deliveries that may be tried now, urgent ones first, each the oldest first."""
        ...

    async def handed(self, sink: str, place: int, at: Instant) -> None:
        """Strike off a delivery that the other system has."""
        ...

    async def dropped(self, sink: str, place: int) -> None:
        """Strike off a delivery that nobody may have any more."""
        ...

    async def failed(self, sink: str, place: int, code: str, due: Instant) -> None:
        """Keep that a try failed, and when the next one is due."""
        ...

    async def refused(self, sink: str, place: int, code: str, where: str, at: Instant) -> None:
        """Keep a delivery that the sink will not take."""
        ...

    async def again(self, sink: str) -> int:
        """Let all that a sink refused wait again; return how many."""
        ...

    async def standing(self, sink: str) -> Standing:
        """Return how a sink stands."""
        ...
