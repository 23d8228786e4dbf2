"""Strict Avro coding of one slot's value: one valid encoding of each value, and no other.

From an Avro type this module makes a reader and a writer. fastavro writes the same bytes (tests
hold the two together), but reads over-long integers, split array blocks, booleans that are neither
0 nor 1, and leaves trailing bytes; and it doesn't know the lists of codes that our schemas give.
The rules are those of `docs/formats.md`, section 2.

Types that may occur: null, boolean, int, long, float, double, string, bytes, fixed, enum, array,
record, and the union of null and one other. What is left out either has several encodings of one
value (maps) or turns an integer into a library's object (logical types).
"""

import math
import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any

from broker.records.wire import (
    Malformed,
    read_bytes,
    read_fixed,
    read_long,
    write_bytes,
    write_long,
)

Read = Callable[[bytes, int], tuple[Any, int]]
"""Takes bytes and where to begin; gives the value and where the next one begins."""

Write = Callable[[Any], bytes]
"""Takes a value and gives its bytes."""

Coder = tuple[Read, Write]

INT_BITS = 32
LONG_BITS = 64
_NULL = b"\x00"
_PRESENT = b"\x02"
_END = b"\x00"


class Misfit(Exception):  # noqa: N818 - never leaves this package: callers name the code
    """A value does not fit its type.

    Attributes:
        path: names of the fields that lead to it, from outside in. Never a value.
    """

    def __init__(self, *path: str) -> None:
        """Begin with no path; each record on the way out adds its field's name."""
        super().__init__(*path)
        self.path = path


def coder_of(kind: Any, codes: Collection[str] = ()) -> Coder:  # noqa: ANN401 - JSON
    """Return reader and writer of an Avro type.

    Args:
        kind: the type as JSON; names it defines may be used further on in it.
        codes: the strings that may occur; any if empty.

    Raises:
        ValueError: a type that this format does not use, or a name that it does not define.
    """
    return _coded(_coder(kind, {}), frozenset(codes))


def _coder(kind: Any, named: dict[str, Coder]) -> Coder:  # noqa: ANN401 - JSON
    if isinstance(kind, list):
        return _nullable(kind, named)
    if isinstance(kind, str):
        found = _PLAIN.get(kind) or named.get(kind)
        if found is None:
            message = f"a slot cannot hold the type {kind}"
            raise ValueError(message)
        return found
    if "logicalType" in kind or kind["type"] not in _BUILT:
        if kind.keys() == {"type"}:
            return _coder(kind["type"], named)
        message = f"a slot cannot hold the type {kind.get('logicalType', kind['type'])}"
        raise ValueError(message)
    built = _BUILT[kind["type"]](kind, named)
    if "name" in kind:
        named[kind["name"]] = named[kind["name"].rpartition(".")[2]] = built
    return built


def _coded(coder: Coder, codes: frozenset[str]) -> Coder:
    if not codes:
        return coder
    read, write = coder

    def known(value: object) -> bool:
        return value is None or codes.issuperset(
            value if isinstance(value, list | tuple) else (value,)
        )

    def read_known(data: bytes, at: int) -> tuple[Any, int]:
        value, at = read(data, at)
        if not known(value):
            raise Malformed
        return value, at

    def write_known(value: Any) -> bytes:  # noqa: ANN401 - whatever the type says
        written = write(value)
        if not known(value):
            raise Misfit
        return written

    return read_known, write_known


def _nullable(kinds: list[Any], named: dict[str, Coder]) -> Coder:
    if len(kinds) != len(("null", "other")) or kinds[0] != "null":
        message = "a union is of null and one other type"
        raise ValueError(message)
    read, write = _coder(kinds[1], named)

    def read_nullable(data: bytes, at: int) -> tuple[Any, int]:
        branch, at = read_fixed(data, at, 1)
        if branch == _NULL:
            return None, at
        if branch != _PRESENT:
            raise Malformed
        return read(data, at)

    def write_nullable(value: Any) -> bytes:  # noqa: ANN401 - as above
        return _NULL if value is None else _PRESENT + write(value)

    return read_nullable, write_nullable


def _record(kind: Mapping[str, Any], named: dict[str, Coder]) -> Coder:
    fields = [
        (one["name"], *_coded(_coder(one["type"], named), frozenset(one.get("codes", ()))))
        for one in kind["fields"]
    ]
    names = {name for name, _, _ in fields}

    def read_record(data: bytes, at: int) -> tuple[Any, int]:
        found: dict[str, Any] = {}
        for name, read, _ in fields:
            found[name], at = read(data, at)
        return found, at

    def write_record(value: Any) -> bytes:  # noqa: ANN401 - as above
        if not isinstance(value, Mapping) or value.keys() != names:
            raise Misfit
        parts: list[bytes] = []
        for name, _, write in fields:
            try:
                parts.append(write(value[name]))
            except Misfit as error:
                raise Misfit(name, *error.path) from None
        return b"".join(parts)

    return read_record, write_record


def _array(kind: Mapping[str, Any], named: dict[str, Coder]) -> Coder:
    read, write = _coder(kind["items"], named)
    if not _takes_bytes(read):  # no count of such items would be too large for the bytes there are
        message = "a slot cannot hold an array whose items take no bytes"
        raise ValueError(message)

    def read_array(data: bytes, at: int) -> tuple[Any, int]:
        count, at = read_long(data, at)
        if count == 0:
            return [], at
        if not 0 < count <= len(data) - at:
            raise Malformed
        items = []
        for _ in range(count):
            item, at = read(data, at)
            items.append(item)
        end, at = read_fixed(data, at, 1)
        if end != _END:
            raise Malformed
        return items, at

    def write_array(value: Any) -> bytes:  # noqa: ANN401 - as above
        if not isinstance(value, list | tuple):
            raise Misfit
        if not value:
            return _END
        return b"".join((write_long(len(value)), *map(write, value), _END))

    return read_array, write_array


def _takes_bytes(read: Read) -> bool:
    try:
        read(b"", 0)
    except Malformed:
        return True
    return False


def _fixed(kind: Mapping[str, Any], _: dict[str, Coder]) -> Coder:
    size: int = kind["size"]

    def write_fixed(value: Any) -> bytes:  # noqa: ANN401 - as above
        if not isinstance(value, bytes) or len(value) != size:
            raise Misfit
        return value

    return lambda data, at: read_fixed(data, at, size), write_fixed


def _enum(kind: Mapping[str, Any], _: dict[str, Coder]) -> Coder:
    symbols: list[str] = kind["symbols"]

    def read_enum(data: bytes, at: int) -> tuple[Any, int]:
        index, at = read_long(data, at)
        if not 0 <= index < len(symbols):
            raise Malformed
        return symbols[index], at

    def write_enum(value: Any) -> bytes:  # noqa: ANN401 - as above
        if value not in symbols:
            raise Misfit
        return write_long(symbols.index(value))

    return read_enum, write_enum


def _integer(bits: int) -> Coder:
    least, most = -1 << bits - 1, (1 << bits - 1) - 1

    def read_integer(data: bytes, at: int) -> tuple[Any, int]:
        value, at = read_long(data, at)
        if not least <= value <= most:
            raise Malformed
        return value, at

    def write_integer(value: Any) -> bytes:  # noqa: ANN401 - as above
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Misfit
        return write_long(value)

    return read_integer, write_integer


def _real(form: str) -> Coder:
    packer = struct.Struct(form)

    def read_real(data: bytes, at: int) -> tuple[Any, int]:
        raw, at = read_fixed(data, at, packer.size)
        (value,) = packer.unpack(raw)
        if not math.isfinite(value):
            raise Malformed
        return value, at

    def write_real(value: Any) -> bytes:  # noqa: ANN401 - as above
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Misfit
        try:
            raw = packer.pack(value)
        except (OverflowError, struct.error):  # an integer that no float holds
            raise Misfit from None
        if not math.isfinite(packer.unpack(raw)[0]):
            raise Misfit
        return raw

    return read_real, write_real


def _read_boolean(data: bytes, at: int) -> tuple[Any, int]:
    byte, at = read_fixed(data, at, 1)
    if byte > b"\x01":
        raise Malformed
    return byte == b"\x01", at


def _write_boolean(value: Any) -> bytes:  # noqa: ANN401 - as above
    if not isinstance(value, bool):
        raise Misfit
    return bytes((value,))


def _read_string(data: bytes, at: int) -> tuple[Any, int]:
    raw, at = read_bytes(data, at)
    try:
        return raw.decode(), at
    except UnicodeDecodeError:
        raise Malformed from None


def _write_string(value: Any) -> bytes:  # noqa: ANN401 - as above
    if not isinstance(value, str):
        raise Misfit
    try:
        return write_bytes(value.encode())
    except UnicodeEncodeError:
        raise Misfit from None


def _write_bytes(value: Any) -> bytes:  # noqa: ANN401 - as above
    if not isinstance(value, bytes):
        raise Misfit
    return write_bytes(value)


def _read_null(_: bytes, at: int) -> tuple[Any, int]:
    return None, at


def _write_null(value: Any) -> bytes:  # noqa: ANN401 - as above
    if value is not None:
        raise Misfit
    return b""


_PLAIN: dict[str, Coder] = {
    "null": (_read_null, _write_null),
    "boolean": (_read_boolean, _write_boolean),
    "int": _integer(INT_BITS),
    "long": _integer(LONG_BITS),
    "float": _real("<f"),
    "double": _real("<d"),
    "string": (_read_string, _write_string),
    "bytes": (read_bytes, _write_bytes),
}
_BUILT: dict[str, Callable[[Mapping[str, Any], dict[str, Coder]], Coder]] = {
    "record": _record,
    "array": _array,
    "fixed": _fixed,
    "enum": _enum,
}
