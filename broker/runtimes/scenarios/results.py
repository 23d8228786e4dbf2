"""What came of a scenario: a row for each agency and step, and what differed, in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from broker.runtimes.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Arrived:
    """One delivery or task that came out of a step.

    Attributes:
        consumer: for whom it is.
        task: whether it asks the source instead of telling something.
        outcome: content or existence; empty for a task.
        type: of the record, as its source knows it.
        slots: numbers of the open parts.
        names: their names.
        clauses: that grant it, or ask.
        obligations: `kind detail`.
        content: all that it says, as text.
    """

    consumer: str
    task: bool
    outcome: str
    type: str
    slots: frozenset[int]
    names: tuple[str, ...]
    clauses: tuple[str, ...]
    obligations: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision that the log holds of a step.

    Attributes:
        consumer: about whom.
        type: of the record.
        outcome: withhold, refer, existence or content.
        clauses: that granted something.
        reasons: clauses and codes why not everything was granted.
        record: the record's digest in hex.
    """

    consumer: str
    type: str
    outcome: str
    clauses: tuple[str, ...]
    reasons: tuple[str, ...]
    record: str


@dataclass(frozen=True, slots=True)
class Came:
    """All that came of one step.

    Attributes:
        arrived: in inboxes.
        decided: in the log.
        records: digests of the records that it was about, in hex.
        wrong: what went wrong beside that, in words.
    """

    arrived: tuple[Arrived, ...] = ()
    decided: tuple[Decided, ...] = ()
    records: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


@dataclass(slots=True)
class Row:
    """One line of the table.

    Attributes:
        step: its title.
        consumer: agency or desk; empty for what concerns the step as a whole.
        expected: in a few words.
        came: in a few words.
        clauses: at work.
        differs: what came otherwise, in sentences; empty if nothing did.
        because: what the scenario says why.
        wanted: clauses that the scenario says must be at work.
        record: digest of a record to explain it by, in hex.
        why: what the clauses say of it, if it differs.
    """

    step: str
    consumer: str
    expected: str
    came: str
    clauses: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    because: str = ""
    wanted: tuple[str, ...] = ()
    record: str = ""
    why: tuple[str, ...] = ()


@dataclass(slots=True)
class Played:
    """A scenario that was played.

    Attributes:
        scenario: which.
        rows: in the order of steps.
        verified: whether the log proves what was released.
        findings: what it does not prove, in words.
        entries: of the log.
        seconds: that it took.
    """

    scenario: Scenario
    rows: list[Row] = field(default_factory=list)
    verified: bool = False
    findings: tuple[str, ...] = ()
    entries: int = 0
    seconds: float = 0.0

    @property
    def differing(self) -> Iterator[Row]:
        """The rows that differ."""
        return (row for row in self.rows if row.differs)

    @property
    def as_told(self) -> bool:
        """Whether everything came as the scenario says, and is proved."""
        return self.verified and not any(self.differing)
