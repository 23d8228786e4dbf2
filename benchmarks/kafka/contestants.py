"""What a contestant is, and the topics that its records take.

A contestant is prepared once with the load. Then each run is a *course*: its own topics and its own
processes, which the measuring program feeds, reads, watches and kills.

The key of a message is the number of its record, 8 bytes; whatever comes of a record bears the same
key, so that deliveries can be told apart without being opened.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.kafka.load import Load
from benchmarks.kafka.services import Kafka

KEY_OCTETS = 8


def key_of(number: int) -> bytes:
    """Return the key of a record's messages."""
    return number.to_bytes(KEY_OCTETS, "big")


def number_of(key: bytes | str | None) -> int:
    """Return the number of the record that a message belongs to."""
    if not isinstance(key, bytes) or len(key) != KEY_OCTETS:
        raise ValueError("the key of a message is the number of its record")
    return int.from_bytes(key, "big")


class Fed(NamedTuple):
    """A message to be fed."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """What is varied from run to run.

    Attributes:
        agencies: how many there are; the county's records are dealt out among them.
        clauses: how many the protocol has; None: as many as it comes with.
    """

    agencies: int
    clauses: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a course is run.

    Attributes:
        kafka: the broker.
        folder: of its own.
        prefix: begins the name of each of its topics, groups and transactions.
        shape: what is varied.
        records: how many will be asked for; None: not known yet.
    """

    kafka: Kafka
    folder: Path
    prefix: str
    shape: Shape
    records: int | None = None


class Course(Protocol):
    """One run of a contestant: topics that are made and processes that run."""

    @property
    def outputs(self) -> Sequence[str]:
        """Topics in which deliveries can be read."""
        ...

    @property
    def most(self) -> int | None:
        """How many records it has in all; None: as many as one likes."""
        ...

    def ready(self, count: int) -> None:
        """Have the first so many records at hand: nothing is signed while it is timed."""
        ...

    def fed(self, number: int) -> Fed:
        """Return the message that brings a record; numbers rise from 0, none comes twice."""
        ...

    def deliveries(self, number: int) -> int:
        """Return how many deliveries come of a record; 0 if only the contestant can tell."""
        ...

    def through(self) -> bool:
        """Tell whether all that was fed is through, of records whose deliveries are not known."""
        ...

    def processes(self) -> Mapping[str, int]:
        """Return the contestant's own processes, servers included: name → process id.

        Raises:
            Ended: one of them has ended.
        """
        ...

    def kill(self) -> None:
        """Kill the process that takes the records, as a power cut would."""
        ...

    def restart(self) -> None:
        """Start it again."""
        ...


class Contestant(Protocol):
    """One way to bring records from agencies to agencies."""

    @property
    def name(self) -> str:
        """For tables: one or two words."""
        ...

    @property
    def on(self) -> Sequence[str]:
        """What is switched on, and what is not."""
        ...

    def prepare(self, load: Load) -> None:
        """Make whatever is made once, before anything is timed."""
        ...

    def course(self, place: Place) -> AbstractContextManager[Course]:
        """Make topics, start processes; at the end, end them."""
        ...


class Pooled:
    """What courses have in common that feed the same records again and again."""

    most: int | None = None

    def ready(self, count: int) -> None:
        """Do nothing: all were made before."""

    def through(self) -> bool:
        """Tell nothing: it is known how many deliveries there will be."""
        return True


def dealt(agencies: Sequence[str], agency: str, number: int, count: int) -> int:
    """Return which of `count` agencies stands for a county's agency with this record.

    With more agencies than the county has, its records are dealt out among copies of them; with
    fewer, several share one.
    """
    copies = max(1, count // len(agencies))
    return (agencies.index(agency) + len(agencies) * (number % copies)) % count
