"""A founded county whose parties exchange over Kafka from now on."""

import asyncio
import os
from pathlib import Path

from broker.clock import DAY, Instant
from broker.lanes import Message
from broker.runtimes.clock import SetClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import Layout
from broker.runtimes.protocol import protocol_entries
from tests.journeys.steps import NOON


def move_to_kafka(county: Path, address: str) -> Path:
    """Publish the protocol of a county where nothing else has happened yet to a cluster."""
    asyncio.run(_move(Layout(county), address))
    return county


async def _move(layout: Layout, address: str) -> None:
    clock = SetClock(Instant(NOON - DAY))
    async with exchange_of(layout).public(clock) as files:
        entries = await protocol_entries(files)
    for file in layout.stream.parent.iterdir():
        file.unlink()
    layout.broker_store.unlink()
    prefix = f"journey-{os.urandom(4).hex()}."
    ClusterFile(bootstrap=address, prefix=prefix, demonstration=True).write(layout.cluster)
    async with exchange_of(layout).found(clock, layout.agencies()) as streams:
        await streams.publish([Message("protocol", bytes(8), one.message.value) for one in entries])
