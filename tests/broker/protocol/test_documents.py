"""YAML that a protocol may use: what is signed must be what is read."""

import pytest

from broker.clock import DAY, HOUR, MINUTE
from broker.protocol.documents import MOST_OCTETS, Spot, read_document
from broker.protocol.errors import ProtocolTextError


def read(text: str) -> dict[str, Spot]:
    return read_document(text.encode(), "p.yaml").map()


def refused(text: str | bytes) -> ProtocolTextError:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ProtocolTextError) as caught:
        read_document(data, "p.yaml")
    return caught.value


def test_plain_values_are_read_with_their_lines() -> None:
    # given a document with every kind of value
    found = read("a: text\nb: 3\nc: true\nd: 2026-01-02\ne: [x, y]\nf:\n  g: 'no'\nh: yes\n")

    # then each has its value and line; words that look like flags elsewhere are words
    assert found["a"].text() == "text"
    assert found["b"].number(0, 3) == 3
    assert found["c"].flag() is True
    assert found["d"].day() == 1_767_312_000_000
    assert found["e"].texts() == ["x", "y"]
    assert found["f"].map()["g"].text() == "no"
    assert found["h"].text() == "yes"
    assert [spot.line for spot in found.values()] == [1, 2, 3, 4, 5, 7, 8]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: &x 1\nb: 2", "protocol.text.alias", 1),
        ("a: &x 1\nb: *x", "protocol.text.alias", 1),
        ("a: 1\nb: !!str 3", "protocol.text.alias", 2),
        ("!odd\na: 1", "protocol.text.alias", 1),
        ("a: 1\nb: 2\na: 3", "protocol.text.duplicate", 3),
        ("a: 1.5", "protocol.text.value", 1),
        ("a: ~", "protocol.text.value", 1),
        ("a:", "protocol.text.value", 1),
        ("a: 0x10", "protocol.text.value", 1),
        ("a: 1_000", "protocol.text.value", 1),
        ("a: 012", "protocol.text.value", 1),
        ("a: 2026-13-01", "protocol.text.value", 1),
        ("? [a]\n: 1", "protocol.text.value", 1),
        ("a: [", "protocol.text.syntax", 1),
        ("a: 1\n---\nb: 2", "protocol.text.syntax", 2),
        ("", "protocol.text.syntax", 1),
        ("a: " + "[" * 17 + "]" * 17, "protocol.text.size", 1),
    ],
)
def test_what_could_mean_two_things_is_refused(text: str, code: str, line: int) -> None:
    error = refused(text)
    assert error.code.name == code
    assert error.where.startswith(f"p.yaml:{line}")
    assert error.fix


def test_other_encodings_and_huge_documents_are_refused() -> None:
    assert refused(b"a: \xff").code.name == "protocol.text.syntax"
    assert refused(b"#" * (MOST_OCTETS + 1)).code.name == "protocol.text.size"


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    assert refused(bomb).code.name == "protocol.text.alias"


@pytest.mark.parametrize(
    ("text", "ms"),
    [("30 minutes", 30 * MINUTE), ("1 hour", HOUR), ("2 days", 2 * DAY), ("5 seconds", 5_000)],
)
def test_spans_of_time(text: str, ms: int) -> None:
    assert read(f"a: {text}")["a"].duration() == ms


@pytest.mark.parametrize(
    "text", ["30", "x minutes", "0 days", "1 fortnight", "-1 day", "\u0661 day"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ProtocolTextError, match=r"protocol\.text\.value"):
        read(f"a: '{text}'")["a"].duration()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda spot: spot.map(),
        lambda spot: spot.flag(),
        lambda spot: spot.number(0, 9),
        lambda spot: spot.day(),
        lambda spot: spot.one_of(("b",)),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_place(wrong: object) -> None:
    with pytest.raises(ProtocolTextError, match=r"p\.yaml:2: top\.a: "):
        wrong(read("top:\n  a: text")["top"].map()["a"])  # type: ignore[operator]  # it raises before


def test_maps_are_no_lists_and_numbers_no_texts() -> None:
    found = read("a: {b: 1}\nc: 2\nd: 12\ne: true")
    for wrong in (found["a"].items, found["c"].text, lambda: found["d"].number(0, 9)):
        with pytest.raises(ProtocolTextError, match=r"protocol\.text\.value"):
            wrong()
    with pytest.raises(ProtocolTextError, match=r"protocol\.text\.value"):
        found["e"].number(0, 9)


def test_keys_are_those_that_are_known() -> None:
    top = read_document(b"a: 1\nb: 2", "p.yaml")
    assert top.fields(("a",), ("b",)).keys() == {"a", "b"}
    with pytest.raises(ProtocolTextError, match="unknown key"):
        top.fields(("a",))
    with pytest.raises(ProtocolTextError, match="lacks c"):
        top.fields(("a", "b", "c"))
