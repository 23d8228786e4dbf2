"""Education: the common transfer file of English schools (XML) → school-absence, as history.

Read are the elements that `docs/mappings.md` names; everything else is named as not mapped. Each
`YearData` of a pupil is a record. Each `School` of the history and each `LookedAfter` is context:
whom a school has on roll is a register, and who is looked after, and since when, is for the council
to say. A transfer file goes with a pupil who moves: its records are decided and logged, and wake
nobody. The source school must be the agency that publishes: a file that a school has received is
the former school's. A pupil is read and forgotten; of her, only what each year said is kept.
Source: Department for Education, Common transfer file: specification (2017 to 2021).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, TypeAlias

from adapters.dates import in_order, iso_day, not_future
from adapters.drafting import Saying, draft
from adapters.education.years import FIRST_YEAR, LAST_YEAR, MOST_SESSIONS, persistent
from adapters.errors import (
    FIELD_MISSING,
    FIELD_NUMBER,
    FIELD_ORDER,
    FIELD_TWICE,
    OTHER_AGENCY,
    SHAPE,
    InputRefused,
)
from adapters.format import (
    Context,
    Outcome,
    Read,
    ReadContext,
    Unmapped,
    one_item,
    rejected,
    warned,
)
from adapters.identifiers import Child, Said, check
from adapters.sources.text import glance
from adapters.sources.xml import Node, stream
from broker.records.names import Kind

NAME = "education-ctf-xml"
ROOT = "CTfile"
SOURCE = "SourceSchool"

NO_SUPPORT = "n"
PROVISIONS = {
    NO_SUPPORT: "none",
    "k": "SEN support",
    "e": "education, health and care plan",
    "s": "statement",
    "a": "school action",
    "p": "school action plus",
}
"""Code set of SENprovision, in small letters; S, A and P are of before 2018."""

OUTSIDE = frozenset(
    (
        ROOT, "Header", "DocumentName", "CTFversion", "DateTime", "DocumentQualifier",
        "DataQualifier", "DataDescriptor", "SupplierID", SOURCE, "DestSchool", "LEA", "Estab",
        "URN", "SchoolName", "AcademicYear", "CTFpupilData",
    )
)  # fmt: skip
"""Elements that stand outside of pupils: they tell of the file."""

EARLY = 31
"""Days: terms of some counties begin in August."""

ROLL = "whom a school has on roll is told by itself, as involvement"
CARE = "who is looked after, and since when, is told by the council"
BARE = "a pupil without figures of attendance"
NO_SESSIONS = "a year without a session that the pupil could have come to"
REPEATS = "says what {} says"

_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?CTfile[\s>]")

Slots: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class School:
    """A school, as a header or a year names it.

    Attributes:
        number: number of the local authority and of the school in it, together.
        urn: unique reference number.
        name: its name.
    """

    number: str | None
    urn: str | None
    name: str | None

    @classmethod
    def of(cls, node: Node) -> "School":
        """Return the school that an element names.

        Raises:
            InputRefused: `field.text`, `field.twice`.
        """
        authority, number = node.text("LEA"), node.text("Estab")
        both = authority is not None and number is not None
        return cls(
            f"{authority}{number}" if both else None, node.text("URN"), node.text("SchoolName")
        )

    @property
    def key(self) -> str:
        """What tells it from others of one pupil."""
        return self.number or self.urn or self.name or "-"

    def is_of(self, context: ReadContext) -> bool:
        """Tell whether it is the agency that publishes."""
        return any(one and context.is_own(one) for one in (self.number, self.urn, self.name))


@dataclass(slots=True)
class Transfer:
    """What is gathered while the file is read.

    Attributes:
        source: the school that made the file.
        whole: the root was read to its end.
        years: by a hash of the natural id, the item that gave the record, and a hash of what it
            says.
        left: names of other elements outside of pupils.
    """

    source: School | None = None
    whole: bool = False
    years: dict[int, tuple[str, int]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    def header(self, name: str, node: Node) -> None:
        """Note what stands outside of pupils."""
        if name == SOURCE:
            self.source = School.of(node)
        elif name == ROOT:
            self.whole = True
        elif name not in OUTSIDE:
            self.left.add(name)

    def must_be_of(self, context: ReadContext) -> None:
        """Do nothing if the agency made the file.

        Raises:
            InputRefused: `field.missing`, `input.other-agency`.
        """
        if self.source is None:
            raise InputRefused(FIELD_MISSING, SOURCE)
        if not self.source.is_of(context):
            raise InputRefused(OTHER_AGENCY, SOURCE)

    def named(self, school: School) -> str | None:
        """Return a school's name; of the source, the header has it."""
        if school.name is None and self.source is not None and school.number is not None:
            return self.source.name if school.number == self.source.number else None
        return school.name


@dataclass(frozen=True, slots=True)
class Support:
    """Support for special educational needs, from a day, until a day or still."""

    first: int
    last: int | None
    plan: str

    @classmethod
    def of(cls, node: Node) -> "Support":
        """Return what an element says.

        Raises:
            InputRefused: `field.…`.
        """
        first, last = node.need_day("StartDate"), node.day("EndDate")
        in_order(first, last, "EndDate")
        plan = node.code("SENprovision", PROVISIONS)
        if plan is None:
            raise InputRefused(FIELD_MISSING, "SENprovision")
        return cls(first, last, plan)

    def in_year(self, start: int) -> bool:
        """Tell whether it was there in the school year that begins in a calendar year."""
        began, ended = _span(start)
        return self.first <= ended and (self.last is None or self.last >= began)


@dataclass(slots=True)
class Pupil:
    """A pupil while she is mapped.

    Attributes:
        child: checked.
        transfer: what is known of the file.
        context: what else is known.
        support: for special educational needs.
        left: names of what is not mapped.
    """

    child: Child
    transfer: Transfer
    context: ReadContext
    support: list[Support] = field(default_factory=list)
    left: set[str] = field(default_factory=set)


Item: TypeAlias = Callable[[str, Pupil], Iterator[Outcome]]
"""What maps an item, given its place and whose it is."""


@dataclass(frozen=True, slots=True)
class CommonTransferFile:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "education"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the root element."""
        return _ROOT.search(glance(head)) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream_: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each pupil's data hold.

        Raises:
            InputRefused: the file is not XML, or stops being it; another school made it, or it does
                not say which did before its first pupil.
        """
        transfer = Transfer()
        pupils = stream(stream_, "Pupil", context.encoding, transfer.header)
        for number, node in enumerate(pupils, 1):
            transfer.must_be_of(context)
            yield from _pupil(node, f"Pupil[{number}]", transfer, context)
        if not transfer.whole:
            raise InputRefused(SHAPE, ROOT)
        transfer.must_be_of(context)
        yield Unmapped(tuple(sorted(transfer.left)))


def _pupil(node: Node, place: str, transfer: Transfer, context: ReadContext) -> Iterator[Outcome]:
    basic, attendance = node.nodes("BasicDetails"), node.nodes("Attendance")
    histories = node.nodes("SchoolHistory")
    years = [one for group in attendance for one in group.nodes("YearData")]
    schools = [one for group in histories for one in group.nodes("School")]
    care = [one for group in (node, *basic) for one in group.nodes("LookedAfter")]
    items: dict[str, Item] = {
        **{f"{place}.YearData[{n}]": partial(_year, one) for n, one in enumerate(years, 1)},
        **{f"{place}.School[{n}]": _why(ROLL) for n, _ in enumerate(schools, 1)},
        **{f"{place}.LookedAfter[{n}]": _why(CARE) for n, _ in enumerate(care, 1)},
    } or {place: _why(BARE)}
    try:
        pupil = Pupil(_child(node, place, context), transfer, context)
    except InputRefused as error:
        # Nobody knows whom they are about: each item is told, none is lost.
        for item in items:
            yield Read(item)
            yield rejected(item, error)
        return
    yield from pupil.child.warnings
    yield from _support(node, place, pupil)
    for item, outcomes in items.items():
        yield from one_item(item, outcomes(item, pupil))
    named = (("BasicDetails", basic), ("Attendance", attendance), ("SchoolHistory", histories))
    for part, groups in named:
        pupil.left |= {f"{part}.{name}" for group in groups for name in group.left()}
    yield Unmapped(tuple(sorted({*pupil.left, *node.left()})))


def _why(what: str) -> Item:
    """Return the mapping of an item that is context."""

    def outcomes(place: str, pupil: Pupil) -> Iterator[Outcome]:  # noqa: ARG001 - as `_year`
        yield Context(place, what)

    return outcomes


def _child(node: Node, place: str, context: ReadContext) -> Child:
    said = Said(
        upn=node.text("UPN"),
        given=node.text("Forename"),
        family=node.text("Surname"),
        born=node.day("DOB"),
    )
    return check(said, place, context.at)


def _support(node: Node, place: str, pupil: Pupil) -> Iterator[Outcome]:
    """Note what support there was, and tell what is wrong in it: the figures count more."""
    for history in node.nodes("SENhistory"):
        for one in history.nodes("SEN"):
            try:
                found = Support.of(one)
            except InputRefused as error:
                yield warned(place, error.code, f"SENhistory.{error.where}")
                continue
            if found.plan != PROVISIONS[NO_SUPPORT]:
                pupil.support.append(found)
            pupil.left |= {f"SEN.{name}" for name in one.left()}
        pupil.left |= {f"SENhistory.{name}" for name in history.left()}


def _year(node: Node, place: str, pupil: Pupil) -> Iterator[Outcome]:
    start = node.number("Year", FIRST_YEAR, LAST_YEAR)
    if start is None:
        raise InputRefused(FIELD_MISSING, "Year")
    not_future(_span(start)[0] - EARLY, pupil.context.at, "Year")
    marks = node.nodes("AttendSessions")
    for holder in (node, *marks):
        _must_begin_in(start, holder.day("AttendanceStartDate"))
    possible, attendance, unauthorised = _figures(node)
    school = School.of(node)
    pupil.left |= {f"YearData.{name}" for name in node.left()}
    pupil.left |= {f"AttendSessions.{name}" for one in marks for name in one.left()}
    if possible == 0:
        yield Context(place, NO_SESSIONS)
        return
    name = pupil.transfer.named(school)
    plans = sorted({one.plan for one in pupil.support if one.in_year(start)})
    content: Slots = {
        "setting": None
        if name is None
        else {"name": name, "address": None, "postcode": None, "telephone": None},
        "plans": [{"status": "SEND", "plan": plan} for plan in plans] or None,
        "year_summary": {
            "year_start": start,
            "year_end": start + 1,
            "attendance": _rounded(attendance),
            "unauthorised_absence": _rounded(unauthorised),
            "suspensions": None,
            "exclusions": None,
            "moves": None,
            "school_average": None,
        },
    }
    natural_id = f"school-absence/{pupil.child.local_subject}/year-{start}/{school.key}"
    said = hash(repr(content))
    first, known = pupil.transfer.years.setdefault(hash(natural_id), (place, said))
    if known != said:
        raise InputRefused(FIELD_TWICE, "Year")
    if first != place:
        yield Context(place, REPEATS.format(first))
        return
    saying = Saying(
        type="school-absence",
        natural_id=natural_id,
        content=content,
        kind=Kind.HISTORY,
        facts=persistent(attendance),
    )
    yield draft(pupil.child, saying, place, NAME, pupil.context)


def _figures(node: Node) -> tuple[int, float | None, float | None]:
    """Return the sessions that were possible; attendance and unauthorised absence, per cent."""
    possible = node.number("SessionsPossible", 0, MOST_SESSIONS)
    if possible is None:
        raise InputRefused(FIELD_MISSING, "SessionsPossible")
    attended = node.number("SessionsAttended", 0, possible)
    authorised = node.number("SessionsAuthorised", 0, possible)
    unauthorised = node.number("SessionsUnauthorised", 0, possible)
    if authorised is not None and unauthorised is not None:
        attended = possible - authorised - unauthorised
        if attended < 0:
            raise InputRefused(FIELD_NUMBER, "SessionsUnauthorised")
    return possible, _per_cent(attended, possible), _per_cent(unauthorised, possible)


def _per_cent(part: int | None, whole: int) -> float | None:
    return None if part is None or whole == 0 else 100 * part / whole


def _rounded(per_cent: float | None) -> float | None:
    return None if per_cent is None else round(per_cent, 1)


def _span(start: int) -> tuple[int, int]:
    """Return first and last day of the school year that begins in a calendar year."""
    return iso_day(f"{start}-09-01", "Year"), iso_day(f"{start + 1}-08-31", "Year")


def _must_begin_in(start: int, began: int | None) -> None:
    """Refuse figures whose first day is of another year: nobody knows which year is meant."""
    first, last = _span(start)
    if began is not None and not first - EARLY <= began <= last:
        raise InputRefused(FIELD_ORDER, "AttendanceStartDate")


FORMAT = CommonTransferFile()
