"""Time as the whole project speaks it: integers, milliseconds since the Unix epoch, UTC.

The core never asks for the time: it is given `at`. Only the edges hold a `Clock`.
"""

from typing import NewType, Protocol

Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FOREVER = Instant(2**53 - 1)
"""No end: the largest integer that JSON carries exactly (RFC 8785, section 3.2.2.3)."""


class Clock(Protocol):
    """What the edges ask for the time."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...
