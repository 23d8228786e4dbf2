"""The sequencer: gives each entry its leaf, and vouches for the log that it makes of them.

Order of every run, and what a crash after the step leaves behind:

1. Take messages from every lane; those that the log holds already are compared with what it holds
   (`restored`), and only committed again.
2. Write the openings object under its own digest. (An object that nobody names.)
3. Swap the commit record for the next one: from here on the batch is in the log.
4. Write tiles, bundles and the descriptor. (Written again, to the same bytes, by `open`.)
5. Add the rows to the index. (Added by `open`, which compares sizes, or by a later run: an index
   out of reach holds nothing up.)
6. Commit the lanes. (The messages come again, and step 1 knows them by the record's positions.)

One sequencer at a time: the lanes fence whoever held them, and `open` raises the record's epoch, so
that whoever still holds an older record loses its next swap. After any error a sequencer is dead:
its lanes are to be acquired and the log opened anew. Work an entry does not depend on the log's
size.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

from broker.access_log.decided import Handed, Kept, KeptEntry
from broker.access_log.entry import delivery_id
from broker.access_log.errors import DEAD, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint, NoteSigner
from broker.access_log.openings import NO_BATCH, KeptMessage, Openings, openings_path
from broker.access_log.openings import Batch as LogBatch
from broker.access_log.ports import LeafIndex, LogIndex, LogRow, TileStore
from broker.access_log.reader import LogView
from broker.access_log.record import CommitRecord, LogState, cut
from broker.access_log.restored import check_held
from broker.access_log.tree import hash_leaf
from broker.faults import reach
from broker.lanes import NOW, Batch, Bound, Lane, Received, Unavailable

DECIDED = "decided"
"""The topic that is sequenced."""

GROUP = "sequencer"
"""The group whose lanes a sequencer owns."""

FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What one run has done.

    Attributes:
        start: leaf of the first new entry; the log's size if there is none.
        count: new entries.
        messages: messages whose lane position was committed.
    """

    start: LeafIndex
    count: int
    messages: int


class Sequencer:
    """Makes the log. Made by `open`."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        store: TileStore,
        index: LogIndex,
        signer: NoteSigner,
        state: LogState,
    ) -> None:
        """Go on from a state that `open` has made sure of."""
        self._lanes = tuple(lanes)
        self._store = store
        self._index = index
        self._signer = signer
        self._state = state
        self._raw = state.record.encode()
        self._alive = True
        self._behind = True  # until it was looked at

    @classmethod
    async def open(
        cls, lanes: Sequence[Lane], store: TileStore, index: LogIndex, signer: NoteSigner
    ) -> Self:
        """Take the log over, and finish what a predecessor has left half done.

        Args:
            lanes: the lanes of `GROUP` over `DECIDED`, freshly acquired.
            store: the log's store; an empty one becomes an empty log.
            index: brought up to the log's size.
            signer: the log's key; its name is the log's origin.

        Raises:
            SwapLost: another sequencer took the log over meanwhile.
            LogError: what is stored does not add up.
            Unavailable: a store cannot be reached.
        """
        old = await store.current()
        if old is None:
            empty = Checkpoint(signer.key.name, 0, GrowingTree().root())
            record = CommitRecord(FIRST_EPOCH, signer.sign(empty.text()))
        else:
            found = CommitRecord.decode(old)
            record = replace(found, epoch=found.epoch + 1)
        state = LogState.of(record)
        await store.swap(old, record.encode())
        await _write(store, state)
        made = cls(lanes, store, index, signer, state)
        await made.mend_index()
        return made

    @property
    def size(self) -> int:
        """Number of entries in the log."""
        return self._state.tree.size

    async def run_once(self, bound: Bound = NOW) -> Sequenced:
        """Put into the log what the lanes hold, at most `bound` of each.

        With several lanes that are all empty, all are waited for as long as `bound` says.

        Raises:
            LogError: `log.sequencer.dead`, or a message is not what the router writes, or stands
                where the log took in another one.
            SwapLost: another sequencer took the log over.
            StoreConflict: the store holds other bytes than this log's.
            LaneError: from a lane.
        """
        if not self._alive:
            raise LogError(DEAD)
        self._alive = False
        batches = await self._take(bound)
        start = LeafIndex(self.size)
        positions = self._state.record.positions
        taken = [received for batch in batches for received in batch.messages]
        fresh = [one for one in taken if one.offset >= positions.get(one.shard, 0)]
        if len(fresh) < len(taken):
            held = [one for one in taken if one.offset < positions.get(one.shard, 0)]
            await check_held(LogView(self._store, self._state), held)
        if fresh:
            await self._sequence(fresh)
        else:
            await self.mend_index()
        for lane, batch in zip(self._lanes, batches, strict=True):
            if batch.messages:
                reach("sequencer.before-commit")
                await lane.commit(batch, ())
        self._alive = True
        messages = sum(len(batch.messages) for batch in batches)
        return Sequenced(start, self.size - start, messages)

    async def _take(self, bound: Bound) -> list[Batch]:
        if len(self._lanes) == 1:
            return [await self._lanes[0].take(bound)]
        batches = [await lane.take(replace(bound, wait_ms=0)) for lane in self._lanes]
        if bound.wait_ms and not any(batch.messages for batch in batches):
            batches = list(await asyncio.gather(*(lane.take(bound) for lane in self._lanes)))
        return batches

    async def _sequence(self, fresh: Sequence[Received]) -> None:
        handed = [Handed.decode(received.message.value) for received in fresh]
        kept = [Kept.decode(one.kept) for one in handed]
        openings = Openings(
            start=self.size,
            before=self._state.record.positions,
            messages=tuple(
                KeptMessage(received.shard, received.offset, one.kept)
                for received, one in zip(fresh, handed, strict=True)
            ),
        )
        data = openings.encode()
        counts = [len(one.entries) for one in kept]
        batch = LogBatch.of(openings, sha256(data).digest(), counts, self._previous())
        entries = [entry for one in kept for entry in one.entries]
        state = self._next(batch, [entry.leaf for entry in entries])
        reach("sequencer.before-openings")
        await self._store.create(openings_path(batch.openings), data)
        reach("sequencer.before-checkpoint")
        raw = state.record.encode()
        await self._store.swap(self._raw, raw)
        self._state, self._raw = state, raw
        reach("sequencer.after-checkpoint")
        await _write(self._store, state)
        reach("sequencer.before-index")
        await self._add_to_index(batch.start, rows_of(batch, entries))

    async def mend_index(self) -> None:
        """Bring the index up to the log, if it lags and can be reached.

        One that cannot holds nothing up: it is not what the log is proved by.

        Raises:
            LogError: what is stored does not add up.
        """
        if self._behind:
            with suppress(Unavailable):
                await catch_up(LogView(self._store, self._state), self._index)
                self._behind = False

    async def _add_to_index(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        if self._behind:
            await self.mend_index()
            return
        try:
            await self._index.add(start, rows)
        except Unavailable:
            self._behind = True

    def _previous(self) -> int:
        last = self._state.record.batch
        return NO_BATCH if last is None else last.start

    def _next(self, batch: LogBatch, leaves: Sequence[bytes]) -> LogState:
        """Return the state with a batch on top; the present one is left as it is."""
        state = self._state
        tree = state.tree.copy()
        partial = tuple(b"".join(tile) for tile in tree.partial[1:])
        tiles = tuple(tree.append([hash_leaf(leaf) for leaf in leaves]))
        checkpoint = Checkpoint(self._signer.key.name, tree.size, tree.root())
        entries = (*state.entries, *leaves)
        record = CommitRecord(
            epoch=state.record.epoch,
            checkpoint=self._signer.sign(checkpoint.text()),
            tiles=partial,
            entries=entries,
            batch=batch,
        )
        bundles, rest = cut(batch.start, entries)
        return LogState(record, tree, tiles, rest, bundles)


async def _write(store: TileStore, state: LogState) -> None:
    """Write what a committed record completes, all at once."""
    await asyncio.gather(*(store.create(path, data) for path, data in state.files()))


async def catch_up(view: LogView, index: LogIndex) -> None:
    """Add to the index what the log holds and the index does not; from nothing if need be.

    Raises:
        LogError: what is stored does not add up.
        Unavailable: a store cannot be reached.
    """
    for start in await view.starts(await index.size()):
        batch = await view.batch(start)
        openings = await view.openings(batch)
        kept = [Kept.decode(message.kept) for message in openings.messages]
        await index.add(batch.start, rows_of(batch, [one for each in kept for one in each.entries]))


def rows_of(batch: LogBatch, entries: Sequence[KeptEntry]) -> list[LogRow]:
    """Return the index's rows of a batch's entries."""
    return [
        LogRow(
            LeafIndex(number),
            batch.start,
            delivery_id(hash_leaf(entry.leaf)),
            entry.record,
            entry.row,
        )
        for number, entry in enumerate(entries, batch.start)
    ]
