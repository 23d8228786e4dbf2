"""Health export → emergency-attendance."""

import pytest

from adapters.health.attendance import facts
from adapters.health.protected import protections
from broker.clock import HOUR, Instant
from tests.adapters.reading_support import HEALTH, Json, child, codes, content, context, only, read

FORMAT = "health-sui-json"


def attendances(*entries: Json) -> Json:
    return [child({"emergencyDepartmentAttendances": list(entries)})]


def test_full_and_thin_attendances() -> None:
    # Given an attendance with all that systems add, and the pilot's thin one, when they are read
    full, thin = read([child(HEALTH)], FORMAT, context("health")).drafts
    # Then the first has all of it, the second a day and nothing made up.
    assert content(full)["attendance"]["mode"] == "ambulance"
    assert content(full)["site"] == {"organisation": "Eastshire General", "department": "ED"}
    assert content(full)["accompanied_by"] == {"relationship": "Aunt", "name": "Sam Sample"}
    labels = full.statement.labels
    assert labels.roles == ("relative",)
    assert labels.facts == ("attendance:admitted", "attendance:emergency", "attendance:night")
    assert content(thin).keys() == {"attendance"}
    assert content(thin)["attendance"]["arrival_at"] is None
    assert thin.statement.labels.facts == ("attendance:emergency",)
    assert not full.urgent


def test_what_other_agencies_may_not_see_is_named_and_left() -> None:
    # Given practice, appointments and doctor, when they are read, then they are named only.
    account = read([child(HEALTH)], FORMAT, context("health")).accounting
    assert account.unmapped == ("missedAppointments", "registeredGPName")


def test_a_time_alone_is_enough() -> None:
    # Given a time without a date, when it is read, then it is mapped.
    data = attendances({"arrivedAt": "2026-03-04T02:05:00Z"})
    assert content(only(read(data, FORMAT, context("health"))))["attendance"]["arrival"] == 20516


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"reason": "x"}, "field.missing"),
        ({"date": "2026-03-05"}, "field.date.future"),
        ({"date": "2026-03-04", "mode": "sledge"}, "field.code"),
        ({"date": "2026-03-04", "disposition": "?"}, "field.code"),
        ({"date": "2026-03-04", "accompaniedBy": "Sam"}, "field.type"),
        (None, "field.type"),
    ],
)
def test_refused(entry: Json, code: str) -> None:
    # Given a wrong entry beside a good one, when both are read, then only the wrong one is refused.
    reading = read(attendances(entry, {"date": "2026-03-04"}), FORMAT, context("health"))
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1


@pytest.mark.parametrize(
    ("relationship", "roles"),
    [
        ("Foster carer", ("carer",)),
        ("Social worker", ("professional",)),
        ("Friend", ()),
        (None, ()),
    ],
)
def test_who_came_with_the_child(relationship: str | None, roles: tuple[str, ...]) -> None:
    # Given a companion, when the attendance is read, then the label tells the coded role alone.
    entry = {"date": "2026-03-04", "accompaniedBy": {"relationship": relationship, "name": "Sam"}}
    draft = only(read(attendances(entry), FORMAT, context("health")))
    assert draft.statement.labels.roles == roles


@pytest.mark.parametrize(
    "entry",
    [
        {"date": "2026-03-04", "reason": "Emergency CONTRACEPTION"},
        {"date": "2026-03-04", "reason": "Review", "department": "Sexual Health Hub"},
    ],
)
def test_sexual_health_is_labelled(entry: Json) -> None:
    # Given a reason or a department that tells, when it is read, then the label is set.
    draft = only(read(attendances(entry), FORMAT, context("health")))
    assert draft.statement.labels.protections == ("sexual-health",)


def test_services_tell_too() -> None:
    # Given coded services, when protections are asked for, then the clinic's code is enough.
    assert protections("sprain", None, services=("101", None)) == ()
    assert protections(services=("360",)) == ("sexual-health",)


def test_night() -> None:
    # Given each hour of a winter and of a summer day, when facts are asked for
    for start, shift in ((1772582400000, 0), (1783036800000, 1)):
        night = [
            hour
            for hour in range(24)
            if "attendance:night" in facts(Instant(start + (hour - shift) * HOUR), None)
        ]
        # Then night is from 22 to 6, local time.
        assert night == [0, 1, 2, 3, 4, 5, 22, 23]
    assert facts(None, "left-before-treatment")[1] == "attendance:left-before-treatment"
