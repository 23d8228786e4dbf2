"""A form while it is mapped, and what all forms have in common: codes, indicators, addressees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.dates import iso_of, not_future
from adapters.drafting import Naming
from adapters.errors import FIELD_CODE, FIELD_MISSING, InputRefused
from adapters.format import ReadContext
from adapters.identifiers import Child
from adapters.sources.elements import Element
from broker.records.statement import Identifiers, Indicator


def same(*codes: str) -> dict[str, str]:
    """Return codes that stand for themselves, whatever their case."""
    return {code.casefold(): code for code in codes}


ROLES = same("suspect", "suspected-child", "relative", "carer", "professional", "friend")
BASES = same("fact", "opinion")
URGENCIES = same("immediate", "today", "routine")
RECOGNITION = same("none", "partial", "clear")
TELLING = same("hidden", "signs-and-symptoms", "prompted", "purposeful")
HANDLING = same("none", "P", "C")
PROTECTIONS = same(
    "sexual-health",
    "court-order",
    "live-investigation",
    "allegation-against-staff",
    "suspected-child",
    "child-objects",
)
INDICATORS = same(
    "chaotic-household", "history-of-abuse", "bereavement-or-loss", "gang-association",
    "school-with-exploited-children", "learning-disability", "sexual-orientation-undisclosed",
    "friends-exploited", "homeless", "lacks-friends-of-own-age", "gang-neighbourhood",
    "residential-care", "hostel-or-bed-and-breakfast", "low-self-esteem", "young-carer", "missing",
    "physical-injury", "drug-or-alcohol-misuse", "offending", "repeat-sexual-health",
    "absent-from-school", "change-in-appearance", "online-vulnerability", "estranged-from-family",
    "unexplained-gifts", "recruiting-others", "poor-mental-health", "self-harm",
    "suicidal-thoughts-or-attempts",
)  # fmt: skip
"""What a form may name; the list stands in schemas/head and a test compares the two."""

_CONSUMER = re.compile(r"[a-z0-9-]{1,63}(/[a-z0-9-]{1,63})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form while it is mapped.

    Attributes:
        form: the form itself.
        objects: all objects in it, for what is left over.
        child: whom it is about.
        context: what else is known.
        naming: natural ids of this file.
    """

    form: Element
    objects: list[Element]
    child: Child
    context: ReadContext
    naming: Naming

    def inside(self, name: str) -> Element | None:
        """Return an object inside the form.

        Raises:
            InputRefused: it is no object.
        """
        element = self.form.element(name)
        if element is not None:
            self.objects.append(element)
        return element

    def natural_id(self, record_type: str, rest: str, item: object) -> str:
        """Return the form's reference, else an id made from what it says."""
        reference = self.form.text("reference")
        if reference is not None:
            return f"{record_type}/{reference}"
        return self.naming.name(f"{record_type}/{self.child.local_subject}/{rest}", item)


NOBODY = Child(Identifiers(), None, ())
"""Of a form that is about no child."""


def persons(filled: Filled) -> list[dict[str, str | None]]:
    """Return the other people whom a form names.

    Raises:
        InputRefused: `field.code`, `field.text`, `field.date`.
    """
    found = []
    for value in filled.form.entries("persons"):
        one = Element(value, "persons")
        filled.objects.append(one)
        born = one.day("dateOfBirth")
        found.append(
            {
                "role": one.code("role", ROLES),
                "name": one.text("name"),
                "date_of_birth": None if born is None else iso_of(born),
            }
        )
    return found


def roles_of(third: list[dict[str, str | None]]) -> tuple[str, ...]:
    """Return the coded roles of other people in a form."""
    return tuple(role for one in third if (role := one["role"]) is not None)


def place_of(filled: Filled, name: str) -> dict[str, str | None] | None:
    """Return a place that a form names.

    Raises:
        InputRefused: `field.type`, `field.text`.
    """
    place = filled.inside(name)
    if place is None:
        return None
    return {part: place.text(part) for part in ("name", "address", "postcode")}


def need(value: str | None, field: str) -> str:
    """Return what must be there.

    Raises:
        InputRefused: `field.missing`.
    """
    if value is None:
        raise InputRefused(FIELD_MISSING, field)
    return value


def indicators(filled: Filled) -> Iterator[Indicator]:
    """Yield the coded signs of a form.

    Raises:
        InputRefused: one is not complete, or lies in the future.
    """
    for value in filled.form.entries("indicators"):
        one = Element(value, "indicators")
        filled.objects.append(one)
        code = need(one.code("code", INDICATORS), "indicators.code")
        basis = need(one.code("basis", BASES), "indicators.basis")
        on = not_future(one.need_day("on"), filled.context.at, "indicators.on")
        yield Indicator(code, on, basis)


def addressed(form: Element) -> tuple[str, ...]:
    """Return the consumers that a form names.

    Raises:
        InputRefused: `field.code`.
    """
    consumers = form.texts("addressedTo")
    if any(_CONSUMER.fullmatch(consumer) is None for consumer in consumers):
        raise InputRefused(FIELD_CODE, "addressedTo")
    return tuple(consumers)
