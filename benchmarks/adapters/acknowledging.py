"""MLLP: messages a second acknowledged by a listener, and how long each sender waits.

Each connection sends its next message when the last one was acknowledged, as interface engines do.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from adapters.demo_week.people import HOSPITALS
from adapters.wire.mllp import Framer, framed
from benchmarks.adapters.messages import registration
from benchmarks.adapters.shapes import SEED
from benchmarks.adapters.site import Site, until
from benchmarks.kafka.processes import Worker, cpu_seconds, program
from benchmarks.kafka.summaries import percentile

PIECE = 64 * 1024
WARM = 50
"""Messages before those that are measured."""

FIRST_TRY = 9_000_000
"""Number of the message by which it is found out whether a listener takes any."""

CONCORDAT = "Concordat"
BARE = "bare, fsync a message"


class NotTaken(RuntimeError):  # noqa: N818 - what happened
    """A message was not acknowledged with AA."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What came of one run.

    Attributes:
        who: listened.
        connections: that sent at the same time.
        messages: in all.
        rate: messages a second.
        p50: seconds from a message's first byte to its acknowledgement.
        p99: as above.
        cpu_ms: processor time of the listener, milliseconds a message.
    """

    who: str
    connections: int
    messages: int
    rate: float
    p50: float
    p99: float
    cpu_ms: float


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


async def _talk(port: int, messages: Sequence[tuple[str, bytes]], waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    framer = Framer(PIECE)
    try:
        for control, message in messages:
            begun = time.perf_counter()
            writer.write(message)
            answer: object = None
            while answer is None:
                data = await reader.read(PIECE)
                if not data:
                    raise NotTaken("the connection ended")
                answer = next(framer.feed(data), None)
            waits.append(time.perf_counter() - begun)
            if not isinstance(answer, bytes) or f"MSA|AA|{control}".encode() not in answer:
                raise NotTaken(control)
    finally:
        writer.close()


async def send(port: int, connections: int, count: int, first: int) -> tuple[float, list[float]]:
    """Send so many messages over so many connections; return seconds in all, and of each.

    Raises:
        NotTaken: one was not acknowledged.
        OSError: nobody listens, or a connection broke.
    """
    random = Random(SEED + first)
    made = [
        (f"B{number}", framed(registration(number, random).encode()))
        for number in range(first, first + count)
    ]
    waits: list[float] = []
    begun = time.perf_counter()
    talks = (_talk(port, made[turn::connections], waits) for turn in range(connections))
    await asyncio.gather(*talks)
    return time.perf_counter() - begun, waits


@contextmanager
def adapter(site: Site) -> Iterator[tuple[Worker, int]]:
    """Start the hospitals' adapter; yield it and the port of its listener."""
    port = free_port()
    settings = f"listeners: [{{kind: mllp, name: adt, place: {{port: {port}}}}}]\n"
    worker = site.adapt(HOSPITALS, settings)
    try:
        until(lambda: listens(port), site.check)
        until(lambda: _takes(port), site.check)
        yield worker, port
    finally:
        worker.stop()


def _takes(port: int) -> bool:
    """Tell whether a listener acknowledges: it does not before it has read the protocol."""
    try:
        asyncio.run(send(port, 1, 1, FIRST_TRY))
    except (NotTaken, OSError):
        return False
    return True


@contextmanager
def bare(folder: Path) -> Iterator[tuple[Worker, int]]:
    """Start the bare listener; yield it and its port."""
    port = free_port()
    command = program("benchmarks.adapters.bare_mllp", str(port), folder / "messages.hl7")
    worker = Worker(BARE, command, folder / "bare.out")
    worker.start()
    try:
        until(lambda: listens(port), worker.check)
        yield worker, port
    finally:
        worker.stop()


def acknowledging(
    site: Site, folder: Path, connections: Sequence[int], count: int, told: Callable[[str], None]
) -> list[Acknowledged]:
    """Measure the adapter's listener and a bare one, by turns, with several numbers of senders.

    Raises:
        Ended, NotTaken, NotComing, OSError: a listener does not do as it should.
    """
    found: list[Acknowledged] = []
    first = 0
    with adapter(site) as ours, bare(folder) as other:
        for many in connections:
            for who, (worker, port) in ((CONCORDAT, ours), (BARE, other)):
                told(f"MLLP: {who}, {many} connections")
                asyncio.run(send(port, many, WARM, first))
                busy = cpu_seconds(worker.pid)
                seconds, waits = asyncio.run(send(port, many, count, first + WARM))
                cpu = cpu_seconds(worker.pid) - busy
                first += WARM + count
                found.append(
                    Acknowledged(
                        who,
                        many,
                        count,
                        count / seconds,
                        percentile(waits, 50),
                        percentile(waits, 99),
                        1000 * cpu / count,
                    )
                )
    return found
