"""A store in memory: topics, owners and positions, and since when readers see a message."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from broker.backends.simulated.clock import VirtualClock
from broker.backends.simulated.faults import Faults
from broker.backends.topology import Topology
from broker.clock import Instant
from broker.lanes import LaneLost, Message, Received

LONG_AGO = Instant(0)


@dataclass(frozen=True, slots=True)
class _Entry:
    received: Received
    seen_from: Instant


@dataclass(slots=True)
class _Shard:
    """Messages by offset, or rows by key."""

    next: int = 0
    end: int = 0
    log: list[_Entry] = field(default_factory=list)
    rows: dict[bytes, _Entry] = field(default_factory=dict)
    seen_from: Instant = LONG_AGO


@dataclass(slots=True)
class _Topic:
    shards: list[_Shard]
    at: Instant = LONG_AGO


class SimulatedStore:
    """What one SQLite file, or one Kafka cluster, holds."""

    def __init__(self, name: str) -> None:
        """Make an empty one; the name appears in errors."""
        self.name = name
        self._topics: dict[str, _Topic] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._positions: dict[tuple[str, int], dict[str, int]] = {}

    def append(
        self,
        messages: Sequence[tuple[int, Message]],
        topology: Topology,
        clock: VirtualClock,
        faults: Faults,
    ) -> None:
        """Write messages, each with its shard; readers see them after a delay, in order."""
        for number, message in messages:
            topic = self._topics.setdefault(
                message.topic,
                _Topic([_Shard() for _ in range(topology.shards_of(message.topic))]),
            )
            shard = topic.shards[number]
            topic.at = max(topic.at, clock.now())
            shard.seen_from = max(shard.seen_from, Instant(clock.now() + faults.delay()))
            entry = _Entry(Received(message, number, shard.next, topic.at), shard.seen_from)
            shard.next += 1
            shard.end = shard.next
            if not topology.is_compacted(message.topic):
                shard.log.append(entry)
            elif message.value:
                shard.rows[message.key] = entry
            else:
                shard.rows.pop(message.key, None)
        if faults.rates.gaps:
            for topic_name, number in {(m.topic, number) for number, m in messages}:
                self._topics[topic_name].shards[number].next += 1

    def visible(self, topic: str, shard: int, start: int, now: Instant) -> Iterator[Received]:
        """Yield what readers see from an offset on; of a table the rows as they stand."""
        found = self._shard(topic, shard)
        if found is None:
            return
        log = found.log or sorted(found.rows.values(), key=_offset)
        for place in range(bisect_left(log, start, key=_offset), len(log)):
            if log[place].seen_from > now:
                return
            yield log[place].received

    def end(self, topic: str, shard: int, now: Instant) -> int:
        """Return the offset behind the last message that readers see."""
        found = self._shard(topic, shard)
        if found is None:
            return 0
        if found.seen_from <= now:
            return found.end
        return max(
            (received.offset + 1 for received in self.visible(topic, shard, 0, now)), default=0
        )

    def rows(self, topic: str, shard: int) -> dict[bytes, bytes]:
        """Return all rows of a table: commits show here at once."""
        found = self._shard(topic, shard)
        if found is None:
            return {}
        return {key: entry.received.message.value for key, entry in found.rows.items()}

    def acquire(self, group: str, shard: int) -> int:
        """Return the epoch that fences every owner before."""
        epoch = self._epochs.get((group, shard), 0) + 1
        self._epochs[group, shard] = epoch
        return epoch

    def must_own(self, group: str, shard: int, epoch: int) -> None:
        """Raise unless this epoch is the lane's.

        Raises:
            LaneLost: another owner has acquired it.
        """
        if self._epochs[group, shard] != epoch:
            raise LaneLost(f"{group}, shard {shard}")

    def positions(self, group: str, shard: int) -> dict[str, int]:
        """Return what is committed of a lane, by topic."""
        return dict(self._positions.get((group, shard), {}))

    def advance(self, group: str, shard: int, ends: dict[str, int]) -> None:
        """Set a lane's committed positions."""
        self._positions.setdefault((group, shard), {}).update(ends)

    def _shard(self, topic: str, shard: int) -> _Shard | None:
        found = self._topics.get(topic)
        return found.shards[shard] if found else None


def _offset(entry: _Entry) -> int:
    return entry.received.offset
