"""What a verification finds, and what it hands on to the next one."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from broker.access_log.growth import GrowingTree
from broker.access_log.opened import OpenedMessage
from broker.access_log.openings import NO_BATCH, Positions
from broker.access_log.ports import LeafIndex
from broker.errors import Code

MOST_FINDINGS = 100
"""Findings after which a verification stops: by then one knows that the log is damaged."""

Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up.

    Attributes:
        index: the entry, or the first entry of the batch; None where no entry can be named.
        code: what is wrong.
        where: the file, or the part of the entry.
    """

    index: LeafIndex | None
    code: Code
    where: str = ""

    def __str__(self) -> str:
        """Return one line for a person."""
        entry = "" if self.index is None else f"entry {self.index}: "
        place = f" ({self.where})" if self.where else ""
        return f"{entry}{self.code.sentence}{place} {self.code.fix} [{self.code.name}]"


Recheck = Callable[[Sequence[OpenedMessage]], Sequence[Finding]]
"""What is checked of entries beyond the tree: called with each batch's messages, in the log's
order, and at the end with none; returns what is wrong with those that it has made up its mind
about."""


def nothing_more(_messages: Sequence[OpenedMessage]) -> Sequence[Finding]:
    """Check nothing beyond the tree and the commitments."""
    return ()


@dataclass(frozen=True, slots=True)
class Verified:
    """How far a log was verified, for the next time; whoever verifies keeps it.

    Attributes:
        tree: the tree there.
        last: first leaf of the last batch before.
        positions: lane positions there.
    """

    tree: GrowingTree = field(default_factory=GrowingTree)
    last: int = NO_BATCH
    positions: Positions = field(default_factory=dict)


@dataclass(slots=True)
class Ledger:
    """What a verification remembers of the entries for the deliveries.

    Attributes:
        first: the first entry that it covers.
        roots: size of the tree after each batch → root there.
        topics: names of topics, by number; number 0 is none.
        numbers: the same, by name.
        released: for each entry the number of the topic that it was released to.
    """

    first: int
    roots: dict[int, bytes] = field(default_factory=dict)
    topics: list[str] = field(default_factory=lambda: [""])
    numbers: dict[str, int] = field(default_factory=lambda: {"": 0})
    released: "array[int]" = field(default_factory=lambda: array("L"))

    def add(self, topic: str) -> None:
        """Remember the topic of the next entry."""
        number = self.numbers.get(topic)
        if number is None:
            number = self.numbers[topic] = len(self.topics)
            self.topics.append(topic)
        self.released.append(number)

    def topic(self, index: int) -> str:
        """Return where an entry was released to; empty if nowhere."""
        return self.topics[self.released[index - self.first]]


@dataclass(frozen=True, slots=True)
class LogReport:
    """The outcome of verifying a log.

    Attributes:
        size: entries that the checkpoint covers.
        root: its root; empty if no checkpoint could be read.
        entries: entries verified this time.
        batches: batches verified this time.
        closed: entries whose facts or personal part could not be opened for want of a key.
        erased: entries whose record is erased.
        findings: what is wrong, in the order found; empty if nothing is.
        verified: where the next verification may begin; None if anything is wrong.
        ledger: for `verify_deliveries`.
    """

    size: int
    root: bytes
    entries: int
    batches: int
    closed: int
    erased: int
    findings: tuple[Finding, ...]
    verified: Verified | None
    ledger: Ledger

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
