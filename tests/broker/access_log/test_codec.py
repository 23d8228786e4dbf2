"""Strict Avro: bytes have one reading, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.codec import Codec, array, hash_type, record
from broker.access_log.errors import SHAPE, LogError

CODEC = Codec(
    record(
        "Example",
        number="long",
        text="string",
        hash=hash_type(),
        many=array("bytes"),
        maybe=["null", "Hash"],
    )
)
VALUE = {"number": 3, "text": "é", "hash": bytes(32), "many": [b"a", b""], "maybe": None}


def test_what_was_encoded_is_decoded() -> None:
    assert CODEC.decode(CODEC.encode(VALUE)) == VALUE
    assert CODEC.encode(VALUE)[:2] == b"\xc3\x01"


@given(st.binary(max_size=120))
def test_whatever_is_decoded_has_that_one_encoding(tail: bytes) -> None:
    data = CODEC.header + tail
    try:
        value = CODEC.decode(data)
    except LogError as error:
        assert error.code is SHAPE  # noqa: PT017 - either outcome is fine, no third one is
    else:
        assert CODEC.encode(value) == data


@given(st.data())
def test_a_changed_byte_is_another_value_or_none(data: st.DataObject) -> None:
    encoded = CODEC.encode(VALUE)
    at = data.draw(st.integers(0, len(encoded) - 1))
    bits = data.draw(st.integers(1, 255))
    damaged = encoded[:at] + bytes((encoded[at] ^ bits,)) + encoded[at + 1 :]
    try:
        assert CODEC.decode(damaged) != VALUE
    except LogError as error:
        assert error.code is SHAPE  # noqa: PT017 - either outcome is fine, no third one is


HEAD = CODEC.header
REST = b"\x02a" + bytes(32) + b"\x00\x00"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        b"\xc3\x01" + bytes(8) + b"\x06" + REST,
        HEAD + b"\x86\x00" + REST,  # an integer longer than need be
        HEAD + b"\x06" + REST + b"\x00",  # bytes left over
        HEAD + b"\x06" + REST[:-1],  # cut short
        HEAD + b"\x06\x02a" + bytes(32) + b"\x02\x02a\x02\x02b\x00\x00",  # a split array
        HEAD + b"\x06\x02a" + bytes(32) + b"\x01\x04\x02a\x00\x00",  # an array with its size
        HEAD + b"\x06\x02\xff" + bytes(32) + b"\x00\x00",  # not UTF-8
        HEAD + b"\x06\x02a" + bytes(32) + b"\x00\x04",  # no such branch
        HEAD + b"\x06\x01a" + bytes(32) + b"\x00\x00",  # a negative length
    ],
)
def test_any_other_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(LogError) as refused:
        CODEC.decode(data, "somewhere")
    assert (refused.value.code, refused.value.where) == (SHAPE, "somewhere")


def test_without_a_place_the_record_is_named() -> None:
    with pytest.raises(LogError, match="Example"):
        CODEC.decode(b"")


def test_bytes_of_our_own_processes_are_read_no_less_strictly() -> None:
    assert CODEC.decode_trusted(CODEC.encode(VALUE)) == VALUE
    with pytest.raises(LogError):
        CODEC.decode_trusted(HEAD + b"\x86\x00" + REST)
