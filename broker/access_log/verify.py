"""Verifying a log: everything is derived anew from the stored bytes, and nothing is believed.

For the log as its commit record has it:

0. The commit record is whole, and its checkpoint is signed by a key of this log.
1. Batch by batch, from the beginning or from where a former verification ended: the descriptor
   follows on the one before.
2. The leaves of the bundles fill the tiles that are stored, hash by hash.
3. The openings object is the one that the descriptor names, leads to this very descriptor, and
   holds the leaves of the bundles.
4. Each opened part fits its commitment, and the row says what the facts say (`opening_check`).
5. Whatever `recheck` adds: questions rebuilt, decisions made again.
6. The root over all leaves is the checkpoint's.

A file that the sequencer has not come to write since the last swap is derived from the commit
record and may be missing. Give a store that reads from disk: a cache would hide decay.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from broker.access_log.decided import Kept
from broker.access_log.errors import BATCH, LEAF, MISSING, ROOT, TILE, LogError
from broker.access_log.findings import (
    MOST_FINDINGS,
    Finding,
    Ledger,
    LogReport,
    Progress,
    Recheck,
    Verified,
    nothing_more,
)
from broker.access_log.notes import Checkpoint, VerifierKey, open_checkpoint
from broker.access_log.opened import NoKeys, PartOpener
from broker.access_log.opening_check import OpeningCheck
from broker.access_log.openings import Batch, batch_path
from broker.access_log.ports import LeafIndex, TileStore
from broker.access_log.reader import LogView
from broker.access_log.record import CommitRecord, LogState
from broker.access_log.tiles import HEIGHT, WIDTH, Tile, bundle_path, decode_bundle
from broker.access_log.tree import hash_leaf


def _no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a verification is done with.

    Attributes:
        origin: which log.
        keys: the log's keys, from a source that the verifier trusts.
        opener: whoever holds keys to the sealed parts.
        recheck: what is checked beyond the tree.
        progress: told after each batch.
    """

    origin: str
    keys: Collection[VerifierKey]
    opener: PartOpener = field(default_factory=NoKeys)
    recheck: Recheck = nothing_more
    progress: Progress = _no_progress


async def verify_log(store: TileStore, checks: Checks, after: Verified | None = None) -> LogReport:
    """Verify a log; see the module for the steps.

    Args:
        store: where it lies.
        checks: what to verify with.
        after: where a former verification ended; None begins at the first entry.

    Raises:
        Unavailable: the store or the keys cannot be reached.
    """
    begin = after or Verified()
    try:
        state, checkpoint = await _checkpoint(store, checks)
    except LogError as error:
        finding = Finding(None, error.code, error.where)
        ledger = Ledger(begin.tree.size)
        return LogReport(0, b"", 0, 0, 0, 0, (finding,), None, ledger)
    run = _Run(LogView(store, state), checks, begin)
    await run.all(checkpoint)
    return run.report(checkpoint)


async def _checkpoint(store: TileStore, checks: Checks) -> tuple[LogState, Checkpoint]:
    """Return the log's state and its checkpoint, (0)."""
    raw = await store.current()
    if raw is None:
        raise LogError(MISSING, "commit record")
    record = CommitRecord.decode(raw)
    checkpoint = open_checkpoint(record.checkpoint, checks.origin, checks.keys)
    return LogState.of(record), checkpoint


class _Run:
    """One verification under way."""

    def __init__(self, view: LogView, checks: Checks, begin: Verified) -> None:
        self._view = view
        self._checks = checks
        self._begin = begin.tree.size
        self._tree = begin.tree.copy()
        self._last = begin.last
        self._positions = begin.positions
        self._check = OpeningCheck()
        self._findings = self._check.findings
        self._ledger = Ledger(self._begin)
        self._batches = 0
        self._bundle: tuple[int, tuple[bytes, ...]] = (-1, ())

    async def all(self, checkpoint: Checkpoint) -> None:
        try:
            while self._tree.size < checkpoint.size:
                await self._batch(await self._view.batch(self._tree.size))
                self._checks.progress(self._tree.size, checkpoint.size)
                if len(self._findings) >= MOST_FINDINGS:
                    return
            self._findings += self._checks.recheck(())
        except LogError as error:
            self._find(self._tree.size, error)
            return
        # (6) the root
        if (self._tree.size, self._tree.root()) != (checkpoint.size, checkpoint.root):
            self._find(self._tree.size, LogError(ROOT, "checkpoint"))

    def report(self, checkpoint: Checkpoint) -> LogReport:
        sound = not self._findings
        return LogReport(
            size=checkpoint.size,
            root=checkpoint.root,
            entries=self._tree.size - self._begin,
            batches=self._batches,
            closed=self._check.closed,
            erased=self._check.erased,
            findings=tuple(self._findings),
            verified=Verified(self._tree, self._last, self._positions) if sound else None,
            ledger=self._ledger,
        )

    def _find(self, index: int, error: LogError) -> None:
        self._findings.append(Finding(LeafIndex(index), error.code, error.where))

    async def _batch(self, batch: Batch) -> None:
        # (1) it follows on the one before
        path = batch_path(batch.start)
        follows = (batch.start, batch.previous, dict(batch.before))
        if follows != (self._tree.size, self._last, dict(self._positions)):
            raise LogError(BATCH, path)
        if await self._view.read(path) != batch.encode():
            raise LogError(BATCH, path)
        # (2) bundles and tiles
        leaves = await self._leaves(batch.start, batch.start + batch.count)
        for tile in self._tree.append([hash_leaf(leaf) for leaf in leaves]):
            if await self._view.read(tile.path) != tile.data:
                self._find(_first_leaf(tile), LogError(TILE, tile.path))
        self._ledger.roots[self._tree.size] = self._tree.root()
        # (3) to (5) what belongs to the leaves
        try:
            await self._openings(batch, leaves)
        except LogError as error:
            self._find(batch.start, error)
        self._last = batch.start
        self._positions = batch.after()
        self._batches += 1

    async def _openings(self, batch: Batch, leaves: list[bytes]) -> None:
        openings = await self._view.openings(batch)
        kept = [Kept.decode(message.kept) for message in openings.messages]
        counts = [len(one.entries) for one in kept]
        if Batch.of(openings, batch.openings, counts, self._last) != batch:
            raise LogError(BATCH, batch_path(batch.start))
        entries = [entry for one in kept for entry in one.entries]
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), batch.start):
            self._ledger.add(entry.topic)
            if entry.leaf != leaf:
                self._find(index, LogError(LEAF, bundle_path(index // WIDTH)))
        if isinstance(self._checks.opener, NoKeys) and self._checks.recheck is nothing_more:
            # Nothing opens and nobody looks further: the leaves were all there was to compare.
            self._check.closed += len(entries)
            return
        opened = []
        unsealed = await self._checks.opener.open(kept)
        for origin, one, parts in zip(batch.origins, kept, unsealed, strict=True):
            opened.append(self._check.message(origin.first, one, parts))
        self._findings += self._checks.recheck(opened)

    async def _leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaves from `start` up to `end` as the bundles hold them."""
        leaves: list[bytes] = []
        while start < end:
            number, at = divmod(start, WIDTH)
            bundle = await self._entries(number)
            found = bundle[at : at + end - start]
            if not found:
                raise LogError(MISSING, bundle_path(number))
            leaves += found
            start += len(found)
        return leaves

    async def _entries(self, number: int) -> tuple[bytes, ...]:
        """Return a bundle's leaves; the last one may hold fewer than others, or none."""
        if number != self._bundle[0]:
            full = self._view.state.tree.size // WIDTH
            entries = self._view.state.entries if number == full else ()
            if number < full:
                path = bundle_path(number)
                entries = tuple(decode_bundle(await self._view.read(path), path))
            self._bundle = (number, entries)
        return self._bundle[1]


def _first_leaf(tile: Tile) -> int:
    """Return the first leaf below a tile."""
    return tile.number << HEIGHT * (tile.level + 1)
