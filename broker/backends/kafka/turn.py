"""Whose turn it is: of several processes with one task, the one that works while others stand by.

Kafka's group protocol chooses: a member that leaves or falls silent is replaced by another. It is a
convenience, not the safety: whoever acquires the lanes fences whoever held them before, so two that
both believe in their turn do no harm.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from broker.backends.kafka.cluster import OWNERS, Cluster
from broker.backends.kafka.reader import quietly
from broker.lanes import Unavailable

POLL_MS = 200
"""How long one look for news of the group takes, in milliseconds."""


class Turn(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types for it
    """Tells whether this member is the one that works."""

    def __init__(self) -> None:
        """Stand by."""
        self._over = asyncio.Event()
        self._over.set()

    @property
    def mine(self) -> bool:
        """Whether it is this member's turn."""
        return not self._over.is_set()

    async def ends(self) -> None:
        """Wait until the turn is over."""
        await self._over.wait()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Work if the group's one partition is ours."""
        if assigned:
            self._over.clear()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Stand by."""
        if revoked:
            self._over.set()


@asynccontextmanager
async def take_turns(cluster: Cluster, task: str, patience_s: float = 6.0) -> AsyncIterator[Turn]:
    """Join those who take turns at a task; leave at the end.

    Args:
        cluster: where; its table of owners exists.
        task: what is done by one at a time.
        patience_s: after how long a silent member is replaced, in seconds.

    Raises:
        Unavailable: the cluster cannot be reached.
    """
    turn = Turn()
    consumer = AIOKafkaConsumer(
        **cluster.reach(),
        group_id=f"{cluster.prefix}turn/{task}",
        enable_auto_commit=False,
        auto_offset_reset="latest",
        session_timeout_ms=int(patience_s * 1000),
        heartbeat_interval_ms=int(patience_s * 1000 / 4),
    )
    consumer.subscribe([cluster.partition(OWNERS, 0).topic], listener=turn)
    with cluster.meaning(task):
        try:
            await consumer.start()
        except BaseException:
            await quietly(consumer.stop())
            raise
    polling = asyncio.create_task(_poll(consumer, cluster))
    try:
        yield turn
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
        await quietly(consumer.stop())


async def _poll(consumer: AIOKafkaConsumer, cluster: Cluster) -> None:
    """Stay a member that is seen to work; what lies in the topic is of no interest."""
    while True:
        try:
            with cluster.meaning("turn"):
                await consumer.getmany(timeout_ms=POLL_MS)
        except Unavailable:
            await asyncio.sleep(POLL_MS / 1000)
