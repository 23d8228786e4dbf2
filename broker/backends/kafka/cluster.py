"""The cluster as this process reaches it: clients, topics, and what Kafka's errors mean to us."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalOperation,
    KafkaError,
    ProducerFenced,
    TopicAlreadyExistsError,
)

from broker.backends.kafka.security import OPEN, Security
from broker.backends.topology import Topology
from broker.clock import MINUTE, Clock
from broker.lanes import LaneLost, Unavailable

MOST_OCTETS = 4 * 1024 * 1024
"""Size of a message at most: a delivery or a quarantined message has 1 MiB, an entry less."""

TRANSACTION_MS = 10_000
"""After this long Kafka ends the transaction of a process that died in it; until then nobody reads
past it. A new owner of the lane ends it at once."""

FETCH_WAIT_MS = 50
"""How long the cluster holds an answer back when there is nothing new."""

FAILURES = (KafkaError, IllegalOperation, ConsumerStoppedError, TimeoutError, OSError)
"""What a client's calls end with when the cluster, or the client itself, cannot go on: where a
transaction has failed in the background, the next call finds that there is none."""

READY_S = 0.02
"""Pause between two looks whether a new topic is ready, in seconds."""

RETENTION = "offsets.retention.minutes"

OWNERS = "owners"
"""Table: group and shard → token of the process that acquired the lane last."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the cluster is and how topics are made.

    Attributes:
        bootstrap: addresses, `host:port,host:port`.
        prefix: begins the name of every topic, group and transaction: several installations may
            share a cluster.
        replicas: copies of each partition of a topic that is made; 3 in production.
        deadline_s: how long one call may take before the cluster counts as out of reach.
        told: the clock of a demonstration, which tells a week of its own; None anywhere else: a
            message arrives when the cluster receives it.
        security: how this process and the cluster know each other.
    """

    bootstrap: str
    prefix: str = ""
    replicas: int = 1
    deadline_s: float = 15.0
    told: Clock | None = None
    security: Security = OPEN

    def reach(self) -> dict[str, Any]:
        """Return what every client is made with, whatever it does.

        Raises:
            OSError: a file of its security cannot be read.
        """
        return {
            "bootstrap_servers": self.bootstrap,
            "request_timeout_ms": int(self.deadline_s * 1000),
            "retry_backoff_ms": 20,
            **self.security.options(),
        }

    def partition(self, topic: str, shard: int) -> TopicPartition:
        """Return the partition that a topic's shard is."""
        return TopicPartition(self.prefix + topic, shard)

    def topic(self, name: str) -> str:
        """Return our name of a topic that Kafka names so."""
        return name.removeprefix(self.prefix)

    def consumer(self) -> AIOKafkaConsumer:
        """Return a reader of committed messages that belongs to no group and keeps no position."""
        return AIOKafkaConsumer(
            **self.reach(),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )

    def producer(self, transactional_id: str) -> AIOKafkaProducer:
        """Return a writer of transactions; to start it fences whoever had this id before."""
        return AIOKafkaProducer(
            **self.reach(),
            transactional_id=self.prefix + transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            max_request_size=MOST_OCTETS,
            max_batch_size=256 * 1024,
        )

    def admin(self) -> AIOKafkaAdminClient:
        """Return a client that makes topics and looks at groups."""
        return AIOKafkaAdminClient(**self.reach())

    @contextmanager
    def meaning(self, where: str) -> Iterator[None]:
        """Turn Kafka's errors into ours.

        Raises:
            LaneLost: another process has this transactional id now.
            Unavailable: anything else; whether the call may be tried again says who calls.
        """
        try:
            yield
        except ProducerFenced as error:
            raise LaneLost(where) from error
        except FAILURES as error:
            said = f"{where}: {type(error).__name__}"
            raise Unavailable(said, "Check that Kafka runs and can be reached.") from error


def _ready(topic: Mapping[str, Any]) -> bool:
    partitions = topic["partitions"]
    return (
        topic["error_code"] == 0
        and bool(partitions)
        and all(
            one["error_code"] == 0
            and one["leader"] >= 0
            and len(one["isr"]) == len(one["replicas"])
            for one in partitions
        )
    )


class Topics:
    """Which topics are known to exist; makes those that are missing."""

    def __init__(self, cluster: Cluster, topology: Topology, admin: AIOKafkaAdminClient) -> None:
        """Know nothing yet."""
        self._cluster = cluster
        self._topology = topology
        self._admin = admin
        self._known: set[str] = set()
        self._lock = asyncio.Lock()

    async def make(self, names: Collection[str]) -> None:
        """Make what is missing.

        Raises:
            KafkaError: the cluster cannot be reached, or does not allow it.
        """
        async with self._lock:
            if not set(names) <= self._known:
                found = await self._admin.list_topics()
                prefix = self._cluster.prefix
                self._known = {self._cluster.topic(n) for n in found if n.startswith(prefix)}
            missing = sorted(set(names) - self._known)
            if missing:
                await self._create(missing)
                await self._led(missing)
                self._known.update(missing)

    async def _create(self, names: Sequence[str]) -> None:
        topics = [self._shape(name) for name in names]
        answer = await self._admin.create_topics(topics)
        for name, code, *_ in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise KafkaError(f"{name}: error {code}")

    async def _led(self, names: Sequence[str]) -> None:
        """Wait until every partition has a leader, and every copy of it is in step.

        What is written before is refused and tried again, a tenth of a second and more each time.
        """
        kafkas = [self._cluster.prefix + name for name in names]
        async with asyncio.timeout(self._cluster.deadline_s):
            while True:
                found = await self._admin.describe_topics(kafkas)
                if all(map(_ready, found)):
                    return
                await asyncio.sleep(READY_S)

    def _shape(self, name: str) -> NewTopic:
        owners = name == OWNERS
        table = owners or self._topology.is_compacted(name)
        stamped = "LogAppendTime" if self._cluster.told is None else "CreateTime"
        return NewTopic(
            self._cluster.prefix + name,
            1 if owners else self._topology.shards_of(name),
            self._cluster.replicas,
            topic_configs={
                "cleanup.policy": "compact" if table else "delete",
                "max.message.bytes": str(MOST_OCTETS),
                # The time of a decision is when the store received a message, never a sender's.
                "message.timestamp.type": stamped,
                # What is no table is trimmed by acknowledged position, not silently by time.
                "retention.ms": "-1",
                "min.insync.replicas": str(max(1, self._cluster.replicas - 1)),
            },
        )


async def memory_of_positions(admin: AIOKafkaAdminClient) -> int | None:
    """Return `offsets.retention.minutes` of one of the cluster's brokers, in milliseconds.

    None where that may not be asked.

    Raises:
        KafkaError: the cluster cannot be reached.
    """
    brokers = (await admin.describe_cluster())["brokers"]
    node = str(brokers[0]["node_id"])
    wanted = ConfigResource(ConfigResourceType.BROKER, node, {RETENTION: None})
    for answer in await admin.describe_configs([wanted]):
        for _, _, _, _, entries in answer.resources:
            for name, value, *_ in entries:
                if name == RETENTION:
                    return int(value) * MINUTE
    return None
