"""Parts in processes of their own over real servers, killed, frozen and cut off under load.

Afterwards a verification reads log and topics from the start: every decision is made again from the
kept records, each stands once for its record, consumer and cause, and each release has one
delivery.
"""

import asyncio
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
import pytest

from broker.access_log.reader import LogView, read_state
from broker.access_log.verify_deliveries import verify_deliveries
from broker.backends.files.store import FileTileStore
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.protocol.root import read_root
from broker.runtimes.adopting import adopt
from broker.runtimes.clock import SystemClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.protocol import log_keys
from tests.broker.cli.files import involvement
from tests.support import kafka
from tests.support.joining import CLINIC, with_clinic
from tests.support.parts import COUNCIL, County

pytestmark = pytest.mark.slow

LONGER_THAN_A_TURN_S = 9.0
"""A member of a group that is silent for this long has lost its turn."""


@pytest.fixture
async def county(kafka_address: str, tmp_path: Path) -> AsyncIterator[County]:
    """Eastshire over Kafka; its processes are killed at the end."""
    made = await County.found(tmp_path, kafka_address)
    yield made
    made.end()


PATIENT_TRIES = 20
"""Of some three seconds each: an idle machine needs one."""


async def assert_all_is_well(county: County) -> None:
    """Make sure that everything came once, and that the log proves it."""
    assert await county.all_received(), county.said()
    verification = await county.verified()
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


async def test_parts_that_are_killed_again_and_again_lose_and_double_nothing(
    county: County,
) -> None:
    # given two routers, two logs and an agency, and records that keep coming
    running = [county.start("router") for _ in range(2)]
    running += [county.start("log") for _ in range(2)]
    county.start("agency", COUNCIL)

    # when each of the first four is killed in its turn, and started again
    for number, process in enumerate(running):
        await county.publish_concerns(5)
        await asyncio.sleep(1.5)
        process.kill()
        await county.publish_concerns(5)
        county.start("router" if number < 2 else "log")

    # then everything has come once
    await assert_all_is_well(county)


async def test_an_agency_that_joins_under_load_is_heard_and_nothing_else_is_disturbed(
    county: County, tmp_path: Path
) -> None:
    # given all parts at work, and records that keep coming
    for part in (("router",), ("log",), ("agency", COUNCIL)):
        county.start(*part)
    await county.publish_concerns(5)

    # when a clinic joins in the midst of it
    joining = asyncio.create_task(
        adopt(county.layout, SystemClock(), with_clinic(tmp_path / "protocol"))
    )
    await county.publish_concerns(5)
    assert (await joining).joined == (CLINIC,)
    county.start("agency", CLINIC)
    await county.publish_concerns(5)
    await county.publish(CLINIC, involvement(CLINIC, "registered"))

    # then the clinic hears of the girl whom it has registered, as soon as that is known
    for _ in range(PATIENT_TRIES):
        await county.publish_concerns(1)
        if await county.heard(CLINIC, within_s=3):
            break
    assert await county.heard(CLINIC, within_s=0), county.said()

    # and everything has come once
    await assert_all_is_well(county)


async def freeze(county: County, process: subprocess.Popen[bytes]) -> None:
    """Freeze a process, but not in the milliseconds in which it holds the lock of the log's store.

    Frozen there it holds up whoever would take over, until it is killed or wakes.
    """
    lock = county.layout.log / "commit.lock"
    while True:
        process.send_signal(signal.SIGSTOP)
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("part", ["router", "log"])
async def test_a_part_that_wakes_from_a_long_freeze_changes_nothing(
    county: County, part: str
) -> None:
    # given two of a part, of which the one that works is frozen
    county.start("agency", COUNCIL)
    county.start("log" if part == "router" else "router")
    frozen = county.start(part)
    await county.publish_concerns(3)
    assert await county.all_received(), county.said()
    county.start(part)
    await county.publish_concerns(3)
    await freeze(county, frozen)

    # when the other has taken over, and the first one wakes up
    await county.publish_concerns(3)
    await asyncio.sleep(LONGER_THAN_A_TURN_S)
    assert await county.all_received(), county.said()
    frozen.send_signal(signal.SIGCONT)
    await county.publish_concerns(3)

    # then nothing is decided, logged or released twice
    await assert_all_is_well(county)


async def test_a_kafka_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    # given all parts at work, on a Kafka of their own
    with kafka.own_broker(tmp_path) as server:
        county = await County.found(tmp_path, server.address)
        try:
            for part in (("router",), ("log",), ("agency", COUNCIL)):
                county.start(*part)
            await county.publish_concerns(10)

            # when Kafka is killed in the midst of it, and started again
            for _ in range(2):
                await asyncio.sleep(1.5)
                server.kill()
                await asyncio.sleep(1)
                await asyncio.to_thread(server.start)
                await county.publish_concerns(5)

            # then everything has come once
            await assert_all_is_well(county)
        finally:
            county.end()


async def test_whoever_reads_what_is_not_committed_sees_nothing_that_is_not_logged(
    county: County,
) -> None:
    # given a consumer that does not care for transactions
    prefix = ClusterFile.read(county.layout.cluster).prefix
    with everything_written(county.settings.kafka, f"{prefix}deliveries.{COUNCIL}") as seen:
        county.start("agency", COUNCIL)
        # when router and log are killed again and again, also in the midst of their transactions
        for point in ("releaser.before-commit", "router.before-commit", "releaser.after-commit"):
            part = "router" if point.startswith("router") else "log"
            dies = county.start(part, crash_at=point)
            other = county.start("log" if part == "router" else "router")
            await county.publish_concerns(4)
            assert await asyncio.to_thread(dies.wait, 60) == -signal.SIGKILL
            other.kill()
        county.start("router")
        county.start("log")
        await assert_all_is_well(county)

    # then each delivery that it saw stands in the log
    verification = await county.verified()
    trust = read_root(county.layout.first_root.read_bytes()).trust
    tiles = FileTileStore(county.layout.log)
    state = await read_state(tiles)
    assert state is not None
    assert len(seen) >= county.published
    for value in seen:
        report = await verify_deliveries(
            alone(f"deliveries.{COUNCIL}", value),
            LogView(tiles, state),
            verification.log.ledger,
            trust.origin,
            log_keys(trust),
        )
        assert report.sound, report.findings


async def alone(topic: str, value: bytes) -> AsyncIterator[Received]:
    """Yield one message."""
    yield Received(Message(topic, bytes(8), value), 0, 0, Instant(0))


@contextmanager
def everything_written(address: str, topic: str) -> Iterator[Sequence[bytes]]:
    """Collect what is written to a topic, committed or not, while the block runs."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"watcher-{os.urandom(4).hex()}",
            "isolation.level": "read_uncommitted",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    seen: list[bytes] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            message = consumer.poll(0.2)
            value = None if message is None or message.error() else message.value()
            if value is not None:
                seen.append(value)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        consumer.close()
