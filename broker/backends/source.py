"""Where a lane's messages come from, if that is not where its outputs go.

An agency's consuming lane keeps inbox and position in the agency's own store, whatever holds the
topics that it consumes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from broker.errors import Code, ConcordatError
from broker.lanes import Bound, Received

REPLACED = Code(
    "store.replaced",
    "A topic does not hold what was consumed of it: an older copy of it was put back.",
    "Nothing was taken. Put back a newer copy: topics, and the positions of those who read them, "
    "must be of one moment.",
)
MARK_OCTETS = 16


class Replaced(ConcordatError):  # noqa: N818 - what happened to the topic
    """What was consumed of a topic is not what it holds there now."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """How far a reader has consumed a topic's shard.

    Attributes:
        next: offset behind the last message consumed.
        mark: of that message (`mark_of`); None if it was not kept.
    """

    next: int
    mark: bytes | None

    def check(self, where: str, offset: int, value: bytes) -> None:
        """Refuse a message that stands where another one was consumed.

        Raises:
            Replaced: it does.
        """
        if offset == self.next - 1 and self.mark not in {None, mark_of(value)}:
            raise Replaced(REPLACED, where)


def mark_of(value: bytes) -> bytes:
    """Return what a message is known by again."""
    return sha256(value).digest()[:MARK_OCTETS]


class Source(Protocol):
    """Topics that somebody else writes to."""

    async def fetch(self, shard: int, starts: Mapping[str, int], bound: Bound) -> list[Received]:
        """Return waiting messages, topic by topic, each topic with its fair share.

        Args:
            shard: of every topic.
            starts: topic → offset to begin at, in the order in which they have their turn.
            bound: how much; nothing is waited for.

        Raises:
            Unavailable: the source cannot be reached.
        """
        ...

    async def check(self, shard: int, consumed: Mapping[str, Consumed]) -> None:
        """Make sure that topics still hold, or have trimmed, what was consumed of them.

        A position lies with its reader, so that a topic may be put back to an older state behind
        it. To go on would be to skip whatever takes the lost messages' places.

        Args:
            shard: of every topic.
            consumed: topic → how far it was consumed.

        Raises:
            Replaced: they do not; a source may have a more exact error of its own.
            Unavailable: the source cannot be reached.
        """
        ...

    async def state(self, shard: int, topics: Collection[str]) -> object:
        """Return what changes with everything that these topics get, to be compared with `==`.

        Raises:
            Unavailable: the source cannot be reached.
        """
        ...
