"""Writing what was found into a file: CSV that no spreadsheet runs, or JSON Lines; by its suffix.

The file is whole or not there: it is written beside its place and moved there at the end. Rows are
written as they come, so that a file may be larger than memory.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from broker.errors import Code
from broker.runtimes.layout import InstallationError

SUFFIX = Code(
    "usage.export",
    "What was found cannot be written in a form of this name.",
    "Name a file that ends in .csv or .jsonl. For Parquet, convert the JSON Lines with a tool of"
    " your own: Concordat carries no library for it.",
)

Plain = Mapping[str, Any]
Write = Callable[[Plain], None]

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets (OWASP, CSV Injection)."""


def cell(value: object) -> str:
    """Return a value as a cell: text that no spreadsheet takes for a formula.

    Lists become one text with spaces, nothing an empty cell. A number is no formula, below zero
    neither.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


@contextmanager
def export(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Give what writes one row; the file stands when the block ends, and not if it raises.

    Args:
        path: its suffix says how: `.csv` (RFC 4180, UTF-8) or `.jsonl`.
        columns: names, in order; what a row lacks stays empty.

    Raises:
        InstallationError: `usage.export`.
        OSError: the file cannot be written.
    """
    making = WRITERS.get(path.suffix.lower())
    if making is None:
        raise InstallationError(SUFFIX, path.suffix or "no suffix")
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with new.open("x", encoding="utf-8", newline="") as file:
            yield making(file, columns)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _csv(file: IO[str], columns: Sequence[str]) -> Write:
    writer = csv.writer(file)
    writer.writerow(columns)

    def write(row: Plain) -> None:
        writer.writerow([cell(row.get(name)) for name in columns])

    return write


def _lines(file: IO[str], columns: Sequence[str]) -> Write:
    def write(row: Plain) -> None:
        document = {name: row.get(name) for name in columns}
        file.write(json.dumps(document, ensure_ascii=False) + "\n")

    return write


WRITERS: Mapping[str, Callable[[IO[str], Sequence[str]], Write]] = {".csv": _csv, ".jsonl": _lines}
