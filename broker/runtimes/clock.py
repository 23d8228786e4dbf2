"""Clocks for the edges: the system's, and one that a demonstration sets."""

import time

from broker.clock import Instant

_NANOSECONDS = 1_000_000


class SystemClock:
    """The time of this machine."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns() // _NANOSECONDS)


class SetClock:
    """A clock that stands still until it is set: a demonstration tells its own week."""

    def __init__(self, at: Instant) -> None:
        """Begin at `at`."""
        self._at = at

    def now(self) -> Instant:
        """Return the instant it was last set to."""
        return self._at

    def set(self, at: Instant) -> None:
        """Move on; never back."""
        self._at = max(self._at, at)
