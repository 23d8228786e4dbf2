"""Council: SSDA903 return, `missing.csv` joined with `header.csv` → missing-episode, as history.

One row of `missing.csv` is one item. `header.csv`, read from beside it, adds the unique pupil
number; given alone, its rows are context. A return is sent once a year about the year before, so
its records are history: decided and logged, but nobody is woken by them.
Source: Department for Education, Children looked-after by local authorities: guide to the SSDA903
collection (modules Header and Missing).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from adapters.dates import british_day, in_order, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import COMPANION, DISAGREES, FIELD_CODE, FIELD_MISSING, ROW, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item, warned
from adapters.identifiers import Said, check
from adapters.sources.table import Row, columns, rows
from adapters.sources.text import clean, glance
from broker.records.names import Kind
from broker.records.statement import Indicator

MISSING_NAME = "social-care-ssda903-missing"
HEADER_NAME = "social-care-ssda903-header"

MISSING_COLUMNS = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
HEADER_COLUMNS = ("CHILD", "DOB", "UPN")
HEADER_NOT_MAPPED = ("ETHNIC", "MC_DOB", "MOTHER", "SEX")

KINDS = {"M": "missing", "A": "away"}


@dataclass(frozen=True, slots=True)
class Held:
    """What `header.csv` says of a child: date of birth and unique pupil number, as written."""

    born: str
    upn: str


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
                for row in rows(data, HEADER_COLUMNS, encoding):
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

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the column that only this module has."""
        return "MIS_START" in columns(glance(head))

    def companions(self, name: str) -> tuple[str, ...]:
        """Name the header module of the same return."""
        twin = name.replace("missing", "header").replace("Missing", "Header")
        return tuple(sorted({"header.csv", twin} - {name}))

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each row holds.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        headers = Headers.among(context.beside, context.encoding)
        naming = Naming()
        if headers.broken:
            yield warned("header.csv", COMPANION, "header.csv")
        known = set(MISSING_COLUMNS)
        for row in rows(stream.read(), MISSING_COLUMNS, context.encoding):
            place = f"row {row.number}"
            yield from one_item(place, _map(row, place, headers, naming, context))
            if row.values is not None and row.values.keys() - known:
                yield Unmapped(tuple(f"column {n}" for n in range(6, len(row.values) + 1)))


@dataclass(frozen=True, slots=True)
class Header:
    """`header.csv` given alone; a `Format`."""

    name: str = HEADER_NAME
    agency_type: str | None = "social-care"

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
        for row in rows(stream.read(), HEADER_COLUMNS, context.encoding):
            place = f"row {row.number}"
            what = "read together with missing.csv, for the unique pupil number"
            yield from one_item(place, (Context(place, what),))
        yield Unmapped(HEADER_NOT_MAPPED)


def _map(
    row: Row, place: str, headers: Headers, naming: Naming, context: ReadContext
) -> Iterator[Outcome]:
    if row.values is None:
        raise InputRefused(ROW, "row")
    values = {name: clean(row.values[name], name) for name in MISSING_COLUMNS}
    council_id, kind_code = values["CHILD"], (values["MISSING"] or "").upper()
    if council_id is None:
        raise InputRefused(FIELD_MISSING, "CHILD")
    kind = KINDS.get(kind_code)
    if kind is None:
        raise InputRefused(FIELD_CODE if kind_code else FIELD_MISSING, "MISSING")
    start, end = _day(values, "MIS_START"), _day(values, "MIS_END")
    if start is None:
        raise InputRefused(FIELD_MISSING, "MIS_START")
    not_future(start, context.at, "MIS_START")
    in_order(start, end, "MIS_END")
    held = headers.by_child.get(council_id)
    agrees = held is None or held.born == (values["DOB"] or held.born)
    if not agrees:
        yield warned(place, DISAGREES, "DOB in header.csv")
    upn = held.upn if held is not None and agrees else None
    born = _day(values, "DOB")
    in_order(born, start, "DOB")
    child = check(Said(upn=upn or None, council_id=council_id, born=born), place, context.at)
    yield from child.warnings
    saying = Saying(
        type="missing-episode",
        natural_id=naming.name(f"missing-episode/{council_id}/{start}", values),
        on=start,
        kind=Kind.HISTORY,
        content={
            "episode": {
                "start": start,
                "start_at": None,
                "end": end,
                "end_at": None,
                "kind": kind,
                "risk": "unknown",
                "returned": None if end is None else True,
                "episodes_in_90_days": None,
            }
        },
        indicators=(Indicator("missing", start, "fact"),) if kind == "missing" else (),
        facts=_facts(kind, end),
    )
    yield draft(child, saying, place, MISSING_NAME, context)


def _facts(kind: str, end: int | None) -> tuple[str, ...]:
    away = ("missing:away",) if kind == "away" else ()
    return away if end is None else (*away, "missing:returned")


def _day(values: Mapping[str, str | None], name: str) -> int | None:
    value = values[name]
    return None if value is None else british_day(value, name)


MISSING = Missing()
HEADER = Header()
