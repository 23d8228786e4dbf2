"""Time that moves only when the simulation moves it."""

from broker.clock import Instant

CALL_MS = 1
"""What each call to a store takes: without it nothing that is delayed would ever be seen by
somebody who asks again and again without waiting."""


class VirtualClock:
    """A clock for simulations; see `broker.clock.Clock`."""

    def __init__(self, start: Instant) -> None:
        """Begin at an instant."""
        self._now = start

    def now(self) -> Instant:
        """Return the present instant."""
        return self._now

    def advance(self, ms: int) -> None:
        """Let time pass.

        Raises:
            ValueError: it would run back.
        """
        if ms < 0:
            raise ValueError("time does not run back")
        self._now = Instant(self._now + ms)
