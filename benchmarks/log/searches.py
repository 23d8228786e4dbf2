"""How long a page of an auditor's question takes, in an index that holds a large log."""

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from benchmarks.figures import Figure, screen, telling
from benchmarks.log.rows import (
    AGENCIES,
    CLAUSES,
    FIRST_DAY,
    OUTCOMES,
    RARE_CLAUSE,
    RARE_TYPE,
    SPAN,
    TYPES,
    Rows,
)
from broker.access_log.ports import EVERYTHING, NEWEST, Cursor, LogIndex, LogQuery, LogRow
from broker.backends.postgres.log_index import (
    NOTE_DAY,
    PostgresLogIndex,
    columns_of,
    days_of,
    month_of,
)
from broker.backends.sqlite.log_index import SqliteLogIndex
from broker.clock import DAY, Instant

BATCH = 2_000
PAGE = 50
RUNS = 40
GOAL_MS = 100.0

Chance = random.Random
Question = Callable[[Chance, Rows], LogQuery]


def _day(chance: Chance) -> Instant:
    return Instant(FIRST_DAY + chance.randrange(SPAN // DAY - 31) * DAY)


def _between(chance: Chance, days: int, query: LogQuery = EVERYTHING) -> LogQuery:
    since = _day(chance)
    return replace(query, since=since, until=Instant(since + days * DAY))


QUESTIONS: Mapping[str, Question] = {
    "an agency, on either side": lambda c, _: LogQuery(party=c.choice(AGENCIES)),
    "a source": lambda c, _: LogQuery(source=c.choice(AGENCIES)),
    "a consumer's desk": lambda c, _: LogQuery(consumer=c.choice(AGENCIES) + "/mash"),
    "an agency and an outcome": lambda c, _: LogQuery(
        party=c.choice(AGENCIES), outcome=c.choice(OUTCOMES)
    ),
    "an agency and a record type": lambda c, _: LogQuery(
        party=c.choice(AGENCIES), type=c.choice(TYPES)
    ),
    "an agency and a rare type": lambda c, _: LogQuery(party=c.choice(AGENCIES), type=RARE_TYPE),
    "source and consumer": lambda c, _: LogQuery(
        source=c.choice(AGENCIES), consumer=c.choice(AGENCIES)
    ),
    "an outcome": lambda c, _: LogQuery(outcome=c.choice(OUTCOMES)),
    "a record type": lambda c, _: LogQuery(type=c.choice(TYPES)),
    "a rare type": lambda _c, _r: LogQuery(type=RARE_TYPE),
    "a kind": lambda _c, _r: LogQuery(kind="task"),
    "a clause": lambda c, _: LogQuery(clause=c.choice(CLAUSES)),
    "a rare clause": lambda _c, _r: LogQuery(clause=RARE_CLAUSE),
    "a clause and an agency": lambda c, _: LogQuery(
        clause=c.choice(CLAUSES), party=c.choice(AGENCIES)
    ),
    "no clause spoke": lambda _c, _r: LogQuery(outcome="withhold", no_clause=True),
    "a child": lambda c, r: LogQuery(token=c.choice(r.some).row.tokens[0]),
    "a child and an agency": lambda c, r: LogQuery(
        token=c.choice(r.some).row.tokens[0], party=c.choice(AGENCIES)
    ),
    "a record": lambda c, r: LogQuery(record=c.choice(r.some).record),
    "a delivery": lambda c, r: LogQuery(delivery=c.choice(r.some).delivery),
    "a day": lambda c, _: _between(c, 1),
    "an agency in a month": lambda c, _: _between(c, 31, LogQuery(party=c.choice(AGENCIES))),
    "referrals in a month": lambda c, _: _between(c, 31, LogQuery(outcome="refer")),
    "an agency's referrals in a month": lambda c, _: _between(
        c, 31, LogQuery(party=c.choice(AGENCIES), outcome="refer")
    ),
}


async def measure(index: LogIndex, rows: Rows, name: str) -> list[Figure]:
    """Ask each question again and again, the newest page and one deep in the log by turns."""
    chance = Chance(7)
    figures: list[Figure] = []
    for said, question in QUESTIONS.items():
        with telling(f"{name}: {said}"):
            took: list[float] = []
            for number in range(RUNS):
                place = NEWEST if number % 2 == 0 else Cursor(chance.randrange(rows.count) + 1)
                query = question(chance, rows)
                begun = time.perf_counter()
                await index.find(query, place, PAGE)
                took.append(1000 * (time.perf_counter() - begun))
        figures.append(Figure(f"{name}, p95: {said}", _p95(took), "ms", GOAL_MS, at_most=True))
    return figures


def _p95(took: list[float]) -> float:
    return sorted(took)[-(-len(took) * 95 // 100) - 1]


async def fill(index: LogIndex, rows: Rows, name: str) -> Figure:
    """Add all rows as the sequencer does; return how many a second."""
    seconds = 0.0
    done = 0
    told = time.perf_counter()
    for start, batch in rows.batches(BATCH):
        begun = time.perf_counter()
        await index.add(start, batch)
        seconds += time.perf_counter() - begun
        done += len(batch)
        if time.perf_counter() - told > 60:  # noqa: PLR2004 - a line a minute
            told = time.perf_counter()
            screen.print(f"{name}: {done:,} of {rows.count:,} rows, {done / seconds:,.0f} a second")
    return Figure(f"{name}: rows added a second", rows.count / seconds, "rows/s")


async def in_sqlite(folder: Path, count: int) -> list[Figure]:
    """Measure an index in a file."""
    rows, path = Rows(count), folder / "log-index.sqlite"
    name = f"SQLite, {count:,} entries"
    with SqliteLogIndex.open(path) as index:
        filled = await fill(index, rows, name)
        size = Figure(f"{name}: octets a row", _size(path) / count, "octets")
    with SqliteLogIndex.open(path, readonly=True) as index:
        return [filled, size, *await measure(index, rows, name)]


async def in_postgres(address: str, count: int) -> list[Figure]:
    """Measure an index in a schema of a server, which is dropped afterwards.

    Up to `ADDED` rows are added as the sequencer does. More are copied in and indexed afterwards,
    for adding them would take an hour.
    """
    rows, name = Rows(count), f"PostgreSQL, {count:,} entries"
    async with _index(address) as index:
        filled = await (fill if count <= ADDED else copied)(index, rows, name)
        async with index.server.transaction() as connection:
            size = await connection.fetchval(
                "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = $1 AND c.relkind = 'r'",
                SCHEMA,
            )
            await connection.execute("ANALYZE")
        weight = Figure(f"{name}: octets a row", float(size) / count, "octets")
        return [filled, weight, *await measure(index, rows, name)]


async def copy_in(index: PostgresLogIndex, rows: list[LogRow]) -> None:
    """Copy rows behind the index's end, by its only writer: for an index that is made anew."""
    await index.make_months({month_of(row.row.at) for row in rows})
    clauses = [(one, row.index, row.row.at) for row in rows for one in set(row.row.clauses)]
    tokens = [(one, row.index, row.row.at) for row in rows for one in set(row.row.tokens)]
    async with index.server.transaction() as connection:
        copy = connection.copy_records_to_table
        await copy("entries_2", records=[columns_of(row) for row in rows])
        await copy("entries_2_clauses", records=clauses)
        await copy("entries_2_tokens", records=tokens)
        await connection.executemany(NOTE_DAY, days_of(rows))


async def copied(index: PostgresLogIndex, rows: Rows, name: str) -> Figure:
    """Copy all rows in, then make their indexes; return how many a second."""
    begun = told = time.perf_counter()
    async with index.server.transaction() as connection:
        found = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1"
            " AND tablename = 'entries_2' AND indexname <> 'entries_2_pkey'",
            SCHEMA,
        )
        for one in found:
            await connection.execute(f"DROP INDEX {one['indexname']}")
    for start, batch in rows.batches(COPIED):
        await copy_in(index, batch)
        if time.perf_counter() - told > 60:  # noqa: PLR2004 - a line a minute
            told = time.perf_counter()
            screen.print(f"{name}: {start:,} of {rows.count:,} rows copied")
    for one in found:
        async with index.server.transaction() as connection:
            await connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
            # As it is told of a partitioned table, it would leave the partitions out.
            await connection.execute(one["indexdef"].replace(" ON ONLY ", " ON "))
        screen.print(f"{name}: {one['indexname']} made")
    seconds = time.perf_counter() - begun
    return Figure(f"{name}: rows copied and indexed a second", rows.count / seconds, "rows/s")


SCHEMA = "concordat_bench"
ADDED = 2_000_000
COPIED = 20_000
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "fsync": "on"}
"""Of the server from the wheel, which is set up for tests: as one of this size would be."""


async def set_up(address: str) -> None:
    """Set a server up as one of its size would be; it is to be started again."""
    connection = await asyncpg.connect(address)
    try:
        for name, value in SETTINGS.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()


@asynccontextmanager
async def _index(address: str) -> AsyncIterator[PostgresLogIndex]:
    async with PostgresLogIndex.open(address, SCHEMA, deadline_s=600) as index:
        try:
            yield index
        finally:
            async with index.server.transaction() as connection:
                await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))
