"""Council: the children in need census (XML) → referral, assessment, protection-plan, as history.

Items are what gives a record: each `CINdetails` (a referral), each `Assessments` and each
`ChildProtectionPlans` in it. The census is an annual return: its records are decided and logged,
and wake nobody. A child is read and forgotten, so that memory does not grow with the file.
Source: Department for Education, Children in need census: guide and XML schema (2024 to 2025).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from adapters.dates import in_order, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import DISAGREES, FIELD_CODE, FIELD_MISSING, FIELD_TWICE, InputRefused
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
from broker.records.statement import Indicator

NAME = "social-care-cin-census"

SOURCES = {
    **dict.fromkeys(("1a", "1b", "1c", "1d"), "individual"),
    **dict.fromkeys(("2a", "2b"), "school"),
    **dict.fromkeys(("3a", "3b", "3c", "3d", "3f"), "health"),
    "3e": "emergency-department",
    "4": "housing",
    **dict.fromkeys(("5a", "5b", "5c", "5d"), "council"),
    "6": "police",
    "7": "court",
    "8": "other",
    "9": "anonymous",
    "10": "other",
}
"""Code set of ReferralSource, in small letters; 7 is other legal agency, 10 unknown."""

NEEDS = {f"n{number}": f"N{number}" for number in range(10)}
CATEGORIES = {code.casefold(): code for code in ("NEG", "PHY", "SAB", "EMO", "MUL")}

FACTORS = frozenset(
    (
        "1A", "1B", "1C", "2A", "2B", "2C", "3A", "3B", "3C", "4A", "4B", "4C", "5A", "5B",
        "5C", "6A", "6B", "6C", "7A", "8B", "8C", "8D", "8E", "8F", "9A", "10A", "11A", "12A",
        "13A", "14A", "15A", "16A", "17A", "18B", "18C", "19B", "19C", "20", "21", "22A", "23A",
        "24A", "25A",
    )
)  # fmt: skip
"""Code set of AssessmentFactors. 19B is abuse by a child, 19C by an adult: they are never one."""

SIGNS = {
    "10A": "missing",
    "11A": "risk-of-sexual-exploitation",
    "12A": "risk-of-modern-slavery",
    "13A": "risk-of-gang-or-youth-violence",
    "15A": "self-harm",
    "24A": "risk-of-criminal-exploitation",
}
"""Factors that are signs or risks of the head schema's list. An assessment is an opinion."""

EXPLOITATION = frozenset({"11A", "12A", "13A", "24A"})

UNBORN_SEX = "9"

OUTSIDE = frozenset(
    (
        "Message", "Header", "CollectionDetails", "Collection", "Year", "ReferenceDate", "Source",
        "SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime", "Children",
    )
)  # fmt: skip
"""Elements that stand outside of children: they tell of the file."""

_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?Message[\s>]")


@dataclass(slots=True)
class Return:
    """What is gathered while the file is read.

    Attributes:
        naming: natural ids of this file.
        year, reference: what the header says, as written.
        children: hashes of identifiers of children seen; a second one of a name is told.
        left: names of other elements outside of children.
    """

    naming: Naming = field(default_factory=Naming)
    year: str | None = None
    reference: str | None = None
    children: set[int] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def header(self, name: str, node: Node) -> None:
        """Note what the header says about the collection, and what stands there besides."""
        if name == "CollectionDetails":
            self.year, self.reference = node.text("Year"), node.text("ReferenceDate")
        elif name not in OUTSIDE:
            self.left.add(name)

    @property
    def agrees(self) -> bool:
        """Whether year and reference date are of one year, as far as both are there."""
        if self.year is None or self.reference is None:
            return True
        return self.reference.startswith(self.year)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose items are mapped, and where they are.

    Attributes:
        child: checked.
        subject: child or unborn.
        gathered: what is known of the file.
        context: what else is known.
    """

    child: Child
    subject: str
    gathered: Return
    context: ReadContext

    def saying(self, saying: Saying, place: str) -> Iterator[Outcome]:
        """Yield the draft of what was found."""
        kept = replace(saying, kind=Kind.HISTORY, subject=self.subject)
        yield draft(self.child, kept, place, NAME, self.context)

    def natural_id(self, record_type: str, on: int, values: object) -> str:
        """Return an id made of child and day: the census has none of its own."""
        key = f"{record_type}/{self.child.local_subject}/{on}"
        return self.gathered.naming.name(key, values)


@dataclass(frozen=True, slots=True)
class Census:
    """The census file; a `Format`."""

    name: str = NAME
    agency_type: str | None = "social-care"
    streams: bool = True

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the root element and the collection's name."""
        text = glance(head)
        collection = re.search(r"<(?:[\w.-]+:)?Collection>\s*CIN\s*<", text)
        return _ROOT.search(text) is not None and collection is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream_: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each child's details hold.

        Raises:
            InputRefused: the file is not XML, or stops being it.
        """
        gathered = Return()
        number = 0
        for number, node in enumerate(
            stream(stream_, "Child", context.encoding, gathered.header), 1
        ):
            yield from _child(node, f"Child[{number}]", gathered, context)
        if not gathered.agrees:
            yield warned("Header", DISAGREES, "Year and ReferenceDate")
        yield Unmapped(tuple(sorted(gathered.left)))


def _child(node: Node, place: str, gathered: Return, context: ReadContext) -> Iterator[Outcome]:
    details = node.nodes("CINdetails")
    left: set[str] = set()
    try:
        whose, names = _whose(node, place, gathered, context)
    except InputRefused as error:
        # Nobody knows whom they are about: each of its details is told, none is lost.
        for item in [f"{place}.CINdetails[{n}]" for n in range(1, len(details) + 1)] or [place]:
            yield Read(item)
            yield rejected(item, error)
        return
    left |= names
    yield from whose.child.warnings
    if not details:
        yield from one_item(place, (Context(place, "a child without details of a referral"),))
    for number, one in enumerate(details, 1):
        yield from _details(one, f"{place}.CINdetails[{number}]", whose, left)
    yield Unmapped(tuple(sorted({*left, *node.left()})))


def _whose(
    node: Node, place: str, gathered: Return, context: ReadContext
) -> tuple[Whose, set[str]]:
    ids = node.node("ChildIdentifiers")
    if ids is None:
        raise InputRefused(FIELD_MISSING, "ChildIdentifiers")
    council_id, upn = ids.text("LAchildID"), ids.text("UPN")
    born, expected = ids.day("PersonBirthDate"), ids.day("ExpectedPersonBirthDate")
    sexes = [ids.text(name) for name in ("Sex", "GenderCurrent")]
    unborn = born is None and (expected is not None or UNBORN_SEX in sexes)
    child = check(Said(upn=upn, council_id=council_id, born=born), place, context.at)
    if council_id is not None and hash(council_id) in gathered.children:
        child = replace(child, warnings=(*child.warnings, warned(place, FIELD_TWICE, "LAchildID")))
    gathered.children.add(hash(council_id))
    whose = Whose(child, "unborn" if unborn else "child", gathered, context)
    return whose, {f"ChildIdentifiers.{name}" for name in ids.left()}


def _details(node: Node, place: str, whose: Whose, left: set[str]) -> Iterator[Outcome]:
    assessments, plans = node.nodes("Assessments"), node.nodes("ChildProtectionPlans")
    yield from one_item(place, _referral(node, place, whose, left, plans))
    for number, one in enumerate(assessments, 1):
        item = f"{place}.Assessments[{number}]"
        yield from one_item(item, _assessment(one, item, whose, left))
    for number, one in enumerate(plans, 1):
        item = f"{place}.ChildProtectionPlans[{number}]"
        yield from one_item(item, _plan(one, item, whose, left))


def _referral(
    node: Node, place: str, whose: Whose, left: set[str], plans: list[Node]
) -> Iterator[Outcome]:
    on = not_future(node.need_day("CINreferralDate"), whose.context.at, "CINreferralDate")
    source, need = node.code("ReferralSource", SOURCES), node.code("PrimaryNeedCode", NEEDS)
    closed, reason = node.day("CINclosureDate"), node.text("ReasonForClosure")
    in_order(on, closed, "CINclosureDate")
    nothing_further = node.flag("ReferralNFA")
    enquiries, need_plans = node.nodes("Section47"), node.nodes("CINPlanDates")
    for one in enquiries:
        one.day("S47ActualStartDate")
    standing = []
    if nothing_further:
        standing.append({"status": "no further action", "plan": None})
    if closed is not None:
        standing.append(
            {"status": "closed" if reason is None else f"closed {reason}", "plan": None}
        )
    standing += [
        {"status": "open", "plan": "child in need plan"} for one in need_plans if _open(one)
    ]
    facts = [
        *(("referral:section-47",) if enquiries else ()),
        *(("referral:child-in-need",) if any(map(_open, need_plans)) else ()),
        *(("referral:protection-plan",) if any(map(_current, plans)) else ()),
    ]
    values = (on, source, need, closed, reason)
    yield from whose.saying(
        Saying(
            type="referral",
            natural_id=whose.natural_id("referral", on, values),
            on=on,
            content={
                "referral": {"on": on, "kind": "social-care", "source": source},
                "needs": None if need is None else [need],
                "plan": standing or None,
            },
            facts=tuple(facts),
        ),
        place,
    )
    left |= {f"CINdetails.{name}" for name in node.left()}
    left |= {f"Section47.{name}" for one in enquiries for name in one.left()}


def _open(plan: Node) -> bool:
    plan.text("CINPlanStartDate")
    return plan.text("CINPlanEndDate") is None


def _current(plan: Node) -> bool:
    return plan.text("CPPendDate") is None


def _assessment(node: Node, place: str, whose: Whose, left: set[str]) -> Iterator[Outcome]:
    at = whose.context.at
    started = not_future(
        node.need_day("AssessmentActualStartDate"), at, "AssessmentActualStartDate"
    )
    completed = node.day("AssessmentAuthorisationDate")
    in_order(started, completed, "AssessmentAuthorisationDate")
    found = node.node("FactorsIdentifiedAtAssessment")
    said = [] if found is None else [one.upper() for one in found.texts("AssessmentFactors")]
    factors = sorted({one for one in said if one in FACTORS})
    if set(said) - FACTORS:
        yield warned(place, FIELD_CODE, "AssessmentFactors")
    yield from whose.saying(
        Saying(
            type="assessment",
            natural_id=whose.natural_id("assessment", started, (completed, factors)),
            on=started,
            content={
                "assessment": {
                    "started": started,
                    "completed": completed,
                    "kind": "single",
                    "outcome": None,
                },
                "factors": factors or None,
            },
            indicators=tuple(
                Indicator(SIGNS[one], started, "opinion") for one in factors if one in SIGNS
            ),
            facts=("assessment:exploitation",) if EXPLOITATION & set(factors) else (),
        ),
        place,
    )
    left |= {f"Assessments.{name}" for name in node.left()}


def _plan(node: Node, place: str, whose: Whose, left: set[str]) -> Iterator[Outcome]:
    start = not_future(node.need_day("CPPstartDate"), whose.context.at, "CPPstartDate")
    end = node.day("CPPendDate")
    in_order(start, end, "CPPendDate")
    first = node.code("InitialCategoryOfAbuse", CATEGORIES)
    category = node.code("LatestCategoryOfAbuse", CATEGORIES) or first
    if category is None:
        raise InputRefused(FIELD_MISSING, "LatestCategoryOfAbuse")
    yield from whose.saying(
        Saying(
            type="protection-plan",
            natural_id=whose.natural_id("protection-plan", start, (end, category)),
            on=start,
            content={
                "plan": {
                    "from": start,
                    "until": end,
                    "category": category,
                    "first_category": first,
                    "conference_on": None,
                    "review_by": None,
                }
            },
        ),
        place,
    )
    left |= {f"ChildProtectionPlans.{name}" for name in node.left()}


FORMAT = Census()
