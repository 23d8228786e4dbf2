"""Education: `EducationDetailsRecordV1` → school-absence.

Each year's figures are one record; each stretch of absence, which the pilot does not have and our
schools' exports add, is one too.
"""

from collections.abc import Iterator
from functools import partial

from adapters.dates import in_order, not_future
from adapters.drafting import Saying
from adapters.education import codes
from adapters.education.years import FIRST_YEAR, LAST_YEAR, MOST_SESSIONS, persistent
from adapters.errors import (
    FIELD_CODE,
    FIELD_CODE_WITHDRAWN,
    FIELD_MISSING,
    FIELD_ORDER,
    InputRefused,
)
from adapters.format import Context, Draft
from adapters.sources.elements import Element
from adapters.sui import Part, Subject, SuiFormat, address_of
from broker.records.statement import Indicator

YEARS = "yearlyEducationAttendances"
ABSENCES = "absences"
PLANS = "educationActiveStatusesAndPlans"

MOST_TIMES = 200


def parts(subject: Subject) -> Iterator[Part]:
    """Yield each year and each absence.

    Raises:
        InputRefused: the setting or the plans are not what they should be.
    """
    setting = _setting(subject)
    plans = subject.plans(PLANS)
    about: dict[str, object] = {"setting": setting, "plans": plans}
    for place, value in subject.list_of(YEARS):
        yield Part(place, partial(_year, subject, place, value, about))
    for place, value in subject.list_of(ABSENCES):
        yield Part(place, partial(_absence, subject, place, value, about))


def _setting(subject: Subject) -> dict[str, object] | None:
    record = subject.record
    raw = record.raw("educationSettingAddress")
    inside = None if raw is None else subject.inside(raw, "educationSettingAddress")
    address, postcode = address_of(inside)
    value: dict[str, object] = {
        "name": record.text("educationSettingName"),
        "address": address,
        "postcode": postcode,
        "telephone": record.text("educationSettingTelephone"),
    }
    return value if any(value.values()) else None


def _year(subject: Subject, place: str, value: object, about: dict[str, object]) -> Draft:
    element = subject.inside(value, f"{YEARS}[]")
    start = _need_year(element, "academicTermYearStart")
    end = _need_year(element, "academicTermYearEnd")
    if end not in (start, start + 1):
        raise InputRefused(FIELD_ORDER, "academicTermYearEnd")
    attendance = element.decimal("attendancePercentage", 0, 100)
    summary = {
        "year_start": start,
        "year_end": end,
        "attendance": attendance,
        "unauthorised_absence": element.decimal("unauthorisedAbsencePercentage", 0, 100),
        "suspensions": element.number("suspensions", 0, MOST_TIMES),
        "exclusions": element.number("exclusions", 0, MOST_TIMES),
        "moves": element.number("schoolMovesNonTransitional", 0, MOST_TIMES),
        "school_average": element.decimal("schoolsAverageAttendance", 0, 100),
    }
    return subject.draft(
        Saying(
            type="school-absence",
            natural_id=subject.natural_id(element, f"school-absence/year-{start}", value),
            content={**about, "year_summary": summary},
            facts=persistent(attendance),
        ),
        place,
    )


def _absence(
    subject: Subject, place: str, value: object, about: dict[str, object]
) -> Draft | Context:
    element = subject.inside(value, f"{ABSENCES}[]")
    code = (element.text("code") or "").upper()
    if not code:
        raise InputRefused(FIELD_MISSING, "code")
    if code in codes.NO_ABSENCE:
        return Context(place, "the code says that the child was no absentee")
    fact = codes.fact(code)
    if fact is None:
        withdrawn = code in codes.WITHDRAWN
        raise InputRefused(FIELD_CODE_WITHDRAWN if withdrawn else FIELD_CODE, "code")
    first = not_future(element.need_day("firstDay"), subject.context.at, "firstDay")
    last = element.day("lastDay")
    in_order(first, last, "lastDay")
    signs = code in codes.UNAUTHORISED | codes.UNEXPLAINED
    return subject.draft(
        Saying(
            type="school-absence",
            natural_id=subject.natural_id(element, f"school-absence/{first}", value),
            on=first,
            content={
                **about,
                "absence": {
                    "first_day": first,
                    "last_day": last,
                    "code": code,
                    "sessions": element.number("sessions", 1, MOST_SESSIONS),
                },
                "note": element.narrative("note"),
            },
            indicators=(Indicator("absent-from-school", first, "fact"),) if signs else (),
            facts=(fact,),
            third_party_checked=element.flag("thirdPartyChecked"),
        ),
        place,
    )


def _need_year(element: Element, name: str) -> int:
    year = element.number(name, FIRST_YEAR, LAST_YEAR)
    if year is None:
        raise InputRefused(FIELD_MISSING, name)
    return year


FORMAT = SuiFormat(
    "education-sui-json",
    "education",
    "EducationDetailsRecordV1",
    frozenset({YEARS, ABSENCES, PLANS, "educationSettingName"}),
    parts,
)
