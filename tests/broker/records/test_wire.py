"""Varints and lengths: one encoding of each number, held against fastavro."""

import time
from io import BytesIO

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from broker.records.wire import (
    Malformed,
    read_bytes,
    read_fixed,
    read_long,
    single_object_header,
    write_bytes,
    write_long,
)
from tests.broker.records import independent

LONG = parse_schema({"type": "long"})
LONGS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@given(LONGS)
def test_a_long_is_written_as_fastavro_writes_it(number: int) -> None:
    # given a number, when it is written by both
    out = BytesIO()
    schemaless_writer(out, LONG, number)

    # then the bytes are the same, and are read as that number, wherever they stand
    assert write_long(number) == out.getvalue()
    assert read_long(b"\xff" + out.getvalue() + b"\xff", 1) == (number, 1 + len(out.getvalue()))


@given(st.binary(max_size=12))
def test_bytes_have_one_reading_or_none(data: bytes) -> None:
    # given any bytes, when a long is read from them
    try:
        number, end = read_long(data, 0)
    except Malformed:
        return
    # then writing it gives the same bytes again
    assert write_long(number) == data[:end]


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, 300])
def test_a_longer_encoding_is_refused_that_fastavro_takes(number: int) -> None:
    # given a number with a byte more than it needs
    plain = write_long(number)
    longer = plain[:-1] + bytes((plain[-1] | 0x80, 0))

    # when both read it, then fastavro finds the number, and we refuse
    assert schemaless_reader(BytesIO(longer), LONG, None) == number
    with pytest.raises(Malformed):
        read_long(longer, 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"\xff" * 9, b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x01", b"\xff" * 11],
    ids=["empty", "cut short", "cut short at nine", "65 bits", "eleven bytes", "no end"],
)
def test_no_long_is_read_from(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_long(data, 0)


def test_an_endless_varint_costs_no_more_than_a_short_one() -> None:
    # given a message of continuation bytes alone, when a number is read from it
    endless = b"\xff" * (256 * 1024)
    begun = time.process_time()
    with pytest.raises(Malformed):
        read_long(endless, 0)

    # then it is refused at the eleventh byte: reading all would take seconds
    assert time.process_time() - begun < 0.05


@given(st.binary(max_size=300), st.binary(max_size=3))
def test_bytes_come_back_from_behind_their_length(data: bytes, rest: bytes) -> None:
    written = write_bytes(data)
    assert read_bytes(written + rest, 0) == (data, len(written))


@pytest.mark.parametrize("data", [b"\x01", b"\x04a", b"\x04", b""])
def test_no_bytes_are_read_from_a_wrong_length(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_bytes(data, 0)


def test_fixed_bytes_are_all_there_or_refused() -> None:
    assert read_fixed(b"abc", 1, 2) == (b"bc", 3)
    with pytest.raises(Malformed):
        read_fixed(b"abc", 2, 2)


def test_the_header_s_fingerprint_is_that_of_the_avro_specification() -> None:
    # given the two fingerprints that can be computed by hand, when they are, then they fit
    assert independent.crc64(b"") == independent.CRC_EMPTY
    schema = independent.schema("Envelope")
    assert single_object_header(schema) == independent.header("Envelope")
