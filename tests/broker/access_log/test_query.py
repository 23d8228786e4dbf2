"""Search and the index: what is found, what is shown, and whether anything is left out."""

from dataclasses import replace

from broker.access_log.errors import INDEX, SEALED
from broker.access_log.findings import Finding
from broker.access_log.opened import NoKeys
from broker.access_log.ports import LeafIndex, LogQuery
from broker.access_log.query import Search
from broker.access_log.verify_index import verify_index
from broker.clock import Instant
from broker.lanes import Bound
from tests.broker.access_log.county import NOON, SOURCE
from tests.broker.access_log.world import World, drain


async def made() -> World:
    """Return a log of ten records and one quarantined message."""
    world = World(messages=0)
    for number in range(10):
        world.topic.put(world.county.decided(3, Instant(NOON + number)).encode())
    world.topic.put(world.county.quarantined(Instant(NOON + 10)).encode())
    await drain(await world.open(), Bound(count=2))
    return world


async def test_what_is_found_is_shown_as_the_log_holds_it() -> None:
    # given a search by someone with keys
    world = await made()
    search = Search(await world.view(), world.index, world.county)
    # when they look for what one hospital got
    page = await search.find(LogQuery(consumer="eastshire-hospital"))
    # then it is shown newest first, with facts that fit their commitments
    assert [found.row.index for found in page.found] == [28 - 3 * number for number in range(10)]
    assert page.cursor is None
    assert page.findings == ()
    newest = page.found[0]
    assert newest.entry.facts is not None
    assert newest.entry.facts.at == NOON + 9
    assert newest.entry.personal is not None
    assert newest.message.archive == b"envelope of " + newest.entry.personal.record


async def test_without_keys_rows_are_shown() -> None:
    world = await made()
    search = Search(await world.view(), world.index, NoKeys())
    page = await search.find(LogQuery(kind="quarantine"))
    assert [(found.row.row.source, found.entry.facts) for found in page.found] == [(SOURCE, None)]


async def test_pages_follow_on_each_other() -> None:
    world = await made()
    search = Search(await world.view(), world.index, world.county)
    found: list[int] = []
    page = await search.find(LogQuery(outcome="content"), limit=7)
    found += [one.row.index for one in page.found]
    while page.cursor is not None:
        page = await search.find(LogQuery(outcome="content"), page.cursor, 7)
        found += [one.row.index for one in page.found]
    assert found == [index for index in range(29, -1, -1) if index % 3]


async def test_what_does_not_open_is_told() -> None:
    # given a log whose key is not the one that the facts were sealed under
    world = await made()
    world.county.log_key = bytes(32)
    search = Search(await world.view(), world.index, world.county)
    page = await search.find(LogQuery(since=Instant(NOON + 9), kind="decision"), limit=1)
    assert page.findings == (Finding(page.found[0].row.index, SEALED, "facts"),)


async def test_an_index_that_holds_the_log_is_sound() -> None:
    world = await made()
    assert await verify_index(await world.view(), world.index) == ()


async def test_rows_that_were_left_out_or_changed_are_found() -> None:
    world = await made()
    view = await world.view()
    rows = list(world.index.rows)
    # given an index whose last row is missing
    del world.index.rows[-1]
    last = LeafIndex(30)
    assert await verify_index(view, world.index) == (
        Finding(None, INDEX, "30 rows, 31 entries"),
        Finding(last, INDEX, "row"),
    )
    # or one that tells another outcome
    world.index.rows = list(rows)
    world.index.rows[4] = replace(rows[4], row=replace(rows[4].row, outcome="withhold"))
    assert await verify_index(view, world.index) == (Finding(LeafIndex(4), INDEX, "row"),)


async def test_an_index_that_differs_everywhere_is_not_listed_whole() -> None:
    world = World(messages=150)
    await drain(await world.open(), Bound(count=20))
    world.index.rows.clear()
    found = await verify_index(await world.view(), world.index)
    assert 100 <= len(found) < len(world.sent[0])
