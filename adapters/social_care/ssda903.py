"""Council: SSDA903 return, `missing.csv` joined with `header.csv` → missing-episode, as history.

One row of `missing.csv` is one item. `header.csv`, read from beside it, adds the unique pupil
number; given alone, its rows are context. A return is sent once a year about the year before, so
its records are history: decided and logged, but nobody is woken by them.
Source: Department for Education, Children looked-after by local authorities: guide to the SSDA903
collection (modules Header and Missing).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from adapters.drafting import Naming
from adapters.errors import COMPANION, ROW, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item, warned
from adapters.social_care.ssda903_facts import (
    MISSING_COLUMNS,
    MISSING_NAME,
    Held,
    Mapper,
    Values,
    missing_episode,
)
from adapters.sources.table import Row, columns, rows
from adapters.sources.text import clean, glance

HEADER_NAME = "social-care-ssda903-header"

HEADER_COLUMNS = ("CHILD", "DOB", "UPN")
HEADER_NOT_MAPPED = ("ETHNIC", "MC_DOB", "MOTHER", "SEX")


@dataclass(slots=True)
class Headers:
    """`header.csv` by child, and whether it could be read."""

    by_child: dict[str, Held] = field(default_factory=dict)
    broken: bool = False

    @classmethod
    def among(cls, beside: Mapping[str, bytes], encoding: str | None) -> "Headers":
        """Read the header file among companions; empty if there is none."""
        found = cls()
        for data in beside.values():
            try:
                for row in rows(BytesIO(data), HEADER_COLUMNS, encoding):
                    if row.values is not None:
                        held = Held(row.values["DOB"].strip(), row.values["UPN"].strip())
                        found.by_child.setdefault(row.values["CHILD"].strip(), held)
            except InputRefused:
                found.broken = True
        return found


@dataclass(frozen=True, slots=True)
class Missing:
    """`missing.csv`; a `Format`."""

    name: str = MISSING_NAME
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the column that only this module has."""
        return "MIS_START" in columns(glance(head))

    def companions(self, name: str) -> tuple[str, ...]:
        """Name the header module of the same return."""
        return beside(name, "missing")

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each row holds.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        yield from rows_of(stream, context, MISSING_COLUMNS, MISSING_COLUMNS, missing_episode)


@dataclass(frozen=True, slots=True)
class Header:
    """`header.csv` given alone; a `Format`."""

    name: str = HEADER_NAME
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the columns that only this module has."""
        return {"CHILD", "UPN", "MC_DOB"} <= set(columns(glance(head)))

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield one item of context a row.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        for row in rows(stream, HEADER_COLUMNS, context.encoding):
            place = f"row {row.number}"
            what = "read together with missing.csv and episodes.csv, for birth and pupil number"
            yield from one_item(place, (Context(place, what),))
        yield Unmapped(HEADER_NOT_MAPPED)


def cleaned(row: Row, names: tuple[str, ...]) -> Values:
    """Return a row's texts by column, those of absent columns as None.

    Raises:
        InputRefused: `input.csv.row`, `field.text`.
    """
    values = row.values
    if values is None:
        raise InputRefused(ROW, "row")
    return {name: clean(values.get(name, ""), name) for name in names}


def beside(name: str, module: str) -> tuple[str, ...]:
    """Name the header of the return that a module's file belongs to."""
    twin = name.replace(module, "header").replace(module.title(), "Header")
    return tuple(sorted({"header.csv", twin} - {name}))


def rows_of(
    stream: BinaryIO,
    context: ReadContext,
    needed: tuple[str, ...],
    read: tuple[str, ...],
    mapper: Mapper,
) -> Iterator[Outcome]:
    """Yield what each row of a module holds, joined with the header beside it.

    Args:
        stream: the module's file.
        context: what else is known.
        needed: columns that must be there.
        read: columns that are read; others are named by their place, for heads may say anything.
        mapper: yields what one row gives.

    Raises:
        InputRefused: columns are missing, or the text stops being a table.
    """
    headers = Headers.among(context.beside, context.encoding)
    naming = Naming()
    if headers.broken:
        yield warned("header.csv", COMPANION, "header.csv")

    def mapped(row: Row, place: str) -> Iterator[Outcome]:
        values = cleaned(row, read)
        held = headers.by_child.get(values["CHILD"] or "")
        yield from mapper(values, held, place, naming, context)

    for row in rows(stream, needed, context.encoding):
        place = f"row {row.number}"
        yield from one_item(place, mapped(row, place))
        yield Unmapped(
            tuple(
                f"column {number}"
                for number, name in enumerate(row.values or (), 1)
                if name not in read
            )
        )


MISSING = Missing()
HEADER = Header()
