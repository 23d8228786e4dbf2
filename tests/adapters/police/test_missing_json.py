"""Reports of missing children → missing-episode."""

import json

import pytest

from adapters.dates import iso_instant
from adapters.reading import Reading
from tests.adapters.reading_support import MISSING_REPORT, Json, codes, content, context, only, read


def reports(*changes: Json) -> Reading:
    """Read a file of the sample report, once for each set of changes."""
    found = [MISSING_REPORT | change for change in changes]
    return read(json.dumps({"missingReports": found}), "police-missing-json", context())


def test_a_child_who_is_missing_is_urgent() -> None:
    # Given a report of tonight, when it is read
    draft = only(reports({}))
    # Then everything has its place, and it takes the urgent lanes.
    assert draft.urgent
    assert draft.statement.natural_id == "missing-episode/MP-1"
    assert draft.statement.identifiers.family == "Marsh"
    said = content(draft)
    assert said["episode"]["risk"] == "high"
    assert (said["episode"]["returned"], said["episode"]["kind"]) == (False, "missing")
    assert said["last_seen"]["description"] == "Bus station"
    assert said["return_interview"]["offered"] is True
    facts = {"missing:current", "missing:high-risk", "repeat:third-in-90-days"}
    assert set(draft.statement.labels.facts) == facts
    assert [one.code for one in draft.statement.labels.indicators] == ["missing"]


def test_a_child_who_is_back_is_the_next_version() -> None:
    # Given the same report when she is back, when both are read
    back = {"returnedAt": "2026-03-04T01:00:00Z", "found": {"place": "Quay"}}
    first, second = reports({}, back).drafts
    # Then it is the same episode, which has ended.
    assert first.statement.natural_id == second.statement.natural_id
    assert content(second)["episode"]["end_at"] == iso_instant("2026-03-04T01:00Z", "at")
    assert content(second)["found"]["description"] == "Quay"
    assert "missing:returned" in second.statement.labels.facts
    assert not second.urgent


def test_who_is_back_may_be_said_without_a_time() -> None:
    assert content(only(reports({"returned": True})))["episode"]["returned"]


@pytest.mark.parametrize(
    ("grading", "kind", "risk"),
    [
        ("medium", "missing", "medium"),
        ("No apparent risk", "away", "low"),
        ("absent", "away", "low"),
        ("not yet graded", "missing", "unknown"),
        (None, "missing", "unknown"),
    ],
)
def test_grades(grading: str | None, kind: str, risk: str) -> None:
    draft = only(reports({"grading": grading}))
    episode = content(draft)["episode"]
    assert (episode["kind"], episode["risk"]) == (kind, risk)
    assert ("missing:away" in draft.statement.labels.facts) is (kind == "away")
    assert bool(draft.statement.labels.indicators) is (kind == "missing")


def test_a_day_will_do() -> None:
    draft = only(reports({"missingSince": None, "missingOn": "2026-03-03", "lastSeen": {}}))
    assert content(draft)["episode"]["start_at"] is None
    assert "last_seen" not in content(draft)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference": None}, "field.missing"),
        ({"person": None}, "field.missing"),
        ({"person": {"firstName": "Ellie"}}, "identity.insufficient"),
        ({"missingSince": None}, "field.missing"),
        ({"missingSince": "2030-01-01T00:00:00Z"}, "field.date.future"),
        ({"returnedAt": "2030-01-01T00:00:00Z"}, "field.date.future"),
        ({"returnedAt": "2026-03-03T20:00:00Z"}, "field.date.order"),
        (
            {"missingSince": None, "missingOn": "2026-03-03", "returnedAt": "2026-03-02T20:00Z"},
            "field.date.order",
        ),
        ({"grading": "enormous"}, "field.code"),
        ({"episodesInLast90Days": 0}, "field.number"),
        ({"lastSeen": "somewhere"}, "field.type"),
    ],
)
def test_a_wrong_report_is_refused_and_no_other(change: Json, code: str) -> None:
    reading = reports(change, {})
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1


def test_what_is_not_mapped_is_named() -> None:
    person = MISSING_REPORT["person"] | {"shoeSize": 4}
    reading = reports({"dog": "Rex", "person": person})
    assert reading.accounting.unmapped == ("dog", "person.shoeSize")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([], "input.shape"),
        ({"missingReports": {}}, "input.shape"),
        ({"agency": "westshire-police", "missingReports": []}, "input.other-agency"),
    ],
)
def test_a_file_of_another_shape_is_refused(document: Json, code: str) -> None:
    assert codes(read(json.dumps(document), "police-missing-json", context())) == {code: 1}
