"""All servers of production at once: Kafka, an OPA server, PostgreSQL; and each of them away."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from broker.access_log.ports import NEWEST, LogQuery
from broker.runtimes.clock import SystemClock
from broker.runtimes.health import examine
from broker.runtimes.searching import Wanted, search
from broker.runtimes.serving import serve_agency, serve_bundle, serve_log, serve_router
from tests.support import opa, parts, postgres
from tests.support.kafka import free_port
from tests.support.parts import COUNCIL, County

pytestmark = pytest.mark.slow

council = partial(serve_agency, agency=COUNCIL)


@pytest.fixture
def database() -> Iterator[postgres.Running]:
    """A server of the index, which the test may stop."""
    with postgres.own_server() as server:
        yield server


async def indexed(county: County) -> int:
    """Return how many entries a search finds."""
    page = await search(county.layout, LogQuery(), Wanted(), NEWEST, 1000)
    return len(page.found)


async def test_an_index_that_is_away_holds_nothing_up_and_catches_up(
    kafka_address: str, database: postgres.Running, tmp_path: Path
) -> None:
    # given a log whose index lies in PostgreSQL
    county = await County.found(tmp_path, kafka_address, postgres=database.address)
    async with parts.serving(county, serve_router, serve_log, council) as (_, logs, _):
        await county.publish_concerns(2)
        assert await county.all_received()
        before = await indexed(county)
        assert before > 5

        # when the server is gone, then records come all the same
        database.stop()
        await county.publish_concerns(3)
        assert await county.all_received()

        # and when it is back, then the index has them, too
        database.start()
        await county.publish_concerns(1)
        assert await county.all_received()
        async with asyncio.timeout(30):
            while await indexed(county) < logs.counts["entries"]:  # noqa: ASYNC110 - another process's work is waited for
                await asyncio.sleep(0.3)
    assert (await county.verified()).sound


async def test_an_opa_server_decides_by_the_bundle_of_the_published_revision(
    kafka_address: str, tmp_path: Path
) -> None:
    # given an OPA server that fetches its policy from the installation, and a router that asks it
    port = free_port()
    with opa.own_server(f"http://127.0.0.1:{port}/bundle.tar.gz") as server:
        county = await County.found(tmp_path, kafka_address, opa_server=server.address, memo_size=0)
        bundle = partial(serve_bundle, host="127.0.0.1", port=port)
        async with parts.serving(county, bundle, serve_router, serve_log, council):
            await asyncio.to_thread(server.wait_for_bundle)
            await county.publish_concerns(2)
            assert await county.all_received()

            # when it is away, then what is not of the floor waits
            server.kill()
            await county.publish_concerns(2)
            await asyncio.sleep(4)
            assert len(await county.concerns_received()) == 2

            # and when it is back, then it comes, once
            await asyncio.to_thread(server.start)
            await county.publish_concerns(1)
            assert await county.all_received()
    assert (await county.verified()).sound


async def test_doctor_looks_at_every_server(kafka_address: str, tmp_path: Path) -> None:
    # given an installation whose servers are there but for OPA
    county = await County.found(
        tmp_path, kafka_address, opa_server=f"http://127.0.0.1:{free_port()}"
    )

    # when doctor looks, then it says so of each
    health = await examine(county.layout, SystemClock())
    found = {one.name: one for one in health.checks}
    assert found["Kafka"].good
    assert not found["OPA server"].good
    assert "floor" in found["OPA server"].fix
