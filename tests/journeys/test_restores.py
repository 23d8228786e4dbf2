"""Stores of an installation over files, put back to an older moment than the others.

What can be caught up is; anything else is refused before it does harm: no second history of the
log, nothing skipped in silence. Once stores of one moment stand there again, all goes on.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from broker.access_log.errors import LOG_OLDER, TAKEN_BACK, TOPICS_OLDER
from broker.backends.files.store import FileTileStore
from broker.backends.source import REPLACED
from broker.backends.sqlite.errors import SHORTENED
from broker.errors import Code, ConcordatError
from tests.support.restoring import ALL, DECIDED, INDEX, LOG, TOPICS, FileCounty

pytestmark = pytest.mark.slow

OLDER, NEWEST = "older", "newest"

BROKER = {
    "log": ({LOG}, LOG_OLDER, LOG_OLDER),
    "log, topics": ({LOG, TOPICS}, SHORTENED, REPLACED),
    "log, decided": ({LOG, DECIDED}, SHORTENED, SHORTENED),
    "topics": ({TOPICS}, SHORTENED, REPLACED),
    "topics, decided": ({TOPICS, DECIDED}, TOPICS_OLDER, TOPICS_OLDER),
    "decided": ({DECIDED}, SHORTENED, SHORTENED),
}
"""Stores that are older → why the broker refuses, and why once more was published there."""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> FileCounty:
    """Eastshire after two rounds of work, with copies of the state after each; for copying only."""

    async def made() -> FileCounty:
        county = await FileCounty.found(tmp_path_factory.mktemp("worked"))
        await county.work(2)
        county.save(OLDER)
        await county.work(2)
        county.save(NEWEST)
        return county

    return asyncio.run(made())


@pytest.fixture
def county(worked: FileCounty, tmp_path: Path) -> FileCounty:
    """The same for one test."""
    return worked.copy(tmp_path)


async def refusal(county: FileCounty) -> tuple[Code, str]:
    """Return why the broker refuses to work."""
    with pytest.raises(ConcordatError) as caught:
        await county.route()
    return caught.value.code, caught.value.fix


async def assert_all_is_well(county: FileCounty) -> None:
    """Make sure that more work comes through, once, and that the log proves it."""
    await county.work(2)
    received = await county.county.concerns_received()
    assert len(received) == len(set(received)) == county.county.published
    verification = await county.county.verified()
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


async def test_an_older_index_is_caught_up(county: FileCounty) -> None:
    # given an index that lacks the last entries, when the broker works, then nothing is wrong
    county.put_back(OLDER, {INDEX})
    await assert_all_is_well(county)


async def test_stores_that_are_all_there_again_go_on(county: FileCounty) -> None:
    # given the newest copies of everything
    county.put_back(NEWEST)
    await assert_all_is_well(county)


@pytest.mark.parametrize(("which", "code", "_later"), BROKER.values(), ids=BROKER.keys())
async def test_an_older_store_is_refused_until_a_newer_one_stands_there(
    county: FileCounty, which: Collection[str], code: Code, _later: Code
) -> None:
    # given some stores that are older than the rest
    county.put_back(OLDER, which)
    tiles = FileTileStore(county.county.layout.log)
    history = await tiles.current()

    # when the broker is to work, then it refuses, and says what to do; nothing was signed
    found, fix = await refusal(county)
    assert found is code
    assert "copy" in fix or "Restore" in fix
    assert await tiles.current() == history

    # when the newest copies stand there, then all goes on
    county.put_back(NEWEST, which)
    await assert_all_is_well(county)


@pytest.mark.parametrize(("which", "_code", "later"), BROKER.values(), ids=BROKER.keys())
async def test_what_is_published_meanwhile_does_not_hide_an_older_store(
    county: FileCounty, which: Collection[str], _code: Code, later: Code
) -> None:
    # given older stores, where agencies have published as much again as was lost, and more
    county.put_back(OLDER, which)
    await county.county.publish_concerns(3)
    tiles = FileTileStore(county.county.layout.log)
    history = await tiles.current()

    # when the broker is to work, then it refuses, again and again; nothing was signed
    for _ in range(2):
        found, _ = await refusal(county)
        assert found is later
    assert await tiles.current() == history


@pytest.mark.parametrize("which", [{TOPICS}, {TOPICS, DECIDED}])
async def test_agencies_notice_topics_that_went_back_in_time(
    county: FileCounty, which: Collection[str]
) -> None:
    # given topics that are older than what agencies have received, when they look
    county.put_back(OLDER, which)
    with pytest.raises(ConcordatError) as caught:
        await county.receive()

    # then they say why they take nothing in
    assert caught.value.code is TAKEN_BACK


async def test_agencies_notice_a_broker_that_cannot_know_that_it_is_older(
    county: FileCounty,
) -> None:
    # given a broker of which everything was put back
    county.put_back(OLDER, ALL)
    before = await county.county.concerns_received()

    # when an agency looks, before and after the broker has gone on
    for more in (0, 3):
        if more:
            await county.county.publish_concerns(more)
            await county.route()
        # then it takes nothing in, and says why
        with pytest.raises(ConcordatError) as caught:
            await county.receive()
        assert caught.value.code is TAKEN_BACK
    assert await county.county.concerns_received() == before
