"""Reading the log as it stands: state, batches, openings, tiles and bundles, from a `TileStore`.

Whoever reads sees one checkpoint: files that the last batch completed are taken from the commit
record, whether or not the sequencer has come to write them.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import sha256

from broker.access_log.errors import (
    BATCH,
    MISSING,
    OPENINGS_DIGEST,
    PROOF_CONSISTENCY,
    LogError,
)
from broker.access_log.growth import GrowingTree, widths
from broker.access_log.openings import NO_BATCH, Batch, Openings, batch_path, openings_path
from broker.access_log.ports import LeafIndex, TileStore
from broker.access_log.prover import Prover, TileCache, TileId
from broker.access_log.record import CommitRecord, LogState
from broker.access_log.tiles import HEIGHT, bundle_path, decode_bundle, decode_tile, tile_path


async def read_state(store: TileStore) -> LogState | None:
    """Return the log as its commit record has it; None before the first record.

    Raises:
        LogError: `log.shape` or `log.root`; the record does not add up.
        Unavailable: the store cannot be reached.
    """
    data = await store.current()
    return None if data is None else LogState.of(CommitRecord.decode(data))


class LogView:
    """The log at one checkpoint.

    Every method raises `Unavailable` when the store cannot be reached, and `LogError` with
    `log.missing` or `log.shape` when a file is not there or not what the format says.
    """

    def __init__(self, store: TileStore, state: LogState) -> None:
        """Read in `store` what `state` covers."""
        self._store = store
        self.state = state
        # What the last batch completed: the sequencer may not have come to write it.
        self._completed = dict(state.files())

    async def read(self, path: str) -> bytes:
        """Return a file of this checkpoint; what is stored wins over what is derived."""
        data = await self._store.read(path)
        if data is None:
            data = self._completed.get(path)
        if data is None:
            raise LogError(MISSING, path)
        return data

    async def batch(self, start: int) -> Batch:
        """Return the descriptor of the batch that begins at leaf `start`."""
        last = self.state.record.batch
        if last is not None and last.start == start:
            return last
        path = batch_path(start)
        batch = Batch.decode(await self.read(path), path)
        if batch.start != start:
            raise LogError(BATCH, path)
        return batch

    async def batches_back(self) -> AsyncIterator[Batch]:
        """Return the batches from the last to the first."""
        batch = self.state.record.batch
        while batch is not None:
            yield batch
            batch = None if batch.previous == NO_BATCH else await self.batch(batch.previous)

    async def starts(self, size: int = 0) -> list[LeafIndex]:
        """Return the first leaves of the batches that reach beyond `size` leaves, rising."""
        found: list[LeafIndex] = []
        async for batch in self.batches_back():
            if batch.start + batch.count <= size:
                break
            found.append(batch.start)
        found.reverse()
        return found

    async def openings(self, batch: Batch) -> Openings:
        """Return the openings of a batch.

        Raises:
            LogError: also `log.openings.digest`; the bytes are not those that the batch names.
        """
        path = openings_path(batch.openings)
        data = await self._store.read(path)
        if data is None:
            # Which of the two is wrong, the file's absence or its name, cannot be told.
            raise LogError(MISSING, f"{path}, named by {batch_path(batch.start)}")
        if sha256(data).digest() != batch.openings:
            raise LogError(OPENINGS_DIGEST, path)
        return Openings.decode(data, path)

    async def bundle(self, number: int) -> list[bytes]:
        """Return the leaves of a full bundle."""
        path = bundle_path(number)
        return decode_bundle(await self.read(path), path)

    async def load(self, cache: TileCache, tiles: Iterable[TileId]) -> None:
        """Read full tiles into a cache."""
        for tile in sorted(tiles):
            path = tile_path(tile.level, tile.number)
            cache.add(tile, decode_tile(await self.read(path), path))

    def prover(self, cache: TileCache) -> Prover:
        """Return a prover at this checkpoint; it holds what the last batch completed."""
        return Prover(self.state.tree, cache, self.state.tiles)

    async def prover_at(self, cache: TileCache, size: int) -> Prover:
        """Return a prover at an earlier size of this log, for a checkpoint of that time.

        Raises:
            LogError: also `log.proof.consistency`; the log has never had so many entries.
        """
        now = self.state.tree
        if not 0 < size <= now.size:
            raise LogError(PROOF_CONSISTENCY, "no such tree")
        partial: list[Sequence[bytes]] = []
        for level, width in enumerate(widths(size)):
            number = size >> HEIGHT * (level + 1)
            if number == now.size >> HEIGHT * (level + 1):
                hashes: Sequence[bytes] = now.partial[level]
            else:
                path = tile_path(level, number)
                hashes = decode_tile(await self.read(path), path)
            partial.append(hashes[:width])
        return Prover(GrowingTree.restored(size, partial), cache, self.state.tiles)

    async def consistency(self, cache: TileCache, old: int) -> tuple[bytes, ...]:
        """Return the path from the log of `old` entries to this one.

        Raises:
            LogError: also `log.proof.consistency`; the log has never had so many entries.
        """
        prover = self.prover(cache)
        await self.load(cache, prover.missing_for_consistency(old))
        return prover.consistency(old)
