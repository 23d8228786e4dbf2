"""Hours, telephone numbers and agencies."""

from datetime import UTC, datetime

import pytest

from broker.clock import SECOND, Instant
from broker.protocol.roster import local_time, read_hours, roster_of, roster_plain
from broker.records.names import AgencyId, ConsumerId
from tests.broker.protocol.county import COUNCIL, POLICE, county

ROSTER = county().agreement.roster


def utc(text: str) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND)


@pytest.mark.parametrize(
    ("at", "clock"),
    [
        ("2026-01-15T12:00", "12:00"),
        ("2026-03-29T00:59", "00:59"),
        ("2026-03-29T01:00", "02:00"),
        ("2026-07-01T12:00", "13:00"),
        ("2026-10-25T00:59", "01:59"),
        ("2026-10-25T01:00", "01:00"),
        ("2027-03-28T01:00", "02:00"),
    ],
)
def test_clocks_in_england(at: str, clock: str) -> None:
    assert local_time(utc(at)).strftime("%H:%M") == clock


@pytest.mark.parametrize(
    ("at", "staffed"),
    [
        ("2026-03-02T08:29", False),
        ("2026-03-02T08:30", True),
        ("2026-03-06T16:59", True),
        ("2026-03-06T17:00", False),
        ("2026-03-07T12:00", False),
        ("2026-07-01T07:30", True),
    ],
)
def test_a_desk_is_rung_where_somebody_answers(at: str, *, staffed: bool) -> None:
    # given the MASH, staffed on weekdays from 8.30 to 17.00 by the clock on its wall
    desk = ROSTER.desk(ConsumerId("eastshire-council/mash"))
    assert desk is not None

    # then out of hours it is the emergency duty team's number that is given
    assert desk.hours.cover(utc(at)) is staffed
    number = desk.telephone if staffed else desk.out_of_hours
    assert desk.telephone_at(utc(at)) == number


def test_a_desk_that_is_always_staffed() -> None:
    desk = ROSTER.desk(ConsumerId("eastshire-council/edt"))
    assert desk is not None
    assert desk.hours.cover(utc("2026-12-25T03:00"))


@pytest.mark.parametrize(
    "said",
    ["", "never", "Mon-Fri", "Mon-Fri 17:00-08:30", "Fri-Mon 08:00-17:00", "Moo 08:00-17:00",
     "Mon-Fri 08:00-17:60", "Mon-Fri 8:00-17:00"],
)  # fmt: skip
def test_what_are_no_hours(said: str) -> None:
    assert read_hours(said) is None


def test_one_day_is_enough() -> None:
    hours = read_hours("Sat 10:00-12:00")
    assert hours is not None
    assert hours.days == (5,)


def test_who_exists() -> None:
    assert ROSTER.has(POLICE)
    assert ROSTER.has("eastshire-council/mash")
    assert not ROSTER.has("eastshire-council/stationery")
    assert not ROSTER.has("westshire-council")
    assert ROSTER.type_of(COUNCIL) == "social-care"
    assert ROSTER.type_of(AgencyId("westshire-council")) is None


def test_desks_of_agencies() -> None:
    # given a whole agency, then its first desk answers for it
    first = ROSTER.desk(ConsumerId("eastshire-council"))
    assert first is not None
    assert first.id == "mash"
    assert ROSTER.desk(ConsumerId("westshire-council")) is None
    assert ROSTER.desk(ConsumerId("eastshire-council/stationery")) is None


def test_the_roster_survives_plain_json() -> None:
    assert roster_of(roster_plain(ROSTER)) == ROSTER


def test_plain_json_with_wrong_hours_is_refused() -> None:
    plain = roster_plain(ROSTER)
    plain[0]["desks"][0]["hours"] = "now and then"
    with pytest.raises(ValueError, match="hours"):
        roster_of(plain)
