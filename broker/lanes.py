"""The one queue port: lanes that one process owns at a time, and the streams that hold them.

A *lane* is one shard: partition p of every topic it reads. Whoever acquires it fences whoever
held it before. Outputs and consumed position are committed together, into the store that the
outputs lie in: all or nothing.

Rules that every backend keeps (`tests/contracts/` tries them on each):

1. `take` returns messages of the lane in the order of their topic, and goes on from where the last
   `take` ended, whether or not that batch was committed yet. A topic that always has more does not
   starve another one.
2. `commit(batch, outputs)` makes outputs and position durable in one step. Batches are committed
   in the order in which they were taken; a prefix of the last batch taken may be committed, and
   the next `take` then begins behind that prefix. An empty batch may be committed at any time:
   it has outputs only, and what was taken stays taken.
3. After `LaneLost` or `OutcomeUnknown`, and after a commit that was cancelled, the lane object is
   dead: acquire again and look where the committed position stands. After `Unavailable` nothing
   has changed and the same call may be tried again.
4. `recall` sees what commits of this topic's shard have written, never what is not committed.
5. An output of lane p lies in shard p of its topic, or in shard 0 of a topic that has only one. A
   message that is published lies in the shard that its key chooses.
6. A compacted topic is a table: it is recalled, listed and read (the rows as they stand, in the
   order in which they were last written), never taken.

Calling in the wrong order (a batch out of turn, an output outside the store that holds the lane's
position, a compacted topic to take from) is a mistake in the program: `ValueError`.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from broker.clock import Instant
from broker.errors import Code, ConcordatError

LOST = Code(
    "lane.lost",
    "Another process owns this lane now.",
    "Drop what was in work; if two processes were not meant to run, stop one.",
)
UNAVAILABLE = Code(
    "lane.unavailable",
    "The message store cannot be reached.",
    "Nothing was changed; check the store and try again.",
)
OUTCOME_UNKNOWN = Code(
    "lane.outcome-unknown",
    "The message store did not say whether the commit took effect.",
    "Acquire the lane again: its committed position tells.",
)


class LaneError(ConcordatError):
    """A lane could not do what was asked."""


class LaneLost(LaneError):  # noqa: N818 - the port's own word; what happened, not what kind of thing
    """Another process owns the lane: drop all state held for it."""

    def __init__(self, where: str = "") -> None:
        """Name the lane in `where`."""
        super().__init__(LOST, where)


class Unavailable(LaneError):  # noqa: N818 - as above
    """Nothing changed."""

    def __init__(self, where: str = "", fix: str | None = None) -> None:
        """Name the store in `where`."""
        super().__init__(UNAVAILABLE, where, fix)


class OutcomeUnknown(LaneError):  # noqa: N818 - as above
    """The commit may or may not have taken effect."""

    def __init__(self, where: str = "", fix: str | None = None) -> None:
        """Name the lane in `where`."""
        super().__init__(OUTCOME_UNKNOWN, where, fix)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a topic, a key that chooses the shard, bytes.

    Attributes:
        topic: a topic of the catalogue.
        key: 8 bytes that tell nothing (a keyed hash), or the key of a compacted topic's row.
        value: sealed or public bytes; in a compacted topic `b""` removes the row.
    """

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it lies in its shard.

    Attributes:
        message: what was sent.
        shard: partition number.
        offset: place in topic and shard, from 0, rising; gaps are allowed.
        at: when the store received it. The time of a decision is this, never the reader's clock.
    """

    message: Message
    shard: int
    offset: int
    at: Instant


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages taken from one lane, topic by topic in order; the unit of commit."""

    messages: tuple[Received, ...]

    def first(self, count: int) -> "Batch":
        """Return the batch of its first `count` messages."""
        return Batch(self.messages[:count])

    def positions(self) -> dict[str, int]:
        """Return for each topic the offset behind its last message here."""
        ends: dict[str, int] = {}
        for received in self.messages:
            ends[received.message.topic] = received.offset + 1
        return ends


@dataclass(frozen=True, slots=True)
class Bound:
    """How much to take at once.

    Attributes:
        count: messages at most. 500: a commit's fixed cost is spread thin enough by then.
        octets: bytes of values at most (the first message is taken whatever its size).
        wait_ms: how long to wait for a first message; 0 asks without waiting.
    """

    count: int = 500
    octets: int = 8 * 1024 * 1024
    wait_ms: int = 0


NOW = Bound()


class Lane(Protocol):
    """An ordered stream that one process owns at a time."""

    @property
    def shard(self) -> int:
        """The partition number that this lane is made of."""
        ...

    async def take(self, bound: Bound) -> Batch:
        """Return the next messages, at most `bound`; empty when there are none in time.

        Raises:
            LaneLost: another owner has acquired the lane.
            Unavailable: the store cannot be reached; nothing changed.
        """
        ...

    async def commit(self, batch: Batch, outputs: Sequence[Message]) -> None:
        """Make outputs and position durable together. Durable when it returns.

        Raises:
            LaneLost: another owner has acquired the lane; nothing was written.
            Unavailable: nothing was written.
            OutcomeUnknown: acquire again and look.
        """
        ...

    async def recall(self, topic: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return the last committed value of each key of a compacted topic.

        Keys without a row are left out.

        Raises:
            LaneLost: another owner has acquired the lane.
            Unavailable: the store cannot be reached.
        """
        ...

    async def rows(
        self, topic: str, after: bytes = b"", limit: int = 1000
    ) -> list[tuple[bytes, bytes]]:
        """Return rows of a compacted topic of this shard, by rising key, behind `after`."""
        ...


class Streams(Protocol):
    """Topics of one installation as one process sees them."""

    def lanes(
        self, topics: Sequence[str], group: str
    ) -> AbstractAsyncContextManager[tuple[Lane, ...]]:
        """Acquire the lanes of a group over these topics, fencing their former owner; by shard.

        Topics may be named that do not exist yet; they are read once they do. A topic that has
        fewer shards than others (`protocol`, `registers`: one) belongs to the lanes it reaches.

        Raises:
            Unavailable: the store cannot be reached, or is held by a living process.
        """
        ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append messages, in order, all or nothing. Durable when it returns.

        The messages of one call lie in one store.

        Raises:
            Unavailable: nothing was written.
            OutcomeUnknown: all are written or none; publish again, the reader drops what it has.
        """
        ...

    async def read(self, topic: str, after: int, limit: int = 1000) -> list[Received]:
        """Return messages of shard 0 of a topic from offset `after` on, without owning a lane.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def end(self, topic: str) -> int:
        """Return the offset behind the last readable message of shard 0 of a topic.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...
