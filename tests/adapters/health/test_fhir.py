"""FHIR R4B: what a file of resources gives, in JSON and in XML alike."""

import json

import pytest

from adapters.registry import recognise
from tests.adapters.health.fhir_support import (
    BASE,
    CARE,
    NHS_NUMBER,
    ODS,
    PLAN,
    SNOMED,
    UNBORN,
    as_xml,
    bundle,
    coded,
    council,
    encounter,
    fhir,
    flag,
    patient,
    plan,
    team,
    traced,
    warnings,
)
from tests.adapters.reading_support import NHS, OTHER_NHS, Json, codes, content, only
from tests.adapters.test_formats import fits

PLACED = {"name": "Eastshire Council", "team": None}
PHONES = {"telephone": "01632 960201", "out_of_hours": "01632 960299"}
BOTH = pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])


@BOTH
@pytest.mark.parametrize("resource", [flag(), plan(), team()], ids=["flag", "plan", "team"])
def test_a_plan_or_care_becomes_a_status(resource: Json, *, xml: bool) -> None:
    # Given a status in each of its three shapes, when it is read
    reading = fhir(bundle(resource, patient(), council()), xml=xml)
    draft = only(reading)
    # Then it says what holds, since when, and which council to ring by day and by night.
    care = resource["resourceType"] == "CareTeam"
    status = content(draft)["status"]
    assert status["kind"] == ("looked-after" if care else "child-protection-plan")
    assert status["from"] == (20357 if care else 20458)
    assert status["until"] == (20722 if care else None)
    assert content(draft)["authority"] == {**PLACED, **PHONES}
    assert draft.statement.identifiers.nhs_number == NHS
    assert draft.statement.identifiers.date_of_birth == (None if care else "2011-09-25")
    assert not draft.urgent
    account = reading.accounting
    assert (account.read, account.mapped, account.context) == (3, 1, 2)
    fits(draft)


@pytest.mark.parametrize(
    "resource",
    [
        bundle(flag(), plan(), team(), encounter(), patient(), council(), kind="searchset"),
        flag(subject={"reference": "#p"}, contained=[patient(id="p")], author=None),
        encounter(subject={"identifier": {"system": NHS_NUMBER, "value": NHS}}),
    ],
)
def test_xml_says_what_json_says(resource: Json) -> None:
    # Given one resource in both forms, when each is read, then outcomes are the same.
    clean = json.loads(json.dumps(resource))
    clean = {name: value for name, value in clean.items() if value is not None}
    assert fhir(clean, xml=True) == fhir(clean)
    assert fhir(clean).drafts


@BOTH
def test_a_file_is_recognised(*, xml: bool) -> None:
    # Given resources of each kind, when they are recognised, then this format is chosen.
    for one in (flag(), team(), plan(), encounter(), bundle(flag())):
        data = as_xml(one) if xml else json.dumps(one)
        assert recognise(data.encode(), "export").name == "health-fhir"


@pytest.mark.parametrize(
    ("changes", "until", "fact"),
    [
        ({}, None, "status:protection-plan"),
        ({"period": {"start": "2026-01-05", "end": "2026-03-04"}}, 20516, "status:protection-plan"),
        ({"period": {"start": "2026-01-05", "end": "2026-03-03"}}, 20515, "status:ended"),
        ({"period": {"start": "2026-01-05", "end": "2027-01-01"}}, 20819, "status:protection-plan"),
        ({"status": "inactive"}, 20513, "status:ended"),
        (
            {"status": "inactive", "period": {"start": "2026-01-05", "end": "2026-02-01"}},
            20485,
            "status:ended",
        ),
    ],
)
def test_how_long_it_holds(changes: Json, until: int | None, fact: str) -> None:
    # Given a flag with an end or without, active or not, when it is read
    draft = only(fhir(bundle(flag(**changes), patient())))
    # Then it tells its last day, and whether it is over; what is inactive never goes on.
    assert content(draft)["status"]["until"] == until
    assert draft.statement.labels.facts == (fact,)


def test_an_unborn_child_s_plan_is_on_the_mother_s_number() -> None:
    # Given a flag for an unborn child on a grown-up patient, when it is read
    draft = only(fhir(bundle(flag(code=coded(UNBORN)), patient(birthDate="1999-01-01"))))
    # Then it is about the unborn child, and the mother's age says nothing.
    labels = draft.statement.labels
    assert (labels.subject, labels.age_band) == ("unborn", "unborn")
    assert labels.facts == ("status:unborn-plan",)
    assert draft.statement.identifiers.nhs_number == NHS
    fits(draft)


def test_two_statuses_in_one_team_are_two_records() -> None:
    # Given a team for a plan and for care, when it is read, then each is a record of its own.
    reading = fhir(team(category=[coded(PLAN), coded(CARE), coded("EMO", "http://census")]))
    assert [content(one)["status"]["kind"] for one in reading.drafts] == [
        "child-protection-plan",
        "looked-after",
    ]
    assert {content(one)["status"]["category"] for one in reading.drafts} == {"EMO"}
    assert len({one.statement.natural_id for one in reading.drafts}) == 2
    assert reading.accounting.mapped == 1


def test_the_national_service_makes_ids_when_it_is_asked() -> None:
    # Given one team under two ids, when both are read, then it is one item.
    names = {only(fhir(team(id=one))).statement.natural_id for one in ("a", "b")}
    assert names == {f"protection-status/nhs:{NHS}/looked-after/20357"}


def test_an_identifier_that_is_no_longer_in_use_names_nothing() -> None:
    # Given an old and a usual identifier, when the item is named, then the usual one does.
    ids = [{"use": "old", "value": "X1"}, {"use": "usual", "value": "X2"}, {"system": "s"}]
    draft = only(fhir(bundle(flag(identifier=ids), patient())))
    assert draft.statement.natural_id == "protection-status/|X2"
    nameless = flag(identifier=ids[:1])
    del nameless["id"]
    draft = only(fhir(bundle(nameless, patient())))
    assert draft.statement.natural_id == "protection-status/own:H-77/child-protection-plan/20458"


@pytest.mark.parametrize("kind", ["Flag", "CarePlan", "CareTeam", "Encounter"])
def test_what_was_entered_in_error_is_never_published(kind: str) -> None:
    # Given a resource whose source took it back, when it is read
    make = {"Flag": flag, "CarePlan": plan, "CareTeam": team, "Encounter": encounter}[kind]
    reading = fhir(bundle(make(status="entered-in-error"), patient()))
    # Then nothing is published, and somebody is told to take back what was.
    assert reading.drafts == ()
    assert warnings(reading) == [("fhir.entered-in-error", f"{kind}.status")]
    assert (reading.accounting.context, reading.accounting.rejected) == (2, ())


@pytest.mark.parametrize(
    "resource",
    [
        flag(code=coded("1082681000000103")),
        flag(code=coded(PLAN, "http://other")),
        flag(code={"text": "Child protection"}),
        flag(code=None),
        team(status="proposed"),
        team(status="suspended"),
        plan(status="draft"),
        plan(status="on-hold"),
        plan(status="unknown"),
        plan(intent="proposal"),
        plan(intent=None),
        flag(subject={"reference": "Location/l1"}),
        flag(subject={"reference": f"{BASE}/Group/g1"}),
        flag(subject={"reference": "urn:uuid:1", "type": "Group"}),
        encounter(subject={"type": "Group", "display": "x"}),
        encounter(status="planned"),
        encounter(status="cancelled"),
        encounter(status="unknown"),
        encounter(**{"class": {"code": "AMB"}}),
        encounter(**{"class": None}),
    ],
)
def test_what_gives_no_record_is_context(resource: Json) -> None:
    # Given a resource that says something else, or nothing in force, when it is read
    reading = fhir(bundle(resource, patient()))
    # Then it is context.
    assert reading.drafts == ()
    assert reading.accounting.rejected == ()
    assert reading.accounting.context == 2


@pytest.mark.parametrize(
    ("resource", "code", "field"),
    [
        (flag(status=None), "fhir.status", "Flag.status"),
        (flag(status="on"), "fhir.status", "Flag.status"),
        (plan(status="live"), "fhir.status", "CarePlan.status"),
        (encounter(status=None), "fhir.status", "Encounter.status"),
        (flag(period=None), "field.missing", "Flag.period.start"),
        (flag(period={"end": "2026-03-01"}), "field.missing", "Flag.period.start"),
        (flag(period={"start": "2026-03"}), "field.date", "Flag.period.start"),
        (flag(period={"start": "2026-02-30"}), "field.date", "Flag.period.start"),
        (flag(period={"start": "2026-03-05"}), "field.date.future", "Flag.period.start"),
        (
            flag(period={"start": "2026-03-04", "end": "2026-03-03"}),
            "field.date.order",
            "Flag.period.end",
        ),
        (flag(status="inactive", meta=None), "field.missing", "Flag.period.end"),
        (flag(status="inactive", meta={}), "field.missing", "Flag.period.end"),
        (
            flag(status="inactive", period={"start": "2026-01-05", "end": "2027-01-05"}),
            "field.date.future",
            "Flag.period.end",
        ),
        (encounter(period=None), "field.missing", "Encounter.period.start"),
        (encounter(period={}), "field.missing", "Encounter.period.start"),
        (
            encounter(period={"start": "2026-03-05T00:00:00Z"}),
            "field.date.future",
            "Encounter.period.start",
        ),
        (
            encounter(period={"start": "2026-03-04", "end": "2026-03-03"}),
            "field.date.order",
            "Encounter.period.end",
        ),
        (
            encounter(serviceProvider={"identifier": {"system": ODS, "value": "RXX01"}}),
            "input.other-agency",
            "Encounter.serviceProvider",
        ),
        (flag(subject=None), "field.missing", "Flag.subject"),
        (flag(subject=[]), "field.type", "Flag.subject"),
        (flag(subject="Patient/p1"), "field.type", "Flag.subject"),
        (flag(code=[coded(PLAN)]), "field.type", "Flag.code"),
        (plan(category=coded(PLAN)), "field.type", "CarePlan.category"),
        (plan(category=[PLAN]), "field.type", "CarePlan.category"),
        (flag(status=7), "field.type", "Flag.status"),
        (flag(period={"start": "2026-01-05\x01"}), "field.text", "Flag.period.start"),
        (flag(identifier=[{"value": "x"}] * 10_001), "field.number", "Flag.identifier"),
    ],
)
def test_refused(resource: Json, code: str, field: str) -> None:
    # Given a wrong resource beside a good one, when both are read
    good = encounter(id="good", identifier=[])
    reading = fhir(bundle(resource, good, patient()))
    # Then only the wrong one is refused, with its place.
    assert codes(reading) == {code: 1}
    assert reading.accounting.rejected[0].field == field
    assert reading.accounting.mapped == 1


@pytest.mark.parametrize(
    ("author", "authority"),
    [
        (None, None),
        ({"display": "Eastshire Council"}, {**PLACED, "telephone": None, "out_of_hours": None}),
        ({"reference": "Practitioner/x", "display": "Dr Example"}, None),
        ({"type": "Practitioner", "display": "Dr Example"}, None),
        ({"reference": "Organization/nowhere"}, None),
    ],
)
def test_who_answers_for_it(author: Json, authority: Json) -> None:
    # Given an author of each kind, when a flag is read, then only an organisation is whom to ring.
    draft = only(fhir(bundle(flag(author=author), patient())))
    assert content(draft).get("authority") == authority


def test_the_author_of_a_plan_comes_before_its_contributors() -> None:
    # Given an author who is a person, and two contributors, when a plan is read
    people = [{"reference": "Practitioner/p"}, {"reference": "Organization/o1"}]
    one = plan(author={"reference": "Practitioner/q"}, contributor=people)
    # Then the first organisation is whom to ring.
    draft = only(fhir(bundle(one, patient(), council())))
    assert content(draft)["authority"] == {**PLACED, **PHONES}
    alone = plan(contributor=people[:1])
    assert "authority" not in content(only(fhir(bundle(alone, patient()))))


def test_a_telephone_at_home_is_nobody_s() -> None:
    # Given telephones of several uses, when a team is read, then none at home is taken.
    phones = [
        {"system": "phone", "use": "home", "value": "01632 960001"},
        {"system": "email", "use": "work", "value": "a@b.example"},
    ]
    authority = content(only(fhir(team(telecom=phones))))["authority"]
    assert (authority["telephone"], authority["out_of_hours"]) == (None, None)
    other = [{"purpose": {"text": "Complaints"}, "telecom": phones}, {"telecom": phones}]
    fallback = council(contact=other, telecom=[])
    assert (
        content(only(fhir(bundle(flag(), patient(), fallback))))["authority"]["telephone"] is None
    )


def test_names_of_what_is_left_over() -> None:
    # Given members, extensions and primitive extensions that nobody reads, when they are read
    one = flag(
        text={"status": "generated"},
        extension=[
            {"url": "https://fhir.example/StructureDefinition/Extension-FlagNotes"},
            {"url": f"https://fhir.example/{NHS}"},
            {"valueString": "x"},
        ],
        encounter={"reference": "Encounter/e1"},
        _status={"extension": [{"url": "http://x/y"}]},
        period={"start": "2026-01-05", "extension": [{"url": "http://x/Why"}]},
    )
    own = patient(address=[{"text": "1 Quay Street"}], gender="female")
    # Then each is named, and nothing of what it holds.
    assert fhir(bundle(one, own)).accounting.unmapped == (
        "Flag.encounter",
        "Flag.extension(Extension-FlagNotes)",
        "Flag.extension(not printed)",
        "Flag.period.extension(Why)",
        "Flag.status.extension",
        "Flag.text",
        "Patient.address",
        "Patient.gender",
    )
    assert fhir(bundle(one, own), xml=True).accounting.unmapped == (
        "Flag.encounter",
        "Flag.extension(Extension-FlagNotes)",
        "Flag.extension(not printed)",
        "Flag.period.extension(Why)",
        "Flag.status.extension",
        "Flag.text",
        "Patient.address",
        "Patient.gender",
    )


def test_a_name_that_is_not_printed() -> None:
    # Given a member whose name is no name, when it is left over, then it is not repeated.
    account = fhir(bundle(flag(**{f"_{NHS}": 1, "a b": 2}), patient())).accounting
    assert account.unmapped == ("(a name that is not printed)",)
    assert traced("01")["url"] != SNOMED
    assert OTHER_NHS not in repr(account)
