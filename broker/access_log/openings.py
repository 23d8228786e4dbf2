"""Openings: what the log keeps beside the tree, one object a batch, and the batch's descriptor.

An openings object holds, sealed, all that the commitments of a batch's entries open to. It is named
by its own digest, so that it can be written before the batch is committed; the descriptor names it
and says which messages became which leaves (`docs/log-format.md`, section 8).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from broker.access_log.codec import Codec, Fields, array, hash_type, record
from broker.access_log.errors import SHAPE, LogError
from broker.access_log.ports import LeafIndex
from broker.access_log.tiles import number_path

NO_BATCH = -1
"""Stands for the batch before the first one."""

POSITIONS = array(record("Position", shard="int", next="long"))
"""Avro type of lane positions: for each shard the next offset, by rising shard."""

OPENINGS = Codec(
    record(
        "Openings",
        start="long",
        before=POSITIONS,
        messages=array(record("Kept", shard="int", offset="long", kept="bytes")),
    )
)
BATCH = Codec(
    record(
        "Batch",
        start="long",
        count="long",
        previous="long",
        openings=hash_type(),
        before=POSITIONS,
        origins=array(record("Origin", shard="int", offset="long", count="int")),
    )
)

Positions = Mapping[int, int]
"""Shard → offset behind the last message that is in the log."""


def write_positions(positions: Positions) -> list[Fields]:
    """Return positions as Avro fields, by rising shard."""
    return [{"shard": shard, "next": positions[shard]} for shard in sorted(positions)]


def read_positions(fields: list[Fields]) -> Positions:
    """Return positions of Avro fields.

    Raises:
        LogError: `log.shape`; shards do not rise.
    """
    positions = {one["shard"]: one["next"] for one in fields}
    if [one["shard"] for one in fields] != sorted(positions):
        raise LogError(SHAPE, "positions")
    return MappingProxyType(positions)


def openings_path(digest: bytes) -> str:
    """Return where the openings object of this digest lies."""
    return f"openings/{digest.hex()}"


def batch_path(start: int) -> str:
    """Return where the descriptor of the batch that begins at leaf `start` lies."""
    return f"openings/at/{number_path(start)}"


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """One message of a batch: where it lay on `decided`, and the encoded `Kept`."""

    shard: int
    offset: int
    kept: bytes


@dataclass(frozen=True, slots=True)
class Openings:
    """All that the log keeps of one batch beside its leaves.

    Attributes:
        start: leaf of the first entry of the first message.
        before: lane positions before the batch.
        messages: in the order of their leaves.
    """

    start: int
    before: Positions
    messages: tuple[KeptMessage, ...]

    def encode(self) -> bytes:
        """Return the object's bytes."""
        return OPENINGS.encode(
            {
                "start": self.start,
                "before": write_positions(self.before),
                "messages": [
                    {"shard": one.shard, "offset": one.offset, "kept": one.kept}
                    for one in self.messages
                ],
            }
        )

    @classmethod
    def decode(cls, data: bytes, where: str = "") -> Self:
        """Return the openings in an object.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding.
        """
        fields = OPENINGS.decode(data, where)
        return cls(
            start=fields["start"],
            before=read_positions(fields["before"]),
            messages=tuple(
                KeptMessage(one["shard"], one["offset"], one["kept"]) for one in fields["messages"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Which message became which leaves.

    Attributes:
        shard: of `decided`.
        offset: of the message there.
        first: leaf of its first entry.
        count: its entries.
    """

    shard: int
    offset: int
    first: LeafIndex
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The descriptor of one batch: all that is needed to find a message's leaves.

    Attributes:
        start: the batch's first leaf.
        count: its leaves.
        previous: first leaf of the batch before; `NO_BATCH` if there is none.
        openings: digest of its openings object.
        before: lane positions before it.
        origins: of its messages, in the order of their leaves.
    """

    start: LeafIndex
    count: int
    previous: int
    openings: bytes
    before: Positions
    origins: tuple[Origin, ...]

    @classmethod
    def of(cls, openings: Openings, digest: bytes, counts: Sequence[int], previous: int) -> Self:
        """Return the descriptor of an openings object.

        Args:
            openings: the object.
            digest: of its bytes.
            counts: number of entries of each of its messages.
            previous: first leaf of the batch before.
        """
        origins: list[Origin] = []
        first = openings.start
        for message, count in zip(openings.messages, counts, strict=True):
            origins.append(Origin(message.shard, message.offset, LeafIndex(first), count))
            first += count
        return cls(
            start=LeafIndex(openings.start),
            count=first - openings.start,
            previous=previous,
            openings=digest,
            before=openings.before,
            origins=tuple(origins),
        )

    def after(self) -> Positions:
        """Return the lane positions behind the batch."""
        positions = dict(self.before)
        for origin in self.origins:
            positions[origin.shard] = origin.offset + 1
        return positions

    def fields(self) -> Fields:
        """Return the descriptor as Avro fields."""
        return {
            "start": self.start,
            "count": self.count,
            "previous": self.previous,
            "openings": self.openings,
            "before": write_positions(self.before),
            "origins": [
                {"shard": one.shard, "offset": one.offset, "count": one.count}
                for one in self.origins
            ],
        }

    def encode(self) -> bytes:
        """Return the descriptor's bytes."""
        return BATCH.encode(self.fields())

    @classmethod
    def decode(cls, data: bytes, where: str = "") -> Self:
        """Return the descriptor in `data`.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding, or counts that differ.
        """
        return cls.from_fields(BATCH.decode(data, where), where)

    @classmethod
    def from_fields(cls, fields: dict[str, Any], where: str = "") -> Self:
        """Return the descriptor in Avro fields.

        Raises:
            LogError: `log.shape`; counts or numbers contradict each other.
        """
        origins: list[Origin] = []
        first = fields["start"]
        for one in fields["origins"]:
            origins.append(Origin(one["shard"], one["offset"], LeafIndex(first), one["count"]))
            first += one["count"]
        start, previous = fields["start"], fields["previous"]
        sound = first == start + fields["count"] and NO_BATCH <= previous < start
        if not sound or not origins or any(origin.count < 1 for origin in origins):
            raise LogError(SHAPE, where or "batch")
        return cls(
            start=LeafIndex(fields["start"]),
            count=fields["count"],
            previous=fields["previous"],
            openings=fields["openings"],
            before=read_positions(fields["before"]),
            origins=tuple(origins),
        )
