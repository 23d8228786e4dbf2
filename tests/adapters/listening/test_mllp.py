"""HL7 over MLLP: what is acknowledged, and what never is."""

from dataclasses import replace

import pytest

from adapters.errors import HL7_MESSAGE, InputRefused
from adapters.listening.mllp import MOST_FAULTS
from adapters.wire.mllp import framed
from broker.lanes import Unavailable
from tests.adapters.listening.mllp_sender import CONFIG, ask, listener, message, msa
from tests.adapters.listening.support import (
    Ears,
    Line,
    Memory,
    line,
    listening,
    taken,
)


async def test_a_message_that_is_safe_is_acknowledged() -> None:
    # given a listener, when a message comes and is taken
    intake = Memory()
    async with listening(listener(intake)) as port, line(port) as one:
        await one.send(framed(message()))
        answer = await one.answer()

    # then it is acknowledged with its own control id, sender and receiver swapped
    head, said = answer.decode().split("\r")[:2]
    assert head.startswith("MSH|^~\\&|CONC|EAST|EPR|SITE|20260304120000+0000||ACK^A04^ACK|")
    assert head.endswith("|P|2.4")
    assert said == "MSA|AA|C1"
    assert intake.got == [(message(), "adt", "health-hl7-adt")]


async def test_the_same_message_twice_is_acknowledged_twice() -> None:
    # given a message whose answer was lost, when it comes again on another connection
    intake = Memory()
    async with listening(listener(intake)) as port:
        async with line(port) as one:
            first = await ask(one, message())
        intake.said = taken(0, already=1)
        async with line(port) as one:
            second = await ask(one, message())

    # then both are acknowledged; the intake knows that they are one
    assert first == second == ["MSA", "AA", "C1"]
    assert len(intake.got) == 2


@pytest.mark.parametrize(
    ("said", "letters", "code"),
    [
        (Unavailable("place"), "AE", "listener.not-now"),
        (RuntimeError("9990000018"), "AE", "listener.not-now"),
        (InputRefused(HL7_MESSAGE, "MSH-9"), "AR", "hl7.message"),
        (taken(0, rejected=2), "AR", "listener.nothing-taken"),
        (taken(1, rejected=1), "AA", "field.missing"),
        (taken(0, kept_back=1), "AA", ""),
    ],
)
async def test_what_is_answered_when_it_is_not_all_well(
    said: BaseException, letters: str, code: str
) -> None:
    # given an intake that fails, refuses, or takes some, when a message comes
    ears = Ears()
    async with listening(listener(Memory(said), ears=ears)) as port, line(port) as one:
        await one.send(framed(message(version="2.5.1")))
        answer = await one.answer()

    # then the sender is told whether to send it again, and why, without a value of the record
    assert msa(answer)[1:3] == [letters, "C1"]
    assert code.encode() in answer
    assert (b"\rERR|" in answer) is bool(code)
    assert b"9990000018" not in answer
    assert "9990000018" not in ears


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "listener.hl7.no-header"),
        (b"hello", "listener.hl7.no-header"),
        (b"MSH|^^\\&|x", "listener.hl7.no-header"),
        (b"MSH|^ \\&|x", "listener.hl7.no-header"),
        (b"BHS|^~\\&|x\r" + message(), "listener.hl7.no-header"),
        (message() + message("C2"), "listener.hl7.several"),
        (message(processing="T"), "listener.hl7.processing"),
        (message(rest="||||||GB 18030-2000"), "listener.hl7.characters"),
    ],
)
async def test_what_is_no_message_is_refused_before_anybody_sees_it(
    content: bytes, code: str
) -> None:
    # given a frame with something else than one message of a system in production, when it comes
    intake, ears = Memory(), Ears()
    async with listening(listener(intake, ears=ears)) as port, line(port) as one:
        refused = await ask(one, content)
        after = await ask(one, message("C9"))

    # then it is refused for good, and the connection goes on
    assert refused[1] == "AR"
    assert code in refused[3]
    assert f"refused: adt: {code}" in ears
    assert after == ["MSA", "AA", "C9"]
    assert intake.contents == [message("C9")]


async def test_segments_may_end_in_lf() -> None:
    # given a message with LF between segments and behind its frame, when it comes
    content = message().replace(b"\r", b"\n")
    intake = Memory()
    async with listening(listener(intake)) as port, line(port) as one:
        await one.send(b"\x0b" + content + b"\x1c\n")
        answer = await one.answer()

    # then it is taken as it is
    assert msa(answer)[1] == "AA"
    assert intake.contents == [content]


@pytest.mark.parametrize(
    ("rest", "encoding", "raw"),
    [
        ("||||||8859/1", "utf-8", "Zoë".encode("latin-1")),
        ("", "cp1252", "Zoë".encode("cp1252")),
        ("||||||UNICODE UTF-8", "cp1252", "Zoë".encode()),
    ],
)
async def test_other_character_sets_become_utf_8(rest: str, encoding: str, raw: bytes) -> None:
    # given a message in another character set, named by itself or by the configuration
    intake = Memory()
    config = replace(CONFIG, encoding=encoding)
    async with listening(listener(intake, config)) as port, line(port) as one:
        answer = await ask(one, message(rest=rest) + b"NTE|" + raw)

    # then it is taken in UTF-8
    assert answer[1] == "AA"
    assert intake.contents[0].endswith("NTE|Zoë".encode())


async def test_bytes_that_the_character_set_does_not_have() -> None:
    # given a byte that cp1252 does not have, when the message comes, then it is refused
    config = replace(CONFIG, encoding="cp1252")
    intake = Memory()
    async with listening(listener(intake, config)) as port, line(port) as one:
        assert (await ask(one, message() + b"NTE|\x81"))[1] == "AR"
    assert intake.got == []


@pytest.mark.parametrize(
    ("conditions", "said", "letters"),
    [
        ("|||NE|NE", taken(), None),
        ("|||AL|NE", taken(), "CA"),
        ("|||NE|AL", taken(), "AA"),
        ("|||AL|AL", taken(), "AA"),
        ("|||ER|NE", taken(), None),
        ("|||ER|NE", Unavailable("x"), "CE"),
        ("|||NE|ER", Unavailable("x"), "AE"),
        ("|||SU|", Unavailable("x"), None),
        ("||||SU", taken(), "AA"),
    ],
)
async def test_the_sender_says_whether_it_wants_an_answer(
    conditions: str, said: BaseException, letters: str | None
) -> None:
    # given MSH-15 and MSH-16, when the message is taken or not, followed by one that wants answers
    intake = Memory(said)
    async with listening(listener(intake)) as port, line(port) as one:
        await one.send(framed(message(rest=conditions)))
        await one.send(framed(message("C2")))
        first = msa(await one.answer())

    # then there is the answer that was asked for, or none
    assert (first[1] if first[2] == "C1" else None) == letters


async def test_two_messages_in_one_piece_and_one_in_many() -> None:
    # given two frames that come at once, with ends of line between them, and one byte by byte
    intake = Memory()
    async with listening(listener(intake)) as port, line(port) as one:
        await one.send(framed(message("C1")) + b"\r\n" + framed(message("C2")))
        answers = [msa(await one.answer())[2] for _ in range(2)]
        for byte in framed(message("C3")):
            await one.send(bytes([byte]))
        answers.append(msa(await one.answer())[2])

    # then each is answered, in order
    assert answers == ["C1", "C2", "C3"]


async def test_a_frame_that_was_cut_short_is_never_acknowledged() -> None:
    # given a sender that dies in the middle, and one that begins anew on the same connection
    intake, ears = Memory(), Ears()
    async with listening(listener(intake, ears=ears)) as port:
        async with line(port) as one:
            await one.send(framed(message())[:-2])
            one.writer.write_eof()
            assert await one.rest() == b""
        async with line(port) as one:
            await one.send(b"\x0b" + message("C1")[:20] + framed(message("C2")))
            answer = msa(await one.answer())

    # then only what came whole is taken
    assert answer[2] == "C2"
    assert intake.contents == [message("C2")]
    assert "cut short" in ears


async def test_bytes_between_frames_are_passed_over_a_few_times() -> None:
    # given stray bytes before each message, when they come again and again
    intake, ears = Memory(), Ears()
    async with listening(listener(intake, ears=ears)) as port, line(port) as one:
        assert (await ask_after(one, b"noise"))[1] == "AA"
        assert (await ask_after(one, b"\x0bx\x1cy"))[1] == "AA"
        for _ in range(MOST_FAULTS):
            await one.send(b"noise" + framed(b"x"))
        rest = await one.rest()

    # then the connection is given up in the end, and no stray byte was ever taken
    assert rest.count(b"MSA|AR") < MOST_FAULTS
    assert "listener.mllp.frame" in ears
    assert intake.contents == [message(), message()]


async def ask_after(one: Line, noise: bytes) -> list[str]:
    await one.send(noise)
    return await ask(one, message())
