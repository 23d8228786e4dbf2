"""The main job over a real Kafka: the same outcome as over files, whenever a process is killed."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from broker.access_log.ports import Row
from broker.faults import POINTS
from broker.runtimes.demonstration import DemoReport, run_demo
from broker.settings import Settings
from tests.journeys.killing import Outcome, ended, finish, outcome, start
from tests.journeys.over_kafka import move_to_kafka

pytestmark = pytest.mark.slow

KILLS = 3
"""Random kills before the run that may finish."""


@pytest.fixture
def on_kafka(county: Path, kafka_address: str) -> Path:
    """A copy of the founded county, with names of its own in Kafka."""
    return move_to_kafka(county, kafka_address)


def told(report: DemoReport) -> list[Row]:
    """Return the story without subject tokens, which each installation makes with its own key."""
    return [replace(one.row.row, tokens=()) for one in report.story]


def test_the_demonstration_tells_the_same_week_over_kafka(
    demonstrated: tuple[Path, DemoReport], kafka_address: str, tmp_path: Path
) -> None:
    # given the week over files, when it goes over Kafka
    _, files = demonstrated
    settings = Settings(dir=tmp_path, kafka=kafka_address)
    kafka = asyncio.run(run_demo(tmp_path, settings, lambda *_: None, kafka=True))

    # then the same was decided, released, received and told, and the log is sound
    assert kafka.counts == files.counts
    assert kafka.received == files.received
    assert kafka.refused == files.refused == 0
    assert kafka.acknowledged == files.acknowledged
    assert kafka.quarantined == files.quarantined
    assert told(kafka) == told(files)
    assert kafka.verification is not None
    assert files.verification is not None
    assert kafka.verification.sound
    assert kafka.verification.log.size == files.verification.log.size
    # and every agency has witnessed all of it
    assert kafka.verification.standing is not None
    newest = kafka.verification.standing.newest
    assert newest == kafka.verification.log.size
    assert len(kafka.verification.standing.by(newest - 1)) == 8


def test_nothing_changes_when_everything_runs_again(on_kafka: Path, undisturbed: Outcome) -> None:
    finish(on_kafka)
    finish(on_kafka)
    assert outcome(on_kafka) == undisturbed


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    point: str, on_kafka: Path, undisturbed: Outcome
) -> None:
    # given a process that was killed there, when it is started again
    assert ended(start(on_kafka, point)) == -signal.SIGKILL
    finish(on_kafka)

    # then all have what they would have had over files without a kill
    assert outcome(on_kafka) == undisturbed


def test_kills_at_random_moments_lose_and_double_nothing(
    on_kafka: Path, undisturbed: Outcome
) -> None:
    # given processes that were killed at some moment, one after the other
    random = Random(1)
    for _ in range(KILLS):
        process = start(on_kafka, inline=False)
        process.join(random.uniform(0.5, 4.0))
        process.kill()
        process.join()

    # when one may finish, then all have what they would have had
    finish(on_kafka, inline=False)
    assert outcome(on_kafka) == undisturbed
