"""Made-up JSON: exports of the pilot's four systems, police reports, forms, FHIR in both forms.

These are parsed whole, and one list has 10,000 entries at most: so large are their largest files.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from adapters.sources.elements import ITEMS_LIMIT
from benchmarks.adapters import made_up
from benchmarks.adapters.shapes import Shape, Unit

Json: TypeAlias = dict[str, Any]

PER_CHILD = 10
"""Entries of a child's list: of her missing episodes, attendances, absences, referrals."""

RISKS = ("low", "medium", "high")
ENTRIES_A_PATIENT = 3
XML_FROM = 100_000_000
"""Number of the first patient of a bundle in XML, so that it tells of others than one in JSON."""

FHIR_NAMESPACE = "http://hl7.org/fhir"


def _child(number: int) -> Json:
    return {
        "ownId": f"L-{number}",
        "nhsNumber": made_up.nhs(number),
        "firstName": made_up.given(number),
        "lastName": made_up.family(number),
        "dateOfBirth": made_up.born(number).isoformat(),
    }


def _episode(place: str, random: Random) -> Json:
    start = made_up.moment(random)
    return {
        "reference": f"EP-{place}",
        "startedAt": start.isoformat(),
        "returned": True,
        "returnedAt": start.replace(minute=59).isoformat(),
        "risk": random.choice(RISKS),
        "lastSeenPlace": "Town centre",
        "lastSeenPostcode": "ZZ1 1TC",
        "circumstances": "Did not come home after school.",
    }


def _attendance(place: str, random: Random) -> Json:
    at = made_up.moment(random)
    return {
        "reference": f"V-{place}",
        "arrivedAt": at.isoformat(),
        "reason": "Fall on stairs",
        "mode": "Ambulance",
        "disposition": "Discharged",
        "organisation": "Eastshire General",
        "department": "ED",
    }


def _absence(place: str, random: Random) -> Json:
    on = made_up.moment(random).date().isoformat()
    return {
        "reference": f"AB-{place}",
        "firstDay": on,
        "lastDay": on,
        "code": random.choice("OUNIM"),
        "sessions": 2,
    }


def _referral(place: str, random: Random) -> Json:
    return {
        "reference": f"R-{place}",
        "date": made_up.moment(random).date().isoformat(),
        "type": random.choice(("Early Help", "Social Care")),
        "source": "School",
        "needs": ["N1"],
        "narrative": "Asked for help with mornings and with meals.",
    }


def _export(
    system: str, agency_type: str, member: str, about: Json, entry: Callable[[str, Random], Json]
) -> Shape:
    """Return the shape of an export of the pilot: many children, each with a list."""

    def unit(number: int, random: Random) -> str:
        entries = [entry(f"{number}-{turn}", random) for turn in range(PER_CHILD)]
        return json.dumps({**_child(number), "record": {**about, member: entries}})

    made: Unit = unit
    return Shape(
        f"{system}-sui-json",
        agency_type,
        f"{system}.json",
        made,
        "json",
        head='{"children": [\n',
        between=",\n",
        foot="\n]}\n",
        gives=PER_CHILD,
        most=ITEMS_LIMIT,
    )


def _missing_report(number: int, random: Random) -> str:
    start = made_up.moment(random)
    return json.dumps(
        {
            "reference": f"MP-{number}",
            "missingSince": start.isoformat(),
            "returnedAt": start.replace(minute=59).isoformat(),
            "grading": random.choice(("High", "Medium", "Low")),
            "person": _child(number),
            "lastSeen": {"place": "Bus station", "postcode": "ZZ1 2BS"},
            "circumstances": "Left after a call.",
            "returnInterview": {"offered": True},
        }
    )


def _intelligence_report(number: int, random: Random) -> str:
    return json.dumps(
        {
            "reference": f"IR-{number}",
            "date": made_up.moment(random).date().isoformat(),
            "about": "sexual-exploitation",
            "information": "Girls are seen getting into a grey van.",
            "grading": {
                "source": random.choice("123"),
                "intelligence": random.choice("ABCDE"),
                "handling": "P",
            },
            "place": {"kind": "hotel", "name": "Quay Hotel", "postcode": "ZZ1 1QH"},
        }
    )


def _form(number: int, random: Random) -> str:
    day = made_up.moment(random).date().isoformat()
    return json.dumps(
        {
            "form": "concern",
            "child": _child(number),
            "reference": f"C-{number}",
            "on": day,
            "urgency": "routine",
            "account": "Fell asleep in class again, and says that nights are loud.",
            "shareableSummary": "Tired in class, for the third time this week.",
            "summaryShareable": True,
            "thirdPartyChecked": True,
            "indicators": [{"code": "self-harm", "on": day, "basis": "fact"}],
            "decidedBy": "Safeguarding lead",
        }
    )


def _resources(number: int, random: Random) -> list[Json]:
    """Return a patient, a flag for a protection plan, and an attendance."""
    at = made_up.moment(random)
    subject = {"reference": f"Patient/p{number}"}
    plan = {"system": "http://snomed.info/sct", "code": "342191000000101"}
    return [
        {
            "resourceType": "Patient",
            "id": f"p{number}",
            "identifier": [
                {
                    "system": "https://fhir.nhs.uk/Id/nhs-number",
                    "value": made_up.nhs(number),
                }
            ],
            "name": [{"family": made_up.family(number), "given": [made_up.given(number)]}],
            "birthDate": made_up.born(number).isoformat(),
        },
        {
            "resourceType": "Flag",
            "id": f"f{number}",
            "status": "active",
            "code": {"coding": [plan]},
            "subject": subject,
            "period": {"start": "2025-09-01"},
            "author": {"display": "Eastshire Council"},
        },
        {
            "resourceType": "Encounter",
            "id": f"e{number}",
            "status": "finished",
            "class": {"code": "EMER"},
            "subject": subject,
            "period": {"start": at.isoformat(timespec="seconds")},
            "reasonCode": [{"text": "Fall on stairs"}],
            "location": [{"location": {"display": "ED"}}],
        },
    ]


def _url(one: Json) -> str:
    return f"https://ehr.example/{one['resourceType']}/{one['id']}"


def _fhir_json(number: int, random: Random) -> str:
    entries = [{"fullUrl": _url(one), "resource": one} for one in _resources(number, random)]
    return ",\n".join(json.dumps(one) for one in entries)


def _fhir_xml(number: int, random: Random) -> str:
    return "".join(
        f"<entry><fullUrl value={quoteattr(_url(one))}/><resource>{_element(one)}</resource>"
        "</entry>\n"
        for one in _resources(XML_FROM + number, random)
    )


def _element(resource: Json) -> str:
    name = escape(str(resource["resourceType"]))
    members = {key: value for key, value in resource.items() if key != "resourceType"}
    return f"<{name}>{_members(members)}</{name}>"


def _members(value: Json) -> str:
    return "".join(
        _member(name, one)
        for name, found in value.items()
        for one in (found if isinstance(found, list) else [found])
    )


def _member(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return f"<{name}>{_members(value)}</{name}>"
    return f"<{name} value={quoteattr(str(value))}/>"


OBJECTS = (
    _export("police", "police", "missingEpisodes", {}, _episode),
    Shape(
        "police-missing-json",
        "police",
        "missing-reports.json",
        _missing_report,
        "json",
        head='{"missingReports": [\n',
        between=",\n",
        foot="\n]}\n",
        most=ITEMS_LIMIT,
    ),
    Shape(
        "police-intelligence-json",
        "police",
        "intelligence.json",
        _intelligence_report,
        "json",
        head='{"intelligenceReports": [\n',
        between=",\n",
        foot="\n]}\n",
        most=ITEMS_LIMIT,
    ),
    _export("health", "health", "emergencyDepartmentAttendances", {}, _attendance),
    _export(
        "education",
        "education",
        "absences",
        {"educationSettingName": "St Brannock's School"},
        _absence,
    ),
    _export(
        "social-care",
        "social-care",
        "childrensServicesReferrals",
        {"keyWorker": "Jo Example", "teamInvolvement": ["Assessment team"]},
        _referral,
    ),
    Shape(
        "form",
        "social-care",
        "forms.json",
        _form,
        "json",
        head='{"forms": [\n',
        between=",\n",
        foot="\n]}\n",
        most=ITEMS_LIMIT,
    ),
    Shape(
        "health-fhir",
        "health",
        "bundle.json",
        _fhir_json,
        "json",
        head='{"resourceType": "Bundle", "type": "collection", "entry": [\n',
        between=",\n",
        foot="\n]}\n",
        gives=ENTRIES_A_PATIENT,
        most=ITEMS_LIMIT // ENTRIES_A_PATIENT,
        note="JSON",
    ),
    Shape(
        "health-fhir",
        "health",
        "bundle.xml",
        _fhir_xml,
        "xml",
        head=f'<Bundle xmlns="{FHIR_NAMESPACE}"><type value="collection"/>\n',
        foot="</Bundle>\n",
        gives=ENTRIES_A_PATIENT,
        most=ITEMS_LIMIT // ENTRIES_A_PATIENT,
        note="XML",
    ),
)
