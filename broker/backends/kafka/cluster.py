"""The cluster as this process reaches it: clients, topics, and what Kafka's errors mean to us."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, ProducerFenced, TopicAlreadyExistsError

from broker.backends.topology import Topology
from broker.lanes import LaneLost, Unavailable

MOST_OCTETS = 4 * 1024 * 1024
"""Size of a message at most: a delivery or a quarantined message has 1 MiB, an entry less."""

TRANSACTION_MS = 10_000
"""After this long Kafka ends the transaction of a process that died in it; until then nobody reads
past it. A new owner of the lane ends it at once."""

FETCH_WAIT_MS = 50
"""How long the cluster holds an answer back when there is nothing new."""

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
    """

    bootstrap: str
    prefix: str = ""
    replicas: int = 1
    deadline_s: float = 15.0

    def partition(self, topic: str, shard: int) -> TopicPartition:
        """Return the partition that a topic's shard is."""
        return TopicPartition(self.prefix + topic, shard)

    def topic(self, name: str) -> str:
        """Return our name of a topic that Kafka names so."""
        return name.removeprefix(self.prefix)

    def consumer(self) -> AIOKafkaConsumer:
        """Return a reader of committed messages that belongs to no group and keeps no position."""
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            retry_backoff_ms=20,
            request_timeout_ms=int(self.deadline_s * 1000),
        )

    def producer(self, transactional_id: str) -> AIOKafkaProducer:
        """Return a writer of transactions; to start it fences whoever had this id before."""
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            transactional_id=self.prefix + transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            max_request_size=MOST_OCTETS,
            max_batch_size=256 * 1024,
            retry_backoff_ms=20,
            request_timeout_ms=int(self.deadline_s * 1000),
        )

    def admin(self) -> AIOKafkaAdminClient:
        """Return a client that makes topics and looks at groups."""
        return AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap, request_timeout_ms=int(self.deadline_s * 1000)
        )

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
        except (KafkaError, TimeoutError, OSError) as error:
            said = f"{where}: {type(error).__name__}"
            raise Unavailable(said, "Check that Kafka runs and can be reached.") from error


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
                self._known.update(missing)

    async def _create(self, names: Sequence[str]) -> None:
        topics = [self._shape(name) for name in names]
        try:
            answer = await self._admin.create_topics(topics)
        except TopicAlreadyExistsError:
            return
        for name, code, *_ in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise KafkaError(f"{name}: error {code}")

    def _shape(self, name: str) -> NewTopic:
        owners = name == OWNERS
        table = owners or self._topology.is_compacted(name)
        return NewTopic(
            self._cluster.prefix + name,
            1 if owners else self._topology.shards_of(name),
            self._cluster.replicas,
            topic_configs={
                "cleanup.policy": "compact" if table else "delete",
                "max.message.bytes": str(MOST_OCTETS),
                # The time of a decision is when the store received a message, never a sender's.
                "message.timestamp.type": "LogAppendTime",
                # What is no table is trimmed by acknowledged position, not silently by time.
                "retention.ms": "-1",
                "min.insync.replicas": str(max(1, self._cluster.replicas - 1)),
            },
        )
