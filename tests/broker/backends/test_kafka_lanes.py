"""The lane contract on a real Kafka broker."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.streams import KafkaStreams
from tests.contracts.lane_restarts import (
    RestartContract,
    assert_copied_once,
    copy_all,
    publish_numbers,
)
from tests.contracts.lanes import LaneContract
from tests.contracts.worlds import AGENCY, BROKER, STREAM, topology
from tests.support import kafka

PLACES = {
    topic: store
    for store, topics in {"stream": STREAM, "broker": BROKER, "agency": AGENCY}.items()
    for topic in topics
}


class KafkaWorld:
    """The contract's installation on one cluster, under a prefix of its own."""

    def __init__(self, cluster: Cluster, shards: int, folder: Path) -> None:
        self.shards = shards
        self.cluster = cluster
        self._folder = folder
        self._opened: list[KafkaStreams] = []

    def streams(self, sink: str) -> KafkaStreams:
        folder = self._folder / str(len(self._opened))
        folder.mkdir()
        made = KafkaStreams(self.cluster, PLACES, sink, topology(self.shards), folder)
        self._opened.append(made)
        return made

    async def close(self) -> None:
        for one in self._opened:
            await one.close()


@pytest.fixture(params=[1, 3])
async def world(
    request: pytest.FixtureRequest, kafka_address: str, tmp_path: Path
) -> AsyncIterator[KafkaWorld]:
    made = KafkaWorld(Cluster(kafka_address, f"t{os.urandom(4).hex()}."), request.param, tmp_path)
    yield made
    await made.close()


class TestKafkaLanes(LaneContract, RestartContract):
    """See `tests.contracts.lanes`."""


@pytest.mark.soak
async def test_a_broker_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    # given a copy that is under way on a broker of its own
    with kafka.own_broker(tmp_path) as running:
        folder = tmp_path / "tables"
        folder.mkdir()
        cluster = Cluster(running.address, deadline_s=5)
        made = KafkaWorld(cluster, 1, folder)
        total = 400
        await publish_numbers(made, total)

        async def restart() -> None:
            for _ in range(2):
                await asyncio.sleep(0.5)
                running.kill()
                await asyncio.to_thread(running.start)

        # when the broker is killed and started again, twice, while a worker starts again and again
        killing = asyncio.create_task(restart())
        await copy_all(made.streams("broker"), Random(7), total)
        await killing

        # then each message was copied once, in its order
        await assert_copied_once(made, total)
        await made.close()
