"""FHIR Encounter of class EMER → emergency-attendance (UK Core, R4B)."""

from collections.abc import Iterator, Mapping

from adapters.dates import in_order, not_future
from adapters.drafting import Saying
from adapters.errors import FIELD_CODE, FIELD_MISSING, OTHER_AGENCY, InputRefused
from adapters.format import Context, Outcome, warned
from adapters.health.attendance import facts
from adapters.health.errors import FHIR_STATUS
from adapters.health.fhir_item import Item, codes_of
from adapters.health.fhir_people import Office
from adapters.health.fhir_tree import Branch
from adapters.health.protected import protections
from adapters.sources.text import TEXT_LIMIT

EMERGENCY = "EMER"
"""Code of `class` (HL7 v3 ActCode)."""

TOOK_PLACE = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
DID_NOT = frozenset({"planned", "cancelled", "unknown"})
NOT_HERE = frozenset({"planned", "reserved"})
"""Status of a location in which the patient has not been."""

DISPOSITIONS: Mapping[str, str] = {
    "home": "discharged",
    "alt-home": "discharged",
    "other-hcf": "transferred",
    "hosp": "transferred",
    "long": "transferred",
    "psy": "transferred",
    "rehab": "transferred",
    "snf": "transferred",
    "aadvice": "left-against-advice",
    "exp": "died",
    "oth": "other",
}
"""`hospitalization.dischargeDisposition`, HL7's code system discharge-disposition."""

TRUST_CODE = 3
"""Characters of a trust's ODS code; those of its sites begin with it."""


def attendance(item: Item) -> Iterator[Outcome]:
    """Map one encounter.

    Raises:
        InputRefused: a part is missing or wrong.
    """
    resource, place = item.resource, item.place
    status, kind = resource.text("status"), resource.one("class")
    if status not in TOOK_PLACE | DID_NOT:
        raise InputRefused(FHIR_STATUS, resource.place("status"))
    if kind is not None:
        kind.raw("system")
        kind.raw("display")
    if kind is None or kind.text("code") != EMERGENCY:
        yield Context(place, "an encounter that is no emergency")
        return
    if status in DID_NOT:
        yield Context(place, "an encounter that did not take place, or is not known to have")
        return
    provider = item.office(resource.one("serviceProvider"))
    _must_be_own(item, provider)
    found = item.whose()
    if found is None:
        yield Context(place, "about something else than a patient")
        return
    yield from found.child.warnings
    period = resource.one("period")
    began = None if period is None else period.moment("start")
    if period is None or began is None:
        raise InputRefused(FIELD_MISSING, "Encounter.period.start")
    arrival, arrival_at = began
    not_future(arrival, item.context.at, "Encounter.period.start")
    in_order(arrival, period.day("end"), "Encounter.period.end")
    said, disposition = _disposition(resource)
    if said and disposition is None:
        yield warned(place, FIELD_CODE, "Encounter.hospitalization.dischargeDisposition")
    reason, department = _words(resource.many("reasonCode")), _department(item)
    services = [] if (service := resource.one("serviceType")) is None else [service]
    codes = tuple(code for one in services for _, code in codes_of(one))
    site = {"organisation": None if provider is None else provider.name, "department": department}
    reveals = any(site.values()) and not found.restricted
    yield item.draft(
        found,
        Saying(
            type="emergency-attendance",
            natural_id=item.natural_id("emergency-attendance", found, str(arrival_at or arrival)),
            on=arrival,
            content={
                "attendance": {
                    "arrival": arrival,
                    "arrival_at": arrival_at,
                    "mode": None,
                    "disposition": disposition,
                },
                "reason": reason,
                "site": site if reveals else None,
            },
            facts=facts(arrival_at, disposition),
            protections=protections(reason, department, _words(services), services=codes),
            urgent=True,
        ),
    )


def _must_be_own(item: Item, provider: Office | None) -> None:
    """Refuse an encounter that says it was somewhere else."""
    code = None if provider is None else provider.code
    own = item.context.is_own
    if code is not None and not own(code) and not own(code[:TRUST_CODE]):
        raise InputRefused(OTHER_AGENCY, "Encounter.serviceProvider")


def _disposition(resource: Branch) -> tuple[bool, str | None]:
    """Return whether a disposition is said, and which it is, if we know it."""
    stay = resource.one("hospitalization")
    concept = None if stay is None else stay.one("dischargeDisposition")
    if concept is None:
        return False, None
    known = [DISPOSITIONS[code] for _, code in codes_of(concept) if code in DISPOSITIONS]
    return True, known[0] if known else None


def _words(concepts: list[Branch]) -> str | None:
    """Return what concepts say in words: their own text, else that of their first coding."""
    found = []
    for one in concepts:
        codings = [coding.text("display", TEXT_LIMIT) for coding in one.many("coding")]
        said = one.text("text", TEXT_LIMIT) or next((word for word in codings if word), None)
        found += [] if said is None else [said]
    return "; ".join(found)[:TEXT_LIMIT] or None


def _department(item: Item) -> str | None:
    for one in item.resource.many("location"):
        reference = one.one("location")
        if one.text("status") in NOT_HERE or reference is None:
            continue
        resource = item.find(reference)
        name = None if resource is None else resource.text("name")
        said = name or reference.text("display")
        if said is not None:
            return said
    return None
