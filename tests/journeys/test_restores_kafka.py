"""Kafka and the log's store put back to different moments, with parts in processes of their own.

Everything is stopped for it, copied back, and started again, as an operator would.
"""

import asyncio
import json
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.backends.files.store import FileTileStore
from tests.support import kafka
from tests.support.parts import COUNCIL, PATIENCE_S, County
from tests.support.services import Missing, do_without

pytestmark = pytest.mark.slow

OLDER, NEWEST = "older", "newest"
KAFKA, LOG, REST = "kafka", "log", "rest"
BOTH = (KAFKA, LOG)
PARTS = (("router",), ("log",), ("agency", COUNCIL))


@dataclass
class Cluster:
    """A county over a Kafka of its own, both of which can be put back.

    Attributes:
        county: the county.
        server: its Kafka.
        folder: of everything.
    """

    county: County
    server: kafka.Broker
    folder: Path

    def places(self) -> dict[str, Path]:
        """Return the folder of each store, and that of everything else."""
        layout = self.county.layout
        return {KAFKA: self.folder / "data", REST: layout.root, LOG: layout.log}

    def save(self, name: str) -> None:
        """Copy Kafka's data and the county's folder, while nothing runs."""
        for store, place in self.places().items():
            shutil.copytree(place, self.folder / "copies" / name / store)

    def put_back(self, name: str, which: Collection[str] = BOTH) -> None:
        """Put copies back, while nothing runs."""
        for store in which:
            shutil.rmtree(self.places()[store])
            shutil.copytree(self.folder / "copies" / name / store, self.places()[store])

    async def start(self, *parts: tuple[str, ...]) -> list[subprocess.Popen[bytes]]:
        """Start Kafka, and parts."""
        await asyncio.to_thread(self.server.start)
        return [self.county.start(*part) for part in parts]

    async def stop(self, running: Collection[subprocess.Popen[bytes]]) -> None:
        """Stop parts, and Kafka."""
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            await asyncio.to_thread(process.wait, PATIENCE_S)
        self.server.kill()

    async def work(self, concerns: int) -> None:
        """Let records go all the way, with everything started before and stopped behind."""
        running = await self.start(*PARTS)
        await self.county.publish_concerns(concerns)
        assert await self.county.all_received(), self.county.said()
        await self.stop(running)

    async def refused(self, *part: str) -> str:
        """Return the code that a part ends with."""
        process = self.county.start(*part, "--json")
        code = await asyncio.to_thread(process.wait, PATIENCE_S)
        number = self.county.processes.index(process)
        said = (self.county.layout.root / f"part-{number}-{part[0]}.out").read_text("utf-8")
        assert code == 3, said
        error: dict[str, str] = json.loads(said[said.index('{\n  "error"') :])["error"]
        assert "copy" in error["fix"]
        return error["code"]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Eastshire after two rounds of work, with copies after each; nothing runs."""
    libs = kafka.jars()
    if isinstance(libs, Missing):
        do_without(libs)
    folder = tmp_path_factory.mktemp("restores")

    async def made(server: kafka.Broker) -> Cluster:
        cluster = Cluster(await County.found(folder, server.address), server, folder)
        server.kill()
        try:
            for name in (OLDER, NEWEST):
                await cluster.work(3)
                cluster.save(name)
        except BaseException:
            cluster.county.end()
            raise
        return cluster

    with kafka.broker(libs, folder) as server:
        yield asyncio.run(made(server))


@pytest.fixture
def cluster(worked: Cluster) -> Iterator[Cluster]:
    """The same for one test, as after the second round."""
    worked.put_back(NEWEST, (KAFKA, REST))
    worked.county.published = 6
    yield worked
    worked.county.end()
    worked.county.processes.clear()
    worked.server.kill()


async def assert_all_is_well(cluster: Cluster) -> None:
    """Make sure that more work comes through, once, and that the log proves it."""
    await cluster.work(3)
    await cluster.start()
    verification = await cluster.county.verified()
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


async def test_a_log_that_is_older_than_kafka_ends_at_once(cluster: Cluster) -> None:
    # given a log's store that lacks what was logged last
    cluster.put_back(OLDER, {LOG})
    tiles = FileTileStore(cluster.county.layout.log)
    history = await tiles.current()

    # when the log is to work, also while more is decided, then it ends, and has signed nothing
    running = await cluster.start(("router",))
    assert await cluster.refused("log") == "log.older"
    await cluster.county.publish_concerns(2)
    assert await cluster.refused("log") == "log.older"
    assert await tiles.current() == history

    # when the newest copy stands there, then all goes on, with what was decided meanwhile
    await cluster.stop(running)
    cluster.put_back(NEWEST, {LOG})
    await assert_all_is_well(cluster)


async def test_a_kafka_that_is_older_than_the_log_is_refused_by_log_and_agency(
    cluster: Cluster,
) -> None:
    # given a Kafka that lacks what was decided last
    cluster.put_back(OLDER, {KAFKA})
    tiles = FileTileStore(cluster.county.layout.log)
    history = await tiles.current()

    # when log and agency are to work, then they end, and say why
    await cluster.start()
    assert await cluster.refused("log") == "log.topics-older"
    assert await cluster.refused("agency", COUNCIL) == "log.taken-back"
    assert await tiles.current() == history

    # when the newest copy stands there, then all goes on
    await cluster.stop([])
    cluster.put_back(NEWEST, {KAFKA})
    await assert_all_is_well(cluster)


async def test_a_router_that_went_on_does_not_hide_a_kafka_that_is_older_than_the_log(
    cluster: Cluster,
) -> None:
    # given an older Kafka, where a router has decided more than what is lost
    cluster.put_back(OLDER, {KAFKA})
    tiles = FileTileStore(cluster.county.layout.log)
    history = await tiles.current()
    await cluster.start(("router",))
    await cluster.county.publish_concerns(12)
    await asyncio.sleep(3)

    # when the log is to work, then it ends: it does not take others for what it holds
    for _ in range(2):
        assert await cluster.refused("log") == "log.topics-older"
    size = len(await cluster.county.concerns_received())
    assert size == 6
    assert history is not None
    assert len(await tiles.current() or b"") == len(history)


async def test_agencies_notice_a_broker_that_cannot_know_that_it_is_older(
    cluster: Cluster,
) -> None:
    # given Kafka and log of one moment, older than what agencies have seen
    cluster.put_back(OLDER)
    await cluster.start(("router",), ("log",))

    # when an agency looks, before and after the broker has gone on
    for more in (0, 9):
        await cluster.county.publish_concerns(more)
        await asyncio.sleep(3 if more else 0)
        # then it ends, and says why; nothing was taken in
        assert await cluster.refused("agency", COUNCIL) == "log.taken-back"
    assert len(await cluster.county.concerns_received()) == 6
