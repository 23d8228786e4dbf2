"""The demonstration's county, larger: its kinds of records in its agencies' own formats, seeded.

Every record is read from the bytes of a file by the format that `publish` uses, and goes by the
agency's own publication rule. Nobody in it exists.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

from adapters.demo_week import events
from adapters.demo_week.people import (
    COUNCIL,
    HOSPITALS,
    POLICE,
    PRACTICES,
    SCHOOLS,
    Person,
    children,
)
from adapters.demo_week.sheets import Messages, Sheet, adt, moment
from adapters.format import Draft, ReadContext
from adapters.publication import judge
from adapters.reading import read_bytes
from adapters.registry import recognise
from adapters.sources.files import HEAD_BYTES
from broker.clock import Instant
from broker.records.names import AgencyId
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import load_rule
from broker.subjects.identifiers import UPN_LETTERS

SEED = 2026

GROUP = 40
"""Children who share a day's files: a day gives some 25 records a group."""

DAYS = 29
"""Days that the files are about: March 2026 from its second day on."""

RECORDS_A_CHILD = 15
"""Records of a month at most, a child of the county; some days' draws fall on the same child."""

FEWEST = 4
"""Pupils of a school in a group, below which it writes no file that day."""

NOW = Instant(int(moment(DAYS, 9).timestamp() * 1000))
"""When everything is published: the morning after the month."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the county's children.

    Attributes:
        number: of the part, from 0.
        of: how many parts there are; each has as many children as a county that stands alone.
    """

    number: int
    of: int


WHOLE = Part(0, 1)


@dataclass(frozen=True, slots=True)
class Said:
    """A record to be, and whose."""

    agency: AgencyId
    draft: Draft


class County:
    """Children, and the records about them, in one order for one seed."""

    def __init__(
        self,
        sides: Mapping[str, AgencySide],
        records: int,
        *,
        now: Instant = NOW,
        part: Part = WHOLE,
    ) -> None:
        """Make a county whose month gives at least so many records.

        Args:
            sides: the agencies; each reads its own files. Those of others are left out.
            records: how many will be asked for.
            now: when everything is published.
            part: which of the children.
        """
        random = Random(SEED)
        count = max(10, -(-records // (RECORDS_A_CHILD * GROUP)) + 1) * GROUP
        self._sides = sides
        self._now = now
        self._people = [
            replace(one, upn=_pupil_number(one.number))
            for one in children(random, count * part.of)[count * part.number :][:count]
        ]
        self._month = self._drafts(_month(random, self._people))

    @property
    def children(self) -> int:
        """How many children there are."""
        return len(self._people)

    def involvement(self) -> list[Said]:
        """Return who works with whom: what every agency states before anything else."""
        return list(self._drafts(_links(self._people)))

    def take(self, count: int) -> list[Said]:
        """Return the month's next records.

        Raises:
            ValueError: the month does not hold so many.
        """
        found = list(islice(self._month, count))
        if len(found) < count:
            raise ValueError("the month has ended")
        return found

    def _drafts(self, sheets: Iterable[Sheet]) -> Iterator[Said]:
        rules = {agency: load_rule(side) for agency, side in self._sides.items()}
        for sheet in sheets:
            if sheet.agency not in rules:
                continue
            side, rule = self._sides[sheet.agency], rules[sheet.agency]
            agency = side.agreement.roster.agencies[side.agency]
            context = ReadContext(
                AgencyId(sheet.agency),  # as the files say, whoever publishes them
                agency.type,
                self._now,
                side.contact(rule.desk, rule.role),
                own_codes=frozenset({agency.name}),
            )
            data = sheet.content()
            chosen = recognise(data[:HEAD_BYTES], sheet.name)
            for draft in read_bytes(data, sheet.name, context, chosen).drafts:
                if judge(rule, draft, went_out=False).publish:
                    yield Said(side.agency, draft)


def _pupil_number(number: int) -> str:
    """Return a valid pupil number for each of a million children; the demonstration has few."""
    digits = f"9994001{number // 1000 % 100:02d}{number % 1000:03d}"
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return UPN_LETTERS[total % len(UPN_LETTERS)] + digits


def _links(people: Sequence[Person]) -> Iterator[Sheet]:
    for school in SCHOOLS:
        yield events.links(school, [p for p in people if p.school == school], "on-roll", 0)
    for practice in PRACTICES:
        there = [p for p in people if p.practice == practice]
        yield events.links(practice, there, "registered", 0)
    yield events.links(COUNCIL, [p for p in people if p.allocated], "allocated", 0)
    yield events.links(HOSPITALS, [p for p in people if p.clinic], "open-case", 0)
    yield events.links(POLICE, [p for p in people if p.known_to_police], "open-case", 0)


def _month(random: Random, people: Sequence[Person]) -> Iterator[Sheet]:
    groups = [people[start : start + GROUP] for start in range(0, len(people), GROUP)]
    for day in range(DAYS):
        for number, group in enumerate(groups):
            yield from _day(random, group, day, number)


def _day(random: Random, group: Sequence[Person], day: int, number: int) -> Iterator[Sheet]:
    """Yield a day's files about one group of children."""
    yield events.missing(random, group, day)
    yield _attendances(random, group, day, number)
    yield events.referrals(random, group, day)
    for school in SCHOOLS:
        pupils = [p for p in group if p.school == school]
        if len(pupils) >= FEWEST:
            yield events.absences(random, pupils, school, day)
    agency = (SCHOOLS + PRACTICES)[(day + number) % len(SCHOOLS + PRACTICES)]
    known = [p for p in group if agency in (p.school, p.practice)]
    if len(known) >= FEWEST:
        yield events.concerns(random, known, agency, day)
    if (day + number) % 3 == 0:
        yield events.flags(random, group, day)


def _attendances(random: Random, group: Sequence[Person], day: int, number: int) -> Messages:
    sheet = Messages(HOSPITALS, f"{events.day(day)}-adt.hl7", moment(day, 23, 40))
    for place, person in enumerate(random.sample(list(group), 4)):
        at = moment(day, random.randint(0, 22), random.randint(0, 59))
        reason, mode = random.choice(events.REASONS), random.choice("ACFPU")
        control = f"{day:02d}{number:04d}{place}"
        sheet.messages.append(adt(person, at, control=control, reason=reason, mode=mode))
    return sheet
