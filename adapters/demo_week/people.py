"""The children of Eastshire, from a seed: who they are, and who works with them."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from nhs_number.validate import calculate_checksum

from broker.subjects.identifiers import UPN_LETTERS

MONDAY = date(2026, 3, 2)
"""First day of the week, winter time: local time is UTC."""

POLICE = "eastshire-police"
COUNCIL = "eastshire-council"
HOSPITALS = "eastshire-hospitals"
MILLBROOK = "millbrook-surgery"
HARBOUR_PRACTICE = "harbour-practice"
ST_BRANNOCKS = "st-brannocks-school"
HARBOUR_ACADEMY = "harbour-academy"
FAIRFIELD = "fairfield-primary"

PRACTICES = (MILLBROOK, HARBOUR_PRACTICE)
SCHOOLS = (ST_BRANNOCKS, HARBOUR_ACADEMY, FAIRFIELD)

SITES = {
    ST_BRANNOCKS: ("St Brannock's School", "ZZ2 2BB", 4001),
    HARBOUR_ACADEMY: ("Harbour Academy", "ZZ3 1HA", 4002),
    FAIRFIELD: ("Fairfield Primary School", "ZZ4 3FP", 2003),
    MILLBROOK: ("Millbrook Surgery", "ZZ2 4MS", 0),
    HARBOUR_PRACTICE: ("Harbour Practice", "ZZ3 5HP", 0),
    HOSPITALS: ("Eastshire General Hospital", "ZZ1 1EG", 0),
}
"""Name, postcode, establishment number (schools)."""

LEAVES_PRIMARY = 11
GIVEN_NAMES = """
    Aaliyah Adam Aisha Alfie Amara Anya Ben Bethany Caleb Callum Chloe Connor Daisy Daniel
    Demi Dylan Elif Ethan Eva Farah Finley Freya George Grace Hamza Hannah Harley Holly
    Ibrahim Isla Jack Jasmine Jayden Joshua Kacper Kai Keira Lacey Leo Lewis Lola Lucas Maisie
    Mason Mia Mohammed Nadia Noah Olivia Oscar Paige Poppy Rhys Ruby Sana Scarlett Tariq
    Thomas Tia Zara
"""
FAMILY_NAMES = """
    Abbott Ahmed Barlow Begum Bright Carver Chaudhry Cole Dacosta Dunmore Ellwood Fenn Garrick
    Hallam Hussain Ives Jarvis Kaur Kowalski Lambert Marlow Mensah Nowak Okoro Pemberton Quill
    Rafferty Rowe Sandhu Tolley Underhill Vickers Wakeling Yardley
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A child who does not exist.

    Attributes:
        number: from 1, in the order of the seed.
        given: given name.
        family: family name.
        born: date of birth.
        nhs: NHS number of the test range.
        upn: unique pupil number.
        school: where the child is on roll.
        practice: where the child is registered.
        allocated: whether a social worker is allocated.
        placed: whether the council has placed the child.
        clinic: whether the hospital has an open case.
        known_to_police: whether the police have an open case.
    """

    number: int
    given: str
    family: str
    born: date
    nhs: str
    upn: str
    school: str
    practice: str
    allocated: bool = False
    placed: bool = False
    clinic: bool = False
    known_to_police: bool = False

    @property
    def council_id(self) -> str:
        """The council's identifier."""
        return f"EC-{104000 + self.number}"

    def own_id(self, agency: str) -> str:
        """The identifier of the child in an agency's own system."""
        prefix = "".join(word[0] for word in agency.split("-")).upper()
        return f"{prefix}-{(self.number * 7919) % 90000 + 10000}"


def nhs_numbers(count: int) -> list[str]:
    """Return valid NHS numbers of the test range, rising from 999 000 0018."""
    found: list[str] = []
    serial = 1
    while len(found) < count:
        nine = f"999{serial:06d}"
        check = calculate_checksum(nine)
        serial += 1
        if check is not None and check < 10:  # noqa: PLR2004 - a remainder of 10 is never issued
            found.append(f"{nine}{check}")
    return found


def pupil_number(school: str, serial: int) -> str:
    """Return a valid unique pupil number of a fictional authority."""
    digits = f"999{SITES[school][2]}20{serial:03d}"[:12].ljust(12, "0")
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return UPN_LETTERS[total % len(UPN_LETTERS)] + digits


def children(random: Random, count: int) -> list[Person]:
    """Return the county's children; the first is the girl whose story is told."""
    numbers = nhs_numbers(count)
    return [ellie(numbers[0])] + [
        _child(random, number, numbers[number - 1]) for number in range(2, count + 1)
    ]


def ellie(nhs: str) -> Person:
    """Return the girl whose story is told."""
    return Person(
        number=1,
        given="Ellie",
        family="Marsh",
        born=date(2011, 10, 5),
        nhs=nhs,
        upn=pupil_number(ST_BRANNOCKS, 1),
        school=ST_BRANNOCKS,
        practice=MILLBROOK,
        allocated=True,
    )


def _child(random: Random, number: int, nhs: str) -> Person:
    born = MONDAY - timedelta(days=random.randint(5 * 365 + 30, 17 * 365))
    age = (MONDAY - born).days // 365
    school = FAIRFIELD if age < LEAVES_PRIMARY else random.choice((ST_BRANNOCKS, HARBOUR_ACADEMY))
    return Person(
        number=number,
        given=random.choice(GIVEN_NAMES.split()),
        family=random.choice(FAMILY_NAMES.split()),
        born=born,
        nhs=nhs,
        upn=pupil_number(school, number),
        school=school,
        practice=random.choice(PRACTICES),
        allocated=random.random() < 0.25,  # noqa: PLR2004 - shares of a made-up county
        placed=random.random() < 0.06,  # noqa: PLR2004 - made up for the week
        clinic=random.random() < 0.1,  # noqa: PLR2004 - made up for the week
        known_to_police=random.random() < 0.08,  # noqa: PLR2004 - made up for the week
    )
