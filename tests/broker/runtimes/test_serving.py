"""Parts that run day and night, over a real Kafka."""

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest

from broker.runtimes import serving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.serving import serve_agency, serve_log, serve_router
from broker.settings import Settings
from tests.support import parts
from tests.support.parts import COUNCIL, SCHOOL, County

council = partial(serve_agency, agency=COUNCIL)


@pytest.fixture
async def county(kafka_address: str, tmp_path: Path) -> County:
    """Eastshire over Kafka."""
    return await County.found(tmp_path, kafka_address)


async def test_parts_together_do_what_the_one_process_does(county: County) -> None:
    # given a router, a log and an agency, each on its own
    async with parts.serving(county, serve_router, serve_log, council) as (routes, logs, receives):
        # when concerns are published, then they come
        await county.publish_concerns(3)
        assert await county.all_received()

        # and each part has a fresh heartbeat
        for part in ("router", "log", COUNCIL):
            serving.check_heartbeat(county.layout, part)
    assert routes.counts["accepted"] == 5
    assert logs.counts["entries"] > 5
    assert receives.counts["received"] > 3
    assert receives.counts["refused"] == 0
    verification = await county.verified()
    assert verification.sound
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


async def test_of_two_routers_one_works_and_the_other_takes_over(county: County) -> None:
    # given two routers
    async with parts.serving(county, serve_log, council):
        async with parts.serving(county, serve_router, serve_router) as routers:
            await county.publish_concerns(2)
            assert await county.all_received()

            # when the one that worked ends
            first = max(routers, key=lambda one: one.counts["messages"])
            first.stop.set()
            await county.publish_concerns(2)

            # then the other goes on where it was
            assert await county.all_received()
        worked = [one.counts["accepted"] for one in routers]
    assert all(worked)
    assert sum(worked) == 6
    assert (await county.verified()).sound


async def test_an_agency_that_was_away_finds_everything_and_sends_what_waited(
    county: County,
) -> None:
    # given concerns that were released while nobody received, and one that is not sent yet
    async with parts.serving(county, serve_router, serve_log):
        await county.publish_concerns(2)
        await asyncio.sleep(20)
    # when the agency's part starts, then it takes all in, and says how far it is
    async with parts.serving(county, council):
        assert await county.all_received()
        exchange = exchange_of(county.layout)
        async with exchange.agency(county.layout.agencies()[0], SystemClock()) as streams:
            await asyncio.sleep(0.5)
            positions = await streams.store.positions("consumer", 0)
    assert positions[f"deliveries.{COUNCIL}"] > 0


async def test_a_part_that_does_not_run_is_told_by_its_heartbeat(county: County) -> None:
    # given a part that never ran, and one that ran a minute ago
    with pytest.raises(InstallationError) as never:
        serving.check_heartbeat(county.layout, SCHOOL)
    beat = serving.heartbeat(county.layout, "router")
    beat.touch()
    serving.check_heartbeat(county.layout, "router")
    then = time.time() - 60
    os.utime(beat, (then, then))
    with pytest.raises(InstallationError) as old:
        serving.check_heartbeat(county.layout, "router")

    # then both are told
    assert never.value.code.name == old.value.code.name == "installation.heartbeat"
    assert "60 s" in old.value.where


async def test_over_files_the_broker_has_no_parts(founded: Path) -> None:
    # given an installation on files, when one part of its broker is to run
    with pytest.raises(InstallationError) as refused:
        async with parts.serving(County(Layout(founded), Settings(dir=founded)), serve_router):
            await asyncio.sleep(0.1)

    # then it says what runs there instead
    assert refused.value.code.name == "usage.run"
    assert "route --follow" in refused.value.fix


async def test_what_waits_in_an_outbox_is_sent_by_its_agency(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a record that is signed and kept, and not published
    async def away(_side: object) -> int:
        return 0

    with monkeypatch.context() as patched:
        patched.setattr("broker.runtimes.publishing.send_waiting", away)
        await county.publish(SCHOOL, *parts.concerns(0, 1))
    async with agency_side(county.layout, SCHOOL, SystemClock()) as side:
        assert len(await side.outbox.waiting(10)) == 1

        # when the agency's part runs, then it goes
        async with parts.serving(county, partial(serve_agency, agency=SCHOOL)) as (service,):
            await asyncio.sleep(3)
        assert service.counts["sent"] == 1
        assert await side.outbox.waiting(10) == []
