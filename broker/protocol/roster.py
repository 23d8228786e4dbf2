"""The roster: agencies, their desks, when those are staffed, whom to ring, who signs.

Hours are local time in England; the rule for summer time stands here (01:00 UTC on the last Sundays
of March and October; the Summer Time Act 1972 as amended), so that nothing must be read from disk.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.clock import HOUR, MINUTE, SECOND, Instant
from broker.records.names import AgencyId, ConsumerId, agency_of, desk_of

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ALWAYS = "always"
_HOURS = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(-(?P<last>[A-Z][a-z]{2}))? "
    r"(?P<opens>[0-2]\d:[0-5]\d)-(?P<closes>[0-2]\d:[0-5]\d)",
    re.ASCII,
)
_MARCH, _OCTOBER, _SUNDAY = 3, 10, 6


@dataclass(frozen=True, slots=True)
class Hours:
    """When a desk is staffed, every week alike.

    Attributes:
        said: as the protocol writes it: `always`, or `Mon-Fri 08:30-17:00`.
        days: weekdays, Monday is 0; empty for always.
        opens: minutes after midnight, local time.
        closes: minutes after midnight, local time, later than `opens`.
    """

    said: str
    days: tuple[int, ...] = ()
    opens: int = 0
    closes: int = 0

    def cover(self, at: Instant) -> bool:
        """Tell whether the desk is staffed at `at`."""
        if not self.days:
            return True
        local = local_time(at)
        minute = local.hour * (HOUR // MINUTE) + local.minute
        return local.weekday() in self.days and self.opens <= minute < self.closes


def read_hours(said: str) -> Hours | None:
    """Return hours from their text, or None if it is not such a text."""
    if said == ALWAYS:
        return Hours(said)
    found = _HOURS.fullmatch(said)
    if found is None:
        return None
    first, last = found["first"], found["last"] or found["first"]
    if first not in WEEKDAYS or last not in WEEKDAYS:
        return None
    days = tuple(range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1))
    opens, closes = _minutes(found["opens"]), _minutes(found["closes"])
    return Hours(said, days, opens, closes) if days and opens < closes else None


def _minutes(said: str) -> int:
    hour, _, minute = said.partition(":")
    return int(hour) * (HOUR // MINUTE) + int(minute)


def local_time(at: Instant) -> datetime:
    """Return the wall clock's time in England at `at`."""
    utc = datetime.fromtimestamp(at // SECOND, UTC)
    summer = _last_sunday(utc.year, _MARCH) <= utc < _last_sunday(utc.year, _OCTOBER)
    return utc + timedelta(hours=int(summer))


def _last_sunday(year: int, month: int) -> datetime:
    # Both months have 31 days.
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() - _SUNDAY) % 7)


@dataclass(frozen=True, slots=True)
class Desk:
    """A named recipient inside an agency.

    Attributes:
        id: as in `agency/desk`.
        name: for people.
        hours: when it is staffed.
        telephone: while it is staffed.
        out_of_hours: at any other time.
        manager: role of the named manager to whom silence escalates.
    """

    id: str
    name: str
    hours: Hours
    telephone: str
    out_of_hours: str
    manager: str

    def telephone_at(self, at: Instant) -> str:
        """Return the number that somebody answers at `at`."""
        return self.telephone if self.hours.cover(at) else self.out_of_hours


@dataclass(frozen=True, slots=True)
class Person:
    """Who may sign for an agency, by name and role."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Agency:
    """One controller.

    Attributes:
        id: for example `eastshire-police`.
        name: for people.
        type: for example `police`.
        signatory: chief officer or governor who signs.
        deputies: who may sign instead.
        desks: its desks, by id.
        guest: whether it takes part for its own children alone (a placing authority, another
            force): it is told of no child that it does not work with.
    """

    id: AgencyId
    name: str
    type: str
    signatory: Person
    deputies: tuple[Person, ...]
    desks: Mapping[str, Desk]
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """All agencies, by id."""

    agencies: Mapping[AgencyId, Agency]

    def has(self, consumer: str) -> bool:
        """Tell whether an agency, or a desk of it, exists."""
        agency = self.agencies.get(agency_of(consumer))
        desk = desk_of(consumer)
        return agency is not None and (desk == "" or desk in agency.desks)

    def consumers(self) -> tuple[ConsumerId, ...]:
        """Return every agency and every desk, sorted."""
        found = [ConsumerId(agency) for agency in self.agencies]
        found += [
            ConsumerId(f"{agency.id}/{desk}")
            for agency in self.agencies.values()
            for desk in agency.desks
        ]
        return tuple(sorted(found))

    def type_of(self, agency: AgencyId) -> str | None:
        """Return an agency's type, None if there is no such agency."""
        found = self.agencies.get(agency)
        return None if found is None else found.type

    def desk(self, consumer: ConsumerId) -> Desk | None:
        """Return a consumer's desk; a whole agency's is its first; None if there is none."""
        agency = self.agencies.get(agency_of(consumer))
        if agency is None:
            return None
        name = desk_of(consumer)
        return agency.desks.get(name) if name else next(iter(agency.desks.values()), None)


def roster_plain(roster: Roster) -> list[dict[str, Any]]:
    """Return the roster as plain JSON values, agencies in order of their ids."""
    return [
        {
            "id": agency.id,
            "name": agency.name,
            "type": agency.type,
            "signatory": {"name": agency.signatory.name, "role": agency.signatory.role},
            "deputies": [{"name": one.name, "role": one.role} for one in agency.deputies],
            "desks": [
                {
                    "id": desk.id,
                    "name": desk.name,
                    "hours": desk.hours.said,
                    "telephone": desk.telephone,
                    "out_of_hours": desk.out_of_hours,
                    "manager": desk.manager,
                }
                for desk in agency.desks.values()
            ],
            "guest": agency.guest,
        }
        for _, agency in sorted(roster.agencies.items())
    ]


def roster_of(plain: list[dict[str, Any]]) -> Roster:
    """Return the roster from plain values that `roster_plain` made.

    Raises:
        KeyError, TypeError, ValueError: it did not make them.
    """
    agencies: dict[AgencyId, Agency] = {}
    for one in plain:
        desks: dict[str, Desk] = {}
        for raw in one["desks"]:
            hours = read_hours(raw["hours"])
            if hours is None:
                raise ValueError("hours")
            desks[raw["id"]] = Desk(**{**raw, "hours": hours})
        agency = AgencyId(one["id"])
        agencies[agency] = Agency(
            agency,
            one["name"],
            one["type"],
            Person(**one["signatory"]),
            tuple(Person(**deputy) for deputy in one["deputies"]),
            desks,
            guest=one["guest"],
        )
    return Roster(agencies)
