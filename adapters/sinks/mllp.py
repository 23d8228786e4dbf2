"""Deliveries as HL7 v2 documents over MLLP: MDM^T02, the delivery encapsulated in OBX-5.

The control id is made of the delivery's id, the same at each try, and TXA-12 is that id in full: by
it the other side knows a repetition. A delivery has been handed over when the other side has
acknowledged this very control id with AA (or CA). Sources: HL7 v2.5.1, sections 2.9, 9.6, 9.7.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.configured import Configured
from adapters.sinks.errors import (
    ANSWER,
    AWAY,
    NOT_NOW,
    SINK_CONFIGURATION,
    TOO_LARGE,
    WILL_NOT,
    SinkFailed,
    SinkMisconfigured,
    SinkRefused,
)
from adapters.sinks.port import HandOver
from adapters.wire.hl7_answers import USUAL, escaped_text, read_answer
from adapters.wire.mllp import Fault, Framer, framed
from adapters.wire.tls import ClientTls
from broker.clock import SECOND, Clock, Instant
from broker.errors import ConcordatError

PIECE = 64 * 1024
ANSWER_OCTETS = 64 * 1024
"""Bytes of an acknowledgement, with room for what some systems add."""

CONTROL_ID = 20
"""Characters of MSH-10 (section 2.15.9.10): 80 bits of the delivery's id."""

HANG_UP_S = 2
"""Seconds for a connection to end in good order."""

DOCUMENT_OCTETS = 4 * 1024 * 1024
"""Bytes of a delivery that is handed over in this way."""

MOST_OTHERS = 20
"""Acknowledgements of other messages that are passed over: late ones of earlier tries."""

_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class MllpSinking(Configured):
    """How a sink of HL7 documents is configured.

    Attributes:
        name: what status calls it.
        host: of the other system.
        port: of the other system.
        honours: kinds of obligations that the system behind it keeps.
        tls: whom it believes, and what it shows of itself; None: no TLS.
        plain: whether it may go without TLS beyond this machine, because something else protects
            the way.
        sender: MSH-3 and MSH-4: application and facility.
        receiver: MSH-5 and MSH-6.
        document_type: TXA-2 (table 0270): CN, a consultation, is what most systems file.
        processing: MSH-11.
        timeout_s: seconds that the other side has to acknowledge.
    """

    name: str
    host: str
    port: int
    honours: frozenset[str] = frozenset()
    tls: ClientTls | None = None
    plain: bool = False
    sender: tuple[str, str] = ("CONCORDAT", "")
    receiver: tuple[str, str] = ("", "")
    document_type: str = "CN"
    processing: str = "P"
    timeout_s: float = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            SinkMisconfigured: `sink.configuration`.
        """
        if self.tls is None and not self.plain and self.host not in _LOCAL:
            raise SinkMisconfigured(SINK_CONFIGURATION, "tls: needed beyond this machine")
        if self.processing not in ("P", "T", "D"):
            raise SinkMisconfigured(SINK_CONFIGURATION, "processing: P, T or D")
        if not self.timeout_s > 0:
            raise SinkMisconfigured(SINK_CONFIGURATION, "timeout_s")


class MllpSink:
    """A `Sink`."""

    def __init__(self, config: MllpSinking, clock: Clock) -> None:
        """Take what it works with; nothing is opened yet.

        Args:
            config: how.
            clock: for times in messages.
        """
        self._config = config
        self._clock = clock
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    @property
    def honours(self) -> frozenset[str]:
        """Kinds of obligations that the system behind it keeps, as its agency declares."""
        return self._config.honours

    async def hand(self, one: HandOver) -> None:
        """Hand a delivery over; return when the other side has acknowledged it.

        Raises:
            SinkFailed: not now; to be tried again.
            SinkRefused: the other side will not take this one.
        """
        if len(one.document) > DOCUMENT_OCTETS:
            raise SinkRefused(TOO_LARGE, f"{DOCUMENT_OCTETS} bytes")
        message = document_message(one, self._config, self._clock.now())
        async with self._turn:
            try:
                async with asyncio.timeout(self._config.timeout_s):
                    letters = await self._ask(message, control_id_of(one))
            except BaseException as error:
                # What is on its way now would be taken for the next message's answer.
                await self._hang_up()
                if isinstance(error, OSError):
                    raise SinkFailed(AWAY, type(error).__name__) from None
                raise
        _heed(letters)

    async def _ask(self, message: bytes, control_id: str) -> str:
        """Return MSA-1 of this message's acknowledgement."""
        reader, writer = await self._connected()
        writer.write(framed(message))
        await writer.drain()
        framer = Framer(ANSWER_OCTETS)
        others = 0
        while others < MOST_OTHERS:
            data = await reader.read(PIECE)
            if not data:
                raise SinkFailed(AWAY, "the connection ended before an acknowledgement")
            for found in framer.feed(data):
                answer = None if isinstance(found, Fault) else read_answer(found)
                if answer is None:
                    raise SinkFailed(ANSWER, "acknowledgement")
                if answer.control_id == control_id:
                    return answer.letters
                others += 1
        raise SinkFailed(ANSWER, "acknowledgements of other messages")

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._line is not None and (
            self._line[0].at_eof() or self._line[1].is_closing() or self._line[0].exception()
        ):
            await self._hang_up()
        if self._line is None:
            config = self._config
            try:
                context = None if config.tls is None else config.tls.context()
            except ConcordatError as error:
                raise SinkFailed(error.code, error.where, error.fix) from error
            self._line = await asyncio.open_connection(config.host, config.port, ssl=context)
        return self._line

    async def close(self) -> None:
        """Give back connections."""
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._line is None:
            return
        (_, writer), self._line = self._line, None
        writer.close()
        try:
            async with asyncio.timeout(HANG_UP_S):
                await writer.wait_closed()
        except OSError:
            writer.transport.abort()


def _heed(letters: str) -> None:
    match letters:
        case "AA" | "CA":
            return
        case "AE" | "CE":
            raise SinkFailed(NOT_NOW, "MSA-1")
        case "AR" | "CR":
            raise SinkRefused(WILL_NOT, "MSA-1")
        case _:
            raise SinkFailed(ANSWER, "MSA-1")


def control_id_of(one: HandOver) -> str:
    """Return MSH-10 of a delivery's message."""
    return one.delivery[:CONTROL_ID]


def document_message(one: HandOver, config: MllpSinking, at: Instant) -> bytes:
    """Return a delivery as MDM^T02 (original document notification and content).

    PID holds what the delivery's own identity slots say, so that the document finds its patient.
    """
    stamp = datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y%m%d%H%M%S+0000")
    named = {number: _safe(part) for number, part in enumerate(config.sender, start=3)}
    named |= {number: _safe(part) for number, part in enumerate(config.receiver, start=5)}
    encoded = base64.b64encode(one.document).decode()
    header = {
        2: USUAL[1:],
        **named,
        7: stamp,
        9: "MDM^T02^MDM_T02",
        10: control_id_of(one),
        11: config.processing,
        12: "2.5.1",
        18: "UNICODE UTF-8",
    }
    document = {
        1: "1",
        2: _safe(config.document_type),
        3: "AP",  # application data (table 0191)
        12: _safe(one.delivery),
        17: "AU",  # authenticated (table 0271)
    }
    content = {
        1: "1",
        2: "ED",
        3: "CONCORDAT^Delivery^L",
        4: "1",
        5: f"^application^json^Base64^{encoded}",
        11: "F",
    }
    segments = (
        # MSH-1 is the separator itself.
        _segment("MSH", {number - 1: text for number, text in header.items()}),
        _segment("EVN", {1: "T02", 2: stamp}),
        _segment("PID", _patient(one)),
        _segment("PV1", {1: "1", 2: "N"}),
        _segment("TXA", document),
        _segment("OBX", content),
    )
    return "".join(segments).encode()


def _segment(name: str, fields: Mapping[int, str]) -> str:
    """Return a segment with some of its fields, by number."""
    last = max(fields)
    return "|".join((name, *(fields.get(number, "") for number in range(1, last + 1)))) + "\r"


def _patient(one: HandOver) -> dict[int, str]:
    """Return PID: identifiers, name and date of birth, each only if the delivery has it."""
    try:
        said = _object(json.loads(one.document))
    except ValueError:
        said = {}
    content = _object(said.get("content"))
    identity = _object(content.get("identity"))
    own, nhs = _safe(said.get("own_identifier")), _safe(content.get("nhs_number"))
    ids = [f"{own}^^^^MR"] * bool(own) + [f"{nhs}^^^NHS^NH"] * bool(nhs)
    name = "^".join((_safe(identity.get("family")), _safe(identity.get("given")))).rstrip("^")
    birth = _safe(identity.get("date_of_birth")).replace("-", "")
    return {1: "1", 3: "~".join(ids), 5: name, 7: birth}


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _safe(value: object) -> str:
    """Return text as a component may hold it; empty for what is no text."""
    return escaped_text(value, USUAL) if isinstance(value, str) else ""
