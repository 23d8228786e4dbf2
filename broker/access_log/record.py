"""The commit record: the one value whose swap commits a batch to the log.

It carries everything that cannot be read elsewhere yet: the checkpoint, the last batch's descriptor
and leaves, and the right edge of the tree before that batch. Full tiles, bundles and the descriptor
are derived from it and written after the swap, so that nothing stands in the log that no checkpoint
covers; whoever finds a record can write them again, to the same bytes.

Commit record = Avro ‖ SHA-256 of it; the sum guards against decay, the checkpoint's signature
against people (`docs/log-format.md`, section 9).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from broker.access_log.codec import Codec, array, record
from broker.access_log.errors import ROOT, SHAPE, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint, Note
from broker.access_log.openings import Batch, Positions, batch_path
from broker.access_log.tiles import (
    ENTRY_BYTES,
    HEIGHT,
    WIDTH,
    Tile,
    bundle_path,
    decode_tile,
    encode_bundle,
    tile_path,
)
from broker.access_log.tree import HASH_BYTES, hash_leaf

SUM_BYTES = 32

COMMIT = Codec(
    record(
        "Commit",
        epoch="long",
        checkpoint="bytes",
        tiles=array("bytes"),
        entries="bytes",
        batch="bytes",
    )
)


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """The log's one commit record.

    Attributes:
        epoch: number of times that a sequencer has taken the log over.
        checkpoint: the signed note.
        tiles: partial tiles of levels 1 and up, before the last batch; each is hashes, joined.
        entries: leaves from the last full bundle before the last batch to the log's end.
        batch: the last batch; None in an empty log.
    """

    epoch: int
    checkpoint: bytes
    tiles: tuple[bytes, ...] = ()
    entries: tuple[bytes, ...] = ()
    batch: Batch | None = None

    @property
    def positions(self) -> Positions:
        """The lanes' positions: messages before them are in the log."""
        return {} if self.batch is None else self.batch.after()

    def encode(self) -> bytes:
        """Return the record's bytes."""
        body = COMMIT.encode(
            {
                "epoch": self.epoch,
                "checkpoint": self.checkpoint,
                "tiles": self.tiles,
                "entries": b"".join(self.entries),
                "batch": b"" if self.batch is None else self.batch.encode(),
            }
        )
        return body + sha256(body).digest()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the record in `data`.

        Raises:
            LogError: `log.shape`; the sum does not fit, or anything but the one valid encoding.
        """
        body, found = data[:-SUM_BYTES], data[-SUM_BYTES:]
        if sha256(body).digest() != found:
            raise LogError(SHAPE, "commit record")
        fields = COMMIT.decode(body, "commit record")
        entries, batch = fields["entries"], fields["batch"]
        if len(entries) % ENTRY_BYTES:
            raise LogError(SHAPE, "commit record")
        return cls(
            epoch=fields["epoch"],
            checkpoint=fields["checkpoint"],
            tiles=tuple(fields["tiles"]),
            entries=tuple(
                entries[at : at + ENTRY_BYTES] for at in range(0, len(entries), ENTRY_BYTES)
            ),
            batch=Batch.decode(batch, "commit record") if batch else None,
        )


@dataclass(frozen=True, slots=True)
class LogState:
    """What a commit record says, worked out.

    Attributes:
        record: the record itself.
        tree: the tree at the checkpoint; not to be grown, `copy` it.
        tiles: those that the last batch completed.
        entries: leaves from the last full bundle to the log's end.
        bundles: number and leaves of the bundles that the last batch completed.
    """

    record: CommitRecord
    tree: GrowingTree
    tiles: tuple[Tile, ...]
    entries: tuple[bytes, ...]
    bundles: tuple[tuple[int, tuple[bytes, ...]], ...]

    @classmethod
    def of(cls, found: CommitRecord) -> Self:
        """Work out a record; the signature of its checkpoint is not looked at.

        Raises:
            LogError: `log.shape` or `log.root`; its parts do not lead to its checkpoint.
        """
        checkpoint = Checkpoint.parse(Note.parse(found.checkpoint).text)
        base = 0 if found.batch is None else found.batch.start
        count = 0 if found.batch is None else found.batch.count
        tail = base % WIDTH
        if len(found.entries) != tail + count or checkpoint.size != base + count:
            raise LogError(SHAPE, "commit record")
        hashes = [hash_leaf(entry) for entry in found.entries]
        levels = [
            decode_tile(tile, "commit record", len(tile) // HASH_BYTES) for tile in found.tiles
        ]
        tree = GrowingTree.restored(base, [hashes[:tail], *levels])
        tiles = tuple(tree.append(hashes[tail:]))
        if tree.root() != checkpoint.root:
            raise LogError(ROOT, "commit record")
        bundles, rest = cut(base, found.entries)
        return cls(found, tree, tiles, rest, bundles)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Return path and bytes of everything that is to be written once this record stands."""
        for tile in self.tiles:
            yield tile.path, tile.data
        for number, entries in self.bundles:
            yield bundle_path(number), encode_bundle(entries)
        if self.record.batch is not None:
            yield batch_path(self.record.batch.start), self.record.batch.encode()

    def partial_files(self) -> Iterator[tuple[str, bytes]]:
        """Return path and bytes of the partial tiles and bundle at this checkpoint."""
        for level, hashes in enumerate(self.tree.partial):
            if hashes:
                number = self.tree.size >> HEIGHT * (level + 1)
                yield tile_path(level, number, len(hashes)), b"".join(hashes)
        if self.entries:
            number = self.tree.size // WIDTH
            yield bundle_path(number, len(self.entries)), encode_bundle(self.entries)


def cut(
    start: int, entries: tuple[bytes, ...]
) -> tuple[tuple[tuple[int, tuple[bytes, ...]], ...], tuple[bytes, ...]]:
    """Return the full bundles, by number, and the leaves left over.

    Args:
        start: the log's size before a batch.
        entries: leaves from the last full bundle before it on.
    """
    number = start // WIDTH
    full = len(entries) // WIDTH
    bundles = tuple((number + one, entries[one * WIDTH : (one + 1) * WIDTH]) for one in range(full))
    return bundles, entries[full * WIDTH :]
