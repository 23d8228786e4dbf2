"""Days and instants, however they are written."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import dates
from adapters.errors import InputRefused
from broker.clock import Instant

LONDON = ZoneInfo("Europe/London")


@given(st.datetimes(datetime(1972, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001 - local on purpose
def test_local_time_is_read_as_the_time_zone_tables_say(local: datetime) -> None:
    # Given a local time of the United Kingdom that exists, when it is read
    local = local.replace(microsecond=0)
    aware = local.replace(tzinfo=LONDON)
    if aware.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != local:
        return  # the hour that spring leaves out
    found = dates.iso_instant(local.isoformat(), "at")
    # Then it is the instant that the machine's tables give; of a repeated hour, the first.
    if date(1980, 12, 31) < local.date():  # before, the rule was another
        ends = aware.astimezone(UTC)
        if local.year >= 1996:
            assert found == int(ends.timestamp()) * 1000
            assert dates.day_of(found) == (local.date() - dates.EPOCH).days


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
def test_each_notation_gives_the_same_day(day: date) -> None:
    # Given a day in three notations, when it is read, then it is one number, and goes back.
    number = dates.iso_day(day.isoformat(), "d")
    assert number == dates.british_day(f"{day:%d/%m}/{day.year:04d}", "d")
    assert dates.hl7_moment(f"{day.year:04d}{day:%m%d}", "d") == (number, None)
    assert dates.iso_of(number) == day.isoformat()


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T19:00-0500", 0),
        ("1970-01-01 00:00:01.5Z", 1500),
    ],
)
def test_offsets_are_kept(text: str, millis: int) -> None:
    # Given a time with an offset, when it is read, then the offset counts.
    assert dates.iso_instant(text, "at") == millis


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-30", "2026-2-3", "1899-12-31", "2201-01-01", "2026-03-04Tnoon", "٢٠٢٦-03-04"],
)
def test_no_day(text: str) -> None:
    # Given what is no day, when it is read, then it is refused by the name of its field.
    with pytest.raises(InputRefused) as caught:
        dates.iso_day(text, "date")
    assert (caught.value.code.name, caught.value.where) == ("field.date", "date")


@pytest.mark.parametrize("text", ["31/06/2025", "1/6/2025", "2025-06-01", ""])
def test_no_british_day(text: str) -> None:
    # Given what is no such day, when it is read, then it is refused.
    with pytest.raises(InputRefused):
        dates.british_day(text, "date")


@pytest.mark.parametrize(
    "text",
    ["2026-03-04", "2026-03-04T24:00", "2026-03-04T12:60", "2026-03-04T12:00:60",
     "2026-03-04T12:00+15:00", "2026-02-30T12:00"],
)  # fmt: skip
def test_no_instant(text: str) -> None:
    # Given what is no time, when it is read, then it is refused.
    with pytest.raises(InputRefused):
        dates.iso_instant(text, "at")


def test_hl7_times() -> None:
    # Given times of HL7, with and without offset, when they are read, then day and instant fit.
    day, at = dates.hl7_moment("20260304020500+0000", "f")
    assert at is not None
    assert (day, dates.day_of(at)) == (20516, 20516)
    assert dates.hl7_moment("202607040205", "f")[1] == dates.iso_instant("2026-07-04T01:05Z", "f")
    for wrong in ("20260399", "2026030425", "garbage", "202603042500"):
        with pytest.raises(InputRefused):
            dates.hl7_moment(wrong, "f")


def test_a_day_that_began_within_the_skew_is_not_in_the_future() -> None:
    # Given four minutes before midnight, when tomorrow is asked for, then clocks may differ so far.
    midnight = dates.iso_instant("2026-03-05T00:00:00Z", "at")
    today = dates.day_of(midnight)
    assert dates.not_future(today, Instant(midnight - 4 * 60_000), "d") == today
    with pytest.raises(InputRefused):
        dates.not_future(today, Instant(midnight - 6 * 60_000), "d")


def test_order() -> None:
    # Given two days, when the last is before the first, then that is refused, and only that.
    dates.in_order(1, 1, "end")
    dates.in_order(None, 1, "end")
    dates.in_order(1, None, "end")
    with pytest.raises(InputRefused):
        dates.in_order(2, 1, "end")


def test_every_last_sunday() -> None:
    # Given each year, when summer begins, then it is a Sunday of the last week of March.
    for year in range(1996, 2100):
        begins = dates.EPOCH + timedelta(days=dates._last_sunday(year, 3))
        assert (begins.weekday(), begins.month, begins.day >= 25) == (6, 3, True)
