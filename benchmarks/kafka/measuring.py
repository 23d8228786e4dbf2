"""Measures: courses of all contestants by turns, then each under half its load, then growth."""

import itertools
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kafka.contestants import Contestant, Course, Place, Shape
from benchmarks.kafka.driver import Driver, Stalled, driving
from benchmarks.kafka.processes import Ended, cpu_seconds, machine_seconds, peak_mib
from benchmarks.kafka.services import Kafka
from benchmarks.kafka.summaries import BROKER, DRIVER, Latency, Run, Speed
from broker.errors import ConcordatError

WARM = 100
"""Records before the measured ones: connections are made, everything is loaded."""

RUN_S = 6.0
"""How long a run should take, in seconds, where no number of records is asked for."""

TRIAL_S = 0.5
"""How long a trial must take to say how many records that is."""

Told = Callable[[str], None]
"""Called with a line for people."""


@dataclass(slots=True)
class Bench:
    """Where and how it is measured.

    Attributes:
        kafka: the broker.
        folder: for plans and what processes say.
        told: called with what is being done, again and again.
        said: called with each line that stays.
        numbers: of courses.
    """

    kafka: Kafka
    folder: Path
    told: Told
    said: Told
    numbers: Iterator[int]

    @classmethod
    def at(cls, kafka: Kafka, folder: Path, told: Told, said: Told) -> "Bench":
        """Begin."""
        return cls(kafka, folder, told, said, itertools.count(1))

    @contextmanager
    def running(
        self, contestant: Contestant, shape: Shape, records: int | None = None
    ) -> Iterator[tuple[Course, Driver]]:
        """Run a course of a contestant, warmed up; so many records will be asked for."""
        number = next(self.numbers)
        folder = self.folder / str(number)
        folder.mkdir()
        many = None if records is None else records + WARM
        place = Place(self.kafka, folder, f"bench.{os.getpid()}.{number}.", shape, many)
        self.told(f"{contestant.name}: starting")
        with contestant.course(place) as course, driving(self.kafka.address, course) as driver:
            driver.ready(WARM)
            driver.feed(WARM)
            driver.wait(lambda _done, _all: None)
            yield course, driver

    def run(self, contestant: Contestant, shape: Shape, wanted: int | None) -> Run:
        """Measure how long a contestant takes for so many records; None: for as many as it can.

        Raises:
            Stalled, Ended: it does not come to the end.
        """
        with self.running(contestant, shape, wanted) as (course, driver):
            pids = dict(course.processes()) | {DRIVER: os.getpid()}
            if self.kafka.pid is not None:
                pids[BROKER] = self.kafka.pid
            count = wanted or _fitting(driver, course.most)
            driver.ready(count)
            before = _cpu(pids)
            earlier = len(driver.deliveries.read)
            busy, begun = machine_seconds(), time.monotonic()
            driver.feed(count)
            ended = driver.wait(self.progress(contestant.name, begun))
            cpu = {name: used - before[name] for name, used in _cpu(pids).items()}
            others = machine_seconds() - busy - sum(cpu.values())
            return Run(
                count,
                len(driver.deliveries.read) - earlier,
                ended - begun,
                cpu,
                others / (time.monotonic() - begun),
                {
                    name: peak_mib(pid, _apart(pids, name))
                    for name, pid in pids.items()
                    if name != DRIVER
                },
            )

    def rounds(
        self,
        contestants: Sequence[Contestant],
        shape: Shape,
        count: int | None,
        repeats: int,
    ) -> dict[str, Speed]:
        """Measure all contestants by turns, so that what else the machine does falls on each.

        Args:
            contestants: all of them.
            shape: what is varied.
            count: records a run; None: as many as each can in `RUN_S`.
            repeats: how often it is everybody's turn.

        Raises:
            Stalled, Ended: one of them does not come to the end.
        """
        runs: dict[str, list[Run]] = defaultdict(list)
        for turn in range(repeats):
            first = turn % len(contestants)
            for one in (*contestants[first:], *contestants[:first]):
                run = self.run(one, shape, count)
                self.said(f"{one.name}, {run.records:,} records: {run.rate:,.0f} a second")
                runs[one.name].append(run)
        return {one.name: Speed.of(runs[one.name]) for one in contestants}

    def point(
        self, contestants: Sequence[Contestant], shape: Shape, count: int | None
    ) -> dict[str, Speed]:
        """Measure all contestants once; whoever does not come to the end is left out."""
        found: dict[str, Speed] = {}
        for one in contestants:
            try:
                found |= self.rounds([one], shape, count, 1)
            except (Stalled, Ended, ConcordatError) as error:
                self.said(f"{one.name}: not measured: {error}")
        return found

    def latency(self, contestant: Contestant, shape: Shape, rate: float, seconds: float) -> Latency:
        """Measure how long deliveries take, and how long once the worker was killed half way.

        Raises:
            Stalled, Ended: not everything is delivered in the end.
            ValueError: no delivery came of the records before the kill, or of those after it.
        """
        fed = math.ceil(rate * seconds) + 1
        with self.running(contestant, shape, fed) as (course, driver):
            driver.ready(fed)
            self.told(f"{contestant.name}: {rate:,.0f} records/s, killed after {seconds / 2:g} s")
            skipped = len(driver.deliveries.read)

            def fell() -> None:
                course.kill()
                course.restart()

            due, killed = driver.feed_evenly(rate, seconds, seconds / 2, fell)
            driver.wait(self.progress(contestant.name, time.monotonic()))
            read = [
                (due[number], at)
                for number, at in driver.deliveries.read[skipped:]
                if number in due
            ]
            return Latency.of(rate, read, killed)

    def progress(self, name: str, begun: float) -> Callable[[int, int], None]:
        """Return what tells how far a contestant is since it began."""

        def told(done: int, every: int) -> None:
            since = time.monotonic() - begun
            self.told(f"{name}: {done:,} of {every:,} deliveries, {since:.0f} s")

        return told


def _fitting(driver: Driver, most: int | None) -> int:
    """Return how many records fill a run: tries with twice as many until it takes long enough."""
    count, took = WARM, 0.0
    while took < TRIAL_S:
        count *= 2
        driver.ready(count)
        begun = time.monotonic()
        driver.feed(count)
        took = driver.wait(lambda _done, _all: None) - begun
    fitting = max(WARM, round(count / took * RUN_S))
    return fitting if most is None else min(fitting, most - driver.fed)


def _cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the processor time of each process; of ourselves, without those we have started."""
    return {
        name: time.process_time() if name == DRIVER else cpu_seconds(pid, _apart(pids, name))
        for name, pid in pids.items()
    }


def _apart(pids: Mapping[str, int], name: str) -> frozenset[int]:
    """Return the processes that have figures of their own, wherever they descend from."""
    return frozenset(pid for other, pid in pids.items() if other != name)
