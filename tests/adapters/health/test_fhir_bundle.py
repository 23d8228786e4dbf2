"""FHIR Bundles: which entries count, where references lead, what is refused whole."""

import pytest

from tests.adapters.health.fhir_support import (
    BASE,
    NHS_NUMBER,
    bundle,
    council,
    encounter,
    fhir,
    flag,
    patient,
    warnings,
)
from tests.adapters.reading_support import NHS, OTHER_NHS, Json, codes, content, context, only, read

BOTH = pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
OLD_TRACE = (
    "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
)
DELETED = {"request": {"method": "DELETE", "url": "Flag/f1"}}


def entries(*given: Json, kind: str = "collection", **changes: Json) -> Json:
    """A Bundle of entries as they are."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(given), **changes}


def at(address: str, resource: Json) -> Json:
    """An entry with an address."""
    return {"fullUrl": address, "resource": resource}


def about(reference: str, **changes: Json) -> Json:
    """A flag about what a reference leads to."""
    return flag(subject={"reference": reference}, author=None, **changes)


@BOTH
@pytest.mark.parametrize(
    ("flag_at", "reference", "patient_at"),
    [
        (f"{BASE}/Flag/f1", "Patient/p1", f"{BASE}/Patient/p1"),
        (f"{BASE}/Flag/f1", "Patient/p1/_history/3", f"{BASE}/Patient/p1"),
        (f"{BASE}/Flag/f1/_history/2", "Patient/p1", f"{BASE}/Patient/p1/_history/7"),
        (f"{BASE}/Flag/f1", f"{BASE}/Patient/p1", f"{BASE}/Patient/p1"),
        ("urn:uuid:1", "urn:uuid:2", "urn:uuid:2"),
        ("urn:uuid:1", "Patient/p1", "urn:uuid:2"),
        (f"{BASE}/Flag/f1", "Patient/p1", "https://other.example/Patient/p1"),
    ],
)
def test_references(flag_at: str, reference: str, patient_at: str, *, xml: bool) -> None:
    # Given a patient whom a reference leads to in each way, when the flag is read
    one = entries(at(patient_at, patient()), at(flag_at, about(reference)))
    # Then it is about that patient.
    assert only(fhir(one, xml=xml)).statement.identifiers.nhs_number == NHS


@BOTH
def test_contained(*, xml: bool) -> None:
    # Given a patient inside the resource, when it is read alone, then it is about that patient.
    inside = about("#p", contained=[council(id="o"), patient(id="p")])
    reading = fhir(inside, xml=xml)
    assert only(reading).statement.identifiers.nhs_number == NHS
    assert reading.accounting.read == 1


@pytest.mark.parametrize("reference", ["#", "#q", "Patient/p2", "urn:uuid:9", f"{BASE}/Patient/p2"])
def test_a_reference_that_leads_nowhere(reference: str) -> None:
    # Given a reference to what the file does not hold, when it is read, then it is rejected; with
    # the number beside it, it is about that number.
    reading = fhir(bundle(about(reference), patient()))
    assert codes(reading) == {"fhir.reference": 1}
    named = {"reference": reference, "identifier": {"system": NHS_NUMBER, "value": NHS}}
    assert len(fhir(bundle(flag(subject=named, author=None), patient())).drafts) == 1


@pytest.mark.parametrize(
    "one",
    [
        entries(
            at("https://a.example/Patient/p1", patient()),
            at("https://b.example/Patient/p1", patient()),
            at("urn:uuid:1", about("Patient/p1")),
        ),
        about("#p", contained=[patient(id="p"), patient(id="p")]),
    ],
)
def test_a_reference_that_leads_to_two(one: Json) -> None:
    # Given two patients that a reference may mean, when it is read, then none of them is taken.
    assert codes(fhir(one)) == {"fhir.reference": 1}


def test_the_server_s_own_patient_comes_first() -> None:
    # Given one id on two servers, when a relative reference is read, then its own server's counts.
    other = patient(identifier=[{"system": NHS_NUMBER, "value": OTHER_NHS}])
    one = entries(
        at("https://a.example/Patient/p1", other),
        at(f"{BASE}/Patient/p1", patient()),
        at(f"{BASE}/Flag/f1", about("Patient/p1")),
    )
    assert only(fhir(one)).statement.identifiers.nhs_number == NHS


def test_without_addresses_type_and_id_are_enough() -> None:
    # Given entries without full addresses, when a reference is read, then it leads on.
    one = entries({"resource": patient()}, {"resource": about("Patient/p1")})
    assert only(fhir(one)).statement.identifiers.nhs_number == NHS


@pytest.mark.parametrize(
    ("kind", "rank", "newest"),
    [
        ("history", ({}, {}), 0),
        ("collection", ({}, {}), 1),
        ("collection", ({"versionId": "10"}, {"versionId": "9"}), 0),
        ("collection", ({"versionId": "x"}, {"versionId": "9"}), 1),
        ("history", ({"versionId": "1"}, {"versionId": "2"}), 1),
        (
            "history",
            (
                {"lastUpdated": "2026-03-01T10:00:00Z", "versionId": "9"},
                {"lastUpdated": "2026-03-01T11:00:00Z", "versionId": "1"},
            ),
            1,
        ),
        ("collection", ({"lastUpdated": "2026-03-01T10:00:00Z"}, {"lastUpdated": "soon"}), 1),
        ("collection", ({"lastUpdated": 7}, {"lastUpdated": []}), 1),
    ],
)
def test_the_newest_of_several_versions_counts(kind: str, rank: Json, newest: int) -> None:
    # Given two versions of one flag, when they are read
    days = ("2026-01-05", "2026-01-06")
    versions = [flag(meta=rank[n], period={"start": days[n]}) for n in (0, 1)]
    reading = fhir(bundle(*versions, patient(), kind=kind))
    # Then the newer one is mapped, and the other one is context.
    assert content(only(reading))["status"]["from"] == 20458 + newest
    assert reading.accounting.context == 2


@pytest.mark.parametrize("deleted", [True, False])
def test_what_was_taken_back_takes_its_versions_with_it(*, deleted: bool) -> None:
    # Given a history whose newest entry deletes the flag, or says that it was an error
    address = f"{BASE}/Flag/f1"
    gone = (
        {"fullUrl": address, **DELETED} if deleted else at(address, flag(status="entered-in-error"))
    )
    one = entries(gone, at(address, flag()), at(f"{BASE}/Patient/p1", patient()), kind="history")
    reading = fhir(one)
    # Then nothing of it is published, and that is told.
    assert reading.drafts == ()
    assert [code for code, _ in warnings(reading)] == ["fhir.entered-in-error"]
    assert reading.accounting.context == 3


def test_a_deletion_has_its_time() -> None:
    # Given a flag that was deleted and made again, when the history is read, then it counts.
    made = flag(meta={"lastUpdated": "2026-03-02T00:00:00Z"}, author=None)
    gone = {"fullUrl": f"{BASE}/Flag/f1", "response": {"lastModified": "2026-03-01T00:00:00Z"}}
    one = entries(
        {**gone, **DELETED},
        at(f"{BASE}/Flag/f1", made),
        at(f"{BASE}/Patient/p1", patient()),
        kind="history",
    )
    reading = fhir(one)
    assert len(reading.drafts) == 1
    assert warnings(reading) == []


@pytest.mark.parametrize("kind", ["collection", "message", "searchset", "history"])
@BOTH
def test_types_that_are_read(kind: str, *, xml: bool) -> None:
    # Given a Bundle of each type that states facts, when it is read, then it is mapped.
    assert len(fhir(bundle(flag(), patient(), kind=kind), xml=xml).drafts) == 1


def test_a_subscription_s_notification() -> None:
    # Given a notification as R5 and R4's backport send it, when it is read
    status = {"resourceType": "SubscriptionStatus", "id": "s", "type": "event-notification"}
    parameters = {"resourceType": "Parameters", "id": "s"}
    named = {"fullUrl": f"{BASE}/Flag/f9", "request": {"method": "PUT", "url": "Flag/f9"}}
    for kind, first in (("subscription-notification", status), ("history", parameters)):
        one = bundle(first, flag(), patient(), kind=kind)
        one["entry"].append(named)
        reading = fhir(one)
        # Then the resources count, and what is only named is context.
        assert len(reading.drafts) == 1
        assert reading.accounting.context == 3


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (bundle(flag(), kind="transaction"), "fhir.bundle"),
        (bundle(flag(), kind="document"), "fhir.bundle"),
        ({"resourceType": "Bundle"}, "fhir.bundle"),
        ({"resourceType": "Bundle", "type": ["collection"]}, "field.type"),
        ({"resourceType": "Bundle", "type": "collection", "entry": {}}, "field.type"),
        (entries(*[{}] * 10_001), "field.number"),
        ({"type": "collection"}, "fhir.resource"),
        ({"resourceType": 7}, "fhir.resource"),
        ({"resourceType": "a b"}, "fhir.resource"),
        ([flag()], "fhir.resource"),
        ("flag", "fhir.resource"),
    ],
)
def test_refused_whole(one: Json, code: str) -> None:
    # Given what is no Bundle of facts, when it is read, then the file is the one rejected item.
    reading = (
        fhir(one) if not isinstance(one, str) else read('"x"', "health-fhir", context("health"))
    )
    assert codes(reading) == {code: 1}
    assert reading.accounting.rejected[0].item == "file"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "fhir.resource"),
        ("x", "fhir.resource"),
        ({"resource": "x"}, "field.type"),
        ({"resource": {}}, "fhir.resource"),
        ({"resource": {"resourceType": 7}}, "fhir.resource"),
        ({"resource": bundle(flag())}, "fhir.bundle"),
        ({"fullUrl": 7, "resource": flag()}, "field.type"),
        ({"fullUrl": "x" * 2001, "resource": flag()}, "field.text"),
        ({"request": "x"}, "field.type"),
    ],
)
def test_a_wrong_entry_harms_no_other(entry: Json, code: str) -> None:
    # Given a wrong entry beside a good one, when they are read, then only it is rejected.
    reading = fhir(entries(entry, {"resource": patient()}, {"resource": about("Patient/p1")}))
    assert codes(reading) == {code: 1}
    assert reading.accounting.rejected[0].item == "entry[0]"
    assert reading.accounting.mapped == 1


def test_an_empty_bundle() -> None:
    # Given a search that found nothing, when it is read, then there is nothing to account for.
    account = fhir({"resourceType": "Bundle", "type": "searchset", "total": 0}).accounting
    assert (account.read, account.unmapped) == (0, ())


def test_what_a_bundle_holds_besides() -> None:
    # Given a signature and a resource of a type that is not mapped, when they are read
    one = bundle({"resourceType": "Observation", "id": "x"}, council())
    account = fhir({**one, "signature": {"who": {"display": "x"}}}).accounting
    # Then both are named, and the resource is context.
    assert account.unmapped == ("Bundle.signature", "Observation (resource)")
    assert (account.read, account.context) == (2, 2)


@pytest.mark.parametrize(
    "one",
    [
        bundle(flag(modifierExtension=[{"url": "http://x/not"}]), patient()),
        bundle(flag(implicitRules="http://x/rules"), patient()),
        bundle(
            flag(period={"start": "2026-01-05", "modifierExtension": [{"url": "x"}]}), patient()
        ),
        bundle(encounter(location=[{"modifierExtension": [{"url": "x"}]}]), patient()),
        bundle(flag(), patient(modifierExtension=[{"url": "http://x/not"}])),
        bundle(flag(), patient(), council(modifierExtension=[{"url": "http://x/not"}])),
        bundle(
            encounter(location=[{"location": {"reference": "Location/l1"}}]),
            patient(),
            {"resourceType": "Location", "id": "l1", "modifierExtension": [{"url": "x"}]},
        ),
        about("#p", contained=[patient(id="p", modifierExtension=[{"url": "x"}])]),
    ],
)
@BOTH
def test_a_modifier_that_is_not_known_rejects(one: Json, *, xml: bool) -> None:
    # Given a modifier extension in the resource, or in one that it needs, when it is read
    if one["resourceType"] == "Flag":
        one = {name: value for name, value in one.items() if value is not None}
    reading = fhir(one, xml=xml)
    # Then the resource is rejected.
    assert reading.drafts == ()
    assert codes(reading) == {"fhir.modifier": 1}


def test_a_modifier_of_what_is_not_used_harms_nobody() -> None:
    # Given a modifier in a contained resource that nothing refers to, when it is read
    inside = [council(id="o", modifierExtension=[{"url": "x"}])]
    # Then the flag is mapped; an empty list modifies nothing.
    assert len(fhir(bundle(about("Patient/p1", contained=inside), patient())).drafts) == 1
    assert len(fhir(bundle(flag(modifierExtension=[]), patient())).drafts) == 1


def test_an_entry_that_is_modified_or_says_more() -> None:
    # Given an entry that something modifies, and one that says what nobody knows
    one, two = flag(), flag(id="f2")
    file = bundle(one, two, patient())
    file["entry"][0]["modifierExtension"] = [{"url": "https://x.example/not"}]
    file["entry"][1]["remark"] = "x"
    # When the Bundle is read, then the first is rejected, and what the other one says is named.
    account = fhir(file).accounting
    assert [(each.item, each.code) for each in account.rejected] == [("entry[0]", "fhir.modifier")]
    assert (account.mapped, "entry.remark" in account.unmapped) == (1, True)
