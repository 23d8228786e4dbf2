"""Deliveries as HL7 documents over MLLP: handed over when this very message is acknowledged."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import hl7
import pytest

from adapters.listening.mllp import MllpListener, MllpListening
from adapters.listening.place import Place
from adapters.sinks.errors import SinkFailed, SinkMisconfigured, SinkRefused
from adapters.sinks.mllp import (
    DOCUMENT_OCTETS,
    MOST_OTHERS,
    MllpSink,
    MllpSinking,
    document_message,
)
from adapters.sinks.port import HandOver
from adapters.wire.mllp import Framer, framed
from adapters.wire.tls import ClientTls
from broker.lanes import Unavailable
from tests.adapters.listening.support import (
    AT,
    Ears,
    FixedClock,
    Memory,
    certificates,
    listening,
)

DOCUMENT = {
    "own_identifier": "H|77",
    "content": {
        "nhs_number": "9990000018",
        "identity": {"family": "Łuk^asz", "given": "Zoë", "date_of_birth": "2011-09-25"},
    },
}
ONE = HandOver("ab" * 32, 7, json.dumps(DOCUMENT).encode(), frozenset())
CONFIG = MllpSinking(
    "epr",
    "127.0.0.1",
    1,
    honours=frozenset({"no-onward"}),
    sender=("CONCORDAT", "MASH"),
    receiver=("EPR", "SITE"),
    timeout_s=5,
)


def acknowledgement(letters: str, control_id: str = "ab" * 10) -> bytes:
    return framed(f"MSH|^~\\&|EPR||||||ACK|1|P|2.5.1\rMSA|{letters}|{control_id}\r".encode())


@asynccontextmanager
async def sink(port: int, config: MllpSinking = CONFIG) -> AsyncIterator[MllpSink]:
    made = MllpSink(replace(config, port=port), FixedClock())
    try:
        yield made
    finally:
        await made.close()


class Other:
    """The other system: answers each message with bytes; None ends the connection."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.got: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        framer = Framer(1 << 20)
        try:
            while data := await reader.read(65536):
                for found in framer.feed(data):
                    assert isinstance(found, bytes)
                    self.got.append(found)
                    answer = self.answers.pop(0)
                    if answer is None:
                        return
                    writer.write(answer)
                    await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def talking(other: Other) -> AsyncIterator[int]:
    server = await asyncio.start_server(other.talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.02)


def test_the_message() -> None:
    # given a delivery about a child, when it becomes a message, then a library reads it
    parsed = hl7.parse(document_message(ONE, CONFIG, AT).decode())
    msh = parsed.segment("MSH")
    assert str(msh[9]) == "MDM^T02^MDM_T02"
    assert [str(msh[number]) for number in (3, 4, 5, 6, 10, 11, 12, 18)] == [
        "CONCORDAT", "MASH", "EPR", "SITE", "ab" * 10, "P", "2.5.1", "UNICODE UTF-8",
    ]  # fmt: skip
    pid = parsed.segment("PID")
    assert str(pid[3]) == "H\\F\\77^^^^MR~9990000018^^^NHS^NH"
    assert (str(pid[5]), str(pid[7])) == ("Łuk\\S\\asz^Zoë", "20110925")
    txa = parsed.segment("TXA")
    assert (str(txa[2]), str(txa[12]), str(txa[17])) == ("CN", ONE.delivery, "AU")
    obx = parsed.segment("OBX")
    assert (str(obx[2]), str(obx[11])) == ("ED", "F")
    encoded = str(obx[5]).rpartition("^")[2]
    assert base64.b64decode(encoded) == ONE.document


@pytest.mark.parametrize("document", [b"{}", b"[]", b"no json", b'{"content": {"identity": 3}}'])
def test_a_delivery_without_identity_has_an_empty_patient(document: bytes) -> None:
    message = document_message(replace(ONE, document=document), CONFIG, AT)
    assert b"\rPID|1||||||\r" in message


async def test_deliveries_are_handed_over_on_one_connection() -> None:
    # given a system that acknowledges, when deliveries are handed over, then one line is enough
    other = Other(acknowledgement("AA"), acknowledgement("CA"))
    async with talking(other) as port, sink(port) as made:
        assert (made.name, made.honours) == ("epr", frozenset({"no-onward"}))
        await made.hand(ONE)
        await made.hand(ONE)
        assert other.connections == 1
    assert other.got[0] == other.got[1] == document_message(ONE, CONFIG, AT)


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (acknowledgement("AE"), SinkFailed, "sink.not-now"),
        (acknowledgement("CE"), SinkFailed, "sink.not-now"),
        (acknowledgement("AR"), SinkRefused, "sink.refused"),
        (acknowledgement("CR"), SinkRefused, "sink.refused"),
        (acknowledgement("OK"), SinkFailed, "sink.answer"),
        (framed(b"hello"), SinkFailed, "sink.answer"),
        (framed(b"MSH|^~\\&|\rMSA|AA"), SinkFailed, "sink.answer"),
        (b"noise", SinkFailed, "sink.answer"),
        (acknowledgement("AA", "other") * MOST_OTHERS, SinkFailed, "sink.answer"),
        (acknowledgement("AA")[:-3], SinkFailed, "sink.away"),
        (None, SinkFailed, "sink.away"),
    ],
)
async def test_what_is_not_handed_over(
    answer: bytes | None, error: type[SinkFailed | SinkRefused], code: str
) -> None:
    # given another answer, or none, when a delivery is handed over, then it is not
    other = Other(answer, acknowledgement("AA"))
    async with talking(other) as port, sink(port, replace(CONFIG, timeout_s=0.3)) as made:
        with pytest.raises(error) as caught:
            await made.hand(ONE)
        assert caught.value.code.name == code
        # when it is tried again, then it may be
        await made.hand(ONE)


async def test_a_late_answer_to_another_message_is_passed_over() -> None:
    # given an answer to an earlier message before this one's, when a delivery is handed over
    other = Other(acknowledgement("AR", "earlier") + acknowledgement("AA"))
    async with talking(other) as port, sink(port) as made:
        await made.hand(ONE)


async def test_a_connection_that_ended_meanwhile_is_made_anew() -> None:
    # given a system that hangs up after each message, when another delivery comes
    class HangsUp(Other):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            await reader.readuntil(b"\x1c\r")
            writer.write(acknowledgement("AA"))
            writer.close()
            await writer.wait_closed()

    other = HangsUp()
    async with talking(other) as port, sink(port) as made:
        await made.hand(ONE)
        await asyncio.sleep(0.05)
        await made.hand(ONE)
    assert other.connections == 2


async def test_a_system_that_is_away() -> None:
    async with talking(Other()) as port:
        pass
    async with sink(port) as made:
        with pytest.raises(SinkFailed) as caught:
            await made.hand(ONE)
    assert caught.value.code.name == "sink.away"


async def test_a_delivery_that_is_too_large() -> None:
    async with sink(1) as made:
        with pytest.raises(SinkRefused):
            await made.hand(replace(ONE, document=bytes(DOCUMENT_OCTETS + 1)))


async def test_our_own_listener_is_such_a_system(tmp_path: Path) -> None:
    # given a listener of ours with TLS, when a delivery is handed over to it, then it is taken
    made_of = certificates(tmp_path)
    intake = Memory()
    config = MllpListening("in", Place(tls=made_of.mutual))
    async with listening(MllpListener(config, intake, FixedClock(), Ears())) as port:
        async with sink(port, replace(CONFIG, tls=made_of.known)) as made:
            await made.hand(ONE)
            intake.said = Unavailable("x")
            with pytest.raises(SinkFailed):
                await made.hand(ONE)
        for tls in (ClientTls(), ClientTls(tmp_path / "away")):
            async with sink(port, replace(CONFIG, tls=tls)) as made:
                with pytest.raises(SinkFailed):
                    await made.hand(ONE)
    assert len(intake.got) == 2


@pytest.mark.parametrize(
    "changed",
    [
        lambda: replace(CONFIG, host="epr.example"),
        lambda: replace(CONFIG, processing="X"),
        lambda: replace(CONFIG, timeout_s=-1),
    ],
)
def test_configurations_that_cannot_be_meant(changed: Callable[[], MllpSinking]) -> None:
    with pytest.raises(SinkMisconfigured):
        changed()
    replace(CONFIG, host="epr.example", plain=True)
