"""Tables in comma-separated values, row by row (RFC 4180).

Spreadsheets of other languages save them with semicolons, and some systems with tabs: the first
line tells which.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from adapters.errors import BAD_CSV, COLUMNS, InputRefused
from adapters.sources.text import decoded


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: line on which it ends, the header being on line 1.
        values: by column name in upper case; None if it has more or fewer fields than the header.
    """

    number: int
    values: Mapping[str, str] | None


HEAD_CHARACTERS = 64 * 1024
"""What is looked at for the first line."""

SEPARATORS = (",", ";", "\t")


def separator_of(text: str) -> str:
    """Return what divides the fields of a text's first line that holds something."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=first.count)


def columns(head: str) -> tuple[str, ...]:
    """Return the column names in the first line of a text, in upper case."""
    lines = head.splitlines()
    if not lines:
        return ()
    return tuple(name.strip().strip('"').upper() for name in lines[0].split(separator_of(lines[0])))


def rows(stream: BinaryIO, needed: tuple[str, ...], encoding: str | None = None) -> Iterator[Row]:
    """Yield the rows; empty lines are passed over. The stream can be read again from its start.

    Raises:
        InputRefused: `input.csv.columns`, naming the missing ones; `input.csv` where the text
            stops being a table; `input.encoding`.
    """
    with decoded(stream, encoding) as text:
        yield from _rows(text, needed)


def _rows(text: TextIO, needed: tuple[str, ...]) -> Iterator[Row]:
    separator = separator_of(text.read(HEAD_CHARACTERS))
    text.seek(0)
    reader = csv.reader(text, strict=True, delimiter=separator)
    names: tuple[str, ...] = ()
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputRefused(BAD_CSV, f"line {reader.line_num}") from error
        if not any(field.strip() for field in fields):
            continue
        if not names:
            names = tuple(field.strip().upper() for field in fields)
            missing = [name for name in needed if name not in names]
            if missing:
                raise InputRefused(COLUMNS, ", ".join(missing))
            continue
        fits = len(fields) == len(names)
        yield Row(reader.line_num, dict(zip(names, fields, strict=True)) if fits else None)
