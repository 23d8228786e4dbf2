"""FHIR Patient: who is meant, and how far a number is believed."""

import pytest

from tests.adapters.health.fhir_support import (
    NHS_NUMBER,
    bundle,
    fhir,
    flag,
    patient,
    team,
    traced,
    warnings,
)
from tests.adapters.reading_support import NHS, OTHER_NHS, Json, codes, only

BOTH = pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
OLD_TRACE = (
    "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
)


def test_reference_and_patient_that_disagree() -> None:
    # Given a reference that names another number than the patient has, when it is read
    said: Json = {
        "reference": "Patient/p1",
        "identifier": {"system": NHS_NUMBER, "value": OTHER_NHS},
    }
    # Then nobody is taken for anybody.
    assert codes(fhir(bundle(flag(subject=said), patient()))) == {"fhir.patient.disagrees": 1}
    said["identifier"]["value"] = NHS
    assert len(fhir(bundle(flag(subject=said), patient())).drafts) == 1
    bare = patient(identifier=[])
    assert only(fhir(bundle(flag(subject=said), bare))).statement.identifiers.nhs_number == NHS


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"link": [{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]},
    ],
)
@BOTH
def test_a_patient_who_was_replaced(changes: Json, *, xml: bool) -> None:
    # Given a patient's resource that is not in use, when a flag is read, then it is rejected.
    reading = fhir(bundle(flag(), patient(**changes)), xml=xml)
    assert codes(reading) == {"fhir.patient.replaced": 1}


@BOTH
def test_a_patient_in_use(*, xml: bool) -> None:
    # Given a patient in use with another link, when a flag is read, then it is mapped.
    changes = {"active": True, "link": [{"type": "seealso"}]}
    assert len(fhir(bundle(flag(), patient(**changes)), xml=xml).drafts) == 1


def test_active_that_is_no_flag() -> None:
    # Given a patient whose flag is a word, when a flag is read, then it is rejected.
    assert codes(fhir(bundle(flag(), patient(active="no")))) == {"field.type": 1}


@pytest.mark.parametrize(
    ("status", "believed", "code"),
    [
        ("01", True, None),
        ("02", True, "identity.nhs-number.unverified"),
        ("08", True, "identity.nhs-number.unverified"),
        ("04", False, "identity.nhs-number.conflict"),
        ("05", False, "identity.nhs-number.conflict"),
    ],
)
@pytest.mark.parametrize("logical", [False, True])
def test_trace_status(status: str, code: str | None, *, believed: bool, logical: bool) -> None:
    # Given a number and how far it is traced, on the patient or in the reference, when it is read
    number = {"extension": [traced(status)], "system": NHS_NUMBER, "value": NHS}
    if logical:
        reading = fhir(flag(subject={"identifier": number}))
    else:
        reading = fhir(bundle(flag(), patient(identifier=[number])))
    # Then a number in conflict is left out, and one that isn't verified told; if nothing else says
    # whom it is about, the resource is rejected.
    if logical and not believed:
        assert codes(reading) == {"identity.insufficient": 1}
        return
    told = {one for one, _ in warnings(reading) if one.startswith("identity.nhs")}
    assert told == ({code} if code else set())
    assert (only(reading).statement.identifiers.nhs_number == NHS) is believed


@pytest.mark.parametrize(
    "extension",
    [{"url": OLD_TRACE, "valueCodeableConcept": {"coding": [{"code": "05"}]}}],
)
def test_the_extension_s_first_address(extension: Json) -> None:
    # Given the address of the first releases, when it is read, then it counts.
    number = {"extension": [extension], "system": NHS_NUMBER, "value": NHS}
    reading = fhir(bundle(flag(), patient(identifier=[number])))
    assert only(reading).statement.identifiers.nhs_number is None


@pytest.mark.parametrize(
    "extension", [{"url": traced("01")["url"]}, {"url": "http://x/y"}, {"valueCode": "05"}]
)
def test_an_extension_that_says_nothing(extension: Json) -> None:
    # Given an extension without a status, when it is read, then the number stands.
    number = {"extension": [extension], "system": NHS_NUMBER, "value": NHS}
    reading = fhir(bundle(flag(), patient(identifier=[number])))
    assert only(reading).statement.identifiers.nhs_number == NHS


def test_identifiers_of_a_patient() -> None:
    # Given old and other identifiers, when a patient is read, then only those in use count.
    ids: Json = [
        {"use": "old", "system": NHS_NUMBER, "value": OTHER_NHS},
        {"system": NHS_NUMBER},
        {"system": NHS_NUMBER, "value": NHS},
        {"system": NHS_NUMBER, "value": NHS},
        {"system": "x", "value": "A"},
        {"type": {"coding": [{"code": "DL"}, {"display": "x"}]}, "value": "B"},
        {"type": {"coding": [{"code": "PI"}]}, "value": "C"},
        {"type": {"coding": [{"code": "MR"}]}, "value": "D"},
    ]
    found = only(fhir(bundle(flag(), patient(identifier=ids)))).statement.identifiers
    assert (found.nhs_number, found.own_id) == (NHS, "C")
    ids[0]["use"] = "usual"
    assert codes(fhir(bundle(flag(), patient(identifier=ids)))) == {"field.twice": 1}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([{"use": "maiden", "family": "A"}, {"use": "usual", "family": "B"}], ("B", None)),
        (
            [{"use": "usual", "family": "A"}, {"use": "official", "family": "B", "given": ["C"]}],
            ("B", "C"),
        ),
        ([{"family": "A", "given": [None, "B"]}, {"family": "C"}], ("A", "B")),
        ([{"use": "old", "family": "A"}], (None, None)),
        (None, (None, None)),
    ],
)
def test_names(names: Json, expected: tuple[str | None, str | None]) -> None:
    # Given names of several uses, when they are read, then the official one counts.
    found = only(fhir(bundle(flag(), patient(name=names)))).statement.identifiers
    assert (found.family, found.given) == expected


def test_a_part_of_a_date_of_birth() -> None:
    # Given a year alone, when it is read, then it is left out and told; a wrong day is refused.
    for part in ("2011", "2011-09"):
        reading = fhir(bundle(flag(), patient(birthDate=part)))
        assert only(reading).statement.identifiers.date_of_birth is None
        assert ("identity.date-of-birth", "Patient.birthDate") in warnings(reading)
    assert codes(fhir(bundle(flag(), patient(birthDate="2011-02-30")))) == {"field.date": 1}


def test_a_team_says_its_subject_by_number_alone() -> None:
    # Given a team with a wrong number, or none, when it is read, then it is rejected.
    for subject, code in (
        ({"identifier": {"system": NHS_NUMBER, "value": "9990000019"}}, "identity.nhs-number"),
        ({"identifier": {"system": "http://x", "value": NHS}}, "identity.insufficient"),
        ({"display": "Ellie Marsh"}, "fhir.reference"),
    ):
        assert codes(fhir(team(subject=subject))) == {code: 1}
