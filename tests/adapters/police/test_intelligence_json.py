"""3x5x2 intelligence reports → person-, place- and group-of-concern."""

import json

import pytest

from adapters.reading import Reading
from tests.adapters.reading_support import INTELLIGENCE_REPORT, Json, codes, content, context, read

GRADING: Json = INTELLIGENCE_REPORT["grading"]


def reports(*changes: Json) -> Reading:
    """Read a file of the sample report, once for each set of changes."""
    found = [INTELLIGENCE_REPORT | change for change in changes]
    return read(json.dumps({"intelligenceReports": found}), "police-intelligence-json", context())


def test_a_report_gives_a_record_for_each_subject() -> None:
    # Given a report about a person, a place and a group, when it is read
    reading = reports({})
    person, place, group = reading.drafts
    # Then it is one item and three records, each with grading and information.
    assert (reading.accounting.mapped, reading.accounting.records) == (1, 3)
    assert [one.statement.type for one in reading.drafts] == [
        "person-of-concern",
        "place-of-concern",
        "group-of-concern",
    ]
    for one in reading.drafts:
        assert content(one)["grading"] == {"source": "2", "intelligence": "B", "handling": "P"}
        assert one.statement.labels.handling == "P"
        assert content(one)["information"].startswith("Girls are seen")
    assert person.statement.identifiers.family == "Sample"
    assert content(place)["place"]["name"] == "Quay Hotel"
    assert "place" not in content(person)
    assert content(group)["concern"]["size"] == 4
    assert group.statement.natural_id == "group-of-concern/IR-1"


def test_a_suspected_child_is_a_child_with_needs() -> None:
    status = INTELLIGENCE_REPORT["person"] | {"status": "child-with-own-needs"}
    draft = reports({"person": status}).drafts[0]
    assert draft.statement.labels.facts == ("peer:child",)
    assert draft.statement.labels.protections == ("suspected-child",)


def test_a_person_whom_nobody_knows_is_nobody() -> None:
    draft = reports({"person": {}, "place": None, "group": None}).drafts[0]
    assert draft.statement.identifiers.family is None
    assert content(draft)["concern"]["dual_status"] == "not-known"


def test_under_c_the_label_says_so_and_conditions_stay() -> None:
    grading = GRADING | {"handling": "C", "conditions": "Not to be told to the family."}
    for one in reports({"grading": grading}).drafts:
        assert one.statement.labels.handling == "C"
        assert "family" not in json.dumps(content(one))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference": None}, "field.missing"),
        ({"date": None}, "field.missing"),
        ({"date": "2030-01-01"}, "field.date.future"),
        ({"about": None}, "field.missing"),
        ({"about": "parking"}, "field.code"),
        ({"information": None}, "field.missing"),
        ({"grading": None}, "field.missing"),
        ({"grading": GRADING | {"source": None}}, "field.missing"),
        ({"grading": GRADING | {"intelligence": "F"}}, "field.code"),
        ({"grading": GRADING | {"handling": None}}, "field.missing"),
        ({"grading": GRADING | {"handling": "C"}}, "field.missing"),
        ({"grading": GRADING | {"conditions": "None."}}, "field.code"),
        ({"person": None, "place": None, "group": None}, "field.missing"),
        ({"place": {"name": "Quay"}}, "field.missing"),
        ({"group": {"size": 2}}, "field.missing"),
        ({"person": {"lastName": "Sample"}}, "identity.insufficient"),
    ],
)
def test_a_wrong_report_is_refused_whole_and_no_other(change: Json, code: str) -> None:
    reading = reports(change, {"reference": "IR-2"})
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1
    assert len(reading.drafts) == 3


def test_a_place_may_be_a_kind_alone() -> None:
    draft = reports({"person": None, "group": None, "place": {"kind": "online"}}).drafts[0]
    assert "place" not in content(draft)
