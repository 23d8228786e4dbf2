"""Readers for Avro that accept the one encoding of a value and no other.

fastavro reads over-long integers, blocks in many pieces, blocks with their size and bytes left
over. Whoever decodes with it must encode again and compare; these readers see it on the way, in a
third of the time. What is left to choose in the encoding is nothing: an integer has its shortest
form, an array is one block of a positive count and the end, text is UTF-8, a union names a branch
that there is. Tests hold this against fastavro: accepted are exactly the bytes that it writes.

Only the types that the log's formats are made of are known: long, int, string, bytes, null, fixed,
array, record, union.

Source: Apache Avro 1.12 specification, "Binary encoding".
"""

from collections.abc import Callable, Sequence
from typing import Any

from broker.records.wire import Malformed, read_bytes, read_long

Reader = Callable[[bytes, int], tuple[Any, int]]
"""Reads the value at a place; returns it and where the next one begins.

Raises `Malformed` or `UnicodeDecodeError`, or `IndexError` beyond the end.
"""

_INT_END = 1 << 31

_LONGER_OR_NEGATIVE = 0x81
"""Bits of a length's first byte: another byte follows; the number is below zero."""

_MOST_BRANCHES = 64
"""Branches of a union up to which one byte names each."""


def reader_of(schema: object) -> Reader:
    """Return the reader of a schema, names used after they were defined.

    Raises:
        ValueError: a type that the log's formats do not use, or a union of too many.
    """
    return _compile(schema, {})


def _compile(schema: object, names: dict[str, Reader]) -> Reader:
    match schema:
        case str() if schema in names:
            return names[schema]
        case str() if schema in _PRIMITIVE:
            return _PRIMITIVE[schema]
        case [*branches]:
            return _union([_compile(branch, names) for branch in branches])
        case {"type": "array", "items": item}:
            return _array(_compile(item, names))
        case {"type": "fixed", "name": str(name), "size": int(size)}:
            names[name] = _fixed(size)
            return names[name]
        case {"type": "record", "name": str(name), "fields": [*fields]}:
            readers = [(one["name"], _compile(one["type"], names)) for one in fields]
            names[name] = _record(readers)
            return names[name]
        case _:
            message = f"the log's formats have no type {schema}"
            raise ValueError(message)


def _int(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_long(data, at)
    if not -_INT_END <= value < _INT_END:
        raise Malformed
    return value, at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    byte = data[at]
    end = at + 1 + (byte >> 1)
    if byte & _LONGER_OR_NEGATIVE or end > len(data):
        return read_bytes(data, at)
    # Most are short: a length of one byte needs no second look.
    return data[at + 1 : end], end


def _string(data: bytes, at: int) -> tuple[str, int]:
    value, at = _bytes(data, at)
    return value.decode(), at


def _null(_data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _fixed(size: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise Malformed
        return data[at:end], end

    return read


def _array(item: Reader) -> Reader:
    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        if not data[at]:
            return [], at + 1
        count, at = read_long(data, at)
        # An item has one byte or more, so that a false count ends here and costs nothing.
        if not 0 < count <= len(data) - at:
            raise Malformed
        items: list[Any] = []
        for _ in range(count):
            value, at = item(data, at)
            items.append(value)
        if data[at]:
            raise Malformed
        return items, at + 1

    return read


def _union(branches: Sequence[Reader]) -> Reader:
    if len(branches) > _MOST_BRANCHES:
        message = f"a union has {_MOST_BRANCHES} branches at most"
        raise ValueError(message)
    # Zig-zag: the byte that names a branch is twice its number.
    named = {2 * number: branch for number, branch in enumerate(branches)}

    def read(data: bytes, at: int) -> tuple[Any, int]:
        branch = named.get(data[at])
        if branch is None:
            raise Malformed
        return branch(data, at + 1)

    return read


def _record(fields: Sequence[tuple[str, Reader]]) -> Reader:
    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        for name, reader in fields:
            found[name], at = reader(data, at)
        return found, at

    return read


_PRIMITIVE: dict[str, Reader] = {
    "bytes": _bytes,
    "int": _int,
    "long": read_long,
    "null": _null,
    "string": _string,
}
