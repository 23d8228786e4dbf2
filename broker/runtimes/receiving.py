"""Receiving: an agency follows the log, verifies what came for it, and keeps it in its inbox.

A delivery goes into the inbox only verified (`broker.receipts.delivery`), once under its id, with
the lane position in the same transaction. One that does not verify is kept aside with its code and
shown; nothing of it is handed over.

A delivery may come that rests on a checkpoint or on a protocol entry which was published after this
agency looked: what vouches for a delivery is published before it, so the agency looks again before
it refuses.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from broker.access_log.errors import TAKEN_BACK, LogError
from broker.access_log.notes import Checkpoint, Note
from broker.access_log.ports import DeliveryId
from broker.access_log.published import CHECKPOINTS, Followed, Published, follow
from broker.errors import ConcordatError
from broker.faults import reach
from broker.lanes import Batch, Bound, Lane, Message, Received
from broker.protocol.published import PublishedProtocol, read_all
from broker.receipts.delivery import Verifier
from broker.receipts.errors import CHECKPOINT, PROTOCOL, DeliveryRefused
from broker.receipts.inbox import DONE, INBOX, NOTHING_DONE, Done, InboxRow, Item
from broker.records.batches import BatchVerifier
from broker.runtimes import witnessing
from broker.runtimes.agency import AgencySide
from broker.runtimes.layout import UNUSABLE
from broker.runtimes.protocol import log_keys, protocol_entries
from broker.runtimes.topics import FOLLOWED
from broker.runtimes.witnessing import Witnessed

GROUP = "consumer"
LAST = b"last"
ROWS_AT_ONCE = 1000
TAKE = Bound(count=500, octets=8 * 1024 * 1024)

BEHIND = (CHECKPOINT, PROTOCOL)
"""Refusals that may only mean that this agency looked before what vouches was published."""

CATCH_UP_S = (0.0, 0.2, 1.0)
"""Pauses before each new look, in seconds, within one batch. The first one sees everything where
parties exchange over files; a broker may show two topics' messages some time apart."""


@dataclass(slots=True)
class ReceiveReport:
    """What one look at the topics brought.

    Attributes:
        received: deliveries that are new in the inbox.
        refused: (topic, offset, code) of deliveries that do not verify.
        witnessed: how far the log is witnessed; None if nobody looked.
        not_witnessed: code of why this agency could not look as a witness.
    """

    received: int = 0
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    witnessed: Witnessed | None = None
    not_witnessed: str = ""


async def receive(side: AgencySide, *, witness: bool = True) -> ReceiveReport:
    """Take what lies on the agency's topics into its inbox; then, as a witness, cosign the log.

    Args:
        side: the agency's.
        witness: whether to look as a witness, too.

    Raises:
        LogError: the published log does not follow on what this agency has seen of it: nothing is
            taken in, and every signatory must be told.
        Unavailable: a store cannot be reached.
    """
    report = ReceiveReport()
    try:
        roots = await follow_log(side)
    except LogError:
        await _witness(side, {}, report)  # tells all others
        raise
    receiving = _Receiving(side, _verifier(side, side.protocol, roots), roots, report)
    topics = [f"deliveries.{side.agency}", f"quarantine.{side.agency}"]
    async with side.own.lanes(topics, GROUP) as lanes:
        for lane in lanes:
            while await receiving.take(lane):
                pass
    if witness:
        await _witness(side, receiving.roots, report)
    return report


async def look(side: AgencySide) -> ReceiveReport:
    """Look at the log as a witness, and take nothing in.

    Raises:
        LogError: as for `receive`.
        Unavailable: a store cannot be reached.
    """
    report = ReceiveReport()
    roots: dict[int, bytes] = {}
    try:
        roots = await follow_log(side)
    finally:
        await _witness(side, roots, report)
    return report


async def _witness(side: AgencySide, roots: dict[int, bytes], report: ReceiveReport) -> None:
    """Look as a witness; nothing of what goes wrong with that may stop a delivery."""
    try:
        report.witnessed = await witnessing.witness(side, roots)
    except ConcordatError as error:
        report.not_witnessed = error.code.name
    except OSError:
        report.not_witnessed = UNUSABLE.name


def _verifier(side: AgencySide, protocol: PublishedProtocol, roots: dict[int, bytes]) -> Verifier:
    """Return what verifies deliveries by what is published now."""
    return Verifier(
        partnership=side.partnership,
        agency=side.agency,
        opener=side.opener,
        registry=protocol.registry,
        batches=BatchVerifier(side.partnership),
        protocol_head=protocol.head_at,
        origin=protocol.trust.origin,
        log_keys=log_keys(protocol.trust),
        checkpoints=roots,
    )


@dataclass(slots=True)
class _Receiving:
    """One look at the topics.

    Attributes:
        side: the agency's.
        verifier: by what was published when it was looked last.
        roots: roots of the log's checkpoints by size, as then.
        report: what the look has brought.
    """

    side: AgencySide
    verifier: Verifier
    roots: dict[int, bytes]
    report: ReceiveReport

    async def take(self, lane: Lane) -> int:
        """Take a batch into the inbox; return how many messages it had."""
        batch = await lane.take(TAKE)
        if batch.messages:
            rows = await self._verified(batch)
            known = await lane.recall(INBOX, [row.key for row in rows])
            fresh: dict[bytes, Message] = {}
            for row in rows:
                if row.key not in known:
                    fresh.setdefault(row.key, row)  # one may come twice in a batch, too
            reach("consumer.before-commit")
            await lane.commit(batch, list(fresh.values()))
            reach("consumer.after-commit")
            self.report.received += len(fresh)
        return len(batch.messages)

    async def _verified(self, batch: Batch) -> list[Message]:
        """Return rows of what verifies; note what does not."""
        pauses = iter(CATCH_UP_S)
        rows: list[Message] = []
        for received in batch.messages:
            try:
                rows.append(await self._row(received, pauses))
            except DeliveryRefused as error:
                where = (received.message.topic, received.offset, error.code.name)
                self.report.refused.append(where)
        return rows

    async def _row(self, received: Received, pauses: Iterator[float]) -> Message:
        """Return the row of a delivery.

        Raises:
            DeliveryRefused: it does not verify, and a new look does not change that.
        """
        while True:
            try:
                found = self.verifier.verify(received.message.value, received.message.topic)
            except DeliveryRefused as error:
                pause = next(pauses, None) if error.code in BEHIND else None
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                entries = await protocol_entries(self.side.stream)
                protocol = read_all(self.side.partnership, entries)
                self.roots = await follow_log(self.side)
                self.verifier = _verifier(self.side, protocol, self.roots)
            else:
                row = InboxRow.of(found, self.side.clock.now())
                return Message(INBOX, found.id, self.side.seal_row(row.encode()))


async def follow_log(side: AgencySide) -> dict[int, bytes]:
    """Follow the published checkpoints; return size → root of all that were ever followed.

    What was followed is kept before it is used.

    Raises:
        LogError: a checkpoint does not follow on the one before, or what was followed is gone.
    """
    rows = dict(await _rows(side, FOLLOWED))
    last = rows.pop(LAST, b"")
    offset = int.from_bytes(last[:8])
    followed = Followed(int.from_bytes(last[8:16]), last[16:])
    roots = {int.from_bytes(size): root for size, root in rows.items()}
    await _still_published(side, followed, offset)
    while steps := await side.stream.read(CHECKPOINTS, offset, ROWS_AT_ONCE):
        for step in steps:
            checkpoint = _step(side, followed, step)
            followed = Followed(checkpoint.size, checkpoint.root)
            roots[checkpoint.size] = checkpoint.root
        offset = steps[-1].offset + 1
        kept = [
            Message(FOLLOWED, size.to_bytes(8), root)
            for size, root in roots.items()
            if size.to_bytes(8) not in rows
        ]
        where = offset.to_bytes(8) + followed.size.to_bytes(8) + followed.root
        await side.own.publish([*kept, Message(FOLLOWED, LAST, where)])
        rows.update({one.key: one.value for one in kept})
    return roots


async def _still_published(side: AgencySide, followed: Followed, offset: int) -> None:
    """Refuse a log whose last step that was followed stands no more where it stood.

    To wait for what comes behind it would be to skip whatever takes the lost steps' places.
    """
    if not offset:
        return
    found = await side.stream.read(CHECKPOINTS, offset - 1, 1)
    if not found or found[0].offset != offset - 1:
        raise LogError(TAKEN_BACK, f"{CHECKPOINTS}, offset {offset - 1}")
    note = Note.parse(Published.decode(found[0].message.value).checkpoint)
    checkpoint = Checkpoint.parse(note.text)
    if Followed(checkpoint.size, checkpoint.root) != followed:
        raise LogError(TAKEN_BACK, f"{CHECKPOINTS}, offset {offset - 1}")


def _step(side: AgencySide, followed: Followed, step: Received) -> Checkpoint:
    trust = side.protocol.trust
    published = Published.decode(step.message.value)
    return follow(followed, published, trust.origin, log_keys(trust))


async def inbox(side: AgencySide) -> list[Item]:
    """Return everything in the inbox, oldest first."""
    done = {key: side.open_row(value) for key, value in await _rows(side, DONE)}
    now = side.clock.now()
    items = [
        Item(
            InboxRow.decode(DeliveryId(key), side.open_row(value)),
            Done.decode(done[key]) if key in done else NOTHING_DONE,
        )
        for key, value in await _rows(side, INBOX)
    ]
    return sorted(
        (item for item in items if not item.row.expired(now)), key=lambda item: item.row.index
    )


async def note_done(side: AgencySide, items: Sequence[Item]) -> None:
    """Keep what was done with deliveries."""
    rows = [Message(DONE, one.row.id, side.seal_row(one.done.encode())) for one in items]
    if rows:
        await side.own.publish(rows)


async def _rows(side: AgencySide, topic: str) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    offset = 0
    while rows := await side.own.read(topic, offset, ROWS_AT_ONCE):
        found += [(row.message.key, row.message.value) for row in rows]
        offset = rows[-1].offset + 1
    return found
