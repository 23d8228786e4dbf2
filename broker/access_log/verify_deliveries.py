"""Verifying what was released: every delivery stands in the log, once, where its entry says.

For each message of the deliveries' and quarantine's topics, after `verify_log` found the log sound:

1. It is a delivery, and its proof is written as the format says.
2. The proof's checkpoint is signed by the log and is one of this log's history: the root that it
   names for its size is the root that was derived anew.
3. The path leads from the leaf that the log holds at the proof's index to that root.
4. The entry says that it was released, and to this topic.
5. No other delivery was released for this entry.

Whether the sealed part says what the leaf commits to, its consumer checks: only it can open that.
"""

from collections.abc import AsyncIterable, Collection
from dataclasses import dataclass, field

from broker.access_log.deliveries import Delivery
from broker.access_log.errors import (
    DELIVERY_CHECKPOINT,
    DELIVERY_TOPIC,
    DELIVERY_TWICE,
    PROOF_INCLUSION,
    LogError,
)
from broker.access_log.findings import MOST_FINDINGS, Finding, Ledger
from broker.access_log.notes import Checkpoint, VerifierKey, open_checkpoint
from broker.access_log.ports import LeafIndex
from broker.access_log.proofs import Proof
from broker.access_log.prover import TileCache, TileId
from broker.access_log.reader import LogView
from broker.access_log.tiles import WIDTH
from broker.access_log.tree import check_inclusion
from broker.lanes import Received

CHECKPOINTS_KEPT = 1_024
"""Checkpoints whose signature is remembered as good: one run of the releaser uses one."""


@dataclass(frozen=True, slots=True)
class DeliveriesReport:
    """The outcome of verifying deliveries.

    Attributes:
        deliveries: read and found sound.
        earlier: those of entries before the ones that were verified this time; not looked at.
        absent: entries that something was released for and of which no delivery was read: not
            released yet, or trimmed since.
        findings: what is wrong, in the order found.
    """

    deliveries: int
    earlier: int
    absent: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def verify_deliveries(
    messages: AsyncIterable[Received],
    view: LogView,
    ledger: Ledger,
    origin: str,
    keys: Collection[VerifierKey],
) -> DeliveriesReport:
    """Verify deliveries against a log that was found sound; see the module for the steps.

    Args:
        messages: everything on the deliveries' and quarantine's topics.
        view: the log, as it stood when `ledger` was made or later.
        ledger: of the verification of the log.
        origin: which log.
        keys: the log's keys.

    Raises:
        Unavailable: a store cannot be reached.
    """
    run = _Run(view, ledger, origin, keys)
    async for received in messages:
        message = received.message
        try:
            await run.one(message.topic, message.value)
        except LogError as error:
            where = f"{message.topic}, shard {received.shard}, offset {received.offset}"
            run.findings.append(Finding(run.index, error.code, where))
            if len(run.findings) >= MOST_FINDINGS:
                break
    return run.report()


@dataclass(slots=True)
class _Run:
    """One verification under way.

    Attributes:
        index: the entry that the delivery at hand claims; None before that is read.
        seen: for each entry of the ledger whether its delivery was read.
    """

    view: LogView
    ledger: Ledger
    origin: str
    keys: Collection[VerifierKey]
    index: LeafIndex | None = None
    findings: list[Finding] = field(default_factory=list)
    sound: int = 0
    earlier: int = 0
    seen: bytearray = field(default_factory=bytearray)
    cache: TileCache = field(default_factory=TileCache)
    checkpoints: dict[bytes, Checkpoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = bytearray(len(self.ledger.released))

    async def one(self, topic: str, value: bytes) -> None:
        self.index = None
        # (1) form
        proof = Proof.parse(Delivery.decode(value).proof)
        index = self.index = LeafIndex(proof.index)
        # (2) checkpoint
        checkpoint = self._checkpoint(proof.checkpoint)
        if index < self.ledger.first:
            self.earlier += 1
            return
        if self.ledger.roots.get(checkpoint.size) != checkpoint.root:
            raise LogError(DELIVERY_CHECKPOINT)
        # (3) path
        if index - self.ledger.first >= len(self.seen):
            raise LogError(PROOF_INCLUSION)
        leaf = await self._leaf_hash(index)
        check_inclusion(leaf, index, checkpoint.size, checkpoint.root, proof.path)
        # (4) topic
        if self.ledger.topic(index) != topic:
            raise LogError(DELIVERY_TOPIC)
        # (5) once
        if self.seen[index - self.ledger.first]:
            raise LogError(DELIVERY_TWICE)
        self.seen[index - self.ledger.first] = 1
        self.sound += 1

    def _checkpoint(self, note: bytes) -> Checkpoint:
        known = self.checkpoints.get(note)
        if known is None:
            known = open_checkpoint(note, self.origin, self.keys)
            if len(self.checkpoints) >= CHECKPOINTS_KEPT:
                self.checkpoints.clear()
            self.checkpoints[note] = known
        return known

    async def _leaf_hash(self, index: int) -> bytes:
        number, at = divmod(index, WIDTH)
        tree = self.view.state.tree
        if number == tree.size // WIDTH:
            return tree.partial[0][at]
        tile = TileId(0, number)
        if not self.cache.has(tile):
            self.cache.trim()
            await self.view.load(self.cache, [tile])
        return self.cache.rows(tile)[0][at]

    def report(self) -> DeliveriesReport:
        released = sum(1 for topic in self.ledger.released if topic)
        return DeliveriesReport(
            self.sound, self.earlier, released - sum(self.seen), tuple(self.findings)
        )
