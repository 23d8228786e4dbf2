"""From what was measured to the figures that are told: medians, percentiles, ratios."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

DRIVER = "driver"
"""The process that feeds and reads: no part of any contestant."""

BROKER = "kafka"
"""The process that all contestants share."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least so many percent of all do not exceed.

    Raises:
        ValueError: there are no values, or it is no percentage above 0.
    """
    if not values or not 0 < percent <= 100:  # noqa: PLR2004 - per cent
        raise ValueError("a percentile needs values, and a percentage above 0")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def ratio(one: float | None, other: float | None) -> float | None:
    """Return one by the other; None where either is not known, or the other is nothing."""
    return one / other if one is not None and other else None


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run.

    Attributes:
        records: fed.
        deliveries: that came of them.
        seconds: from the first record fed to the last delivery read.
        cpu: process → seconds of processor time in the run.
        others: processors that everything else on the machine kept busy meanwhile.
        peak: process → MiB that it has had at most.
    """

    records: int
    deliveries: int
    seconds: float
    cpu: Mapping[str, float]
    others: float
    peak: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class Speed:
    """What several runs of one contestant come to: medians.

    Attributes:
        runs: how many.
        records: a run.
        rate: records a second.
        slowest: of the runs.
        fastest: of the runs.
        deliveries: a record.
        cpu: process → milliseconds of processor time a record.
        others: processors that everything else kept busy.
        peak: process → MiB, the most of all runs.
    """

    runs: int
    records: float
    rate: float
    slowest: float
    fastest: float
    deliveries: float
    cpu: Mapping[str, float]
    others: float
    peak: Mapping[str, float]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Speed":
        """Condense runs.

        Raises:
            StatisticsError: there are none.
        """
        rates = [run.rate for run in runs]
        names = list(dict.fromkeys(name for run in runs for name in run.cpu))
        return cls(
            len(runs),
            median(run.records for run in runs),
            median(rates),
            min(rates),
            max(rates),
            median(run.deliveries / run.records for run in runs),
            {
                name: median(1000 * run.cpu.get(name, 0.0) / run.records for run in runs)
                for name in names
            },
            max(0.0, median(run.others for run in runs)),
            {name: max(run.peak.get(name, 0.0) for run in runs) for name in names},
        )

    @property
    def cpu_of_all(self) -> float:
        """Milliseconds of processor time a record, the broker's too; not the driver's."""
        return sum(value for name, value in self.cpu.items() if name != DRIVER)

    @property
    def peak_of_own(self) -> float:
        """MiB that the contestant's own processes have had at most, each at its own time."""
        return sum(value for name, value in self.peak.items() if name != BROKER)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long deliveries took, from when their record was due to when they could be read.

    Attributes:
        count: of deliveries.
        p50: seconds that half of them did not exceed.
        p99: seconds that 99 of 100 did not exceed.
        most: seconds of the slowest.
    """

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Waits":
        """Condense waits.

        Raises:
            ValueError: there are none.
        """
        return cls(len(seconds), percentile(seconds, 50), percentile(seconds, 99), max(seconds))


@dataclass(frozen=True, slots=True)
class Latency:
    """One contestant under half its load, before and after its worker was killed.

    Attributes:
        load: records a second.
        steady: deliveries that could be read before the kill.
        killed: those that could be read only after it.
        recovered: seconds from the kill to the first delivery of a record that was due after it.
    """

    load: float
    steady: Waits
    killed: Waits
    recovered: float

    @classmethod
    def of(cls, load: float, read: Sequence[tuple[float, float]], kill: float) -> "Latency":
        """Sort what was read by the moment of the kill.

        Args:
            load: records a second.
            read: when each delivery's record was due, and when it could be read.
            kill: when the worker was killed.

        Raises:
            ValueError: nothing was delivered before or after.
        """
        again = [at for due, at in read if due >= kill]
        if not again:
            raise ValueError("nothing was delivered after the kill")
        return cls(
            load,
            Waits.of([at - due for due, at in read if at < kill]),
            Waits.of([at - due for due, at in read if at >= kill]),
            min(again) - kill,
        )


@dataclass(frozen=True, slots=True)
class Narrowed:
    """How long a narrowing took to hold, under half the load.

    Attributes:
        published: seconds until Kafka had it.
        last: seconds from when it was said to the last delivery that it would have stopped; 0 if
            there was none.
        stopped: records of the agency that were fed afterwards, of none of which anything came.
    """

    published: float
    last: float
    stopped: int

    @classmethod
    def of(
        cls,
        read: Sequence[tuple[float, float]],
        due: Sequence[float],
        said: float,
        published: float,
    ) -> "Narrowed":
        """Look for the agency's last delivery.

        Args:
            read: of each of its deliveries, when the record was due and when it could be read.
            due: when each of its records was due.
            said: when it narrowed.
            published: when Kafka had that.

        Raises:
            ValueError: nothing of it was delivered before, or its last record still was.
        """
        if not any(at < said for _, at in read):
            raise ValueError("nothing was delivered that could be narrowed")
        last = max(when for when, _ in read)
        stopped = sum(when > max(last, said) for when in due)
        if not stopped:
            raise ValueError("the narrowing stopped nothing")
        return cls(published - said, max(0.0, max(at for _, at in read) - said), stopped)
