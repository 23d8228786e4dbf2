"""Police: 3x5x2 intelligence reports → person-, place- and group-of-concern.

`docs/mappings.md` has the shape. Source evaluation 1 to 3, assessment A to E and handling code P or
C are those of the College of Policing's Authorised Professional Practice on intelligence reports.
A report without all three is no graded intelligence and is refused; one under code C is refused
without its conditions, which stay in the force: the label says C, and its source is asked.
"""

from collections.abc import Iterator, Mapping

from adapters.any_agency.filled import NOBODY, need, same
from adapters.any_agency.intelligence import (
    ABOUT,
    GROUPS,
    INTELLIGENCE,
    MOST_MEMBERS,
    PLACES,
    SOURCES,
    STATUSES,
)
from adapters.dates import not_future
from adapters.drafting import Saying, draft
from adapters.errors import FIELD_CODE, FIELD_MISSING, InputRefused
from adapters.format import Outcome
from adapters.identifiers import Child, check
from adapters.police.reports import Report, ReportFormat
from adapters.sources.elements import Element
from adapters.sui import identity

SUBJECTS = ("person", "place", "group")
HANDLING = same("P", "C")


def report(said: Report) -> Iterator[Outcome]:
    """Map one report: one record for each subject that it has, at most one of each kind.

    Raises:
        InputRefused: `field.…`, `identity.…`.
    """
    element = said.element
    reference = said.need_reference()
    on = not_future(element.need_day("date"), said.context.at, "date")
    grading = _grading(said)
    about = need(element.code("about", ABOUT), "about")
    information = need(element.narrative("information"), "information")
    checked = element.flag("thirdPartyChecked")
    found = False
    for subject in SUBJECTS:
        one = said.inside(subject)
        if one is None:
            continue
        found = True
        child = _whom(one, subject, said)
        yield from child.warnings
        more, facts, protections = _more(one, subject)
        yield draft(
            child,
            Saying(
                type=f"{subject}-of-concern",
                natural_id=f"{subject}-of-concern/{reference}",
                on=on,
                content={
                    "concern": {"on": on, "about": about, **more},
                    "grading": grading,
                    "information": information,
                    "place": _place(one) if subject == "place" else None,
                },
                facts=facts,
                protections=protections,
                handling=grading["handling"],
                third_party_checked=checked,
                subject=subject,
            ),
            said.place,
            said.system,
            said.context,
        )
    if not found:
        raise InputRefused(FIELD_MISSING, ", ".join(SUBJECTS))


def _grading(said: Report) -> dict[str, str]:
    """Return the three grades.

    Raises:
        InputRefused: `field.missing`, `field.code`; conditions beside P, or none beside C.
    """
    grading = said.inside("grading")
    if grading is None:
        raise InputRefused(FIELD_MISSING, "grading")
    found = {
        "source": need(grading.code("source", SOURCES), "grading.source"),
        "intelligence": need(grading.code("intelligence", INTELLIGENCE), "grading.intelligence"),
        "handling": need(grading.code("handling", HANDLING), "grading.handling"),
    }
    conditions = grading.narrative("conditions")
    if found["handling"] == "C" and conditions is None:
        raise InputRefused(FIELD_MISSING, "grading.conditions")
    if found["handling"] == "P" and conditions is not None:
        raise InputRefused(FIELD_CODE, "grading.handling")
    return found


def _whom(one: Element, subject: str, said: Report) -> Child:
    """Return whom a record is about; a person who is not identified is nobody."""
    told = identity(one) if subject == "person" else None
    if told is None or (told.nhs_number or told.family or told.own_id) is None:
        return NOBODY
    return check(told, said.place, said.context.at)


def _more(
    one: Element, subject: str
) -> tuple[Mapping[str, object], tuple[str, ...], tuple[str, ...]]:
    """Return what is said of a subject of a kind, its facts and its protections."""
    if subject == "person":
        status = one.code("status", STATUSES) or "not-known"
        more = {"dual_status": status, "referred": one.flag("referred")}
        if status == "child-with-own-needs":
            return more, ("peer:child",), ("suspected-child",)
        return more, (), ()
    if subject == "place":
        return {"kind": need(one.code("kind", PLACES), "place.kind")}, (), ()
    kind = need(one.code("kind", GROUPS), "group.kind")
    return {"kind": kind, "size": one.number("size", 1, MOST_MEMBERS)}, (), ()


def _place(one: Element) -> dict[str, object] | None:
    value: dict[str, object] = {part: one.text(part) for part in ("name", "address", "postcode")}
    return value if any(part is not None for part in value.values()) else None


FORMAT = ReportFormat("police-intelligence-json", "intelligenceReports", report)
