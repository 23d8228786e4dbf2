"""One transactional hop, as anybody would write it with aiokafka: take, work, send, commit.

The worker programs run it. Input is assigned, not balanced: whoever takes over after a crash need
not wait for a group to notice, and the former owner is fenced by its transactional id.
"""

import asyncio
import ctypes
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

MOST_OCTETS = 4 * 1024 * 1024
FETCH_OCTETS = 8 * 1024 * 1024
POLL_MS = 50
PR_SET_PDEATHSIG = 1


class Out(NamedTuple):
    """A message to be sent."""

    topic: str
    key: bytes
    value: bytes


Taken = Sequence["ConsumerRecord[bytes, bytes]"]
Work = Callable[[Taken], Awaitable[Iterable[Out]]]


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a hop takes its input, and under which names.

    Attributes:
        bootstrap: the broker.
        topic: of the input; partition 0.
        name: of group and transactions.
        batch: messages a transaction, at most.
    """

    bootstrap: str
    topic: str
    name: str
    batch: int


def end_with_parent() -> None:
    """Let the system kill this process when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def relay(hop: Hop, work: Work) -> None:
    """Take, work, send and commit until cancelled."""
    producer = AIOKafkaProducer(
        bootstrap_servers=hop.bootstrap,
        transactional_id=hop.name,
        transaction_timeout_ms=10_000,
        max_request_size=MOST_OCTETS,
        max_batch_size=256 * 1024,
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=hop.bootstrap,
        group_id=hop.name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=POLL_MS,
        max_partition_fetch_bytes=FETCH_OCTETS,
    )
    # The fence first: only behind it is certain how far the former owner has come.
    await producer.start()
    try:
        await consumer.start()
        try:
            consumer.assign([TopicPartition(hop.topic, 0)])
            while True:
                await _step(hop, work, consumer, producer)
        finally:
            await consumer.stop()
    finally:
        await producer.stop()


async def _step(
    hop: Hop, work: Work, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer
) -> None:
    found = await consumer.getmany(timeout_ms=1000, max_records=hop.batch)
    for partition, taken in found.items():
        outputs = await work(taken)
        async with producer.transaction():
            for out in outputs:
                await producer.send(out.topic, out.value, key=out.key, partition=0)
            position = {partition: taken[-1].offset + 1}
            await producer.send_offsets_to_transaction(position, hop.name)


def run(hop: Hop, work: Work) -> None:
    """Be one hop until ended."""
    end_with_parent()
    asyncio.run(relay(hop, work))
