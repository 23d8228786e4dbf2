"""The releaser: hands out what was decided, once its entry is in the log, with the proof of that.

It reads the same topic as the sequencer, through lanes of its own, and releases a message only when
the log's commit record says that it is in: its offset is before the record's position. Deliveries
and lane position are committed together, so each goes out once.

Order of every run, and what a crash after the step leaves behind:

1. Publish the checkpoint that the deliveries rest on, with the proof that the log goes on from the
   one published before (`published`), by the lane of shard 0, in one commit with the row that says
   which was published last. (A checkpoint that no delivery rests on yet; the row keeps the next
   releaser from publishing it again.)
2. Lane by lane, commit the deliveries and the lane's position. (Other lanes' messages come again,
   and are proved against the checkpoint of that time.)

So a delivery's checkpoint is always published before it, which is why a releaser must own shard 0.
A log that does not continue what was published is not released from, whoever signed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.access_log.decided import Handed
from broker.access_log.deliveries import Delivery
from broker.access_log.errors import DEAD, ORIGIN, LogError
from broker.access_log.ports import TileStore
from broker.access_log.proofs import ProofWriter
from broker.access_log.prover import TileCache
from broker.access_log.published import CHECKPOINTS, SHOWN, Followed, Published
from broker.access_log.reader import LogView
from broker.access_log.record import CommitRecord, LogState
from broker.access_log.trail import Trail
from broker.faults import reach
from broker.lanes import NOW, Batch, Bound, Lane, Message

LAST = b"last"
"""Key of the row that says which checkpoint was published last."""

GROUP = "releaser"
"""The group whose lanes a releaser owns, over the topic `decided`."""


@dataclass(frozen=True, slots=True)
class Released:
    """What one run has done.

    Attributes:
        messages: those whose lane position was committed.
        deliveries: those published.
        waiting: messages taken that the log does not hold yet; the next run looks again.
    """

    messages: int
    deliveries: int
    waiting: int


class Releaser:
    """Releases through freshly acquired lanes of `GROUP`. After any error it is dead."""

    def __init__(self, lanes: Sequence[Lane], store: TileStore) -> None:
        """Release what the log in `store` holds.

        Args:
            lanes: over `decided`, that of shard 0 among them; their sink store holds the topics
                of deliveries, and that of checkpoints.
            store: the log's store, written by the sequencer.

        Raises:
            ValueError: the lane of shard 0 is missing: nothing could be published.
        """
        self._lanes = tuple(lanes)
        publishing = [lane for lane in lanes if lane.shard == 0]
        if not publishing:
            message = "a releaser publishes checkpoints by the lane of shard 0"
            raise ValueError(message)
        self._publishing = publishing[0]
        self._store = store
        self._taken = [Batch(()) for _ in lanes]
        self._trail = Trail()
        self._cache = TileCache()
        self._shown: Followed | None = None
        self._raw: bytes | None = None
        self._view: LogView | None = None
        self._alive = True

    async def run_once(self, bound: Bound = NOW) -> Released:
        """Release what the lanes hold and the log covers, at most `bound` of each lane.

        Waits, as `bound` says, for messages; never for the log.

        Raises:
            LogError: `log.sequencer.dead`; or the log does not add up, or does not continue what
                was published of it: nothing was released.
            LaneError: from a lane.
            Unavailable: the log's store cannot be reached.
        """
        if not self._alive:
            raise LogError(DEAD)
        self._alive = False
        for number, lane in enumerate(self._lanes):
            if not self._taken[number].messages:
                self._taken[number] = await lane.take(bound)
        released = Released(0, 0, 0)
        if any(batch.messages for batch in self._taken):
            view = await self._look()
            if view is not None:
                released = await self._release_all(view)
        self._alive = True
        waiting = sum(len(batch.messages) for batch in self._taken)
        return Released(released.messages, released.deliveries, waiting)

    async def _look(self) -> LogView | None:
        """Return the log as it stands now, or None before it has begun."""
        raw = await self._store.current()
        if raw is not None and raw != self._raw:
            self._view = LogView(self._store, LogState.of(CommitRecord.decode(raw)))
            self._raw = raw
        return self._view

    async def _release_all(self, view: LogView) -> Released:
        positions = view.state.record.positions
        ready = [
            _before(positions.get(lane.shard, 0), batch)
            for lane, batch in zip(self._lanes, self._taken, strict=True)
        ]
        await self._trail.reach(view, _oldest(self._taken))
        writer = ProofWriter(view.prover(self._cache), view.state.record.checkpoint)
        deliveries = 0
        if any(batch.messages for batch in ready):
            await self._publish(view)
        for number, (lane, batch) in enumerate(zip(self._lanes, ready, strict=True)):
            if batch.messages:
                outputs = await self._outputs(batch, view, writer)
                reach("releaser.before-commit")
                await lane.commit(batch, outputs)
                reach("releaser.after-commit")
                # What was taken behind the prefix comes again with the next take.
                self._taken[number] = Batch(())
                deliveries += len(outputs)
        self._cache.trim()
        return Released(sum(len(batch.messages) for batch in ready), deliveries, 0)

    async def _publish(self, view: LogView) -> None:
        """Publish the checkpoint of `view`, unless it was published before."""
        now = Followed(view.state.tree.size, view.state.tree.root())
        if self._shown is None:
            rows = await self._publishing.recall(SHOWN, [LAST])
            self._shown = Followed.decode(rows.get(LAST, b""))
        if self._shown == now:
            return
        path = await view.consistency(self._cache, self._shown.size)
        step = Published(view.state.record.checkpoint, self._shown.size, path)
        self._shown.check(step, now)
        outputs = [
            Message(CHECKPOINTS, bytes(8), step.encode()),
            Message(SHOWN, LAST, now.encode()),
        ]
        await self._publishing.commit(Batch(()), outputs)
        self._shown = now

    async def _outputs(self, ready: Batch, view: LogView, writer: ProofWriter) -> list[Message]:
        waiting: list[tuple[int, Message]] = []
        for received in ready.messages:
            origin = await self._trail.origin(view, received.shard, received.offset)
            for entry, release in Handed.decode(received.message.value).releases:
                if not 0 <= entry < origin.count:
                    raise LogError(ORIGIN, f"shard {received.shard}, entry {entry}")
                message = Message(release.topic, release.key, release.sealed)
                waiting.append((origin.first + entry, message))
        prover = writer.prover
        await view.load(self._cache, prover.missing(*(index for index, _ in waiting)))
        return [
            Message(one.topic, one.key, Delivery(one.value, writer.write(index)).encode())
            for index, one in waiting
        ]


def _before(position: int, batch: Batch) -> Batch:
    """Return the first messages of a batch, those before a position of its shard."""
    return batch.first(sum(received.offset < position for received in batch.messages))


def _oldest(batches: Sequence[Batch]) -> dict[int, int]:
    """Return the offset of each batch's first message by shard."""
    firsts = [batch.messages[0] for batch in batches if batch.messages]
    return {first.shard: first.offset for first in firsts}
