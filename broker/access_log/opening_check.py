"""Whether what the log keeps of a message opens to what its entries committed to.

For each entry: (a) a part for which there is a key opens; (b) it fits its commitment in the leaf;
(c) it is encoded as the format says; (d) the row that can be searched says what the facts say, and
facts and personal part belong to the message and record that they are kept with. The told
commitment also covers the minimised record: whoever opens the archive checks it (`Recheck`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from broker.access_log.decided import Kept, KeptEntry
from broker.access_log.entry import Leaf, Opening, PrivateOpening, commit_facts, commit_personal
from broker.access_log.errors import COMMITMENT, ROW, SEALED, LogError
from broker.access_log.findings import Finding
from broker.access_log.opened import Closed, OpenedEntry, OpenedMessage, Part, Unsealed
from broker.access_log.parts import Facts, Personal
from broker.access_log.ports import LeafIndex


@dataclass(slots=True)
class OpeningCheck:
    """Opens messages one after the other and counts what stays closed.

    Attributes:
        findings: what is wrong so far.
        closed: entries of which a part stayed closed for want of a key.
        erased: entries whose record is erased.
    """

    findings: list[Finding] = field(default_factory=list)
    closed: int = 0
    erased: int = 0

    def message(self, first: int, kept: Kept, unsealed: Unsealed) -> OpenedMessage:
        """Return a message opened as far as it is sound.

        Args:
            first: leaf of its first entry.
            kept: what the log keeps of it.
            unsealed: the same, without seals.
        """
        entries: list[OpenedEntry] = []
        for index, (entry, parts) in enumerate(
            zip(kept.entries, unsealed.entries, strict=True), first
        ):
            self.closed += parts.facts is Closed.NO_KEY or parts.private is Closed.NO_KEY
            self.erased += parts.private is Closed.ERASED
            place = LeafIndex(index)
            facts = self._facts(place, entry, parts.facts)
            personal, told = self._private(place, entry, parts.private)
            if facts is not None or personal is not None:
                self.findings += _rows(place, kept, entry, facts, personal)
            leaf = Leaf.parse(entry.leaf)
            entries.append(OpenedEntry(place, leaf, entry, facts, personal, told))
        archive = unsealed.archive
        if archive is Closed.BROKEN:
            self.findings.append(Finding(LeafIndex(first), SEALED, "archive"))
        return OpenedMessage(
            cause=kept.cause,
            archive=archive if isinstance(archive, bytes) else None,
            erased=archive is Closed.ERASED,
            entries=tuple(entries),
        )

    def _facts(self, index: LeafIndex, entry: KeptEntry, part: Part) -> Facts | None:
        data = self._unsealed(index, part, "facts")
        if data is None:
            return None
        try:
            return open_facts(entry, data)
        except LogError as error:
            self.findings.append(Finding(index, error.code, error.where))
            return None

    def _private(
        self, index: LeafIndex, entry: KeptEntry, part: Part
    ) -> tuple[Personal | None, Opening | None]:
        data = self._unsealed(index, part, "personal part")
        if data is None:
            return None, None
        try:
            return open_private(entry, data)
        except LogError as error:
            self.findings.append(Finding(index, error.code, error.where))
            return None, None

    def _unsealed(self, index: LeafIndex, part: Part, where: str) -> bytes | None:
        if part is Closed.BROKEN:
            self.findings.append(Finding(index, SEALED, where))
        return part if isinstance(part, bytes) else None


def _rows(
    index: LeafIndex, kept: Kept, entry: KeptEntry, facts: Facts | None, personal: Personal | None
) -> Iterator[Finding]:
    row = entry.row
    if facts is not None:
        if (row.kind, row.at, row.source, row.consumer) != (
            facts.kind,
            facts.at,
            facts.source,
            facts.consumer,
        ):
            yield Finding(index, ROW, "row")
        if kept.cause != facts.cause:
            yield Finding(index, ROW, "cause")
    if personal is not None:
        if personal.record != entry.record:
            yield Finding(index, ROW, "record")
        if personal.tokens != row.tokens:
            yield Finding(index, ROW, "tokens")


def open_facts(entry: KeptEntry, data: bytes) -> Facts:
    """Return an entry's facts from their unsealed opening.

    Raises:
        LogError: `log.commitment` or `log.shape`.
    """
    opening = Opening.decode(data)
    if commit_facts(opening.salt, opening.data) != Leaf.parse(entry.leaf).facts:
        raise LogError(COMMITMENT, "facts")
    return Facts.decode(opening.data)


def open_private(entry: KeptEntry, data: bytes) -> tuple[Personal | None, Opening]:
    """Return an entry's personal part, None if it has none, and what its consumer was told.

    Raises:
        LogError: `log.commitment` or `log.shape`.
    """
    private = PrivateOpening.decode(data)
    opening = private.personal
    if commit_personal(opening.salt, opening.data) != Leaf.parse(entry.leaf).personal:
        raise LogError(COMMITMENT, "personal part")
    return (Personal.decode(opening.data) if opening.data else None), private.told
