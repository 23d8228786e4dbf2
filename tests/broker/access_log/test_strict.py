"""Strict readers against fastavro: the bytes that it writes are read, and no others."""

from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import example, given
from hypothesis import strategies as st

from broker.access_log.codec import array, hash_type, record
from broker.access_log.strict import reader_of
from broker.records.wire import Malformed, write_long

SCHEMA = record(
    "Example",
    number="long",
    text="string",
    data="bytes",
    hash=hash_type("Four", 4),
    maybe=["null", "Four", record("Inner", again="Four", texts=array("string"))],
    many=array("Inner"),
)
PARSED = parse_schema(SCHEMA)
READ = reader_of(SCHEMA)

fours = st.binary(min_size=4, max_size=4)
inners = st.fixed_dictionaries({"again": fours, "texts": st.lists(st.text(max_size=3), max_size=3)})
values = st.fixed_dictionaries(
    {
        "number": st.integers(-(2**63), 2**63 - 1),
        "text": st.text(max_size=80),
        "data": st.binary(max_size=80),
        "hash": fours,
        "maybe": st.none() | fours | inners,
        "many": st.lists(inners, max_size=70),
    }
)


def written(value: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, PARSED, value)
    return out.getvalue()


def strictly(data: bytes) -> dict[str, Any] | None:
    """Return what the strict reader makes of `data`; None if it refuses."""
    try:
        value, end = READ(data, 0)
    except (IndexError, Malformed, UnicodeDecodeError):
        return None
    found: dict[str, Any] = value
    return found if end == len(data) else None


def by_encoding_again(data: bytes) -> dict[str, Any] | None:
    """Return what fastavro reads, if that is what it would have written."""
    source = BytesIO(data)
    try:
        value: Any = schemaless_reader(source, PARSED, None)
    except (EOFError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        return None
    return value if source.tell() == len(data) and written(value) == data else None


@given(values)
def test_what_fastavro_writes_is_read(value: dict[str, Any]) -> None:
    assert strictly(written(value)) == value


@given(values, st.data())
def test_damaged_bytes_are_read_as_fastavro_would_write_them_or_not_at_all(
    value: dict[str, Any], data: st.DataObject
) -> None:
    # given the bytes of a value, of which some are changed, doubled or gone
    encoded = bytearray(written(value))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(encoded) - 1))
        new = data.draw(st.sampled_from([b"", b"\x80", b"\x01", b"\x02", b"\x00"]) | st.binary())
        encoded[at : at + data.draw(st.integers(0, 2))] = new
        if not encoded:
            return
    # then both readers are of one mind
    assert strictly(bytes(encoded)) == by_encoding_again(bytes(encoded))


@given(st.binary(max_size=60))
@example(b"\x06\x02a")
def test_any_bytes_are_read_as_fastavro_would_write_them_or_not_at_all(data: bytes) -> None:
    assert strictly(data) == by_encoding_again(data)


TEXTS = reader_of(array("string"))
SEVENTY = b"\x02a" * 70


def test_a_long_array_is_one_block() -> None:
    assert TEXTS(write_long(70) + SEVENTY + b"\x00", 0) == (["a"] * 70, 143)


@pytest.mark.parametrize(
    "data",
    [
        # Each of these is as long as the one encoding: length alone does not tell them apart.
        pytest.param(write_long(60) + SEVENTY[:120] + write_long(10) + SEVENTY[120:], id="split"),
        pytest.param(write_long(-64) + b"\x00" + SEVENTY[:128], id="with its size"),
        pytest.param(write_long(1 << 40) + SEVENTY, id="more items than bytes"),
        pytest.param(write_long(70) + SEVENTY + b"\x02", id="no end"),
        pytest.param(b"\x80\x00", id="empty and over-long"),
    ],
)
def test_no_other_array_is_read(data: bytes) -> None:
    with pytest.raises((IndexError, Malformed)):
        TEXTS(data + b"\x00", 0)


@pytest.mark.parametrize("number", [-(2**31), -1, 0, 63, 64, 2**31 - 1])
def test_an_int_has_32_bits(number: int) -> None:
    read = reader_of("int")
    data = write_long(number)
    assert read(data, 0) == (number, len(data))
    beyond = number - 2**32 if number < 0 else number + 2**32
    with pytest.raises(Malformed):
        read(write_long(beyond), 0)


def test_bytes_end_where_they_say() -> None:
    read = reader_of("bytes")
    assert read(b"\x02a", 0) == (b"a", 2)
    assert read(write_long(64) + bytes(64), 0) == (bytes(64), 66)
    for data in (b"\x04a", b"\x01", b"\x82\x00a", write_long(64) + bytes(63)):
        with pytest.raises(Malformed):
            read(data, 0)
    with pytest.raises(Malformed):
        reader_of(hash_type())(bytes(31), 0)
    with pytest.raises(IndexError):
        read(b"", 0)


@pytest.mark.parametrize("branch", [b"\x01", b"\x04", b"\x82\x00", b"\x80\x00"])
def test_a_union_names_a_branch_that_there_is(branch: bytes) -> None:
    with pytest.raises(Malformed):
        reader_of(["null", "long"])(branch + b"\x00", 0)


@pytest.mark.parametrize(
    "schema", ["double", "Unknown", {"type": "map", "values": "long"}, ["null", "boolean"], 7]
)
def test_other_types_are_not_known(schema: object) -> None:
    with pytest.raises(ValueError, match="have no type"):
        reader_of(schema)


def test_a_union_has_no_more_branches_than_one_byte_names() -> None:
    with pytest.raises(ValueError, match="branches"):
        reader_of(["null"] * 65)
