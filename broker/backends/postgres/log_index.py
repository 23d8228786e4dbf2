"""The log's search index in a PostgreSQL schema; whatever is lost of it is made again from the log.

The table's name ends in the version of its shape. Another shape is another table, empty at first
and filled from the log like any index that lags; a process of the version before goes on with its
own table meanwhile.

Rows lie in a partition for each month, so that an old month can be detached whole, and one that is
asked about is all that is read. Which leaves each day has stands in a table of its own: a search
from one day to another begins at the last of them.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self

import asyncpg

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
from broker.backends.postgres.server import Server, connected
from broker.clock import DAY, SECOND, Instant
from broker.records.names import RecordDigest

DEADLINE_S = 30.0
"""How long one call may wait for the server; a search of millions of rows takes a second."""

TOKEN_OCTETS = 16

SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

TABLE = """
CREATE TABLE entries_2 (
    leaf     bigint NOT NULL,
    batch    bigint NOT NULL,
    delivery bytea NOT NULL,
    record   bytea,
    kind     text NOT NULL,
    at       bigint NOT NULL,
    source   text NOT NULL,
    agency   text NOT NULL,                  -- of the consumer
    desk     text NOT NULL,                  -- of the consumer: "/" and its name, or empty
    outcome  text NOT NULL,
    type     text NOT NULL,
    clauses  text NOT NULL,                  -- one a line
    tokens   bytea NOT NULL,                 -- 16 octets each
    PRIMARY KEY (leaf, at)
) PARTITION BY RANGE (at);
CREATE INDEX ON entries_2 USING hash (delivery);
CREATE INDEX ON entries_2 USING hash (record);
CREATE INDEX ON entries_2 (source, leaf);
CREATE INDEX ON entries_2 (source, outcome, leaf);
CREATE INDEX ON entries_2 (source, type, leaf);
CREATE INDEX ON entries_2 (source, agency, leaf);
CREATE INDEX ON entries_2 (agency, leaf);
CREATE INDEX ON entries_2 (agency, outcome, leaf);
CREATE INDEX ON entries_2 (agency, type, leaf);
CREATE INDEX ON entries_2 (type, leaf);
CREATE INDEX ON entries_2 (outcome, leaf);
CREATE INDEX ON entries_2 (kind, leaf);
CREATE TABLE entries_2_clauses (
    clause   text NOT NULL,
    leaf     bigint NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (clause, leaf)
);
CREATE TABLE entries_2_tokens (
    token    bytea NOT NULL,
    leaf     bigint NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (token, leaf)
);
CREATE TABLE entries_2_days (
    day      bigint PRIMARY KEY,             -- since 1970-01-01
    first    bigint NOT NULL,                -- its lowest and its highest leaf
    last     bigint NOT NULL
);
"""

SIZE = "SELECT coalesce(max(leaf) + 1, 0) FROM entries_2"

COLUMNS = (
    "leaf, batch, delivery, record, kind, at, source, agency, desk, outcome, type, clauses, tokens"
)
INSERT = (
    f"INSERT INTO entries_2 ({COLUMNS})"  # noqa: S608 - constants only
    " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[],"
    " $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],"
    " $13::bytea[]) ON CONFLICT DO NOTHING"
)
"""All rows in one statement: the server does a third of the work that it does for each alone."""

NOTE_CLAUSE = (
    "INSERT INTO entries_2_clauses (clause, leaf, at)"
    " SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING"
)
NOTE_PERSON = (
    "INSERT INTO entries_2_tokens (token, leaf, at)"
    " SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING"
)
NOTE_DAY = (
    "INSERT INTO entries_2_days AS old (day, first, last) VALUES ($1, $2, $3) ON CONFLICT (day)"
    " DO UPDATE SET first = least(old.first, excluded.first),"
    " last = greatest(old.last, excluded.last)"
)
SELECT = (
    "SELECT one.leaf, one.batch, one.delivery, one.record, one.kind, one.at, one.source,"
    " one.agency, one.desk, one.outcome, one.type, one.clauses, one.tokens FROM "
)

CONDITIONS = {
    "delivery": "one.delivery = {0}",
    "record": "one.record = {0}",
    "token": "EXISTS (SELECT FROM entries_2_tokens AS its"
    " WHERE its.token = {0} AND its.leaf = one.leaf)",
    "clause": "EXISTS (SELECT FROM entries_2_clauses AS its"
    " WHERE its.clause = {0} AND its.leaf = one.leaf)",
    "party": "(one.source = {0} OR one.agency = {0})",
    "sent": "one.source = {0}",
    "got": "one.agency = {0} AND one.source <> {0}",
    "agency": "one.agency = {0}",
    "desk": "one.desk = {0}",
    "source": "one.source = {0}",
    "type": "one.type = {0}",
    "outcome": "one.outcome = {0}",
    "kind": "one.kind = {0}",
    "no_clause": "(one.clauses = '') = {0}",
    "since": "one.at >= {0} AND one.leaf >= (SELECT coalesce(min(first), 9223372036854775807)"
    " FROM entries_2_days WHERE day >= {0}::bigint / 86400000)",
    "until": "one.at < {0} AND one.leaf <= (SELECT coalesce(max(last), -1)"
    " FROM entries_2_days WHERE day <= {0}::bigint / 86400000)",
}
"""What each condition of a query means for a row, with its value's place; 86400000 ms are a day."""

EQUAL = ("source", "type", "outcome", "kind")
FEW = frozenset({"delivery", "record", "token", "clause"})
"""Conditions that leave so few rows that whoever is named in them is looked at in the row."""

ENTRIES = ("entries_2 AS one", "one.leaf < $1", "one.leaf")
LED = (
    "CROSS JOIN LATERAL (SELECT * FROM entries_2 AS each"
    " WHERE each.leaf = lead.leaf AND each.at = lead.at OFFSET 0) AS one"
)
"""A row of each lead, one after the other: OFFSET 0 keeps PostgreSQL from joining all at once. It
takes that for cheaper than it is, not knowing that a page is soon full."""
LEADS = {
    "token": (
        f"entries_2_tokens AS lead {LED}",
        "lead.leaf < $1 AND lead.token = {0}",
        "lead.leaf",
    ),
    "clause": (
        f"entries_2_clauses AS lead {LED}",
        "lead.leaf < $1 AND lead.clause = {0}",
        "lead.leaf",
    ),
}
"""Tables, first condition and order of a search that has this condition: the first one here."""


class PostgresLogIndex:
    """See `broker.access_log.ports.LogIndex`."""

    def __init__(self, server: Server) -> None:
        """Take a server whose schema holds the table; see `open`."""
        self.server = server
        self._months: set[tuple[int, int]] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str, schema: str = "concordat", *, deadline_s: float = DEADLINE_S
    ) -> AsyncIterator[Self]:
        """Connect; make schema and table, empty, if they are missing; close at the end.

        Who only searches needs the rights USAGE on the schema and SELECT on its tables. An
        installation has a schema of its own.

        Args:
            dsn: `postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full` and the like.
            schema: its name, of small letters, digits and low lines.
            deadline_s: how long one statement may take before the store counts as out of reach.

        Raises:
            Unavailable: the server cannot be reached, or does not let us in.
            ValueError: the address or the schema's name is not one.
        """
        if not SCHEMA_NAME.fullmatch(schema):
            raise ValueError("a schema's name has small letters, digits and low lines, 63 at most")
        async with connected(dsn, schema, deadline_s) as server:
            async with server.transaction() as connection:
                await _make(connection, schema)
            yield cls(server)

    async def size(self) -> int:
        """Return how many entries the index holds."""
        async with self.server.transaction() as connection:
            return int(await connection.fetchval(SIZE))

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        """Append rows; skip those that are there, also what another writer adds at this moment.

        A commit whose answer is lost is `Unavailable` and may have taken place: the same call
        again then skips what it added.
        """
        if any(row.index != start + place for place, row in enumerate(rows)):
            raise ValueError("rows are those of consecutive leaves from the start on")
        await self.make_months({month_of(row.row.at) for row in rows})
        async with self.server.transaction() as connection:
            # A crash of the server may lose the last commits, never their order.
            await connection.execute("SET LOCAL synchronous_commit TO off")
            size = int(await connection.fetchval(SIZE))
            if start > size:
                raise IndexGap(f"{size} entries, rows from {start}")
            new = rows[size - start :]
            clauses = [(one, row.index, row.row.at) for row in new for one in set(row.row.clauses)]
            tokens = [(one, row.index, row.row.at) for row in new for one in set(row.row.tokens)]
            await connection.execute(INSERT, *_columns([columns_of(row) for row in new], 13))
            await connection.execute(NOTE_CLAUSE, *_columns(clauses, 3))
            await connection.execute(NOTE_PERSON, *_columns(tokens, 3))
            await connection.executemany(NOTE_DAY, days_of(new))

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        """Return rows that meet the query, newest first."""
        if not 1 <= limit <= FIND_LIMIT:
            raise ValueError(f"a page has 1 to {FIND_LIMIT} rows")
        sql, values = _search(query)
        async with self.server.transaction() as connection:
            found = [_row(one) for one in await connection.fetch(sql, cursor, limit + 1, *values)]
        more = len(found) > limit
        return Page(tuple(found[:limit]), Cursor(found[limit - 1].index) if more else None)

    async def make_months(self, months: Collection[tuple[int, int]]) -> None:
        """Make the partitions that are missing, each in a transaction that lasts no longer."""
        for year, month in sorted(set(months) - self._months):
            name = f"entries_2_{year:04}_{month:02}"
            first = _first_of(year, month)
            after = _first_of(year + month // 12, month % 12 + 1)
            async with self.server.transaction() as connection:
                await _alone(connection, self.server.schema)
                if await connection.fetchval("SELECT to_regclass($1)", name) is None:
                    await connection.execute(
                        f"CREATE TABLE {name} PARTITION OF entries_2"
                        f" FOR VALUES FROM ({first}) TO ({after})"
                    )
            self._months.add((year, month))


async def _alone(connection: asyncpg.Connection, schema: str) -> None:
    """Wait until no other process makes tables in this schema."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", schema)


def month_of(at: Instant) -> tuple[int, int]:
    """Return year and month of an instant: its partition."""
    day = datetime.fromtimestamp(at // SECOND, UTC)
    return day.year, day.month


def _first_of(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * SECOND


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows column by column."""
    return [[row[place] for row in rows] for place in range(width)]


def days_of(rows: Sequence[LogRow]) -> list[tuple[int, int, int]]:
    """Return each day of rows with its lowest and its highest leaf, by day.

    Two writers then wait for each other's days in one order.
    """
    leaves: dict[int, list[int]] = {}
    for row in rows:
        leaves.setdefault(row.row.at // DAY, []).append(row.index)
    return [(day, min(found), max(found)) for day, found in sorted(leaves.items())]


async def _make(connection: asyncpg.Connection, schema: str) -> None:
    """Make what is missing; of several processes that start at once one does, the others wait.

    Looking comes first: IF NOT EXISTS asks for the right to make a thing even when it is there.
    """
    await _alone(connection, schema)
    if await connection.fetchval("SELECT to_regnamespace($1)", schema) is None:
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    if await connection.fetchval("SELECT to_regclass('entries_2')") is None:
        await connection.execute(TABLE)


def _search(query: LogQuery) -> tuple[str, list[Any]]:
    """Return the statement for a query, put together from constants, and its values from $3 on."""
    asked = dict(_asked(query))
    places = {name: f"${place}" for place, name in enumerate(asked, 3)}
    values = list(asked.values())
    if "party" not in asked or not FEW.isdisjoint(asked):
        return _branch(places), values
    # Each branch ends at its page, in the order of its index.
    party = places.pop("party")
    branches = [f"({_branch({who: party, **places})})" for who in ("sent", "got")]
    return f"{' UNION ALL '.join(branches)} ORDER BY leaf DESC LIMIT $2", values


def _branch(places: Mapping[str, str]) -> str:
    """Return a search for rows that meet these conditions, whose values stand at these places."""
    lead = next((name for name in LEADS if name in places), "")
    tables, first, order = LEADS.get(lead, ENTRIES)
    where = [first.format(places.get(lead))]
    for name, place in places.items():
        if name != lead:
            condition = CONDITIONS[name].format(place)
            in_time = bool(lead) and name in {"since", "until"}
            where.append(condition.replace("one.", "lead.") if in_time else condition)
    return f"{SELECT}{tables} WHERE {' AND '.join(where)} ORDER BY {order} DESC LIMIT $2"


def _asked(query: LogQuery) -> Iterator[tuple[str, Any]]:
    """Yield the conditions that a query sets, as columns have them."""
    for name in ("delivery", "record", "token", "clause", *EQUAL, "since", "until"):
        if (value := getattr(query, name)) is not None:
            yield name, value
    if query.party is not None:
        yield "party", query.party
    if query.no_clause:
        yield "no_clause", True
    if query.consumer is not None:
        agency, slash, desk = query.consumer.partition("/")
        yield "agency", agency
        if slash:
            yield "desk", slash + desk


def columns_of(row: LogRow) -> tuple[Any, ...]:
    """Return a row as the table has it, column by column."""
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


def _row(found: asyncpg.Record) -> LogRow:
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
