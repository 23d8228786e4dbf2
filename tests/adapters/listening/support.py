"""What the tests of listeners share: an intake that remembers, a clock, certificates, sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.accounting import Accounting
from adapters.format import Rejected
from adapters.intake import Listener, Taken
from adapters.wire.mllp import Fault, Framer
from adapters.wire.tls import ClientTls, ServerTls
from broker.clock import Instant
from tests.broker.backends.kafka.certificates import Authority

AT = Instant(1_772_625_600_000)
"""4 March 2026, noon."""


class FixedClock:
    """Shows what it is set to."""

    def __init__(self, at: Instant = AT) -> None:
        self.at = at

    def now(self) -> Instant:
        return self.at


def taken(signed: int = 1, rejected: int = 0, **counts: int) -> Taken:
    """What an intake says of so many records; rejected items are one a number."""
    items = tuple(
        Rejected(f"message {number}", "PID-3", "field.missing", "A field is empty.", "Fill it.")
        for number in range(1, rejected + 1)
    )
    account = Accounting("file", "format", signed + rejected, signed, signed, 0, items, (), ())
    return Taken(account, signed, counts.get("already", 0), counts.get("kept_back", 0))


@dataclass
class Memory:
    """An `Intake` that keeps what it took; what it says can be set.

    Attributes:
        said: what it answers, or raises.
        got: what it was given: content, name, format.
        gate: it waits for this before it answers.
        reached: set once it was given something.
    """

    said: Taken | BaseException = field(default_factory=taken)
    got: list[tuple[bytes, str, str | None]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, content: bytes, name: str, format_name: str | None = None) -> Taken:
        self.got.append((content, name, format_name))
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said

    @property
    def contents(self) -> list[bytes]:
        return [content for content, _, _ in self.got]


class Ears:
    """Remembers what was heard."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, what: str, sentence: str) -> None:
        self.said.append((what, sentence))

    def whats(self) -> list[str]:
        return [what for what, _ in self.said]

    def __contains__(self, part: str) -> bool:
        return any(part in f"{what}: {sentence}" for what, sentence in self.said)


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[int]:
    """Yield the port of a listener that listens."""
    await listener.start()
    try:
        yield int(listener.address.rpartition(":")[2])
    finally:
        await listener.close()


class Line:
    """A connection of another system."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._framer = Framer(1 << 20)
        self._answers: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """The next acknowledgement; empty at the connection's end."""
        while not self._answers:
            try:
                data = await asyncio.wait_for(self.reader.read(65536), 5)
            except ConnectionError:
                return b""
            if not data:
                return b""
            found = list(self._framer.feed(data))
            assert not any(isinstance(one, Fault) for one in found)
            self._answers += [one for one in found if isinstance(one, bytes)]
        return self._answers.pop(0)

    async def rest(self) -> bytes:
        """All that comes until the connection's end.

        In pieces: a reset throws away what the reader holds, and who writes to a connection that
        the other side has ended gets one.
        """
        come = bytearray()
        with suppress(ConnectionError):
            async with asyncio.timeout(5):
                while piece := await self.reader.read(65536):
                    come += piece
        return bytes(come)


@asynccontextmanager
async def line(port: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Line]:
    """Yield a connection to this machine's port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        try:
            await asyncio.wait_for(writer.wait_closed(), 5)
        except OSError:
            writer.transport.abort()


@dataclass(frozen=True)
class Certificates:
    """A server's certificate and two clients', of which one is of another authority."""

    server: ServerTls
    mutual: ServerTls
    client: ClientTls
    known: ClientTls
    stranger: ClientTls


def certificates(folder: Path) -> Certificates:
    """Make them."""
    ours, others = Authority(folder), Authority(folder, "others")
    server = ours.vouch("listener")
    known, stranger = ours.vouch("known"), others.vouch("stranger")
    return Certificates(
        ServerTls(server),
        ServerTls(server, clients=ours.file),
        ClientTls(ours.file),
        ClientTls(ours.file, known),
        ClientTls(ours.file, stranger),
    )


def secret_file(path: Path, *lines: str) -> Path:
    """Write a file of secrets that only its owner may read."""
    path.write_text("".join(f"{one}\n" for one in lines))
    path.chmod(0o600)
    return path
