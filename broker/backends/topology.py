"""Which shard and which store a message belongs to: the same answer from every backend."""

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar

Store = TypeVar("Store")

KEY_OCTETS = 8
"""Octets of a key that choose the shard: a message key has no more, and a table's key is a hash."""


class Topology:
    """The shape of an installation's topics; it never changes once there are messages.

    Attributes:
        shards: partitions of each topic that is not named in `single_shard`.
    """

    def __init__(
        self, shards: int, *, compacted: Collection[str] = (), single_shard: Collection[str] = ()
    ) -> None:
        """Take the partition count, the tables' names and the names of one-shard topics."""
        if shards < 1:
            raise ValueError("a topic has at least one shard")
        self.shards = shards
        self._compacted = frozenset(compacted)
        self._single = frozenset(single_shard)

    def is_compacted(self, topic: str) -> bool:
        """Tell whether the topic is a table."""
        return topic in self._compacted

    def must_be_compacted(self, topic: str) -> None:
        """Refuse to recall from a topic that is no table.

        Raises:
            ValueError: it is none.
        """
        if topic not in self._compacted:
            raise ValueError(f"{topic} is no compacted topic")

    def shards_of(self, topic: str) -> int:
        """Return the topic's partition count."""
        return 1 if topic in self._single else self.shards

    def shard_of(self, topic: str, key: bytes) -> int:
        """Return the shard of a published message with this key."""
        return int.from_bytes(key[:KEY_OCTETS]) % self.shards_of(topic)

    def home(self, topic: str, lane: int) -> int:
        """Return the shard in which the lane of shard `lane` writes and recalls this topic."""
        return lane if lane < self.shards_of(topic) else 0

    def reach(self, topics: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Return for each lane over these topics, by shard, the topics that it takes from.

        Raises:
            ValueError: no topic, a topic twice, or a compacted one: tables are recalled.
        """
        if not topics or len(set(topics)) != len(topics):
            raise ValueError("a lane reads one or more topics, each named once")
        for topic in topics:
            if self.is_compacted(topic):
                raise ValueError(f"{topic} is compacted: recall its rows, they are not taken")
        lanes = max(self.shards_of(topic) for topic in topics)
        return tuple(
            tuple(topic for topic in topics if lane < self.shards_of(topic))
            for lane in range(lanes)
        )


class Places(Generic[Store]):
    """In which store each topic lies, by name or by prefix (`records.`)."""

    def __init__(self, places: Mapping[str, Store]) -> None:
        """Take the stores by topic, or by prefix where the name ends with a dot."""
        self._places = dict(places)

    def has(self, topic: str) -> bool:
        """Tell whether this process has a place for the topic."""
        return topic in self._places or topic[: topic.find(".") + 1] in self._places

    def of(self, topic: str) -> Store:
        """Return the store that the topic lies in.

        Raises:
            ValueError: this process has no place for it.
        """
        prefix = topic[: topic.find(".") + 1]
        for name in (topic, prefix):
            if name in self._places:
                return self._places[name]
        raise ValueError(f"{topic} has no place in this process")


def fair_shares(backlogs: Mapping[str, int], count: int) -> dict[str, int]:
    """Divide `count` messages among topics: none gets more than it has, nothing is left unused.

    Where there are more topics than messages to give, the first ones get one each: who turns the
    order from call to call lets every topic have its turn.

    Args:
        backlogs: how many messages wait, by topic.
        count: how many may be taken.

    Returns:
        How many to take from each topic, in the same order; topics that get none are left out.
    """
    waiting = {topic: backlog for topic, backlog in backlogs.items() if backlog > 0}
    if count <= len(waiting):
        return dict.fromkeys(list(waiting)[:count], 1)
    shares: dict[str, int] = {}
    left = count
    for place, topic in enumerate(sorted(waiting, key=waiting.__getitem__)):
        shares[topic] = min(waiting[topic], left // (len(waiting) - place))
        left -= shares[topic]
    return {topic: shares[topic] for topic in waiting}
