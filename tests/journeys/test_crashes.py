"""Killed at any step and started again, the broker loses nothing and doubles nothing."""

import asyncio
import multiprocessing
import shutil
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess as Run
from pathlib import Path
from random import Random

import pytest

from broker.faults import POINTS
from broker.runtimes import receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.layout import Layout
from broker.runtimes.reading import receipt_of
from tests.journeys import steps

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
KILLS = 3
"""Random kills a seed, before the run that may finish."""

LONGEST = 120
"""Seconds after which a run hangs."""

PROCESSES = multiprocessing.get_context("forkserver")
"""Starts processes that have everything imported already."""
PROCESSES.set_forkserver_preload(["tests.journeys.steps"])

Outcome = Counter[tuple[object, ...]]


def start(county: Path, crash_at: str = "", *, inline: bool = True) -> Run:
    """Start all steps in a process of its own."""
    process = PROCESSES.Process(target=steps.do_all, args=(county, crash_at, inline))
    process.start()
    return process


def ended(process: Run) -> int | None:
    """Wait for the end; return how the process ended: below zero the signal."""
    process.join(LONGEST)
    return process.exitcode


def finish(county: Path, *, inline: bool = True) -> None:
    """Run all steps to their end."""
    assert ended(start(county, inline=inline)) == 0


async def received(county: Path) -> Outcome:
    """Return what every agency has in its inbox, how often, by what its people see of it."""
    found: Outcome = Counter()
    layout = Layout(county)
    for agency in layout.agencies():
        async with agency_side(layout, agency, SetClock(steps.NOON)) as side:
            for item in await receiving.inbox(side):
                told, record = item.row.told, item.row.record
                about: object = None if record is None else record.head.record_id.hex()
                receipt = receipt_of(side, item)
                if receipt is not None:  # its own id comes from the delivery's
                    about = (receipt["record_id"], receipt["event"])
                found[agency, told.kind, told.consumer, told.outcome, about] += 1
    return found


def outcome(county: Path) -> Outcome:
    """Check that the log is sound and each inbox has each delivery once; return what they hold."""
    result = asyncio.run(steps.verified(county))
    assert result.sound, [str(one) for one in result.findings]
    assert result.deliveries is not None
    assert result.deliveries.absent == 0
    return asyncio.run(received(county))


@pytest.fixture(scope="session")
def undisturbed(to_publish: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What all receive when nothing happens."""
    county = Path(shutil.copytree(to_publish, tmp_path_factory.mktemp("undisturbed") / "county"))
    finish(county)
    return outcome(county)


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
