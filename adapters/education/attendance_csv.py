"""Education: attendance marks (CSV), a row a session → school-absence, one for each stretch.

Columns as management information systems export them: UPN, Forename, Surname, DOB, Date, Session
(AM, PM), Code, and if there is one Comment. Codes are those of August 2024
(`adapters/education/codes.py`). Marks of one pupil with the same code, session after session, are
one absence: its first row gives the record, the others belong to it. An absence that reaches the
last day of the file goes on; the next file makes it longer, as its next version.
"""

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


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark.

    Attributes:
        place: its row.
        child: whose.
        day: on which day.
        session: 0 in the morning, 1 in the afternoon.
        code: attendance code.
        comment: what was written beside it.
    """

    place: str
    child: Child
    day: int
    session: int
    code: str
    comment: str | None


@dataclass(slots=True)
class Stretch:
    """Marks of one pupil with one code, session after session."""

    marks: list[Mark] = field(default_factory=list)

    def takes(self, mark: Mark) -> bool:
        """Tell whether the next mark of the pupil belongs to it."""
        return self.marks[-1].code == mark.code


@dataclass(frozen=True, slots=True)
class AttendanceCsv:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "education"

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
        pupils: dict[str, list[Mark]] = {}
        known: dict[tuple[str | None, ...], Child] = {}
        seen: dict[tuple[str, int, int], str] = {}
        last = 0
        stopped: InputRefused | None = None
        table = rows(stream.read(), COLUMNS, context.encoding)
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
                mark = _mark(row, place, known, context)
            except InputRefused as error:
                yield rejected(place, error)
                continue
            subject = mark.child.local_subject
            twin = seen.setdefault((subject, mark.day, mark.session), mark.code)
            if twin != mark.code:
                yield rejected(place, InputRefused(FIELD_CODE, "two codes for one session"))
                continue
            yield Unmapped(_left(row))
            yield from (replace(one, item=place) for one in mark.child.warnings)
            last = max(last, mark.day)
            pupils.setdefault(subject, []).append(mark)
        for marks in pupils.values():
            for stretch in _stretches(marks):
                yield from _outcomes(stretch, last, context)
        if stopped is not None:
            raise stopped


def _mark(
    row: Row, place: str, known: dict[tuple[str | None, ...], Child], context: ReadContext
) -> Mark:
    """Return a row's mark; of a pupil, all rows share what was checked once."""
    if row.values is None:
        raise InputRefused(ROW, "row")
    values = {name: clean(row.values[name], name) for name in COLUMNS}
    code = (values["CODE"] or "").upper()
    if not code:
        raise InputRefused(FIELD_MISSING, "CODE")
    if code not in codes.NO_ABSENCE and codes.fact(code) is None:
        withdrawn = code in codes.WITHDRAWN
        raise InputRefused(FIELD_CODE_WITHDRAWN if withdrawn else FIELD_CODE, "CODE")
    session = SESSIONS.get((values["SESSION"] or "").upper())
    if session is None:
        raise InputRefused(FIELD_CODE if values["SESSION"] else FIELD_MISSING, "SESSION")
    day = not_future(_day(values, "DATE"), context.at, "DATE")
    pupil = tuple(values[name] for name in PUPIL)
    if pupil not in known:
        upn, given, family, born = pupil
        said = Said(
            upn=upn,
            given=given,
            family=family,
            born=None if born is None else spreadsheet_day(born, "DOB"),
        )
        known[pupil] = check(said, place, context.at)
    comment = row.values.get(COMMENT)
    written = None if comment is None else clean(comment, COMMENT, TEXT_LIMIT)
    return Mark(place, known[pupil], day, session, code, written)


def _day(values: Mapping[str, str | None], name: str) -> int:
    value = values[name]
    if value is None:
        raise InputRefused(FIELD_MISSING, name)
    return spreadsheet_day(value, name)


def _stretches(marks: list[Mark]) -> list[Stretch]:
    """Return a pupil's marks, in order of time, as stretches of one code each."""
    found: list[Stretch] = []
    for mark in sorted(marks, key=lambda one: (one.day, one.session)):
        if not found or not found[-1].takes(mark):
            found.append(Stretch())
        found[-1].marks.append(mark)
    return found


def _outcomes(stretch: Stretch, last: int, context: ReadContext) -> Iterator[Outcome]:
    first, end = stretch.marks[0], stretch.marks[-1]
    fact = codes.fact(first.code)
    if fact is None:
        yield from (Context(one.place, PRESENT) for one in stretch.marks)
        return
    signs = first.code in codes.UNAUTHORISED | codes.UNEXPLAINED
    comments = [one.comment for one in stretch.marks if one.comment]
    saying = Saying(
        type="school-absence",
        natural_id=f"school-absence/{first.child.local_subject}/{first.day}/{first.code}",
        on=first.day,
        content={
            "absence": {
                "first_day": first.day,
                "last_day": None if end.day == last else end.day,
                "code": first.code,
                "sessions": len({(one.day, one.session) for one in stretch.marks}),
            },
            "note": "\n".join(dict.fromkeys(comments)) or None,
        },
        indicators=(Indicator("absent-from-school", first.day, "fact"),) if signs else (),
        facts=(fact,),
    )
    yield draft(first.child, saying, first.place, NAME, context)
    for one in stretch.marks[1:]:
        yield Context(one.place, PART.format(first.place))


def _left(row: Row) -> tuple[str, ...]:
    known = {*COLUMNS, COMMENT}
    extra = sum(name not in known for name in row.values or ())
    return (f"{extra} more columns",) if extra else ()


FORMAT = AttendanceCsv()
