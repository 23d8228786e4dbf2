"""People whom a record names, beside a child: whether one of them works at a consumer.

An agency may say who works there (record type `staff`, kind register). What is kept of that, and
compared, is tokens. Compared are the subject, and everybody named whose role is not one in which
colleagues are named: by name and date of birth, or by name alone where one of the two has no date
of birth. Whoever is not found was perhaps written otherwise, so that "none found" is all that can
be said, and "not checked" where an agency keeps no such register.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from broker.protocol.questions import NOT_CHECKED
from broker.records.check import Accepted
from broker.records.names import AgencyId
from broker.subjects.registers import Registers
from broker.subjects.states import Staff
from broker.subjects.tokens import Tokeniser

MATCH = "match"
NONE_FOUND = "none-found"

COLLEAGUES = frozenset({"professional", "friend", "suspected-child"})
"""Roles of people who do not keep a record from where they work."""

Person = tuple[bytes, bytes | None]
"""Token of the name, token of the date of birth if that is known."""


def staff_stated(value: Iterable[dict[str, Any]], tokeniser: Tokeniser) -> Staff:
    """Return what a register of staff states, in tokens."""
    members = {
        tokeniser.person(f"{one['given']} {one['family']}", one["date_of_birth"]) for one in value
    }
    return Staff(tuple(sorted(members, key=lambda one: (one[0], one[1] or b""))))


def people_of(accepted: Accepted, tokeniser: Tokeniser) -> frozenset[Person]:
    """Return the subject and the others whom a record names, but colleagues."""
    found = set()
    said = accepted.identifiers
    if said.given is not None and said.family is not None:
        found.add(tokeniser.person(f"{said.given} {said.family}", said.date_of_birth))
    for number, spec in accepted.schema.slots.items():
        if spec.third_party:
            value = spec.decode(accepted.envelope.slots[number].value)
            found |= {
                tokeniser.person(one["name"], one.get("date_of_birth"))
                for one in _persons(value)
                if one.get("name") and one.get("role") not in COLLEAGUES
            }
    return frozenset(found)


def _persons(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - what a slot holds
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, dict):
            yield one


def works_at(people: Iterable[Person], agency: AgencyId, registers: Registers) -> str:
    """Return whether one of some people works at an agency: match, none-found or not-checked."""
    stated = registers.staff_of(agency)
    if not stated:
        return NOT_CHECKED
    members = {member for staff in stated for member in staff.members}
    names = {name for name, _ in members}
    nameless = {name for name, born in members if born is None}
    for name, born in people:
        if name in nameless or (name, born) in members or (born is None and name in names):
            return MATCH
    return NONE_FOUND
