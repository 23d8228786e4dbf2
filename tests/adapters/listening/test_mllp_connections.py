"""HL7 over MLLP: bounds, who may come, and how it ends; bad connections harm nobody."""

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from adapters.intake import Taken
from adapters.listening.errors import (
    ADDRESS,
    ListenerFailed,
)
from adapters.listening.place import Place
from adapters.wire.errors import TLS, WireFilesUnfit
from adapters.wire.mllp import framed
from adapters.wire.tls import ServerTls
from broker.lanes import Unavailable
from tests.adapters.listening.mllp_sender import CONFIG, ask, listener, message, msa
from tests.adapters.listening.support import (
    Ears,
    Memory,
    certificates,
    line,
    listening,
)


async def test_a_frame_that_is_too_long_ends_the_connection() -> None:
    # given a frame without end, when it passes the limit, then the connection ends unanswered
    intake, ears = Memory(), Ears()
    config = replace(CONFIG, frame_octets=1000)
    async with listening(listener(intake, config, ears)) as port, line(port) as one:
        await one.send(b"\x0b" + b"x" * 1001)
        assert await one.rest() == b""
    assert intake.got == []
    assert "listener.mllp.too-large" in ears


@pytest.mark.parametrize("begin", [b"", b"\x0bMSH|"])
async def test_who_is_too_slow_is_cut_off_and_harms_nobody(begin: bytes) -> None:
    # given a connection that says nothing, or drips a frame byte by byte, and another one
    intake, ears = Memory(), Ears()
    config = replace(CONFIG, idle_s=0.3, frame_s=0.3)
    async with (
        listening(listener(intake, config, ears)) as port,
        line(port) as slow,
        line(port) as other,
    ):
        await slow.send(begin)
        for _ in range(4):
            assert (await ask(other, message()))[1] == "AA"
            if begin:
                slow.writer.write(b"x")
            await asyncio.sleep(0.15)
        rest = await slow.rest()

    # then it is cut off, and the other one is answered all the time
    assert rest == b""
    assert "listener.slow" in ears
    assert len(intake.got) == 4


async def test_more_connections_than_there_may_be() -> None:
    # given room for one connection, when a second comes, then it is ended and the first goes on
    intake, ears = Memory(), Ears()
    config = replace(CONFIG, place=Place(connections=1))
    async with listening(listener(intake, config, ears)) as port, line(port) as first:
        assert (await ask(first, message()))[1] == "AA"
        async with line(port) as second:
            assert await second.rest() == b""
        assert (await ask(first, message()))[1] == "AA"
    assert "refused" in ears.whats()


async def test_only_allowed_addresses_may_connect() -> None:
    # given a network that this machine is not in, when it connects, then it is turned away
    intake, ears = Memory(), Ears()
    config = replace(CONFIG, place=Place(allow=("192.0.2.0/24", "2001:db8::1")))
    async with listening(listener(intake, config, ears)) as port, line(port) as one:
        assert await one.rest() == b""
    assert "may not connect: 127.0.0.1" in ears


async def test_tls_with_certificates_of_clients(tmp_path: Path) -> None:
    # given a listener that asks for certificates of its authority
    made = certificates(tmp_path)
    intake, ears = Memory(), Ears()
    config = replace(CONFIG, place=Place(tls=made.mutual))
    async with listening(listener(intake, config, ears)) as port:
        # when somebody comes with one, then messages are taken
        async with line(port, made.known.context()) as one:
            assert (await ask(one, message()))[1] == "AA"
        # when somebody comes without, with a stranger's, or without TLS, then nothing is
        for context in (made.client.context(), made.stranger.context(), None):
            try:
                async with line(port, context) as one:
                    await one.send(framed(message()))
                    assert await one.answer() == b""
            except OSError:
                continue
    assert len(intake.got) == 1


async def test_what_is_being_taken_comes_to_its_answer_when_the_listener_ends() -> None:
    # given a message that is being taken, another one behind it, and a connection that is idle
    intake = Memory(gate=asyncio.Event())
    made = listener(intake)
    await made.start()
    port = int(made.address.rpartition(":")[2])
    async with line(port) as busy, line(port) as idle:
        await busy.send(framed(message("C1")) + framed(message("C2")))
        await intake.reached.wait()

        # when the listener ends
        ending = asyncio.ensure_future(made.close())
        assert await idle.rest() == b""
        assert intake.gate is not None
        intake.gate.set()
        answer = await busy.answer()
        await ending

        # then the first is answered, and the other one is not taken
        assert msa(answer)[1:3] == ["AA", "C1"]
        assert await busy.rest() == b""
    assert len(intake.got) == 1
    await made.close()


async def test_a_taking_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a message whose taking does not end, when the listener ends, then it does not wait long
    monkeypatch.setattr("adapters.listening.mllp.CLOSE_S", 0.1)
    intake = Memory(gate=asyncio.Event())
    made = listener(intake)
    async with listening(made) as port, line(port) as one:
        await one.send(framed(message()))
        await intake.reached.wait()
        await made.close()
        assert await one.answer() == b""


async def test_a_sender_that_is_gone_before_its_answer_harms_nobody() -> None:
    # given a sender that resets its connection while its message is taken
    intake, ears = Memory(gate=asyncio.Event()), Ears()
    async with listening(listener(intake, ears=ears)) as port:
        async with line(port) as one:
            await one.send(framed(message("C1")))
            await intake.reached.wait()
            one.writer.transport.abort()
        assert intake.gate is not None
        intake.gate.set()
        # when another one comes, then it is answered
        async with line(port) as other:
            assert await ask(other, message("C2")) == ["MSA", "AA", "C2"]


async def test_an_address_that_is_taken() -> None:
    # given an address that another program has, when a listener starts there, then it says so
    async with listening(listener(Memory())) as port:
        second = listener(Memory(), replace(CONFIG, place=Place(port=port)))
        with pytest.raises(ListenerFailed) as caught:
            await second.start()
        assert caught.value.code is ADDRESS
        await second.close()
    assert second.address == ""
    assert second.name == "adt"


async def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    # given a file that holds no certificate, when a listener starts with it, then it says so
    (tmp_path / "none.pem").write_text("nothing")
    for tls in (ServerTls(tmp_path / "none.pem"), ServerTls(tmp_path / "away.pem")):
        with pytest.raises(WireFilesUnfit) as caught:
            await listener(Memory(), replace(CONFIG, place=Place(tls=tls))).start()
        assert caught.value.code is TLS


class Moody(Memory):
    """Takes some messages and fails at others; knows which it took."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.kept: list[bytes] = []

    async def take(self, content: bytes, name: str, format_name: str | None = None) -> Taken:
        await asyncio.sleep(0)
        if self.random.random() < 0.3:
            raise self.random.choice([Unavailable("x"), RuntimeError("x"), ValueError("x")])
        self.kept.append(content)
        return await super().take(content, name, format_name)


def spoiled(stream: bytes, random: Random) -> bytes:
    """Bytes of a stream with some of them changed, cut out or put in."""
    data = bytearray(stream)
    for _ in range(random.randrange(4)):
        place = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[place] = random.choice(b"\x0b\x1c\r\n|M\x00\xff")
            case 1:
                del data[place : place + random.randint(1, 30)]
            case 2:
                data[place:place] = random.randbytes(random.randint(1, 9))
            case _:
                data[place:place] = random.choice([b"\x0b", b"\x1c", b"\x1c\r", b"MSH|"])
    return bytes(data)


async def test_random_bytes_never_count_as_taken() -> None:
    # given streams of messages that are cut, doubled or spoiled, and an intake that fails at some
    count = int(os.environ.get("CONCORDAT_FUZZ", "150"))
    intake = Moody(count)
    async with listening(listener(intake)) as port:
        for number in range(count):
            random = Random(number)
            ids = [f"C{number}-{which}" for which in range(random.randint(1, 4))]
            stream = spoiled(b"".join(framed(message(one)) for one in ids), random)
            kept = len(intake.kept)
            async with line(port) as one:
                for start in range(0, len(stream), 50):
                    one.writer.write(stream[start : start + 50])
                one.writer.write_eof()
                answers = await one.rest()

            # when all is answered, then there are as many AA as messages that were taken
            taken_now = intake.kept[kept:]
            assert answers.count(b"\rMSA|AA|") <= len(taken_now)
            for control_id in re.findall(rb"\rMSA\|AA\|(C[0-9]+-[0-9])\r", answers):
                assert any(control_id in content for content in taken_now)

        # when it is over, then another one is answered
        intake.random = Random(1)
        async with line(port) as one:
            assert (await ask(one, message("last")))[2] == "last"
