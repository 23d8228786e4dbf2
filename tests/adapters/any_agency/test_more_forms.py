"""Forms of people asking and answering, of a child's case, and of intelligence."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.any_agency import asking, casework, intelligence
from adapters.any_agency.form import FORMAT, FORMS
from adapters.reading import Reading
from adapters.social_care import cin
from broker import shipped
from broker.records.names import Kind
from broker.runtimes.emergency import Finding
from broker.runtimes.responding import Because, Result
from broker.runtimes.withdrawing import Reason
from tests.adapters.reading_support import NHS, content, context, only, read

CHILD = {"nhsNumber": NHS, "dateOfBirth": "2011-09-25", "firstName": "Ellie", "lastName": "Marsh"}
PERSON = {"role": "relative", "name": "Lee Marsh", "dateOfBirth": "1984-02-11"}

WHOLE: dict[str, dict[str, Any]] = {
    "information-request": {
        "purpose": "section-47-enquiry",
        "gateway": "Children Act 1989 s.47(9)",
        "neededBy": "2026-03-04T18:00:00Z",
        "urgency": "immediate",
        "question": "Has anybody seen her since Friday?",
        "recordTypes": ["emergency-attendance"],
        "addressedTo": ["millbrook-surgery/safeguarding-lead"],
    },
    "information-response": {
        "request": "00112233445566778899aabbccddeeff",
        "result": "content",
        "answer": "Seen on Saturday.",
        "at": "2026-03-04T11:00:00Z",
        "role": "GP",
        "records": ["ffeeddccbbaa99887766554433221100"],
        "addressedTo": ["eastshire-council/mash"],
    },
    "verbal-disclosure": {
        "at": "2026-03-04T02:00:00Z",
        "byRole": "duty sergeant",
        "toRole": "EDT manager",
        "gateway": "Children Act 1989 s.47(9)",
        "urgency": "immediate",
        "said": "She is in the car with him.",
        "recordTypes": ["missing-episode"],
        "addressedTo": ["eastshire-council/edt"],
        "thirdPartyChecked": True,
    },
    "action-taken": {
        "action": "no-further-action",
        "reason": "already-helped",
        "on": "2026-03-03",
        "role": "MASH manager",
        "note": "Her school has it in hand.",
        "addressedTo": ["st-brannocks-school"],
        "thirdPartyChecked": True,
    },
    "voice": {
        "on": "2026-03-03",
        "recognition": "partial",
        "telling": "prompted",
        "howAsked": "asked-openly",
        "seenAlone": True,
        "communication": "interpreter",
        "ownWords": "I don't want to go back.",
        "barriers": ["fear-of-the-person"],
        "wishSharing": "objects",
        "notWith": "My stepfather.",
        "wantsNext": "To stay with my gran.",
        "trustedAdult": {"role": "counsellor", "knownAs": "Pat"},
        "toldOfSharing": False,
        "whyNotTold": "not-yet",
        "toldOn": "2026-03-03",
        "helpRelatedTo": "cause",
        "feedback": "They changed my worker.",
        "indicators": [{"code": "missing", "on": "2026-03-01", "basis": "fact"}],
        "protections": ["sexual-health"],
        "shareable": True,
        "thirdPartyChecked": True,
    },
    "named-professional": {
        "role": "social worker",
        "from": "2026-03-01",
        "until": "2026-04-01",
        "handedTo": "eastshire-hospitals/ward-safeguarding",
        "childWasTold": True,
        "person": {"name": "Pat Example", "telephone": "01632 960203", "email": "pat@example.org"},
        "office": {"name": "Town hall", "address": None, "postcode": "ZZ99 3WZ"},
        "addressedTo": ["eastshire-council/mash"],
    },
    "return-interview": {
        "returnedAt": "2026-03-02T06:00:00Z",
        "offeredAt": "2026-03-02T12:00:00Z",
        "accepted": "accepted",
        "heldOn": "2026-03-03",
        "heldBy": "independent interviewer",
        "independent": True,
        "reasons": ["exploitation"],
        "account": "She was at a flat.",
        "place": {"name": "Flat", "address": "12 Sample Street", "postcode": "ZZ99 3WZ"},
        "persons": [PERSON],
        "shareableSummary": "Safe on return.",
        "summaryShareable": True,
        "thirdPartyChecked": True,
        "indicators": [{"code": "missing", "on": "2026-03-01", "basis": "fact"}],
        "protections": ["suspected-child"],
    },
    "court-order": {
        "kind": "prohibited-steps",
        "court": "Family Court",
        "from": "2026-03-01",
        "until": "2026-09-01",
        "says": "forbids",
        "names": "harbour-academy",
        "terms": "He may not fetch her.",
        "persons": [PERSON],
        "addressedTo": ["eastshire-council/mash"],
        "thirdPartyChecked": True,
    },
    "person-of-concern": {
        "on": "2026-03-01",
        "about": "sexual-exploitation",
        "status": "child-with-own-needs",
        "referred": True,
        "information": "Fetches younger girls.",
        "place": {"name": "Taxi rank"},
        "persons": [PERSON],
        "addressedTo": ["eastshire-council/mash"],
        "thirdPartyChecked": True,
        "source": "2",
        "intelligence": "b",
        "handling": "P",
    },
    "place-of-concern": {
        "on": "2026-03-01",
        "about": "trafficking",
        "kind": "hotel",
        "information": "Rooms by the hour.",
        "place": {"name": "Sample Hotel", "postcode": "ZZ99 3WZ"},
    },
    "group-of-concern": {
        "on": "2026-03-01",
        "about": "supply-of-drugs",
        "kind": "network",
        "size": 4,
        "information": "From another town.",
    },
}
NOT_ABOUT_A_CHILD = ("person-of-concern", "place-of-concern", "group-of-concern")


def form(kind: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the form
    said = {"form": kind, **WHOLE[kind]}
    if kind not in NOT_ABOUT_A_CHILD:
        said["child"] = CHILD
    return {name: value for name, value in {**said, **changes}.items() if value != "absent"}


def returned(*forms: dict[str, Any], agency_type: str = "police") -> Reading:
    return read({"forms": list(forms)}, "form", context(agency_type))


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(one.code, one.field) for one in reading.accounting.rejected]


def test_every_kind_of_form_is_tried_here_or_beside() -> None:
    assert set(FORMS) == {"involvement", "alert", "concern", *WHOLE}


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_a_whole_form_is_mapped_and_nothing_left(kind: str) -> None:
    # given a form with every member that its kind has, when it is read
    reading = returned(form(kind))
    draft = only(reading)

    # then it becomes a record of that type, and nothing is left over
    assert draft.statement.type == kind
    assert reading.accounting.unmapped == ()
    assert draft.statement.labels.subject == (
        kind.partition("-")[0] if kind in NOT_ABOUT_A_CHILD else "child"
    )


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_a_reference_names_it_and_an_equal_form_is_the_same(kind: str) -> None:
    named = only(returned(form(kind, reference="R-1"))).statement
    assert named.natural_id == f"{kind}/R-1"
    first, twin = returned(form(kind), form(kind)).drafts
    assert first.statement.natural_id == twin.statement.natural_id


def test_what_each_says_in_labels() -> None:
    def labels(kind: str, **changes: Any) -> Any:  # noqa: ANN401 - Labels
        return only(returned(form(kind, **changes))).statement.labels

    assert labels("information-request").facts == ("request:immediate", "request:section-47")
    assert labels("information-request", purpose="profile", urgency="routine").facts == ()
    response = labels("information-response")
    assert response.concerns == bytes.fromhex(WHOLE["information-response"]["request"])
    assert response.addressed_to == ("eastshire-council/mash",)
    assert labels("information-response", request="absent").concerns is None
    held = labels("information-response", result="nothing-held", answer="absent")
    assert held.facts == ("response:nothing-held",)
    assert labels("action-taken").facts == ("action:none",)
    assert labels("action-taken", action="disruption", reason="absent").facts == ()
    assert labels("voice").protections == ("child-objects", "sexual-health")
    assert labels("voice", wishSharing="agrees", toldOfSharing=True).facts == ("voice:told",)
    assert labels("named-professional").addressed_to == (
        "eastshire-council/mash",
        "eastshire-hospitals/ward-safeguarding",
    )
    assert labels("named-professional", handedTo="absent").facts == ()
    assert labels("return-interview").facts == ("return:accepted",)
    assert labels("court-order").facts == ("order:forbids",)
    assert labels("court-order", says="absent").facts == ()
    assert labels("person-of-concern").protections == ("suspected-child",)
    assert labels("person-of-concern", status="adult").protections == ()
    assert labels("person-of-concern").handling == "P"


def test_what_is_urgent_and_what_is_a_register() -> None:
    assert only(returned(form("information-request"))).urgent
    assert not only(returned(form("information-request", purpose="other", urgency="today"))).urgent
    assert only(returned(form("court-order"))).statement.kind is Kind.REGISTER


def test_a_wish_and_words_may_be_left_out() -> None:
    said = content(
        only(
            returned(
                form(
                    "voice",
                    notWith="absent",
                    wantsNext="absent",
                    trustedAdult="absent",
                    helpRelatedTo="absent",
                    wishSharing="absent",
                )
            )
        )
    )
    assert said["wishes"] == {"sharing": "not-asked"}
    assert {"wants", "trusted_adult", "help"} & said.keys() == set()


@pytest.mark.parametrize(
    ("kind", "changes", "code", "field"),
    [
        ("information-request", {"addressedTo": []}, "field.missing", "addressedTo"),
        ("information-request", {"neededBy": "absent"}, "field.missing", "neededBy"),
        ("information-request", {"question": " "}, "field.missing", "question"),
        ("information-request", {"gateway": "absent"}, "field.missing", "gateway"),
        ("information-request", {"addressedTo": ["The hub"]}, "field.code", "addressedTo"),
        ("information-response", {"result": "refused"}, "field.missing", "because"),
        ("information-response", {"answer": "absent"}, "field.missing", "answer"),
        ("information-response", {"addressedTo": "absent"}, "field.missing", "addressedTo"),
        ("information-response", {"request": "xyz"}, "field.code", "request"),
        ("information-response", {"request": "0011"}, "field.code", "request"),
        ("verbal-disclosure", {"addressedTo": []}, "field.missing", "addressedTo"),
        ("verbal-disclosure", {"addressedTo": ["a", "b"]}, "field.code", "addressedTo"),
        ("action-taken", {"reason": "absent"}, "field.missing", "reason"),
        ("action-taken", {"on": "2030-01-01"}, "field.date.future", "on"),
        ("voice", {"barriers": ["weather"]}, "field.code", "barriers"),
        ("named-professional", {"until": "2026-02-01"}, "field.date.order", "until"),
        ("return-interview", {"accepted": "absent"}, "field.missing", "accepted"),
        ("court-order", {"says": "requires", "names": "absent"}, "field.missing", "names"),
        ("place-of-concern", {"information": "absent"}, "field.missing", "information"),
        ("group-of-concern", {"size": 0}, "field.number", "size"),
        ("voice", {"child": "absent"}, "field.missing", "child"),
    ],
)
def test_what_is_missing_or_wrong_is_told(
    kind: str, changes: dict[str, Any], code: str, field: str
) -> None:
    assert codes(returned(form(kind, **changes))) == [(code, field)]


def test_only_the_police_grade() -> None:
    # given graded intelligence from a school, then it is refused; ungraded information is not
    graded = returned(form("person-of-concern"), agency_type="education")
    assert codes(graded) == [("field.not-graded", "source")]
    plain = form("person-of-concern", source="absent", intelligence="absent", handling="absent")
    assert "grading" not in content(only(returned(plain, agency_type="education")))


def test_intelligence_may_name_a_person_by_identifiers() -> None:
    draft = only(returned(form("person-of-concern", child={**CHILD, "nhsNumber": None})))
    assert draft.statement.identifiers.family == "Marsh"
    nobody = only(returned(form("place-of-concern"))).statement.identifiers
    assert nobody.family is None


YAML = f"""
# what the hub asks
form: information-request
child: {{nhsNumber: "{NHS}", dateOfBirth: 2011-09-25}}
purpose: assessment
gateway: Children Act 1989 s.27
neededBy: "2026-03-05T12:00:00Z"
question: Is she registered with you?
addressedTo: [millbrook-surgery/safeguarding-lead]
"""
INDENTED = YAML.replace("\n", "\n    ").replace("    form:", "  - form:")


@pytest.mark.parametrize("text", [YAML, f"forms:{INDENTED}"])
def test_a_form_may_be_yaml(text: str) -> None:
    assert FORMAT.recognises(text.encode(), "ask.yaml")
    draft = only(read(text, "form", context()))
    assert draft.statement.type == "information-request"
    assert draft.statement.identifiers.date_of_birth == "2011-09-25"


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        (YAML + "purpose: other\n", "input.yaml", "line 10"),
        ("form: &a voice\nchild: *a\n", "input.yaml", "line 1"),
        ("form: 1.5\n", "input.yaml", "line 1"),
        ("form: [\n", "input.yaml", "line 2"),
        ("- text\n", "field.type", "forms[0]"),
        ("text\n", "input.shape", "forms"),
    ],
)
def test_yaml_that_is_no_form_is_told(text: str, code: str, field: str) -> None:
    assert codes(read(text, "form", context())) == [(code, field)]


def test_other_text_is_not_taken_for_a_form() -> None:
    assert not FORMAT.recognises(b"name,form\n1,2\n", "a.csv")
    assert not FORMAT.recognises(b"<form:x/>", "a.xml")


CODES = [
    ("information-request", "request", "purpose", asking.PURPOSES),
    ("information-response", "response", "result", asking.RESULTS),
    ("information-response", "response", "because", asking.REASONS),
    ("information-response", "response", "result", {one: one for one in Result}),
    ("information-response", "response", "because", {one: one for one in Because}),
    ("action-taken", "action", "code", asking.ACTIONS),
    ("action-taken", "action", "reason", asking.NO_ACTION),
    ("voice", "observed", "how_asked", casework.ASKED),
    ("voice", "observed", "communication", casework.COMMUNICATION),
    ("voice", "barriers", "", casework.BARRIERS),
    ("voice", "wishes", "sharing", casework.SHARING),
    ("voice", "told", "why_not", casework.WHY_NOT_TOLD),
    ("voice", "help", "related_to", casework.HELP),
    ("return-interview", "interview", "accepted", casework.OFFERS),
    ("return-interview", "reasons", "", casework.REASONS),
    ("court-order", "order", "kind", casework.ORDERS),
    ("court-order", "order", "says", casework.SAYS),
    ("person-of-concern", "concern", "about", intelligence.ABOUT),
    ("person-of-concern", "concern", "dual_status", intelligence.STATUSES),
    ("place-of-concern", "concern", "kind", intelligence.PLACES),
    ("group-of-concern", "concern", "kind", intelligence.GROUPS),
    ("assessment", "factors", "", {one: one for one in cin.FACTORS}),
    ("retraction", "retraction", "reason", {one: one for one in Reason}),
    ("break-glass", "review", "finding", {one: one for one in Finding}),
]


@pytest.mark.parametrize(("record_type", "slot", "name", "table"), CODES)
def test_codes_are_those_of_the_schema(
    record_type: str, slot: str, name: str, table: Mapping[str, str]
) -> None:
    # given what a schema lists for a field, or for a slot that is a list of codes
    raw = json.loads((shipped.schemas() / record_type / "1.0.avsc").read_bytes())
    (field,) = (one for one in raw["fields"] if one["name"] == slot)
    if name:
        (field,) = (one for one in field["type"][1]["fields"] if one["name"] == name)

    # then the code that stands elsewhere is the same
    assert {str(one) for one in table.values()} == set(field["codes"])
