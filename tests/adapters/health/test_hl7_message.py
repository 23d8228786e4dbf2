"""HL7 v2 messages: split, unescaped, and never quoted into a log."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InputRefused
from adapters.health.hl7_message import Message
from tests.adapters.reading_support import ADT, NHS

HEAD = "MSH|^~\\&|EPR|SITE"


def field(text: str) -> str:
    return Message(f"{HEAD}\rZZZ|{text}").get("ZZZ", 1)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a \\T\\ b", "a & b"),
        ("\\F\\\\S\\\\R\\\\E\\", "|^~\\"),
        ("one\\.br\\two", "one\ntwo"),
        ("Zo\\XC3AB\\", "Zoë"),
        ("\\H\\loud\\N\\", "loud"),
        ("\\Xzz\\x\\Z1\\", "x"),
        ("lost \\ sign", "lost \\ sign"),
        ("\\\\", ""),
    ],
)
def test_escapes(text: str, plain: str) -> None:
    # Given escapes of each kind, known and unknown, when a field is read, then they are undone.
    assert field(text) == plain


def test_depth() -> None:
    # Given repeats, components and parts, when they are read, then each is found, or nothing.
    message = Message(f"{HEAD}\rPID|a^b&c^~d~|x")
    assert [message.get("PID", 1, 1, n) for n in (1, 2, 3, 4)] == ["a", "b", "", ""]
    assert [message.get("PID", 1, n) for n in (2, 3, 4)] == ["d", "", ""]
    assert message.get("PID", 1, 2, 2) == ""
    assert message.get("PID", 9) == message.get("PV1", 1) == ""
    assert list(message.repeats("PID", 1)) == [1, 2, 3]
    assert list(message.repeats("PV1", 1)) == []
    assert message.get("MSH", 4) == "SITE"
    assert message.segments() == {"MSH": 1, "PID": 1}
    assert message.filled("PID") == [1, 2]
    assert message.filled("PV1") == []


def test_nothing_any_more() -> None:
    # Given a field that says that it holds nothing any more, when it is read, then it is empty.
    message = Message(f'{HEAD}\rPV1|""|E|""^""|~^x')
    assert [message.get("PV1", n) for n in (1, 2, 3)] == ["", "E", ""]
    assert message.filled("PV1") == [2, 4]


def test_separators_of_its_own() -> None:
    # Given other separators, when a message is read, then they count.
    message = Message("MSH$*!/%$EPR\rPID$a/S/b*c")
    assert (message.get("PID", 1), message.get("PID", 1, 1, 2)) == ("a*b", "c")


@pytest.mark.parametrize("text", ["MSH", "MSH|^&|E", "MSH||EPR", "MSH|^^\\&|", "MSHabcde"])
def test_no_header(text: str) -> None:
    # Given a header without its five signs, when it is parsed, then it is refused.
    with pytest.raises(InputRefused) as caught:
        Message(text)
    assert caught.value.code.name == "hl7.message"


def test_the_library_s_own_refusal_loses_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given that the library refuses, quoting the message, when it is parsed
    def refuse(_: str) -> None:
        raise ValueError(NHS)

    monkeypatch.setattr("hl7.parse", refuse)
    # Then our refusal has no cause that could be printed.
    with pytest.raises(InputRefused) as caught:
        Message(ADT)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(st.text(alphabet="\\XZHN.19zab&^~|", max_size=40))
def test_nothing_is_logged(text: str) -> None:
    # Given any row of signs in a field, when it is read
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign,assignment]  # a JSON object
    logging.getLogger().addHandler(handler)
    try:
        message = Message(f"{HEAD}\rPID|{text}")
        for component in (1, 2, 3):
            message.get("PID", 1, 1, component)
    finally:
        logging.getLogger().removeHandler(handler)
    # Then no log has heard of it.
    assert heard == []
