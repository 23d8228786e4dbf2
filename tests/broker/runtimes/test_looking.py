"""Cursors of searches: opaque, of one search alone; and pages of what no index holds."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.decided import KeptEntry
from broker.access_log.entry import Leaf
from broker.access_log.opened import OpenedEntry, OpenedMessage
from broker.access_log.ports import NEWEST, Cursor, LogQuery, Row
from broker.access_log.query import Found, FoundPage
from broker.clock import Instant
from broker.runtimes.layout import InstallationError
from broker.runtimes.looking import Asked, Looker, cursor_text, read_cursor
from broker.runtimes.searching import Wanted, _kept
from tests.contracts.log_index import log_row

asks = st.builds(
    Asked,
    st.builds(
        LogQuery,
        source=st.none() | st.text(max_size=3),
        clause=st.none() | st.text(max_size=3),
        no_clause=st.booleans(),
    ),
    st.builds(
        Wanted, nhs_number=st.none() | st.just("9990000018"), record=st.none() | st.just("f")
    ),
    st.builds(Looker, st.sampled_from(("", "eastshire-police"))),
)


@given(place=st.integers(0, NEWEST).map(Cursor), asked=asks, other=asks)
def test_a_cursor_goes_with_its_own_search(place: Cursor, asked: Asked, other: Asked) -> None:
    """Given a cursor, when read with its search it is the place; with another it is refused."""
    text = cursor_text(place, asked)
    assert read_cursor(text, asked) == place
    if other != asked:
        with pytest.raises(InstallationError, match="begin anew"):
            read_cursor(text, other)


@given(text=st.text(max_size=30), asked=asks)
def test_other_texts_are_no_cursors(text: str, asked: Asked) -> None:
    with pytest.raises(InstallationError, match="begin anew"):
        read_cursor(text, asked)
    assert read_cursor(None, asked) == NEWEST


AGENCIES = ("eastshire-police", "eastshire-council", "st-brannocks-school")
parties = st.tuples(st.sampled_from(AGENCIES), st.sampled_from(AGENCIES))


def entry(index: int, source: str, consumer: str) -> Found:
    """Return an entry that nobody can open."""
    row = log_row(index, Row("decision", Instant(0), source, f"{consumer}/desk"))
    kept = KeptEntry(bytes(96), b"", b"", None, "", row.row)
    opened = OpenedEntry(row.index, Leaf.parse(bytes(96)), kept, None, None, None)
    return Found(row, opened, OpenedMessage(bytes(32), None, erased=False, entries=(opened,)))


@given(said=st.lists(parties, max_size=12), limit=st.integers(1, 5), scanned=st.integers(1, 4))
def test_pages_of_what_no_index_holds_follow_each_other(
    said: list[tuple[str, str]], limit: int, scanned: int
) -> None:
    """Given any entries, when pages of some are joined, then all come once, newest first."""
    entries = [entry(index, *one) for index, one in enumerate(said)][::-1]

    async def find(cursor: Cursor, most: int) -> FoundPage:
        left = [one for one in entries if one.row.index < cursor]
        page = tuple(left[: min(most, scanned)])
        more = len(left) > len(page)
        return FoundPage(page, Cursor(page[-1].row.index) if more else None, ())

    async def read() -> list[Found]:
        found: list[Found] = []
        cursor: Cursor | None = NEWEST
        while cursor is not None:
            page = await _kept(find, Wanted(agency=AGENCIES[0]), cursor, limit)
            assert len(page.found) <= limit
            found += page.found
            cursor = page.cursor
        return found

    assert asyncio.run(read()) == [one for one in entries if AGENCIES[0] in said[one.row.index]]


def test_a_closed_entry_was_decided_under_no_revision() -> None:
    assert not Wanted(revision="00").keeps(entry(0, *AGENCIES[:2]))
    assert Wanted().keeps(entry(0, *AGENCIES[:2]))
