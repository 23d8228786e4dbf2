"""Clocks for the edges."""

import time

from broker.clock import SECOND, Clock, Instant
from broker.runtimes.clock import SetClock, SystemClock
from tests.support.county import NOON
from tests.support.statements import later


def test_the_systems_clock_tells_this_machines_time_in_milliseconds() -> None:
    # given the system's clock, when it is asked, then it says what the machine says
    clock: Clock = SystemClock()
    before = time.time() * SECOND
    now = clock.now()
    assert before - 1 <= now <= time.time() * SECOND


def test_a_set_clock_stands_still_until_it_is_set() -> None:
    # given a clock that is set, when it is asked again and again, then it says the same
    clock = SetClock(NOON)
    assert {clock.now() for _ in range(3)} == {NOON}

    # and it moves on when it is set, never back
    clock.set(later(60))
    assert clock.now() == later(60)
    clock.set(Instant(0))
    assert clock.now() == later(60)
