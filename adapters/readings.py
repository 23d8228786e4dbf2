"""What an agency's files were like, month by month: the port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.quality import Quality
from broker.clock import Instant


@dataclass(frozen=True, slots=True)
class Noted:
    """How good a file was.

    Attributes:
        at: when it was first read; of messages, when the first one of the day came.
        quality: as it was last read.
    """

    at: Instant
    quality: Quality


class Readings(Protocol):
    """Remembers; what of it is lost can be had again by reading the files."""

    async def note(self, quality: Quality, digest: bytes | None, at: Instant) -> None:
        """Note how good a file was. One that was read before is noted once, as it is now.

        Args:
            quality: how good.
            digest: SHA-256 of the file; None: it was a message, counted with others of its day.
            at: when.

        Raises:
            ConcordatError: it cannot be written.
        """
        ...

    async def between(self, first: Instant, end: Instant) -> Sequence[Noted]:
        """Return what was first read in [first, end), in this order.

        Raises:
            ConcordatError: it cannot be read.
        """
        ...
