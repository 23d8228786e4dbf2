"""Education: attendance marks (CSV), a row a session → school-absence, one for each stretch.

Columns as management information systems export them: UPN, Forename, Surname, DOB, Date, Session
(AM, PM), Code, and if there is one Comment. Codes are those of August 2024
(`adapters/education/codes.py`). Marks of one pupil with the same code, session after session, are
one absence: its first row gives the record, the others belong to it. An absence that reaches the
last day of the file goes on; the next file makes it longer, as its next version.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from adapters.dates import not_future, spreadsheet_day
from adapters.drafting import Saying, draft
from adapters.education import codes
from adapters.errors import (
    FIELD_CODE,
    FIELD_CODE_WITHDRAWN,
    FIELD_MISSING,
    ROW,
    InputRefused,
)
from adapters.format import (
    Context,
    Outcome,
    Read,
    ReadContext,
    Unmapped,
    rejected,
)
from adapters.identifiers import Child, Said, check
from adapters.sources.table import Row, columns, rows
from adapters.sources.text import TEXT_LIMIT, clean, glance
from broker.records.statement import Indicator

NAME = "education-attendance-csv"
PUPIL = ("UPN", "FORENAME", "SURNAME", "DOB")
COLUMNS = (*PUPIL, "DATE", "SESSION", "CODE")
COMMENT = "COMMENT"
SESSIONS = {"AM": 0, "PM": 1}

PRESENT = "the code says that the child was no absentee"
PART = "belongs to the absence that begins in {}"

CODES = tuple(sorted(codes.NO_ABSENCE.union(*(held for held, _ in codes.FACTS))))
_NUMBERS = {code: number for number, code in enumerate(CODES)}
_ROW_BITS, _CODE_BITS = 32, 8


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark.

    Attributes:
        moment: half days: twice its day, and one more in the afternoon.
        row: its row.
        code: attendance code.
    """

    moment: int
    row: int
    code: str

    @property
    def place(self) -> str:
        """What errors call it."""
        return f"row {self.row}"

    @property
    def day(self) -> int:
        """On which day."""
        return self.moment // len(SESSIONS)


@dataclass(slots=True)
class Pupil:
    """A pupil's marks, eight bytes each: a county's term has millions, most of them of presence.

    Attributes:
        child: who it is.
    """

    child: Child
    _marks: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, mark: Mark) -> None:
        """Take one mark more."""
        packed = mark.moment << _ROW_BITS | mark.row
        self._marks.append(packed << _CODE_BITS | _NUMBERS[mark.code])

    def marks(self) -> Iterator[Mark]:
        """Yield them in order of time; those of one session in order of rows."""
        for packed in sorted(self._marks):
            rest, code = packed >> _CODE_BITS, packed & ((1 << _CODE_BITS) - 1)
            yield Mark(rest >> _ROW_BITS, rest & ((1 << _ROW_BITS) - 1), CODES[code])


@dataclass(frozen=True, slots=True)
class AttendanceCsv:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "education"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by its columns."""
        return {"UPN", "SESSION", "CODE", "DATE"} <= set(columns(glance(head)))

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each row gives.

        Raises:
            InputRefused: columns are missing, or the text stops being a table.
        """
        register = Register()
        stopped: InputRefused | None = None
        table = rows(stream, COLUMNS, context.encoding)
        while True:
            try:
                row = next(table, None)
            except InputRefused as error:
                # What was read until here has been announced, and is told below.
                stopped = error
                break
            if row is None:
                break
            place = f"row {row.number}"
            yield Read(place)
            try:
                pupil = register.enter(row, place, context)
            except InputRefused as error:
                yield rejected(place, error)
                continue
            yield Unmapped(_left(row))
            yield from (replace(one, item=place) for one in pupil.child.warnings)
        for pupil in register.pupils.values():
            yield from _of_pupil(pupil, register, context)
        if stopped is not None:
            raise stopped


@dataclass(slots=True)
class Register:
    """What is gathered while the rows are read.

    Attributes:
        pupils: by whom the agency means.
        comments: by row.
        last: the last day that has a mark.
    """

    pupils: dict[str, Pupil] = field(default_factory=dict)
    comments: dict[int, str] = field(default_factory=dict)
    last: int = 0
    _known: dict[tuple[str | None, ...], Child] = field(default_factory=dict)

    def enter(self, row: Row, place: str, context: ReadContext) -> Pupil:
        """Take a row's mark; of a pupil, all rows share what was checked once.

        Raises:
            InputRefused: the row is none, or a field of it is wrong.
        """
        if row.values is None:
            raise InputRefused(ROW, "row")
        values = {name: clean(row.values[name], name) for name in COLUMNS}
        code = (values["CODE"] or "").upper()
        if not code:
            raise InputRefused(FIELD_MISSING, "CODE")
        if code not in CODES:
            withdrawn = code in codes.WITHDRAWN
            raise InputRefused(FIELD_CODE_WITHDRAWN if withdrawn else FIELD_CODE, "CODE")
        session = SESSIONS.get((values["SESSION"] or "").upper())
        if session is None:
            raise InputRefused(FIELD_CODE if values["SESSION"] else FIELD_MISSING, "SESSION")
        day = not_future(_day(values, "DATE"), context.at, "DATE")
        child = self._child(values, place, context)
        comment = row.values.get(COMMENT)
        written = None if comment is None else clean(comment, COMMENT, TEXT_LIMIT)
        if written is not None:
            self.comments[row.number] = written
        self.last = max(self.last, day)
        pupil = self.pupils.setdefault(child.local_subject, Pupil(child))
        pupil.add(Mark(day * len(SESSIONS) + session, row.number, code))
        return pupil

    def _child(self, values: Mapping[str, str | None], place: str, context: ReadContext) -> Child:
        said = tuple(values[name] for name in PUPIL)
        if said not in self._known:
            upn, given, family, born = said
            self._known[said] = check(
                Said(
                    upn=upn,
                    given=given,
                    family=family,
                    born=None if born is None else spreadsheet_day(born, "DOB"),
                ),
                place,
                context.at,
            )
        return self._known[said]


def _day(values: Mapping[str, str | None], name: str) -> int:
    value = values[name]
    if value is None:
        raise InputRefused(FIELD_MISSING, name)
    return spreadsheet_day(value, name)


def _of_pupil(pupil: Pupil, register: Register, context: ReadContext) -> Iterator[Outcome]:
    """Yield what a pupil's marks give, as stretches of one code each."""
    stretch: list[Mark] = []
    for mark in pupil.marks():
        if stretch and stretch[-1].code != mark.code:
            if stretch[-1].moment == mark.moment:
                # The mark that stands first in the file holds.
                yield rejected(mark.place, InputRefused(FIELD_CODE, "two codes for one session"))
                continue
            yield from _outcomes(pupil, stretch, register, context)
            stretch = []
        stretch.append(mark)
    yield from _outcomes(pupil, stretch, register, context)


def _outcomes(
    pupil: Pupil, stretch: list[Mark], register: Register, context: ReadContext
) -> Iterator[Outcome]:
    first, end = stretch[0], stretch[-1]
    fact = codes.fact(first.code)
    if fact is None:
        yield from (Context(one.place, PRESENT) for one in stretch)
        return
    signs = first.code in codes.UNAUTHORISED | codes.UNEXPLAINED
    comments = [register.comments.get(one.row) for one in stretch]
    saying = Saying(
        type="school-absence",
        natural_id=f"school-absence/{pupil.child.local_subject}/{first.day}/{first.code}",
        on=first.day,
        content={
            "absence": {
                "first_day": first.day,
                "last_day": None if end.day == register.last else end.day,
                "code": first.code,
                "sessions": len({one.moment for one in stretch}),
            },
            "note": "\n".join(dict.fromkeys(filter(None, comments))) or None,
        },
        indicators=(Indicator("absent-from-school", first.day, "fact"),) if signs else (),
        facts=(fact,),
    )
    yield draft(pupil.child, saying, first.place, NAME, context)
    for one in stretch[1:]:
        yield Context(one.place, PART.format(first.place))


def _left(row: Row) -> tuple[str, ...]:
    known = {*COLUMNS, COMMENT}
    extra = sum(name not in known for name in row.values or ())
    return (f"{extra} more columns",) if extra else ()


FORMAT = AttendanceCsv()
