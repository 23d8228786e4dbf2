"""Tidying over a real Kafka: what every reader is past and has reached its age goes; else nothing.

The cluster's messages bear a demonstration's time, so that a test can say when they came.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import DECIDED
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.kafka.cluster import Cluster
from broker.backends.kafka.streams import KafkaStreams
from broker.clock import DAY, Instant
from broker.lanes import Bound, Message
from broker.records.names import AgencyId
from broker.runtimes.clock import SetClock
from broker.runtimes.kafka import CONSUMER, KafkaKeeper
from broker.runtimes.tidying import KEPT, ROUTER, URGENT
from broker.runtimes.topics import BROKER, STREAM, TOPOLOGY
from tests.support.county import COUNCIL, NOON, POLICE

SHARED = "kafka"
RECORDS, PRESSING = f"records.{POLICE}", f"urgent.{POLICE}"
DELIVERIES, QUARANTINE = f"deliveries.{COUNCIL}", f"quarantine.{COUNCIL}"
AGENCIES = (AgencyId(POLICE), AgencyId(COUNCIL))
OLD = Instant(NOON + KEPT + 1)
"""When what came at noon has reached its age, and what came a day later has not."""


@dataclass
class Topics:
    """An installation's topics on a cluster."""

    streams: KafkaStreams
    clock: SetClock

    async def publish(self, topic: str, count: int, at: Instant = NOON) -> None:
        """Let messages arrive at an instant."""
        self.clock.set(at)
        await self.streams.publish([Message(topic, bytes(8), b"sealed")] * count)

    async def read(self, group: str, topic: str, count: int) -> None:
        """Let a group acknowledge so many messages of a topic."""
        async with self.streams.lanes([topic], group) as (lane,):
            batch = await lane.take(Bound(count=count, wait_ms=5000))
            assert len(batch.messages) == count
            await lane.commit(batch, ())

    async def left(self, topic: str) -> list[int]:
        """Return the offsets that are still there."""
        return [one.offset for one in await self.streams.read(topic, 0)]

    async def tidy(self, at: Instant) -> int:
        """Tidy."""
        keeper = KafkaKeeper(self.streams)
        await keeper.rest()
        return await keeper.tidy(AGENCIES, at)


@pytest.fixture
async def topics(kafka_address: str, tmp_path: Path) -> AsyncIterator[Topics]:
    clock = SetClock(NOON)
    cluster = Cluster(kafka_address, f"t{os.urandom(4).hex()}.", told=clock)
    places = dict.fromkeys((*STREAM, *BROKER), SHARED)
    streams = KafkaStreams(cluster, places, SHARED, TOPOLOGY, tmp_path)
    yield Topics(streams, clock)
    await streams.close()


async def test_where_nobody_has_read_anything_nothing_goes(topics: Topics) -> None:
    # given topics of which some are not made yet
    await topics.publish(RECORDS, 2)
    assert await topics.tidy(Instant(NOON + 99 * KEPT)) == 0
    assert await topics.left(RECORDS) == [0, 1]


async def test_what_is_decided_goes_once_it_is_logged_and_released(topics: Topics) -> None:
    # given six decided messages, of which four are in the log and two released
    await topics.publish(DECIDED, 6)
    await topics.read(SEQUENCER, DECIDED, 4)
    assert await topics.tidy(NOON) == 0
    await topics.read(RELEASER, DECIDED, 2)

    # when it is tidied, then those go that are both, whatever their age, and no more after that
    assert await topics.tidy(NOON) == 2
    assert await topics.left(DECIDED) == [2, 3, 4, 5]
    assert await topics.tidy(NOON) == 0

    # and its readers go on where they were
    await topics.read(SEQUENCER, DECIDED, 2)
    await topics.read(RELEASER, DECIDED, 4)
    assert await topics.tidy(NOON) == 4
    assert await topics.left(DECIDED) == []


async def test_records_go_when_they_are_routed_and_old(topics: Topics) -> None:
    # given records of two days, of which some were routed, and an urgent one of the first
    await topics.publish(RECORDS, 3)
    await topics.publish(PRESSING, 1)
    await topics.publish(RECORDS, 2, Instant(NOON + DAY))
    first = [one.offset for one in await topics.streams.read(RECORDS, 0)]
    await topics.read(ROUTER, RECORDS, 4)
    await topics.read(URGENT, PRESSING, 1)

    # when they are not old, then all stay
    assert await topics.tidy(Instant(NOON + KEPT)) == 0
    assert await topics.left(RECORDS) == first

    # when those of the first day are, then they go, and of the second what was routed, later
    assert await topics.tidy(OLD) > 0
    assert await topics.left(RECORDS) == first[3:]
    assert await topics.left(PRESSING) == []
    await topics.tidy(Instant(NOON + 99 * KEPT))
    assert await topics.left(RECORDS) == first[4:]

    # and the router finds what it has not routed
    await topics.read(ROUTER, RECORDS, 1)


async def test_deliveries_stay_until_their_agency_has_said_that_it_has_them(
    topics: Topics,
) -> None:
    # given deliveries and a quarantined message that are old
    await topics.publish(DELIVERIES, 3)
    await topics.publish(QUARANTINE, 1)
    assert await topics.tidy(OLD) == 0

    # when the agency says how far it has come, then that much goes
    group = f"{CONSUMER}.{COUNCIL}"
    await topics.streams.report(group, {DELIVERIES: 2, QUARANTINE: 1})
    assert await topics.tidy(OLD) == 3
    assert await topics.left(DELIVERIES) == [2]
    assert await topics.left(QUARANTINE) == []

    # and nothing to say is said without a transaction
    await topics.streams.report(group, {})
    assert (await topics.streams.positions(group, [DELIVERIES]))[DELIVERIES] == 2
