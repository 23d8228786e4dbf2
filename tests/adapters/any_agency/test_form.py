"""The form → involvement, alert, concern; and personal details, which give no record."""

import json

import pytest

from adapters.any_agency.filled import INDICATORS
from adapters.reading import Reading
from broker import shipped
from broker.records.names import Kind
from tests.adapters.reading_support import FORMS, Json, codes, content, context, only, read

INVOLVEMENT, ALERT, CONCERN = FORMS["forms"]


def forms(*entries: Json) -> Reading:
    return read({"forms": list(entries)}, "form", context("social-care"))


def test_involvement() -> None:
    # Given a link, when it is read, then it is a register record with the agency's own identifier.
    draft = only(forms(INVOLVEMENT))
    assert draft.statement.kind is Kind.REGISTER
    assert draft.statement.identifiers.own_id == "L-1"
    assert content(draft)["link"] == {"kind": "allocated", "from": 20332, "until": None}
    assert content(draft)["site"] == {"name": "Council office", "address": None, "postcode": "ZZ1"}
    assert draft.statement.natural_id == "involvement/I-1"


def test_alert() -> None:
    # Given an alert, when it is read, then it is a register record and urgent.
    draft = only(forms(ALERT))
    assert (draft.statement.kind, draft.urgent) == (Kind.REGISTER, True)
    assert content(draft)["alert"]["who"] == ["carer", "parent"]
    assert draft.statement.labels.protections == ()
    order = {**ALERT, "kind": "court-order", "who": None}
    assert only(forms(order)).statement.labels.protections == ("court-order",)


def test_concern() -> None:
    # Given a concern, when it is read, then labels say what policy needs, and who decided.
    draft = only(forms(CONCERN))
    labels = draft.statement.labels
    assert draft.decided_by == "Designated safeguarding lead"
    assert labels.facts == ("concern:exploitation", "concern:immediate")
    assert labels.summary_shareable is True
    assert labels.third_party_checked is True
    assert labels.addressed_to == ("eastshire-council/mash",)
    assert labels.roles == ("relative",)
    assert labels.indicators[0].code == "unexplained-gifts"
    assert content(draft)["voice"]["telling"] == "prompted"
    assert content(draft)["third_party"] == [{"role": "relative", "name": "Lee Sample"}]
    assert draft.urgent


def test_a_plain_concern() -> None:
    # Given no more than a day and an account, when it is read, then nothing is made up.
    draft = only(
        forms({"form": "concern", "child": CONCERN["child"], "on": "2026-03-04", "account": "x",
               "summaryShareable": True})
    )  # fmt: skip
    labels = draft.statement.labels
    assert (draft.decided_by, draft.urgent, labels.summary_shareable) == (None, False, None)
    assert content(draft).keys() == {"concern", "account"}


def test_sexual_health_is_labelled_whether_or_not_the_writer_says_so() -> None:
    # Given an account that tells, and a writer who says so, when they are read
    told = {**CONCERN, "account": "Asked about contraception."}
    said = {**CONCERN, "protections": ["sexual-health", "court-order"]}
    # Then both are labelled.
    assert only(forms(told)).statement.labels.protections == ("sexual-health",)
    assert only(forms(said)).statement.labels.protections == ("court-order", "sexual-health")


@pytest.mark.parametrize("document", [INVOLVEMENT, [INVOLVEMENT], {"forms": [INVOLVEMENT]}])
def test_one_form_or_many(document: Json) -> None:
    # Given each shape, when it is read, then it is one record.
    only(read(document, "form", context("social-care")))


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (None, "field.type"),
        ({**INVOLVEMENT, "form": None}, "field.missing"),
        ({**INVOLVEMENT, "form": "complaint"}, "field.code"),
        ({**INVOLVEMENT, "agency": "westshire-council"}, "input.other-agency"),
        ({**INVOLVEMENT, "child": None}, "field.missing"),
        ({**INVOLVEMENT, "child": {}}, "identity.insufficient"),
        ({**INVOLVEMENT, "kind": None}, "field.missing"),
        ({**INVOLVEMENT, "kind": "friend"}, "field.code"),
        ({**INVOLVEMENT, "from": None}, "field.missing"),
        ({**INVOLVEMENT, "until": "2025-08-31"}, "field.date.order"),
        ({**ALERT, "who": []}, "field.missing"),
        ({**ALERT, "who": ["neighbour"]}, "field.code"),
        ({**CONCERN, "at": None}, "field.missing"),
        ({**CONCERN, "on": "2026-03-09"}, "field.date.future"),
        ({**CONCERN, "account": None, "shareableSummary": None}, "field.missing"),
        ({**CONCERN, "urgency": "soon"}, "field.code"),
        ({**CONCERN, "addressedTo": ["Everyone!"]}, "field.code"),
        ({**CONCERN, "categories": ["gossip"]}, "field.code"),
        ({**CONCERN, "persons": ["Lee"]}, "field.type"),
        (
            {**CONCERN, "indicators": [{"code": "score-9", "on": "2026-03-04", "basis": "fact"}]},
            "field.code",
        ),
        ({**CONCERN, "indicators": [{"on": "2026-03-04", "basis": "fact"}]}, "field.missing"),
        ({**CONCERN, "handling": "X"}, "field.code"),
    ],
)
def test_refused(form: Json, code: str) -> None:
    # Given a wrong form before a good one, when both are read, then only the wrong is refused.
    reading = forms(form, ALERT)
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1


@pytest.mark.parametrize("document", [{"forms": 3}, {"x": []}, "text"])
def test_no_forms(document: Json) -> None:
    # Given no list of forms, when it is read, then it is refused whole.
    assert codes(read(json.dumps(document), "form", context("social-care"))) == {"input.shape": 1}


def test_what_is_not_mapped_is_named() -> None:
    # Given elements that no form has, when it is read, then they are named.
    account = forms({**CONCERN, "mood": "sad", "voice": {"song": "x"}}).accounting
    assert account.unmapped == ("mood", "song")


def test_indicators_are_those_of_the_head_schema() -> None:
    # Given the list of the head schema, when it is compared, then forms may name all that a person
    # can see; what only an assessment can find is the police's.
    head = json.loads((shipped.schemas() / "head" / "1.0.avsc").read_bytes())
    labels = head["fields"][0]["type"][1]
    listed = next(one for one in labels["fields"] if one["name"] == "indicators")
    codes_of = listed["type"]["items"]["fields"][0]["codes"]
    assert set(INDICATORS.values()) == {one for one in codes_of if not one.startswith("risk-of-")}


def test_personal_details_are_context() -> None:
    # Given personal details alone, when they are read, then they are one item of context.
    document = {"firstName": "Ellie", "address": {"line1": "x"}, "makaton": True}
    reading = read(document, "personal-details-sui-json", context("social-care"))
    assert (reading.accounting.read, reading.accounting.context) == (1, 1)
    assert reading.accounting.unmapped == ("address", "makaton")


def test_personal_details_of_another_agency() -> None:
    # Given another agency's file, when it is read, then it is refused by its name.
    name = "police-9990000018_PersonalDetailsRecordV1.json"
    reading = read({}, "personal-details-sui-json", context("social-care"), name)
    assert codes(reading) == {"input.other-agency": 1}
