"""Reading an agency's file, bounded; and naming it without the numbers in its name."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NewType

from adapters.errors import EMPTY, TOO_LARGE, UNREADABLE, InputRefused

FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of a file that is held in memory once: a year of a county's exports is below 40 MB."""

STREAM_LIMIT = 1024 * 1024 * 1024
"""Bytes of a file that is read item by item: ten million marks of attendance."""

HEAD_BYTES = 64 * 1024
"""Bytes that a format may look at to recognise a file: past any preamble seen in real exports."""

State = NewType("State", tuple[int, ...])
"""What changes when a file is replaced or written: device, number, size, time of last change."""

_DIGITS = re.compile(r"\d{8,}", re.ASCII)


def masked(name: str) -> str:
    """Return a file's name for messages: exports carry NHS numbers in their names."""
    return _DIGITS.sub("…", name)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a plain file to read.

    Raises:
        InputRefused: `input.unreadable`; also where the file system fails later on.
    """
    try:
        if not path.is_file():
            raise InputRefused(UNREADABLE, "file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputRefused(UNREADABLE, "file") from error


def state(stream: BufferedReader) -> State:
    """Return the state of an open file; equal as long as nobody writes to it."""
    found = os.fstat(stream.fileno())
    return State((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


def size(stream: BufferedReader) -> int:
    """Return how many bytes an open file has."""
    return os.fstat(stream.fileno()).st_size


def whole(stream: BufferedReader, limit: int = FILE_LIMIT) -> bytes:
    """Return all bytes of an open file.

    Raises:
        InputRefused: it is empty, or larger than `limit` bytes.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputRefused(TOO_LARGE, "file")
    if not data:
        raise InputRefused(EMPTY, "file")
    return data


def load(path: Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes.

    Raises:
        InputRefused: it cannot be read, is empty, or is larger than `limit` bytes.
    """
    with opened(path) as stream:
        return whole(stream, limit)


def load_beside(
    path: Path, names: Iterable[str], given: Mapping[str, Path] | None = None
) -> dict[str, bytes]:
    """Return those of `names` that exist among `given` files or beside `path`.

    A companion that cannot be read is passed on as empty bytes: the format says so in a warning.
    """
    found: dict[str, bytes] = {}
    for name in names:
        candidate = (given or {}).get(name, path.with_name(name))
        if candidate == path or not candidate.exists():
            continue
        try:
            found[name] = load(candidate)
        except InputRefused:
            found[name] = b""
    return found
