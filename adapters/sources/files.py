"""Reading an agency's file, bounded; and naming it without the numbers in its name."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from adapters.errors import EMPTY, TOO_LARGE, UNREADABLE, InputRefused

FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of one file: a year of a county's exports is below 40 MB; it is held in memory once."""

HEAD_BYTES = 64 * 1024
"""Bytes that a format may look at to recognise a file: past any preamble seen in real exports."""

_DIGITS = re.compile(r"\d{8,}", re.ASCII)


def masked(name: str) -> str:
    """Return a file's name for messages: exports carry NHS numbers in their names."""
    return _DIGITS.sub("…", name)


def load(path: Path, limit: int = FILE_LIMIT) -> bytes:
    """Return a file's bytes.

    Raises:
        InputRefused: it cannot be read, is empty, or is larger than `limit` bytes.
    """
    try:
        if not path.is_file():
            raise InputRefused(UNREADABLE, "file")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise InputRefused(UNREADABLE, "file") from error
    if len(data) > limit:
        raise InputRefused(TOO_LARGE, "file")
    if not data:
        raise InputRefused(EMPTY, "file")
    return data


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
