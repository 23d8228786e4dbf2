"""Health: `HealthDataRecordV1` → emergency-attendance, one for each attendance.

The practice, its doctor, appointments and plans are not mapped: no record type of this release
carries them, and each is named as left over.
"""

from collections.abc import Iterator
from functools import partial

from adapters.dates import day_of, not_future
from adapters.drafting import Saying, role_of
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.format import Draft
from adapters.health.attendance import facts
from adapters.health.protected import protections
from adapters.sources.elements import Element
from adapters.sui import Part, Subject, SuiFormat

ATTENDANCES = "emergencyDepartmentAttendances"

MODES = {
    "ambulance": "ambulance",
    "car": "car",
    "on foot": "on-foot",
    "helicopter": "helicopter",
    "public transport": "public-transport",
    "police": "police",
    "other": "other",
    "unknown": "unknown",
}
DISPOSITIONS = {
    "discharged": "discharged",
    "admitted": "admitted",
    "transferred": "transferred",
    "left before treatment": "left-before-treatment",
    "left against advice": "left-against-advice",
    "died": "died",
    "other": "other",
}


def parts(subject: Subject) -> Iterator[Part]:
    """Yield each attendance.

    Raises:
        InputRefused: the list is no list.
    """
    for place, value in subject.list_of(ATTENDANCES):
        yield Part(place, partial(_attendance, subject, place, value))


def _attendance(subject: Subject, place: str, value: object) -> Draft:
    element = subject.inside(value, f"{ATTENDANCES}[]")
    arrival_at = element.instant("arrivedAt")
    day = element.day("date")
    arrival = day_of(arrival_at) if day is None and arrival_at is not None else day
    if arrival is None:
        raise InputRefused(FIELD_MISSING, "date")
    not_future(arrival, subject.context.at, "date")
    disposition = element.code("disposition", DISPOSITIONS)
    reason = element.narrative("reason")
    companion = _companion(subject, element)
    department = element.text("department")
    site = {"organisation": element.text("organisation"), "department": department}
    return subject.draft(
        Saying(
            type="emergency-attendance",
            natural_id=subject.natural_id(element, f"emergency-attendance/{arrival}", value),
            on=arrival,
            content={
                "attendance": {
                    "arrival": arrival,
                    "arrival_at": arrival_at,
                    "mode": element.code("mode", MODES),
                    "disposition": disposition,
                },
                "reason": reason,
                "site": site if any(site.values()) else None,
                "accompanied_by": companion,
            },
            facts=facts(arrival_at, disposition),
            roles=role_of(companion["relationship"]) if companion else (),
            protections=protections(reason, department),
            third_party_checked=element.flag("thirdPartyChecked"),
        ),
        place,
    )


def _companion(subject: Subject, element: Element) -> dict[str, str | None] | None:
    value = element.raw("accompaniedBy")
    if value is None:
        return None
    companion = subject.inside(value, "accompaniedBy")
    return {"relationship": companion.text("relationship"), "name": companion.text("name")}


FORMAT = SuiFormat(
    "health-sui-json",
    "health",
    "HealthDataRecordV1",
    frozenset({ATTENDANCES, "missedAppointments", "healthActiveStatusesAndPlans"}),
    parts,
)
