"""The agreement: what `protocol.yaml` says beside the clauses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.clock import DAY, Instant
from broker.protocol.documents import Spot, read_document
from broker.protocol.emergency import (
    Emergency,
    emergency_of,
    emergency_plain,
    read_emergency,
)
from broker.protocol.errors import REFERENCE, TWICE, VALUE
from broker.protocol.roster import (
    Agency,
    Desk,
    Person,
    Roster,
    read_hours,
    roster_of,
    roster_plain,
)
from broker.records.names import AgencyId, ConsumerId, is_agency_id

MOST_DAYS = 36_525
"""Longest retention, days: a hundred years, longer than any statute asks for."""

_TELEPHONE = re.compile(r"[0-9][0-9 ]{8,14}", re.ASCII)
_FLAGS = ("tells_place", "keeps_addresses", "existence_tells")


@dataclass(frozen=True, slots=True)
class Quorum:
    """Which agencies must have signed.

    Attributes:
        agencies: each of these.
        at_least: so many agencies altogether.
    """

    agencies: tuple[AgencyId, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the partnership has agreed on, beside the clauses.

    Attributes:
        name: of the partnership.
        origin: of its log, `<partnership>/log`.
        purposes: in plain words.
        in_force: first instant.
        review: the day on which signatories are to read it again.
        until: the first instant at which it no longer holds.
        quorum: who must sign.
        agency_types: type → what policy needs to know of it (`tells_place`, `keeps_addresses`,
            `existence_tells`).
        roster: agencies and desks.
        named: record type → consumers that are asked about each record of that type.
        unlinked: who is asked, alone, about a record that has no known subject.
        retention: record type → days.
        staff_match: who is asked, beside an agency's own desk `named-senior`, when somebody in a
            record was found among its staff; None: nobody.
        emergency: what may be sent past the broker when it does not answer; None: nothing.
    """

    name: str
    origin: str
    purposes: tuple[str, ...]
    in_force: Instant
    review: Instant
    until: Instant
    quorum: Quorum
    agency_types: Mapping[str, Mapping[str, bool]]
    roster: Roster
    named: Mapping[str, tuple[ConsumerId, ...]]
    unlinked: ConsumerId
    retention: Mapping[str, int]
    staff_match: ConsumerId | None = None
    emergency: Emergency | None = None


def read_agreement(text: bytes, types: frozenset[str], file: str = "protocol.yaml") -> Agreement:
    """Read `protocol.yaml`.

    Args:
        text: its bytes.
        types: record types that have a schema.
        file: its name, for messages.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    top = read_document(text, file).fields(
        (
            "name",
            "origin",
            "purposes",
            "in_force",
            "review",
            "last_day",
            "quorum",
            "agency_types",
            "agencies",
            "named",
            "unlinked",
            "retention",
        ),
        ("staff_match", "emergency"),
    )
    in_force, review = top["in_force"].day(), top["review"].day()
    until = Instant(top["last_day"].day() + DAY)
    if not in_force < review < until:
        top["review"].refuse(VALUE, "must lie between in_force and last_day")
    agency_types = _agency_types(top["agency_types"])
    roster = _roster(top["agencies"], agency_types)
    return Agreement(
        top["name"].text(),
        _origin(top["origin"]),
        tuple(top["purposes"].texts()),
        in_force,
        review,
        until,
        _quorum(top["quorum"], roster),
        agency_types,
        roster,
        _named(top["named"], roster, types),
        _consumer(top["unlinked"], roster),
        _retention(top["retention"], types),
        _consumer(top["staff_match"], roster) if "staff_match" in top else None,
        read_emergency(top["emergency"], roster) if "emergency" in top else None,
    )


def _origin(spot: Spot) -> str:
    origin = spot.text()
    if not origin.endswith("/log") or not origin.isascii() or set("+ ") & set(origin):
        spot.refuse(VALUE, "is no log origin", "Write <partnership>/log, without spaces or +.")
    return origin


def _agency_types(spot: Spot) -> dict[str, dict[str, bool]]:
    types: dict[str, dict[str, bool]] = {}
    for name, one in spot.map().items():
        given = one.fields((), _FLAGS)
        types[name] = {flag: flag in given and given[flag].flag() for flag in _FLAGS}
    return types


def _roster(spot: Spot, types: Mapping[str, object]) -> Roster:
    agencies: dict[AgencyId, Agency] = {}
    for one in spot.items():
        agency = _agency(one, types)
        if agency.id in agencies:
            one.refuse(TWICE, agency.id)
        agencies[agency.id] = agency
    return Roster(agencies)


def _agency(spot: Spot, types: Mapping[str, object]) -> Agency:
    given = spot.fields(("id", "name", "type", "signatory", "desks"), ("deputies", "guest"))
    agency = _id(given["id"])
    desks: dict[str, Desk] = {}
    for one in given["desks"].items():
        desk = _desk(one)
        if desk.id in desks:
            one.refuse(TWICE, f"{agency}/{desk.id}")
        desks[desk.id] = desk
    deputies = given["deputies"].items() if "deputies" in given else []
    return Agency(
        agency,
        given["name"].text(),
        given["type"].one_of(tuple(types)),
        _person(given["signatory"]),
        tuple(_person(one) for one in deputies),
        desks,
        guest="guest" in given and given["guest"].flag(),
    )


def _id(spot: Spot) -> AgencyId:
    found = spot.text()
    if not is_agency_id(found):
        spot.refuse(VALUE, "is no id", "Use small letters, digits and hyphens, 63 at most.")
    return AgencyId(found)


def _person(spot: Spot) -> Person:
    given = spot.fields(("name", "role"))
    return Person(given["name"].text(), given["role"].text())


def _desk(spot: Spot) -> Desk:
    given = spot.fields(("id", "name", "hours", "telephone", "out_of_hours", "manager"))
    hours = read_hours(given["hours"].text())
    if hours is None:
        given["hours"].refuse(VALUE, "are no hours", "Write: always, or Mon-Fri 08:30-17:00.")
    return Desk(
        _id(given["id"]),
        given["name"].text(),
        hours,
        _telephone(given["telephone"]),
        _telephone(given["out_of_hours"]),
        given["manager"].text(),
    )


def _telephone(spot: Spot) -> str:
    found = spot.text()
    if not _TELEPHONE.fullmatch(found):
        spot.refuse(VALUE, "is no telephone number", "Write digits and spaces, as dialled.")
    return found


def _quorum(spot: Spot, roster: Roster) -> Quorum:
    given = spot.fields(("agencies", "at_least"))
    agencies = []
    for one in given["agencies"].items():
        agency = AgencyId(one.text())
        if agency not in roster.agencies:
            one.refuse(REFERENCE, f"no agency {agency}")
        if agency in agencies:
            one.refuse(TWICE, agency)
        agencies.append(agency)
    at_least = given["at_least"].number(max(1, len(agencies)), len(roster.agencies))
    return Quorum(tuple(sorted(agencies)), at_least)


def _consumer(spot: Spot, roster: Roster) -> ConsumerId:
    found = spot.text()
    if not roster.has(found):
        spot.refuse(REFERENCE, f"no agency or desk {found}")
    return ConsumerId(found)


def _named(spot: Spot, roster: Roster, types: frozenset[str]) -> dict[str, tuple[ConsumerId, ...]]:
    named: dict[str, tuple[ConsumerId, ...]] = {}
    for record_type, one in spot.fields(sorted(types)).items():
        consumers = [_consumer(each, roster) for each in one.items()]
        if len(set(consumers)) != len(consumers):
            one.refuse(TWICE, "a consumer is named twice")
        named[record_type] = tuple(sorted(consumers))
    return named


def _retention(spot: Spot, types: frozenset[str]) -> dict[str, int]:
    return {name: one.number(1, MOST_DAYS) for name, one in spot.fields(sorted(types)).items()}


def agreement_plain(agreement: Agreement) -> dict[str, Any]:
    """Return the agreement as plain JSON values."""
    return {
        "name": agreement.name,
        "origin": agreement.origin,
        "purposes": list(agreement.purposes),
        "in_force": agreement.in_force,
        "review": agreement.review,
        "until": agreement.until,
        "quorum": {
            "agencies": list(agreement.quorum.agencies),
            "at_least": agreement.quorum.at_least,
        },
        "agency_types": {name: dict(flags) for name, flags in agreement.agency_types.items()},
        "agencies": roster_plain(agreement.roster),
        "named": {name: list(consumers) for name, consumers in agreement.named.items()},
        "unlinked": agreement.unlinked,
        "retention": dict(agreement.retention),
        "staff_match": agreement.staff_match,
        "emergency": emergency_plain(agreement.emergency),
    }


def agreement_of(plain: Mapping[str, Any]) -> Agreement:
    """Return the agreement from plain values that `agreement_plain` made.

    Raises:
        KeyError, TypeError, ValueError: it did not make them.
    """
    return Agreement(
        plain["name"],
        plain["origin"],
        tuple(plain["purposes"]),
        Instant(plain["in_force"]),
        Instant(plain["review"]),
        Instant(plain["until"]),
        Quorum(
            tuple(AgencyId(one) for one in plain["quorum"]["agencies"]),
            plain["quorum"]["at_least"],
        ),
        plain["agency_types"],
        roster_of(plain["agencies"]),
        {
            name: tuple(ConsumerId(one) for one in consumers)
            for name, consumers in plain["named"].items()
        },
        ConsumerId(plain["unlinked"]),
        plain["retention"],
        None if plain["staff_match"] is None else ConsumerId(plain["staff_match"]),
        emergency_of(plain["emergency"]),
    )
