"""The log index on a real PostgreSQL server."""

import asyncio
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.access_log.errors import IndexGap
from broker.access_log.ports import EVERYTHING, LeafIndex, LogQuery, LogRow, Row
from broker.access_log.sequencer import Sequencer
from broker.backends.postgres.log_index import PostgresLogIndex, _search, month_of
from broker.clock import Instant
from broker.records.names import RecordDigest
from tests.broker.access_log.county import SIGNER
from tests.broker.access_log.world import World, drain
from tests.contracts.log_index import (
    START,
    LogIndexContract,
    conditions,
    find_all,
    log_row,
    meets,
    numbered,
    only,
    queries,
    some_rows,
)
from tests.support import postgres


class TestPostgresLogIndex(LogIndexContract):
    """See `tests.contracts.log_index`."""


@given(
    rows=some_rows,
    searches=st.lists(st.tuples(queries, conditions), min_size=10, max_size=20),
    limit=st.integers(1, 6),
)
@settings(max_examples=15, deadline=None)
def test_a_search_finds_what_meets_it(
    address: str, rows: list[LogRow], searches: list[tuple[LogQuery, list[str]]], limit: int
) -> None:
    """Given any rows, when anything is searched, then all that meets it comes, newest first."""

    async def scene() -> None:
        async with (
            postgres.own_schema(address) as name,
            PostgresLogIndex.open(address, name) as index,
        ):
            await index.add(LeafIndex(0), rows)
            for whole, names in searches:
                query = only(whole, names)
                expected = [row for row in reversed(rows) if meets(row, query)]
                assert await find_all(index, query, limit) == expected

    asyncio.run(scene())


async def test_the_index_outlives_its_process(address: str, schema: str) -> None:
    # given an index that a process has filled and left
    async with PostgresLogIndex.open(address, schema) as index:
        await index.add(LeafIndex(0), numbered(3))

    # when another one opens it, then all rows are there
    async with PostgresLogIndex.open(address, schema) as index:
        assert await index.size() == 3
        assert list((await index.find(EVERYTHING)).rows) == numbered(3)[::-1]


async def test_installations_in_one_database_see_their_own_rows_only(
    address: str, schema: str, index: PostgresLogIndex
) -> None:
    # given two installations with a schema each
    async with (
        postgres.own_schema(address) as second,
        PostgresLogIndex.open(address, second) as other,
    ):
        # when one adds rows
        await index.add(LeafIndex(0), numbered(2))

        # then the other one has none
        assert second != schema
        assert await other.size() == 0


async def test_an_index_that_was_lost_is_built_from_the_log(index: PostgresLogIndex) -> None:
    # given a log in several batches whose index was elsewhere
    world = World(messages=20)
    await drain(await world.open())

    # when the log is opened with an empty index on PostgreSQL
    await Sequencer.open(world.topic.lanes("sequencer"), world.store, index, SIGNER)

    # then that one holds the same rows, every part of each
    assert await index.size() == len(world.index.rows)
    assert await find_all(index, EVERYTHING, 7) == world.index.rows[::-1]


async def test_processes_that_start_at_once_make_one_index(address: str, schema: str) -> None:
    # given a database without the schema
    async def start() -> int:
        async with PostgresLogIndex.open(address, schema) as index:
            return await index.size()

    # when five processes start at the same moment, then each finds the index, empty
    assert await asyncio.gather(*(start() for _ in range(5))) == [0] * 5


async def test_two_writers_leave_every_row_once_and_no_hole(
    address: str, schema: str, index: PostgresLogIndex
) -> None:
    # given two processes that fill the same index from the same log, in batches of other sizes
    rows = numbered(120)
    async with PostgresLogIndex.open(address, schema) as other:

        async def fill(writer: PostgresLogIndex, step: int) -> None:
            for start in range(0, len(rows), step):
                await writer.add(LeafIndex(start), rows[start : start + step])

        # when they do so at the same time
        await asyncio.gather(fill(index, 7), fill(other, 11))

        # then every row is there once, in order, and a gap is seen by either
        assert await find_all(other, EVERYTHING, 50) == rows[::-1]
        for writer in (index, other):
            with pytest.raises(IndexGap, match="120 entries, rows from 121"):
                await writer.add(LeafIndex(121), numbered(1, 121))


async def test_a_writer_waits_for_one_that_has_not_committed_and_fills_in_for_it(
    address: str, schema: str, index: PostgresLogIndex
) -> None:
    # given a month that is there, and a writer that has written leaf 0 and not yet committed
    await index.make_months({month_of(Instant(START))})
    async with postgres.administrator(
        postgres.with_setting(address, "search_path", schema)
    ) as other:
        held = other.transaction()
        await held.start()
        await other.execute(
            "INSERT INTO entries_2 SELECT 0, 0, '', NULL, 'x', $1, '', '', '', '', '', '', ''",
            START,
        )

        # when a second one adds leaves 0 to 2, and the first one gives up
        adding = asyncio.create_task(index.add(LeafIndex(0), numbered(3)))
        await asyncio.sleep(0.1)
        assert not adding.done()
        await held.rollback()
        await adding

    # then the second one's rows stand, leaf 0 among them
    assert list((await index.find(EVERYTHING)).rows) == numbered(3)[::-1]


@pytest.mark.parametrize(
    ("condition", "used"),
    [
        ("token", "entries_2_tokens_pkey"),
        ("record", "entries_2_2026_09_record_idx"),
        ("delivery", "entries_2_2026_09_delivery_idx"),
    ],
)
async def test_a_search_for_one_person_does_not_read_the_whole_log(
    address: str, schema: str, index: PostgresLogIndex, condition: str, used: str
) -> None:
    # given a log of which each person and record has one entry
    random = Random(1)
    rows = [
        log_row(
            place,
            Row(
                "decision",
                Instant(START + place),
                "eastshire-police",
                tokens=(random.randbytes(16), random.randbytes(16)),
            ),
            RecordDigest(random.randbytes(32)),
        )
        for place in range(4000)
    ]
    await index.add(LeafIndex(0), rows)
    first = rows[0]
    query = only(
        LogQuery(
            token=first.row.tokens[0],
            record=first.record,
            delivery=first.delivery,
        ),
        [condition],
    )

    # when PostgreSQL plans a short page of the search for the oldest of them, having counted only
    # a few of the rows, as it does in a long log
    sql, values = _search(query)
    async with postgres.administrator(
        postgres.with_setting(address, "search_path", schema)
    ) as connection:
        await connection.execute("SET default_statistics_target = 1")
        await connection.execute("VACUUM ANALYZE entries_2")
        await connection.execute("VACUUM ANALYZE entries_2_tokens")
        plan = await connection.fetch(f"EXPLAIN {sql}", 4000, 2, *values)

    # then it goes by the index for that, and the search finds the entry
    assert used in "\n".join(line[0] for line in plan)
    assert (await index.find(query)).rows[-1] == first
