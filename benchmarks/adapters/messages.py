"""Made-up HL7 v2 messages: registrations at an emergency department."""

from random import Random

from adapters.demo_week.events import REASONS
from adapters.demo_week.people import HOSPITALS, MILLBROOK, ST_BRANNOCKS, Person
from adapters.demo_week.sheets import adt
from benchmarks.adapters import made_up
from benchmarks.adapters.shapes import Shape


def registration(number: int, random: Random) -> str:
    """Return an ADT^A04 about one of the children; its control id is of this number alone."""
    child = random.randrange(made_up.COHORT)
    person = Person(
        child + 1,
        made_up.given(child),
        made_up.family(child),
        made_up.born(child),
        made_up.nhs(child),
        made_up.upn(child + 1),
        ST_BRANNOCKS,
        MILLBROOK,
    )
    return adt(
        person,
        made_up.moment(random),
        control=f"B{number}",
        reason=random.choice(REASONS),
        mode=random.choice("ACFPU"),
        facility=HOSPITALS,
    )


MESSAGES = (Shape("health-hl7-adt", "health", "adt.hl7", registration, "hl7"),)
