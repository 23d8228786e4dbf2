"""Which messages of webhooks were taken: the port, and one that forgets with its process."""

from collections import OrderedDict
from enum import Enum
from hashlib import sha256
from typing import Protocol

from broker.clock import DAY, Instant

KEPT_MS = 30 * DAY
"""How long ids are remembered at least: senders try for some days. A message that comes after that
goes to the intake once more, which knows its records."""


class Before(Enum):
    """What is known of a message's id."""

    NEW = "new"
    TAKEN = "taken"
    OTHER = "taken with other content"


def content_mark(body: bytes) -> bytes:
    """Return what tells one content of an id from another: 32 bytes."""
    return sha256(body).digest()


class Seen(Protocol):
    """Remembers what was taken, from where."""

    async def look(self, source: str, message_id: str, mark: bytes) -> Before:
        """Return what is known of an id.

        Raises:
            ConcordatError: nothing can be known now.
        """
        ...

    async def note(self, source: str, message_id: str, mark: bytes, at: Instant) -> None:
        """Remember that a message was taken; durable when it returns. Forget those of long ago.

        Raises:
            ConcordatError: it is not remembered.
        """
        ...


class SeenInMemory:
    """A `Seen` that forgets when its process ends: for tests."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._held: OrderedDict[tuple[str, str], tuple[bytes, Instant]] = OrderedDict()

    async def look(self, source: str, message_id: str, mark: bytes) -> Before:
        """Return what is known of an id."""
        held = self._held.get((source, message_id))
        if held is None:
            return Before.NEW
        return Before.TAKEN if held[0] == mark else Before.OTHER

    async def note(self, source: str, message_id: str, mark: bytes, at: Instant) -> None:
        """Remember that a message was taken."""
        self._held.setdefault((source, message_id), (mark, at))
        while self._held and next(iter(self._held.values()))[1] < at - KEPT_MS:
            self._held.popitem(last=False)
