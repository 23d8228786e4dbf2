"""Slot values: one encoding each, the one that fastavro writes, and no other."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeAlias

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from broker.records.values import Misfit, coder_of
from broker.records.wire import Malformed, write_long

Json: TypeAlias = Any
"""A type or a value, as JSON."""

Pair: TypeAlias = tuple[Json, st.SearchStrategy[Json]]
"""An Avro type, and values of it."""

FINITE = {"allow_nan": False, "allow_infinity": False}
PLAIN: list[Pair] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("float", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    ("double", st.floats(allow_nan=False, allow_infinity=False)),
    ("string", st.text(max_size=20)),
    ("bytes", st.binary(max_size=20)),
    ({"type": "string"}, st.text(max_size=20)),
]
names = iter(f"N{number}" for number in range(10**9))


def fixed(size: int) -> Pair:
    kind = {"type": "fixed", "name": next(names), "size": size}
    return kind, st.binary(min_size=size, max_size=size)


def enum(symbols: list[str]) -> Pair:
    return {"type": "enum", "name": next(names), "symbols": symbols}, st.sampled_from(symbols)


def array(of: Pair) -> Pair:
    return {"type": "array", "items": of[0]}, st.lists(of[1], max_size=4)


def record(fields: list[Pair]) -> Pair:
    named = {f"f{number}": pair for number, pair in enumerate(fields)}
    kind = {
        "type": "record",
        "name": next(names),
        "fields": [{"name": name, "type": pair[0]} for name, pair in named.items()],
    }
    return kind, st.fixed_dictionaries({name: pair[1] for name, pair in named.items()})


def optional(of: Pair) -> Pair:
    return ["null", of[0]], st.none() | of[1]


def unless(wrong: tuple[object, ...]) -> Callable[[Pair], bool]:
    return lambda pair: not isinstance(pair[0], list) and pair[0] not in wrong


def takes_bytes(kind: Json) -> bool:
    """Tell whether every value of a type takes a byte or more."""
    if isinstance(kind, dict) and kind["type"] == "record":
        return any(takes_bytes(field["type"]) for field in kind["fields"])
    return kind not in ("null", {"type": "null"})


def larger(smaller: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    # a union in a union is no Avro
    return st.one_of(
        smaller.filter(lambda pair: takes_bytes(pair[0])).map(array),
        st.lists(smaller, min_size=1, max_size=4).map(record),
        smaller.filter(unless(("null",))).map(optional),
    )


PAIRS = st.recursive(
    st.one_of(
        st.sampled_from(PLAIN),
        st.integers(1, 20).map(fixed),
        st.lists(st.sampled_from("ABCDEF"), min_size=1, unique=True).map(enum),
    ),
    larger,
    max_leaves=8,
)


@st.composite
def typed(draw: st.DrawFn) -> tuple[Json, Json]:
    kind, values = draw(PAIRS)
    return kind, draw(values)


def by_fastavro(kind: Json, value: Json) -> bytes:
    out = BytesIO()
    schemaless_writer(out, parse_schema(kind), value)
    return out.getvalue()


@given(typed())
def test_a_value_is_written_as_fastavro_writes_it(case: tuple[Json, Json]) -> None:
    # given a type and a value of it, when both write it, then the bytes are the same
    kind, value = case
    read, write = coder_of(kind)
    written = write(value)
    assert written == by_fastavro(kind, value)

    # and both read that value from them
    assert read(written, 0) == (value, len(written))
    assert schemaless_reader(BytesIO(written), parse_schema(kind), None) == value


@given(PAIRS, st.binary(max_size=40))
def test_any_bytes_have_one_reading_or_none(pair: Pair, data: bytes) -> None:
    # given any type and any bytes, when they are read
    read, write = coder_of(pair[0])
    try:
        value, end = read(data, 0)
    except Malformed:
        return
    # then writing what was found gives the same bytes: nothing else has that meaning
    assert write(value) == data[:end]


@given(typed(), st.data())
def test_a_changed_byte_never_gives_the_same_value(
    case: tuple[Json, Json], data: st.DataObject
) -> None:
    # given a value's bytes with one byte changed, when they are read
    kind, value = case
    read, write = coder_of(kind)
    written = bytearray(write(value))
    if not written:
        return
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    try:
        found, end = read(bytes(written), 0)
    except Malformed:
        return
    # then it is another value, or some bytes are left over (-0.0 and 0.0 compare equal in Python)
    assert (repr(found), end) != (repr(value), len(written))


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        ("null", None, b""),
        ("boolean", True, b"\x01"),
        ("boolean", False, b"\x00"),
        ("int", -(2**31), b"\xff\xff\xff\xff\x0f"),
        ("long", 2**63 - 1, b"\xfe" + b"\xff" * 8 + b"\x01"),
        ("float", 0.5, b"\x00\x00\x00?"),
        ("double", 2, b"\x00" * 7 + b"@"),
        ("string", "Zoë", b"\x08Zo\xc3\xab"),
        ("bytes", b"\x00", b"\x02\x00"),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", b"ab"),
        (ENUM, "B", b"\x02"),
        ({"type": "array", "items": "int"}, [1], b"\x02\x02\x00"),
        (["null", "int"], 1, b"\x02\x02"),
    ],
    ids=str,
)
def test_each_type_as_bytes(kind: Json, value: Json, data: bytes) -> None:
    read, write = coder_of(kind)
    assert write(value) == data == by_fastavro(kind, value)
    assert read(data, 0) == (value, len(data))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("boolean", b"\x02"),
        ("int", b"\x80\x80\x80\x80\x10"),
        ("float", b"\x00\x00\x80\x7f"),
        ("string", b"\x02\xff"),
        (ENUM, b"\x04"),
        (ENUM, b"\x01"),
        ({"type": "array", "items": "int"}, b"\x01\x02\x02\x00"),
        ({"type": "array", "items": "int"}, b"\x02\x02\x02\x02\x00"),
        (["null", "int"], b"\x04"),
    ],
    ids=str,
)
def test_no_value_of_the_type(kind: Json, data: bytes) -> None:
    read, _ = coder_of(kind)
    with pytest.raises(Malformed):
        read(data, 0)


LINK = {
    "type": "record",
    "name": "Link",
    "fields": [
        {"name": "kind", "type": "string", "codes": ["on-roll", "placed"]},
        {"name": "who", "type": {"type": "array", "items": "string"}, "codes": ["parent"]},
        {"name": "risk", "type": ["null", "string"], "codes": ["high"]},
        {"name": "on", "type": "int"},
    ],
}
SAID: dict[str, Json] = {"kind": "placed", "who": ["parent"], "risk": None, "on": 1}


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "on roll"}, {"who": ["parent", "aunt"]}, {"risk": "highest"}, {"risk": ""}],
    ids=["string", "array", "optional", "empty"],
)
def test_a_code_that_is_not_listed_is_refused_both_ways(wrong: Json) -> None:
    # given a value with a code that the schema does not list
    read, write = coder_of(LINK)
    value = {**SAID, **wrong}

    # when it is written, then the field is named, and not the value
    with pytest.raises(Misfit) as caught:
        write(value)
    assert caught.value.path == tuple(wrong)

    # when somebody else wrote it, then it is not read
    with pytest.raises(Malformed):
        read(by_fastavro(LINK, value), 0)


def test_listed_codes_pass() -> None:
    read, write = coder_of(LINK)
    for said in (SAID, {**SAID, "who": [], "risk": "high"}, {**SAID, "who": ("parent",)}):
        value, _ = read(write(said), 0)
        assert value == {**said, "who": list(said["who"])}


def test_codes_may_stand_beside_a_slot() -> None:
    _, write = coder_of(["null", "string"], ("a",))
    assert write("a") == b"\x02\x02a"
    assert write(None) == b"\x00"
    with pytest.raises(Misfit):
        write("b")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("null", 0),
        ("boolean", 1),
        ("int", True),
        ("int", 2**31),
        ("int", "1"),
        ("long", -(2**63) - 1),
        ("float", 1e39),
        ("double", float("nan")),
        ("double", float("inf")),
        ("double", True),
        ("double", 10**400),
        ("double", "1"),
        ("string", b"a"),
        ("string", "\ud800"),
        ("bytes", "a"),
        ({"type": "fixed", "name": "F", "size": 2}, b"a"),
        ({"type": "fixed", "name": "F", "size": 2}, "ab"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B"),
        ({"type": "array", "items": "string"}, "ab"),
        ({"type": "array", "items": "string"}, [1]),
        (LINK, {**SAID, "more": 1}),
        (LINK, {"kind": "placed"}),
        (LINK, [1, 2, 3]),
        (["null", "string"], 1),
    ],
    ids=lambda part: str(part)[:20],
)
def test_a_value_of_another_type_is_refused(kind: Json, value: Json) -> None:
    _, write = coder_of(kind)
    with pytest.raises(Misfit):
        write(value)


def test_the_path_leads_to_the_field() -> None:
    # given a record in a record, when an inner field is wrong, then the path names both
    kind = {"type": "record", "name": "Out", "fields": [{"name": "link", "type": ["null", LINK]}]}
    _, write = coder_of(kind)
    with pytest.raises(Misfit) as caught:
        write({"link": {**SAID, "on": "today"}})
    assert caught.value.path == ("link", "on")


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "map", "values": "string"},
        {"type": "int", "logicalType": "date"},
        ["string", "null"],
        ["null"],
        ["null", "string", "int"],
        ["null", "Unheard"],
        "Unheard",
    ],
    ids=str,
)
def test_a_type_with_several_encodings_is_no_slot_s(kind: Json) -> None:
    with pytest.raises(ValueError, match=r"cannot hold|union is of"):
        coder_of(kind)


def test_a_named_type_may_be_used_again() -> None:
    # given a record that names the type of one field again, with and without its namespace
    kind = {
        "type": "record",
        "name": "Pair",
        "fields": [
            {"name": "one", "type": {"type": "fixed", "name": "a.b.Id", "size": 2}},
            {"name": "two", "type": "a.b.Id"},
            {"name": "three", "type": "Id"},
        ],
    }
    # when it is written and read, then each use is of that type
    read, write = coder_of(kind)
    value = {"one": b"11", "two": b"22", "three": b"33"}
    assert write(value) == b"112233"
    assert read(b"112233", 0) == (value, 6)


def test_a_recursive_type_is_refused() -> None:
    fields = [{"name": "next", "type": ["null", "Chain"]}]
    with pytest.raises(ValueError, match="Chain"):
        coder_of({"type": "record", "name": "Chain", "fields": fields})


@pytest.mark.parametrize(
    "items",
    ["null", {"type": "record", "name": "Nothing", "fields": [{"name": "f", "type": "null"}]}],
)
def test_an_array_of_nothing_is_no_slot_s(items: Json) -> None:
    # its count would have no bound but the integer's: a reader would go on for years
    with pytest.raises(ValueError, match="no bytes"):
        coder_of({"type": "array", "items": items})


def test_more_items_than_bytes_are_refused_before_they_are_made() -> None:
    # given an array whose count says 2^40, when it is read, then it is refused at once
    read, _ = coder_of({"type": "array", "items": "boolean"})
    with pytest.raises(Malformed):
        read(write_long(2**40) + b"\x01", 0)
