"""The log index in a SQLite file."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.access_log.ports import LeafIndex, LogQuery, LogRow
from broker.backends.sqlite.database import Schema, open_database
from broker.backends.sqlite.log_index import FIRST, INSERT, SqliteLogIndex, _search, _values
from tests.contracts.log_index import (
    LogIndexContract,
    conditions,
    find_all,
    meets,
    numbered,
    only,
    queries,
    some_rows,
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteLogIndex]:
    with SqliteLogIndex.open(tmp_path / "index.sqlite") as opened:
        yield opened


class TestSqliteLogIndex(LogIndexContract):
    """See `tests.contracts.log_index`."""


@given(
    rows=some_rows,
    searches=st.lists(st.tuples(queries, conditions), min_size=5, max_size=15),
    limit=st.integers(1, 6),
)
@settings(max_examples=40)
def test_a_search_finds_what_meets_it(
    rows: list[LogRow], searches: list[tuple[LogQuery, list[str]]], limit: int
) -> None:
    """Given any rows, when anything is searched, then all that meets it comes, newest first."""

    async def scene(path: Path) -> None:
        with SqliteLogIndex.open(path) as index:
            await index.add(LeafIndex(0), rows)
            for whole, names in searches:
                query = only(whole, names)
                expected = [row for row in reversed(rows) if meets(row, query)]
                assert await find_all(index, query, limit) == expected

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scene(Path(directory) / "index.sqlite"))


@given(query=queries, names=conditions)
def test_no_search_sorts(query: LogQuery, names: list[str]) -> None:
    """Given any search, when SQLite plans it, then it reads in order and may stop at the limit."""
    sql, values = _search(only(query, names))
    with (
        tempfile.TemporaryDirectory() as directory,
        SqliteLogIndex.open(Path(directory) / "index.sqlite") as index,
    ):
        values |= {"cursor": 1, "limit": 1}
        plan = [row[3] for row in index._database.rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert not [step for step in plan if "TEMP B-TREE" in step], plan
    indexed = values.keys() - {"desk", "no_clause", "since", "until", "cursor", "limit"}
    assert not indexed or not [step for step in plan if step.startswith("SCAN entries")], plan


async def test_an_index_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    # given a file as the version before has written it
    path = tmp_path / "index.sqlite"
    rows = numbered(3)
    with SqliteLogIndex(open_database(path, Schema("log-index", (FIRST,), durable=False))) as old:
        old._database.many(INSERT, map(_values, rows))

    # when this version opens it, then its rows are found, by day too
    with SqliteLogIndex.open(path) as index:
        found = await index.find(LogQuery(since=rows[1].row.at, party=rows[0].row.source))
        assert list(found.rows) == rows[:0:-1]


async def test_the_index_outlives_its_process(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with SqliteLogIndex.open(path) as index:
        await index.add(LeafIndex(0), numbered(3))
    with SqliteLogIndex.open(path, readonly=True) as index:
        assert await index.size() == 3
