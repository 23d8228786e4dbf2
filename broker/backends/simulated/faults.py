"""What goes wrong, and when: by script for one case, by rates and a seed for many.

>>> faults = Faults(7, script={(Call.COMMIT, 2): Fault.UNKNOWN_DONE})
>>> faults.strike(Call.COMMIT), faults.strike(Call.COMMIT)
(None, <Fault.UNKNOWN_DONE: 'unknown-done'>)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

FROZEN_MS = 60_000
"""How long a member stays frozen by chance: longer than any lease or session of a real store."""

MOST_PAUSES = 3
"""How many other tasks may act before a call takes effect: enough to mix any two of them."""


class Call(Enum):
    """What may be struck by a fault."""

    ACQUIRE = "acquire"
    TAKE = "take"
    COMMIT = "commit"
    RECALL = "recall"  # and rows
    PUBLISH = "publish"
    READ = "read"  # and end


class Fault(Enum):
    """What may happen to a call."""

    UNAVAILABLE = "unavailable"
    """The store cannot be reached; nothing changes."""
    LOST = "lost"
    """Another owner acquires the lane just before the call takes effect."""
    FROZEN = "frozen"
    """The process stands still for a minute, in which another owner acquires the lane."""
    UNKNOWN_DONE = "unknown-done"
    """The call takes effect, and its answer is lost."""
    UNKNOWN_UNDONE = "unknown-undone"
    """The call is lost, and so is the answer."""


STRIKES = {
    Call.ACQUIRE: (Fault.UNAVAILABLE,),
    Call.TAKE: (Fault.UNAVAILABLE, Fault.LOST),
    Call.COMMIT: tuple(Fault),
    Call.RECALL: (Fault.UNAVAILABLE, Fault.LOST),
    Call.PUBLISH: (Fault.UNAVAILABLE, Fault.UNKNOWN_DONE, Fault.UNKNOWN_UNDONE),
    Call.READ: (Fault.UNAVAILABLE,),
}
"""What may happen to which call."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often what happens.

    Attributes:
        unavailable: share of calls (0 to 1) that cannot reach the store.
        lost: share of takes, recalls and commits whose lane was acquired by another owner.
        frozen: share of commits that begin before a long standstill.
        unknown: share of commits and publications without an answer; half of them took effect.
        short: share of takes that bring fewer messages than there are.
        delay_ms: how long outputs stay out of sight of readers, at most.
        gaps: each write is followed by an offset that nobody can read (Kafka's commit marker).
        reorder: each acquisition reads its topics in another order than the one before.
    """

    unavailable: float = 0.0
    lost: float = 0.0
    frozen: float = 0.0
    unknown: float = 0.0
    short: float = 0.0
    delay_ms: int = 0
    gaps: bool = False
    reorder: bool = False


CALM = Rates()
"""Nothing goes wrong."""

ROUGH = Rates(
    unavailable=0.05,
    lost=0.03,
    frozen=0.02,
    unknown=0.05,
    short=0.3,
    delay_ms=40,
    gaps=True,
    reorder=True,
)
"""Everything goes wrong, seldom enough that work gets done."""


class Faults:
    """The one source of chance in a simulation: share it among all streams of one."""

    def __init__(
        self,
        seed: int,
        rates: Rates = CALM,
        script: Mapping[tuple[Call, int], Fault] | None = None,
    ) -> None:
        """Draw from a seed.

        Args:
            seed: the same one gives the same run.
            rates: what happens by chance; may be replaced while the simulation runs.
            script: what happens to the n-th call (from 1) of a kind, whatever the rates.

        Raises:
            ValueError: the script lets something happen to a call that it cannot happen to.
        """
        for (call, nth), fault in (script or {}).items():
            if fault not in STRIKES[call]:
                raise ValueError(f"{call.value} {nth} cannot be struck by {fault.value}")
        self.rates = rates
        self._random = Random(seed)  # noqa: S311 - a simulation repeats itself, it keeps no secret
        self._script = dict(script or {})
        self._calls: Counter[Call] = Counter()

    def strike(self, call: Call) -> Fault | None:
        """Return what happens to this call."""
        self._calls[call] += 1
        scripted = self._script.get((call, self._calls[call]))
        # Drawn in any case, so that a script does not shift what chance does to later calls.
        drawn = self._draw(call)
        return scripted or drawn

    def pauses(self) -> int:
        """Return how often other tasks may act before a call takes effect."""
        return self._random.randrange(MOST_PAUSES)

    def delay(self) -> int:
        """Return for how many milliseconds an output stays out of sight."""
        return self._random.randint(0, self.rates.delay_ms)

    def shorten(self, count: int) -> int:
        """Return how many messages a take may bring."""
        if self._random.random() < self.rates.short:
            return self._random.randint(1, count)
        return count

    def order(self, items: Sequence[Item]) -> list[Item]:
        """Return the order in which topics are read after an acquisition."""
        ordered = list(items)
        if self.rates.reorder:
            self._random.shuffle(ordered)
        return ordered

    def _draw(self, call: Call) -> Fault | None:
        point = self._random.random()
        for fault in STRIKES[call]:
            point -= self._chance(fault)
            if point < 0:
                return fault
        return None

    def _chance(self, fault: Fault) -> float:
        match fault:
            case Fault.UNAVAILABLE:
                return self.rates.unavailable
            case Fault.LOST:
                return self.rates.lost
            case Fault.FROZEN:
                return self.rates.frozen
            case Fault.UNKNOWN_DONE | Fault.UNKNOWN_UNDONE:
                return self.rates.unknown / 2
