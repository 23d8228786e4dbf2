"""Children, schools and days of a county that does not exist, by number: nothing is held.

NHS numbers are of the test range, pupil numbers of an authority that does not exist.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

from adapters.demo_week.people import FAMILY_NAMES, GIVEN_NAMES, nhs_numbers
from broker.subjects.identifiers import UPN_LETTERS

GIVEN, FAMILY = GIVEN_NAMES.split(), FAMILY_NAMES.split()

COHORT = 20_000
"""Children of whom a county's systems tell; files with more rows tell more of each."""

FIRST_BIRTH = date(2008, 9, 1)
FIRST_SCHOOL_DAY = date(2025, 9, 1)
"""A Monday."""

SCHOOL_DAYS = 130
"""Until the end of February, holidays not taken out."""

SCHOOL_WEEK = 5

FIRST_SCHOOL, SCHOOLS, SERIALS = 4001, 10, 100_000
"""Numbers of schools, and of pupils of each: the digits of a pupil's number."""


@lru_cache(maxsize=1)
def _numbers() -> list[str]:
    return nhs_numbers(COHORT)


def nhs(number: int) -> str:
    """Return a child's NHS number; those of children past the cohort begin anew."""
    return _numbers()[number % COHORT]


def upn(number: int) -> str:
    """Return a pupil's number: a million are different, of ten schools."""
    school, serial = divmod(number % (SCHOOLS * SERIALS), SERIALS)
    digits = f"999{FIRST_SCHOOL + school}{serial:05d}"
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return UPN_LETTERS[total % len(UPN_LETTERS)] + digits


def born(number: int) -> date:
    """Return a child's date of birth."""
    return FIRST_BIRTH + timedelta(days=number * 37 % 3000)


def given(number: int) -> str:
    """Return a child's given name."""
    return GIVEN[number % len(GIVEN)]


def family(number: int) -> str:
    """Return a child's family name."""
    return FAMILY[number // len(GIVEN) % len(FAMILY)]


def british(day: date) -> str:
    """Return a day as British systems export it."""
    return f"{day:%d/%m/%Y}"


def school_day(number: int) -> date:
    """Return a day of the school year from its first, without week-ends."""
    weeks, days = divmod(number, SCHOOL_WEEK)
    return FIRST_SCHOOL_DAY + timedelta(weeks=weeks, days=days)


def moment(random: Random, last_days: int = 180) -> datetime:
    """Return a time of the months before the files are read."""
    minutes = random.randrange(last_days * 24 * 60)
    return datetime(2026, 3, 30, 8, tzinfo=UTC) - timedelta(minutes=minutes)


def since(first: date, days: int) -> date:
    """Return a day so many days later."""
    return first + timedelta(days=days)
