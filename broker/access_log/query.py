"""Searching the log: rows from the index, and what they stand for where there are keys.

The index finds; what is shown of an entry comes from the log's openings, and only parts that fit
their commitments are shown (`opening_check`).
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from broker.access_log.decided import Kept
from broker.access_log.findings import Finding
from broker.access_log.opened import OpenedEntry, OpenedMessage, PartOpener
from broker.access_log.opening_check import OpeningCheck
from broker.access_log.ports import FIND_LIMIT, NEWEST, Cursor, LogIndex, LogQuery, LogRow
from broker.access_log.reader import LogView

BATCHES_KEPT = 4
"""Opened batches kept in memory while a page is filled: neighbours in time share a batch."""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry that was looked for.

    Attributes:
        row: as the index holds it.
        entry: as the log holds it, opened as far as there are keys.
        message: the message that it came with; its archive is the record.
    """

    row: LogRow
    entry: OpenedEntry
    message: OpenedMessage


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Entries found, newest first.

    Attributes:
        found: the entries.
        cursor: where to go on; None when nothing is left.
        findings: what did not add up while they were opened.
    """

    found: tuple[Found, ...]
    cursor: Cursor | None
    findings: tuple[Finding, ...]


async def rows_of(index: LogIndex, query: LogQuery) -> AsyncIterator[LogRow]:
    """Yield all rows of an index that meet a query, newest first.

    Raises:
        Unavailable: the index cannot be reached.
    """
    cursor: Cursor | None = NEWEST
    while cursor is not None:
        page = await index.find(query, cursor, FIND_LIMIT)
        for row in page.rows:
            yield row
        cursor = page.cursor


class Search:
    """Searches one log."""

    def __init__(self, view: LogView, index: LogIndex, opener: PartOpener) -> None:
        """Search `index`, open from `view` what `opener` has keys for."""
        self._view = view
        self._index = index
        self._opener = opener
        self._batches: OrderedDict[int, tuple[list[OpenedMessage], list[Finding]]] = OrderedDict()

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> FoundPage:
        """Return entries that meet `query`, those below `cursor` only.

        Raises:
            LogError: a file of the log is missing or not what the format says.
            Unavailable: a store cannot be reached.
        """
        page = await self._index.find(query, cursor, limit)
        found: list[Found] = []
        findings: list[Finding] = []
        for row in page.rows:
            messages, wrong = await self._open(row.batch)
            findings += [one for one in wrong if one.index == row.index]
            found += [
                Found(row, entry, message)
                for message in messages
                for entry in message.entries
                if entry.index == row.index
            ]
        return FoundPage(tuple(found), page.cursor, tuple(findings))

    async def _open(self, start: int) -> tuple[list[OpenedMessage], list[Finding]]:
        if start not in self._batches:
            batch = await self._view.batch(start)
            openings = await self._view.openings(batch)
            kept = [Kept.decode(message.kept) for message in openings.messages]
            check = OpeningCheck()
            unsealed = await self._opener.open(kept)
            opened = [
                check.message(origin.first, one, parts)
                for origin, one, parts in zip(batch.origins, kept, unsealed, strict=True)
            ]
            self._batches[start] = (opened, check.findings)
            if len(self._batches) > BATCHES_KEPT:
                self._batches.popitem(last=False)
        self._batches.move_to_end(start)
        return self._batches[start]
