"""A small installation for the lane contract: three stores, a few topics, on any backend."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from broker.backends.topology import Topology
from broker.clock import Instant
from broker.lanes import NOW, Batch, Bound, Lane, Message, Received, Streams

START = Instant(1_790_000_000_000)
"""Some instant in 2026."""

STREAM = ("records.", "deliveries.", "protocol")
BROKER = ("decided", "seen", "registers")
AGENCY = ("inbox",)
COMPACTED = ("seen", "inbox")
SINGLE_SHARD = ("protocol", "registers")

POLICE = "records.police"
SCHOOL = "records.school"
BOTH = (POLICE, SCHOOL)


def topology(shards: int) -> Topology:
    """Return the shape of the installation's topics."""
    return Topology(shards, compacted=COMPACTED, single_shard=SINGLE_SHARD)


class World(Protocol):
    """One installation on one backend."""

    @property
    def shards(self) -> int:
        """Partitions of an ordinary topic."""
        ...

    def streams(self, sink: str) -> Streams:
        """Return a process's view whose positions lie in `stream`, `broker` or `agency`.

        Each call stands for another process.
        """
        ...


def key(shard: int, number: int = 0, shards: int = 3) -> bytes:
    """Return the key of a message that lies in this shard, of one or of three."""
    return (number * shards + shard).to_bytes(8)


def record(text: str, topic: str = POLICE, shard: int = 0) -> Message:
    """Return a message with a readable value."""
    return Message(topic, key(shard), text.encode())


def row(name: str, text: str, topic: str = "seen") -> Message:
    """Return a row for a table; an empty text removes it."""
    return Message(topic, name.encode(), text.encode())


def texts(messages: Sequence[Received] | Batch) -> list[str]:
    """Return the values, readable."""
    found = messages.messages if isinstance(messages, Batch) else messages
    return [received.message.value.decode() for received in found]


@asynccontextmanager
async def first_lane(
    streams: Streams, topics: Sequence[str] = (POLICE,), group: str = "router"
) -> AsyncIterator[Lane]:
    """Acquire a group and give its lane of shard 0."""
    async with streams.lanes(topics, group) as lanes:
        yield lanes[0]


async def drain(
    streams: Streams, topics: Sequence[str], group: str = "checker"
) -> dict[int, list[Received]]:
    """Take and commit all that the topics hold, by shard."""
    found: dict[int, list[Received]] = {}
    async with streams.lanes(topics, group) as lanes:
        for lane in lanes:
            taken = found.setdefault(lane.shard, [])
            while (batch := await lane.take(NOW)).messages:
                taken.extend(batch.messages)
                await lane.commit(batch, ())
    return found


def at_most(count: int) -> Bound:
    """Return a bound by number that does not wait."""
    return Bound(count=count)
