"""FHIR Encounter of class EMER → emergency-attendance."""

import pytest

from adapters.dates import iso_instant
from tests.adapters.health.fhir_support import (
    BASE,
    ODS,
    bundle,
    coded,
    council,
    encounter,
    fhir,
    patient,
    warnings,
)
from tests.adapters.reading_support import Json, content, only
from tests.adapters.test_formats import fits

BOTH = pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])


@BOTH
def test_an_attendance(*, xml: bool) -> None:
    # Given an encounter of class EMER, when it is read
    draft = only(fhir(bundle(encounter(), patient()), xml=xml))
    # Then it is an attendance, as HL7 v2 tells it, by the source's own id of the visit.
    assert content(draft) == {
        "attendance": {
            "arrival": 20516,
            "arrival_at": iso_instant("2026-03-04T02:03Z", "at"),
            "mode": None,
            "disposition": "discharged",
        },
        "reason": "Fall on stairs",
        "site": {"organisation": "Eastshire General", "department": "ED"},
    }
    assert draft.statement.natural_id == f"emergency-attendance/{BASE}/visit|V1"
    assert draft.statement.labels.facts == ("attendance:emergency", "attendance:night")
    assert draft.urgent
    fits(draft)


@pytest.mark.parametrize(
    ("kinds", "disposition"),
    [
        ([coded("exp")], "died"),
        ([coded("aadvice")], "left-against-advice"),
        ([coded("snf")], "transferred"),
        ([{"coding": [{"code": "x"}, {"code": "oth"}]}], "other"),
    ],
)
def test_dispositions(kinds: list[Json], disposition: str) -> None:
    # Given how an attendance ended, when it is read, then the first code that we know counts.
    stay = {"dischargeDisposition": kinds[0]}
    draft = only(fhir(bundle(encounter(hospitalization=stay), patient())))
    assert content(draft)["attendance"]["disposition"] == disposition


def test_an_unknown_disposition_is_told() -> None:
    # Given an end that no list has, when it is read, then the attendance still counts.
    stay = {"dischargeDisposition": coded("x")}
    reading = fhir(bundle(encounter(hospitalization=stay), patient()))
    assert only(reading).statement.type == "emergency-attendance"
    assert warnings(reading) == [("field.code", "Encounter.hospitalization.dischargeDisposition")]
    nothing = fhir(bundle(encounter(hospitalization={"origin": {"display": "x"}}), patient()))
    assert warnings(nothing) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"reasonCode": [{"text": "Emergency contraception"}]},
        {"reasonCode": [coded("1", display="Sexual assault")]},
        {"serviceType": coded("360")},
        {"serviceType": {"text": "Sexual health hub"}},
        {"location": [{"location": {"display": "GUM"}}], "serviceType": coded("GUM")},
    ],
)
def test_sexual_health_is_labelled(changes: Json) -> None:
    # Given a reason or a service that tells, when it is read, then the label is set.
    draft = only(fhir(bundle(encounter(**changes), patient())))
    assert draft.statement.labels.protections == ("sexual-health",)


def test_words_of_several_reasons() -> None:
    # Given reasons in words and in codes, when they are read, then each is told once.
    reasons = [
        {"text": "Fall", "coding": [{"display": "Falls"}]},
        {"coding": [{"code": "1"}, {"display": "Cut"}]},
        {"coding": [{"code": "2"}]},
    ]
    draft = only(fhir(bundle(encounter(reasonCode=reasons), patient())))
    assert content(draft)["reason"] == "Fall; Cut"


def test_where_it_was() -> None:
    # Given locations that were planned, that lead to a resource, and that have a name only
    ward = {"resourceType": "Location", "id": "l1", "name": "Resus"}
    places = [
        {"location": {"display": "Theatre"}, "status": "planned"},
        {"status": "active"},
        {"location": {"reference": "Location/l0"}},
        {"location": {"reference": "Location/l1", "display": "ED"}},
    ]
    provider = {"reference": "Organization/o1"}
    trust = council(name="Eastshire General", identifier=[{"system": "x", "value": "y"}])
    one = encounter(location=places, serviceProvider=provider)
    # When they are read, then the first in which the child was counts.
    draft = only(fhir(bundle(one, patient(), ward, trust)))
    assert content(draft)["site"] == {"organisation": "Eastshire General", "department": "Resus"}
    nowhere = encounter(location=[], serviceProvider=None)
    assert "site" not in content(only(fhir(bundle(nowhere, patient()))))


def test_a_site_of_the_trust_is_the_trust() -> None:
    # Given the code of a trust's site, when the trust reads it, then it is its own.
    provider = {"identifier": {"system": ODS, "value": "RXX01"}}
    one = bundle(encounter(serviceProvider=provider), patient())
    assert content(only(fhir(one, own_codes=frozenset({"rxx"}))))["attendance"]


@pytest.mark.parametrize("code", ["R", "V", "REDACTED"])
def test_a_patient_whose_whereabouts_are_restricted(code: str) -> None:
    # Given a patient marked as restricted, when an attendance is read, then no place is mapped.
    meta = {"security": [{"code": "U"}, {"code": code}]}
    assert "site" not in content(only(fhir(bundle(encounter(), patient(meta=meta)))))
    assert "site" in content(only(fhir(bundle(encounter(), patient(meta={"versionId": "1"})))))
