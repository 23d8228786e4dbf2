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

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from broker.records.wire import Malformed, read_bytes, read_fixed, read_long

Reader = Callable[[bytes, int], tuple[Any, int]]
"""Reads the value at a place; returns it and where the next one begins.

Raises `Malformed` or `UnicodeDecodeError`, or `IndexError` beyond the end.
"""

_INT_END = 1 << 31


def reader_of(schema: object) -> Reader:
    """Return the reader of a schema, names used after they were defined.

    Raises:
        ValueError: a type that the log's formats do not use.
    """
    return _compile(schema, {})


def _compile(schema: object, names: dict[str, Reader]) -> Reader:
    if isinstance(schema, str) and schema in names:
        return names[schema]
    if isinstance(schema, str) and schema in _PRIMITIVE:
        return _PRIMITIVE[schema]
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return _union([_compile(branch, names) for branch in schema])
    if not isinstance(schema, Mapping):
        message = f"the log's formats have no type {schema}"
        raise ValueError(message)
    if schema["type"] == "array":
        return _array(_compile(schema["items"], names))
    if schema["type"] == "fixed":
        reader = _fixed(schema["size"])
    elif schema["type"] == "record":
        fields = [(one["name"], _compile(one["type"], names)) for one in schema["fields"]]
        reader = _record(fields)
    else:
        message = f"the log's formats have no type {schema['type']}"
        raise ValueError(message)
    names[schema["name"]] = reader
    return reader


def _int(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_long(data, at)
    if not -_INT_END <= value < _INT_END:
        raise Malformed
    return value, at


def _string(data: bytes, at: int) -> tuple[str, int]:
    value, at = read_bytes(data, at)
    return value.decode(), at


def _null(_data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _fixed(size: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[bytes, int]:
        return read_fixed(data, at, size)

    return read


def _array(item: Reader) -> Reader:
    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        count, at = read_long(data, at)
        # An item has one byte or more, so that a false count ends here and costs nothing.
        if not 0 <= count <= len(data) - at:
            raise Malformed
        items: list[Any] = []
        if not count:
            return items, at
        for _ in range(count):
            value, at = item(data, at)
            items.append(value)
        if data[at]:
            raise Malformed
        return items, at + 1

    return read


def _union(branches: Sequence[Reader]) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        number, at = read_long(data, at)
        if not 0 <= number < len(branches):
            raise Malformed
        return branches[number](data, at)

    return read


def _record(fields: Sequence[tuple[str, Reader]]) -> Reader:
    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        for name, reader in fields:
            found[name], at = reader(data, at)
        return found, at

    return read


_PRIMITIVE: dict[str, Reader] = {
    "bytes": read_bytes,
    "int": _int,
    "long": read_long,
    "null": _null,
    "string": _string,
}
