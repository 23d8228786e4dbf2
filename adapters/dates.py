"""Days and instants as sources write them, to the integers that records hold.

A day is the number of days since 1970-01-01; an instant, milliseconds since then, UTC. A time of
day without an offset is local time in the United Kingdom, whose rule stands here so that nothing
depends on the time zone tables of the machine (Summer Time Order 2002: from the last Sunday of
March to the last Sunday of October, changing at 01:00 UTC).
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from adapters.errors import FIELD_DATE, FIELD_FUTURE, FIELD_ORDER, InputRefused
from broker.clock import DAY, HOUR, MINUTE, Instant

EPOCH = date(1970, 1, 1)
FIRST_YEAR = 1900
LAST_YEAR = 2200
"""Years that a source may name: beyond them it is a placeholder or a slip of the finger."""

SKEW = 5 * MINUTE
"""How far a source's clock may run ahead of ours, in ms; the check of records allows the same."""

SERIAL_EPOCH = 25_569
"""Excel's number of 1970-01-01."""

_SERIAL_DAY = re.compile(r"[2-7]\d{4}", re.ASCII)
"""From 1954 to 2119: nobody's attendance lies elsewhere, and no year looks like that."""

_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_BRITISH_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_ISO_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_HL7_TIME = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(?:\.\d{1,4})?)?)?([+-]\d{4})?", re.ASCII
)


def iso_day(text: str, field: str) -> int:
    """Return the day of `2026-03-04`; a time behind it is passed over.

    Raises:
        InputRefused: `field.date`.
    """
    match = _ISO_DAY.fullmatch(text.strip()[:10])
    if match is None or (len(text.strip()) > 10 and _ISO_TIME.fullmatch(text.strip()) is None):  # noqa: PLR2004 - of the pattern
        raise InputRefused(FIELD_DATE, field)
    return _day(int(match[1]), int(match[2]), int(match[3]), field)


def british_day(text: str, field: str) -> int:
    """Return the day of `04/03/2026`.

    Raises:
        InputRefused: `field.date`.
    """
    match = _BRITISH_DAY.fullmatch(text.strip())
    if match is None:
        raise InputRefused(FIELD_DATE, field)
    return _day(int(match[3]), int(match[2]), int(match[1]), field)


def spreadsheet_day(text: str, field: str) -> int:
    """Return the day of what a spreadsheet saves: `2026-03-04`, `04/03/2026`, or `46085`.

    The last is Excel's own number of a day: those since the last day of 1899, which counts a 29
    February 1900 that never was (ECMA-376, part 1, section 18.17.4.1).

    Raises:
        InputRefused: `field.date`.
    """
    said = text.strip()
    if _SERIAL_DAY.fullmatch(said):
        return int(said) - SERIAL_EPOCH
    return british_day(said, field) if "/" in said else iso_day(said, field)


def iso_instant(text: str, field: str) -> Instant:
    """Return the instant of `2026-03-04T02:05:00Z`; without an offset, United Kingdom time.

    Raises:
        InputRefused: `field.date`.
    """
    match = _ISO_TIME.fullmatch(text.strip())
    if match is None:
        raise InputRefused(FIELD_DATE, field)
    day = iso_day(match[1], field)
    second = int(match[4] or 0)
    millis = int((match[5] or "0").ljust(3, "0")[:3])
    return _instant(day, (int(match[2]), int(match[3]), second, millis), match[6], field)


def hl7_moment(text: str, field: str) -> tuple[int, Instant | None]:
    """Return day and, if a time is given, instant of an HL7 TS (`20260304020500+0000`).

    Raises:
        InputRefused: `field.date`.
    """
    match = _HL7_TIME.fullmatch(text.strip())
    if match is None:
        raise InputRefused(FIELD_DATE, field)
    day = _day(int(match[1]), int(match[2]), int(match[3]), field)
    if match[4] is None:
        return day, None
    clock = (int(match[4]), int(match[5]), int(match[6] or 0), 0)
    return day, _instant(day, clock, match[7], field)


def iso_of(day: int) -> str:
    """Return a day as `2026-03-04`."""
    return (EPOCH + timedelta(days=day)).isoformat()


def day_of(at: Instant) -> int:
    """Return the day, in the United Kingdom, that an instant lies in."""
    return (at + _summer(at)) // DAY


def not_future(day: int, at: Instant, field: str) -> int:
    """Return the day.

    Raises:
        InputRefused: `field.date.future`: it begins after `at`.
    """
    if day > day_of(Instant(at + SKEW)):
        raise InputRefused(FIELD_FUTURE, field)
    return day


def in_order(first: int | None, last: int | None, field: str) -> None:
    """Do nothing if `last` is not before `first`.

    Raises:
        InputRefused: `field.date.order`.
    """
    if first is not None and last is not None and last < first:
        raise InputRefused(FIELD_ORDER, field)


def _day(year: int, month: int, day: int, field: str) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InputRefused(FIELD_DATE, field)
    try:
        return (date(year, month, day) - EPOCH).days
    except ValueError as error:
        raise InputRefused(FIELD_DATE, field) from error


def _instant(day: int, clock: tuple[int, int, int, int], offset: str | None, field: str) -> Instant:
    hour, minute, second, millis = clock
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - the clock's own bounds
        raise InputRefused(FIELD_DATE, field)
    local = day * DAY + hour * HOUR + minute * MINUTE + second * 1000 + millis
    if offset is None:
        # Of the hour that autumn repeats, the first; in the gap of spring, as if it were winter.
        return Instant(local - _summer(Instant(local - HOUR)))
    if offset == "Z":
        return Instant(local)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:  # noqa: PLR2004 - no place on Earth is further from UTC
        raise InputRefused(FIELD_DATE, field)
    sign = -1 if offset[0] == "-" else 1
    return Instant(local - sign * (hours * HOUR + minutes * MINUTE))


def _summer(at: Instant) -> int:
    """Return how far summer time is ahead of UTC at an instant, in ms: an hour or nothing."""
    year = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).year
    begins = _last_sunday(year, 3) * DAY + HOUR
    ends = _last_sunday(year, 10) * DAY + HOUR
    return HOUR if begins <= at < ends else 0


@lru_cache(maxsize=256)
def _last_sunday(year: int, month: int) -> int:
    last = date(year, month, monthrange(year, month)[1])
    return (last - timedelta(days=(last.weekday() + 1) % 7) - EPOCH).days
