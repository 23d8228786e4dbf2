"""The log's search index in a SQLite file; whatever is lost of it is made again from the log.

Digests and delivery ids are random, so adding a row touches a page of its own in an index over
them. Half of those pages are saved by indexing the first 8 octets only; the rest is compared in the
row.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from broker.access_log.errors import IndexGap
from broker.access_log.ports import (
    FIND_LIMIT,
    NEWEST,
    Cursor,
    DeliveryId,
    LeafIndex,
    LogQuery,
    LogRow,
    Page,
    Row,
)
from broker.backends.sqlite.database import Database, Schema, Value, open_database
from broker.clock import DAY, Instant
from broker.records.names import RecordDigest

TOKEN_OCTETS = 16

FIRST = """
CREATE TABLE entries (
    leaf     INTEGER PRIMARY KEY,
    batch    INTEGER NOT NULL,
    delivery BLOB NOT NULL,
    record   BLOB,
    kind     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    source   TEXT NOT NULL,
    agency   TEXT NOT NULL,                  -- of the consumer
    desk     TEXT NOT NULL,                  -- of the consumer: "/" and its name, or empty
    outcome  TEXT NOT NULL,
    type     TEXT NOT NULL,
    clauses  TEXT NOT NULL,                  -- one a line
    tokens   BLOB NOT NULL                   -- 16 octets each
) STRICT;
CREATE INDEX entry_deliveries ON entries (substr(delivery, 1, 8));
CREATE INDEX entry_records ON entries (substr(record, 1, 8)) WHERE record IS NOT NULL;
CREATE INDEX entry_sources ON entries (source);
CREATE INDEX entry_agencies ON entries (agency);
CREATE TABLE clause_entries (
    clause   TEXT NOT NULL,
    leaf     INTEGER NOT NULL,
    PRIMARY KEY (clause, leaf)
) STRICT, WITHOUT ROWID;
CREATE TABLE token_entries (
    token    BLOB NOT NULL,
    leaf     INTEGER NOT NULL,
    PRIMARY KEY (token, leaf)
) STRICT, WITHOUT ROWID;
"""

SECOND = """
DROP INDEX entry_sources;
DROP INDEX entry_agencies;
CREATE INDEX entry_sources ON entries (source, leaf, outcome, type, kind);
CREATE INDEX entry_agencies ON entries (agency, leaf, outcome, type, kind, source);
CREATE INDEX entry_types ON entries (type, leaf, outcome, kind);
CREATE INDEX entry_outcomes ON entries (outcome, leaf, kind);
CREATE INDEX entry_kinds ON entries (kind, leaf);
CREATE TABLE days (
    day      INTEGER PRIMARY KEY,            -- since 1970-01-01
    first    INTEGER NOT NULL,               -- its lowest and its highest leaf
    last     INTEGER NOT NULL
) STRICT;
INSERT INTO days SELECT at / 86400000, min(leaf), max(leaf) FROM entries GROUP BY at / 86400000;
"""
"""An index goes by leaf behind its first column, so that a page is read in order and no further
than it goes. What follows the leaf is looked at before the row is fetched: one that is asked for by
two things, each of them common, costs a hundredth of a second in a million entries."""

LOG_INDEX = Schema("log-index", (FIRST, SECOND), durable=False)

INSERT = (
    "INSERT INTO entries (leaf, batch, delivery, record, kind, at, source, agency, desk,"
    " outcome, type, clauses, tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

NOTE_DAY = (
    "INSERT INTO days (day, first, last) VALUES (?, ?, ?) ON CONFLICT (day) DO UPDATE"
    " SET first = min(first, excluded.first), last = max(last, excluded.last)"
)

SELECT = (
    "SELECT entries.leaf, batch, delivery, record, kind, at, source, agency, desk,"
    " outcome, type, clauses, tokens FROM "
)

CONDITIONS = {
    "delivery": "substr(delivery, 1, 8) = substr(:delivery, 1, 8) AND delivery = :delivery",
    "record": "record IS NOT NULL AND substr(record, 1, 8) = substr(:record, 1, 8)"
    " AND record = :record",
    "token": "EXISTS (SELECT 1 FROM token_entries AS one"
    " WHERE one.token = :token AND one.leaf = entries.leaf)",
    "clause": "EXISTS (SELECT 1 FROM clause_entries AS one"
    " WHERE one.clause = :clause AND one.leaf = entries.leaf)",
    "party": "(source = :party OR agency = :party)",
    "sent": "source = :party",
    "got": "agency = :party AND source <> :party",
    "agency": "agency = :agency",
    "desk": "desk = :desk",
    "source": "source = :source",
    "type": "type = :type",
    "outcome": "outcome = :outcome",
    "kind": "kind = :kind",
    "no_clause": "clauses = ''",
    "since": "at >= :since AND entries.leaf >="
    " coalesce((SELECT min(first) FROM days WHERE day >= :since / 86400000), :cursor)",
    "until": "at < :until",
}
"""What each condition of a query means for a row of `entries`. 86,400,000 ms are a day."""

BELOW = ":cursor"
BELOW_DAY = (
    "min(:cursor, 1 + coalesce((SELECT max(last) FROM days WHERE day <= :until / 86400000), -1))"
)
"""Where a search begins: of two upper bounds SQLite would take one and read down to the other."""

ENTRIES = ("entries", "entries.leaf < :cursor", "entries.leaf")
LEADS = {
    "delivery": ENTRIES,
    "token": (
        "token_entries AS lead CROSS JOIN entries ON entries.leaf = lead.leaf",
        "lead.token = :token AND lead.leaf < :cursor",
        "lead.leaf",
    ),
    "record": ENTRIES,
    "clause": (
        "clause_entries AS lead CROSS JOIN entries ON entries.leaf = lead.leaf",
        "lead.clause = :clause AND lead.leaf < :cursor",
        "lead.leaf",
    ),
    "sent": ("entries INDEXED BY entry_sources", *ENTRIES[1:]),
    "got": ("entries INDEXED BY entry_agencies", *ENTRIES[1:]),
    "agency": ("entries INDEXED BY entry_agencies", *ENTRIES[1:]),
    "source": ("entries INDEXED BY entry_sources", *ENTRIES[1:]),
    "type": ("entries INDEXED BY entry_types", *ENTRIES[1:]),
    "outcome": ("entries INDEXED BY entry_outcomes", *ENTRIES[1:]),
    "kind": ("entries INDEXED BY entry_kinds", *ENTRIES[1:]),
}
"""Tables, first condition and order of a search that has this condition: the first one here that it
has. What leaves fewest rows comes first; a search with none of them goes through `ENTRIES`."""

FEW = frozenset({"delivery", "token", "record", "clause"})
"""Leads that leave so few rows that whoever is named in them is looked at in the row."""


class SqliteLogIndex(AbstractContextManager["SqliteLogIndex"]):
    """See `broker.access_log.ports.LogIndex`."""

    def __init__(self, database: Database) -> None:
        """Take an open database of `LOG_INDEX`; see `open`."""
        self._database = database

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False) -> Self:
        """Open the file; make it, empty, if it is missing: it can be filled from the log.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
        """
        return cls(open_database(path, LOG_INDEX, readonly=readonly))

    async def size(self) -> int:
        """Return how many entries the index holds."""
        return await self._database.call(self._size)

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        """Append rows; skip those that are there."""
        if any(row.index != start + place for place, row in enumerate(rows)):
            raise ValueError("rows are those of consecutive leaves from the start on")
        database = self._database

        def write() -> None:
            with database.transaction():
                size = self._size()
                if start > size:
                    raise IndexGap(f"{size} entries, rows from {start}")
                new = rows[size - start :]
                database.many(INSERT, map(_values, new))
                database.many(NOTE_DAY, _days(new))
                database.many(
                    "INSERT INTO clause_entries (clause, leaf) VALUES (?, ?)",
                    ((clause, row.index) for row in new for clause in set(row.row.clauses)),
                )
                database.many(
                    "INSERT INTO token_entries (token, leaf) VALUES (?, ?)",
                    ((token, row.index) for row in new for token in set(row.row.tokens)),
                )

        await database.call(write)

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        """Return rows that meet the query, newest first."""
        if not 1 <= limit <= FIND_LIMIT:
            raise ValueError(f"a page has 1 to {FIND_LIMIT} rows")
        database = self._database
        sql, values = _search(query)
        values |= {"cursor": cursor, "limit": limit + 1}

        def look() -> list[LogRow]:
            with database.snapshot():
                return [_row(found) for found in database.rows(sql, values)]

        found = await database.call(look)
        more = len(found) > limit
        return Page(tuple(found[:limit]), Cursor(found[limit - 1].index) if more else None)

    def close(self) -> None:
        """Let what is under way end, then close the file."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _size(self) -> int:
        ((last,),) = self._database.rows("SELECT max(leaf) FROM entries")
        return 0 if last is None else int(last) + 1


def _search(query: LogQuery) -> tuple[str, dict[str, Value]]:
    """Return the statement for a query, put together from constants, and its values."""
    values = dict(_asked(query))
    if "party" not in values or not FEW.isdisjoint(values):
        sql, order = _branch(values)
    else:
        # Two searches, each in the order of its index, are merged; one for either of two would
        # read and sort all that both have.
        others = [name for name in values if name != "party"]
        sql = " UNION ALL ".join(_branch([who, *others])[0] for who in ("sent", "got"))
        order = "1"
    return f"{sql} ORDER BY {order} DESC LIMIT :limit", values


def _branch(names: Iterable[str]) -> tuple[str, str]:
    """Return a search for rows that meet these conditions, and what puts it in order."""
    asked = list(names)
    lead = next((name for name in LEADS if name in asked), "")
    tables, first, order = LEADS.get(lead, ENTRIES)
    led = {lead} if tables.startswith(("token", "clause")) else set()
    if "until" in asked:
        first = first.replace(BELOW, BELOW_DAY)
    where = " AND ".join([first, *(CONDITIONS[name] for name in asked if name not in led)])
    return f"{SELECT}{tables} WHERE {where}", order


def _days(rows: Iterable[LogRow]) -> Iterator[tuple[int, int, int]]:
    """Yield each day of rows with its lowest and its highest leaf among them."""
    leaves: dict[int, list[int]] = {}
    for row in rows:
        leaves.setdefault(row.row.at // DAY, []).append(row.index)
    for day, found in leaves.items():
        yield day, min(found), max(found)


def _asked(query: LogQuery) -> Iterator[tuple[str, Value]]:
    """Yield the conditions that a query sets, as columns have them."""
    for name in ("delivery", "record", "token", "clause", "source", "type", "outcome", "kind"):
        if (value := getattr(query, name)) is not None:
            yield name, value
    if query.since is not None:
        yield "since", query.since
    if query.until is not None:
        yield "until", query.until
    if query.party is not None:
        yield "party", query.party
    if query.no_clause:
        yield "no_clause", 1
    if query.consumer is not None:
        agency, slash, desk = query.consumer.partition("/")
        yield "agency", agency
        if slash:
            yield "desk", slash + desk


def _values(row: LogRow) -> tuple[Value, ...]:
    what = row.row
    agency, slash, desk = what.consumer.partition("/")
    return (
        row.index,
        row.batch,
        row.delivery,
        row.record,
        what.kind,
        what.at,
        what.source,
        agency,
        slash + desk,
        what.outcome,
        what.type,
        "\n".join(what.clauses),
        b"".join(what.tokens),
    )


def _row(found: tuple[Any, ...]) -> LogRow:
    leaf, batch, delivery, record, kind, at, source, agency, desk, *rest = found
    outcome, of_type, clauses, tokens = rest
    return LogRow(
        LeafIndex(leaf),
        LeafIndex(batch),
        DeliveryId(delivery),
        None if record is None else RecordDigest(record),
        Row(
            kind,
            Instant(at),
            source,
            agency + desk,
            outcome,
            of_type,
            tuple(clauses.split("\n")) if clauses else (),
            tuple(
                tokens[place : place + TOKEN_OCTETS]
                for place in range(0, len(tokens), TOKEN_OCTETS)
            ),
        ),
    )
