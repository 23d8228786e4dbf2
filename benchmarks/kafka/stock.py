"""Signed records of an installation of today, sealed for its router, on disk until they are fed.

A record that its agency has said before is not said again, so records are never used twice: each
has its own id, and children come in as many as it takes.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from adapters.outbox import Candidate, Known, Origin, Planned, origin_of, plan, topic_of
from benchmarks.county import County, Part, Said
from benchmarks.kafka.contestants import Fed, key_of
from benchmarks.kafka.today import days_since, later, moved
from benchmarks.kafka.varied import copy_of
from broker.clock import Clock
from broker.records.batches import MOST_RECORDS
from broker.records.envelope import Envelope
from broker.records.names import AgencyId
from broker.records.signing import prepare, sign
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import sealed_message

WINDOW = 500
"""Records of one turn: each agency's in it are signed together, as if it had published a file."""

SPARE = 1.2
"""Times as many records as will be asked for that the month is to hold."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who says a record, and of which type it is."""

    agency: str
    type: str


class _Signed(NamedTuple):
    """A sealed message, and whose."""

    topic: str
    value: bytes
    source: Source


class Stock:
    """Records in the order in which they are fed, numbered from 0."""

    def __init__(
        self,
        sides: Mapping[AgencyId, AgencySide],
        originals: Sequence[AgencyId],
        records: int,
        clock: Clock,
        path: Path,
    ) -> None:
        """Make counties as large as it takes.

        Args:
            sides: all agencies.
            originals: those that are no copies of others.
            records: how many will be asked for.
            clock: the time.
            path: file for sealed messages.
        """
        self._sides = sides
        self._signers = {agency: side.signer for agency, side in sides.items()}
        self._schemas = next(iter(sides.values())).schemas
        self._clock = clock
        self._days = days_since(clock.now())
        self._known: defaultdict[AgencyId, dict[Origin, list[Known]]] = defaultdict(dict)
        copies = -(-len(sides) // len(originals))
        # Fewer agencies say less about a child; some draws of a month say nothing new.
        lacking = max(1.0, len(originals) / len(sides))
        each = math.ceil(SPARE * lacking * records / copies) + WINDOW
        with later(self._days):
            self._counties = [
                County(
                    {
                        one: sides[copy]
                        for one in originals
                        if (copy := copy_of(one, turn)) in sides
                    },
                    each,
                    now=moved(self._days),
                    part=Part(turn, copies),
                )
                for turn in range(copies)
            ]
        self._turns = cycle(self._counties)
        self._file = path.open("w+b")
        self._ends = array("Q", [0])
        self._topics: list[str] = []
        self.sources: list[Source] = []

    def __len__(self) -> int:
        """Return how many records there are so far."""
        return len(self._topics)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def involvement(self) -> Mapping[AgencyId, Sequence[Said]]:
        """Return who works with whom, by agency."""
        found: defaultdict[AgencyId, list[Said]] = defaultdict(list)
        with later(self._days):
            for one in (said for county in self._counties for said in county.involvement()):
                found[one.agency].append(one)
        return found

    def ready(self, count: int) -> None:
        """Sign until there are so many records.

        Raises:
            ValueError: the month does not hold so many.
        """
        while len(self) < count:
            with later(self._days):
                said = next(self._turns).take(WINDOW)
            own: defaultdict[AgencyId, list[Said]] = defaultdict(list)
            for one in said:
                own[one.agency].append(one)
            signed = [self._signed(self._sides[agency], some) for agency, some in own.items()]
            # Mixed again, evenly: no agency's records come all at once.
            placed = [
                ((place + 0.5) / len(some), one)
                for some in signed
                for place, one in enumerate(some)
            ]
            self._keep([one for _, one in sorted(placed, key=itemgetter(0))])

    def fed(self, number: int) -> Fed:
        """Return a record's message, with its number for a key."""
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return Fed(self._topics[number], key_of(number), self._file.read(end - start))

    def _signed(self, side: AgencySide, said: Sequence[Said]) -> list[_Signed]:
        signer = self._signers[side.agency]
        candidates = [
            Candidate(
                prepare(one.draft.statement, self._schemas, signer),
                one.draft.item,
                one.draft.urgent,
            )
            for one in said
        ]
        known = self._known[side.agency]
        planned = plan(candidates, known, side.keys.id_key).to_sign
        for one in planned:
            prepared = one.prepared
            versions = known.setdefault(origin_of(prepared), [])
            versions.append(Known(prepared.record_id, prepared.version, one.fingerprint))
        return [
            self._sealed(side, one, envelope)
            for some in _some(planned)
            for one, envelope in zip(
                some,
                sign([one.prepared for one in some], signer, self._clock.now()),
                strict=True,
            )
        ]

    def _sealed(self, side: AgencySide, one: Planned, envelope: Envelope) -> _Signed:
        topic = topic_of(side.agency, urgent=one.urgent)
        message = sealed_message(side, envelope, topic, b"")
        source = Source(side.agency, one.prepared.statement.type)
        return _Signed(topic, message.value, source)

    def _keep(self, signed: Sequence[_Signed]) -> None:
        self._file.seek(self._ends[-1])
        for one in signed:
            self._file.write(one.value)
            self._ends.append(self._ends[-1] + len(one.value))
            self._topics.append(one.topic)
            self.sources.append(one.source)


def _some(planned: Sequence[Planned]) -> Iterator[list[Planned]]:
    each = iter(planned)
    while some := list(islice(each, MOST_RECORDS)):
        yield some
