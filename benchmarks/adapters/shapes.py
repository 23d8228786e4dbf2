"""A file of any length, made up piece by piece from a seed: what a format's shape says of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeAlias

Unit: TypeAlias = Callable[[int, Random], str]
"""Makes the text of the unit of a number, from 0 on."""

SEED = 2026
UNITS_AT_ONCE = 2_000
"""Units that are written together: some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Files of one format.

    Attributes:
        format: what `--format` calls it.
        agency_type: of an agency that has such files.
        file: name of the file.
        unit: makes what repeats: a row, a child, a message.
        bare: parser that it is compared with: `csv`, `xml`, `json` or `hl7`.
        head: what stands before the first unit.
        between: what stands between two units.
        foot: what stands behind the last one.
        gives: items that a unit gives.
        most: units that the format takes of one file; None: any number.
        beside: a file that lies beside it, with a unit for each child at most.
        note: what tells this shape from another of the same format.
    """

    format: str
    agency_type: str
    file: str
    unit: Unit
    bare: str
    head: str = ""
    between: str = ""
    foot: str = ""
    gives: int = 1
    most: int | None = None
    beside: "Shape | None" = None
    note: str = ""

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.format} ({self.note})" if self.note else self.format

    def units(self, items: int) -> int:
        """Return how many units give so many items, or as many as the format takes."""
        units = max(1, items // self.gives)
        return units if self.most is None else min(units, self.most)

    def pieces(self, items: int, first: int = 0) -> Iterator[str]:
        """Yield the text, piece by piece; the same for the same numbers.

        Args:
            items: how many.
            first: number of the first unit; units of other numbers are other items.
        """
        random = Random(SEED + first)
        yield self.head
        for number in range(self.units(items)):
            if number and self.between:
                yield self.between
            yield self.unit(first + number, random)
        yield self.foot

    def write(self, folder: Path, items: int) -> Path:
        """Write a file, and what lies beside it; return its path. Memory does not grow with it."""
        path = folder / self.file
        pieces = self.pieces(items)
        with path.open("w", encoding="utf-8", newline="") as stream:
            while some := list(islice(pieces, UNITS_AT_ONCE)):
                stream.write("".join(some))
        if self.beside is not None:
            self.beside.write(folder, min(items, self.beside.most or items))
        return path
