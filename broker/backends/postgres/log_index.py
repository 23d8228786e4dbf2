"""The log's search index in a PostgreSQL schema; whatever is lost of it is made again from the log.

The table's name ends in the version of its shape. Another shape is another table, empty at first
and filled from the log like any index that lags; a process of the version before goes on with its
own table meanwhile.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
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
from broker.clock import Instant
from broker.records.names import RecordDigest

DEADLINE_S = 30.0
"""How long one call may wait for the server; a search of millions of rows takes a second."""

SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

TABLE = """
CREATE TABLE entries_1 (
    leaf     bigint PRIMARY KEY,
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
    clauses  text[] NOT NULL,
    tokens   bytea[] NOT NULL
);
CREATE INDEX ON entries_1 USING hash (delivery);
CREATE INDEX ON entries_1 USING hash (record);
CREATE INDEX ON entries_1 (source, leaf);
CREATE INDEX ON entries_1 (agency, leaf);
CREATE INDEX ON entries_1 USING gin (clauses);
CREATE INDEX ON entries_1 USING gin (tokens);
"""

SIZE = "SELECT coalesce(max(leaf) + 1, 0) FROM entries_1"

COLUMNS = (
    "leaf, batch, delivery, record, kind, at, source, agency, desk, outcome, type, clauses, tokens"
)
INSERT = (
    f"INSERT INTO entries_1 ({COLUMNS})"  # noqa: S608 - constants only
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
)
SELECT = f"SELECT {COLUMNS} FROM entries_1 WHERE leaf < $1"  # noqa: S608 - constants only

CONDITIONS = {
    "delivery": "delivery = ",
    "record": "record = ",
    "token": "tokens @> ",
    "clause": "clauses @> ",
    "agency": "agency = ",
    "desk": "desk = ",
    "source": "source = ",
    "type": "type = ",
    "outcome": "outcome = ",
    "kind": "kind = ",
    "since": "at >= ",
    "until": "at < ",
}
"""What each condition of a query means for a row, before its value."""

UNINDEXED = "leaf + 0"
"""Order of a search by token: an expression, in which no index can be read. Few rows have a token,
but of values in arrays PostgreSQL counts the frequent ones only. It takes one row in two hundred to
have any other, and would read the log from its newest entry on until a page is full."""


class PostgresLogIndex:
    """See `broker.access_log.ports.LogIndex`."""

    def __init__(self, server: Server) -> None:
        """Take a server whose schema holds the table; see `open`."""
        self._server = server

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
        async with self._server.transaction() as connection:
            return int(await connection.fetchval(SIZE))

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        """Append rows; skip those that are there, also what another writer adds at this moment.

        A commit whose answer is lost is `Unavailable` and may have taken place: the same call
        again then skips what it added.
        """
        if any(row.index != start + place for place, row in enumerate(rows)):
            raise ValueError("rows are those of consecutive leaves from the start on")
        async with self._server.transaction() as connection:
            # A crash of the server may lose the last commits, never their order.
            await connection.execute("SET LOCAL synchronous_commit TO off")
            size = int(await connection.fetchval(SIZE))
            if start > size:
                raise IndexGap(f"{size} entries, rows from {start}")
            await connection.executemany(INSERT, [_values(row) for row in rows[size - start :]])

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        """Return rows that meet the query, newest first."""
        if not 1 <= limit <= FIND_LIMIT:
            raise ValueError(f"a page has 1 to {FIND_LIMIT} rows")
        sql, values = _search(query)
        async with self._server.transaction() as connection:
            found = [_row(one) for one in await connection.fetch(sql, cursor, limit + 1, *values)]
        more = len(found) > limit
        return Page(tuple(found[:limit]), Cursor(found[limit - 1].index) if more else None)


async def _make(connection: asyncpg.Connection, schema: str) -> None:
    """Make what is missing; of several processes that start at once one does, the others wait.

    Looking comes first: IF NOT EXISTS asks for the right to make a thing even when it is there.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", schema)
    if await connection.fetchval("SELECT to_regnamespace($1)", schema) is None:
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    if await connection.fetchval("SELECT to_regclass('entries_1')") is None:
        await connection.execute(TABLE)


def _search(query: LogQuery) -> tuple[str, list[Any]]:
    """Return the statement for a query, put together from constants, and its values from $3 on."""
    asked = dict(_asked(query))
    where = [f" AND {CONDITIONS[name]}${place}" for place, name in enumerate(asked, 3)]
    order = "leaf" if query.token is None else UNINDEXED
    return f"{SELECT}{''.join(where)} ORDER BY {order} DESC LIMIT $2", list(asked.values())


def _asked(query: LogQuery) -> Iterator[tuple[str, Any]]:
    """Yield the conditions that a query sets, as columns have them."""
    for name in ("delivery", "record", "source", "type", "outcome", "kind", "since", "until"):
        if (value := getattr(query, name)) is not None:
            yield name, value
    if query.token is not None:
        yield "token", [query.token]
    if query.clause is not None:
        yield "clause", [query.clause]
    if query.consumer is not None:
        agency, slash, desk = query.consumer.partition("/")
        yield "agency", agency
        if slash:
            yield "desk", slash + desk


def _values(row: LogRow) -> tuple[Any, ...]:
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
        what.clauses,
        what.tokens,
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
            tuple(clauses),
            tuple(tokens),
        ),
    )
