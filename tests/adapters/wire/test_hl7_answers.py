"""Headers and acknowledgements of HL7 v2."""

import os

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire.hl7_answers import (
    ECHO,
    NO_HEADER,
    Answer,
    Told,
    acknowledge,
    escaped,
    messages_in,
    read_answer,
    read_header,
)
from broker.clock import Instant

AT = Instant(1_772_625_600_000)
COUNT = int(os.environ.get("CONCORDAT_FUZZ", "60"))


def test_separators_of_its_own_are_answered_with() -> None:
    # given a message with other separators, when it is answered, then a library reads the answer
    header = read_header(b"MSH$*!/%$A$B$C$D$$$ADT*A04$ID-1$P$2.5\r")
    assert header is not None
    answer = acknowledge(header, "AR", [Told("a.code", "No $ or * here %.")], AT, "own")
    parsed = hl7.parse(answer.decode())
    assert [str(parsed["MSA.F1"]), str(parsed["MSA.F2"])] == ["AR", "ID-1"]
    assert str(parsed.segment("MSH")[9]) == "ACK*A04*ACK"
    error = parsed.segment("ERR")
    assert (str(error[4]), str(error[5])) == ("E", "a.code")
    assert str(error[8]) == "No /F/ or /S/ here /T/."


@pytest.mark.parametrize(
    ("version", "type_", "errors"),
    [("2.3", "ACK", 0), ("2.4", "ACK^A01^ACK", 0), ("2.5.1", "ACK^A01^ACK", 1), ("x", "ACK", 0)],
)
def test_what_a_version_knows(version: str, type_: str, errors: int) -> None:
    header = read_header(f"MSH|^~\\&|A|B|C|D|||ADT^A01|1|P|{version}".encode())
    assert header is not None
    answer = acknowledge(header, "AA", [Told("a", "b")], AT, "own").decode()
    assert answer.split("|")[8] == type_
    assert answer.count("\rERR|") == errors
    assert "|W|" in answer or not errors


def test_what_is_no_message_is_answered_all_the_same() -> None:
    answer = acknowledge(NO_HEADER, "AR", [Told("a", "b")], AT, "own")
    assert answer == b"MSH|^~\\&|||||20260304120000+0000||ACK|own|P|2.4\rMSA|AR||b [a]\r"
    assert read_answer(answer) == Answer("", "AR")


def test_fields_that_are_too_long_or_hold_control_signs_are_not_echoed() -> None:
    long = "x" * (ECHO + 1)
    header = read_header(f"MSH|^~\\&|{long}|a\x01b|C|D|||ADT|i|P|2.4".encode())
    assert header is not None
    assert acknowledge(header, "AA", [], AT, "o").startswith(b"MSH|^~\\&|C|D|||2026")


def test_bytes_of_any_character_set_are_echoed_exactly() -> None:
    raw = "é-Ł".encode()
    header = read_header(b"MSH|^~\\&|A|B|C|D|||ADT|" + raw + b"|P|2.4\r")
    assert header is not None
    assert b"MSA|AA|" + raw in acknowledge(header, "AA", [], AT, "o")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MSH",
        b"MSH|^~\\",
        b"MSHA^~\\&",
        b"MSH|^^\\&|",
        b"MSH| ~\\&|",
        b"PID|1",
        b"xMSH|^~\\&|",
    ],
)
def test_no_header(content: bytes) -> None:
    assert read_header(content) is None
    assert read_answer(content) is None


def test_a_header_behind_marks_and_blanks() -> None:
    header = read_header(b"\xef\xbb\xbf\r\n MSH|^~\\&|A")
    assert header is not None
    assert (header.field(1), header.field(3), header.field(99)) == ("|", "A", "")
    assert (header.part(3), header.part(3, 9), header.part(99)) == ("A", "", "")
    assert header.version == (2, 0)


def test_messages_are_counted() -> None:
    assert messages_in(b"MSH|a\rPID|MSH|\r\n MSH|b\rMSHX\rMSH") == 2
    assert read_answer(b"MSH|^~\\&|\rMSA|AA|i\r") == Answer("i", "AA")
    assert read_answer(b"MSH|^~\\&|\rMSA|AA\r") is None


def test_text_is_ascii_and_escaped() -> None:
    assert escaped("a|b^c~d\\e&f\r…", "|^~\\&") == "a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f ?"


@given(st.binary(max_size=120), st.text(max_size=40))
@settings(max_examples=COUNT, deadline=None)
def test_any_header_gets_an_answer_that_can_be_read(raw: bytes, text: str) -> None:
    # given any bytes behind MSH, when they are answered, then the answer is three lines at most,
    # and says what was meant
    header = read_header(b"MSH" + raw) or NO_HEADER
    answer = acknowledge(header, "AR", [Told("a.code", text)], AT, "own")
    found = read_answer(answer)
    assert found is not None
    assert found.letters == "AR"
    assert answer.count(b"\r") <= 3
    assert not {0x0B, 0x1C, 0x0A} & set(answer)
