"""People whom a record names, beside a child: whether one of them works at a consumer.

An agency may say who works there (record type `staff`, kind register). What is kept of that, and
compared, is tokens. Compared are the subject, and everybody named whose role is not one in which
colleagues are named: by name and date of birth, or by name alone where one of the two has no date
of birth. Whoever is not found was perhaps written otherwise, so that "none found" is all that can
be said, and "not checked" where an agency keeps no such register.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from broker.protocol.agreement import Agreement
from broker.protocol.questions import NOT_CHECKED
from broker.records.check import Accepted
from broker.records.names import AgencyId, ConsumerId, Kind, RecordId, agency_of
from broker.routing.consumers import Asked
from broker.routing.meaning import first_slot
from broker.subjects.registers import Registers
from broker.subjects.states import Staff
from broker.subjects.tokens import Tokeniser

MATCH = "match"
SENIOR = "named-senior"
NONE_FOUND = "none-found"

COLLEAGUES = frozenset({"professional", "friend", "suspected-child"})
"""Roles of people who do not keep a record from where they work."""

Person = tuple[bytes, bytes | None]
"""Token of the name, token of the date of birth if that is known."""


def staff_of(accepted: Accepted, tokeniser: Tokeniser) -> tuple[Staff | None, RecordId | None]:
    """Return what a register of staff states, in tokens, or which one is taken back."""
    if accepted.envelope.head.kind is Kind.RETRACTION:
        gone = accepted.labels.concerns
        return None, None if gone is None else RecordId(gone)
    members = {
        tokeniser.person(f"{one['given']} {one['family']}", one["date_of_birth"])
        for one in first_slot(accepted)
    }
    return Staff(tuple(sorted(members, key=lambda one: (one[0], one[1] or b"")))), None


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


def works_at(people: Collection[Person], agency: AgencyId, registers: Registers) -> str:
    """Return whether one of some people works at an agency: match, none-found or not-checked."""
    stated = registers.staff_of(agency)
    if not stated:
        return NOT_CHECKED
    matches = any(staff.has(*person) for staff in stated for person in people)
    return MATCH if matches else NONE_FOUND


def with_seniors(who: Sequence[Asked], source: AgencyId, agreement: Agreement) -> tuple[Asked, ...]:
    """Return who is asked, with those who are asked instead of an agency where somebody works.

    That is the agency's desk `named-senior`, if it has one, and whom the protocol names for this.
    Whoever is asked for this reason is asked as where a match was found.
    """
    found = {one.consumer: one for one in who}
    agencies = {agency_of(one.consumer) for one in who if one.staff == MATCH}
    instead = [f"{agency}/{SENIOR}" for agency in sorted(agencies)]
    if agencies and agreement.staff_match is not None:
        instead.append(agreement.staff_match)
    for name in instead:
        consumer = ConsumerId(name)
        if agreement.roster.has(name) and agency_of(consumer) != source:
            before = found.get(consumer, Asked(consumer, "named"))
            found[consumer] = replace(before, staff=MATCH)
    return tuple(found[consumer] for consumer in sorted(found))
