"""Strict Avro binary primitives for the two fixed wrappers, Envelope and Minimised.

fastavro reads over-long varints and split array blocks without complaint, and does not say where
a field began. Both matter here: bytes must have one reading, and slots are spliced from an
envelope into deliveries without being encoded again. Tests hold this against fastavro.
Source: Apache Avro 1.12 specification, "Binary encoding" and "Single-object encoding".
"""

from typing import Any

from fastavro import parse_schema
from fastavro.schema import fingerprint, to_parsing_canonical_form

MARKER = b"\xc3\x01"
HEADER_BYTES = 10

_MORE = 0x80
"""Bit of a varint's byte that says another byte follows."""

_LAST_SHIFT = 63
"""Place of the tenth byte's lowest bit: a varint of 64 bits has no eleventh byte. Without this
bound a message of continuation bytes alone would cost time in the square of its length."""

_SINGLE = tuple(bytes((byte,)) for byte in range(_MORE))


class Malformed(Exception):  # noqa: N818 - never leaves this package: callers name the code
    """The bytes are not the one valid encoding of anything."""


def single_object_header(schema: dict[str, Any]) -> bytes:
    """Return marker and little-endian CRC-64-AVRO fingerprint, 10 bytes."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def write_long(number: int) -> bytes:
    """Return the zig-zag variable-length encoding of a 64-bit integer."""
    rest = (number << 1) ^ (number >> 63)
    if rest < _MORE:
        return _SINGLE[rest]
    out = bytearray()
    while rest >= _MORE:
        out.append((rest & 0x7F) | _MORE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def write_bytes(data: bytes) -> bytes:
    """Return `data` behind its length."""
    return write_long(len(data)) + data


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """Return the integer at `at` and where the next field begins.

    Raises:
        Malformed: cut short, longer than need be, or beyond 64 bits.
    """
    try:
        byte = data[at]
        at += 1
        if byte < _MORE:
            return (byte >> 1) ^ -(byte & 1), at
        raw = byte & 0x7F
        shift = 7
        while True:
            byte = data[at]
            at += 1
            raw |= (byte & 0x7F) << shift
            if byte < _MORE:
                break
            shift += 7
            if shift > _LAST_SHIFT:
                raise Malformed
    except IndexError:
        raise Malformed from None
    if byte == 0 or raw >> 64:
        raise Malformed
    return (raw >> 1) ^ -(raw & 1), at


def read_fixed(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Return `size` bytes at `at` and where the next field begins.

    Raises:
        Malformed: cut short.
    """
    end = at + size
    if end > len(data):
        raise Malformed
    return data[at:end], end


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the length-prefixed bytes at `at` and where the next field begins.

    Raises:
        Malformed: cut short or a negative length.
    """
    size, at = read_long(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise Malformed
    return data[at:end], end
