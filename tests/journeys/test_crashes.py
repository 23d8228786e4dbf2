"""Killed at any step and started again, the broker loses nothing and doubles nothing."""

import signal
from pathlib import Path
from random import Random

import pytest

from broker.faults import POINTS
from tests.journeys.killing import Outcome, ended, finish, outcome, start

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
KILLS = 3
"""Random kills a seed, before the run that may finish."""


def test_running_everything_again_changes_nothing(county: Path, undisturbed: Outcome) -> None:
    # given a run, when it is made again, then nothing is sent, decided or received twice
    finish(county)
    finish(county)
    assert outcome(county) == undisturbed
    assert len(undisturbed) > 50


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    point: str, county: Path, undisturbed: Outcome
) -> None:
    # given a process that was killed there
    assert ended(start(county, point)) == -signal.SIGKILL

    # when it is started again, then all have what they would have had
    finish(county)
    assert outcome(county) == undisturbed


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_at_random_moments_lose_and_double_nothing(
    seed: int, county: Path, undisturbed: Outcome
) -> None:
    # given processes that were killed at some moment, one after the other
    random = Random(seed)
    for _ in range(KILLS):
        process = start(county, inline=False)
        process.join(random.uniform(0.2, 2.5))
        process.kill()
        process.join()

    # when one may finish, then all have what they would have had
    finish(county, inline=False)
    assert outcome(county) == undisturbed
