"""What the access log needs of the technology beside it: three stores.

`TileStore` holds the log itself; `LogIndex` makes it searchable and can be rebuilt from it;
`RecordKeys` holds the one key of each record, whose destruction erases the record.

When a store cannot be reached, every call raises `broker.lanes.Unavailable` and has changed
nothing; the same call may be tried again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from broker.clock import Instant
from broker.records.names import RecordDigest

LeafIndex = NewType("LeafIndex", int)
"""An entry's place in the log, from 0."""

DeliveryId = NewType("DeliveryId", bytes)
"""16 bytes: the first half of an entry's leaf hash."""

Token = bytes
"""16 bytes: a subject token (`broker.subjects.tokens`)."""

Cursor = NewType("Cursor", int)
"""Where the next page of a search begins; only what `find` returned, or `NEWEST`."""

NEWEST = Cursor(2**63 - 1)
"""Before every entry, seen from the newest: the largest integer that SQL stores hold."""

FIND_LIMIT = 1_000
"""Rows that one `find` returns at most: a page of memory, some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Row:
    """What may be searched of one entry, as the router says it.

    Attributes:
        kind: decision, quarantine, protocol, register, receipt, task or look.
        at: the time of the decision.
        source: agency that the cause came from.
        consumer: agency, or agency/desk; empty if the entry has none.
        outcome: withhold, refer, existence or content; empty if the entry decides nothing.
        type: record type; empty if the entry has none.
        clauses: ids of the clauses that the decision names.
        tokens: of the record's subject.
    """

    kind: str
    at: Instant
    source: str
    consumer: str = ""
    outcome: str = ""
    type: str = ""
    clauses: tuple[str, ...] = ()
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry as the index holds it.

    Attributes:
        index: the entry's leaf.
        batch: first leaf of the batch whose openings object holds the entry's parts.
        delivery: first 16 bytes of the leaf hash; the delivery id if something was released.
        record: r, the record's digest; None if the entry is about none.
        row: what may be searched.
    """

    index: LeafIndex
    batch: LeafIndex
    delivery: DeliveryId
    record: RecordDigest | None
    row: Row


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which entries to find: those that meet every condition; None sets none.

    Attributes:
        since: decided at this instant or later.
        until: decided before this instant.
        kind: equal to this one.
        source: equal to this agency.
        consumer: equal to this consumer; an agency alone also finds its desks.
        outcome: equal to this one.
        type: equal to this record type.
        clause: among the entry's clauses.
        token: among the entry's tokens.
        record: equal to this record digest.
        delivery: equal to this delivery id.
        party: this agency is the source, or the consumer, or its desk is.
        no_clause: whether only entries are meant that name no clause.
    """

    since: Instant | None = None
    until: Instant | None = None
    kind: str | None = None
    source: str | None = None
    consumer: str | None = None
    outcome: str | None = None
    type: str | None = None
    clause: str | None = None
    token: Token | None = None
    record: RecordDigest | None = None
    delivery: DeliveryId | None = None
    party: str | None = None
    no_clause: bool = False


EVERYTHING = LogQuery()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows found, newest first, and where to go on; `cursor` is None when nothing is left."""

    rows: tuple[LogRow, ...]
    cursor: Cursor | None


class TileStore(Protocol):
    """The log's own store: files written once, and one commit record that is swapped."""

    async def create(self, path: str, data: bytes) -> None:
        """Write a file once. Durable when it returns. The same bytes again change nothing.

        Args:
            path: relative, parts `[a-z0-9][a-z0-9._-]*` divided by `/`.
            data: the file's bytes.

        Raises:
            StoreConflict: other bytes stand there; they are kept.
            Unavailable: the store cannot be reached. The file may or may not stand.
        """
        ...

    async def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def current(self) -> bytes | None:
        """Return the commit record, or None before the first one.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def swap(self, old: bytes | None, new: bytes) -> None:
        """Replace the commit record if it is still `old`, in one step. Durable when it returns.

        Raises:
            SwapLost: the record is another one; nothing was changed.
            Unavailable: the store cannot be reached. Either record may stand: read `current`.
        """
        ...


class LogIndex(Protocol):
    """Search over the log's rows. Holds nothing that cannot be rebuilt from the log."""

    async def size(self) -> int:
        """Return how many entries the index holds: leaves 0 to size - 1."""
        ...

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        """Append the rows of leaves `start`, `start` + 1, …; those that it holds are skipped.

        Durability may lag (the sequencer looks at `size` and adds what is missing), order may not.

        Raises:
            IndexGap: `start` lies behind the index's end; nothing was added.
            ValueError: the rows are not those of consecutive leaves; nothing was added.
        """
        ...

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        """Return rows that meet `query`, by falling leaf index, those below `cursor` only.

        Args:
            query: the conditions.
            cursor: from the page before, or `NEWEST`.
            limit: rows at most, 1 to `FIND_LIMIT`.

        Raises:
            ValueError: a page of another size.
        """
        ...


class RecordKeys(Protocol):
    """One random 32-byte key a record, under which lies whatever the broker keeps of it."""

    async def keep(self, keys: Mapping[RecordDigest, bytes]) -> None:
        """Store the keys of records, all or none. Durable when it returns; the same again: no-op.

        A router that dies between this and its commit decides the same records again: it must
        `get` the keys of all records of a batch first, and make new ones only for the others. Two
        routers that did so at the same time are told apart by `KeyConflict`: nothing is ever
        sealed under a key that another one replaced.

        Raises:
            KeyConflict: a record has another key; nothing was stored. `get` it and seal again.
            Erased: the key of one of the records was destroyed; nothing was stored.
        """
        ...

    async def get(self, records: Collection[RecordDigest]) -> dict[RecordDigest, bytes]:
        """Return the keys of those records that have one; unknown and erased ones are left out."""
        ...

    async def destroyed(self, records: Collection[RecordDigest]) -> dict[RecordDigest, Instant]:
        """Return when each of those records was erased; those that were not are left out."""
        ...

    async def destroy(self, records: Collection[RecordDigest], at: Instant) -> None:
        """Destroy keys for ever, also of records that had none. Durable when it returns.

        The store must not keep the bytes anywhere it can reach (no journal, no free page); the
        first instant of destruction stands.
        """
        ...
