"""The intake of an agency's adapter: content that other systems bring goes into the outbox.

Content that several senders bring at the same time is kept together: one look at the outbox a
piece, then one signature, one transaction and one fsync for all. Nobody is answered before that
transaction is durable. Rules:

1. Whoever holds the lock of the outbox keeps for all who wait, in the order in which they came.
2. Two pieces about the same item are never kept together: the second one must find the first in
   the outbox, or it could not tell what it supersedes.
3. If several cannot be kept together, each is tried by itself: one sender's content is no other's
   fault.
4. If the one who keeps is cancelled, the next one who waits keeps; the outbox knows what it has.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.format import Format
from adapters.intake import Taken
from adapters.outbox import Origin, Planned, origin_of
from adapters.publication import PublicationRule
from adapters.quality import quality_of, together
from adapters.reading import Reading, read_bytes
from adapters.registry import named, recognise
from adapters.sources.files import HEAD_BYTES
from broker.errors import ConcordatError
from broker.lanes import Unavailable
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import (
    PublishReport,
    context_of,
    keep_signed,
    load_rule,
    published_as,
    weigh,
)

NOT_OPEN = (
    "The agency's side is not open: it is about to end, or what is published is out of reach."
)

MOST_TOGETHER = 64
"""Pieces of content kept in one transaction: more than a listener's usual connections, and some
milliseconds of signing and sealing."""


@dataclass(slots=True, eq=False)
class _Piece:
    """Content that waits to be kept.

    Attributes:
        reading: what was read of it.
        rule: the publication rule of when it came.
        report: what became of it.
        kept: whether it is in the outbox, as far as the rule lets it out.
        error: why it is not.
    """

    reading: Reading
    rule: PublicationRule
    report: PublishReport = field(default_factory=PublishReport)
    kept: bool = False
    error: Exception | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody has tried to keep it yet."""
        return not self.kept and self.error is None


class SideIntake:
    """See `adapters.intake.Intake`: works while an agency's side is open."""

    def __init__(self) -> None:
        """Begin without a side: nothing can be taken yet."""
        self._side: AgencySide | None = None
        self._waiting: list[_Piece] = []

    @asynccontextmanager
    async def open(self, side: AgencySide) -> AsyncIterator[None]:
        """Take content with a side; at the end, what is being kept comes to its end first."""
        self._side = side
        try:
            yield
        finally:
            self._side = None
            async with side.keeping:  # behind all who wait for it
                pass

    async def take(self, content: bytes, name: str, format_name: str | None = None) -> Taken:
        """Read, map, judge, sign and keep content; return when all of it is in the outbox.

        Raises:
            InputRefused: its format is unknown.
            ProtocolError: no revision is in force.
            ProtocolTextError: the publication rule cannot be read.
            LaneError: the side is not open, or the outbox cannot be written.
        """
        side = self._side
        if side is None:
            raise Unavailable("outbox", NOT_OPEN)
        rule = load_rule(side)
        chosen = _format(content, name, format_name)
        piece = _Piece(read_bytes(content, name, context_of(side, rule), chosen), rule)
        self._waiting.append(piece)
        done: Sequence[_Piece] = ()
        try:
            async with side.keeping:
                if piece.waits:
                    done = await self._keep(side)
        finally:
            if piece in self._waiting:
                self._waiting.remove(piece)
        await _note(side, done)
        if piece.error is not None:
            raise piece.error
        report = piece.report
        return Taken(
            piece.reading.accounting,
            len(report.published),
            report.already,
            len(report.kept_back),
            tuple(one for _, one in report.refused),
        )

    async def _keep(self, side: AgencySide) -> Sequence[_Piece]:
        """Keep what waits; return what was kept. The one who calls holds the lock."""
        tried = [one for one in self._waiting if one.waits][:MOST_TOGETHER]
        try:
            kept = await _keep_together(side, tried)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever brought it is told
            if len(tried) == 1:
                tried[0].error = error
                return ()
            kept = [one for one in tried if await _keep_alone(side, one)]
        return kept


async def _keep_together(side: AgencySide, pieces: Sequence[_Piece]) -> list[_Piece]:
    """Keep pieces in one transaction, up to one about an item that is in it; return them."""
    planned: list[Planned] = []
    origins: set[Origin] = set()
    taken: list[tuple[_Piece, PublishReport]] = []
    for one in pieces:
        report = PublishReport()
        file = one.reading.accounting.file
        new = await weigh(side, one.rule, file, one.reading.drafts, report)
        own = {origin_of(record.prepared) for record in new}
        if own & origins:
            break
        report.published += [published_as(file, record) for record in new]
        origins |= own
        planned += new
        taken.append((one, report))
    await keep_signed(side, planned)
    for one, report in taken:
        one.report, one.kept = report, True
    return [one for one, _ in taken]


async def _keep_alone(side: AgencySide, piece: _Piece) -> bool:
    """Keep one piece, or note why not."""
    try:
        await _keep_together(side, [piece])
    except Exception as error:  # noqa: BLE001 - as above
        piece.error = error
    return piece.kept


async def _note(side: AgencySide, pieces: Sequence[_Piece]) -> None:
    """Note how good content was: once for each listener and format; nothing fails if it cannot."""
    groups: dict[tuple[str, str], list[_Piece]] = {}
    for one in pieces:
        account = one.reading.accounting
        groups.setdefault((account.file, account.format), []).append(one)
    for (file, format_name), several in groups.items():
        qualities = [
            quality_of(
                one.reading.accounting,
                one.reading.children,
                [refused for _, refused in one.report.refused],
                len(one.report.kept_back),
            )
            for one in several
        ]
        try:
            await side.readings.note(together(qualities, file, format_name), None, side.clock.now())
        except ConcordatError:
            # Its records are safe, and who brought it must hear so.
            continue


def _format(content: bytes, name: str, format_name: str | None) -> Format:
    return recognise(content[:HEAD_BYTES], name) if format_name is None else named(format_name)
