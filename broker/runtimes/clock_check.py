"""Whether this host's clock agrees with what the parties exchange.

The message store stamps each published checkpoint of the log with the time at which it received it:
Kafka's own clock, over files the clock of the broker's process. An agency only reads that topic, so
nothing there has its own clock's time. Two things show that clocks differ:

1. the newest checkpoint is later than now: this clock is slow, or the other one fast;
2. a checkpoint that came between two looks is earlier than the look before: this clock is fast, or
   the other one slow. At the first look nobody knows when the checkpoint came.

Records are signed with this host's time, and one that was issued more than five minutes after it
arrived is quarantined (`record.issued.future`).
"""

import time
from dataclasses import dataclass

from broker.access_log.published import CHECKPOINTS
from broker.clock import MINUTE, SECOND, Clock, Instant
from broker.lanes import Streams
from broker.records.check import LATEST_ISSUE

BOUND_MS = LATEST_ISSUE
"""Difference from which on it is said, in milliseconds: from there on records are refused."""

LOOK_MS = SECOND
"""Pause between two looks, in milliseconds."""

LAST = 8
"""Offsets at the end of the topic, among which the newest checkpoint lies: Kafka's marks of
transactions have offsets, too."""

FIX = (
    "Set this host's clock by a time server. If it is right, tell the broker's operators. Then send"
    " again what lies in quarantine: `concordat quarantine retry`."
)


@dataclass(slots=True)
class ClockCheck:
    """Compares a clock with what the store stamps.

    Attributes:
        clock: this host's.
        off_ms: by how much this clock is ahead, in milliseconds; negative: behind; 0: it agrees, or
            nothing shows otherwise.
    """

    clock: Clock
    off_ms: int = 0
    _end: int | None = None
    _stamped: Instant | None = None
    _looked: float = 0.0

    async def look(self, stream: Streams) -> bool:
        """Look at the newest checkpoint, once a second at most; tell whether something changed.

        Raises:
            Unavailable: the store cannot be reached.
        """
        now = time.monotonic() * SECOND
        if self._end is not None and now < self._looked + LOOK_MS:
            return False
        end = await stream.end(CHECKPOINTS)
        gap = None
        if end != self._end:
            found = await stream.read(CHECKPOINTS, max(0, end - LAST), LAST)
            if found:
                gap = None if self._end is None else int(now - self._looked)
                self._stamped = found[-1].at
        self._end, self._looked = end, now
        before = self.off_ms
        # Only a new checkpoint can show that a clock that was ahead no longer is.
        if self._stamped is not None and (gap is not None or before <= 0):
            self.off_ms = difference(self._stamped, self.clock.now(), gap)
        return _minutes(self.off_ms) != _minutes(before)

    @property
    def said(self) -> str:
        """What was found, and what to do."""
        return words(self.off_ms) + (f". {FIX}" if self.off_ms else "")


def difference(stamped: Instant, now: Instant, gap_ms: int | None) -> int:
    """Return by how much a clock is surely ahead of the store's, in milliseconds; 0: within bounds.

    Args:
        stamped: when the store received its newest checkpoint.
        now: by the clock that is checked.
        gap_ms: how long ago it can have come at most; None: nobody knows.
    """
    behind = stamped - now
    if behind > BOUND_MS:
        return -behind
    if gap_ms is not None and -behind - gap_ms > BOUND_MS:
        return -behind - gap_ms
    return 0


def words(off_ms: int) -> str:
    """Say by how much the clock differs and what to do; or that it agrees."""
    if off_ms == 0:
        return "agrees with what the parties exchange"
    side = "ahead of" if off_ms > 0 else "behind"
    return f"about {_minutes(abs(off_ms))} minutes {side} the times that the message store stamps"


def _minutes(off_ms: int) -> int:
    return round(off_ms / MINUTE)
