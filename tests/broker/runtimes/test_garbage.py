"""How often a process that handles batch after batch looks for garbage."""

import gc
from collections.abc import Iterator

import pytest

from broker.runtimes.garbage import EVERY, look_seldom


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    """Yield what is set, and set it again."""
    before = gc.get_threshold()
    # Other tests of this process may have asked for it before.
    gc.set_threshold(700, *before[1:])
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_young_objects_are_looked_at_seldom_and_old_ones_as_before(
    thresholds: tuple[int, int, int],
) -> None:
    # given a process; when it is to look for garbage seldom
    look_seldom()

    # then it looks after many new objects, but it still looks, and at old ones as often as before
    assert gc.get_threshold() == (EVERY, *thresholds[1:])
    assert gc.isenabled()
    assert thresholds[0] < EVERY
