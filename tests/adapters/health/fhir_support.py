"""FHIR resources that the tests of the format share, as JSON and as XML.

Children here do not exist; NHS numbers are of the test range.
"""

import json
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from adapters.reading import Reading
from tests.adapters.reading_support import NHS, Json, context, read

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
TRACE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
SNOMED = "http://snomed.info/sct"
PLAN, CARE, UNBORN = "342191000000101", "764841000000100", "818901000000100"
BASE = "https://ehr.example/fhir/R4"


def coded(code: str, system: str = SNOMED, **more: Json) -> Json:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, **more}]}


def traced(status: str) -> Json:
    """The extension that tells how far a number is traced."""
    return {"url": TRACE, "valueCodeableConcept": coded(status, f"{TRACE}England")}


def patient(**changes: Json) -> Json:
    """A patient."""
    return {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [
            {"extension": [traced("01")], "system": NHS_NUMBER, "value": NHS},
            {"type": coded("MR", "http://hl7"), "system": f"{BASE}/id", "value": "H-77"},
        ],
        "name": [{"use": "official", "family": "Marsh", "given": ["Ellie", "May"]}],
        "birthDate": "2011-09-25",
        **changes,
    }


def council(**changes: Json) -> Json:
    """The council that is responsible."""
    return {
        "resourceType": "Organization",
        "id": "o1",
        "identifier": [{"system": ODS, "value": "E999"}],
        "name": "Eastshire Council",
        "telecom": [
            {"system": "phone", "use": "work", "value": "01632 960201"},
            {"system": "email", "value": "duty@eastshire.example"},
        ],
        "contact": [
            {
                "purpose": {"text": "Emergency Duty Team phone number"},
                "telecom": [{"system": "phone", "value": "01632 960299"}],
            }
        ],
        **changes,
    }


def flag(**changes: Json) -> Json:
    """A flag that says that a child has a protection plan."""
    return {
        "resourceType": "Flag",
        "id": "f1",
        "meta": {"versionId": "3", "lastUpdated": "2026-03-01T10:00:00Z"},
        "status": "active",
        "code": coded(PLAN),
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-05"},
        "author": {"reference": "Organization/o1"},
        **changes,
    }


def team(**changes: Json) -> Json:
    """A care team as the national service gives it."""
    return {
        "resourceType": "CareTeam",
        "id": "t1",
        "category": [coded(CARE)],
        "name": "Eastshire Council",
        "subject": {"identifier": {"system": NHS_NUMBER, "value": NHS}},
        "telecom": [
            {"system": "phone", "use": "work", "value": "01632 960201"},
            {"system": "phone", "use": "mobile", "value": "01632 960299"},
        ],
        "period": {"start": "2025-09-26", "end": "2026-09-26"},
        **changes,
    }


def plan(**changes: Json) -> Json:
    """A care plan."""
    return {
        "resourceType": "CarePlan",
        "id": "c1",
        "status": "active",
        "intent": "plan",
        "category": [coded(PLAN)],
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-05"},
        "contributor": [{"reference": "Organization/o1"}],
        **changes,
    }


def encounter(**changes: Json) -> Json:
    """An attendance at an emergency department at three past two."""
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "identifier": [{"system": f"{BASE}/visit", "value": "V1"}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-03-04T02:03:00+00:00", "end": "2026-03-04T05:00:00+00:00"},
        "reasonCode": [{"text": "Fall on stairs"}],
        "hospitalization": {"dischargeDisposition": coded("home", "http://disposition")},
        "serviceProvider": {
            "identifier": {"system": ODS, "value": "EASTSHIRE-HOSPITALS"},
            "display": "Eastshire General",
        },
        "location": [{"location": {"display": "ED"}}],
        **changes,
    }


def bundle(*resources: Json, kind: str = "collection", base: str = BASE) -> Json:
    """A Bundle whose entries have full addresses."""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"fullUrl": f"{base}/{one['resourceType']}/{one.get('id')}", "resource": one}
            for one in resources
        ],
    }


def as_xml(resource: Json) -> str:
    """A resource as FHIR's XML, each value an attribute."""
    type_ = resource["resourceType"]
    return f'<{type_} xmlns="http://hl7.org/fhir">{_members(resource)}</{type_}>'


def _members(members: Mapping[str, Json]) -> str:
    found = ""
    for name, value in members.items():
        if name in ("resourceType", "url") or name.startswith("_") or value is None:
            continue
        for one in value if isinstance(value, list) else [value]:
            found += _element(name, one, members.get(f"_{name}"))
    return found


def _element(name: str, value: Json, more: Json) -> str:
    if isinstance(value, dict):
        url = f" url={quoteattr(value['url'])}" if "url" in value and name == "extension" else ""
        if "resourceType" in value:
            return f"<{name}>{as_xml(value)}</{name}>"
        if name != "extension" and "url" in value:
            inner = f"<url value={quoteattr(value['url'])}/>{_members(value)}"
            return f"<{name}>{inner}</{name}>"
        return f"<{name}{url}>{_members(value)}</{name}>"
    said = str(value).lower() if isinstance(value, bool) else str(value)
    inner = "" if more is None else _members(more)
    return f"<{name} value={quoteattr(said)}>{inner}</{name}>"


def fhir(resource: Json, *, xml: bool = False, **changes: Json) -> Reading:
    """Read a resource as the hospital's."""
    data = as_xml(resource) if xml else json.dumps(resource)
    return read(data, "health-fhir", context("health", **changes))


def warnings(reading: Reading) -> list[tuple[str, str]]:
    """Code and place of each warning."""
    return [(one.code, one.field) for one in reading.accounting.warnings]
