"""What every log index keeps: subclass, and give an empty `index`."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from broker.access_log.errors import IndexGap
from broker.access_log.ports import (
    EVERYTHING,
    FIND_LIMIT,
    NEWEST,
    DeliveryId,
    LeafIndex,
    LogIndex,
    LogQuery,
    LogRow,
    Row,
)
from broker.clock import DAY, Instant
from broker.records.names import RecordDigest

START = 1_790_000_000_000
KINDS = ("decision", "receipt")
SOURCES = ("eastshire-police", "hillside-school")
CONSUMERS = (
    "",
    "eastshire-council",
    "eastshire-council/mash",
    "eastshire-council-2",
    "eastshire-police",
)
OUTCOMES = ("", "content", "withhold")
TYPES = ("", "missing-episode")
CLAUSES = ("C-01", "C-02", "C-03")
TOKENS = tuple(bytes([number]) * 16 for number in range(3))
RECORDS = (None, *(RecordDigest(bytes([7] * 8 + [number] * 24)) for number in range(2)))


def log_row(index: int, row: Row, record: RecordDigest | None = None) -> LogRow:
    """Return the row of a leaf; its delivery id shares its first half with every other one."""
    delivery = DeliveryId(bytes(8) + index.to_bytes(8))
    return LogRow(LeafIndex(index), LeafIndex(index - index % 4), delivery, record, row)


def numbered(count: int, start: int = 0) -> list[LogRow]:
    """Return rows of equal content."""
    return [
        log_row(index, Row("decision", Instant(START + index), "eastshire-police"))
        for index in range(start, start + count)
    ]


instants = st.builds(
    lambda month, day, ms: Instant(START + (31 * month + day) * DAY + ms),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(0, 3),
)
"""Of several months and days: an index may hold each apart."""

what = st.builds(
    Row,
    kind=st.sampled_from(KINDS),
    at=instants,
    source=st.sampled_from(SOURCES),
    consumer=st.sampled_from(CONSUMERS),
    outcome=st.sampled_from(OUTCOMES),
    type=st.sampled_from(TYPES),
    clauses=st.lists(st.sampled_from(CLAUSES), unique=True, max_size=3).map(tuple),
    tokens=st.lists(st.sampled_from(TOKENS), unique=True, max_size=2).map(tuple),
)
some_rows = st.lists(st.tuples(what, st.sampled_from(RECORDS)), max_size=25).map(
    lambda pairs: [log_row(index, row, record) for index, (row, record) in enumerate(pairs)]
)
queries = st.builds(
    LogQuery,
    since=st.none() | instants,
    until=st.none() | instants,
    kind=st.none() | st.sampled_from(KINDS),
    source=st.none() | st.sampled_from(SOURCES),
    consumer=st.none() | st.sampled_from(CONSUMERS[1:]),
    outcome=st.none() | st.sampled_from(OUTCOMES[1:]),
    type=st.none() | st.sampled_from(TYPES[1:]),
    clause=st.none() | st.sampled_from(CLAUSES),
    token=st.none() | st.sampled_from(TOKENS),
    record=st.none() | st.sampled_from(RECORDS[1:]),
    delivery=st.none() | st.integers(0, 24).map(lambda n: DeliveryId(bytes(8) + n.to_bytes(8))),
    party=st.none() | st.sampled_from((SOURCES[0], "eastshire-council")),
    no_clause=st.booleans(),
)
conditions = st.lists(st.sampled_from(list(LogQuery.__dataclass_fields__)), max_size=3)


def meets(row: LogRow, query: LogQuery) -> bool:
    """Say what a query means, plainly."""
    inner = row.row
    consumers = {inner.consumer, inner.consumer.split("/")[0]} - {""}
    return (
        (query.since is None or inner.at >= query.since)
        and (query.until is None or inner.at < query.until)
        and query.kind in {None, inner.kind}
        and query.source in {None, inner.source}
        and query.consumer in {None, *consumers}
        and query.outcome in {None, inner.outcome}
        and query.type in {None, inner.type}
        and query.clause in {None, *inner.clauses}
        and query.token in {None, *inner.tokens}
        and query.record in {None, row.record}
        and query.delivery in {None, row.delivery}
        and query.party in {None, inner.source, *consumers}
        and not (query.no_clause and inner.clauses)
    )


def only(query: LogQuery, names: list[str]) -> LogQuery:
    """Return a query with these conditions of another one."""
    return replace(LogQuery(), **{name: getattr(query, name) for name in names})


async def find_all(index: LogIndex, query: LogQuery, limit: int) -> list[LogRow]:
    """Return all pages of a search."""
    page = await index.find(query, limit=limit)
    rows = list(page.rows)
    while page.cursor is not None:
        assert len(page.rows) == limit
        page = await index.find(query, page.cursor, limit)
        rows += page.rows
    return rows


class LogIndexContract:
    """Rows in, in order, once; and out again."""

    async def test_rows_are_found_newest_first(self, index: LogIndex) -> None:
        assert await index.size() == 0
        assert (await index.find(EVERYTHING)).rows == ()
        rows = numbered(5)
        await index.add(LeafIndex(0), rows[:2])
        await index.add(LeafIndex(2), rows[2:])
        assert await index.size() == 5
        page = await index.find(EVERYTHING)
        assert list(page.rows) == rows[::-1]
        assert page.cursor is None

    async def test_a_gap_is_refused(self, index: LogIndex) -> None:
        await index.add(LeafIndex(0), numbered(2))
        with pytest.raises(IndexGap, match="2 entries, rows from 3"):
            await index.add(LeafIndex(3), numbered(1, 3))
        assert await index.size() == 2

    async def test_rows_that_are_there_are_skipped(self, index: LogIndex) -> None:
        rows = numbered(4)
        await index.add(LeafIndex(0), rows[:3])
        await index.add(LeafIndex(0), rows[:2])
        await index.add(LeafIndex(1), rows[1:])
        await index.add(LeafIndex(4), [])
        assert list((await index.find(EVERYTHING)).rows) == rows[::-1]

    async def test_rows_must_be_consecutive(self, index: LogIndex) -> None:
        with pytest.raises(ValueError, match="consecutive"):
            await index.add(LeafIndex(0), numbered(1) + numbered(1, 2))
        assert await index.size() == 0

    async def test_every_part_of_a_row_comes_back(self, index: LogIndex) -> None:
        whole = Row(
            "decision",
            Instant(START),
            SOURCES[0],
            "eastshire-council/mash",
            "content",
            "missing-episode",
            ("C-02", "C-01"),
            (TOKENS[1], TOKENS[0]),
        )
        rows = [log_row(0, whole, RECORDS[1]), log_row(1, Row("protocol", Instant(START), "x"))]
        await index.add(LeafIndex(0), rows)
        assert list((await index.find(EVERYTHING)).rows) == rows[::-1]

    async def test_an_agency_finds_its_desks_and_no_namesake(self, index: LogIndex) -> None:
        rows = [
            log_row(place, Row("decision", Instant(START), SOURCES[0], consumer))
            for place, consumer in enumerate(CONSUMERS)
        ]
        await index.add(LeafIndex(0), rows)
        agency = await index.find(LogQuery(consumer="eastshire-council"))
        desk = await index.find(LogQuery(consumer="eastshire-council/mash"))
        assert list(agency.rows) == [rows[2], rows[1]]
        assert list(desk.rows) == [rows[2]]

    async def test_pages_follow_each_other(self, index: LogIndex) -> None:
        rows = numbered(7)
        await index.add(LeafIndex(0), rows)
        for limit in (1, 3, 7, 8):
            assert await find_all(index, EVERYTHING, limit) == rows[::-1]

    async def test_a_page_has_bounds(self, index: LogIndex) -> None:
        for limit in (0, FIND_LIMIT + 1):
            with pytest.raises(ValueError, match="page"):
                await index.find(EVERYTHING, NEWEST, limit)
