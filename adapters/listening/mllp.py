"""HL7 v2 over MLLP: each message is acknowledged when its records are safe, and not before.

`AA` means that everything a message gave is in the outbox, or was kept back by the agency's rule;
`AE` that nothing is and the sender shall send again; `AR` that sending it again is of no use.
Messages of one connection are taken one by one, in order; a message that comes twice is
acknowledged twice, and the outbox knows that it is one. Sources: HL7 v2.5.1, section 2.9; MLLP
release 1.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

from adapters.configured import Configured
from adapters.intake import Heard, Intake
from adapters.listening.brought import Brought, Fate, bring, reason_of
from adapters.listening.errors import (
    ADDRESS,
    CHARACTERS,
    FRAME,
    FRAME_LENGTH,
    NOT_HL7,
    PROCESSING,
    SEVERAL,
    SLOW,
    BroughtRefused,
    ListenerFailed,
)
from adapters.listening.place import MOST_OCTETS, MOST_SECONDS, Place, shown, within
from adapters.wire.hl7_answers import (
    NO_HEADER,
    Header,
    Told,
    Verdict,
    acknowledge,
    answer_wanted,
    messages_in,
    read_header,
)
from adapters.wire.mllp import Fault, Framer, framed
from broker.clock import Clock

PIECE = 64 * 1024
"""Bytes read at once."""

MOST_FAULTS = 20
"""Faults of framing after which a connection is given up: it will not find its way again."""

WRITE_S = 10
"""Seconds in which the other side must take an answer of some hundred bytes."""

CLOSE_S = 30
"""Seconds that messages have to come to their answers when the listener ends."""

HANDSHAKE_S = 10
"""Seconds for TLS to agree."""

HANG_UP_S = 2
"""Seconds for a connection to end in good order."""

CHARACTER_SETS: dict[str, str | None] = {
    "": None,
    "ASCII": None,
    "UNICODE UTF-8": None,
    "8859/1": "latin-1",
    "8859/15": "iso8859-15",
}
"""MSH-18 (table 0211) and what a message is decoded with; None: as it comes, UTF-8."""

UNNAMED_CHARACTERS: dict[str, str | None] = {
    "utf-8": None,
    "cp1252": "cp1252",
    "latin-1": "latin-1",
}
"""What a message that names no character set may be said to be in."""

_VERDICTS = {Fate.SAFE: Verdict.ACCEPTED, Fate.LATER: Verdict.ERROR, Fate.NEVER: Verdict.REJECTED}


@dataclass(frozen=True, slots=True)
class MllpListening(Configured):
    """How an MLLP listener is configured.

    Attributes:
        name: what status calls it.
        place: where, and who may come.
        format: the messages' format; None: recognised.
        processing: values of MSH-11 that are taken: P production, T training, D debugging.
        encoding: what a message without MSH-18 is in: utf-8, cp1252 or latin-1.
        frame_octets: most bytes of a message.
        idle_s: seconds that a connection may be without a message.
        frame_s: seconds in which a message that has begun must have come to its end.
    """

    name: str
    place: Place = field(default_factory=Place)
    format: str | None = None
    processing: frozenset[str] = frozenset({"P"})
    encoding: str = "utf-8"
    frame_octets: int = 1024 * 1024
    idle_s: float = 3600
    frame_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ListenerFailed: `listener.configuration`, `listener.anybody`.
        """
        within("frame_octets", self.frame_octets, 1, MOST_OCTETS)
        within("idle_s", self.idle_s, 0.01, MOST_SECONDS)
        within("frame_s", self.frame_s, 0.01, MOST_SECONDS)
        within("processing", len(self.processing & {"P", "T", "D"}), 1, len(self.processing))
        within("encoding", self.encoding in UNNAMED_CHARACTERS, 1, 1)
        self.place.must_know_who_comes()


class MllpListener:
    """A `Listener`."""

    def __init__(
        self, config: MllpListening, intake: Intake, clock: Clock, heard: Heard = lambda *_: None
    ) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            config: how.
            intake: what makes messages safe.
            clock: for the time in acknowledgements.
            heard: is told what happens.
        """
        self._config = config
        self._intake = intake
        self._clock = clock
        self._heard = heard
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], _Talk] = {}
        self._connections: set[asyncio.Task[None] | None] = set()
        self._address = ""

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    @property
    def address(self) -> str:
        """Where it listens, once it does; empty before."""
        return self._address

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ListenerFailed: `listener.address`.
            WireFilesUnfit: `wire.tls`.
        """
        place = self._config.place
        context = None if place.tls is None else place.tls.context()
        handshake = None if context is None else HANDSHAKE_S
        try:
            self._server = await asyncio.start_server(
                self._connected,
                place.host,
                place.port,
                limit=PIECE,
                ssl=context,
                ssl_handshake_timeout=handshake,
            )
        except OSError as error:
            wanted = shown(place.host, place.port)
            raise ListenerFailed(ADDRESS, f"{self.name}: {wanted}") from error
        self._address = shown(place.host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more, let what is being taken come to its answer, and end."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for task, talk in self._talks.items():
            talk.last = True
            if not talk.busy:
                task.cancel()
        if self._talks:
            _, late = await asyncio.wait(tuple(self._talks), timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*(one for one in self._connections if one is not None))
        await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        self._connections.add(own)
        try:
            await self._serve(reader, writer)
        finally:
            self._connections.discard(own)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        refused = self._turned_away(peer)
        if refused:
            self._heard("refused", f"{self.name}: {refused}")
            await _hang_up(writer)
            return
        talk = _Talk(reader, writer, Framer(self._config.frame_octets))
        # A task of its own, so that `close` can end it and the connection still ends in good order.
        task = asyncio.ensure_future(self._talk(talk))
        self._talks[task] = talk
        try:
            await asyncio.wait((task,))
        finally:
            del self._talks[task]
            await _hang_up(writer)

    def _turned_away(self, peer: str) -> str:
        """Return why a connection is not taken; empty if it is."""
        place = self._config.place
        if not place.admits(peer):
            return f"an address that may not connect: {peer}"
        if len(self._talks) >= place.connections:
            return f"there are {place.connections} connections already"
        return "" if self._server is not None else "it is about to end"

    async def _talk(self, talk: "_Talk") -> None:
        """Take messages until the connection ends, whoever ends it."""
        try:
            while not talk.last and await self._hear(talk):
                pass
        except TimeoutError:
            self._heard("dropped", f"{self.name}: {SLOW.name}")
        except OSError:
            self._heard("dropped", f"{self.name}: the connection broke")

    async def _hear(self, talk: "_Talk") -> bool:
        """Take what comes next; return whether more may follow."""
        data = await talk.read(self._config.idle_s, self._config.frame_s)
        for found in talk.framer.feed(data):
            talk.deadline = None
            if isinstance(found, Fault):
                code = FRAME_LENGTH if found is Fault.TOO_LARGE else FRAME
                self._heard("dropped", f"{self.name}: {code.name}: {found.value}")
                talk.faults += 1
                if found is Fault.TOO_LARGE or talk.faults >= MOST_FAULTS:
                    return False
                continue
            talk.busy = True
            await self._answer(found, talk.writer)
            talk.busy = False
            if talk.last:
                return False
        if not data and talk.framer.inside:
            self._heard("dropped", f"{self.name}: {FRAME.name}: a frame that was cut short")
        return bool(data)

    async def _answer(self, content: bytes, writer: asyncio.StreamWriter) -> None:
        header = read_header(content)
        brought = await self._bring(content, header)
        self._heard(brought.fate.value, f"{self.name}: {brought.sentence}")
        verdict = _VERDICTS[brought.fate]
        letter = answer_wanted(header or NO_HEADER, verdict)
        if letter is None:
            return
        answer = acknowledge(
            header or NO_HEADER,
            letter + verdict.value,
            [Told(one.code, one.line) for one in brought.reasons],
            self._clock.now(),
            secrets.token_hex(8),
        )
        writer.write(framed(answer))
        async with asyncio.timeout(WRITE_S):
            await writer.drain()

    async def _bring(self, content: bytes, header: Header | None) -> Brought:
        config = self._config
        try:
            utf8 = _readable(content, header, config)
        except BroughtRefused as error:
            return Brought(Fate.NEVER, (reason_of(error),))
        return await bring(self._intake, utf8, self.name, config.format)


@dataclass(slots=True, eq=False)
class _Talk:
    """One connection.

    Attributes:
        reader: what comes.
        writer: what goes.
        framer: cuts what comes into messages.
        busy: whether a message is being taken or answered.
        last: whether the message that is being taken is the last one.
        faults: of framing, so far.
        deadline: when the frame that has begun must have ended, in the loop's time.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    framer: Framer
    busy: bool = False
    last: bool = False
    faults: int = 0
    deadline: float | None = None

    async def read(self, idle_s: float, frame_s: float) -> bytes:
        """Return what has come; empty at the end of the connection.

        Raises:
            TimeoutError: nothing came for too long, or a frame did not come to its end.
            OSError: the connection broke.
        """
        now = asyncio.get_running_loop().time()
        if not self.framer.inside:
            until = now + idle_s
        else:
            until = self.deadline = self.deadline or now + frame_s
        async with asyncio.timeout_at(until):
            return await self.reader.read(PIECE)


def _readable(content: bytes, header: Header | None, config: MllpListening) -> bytes:
    """Return a message in UTF-8.

    Raises:
        BroughtRefused: it is none that may be taken: `listener.hl7.…`.
    """
    if header is None:
        raise BroughtRefused(NOT_HL7, "MSH")
    if messages_in(content) > 1:
        raise BroughtRefused(SEVERAL, "MSH")
    if header.part(11) not in config.processing:
        raise BroughtRefused(PROCESSING, "MSH-11")
    named = header.part(18).upper()
    if named not in CHARACTER_SETS:
        raise BroughtRefused(CHARACTERS, "MSH-18")
    codec = CHARACTER_SETS[named] if named else UNNAMED_CHARACTERS[config.encoding]
    if codec is None:
        return content
    try:
        return content.decode(codec).encode()
    except UnicodeDecodeError:
        # Without its cause, which holds the message.
        raise BroughtRefused(CHARACTERS, "message") from None


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """End a connection, whatever state it is in."""
    writer.close()
    try:
        async with asyncio.timeout(HANG_UP_S):
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()
