"""Whose turn it is among processes with one task."""

import asyncio
import os
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from broker.backends.kafka.cluster import OWNERS, Cluster
from broker.backends.kafka.streams import KafkaStreams
from broker.backends.kafka.turn import Turn, take_turns
from broker.lanes import Unavailable
from tests.contracts.worlds import topology
from tests.support.kafka import free_port

PATIENCE_S = 20.0
PARTITION = TopicPartition(OWNERS, 0)


@pytest.fixture
async def cluster(kafka_address: str, tmp_path: Path) -> Cluster:
    """A cluster with its table of owners."""
    made = Cluster(kafka_address, f"t{os.urandom(4).hex()}.")
    streams = KafkaStreams(made, {"seen": "broker"}, "broker", topology(1), tmp_path)
    await streams.make([OWNERS])
    await streams.close()
    return made


async def has_begun(*turns: Turn) -> None:
    """Wait until it is the turn of exactly one."""
    async with asyncio.timeout(PATIENCE_S):
        while sum(turn.mine for turn in turns) != 1:  # noqa: ASYNC110 - the cluster decides
            await asyncio.sleep(0.05)


async def test_a_turn_begins_and_ends_as_the_group_says() -> None:
    # given a member that nothing is assigned to, then it stands by, and has nothing to end
    turn = Turn()
    for nothing in (turn.on_partitions_assigned, turn.on_partitions_revoked):
        await nothing(())
        assert not turn.mine
        await turn.ends()

    # when the partition is assigned to it, then it works until that is taken from it
    await turn.on_partitions_assigned([PARTITION])
    assert turn.mine
    await turn.on_partitions_revoked(())
    assert turn.mine
    ends = asyncio.create_task(turn.ends())
    await asyncio.sleep(0)
    assert not ends.done()
    await turn.on_partitions_revoked([PARTITION])
    assert not turn.mine
    await ends


async def test_of_two_one_has_its_turn_and_the_other_follows_it(cluster: Cluster) -> None:
    # given one that works, when another joins, then it is the turn of one of them
    async with take_turns(cluster, "router") as stays:
        await has_begun(stays)
        async with take_turns(cluster, "router") as leaves:
            await asyncio.sleep(1)
            await has_begun(stays, leaves)
            # and who does another task has a turn of its own
            async with take_turns(cluster, "log") as other:
                await has_begun(other)

        # and when one has left, then it is the other's
        await has_begun(stays)


async def test_a_member_goes_on_when_the_cluster_was_away_for_a_while(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a cluster that cannot be reached for some looks
    real = AIOKafkaConsumer.getmany
    failed: list[int] = []

    async def getmany(consumer: AIOKafkaConsumer, **options: int) -> object:
        if len(failed) < 3:
            failed.append(1)
            raise KafkaConnectionError
        return await real(consumer, **options)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", getmany)

    # when a member has looked so often, then its turn comes all the same
    async with take_turns(cluster, "router") as turn:
        await has_begun(turn)
        async with asyncio.timeout(PATIENCE_S):
            while len(failed) < 3:  # noqa: ASYNC110 - the member's own task looks
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert turn.mine


async def test_a_cluster_that_is_away_is_told_by_the_task() -> None:
    away = Cluster(f"127.0.0.1:{free_port()}", deadline_s=1)
    with pytest.raises(Unavailable, match="router: KafkaConnectionError"):
        async with take_turns(away, "router"):
            pass
