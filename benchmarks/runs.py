"""The runs that are measured: everything on, as the product comes, on files of this machine."""

import resource
import sys
import time
from dataclasses import dataclass

from benchmarks.figures import Figure, telling
from benchmarks.installation import Installation, installation
from benchmarks.stopwatch import timed
from broker.backends.sqlite.lane import SqliteLane
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.lanes import Bound
from broker.runtimes.embedded import open_broker
from broker.runtimes.verifying import verify
from broker.runtimes.worker import WorkerHost
from broker.settings import Settings

GOAL = 1500
"""Records a second on two cores."""

GROWTH = 1.2
"""Time a record at the end of the large run, of that at the end of the small one."""

STEPS: dict[str, list[tuple[type, str]]] = {
    "check and open": [(WorkerHost, "open")],
    "decide, narrow, seal": [(WorkerHost, "decide")],
    "learn protocol and registers": [(WorkerHost, "learn")],
    "take, recall": [(SqliteLane, "take"), (SqliteLane, "recall"), (SqliteRecordKeys, "get")],
    "keep record keys": [(SqliteRecordKeys, "keep")],
    "commit": [(SqliteLane, "commit")],
}
"""Steps of the router; logging and releasing are timed whole."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run.

    Attributes:
        records: routed.
        entries: of the log that they made.
        seconds: from the first check to the last release.
        published: seconds that the agencies took to sign, keep and publish them.
    """

    records: int
    entries: int
    seconds: float
    published: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


async def run(made: Installation, count: int, settings: Settings | None = None) -> Run:
    """Publish the county's next records, then measure how they are routed and released."""
    with telling(f"Publishing {count:,} records"):
        sent = await made.publish(made.county.take(count))
    with telling(f"Routing {count:,} records"):
        async with open_broker(made.layout, made.clock, settings or made.settings) as broker:
            begun = time.perf_counter()
            counts = await broker.run()
            seconds = time.perf_counter() - begun
    return Run(sent.records, counts["entries"], seconds, sent.seconds)


async def shares(made: Installation, count: int) -> list[Figure]:
    """Measure each step alone: route everything, then log everything, then release everything."""
    await made.publish(made.county.take(count))
    bound = Bound(made.settings.batch_count)
    with telling(f"Measuring the steps of {count:,} records, one after the other"):
        async with open_broker(made.layout, made.clock, made.settings) as broker:
            with timed(STEPS) as busy:
                for lane in broker.lanes:
                    while await broker.router.step(lane):
                        pass
                await broker.router.settle()
            begun = time.perf_counter()
            while (await broker.sequencer.run_once(bound)).messages:
                pass
            logged = time.perf_counter()
            while (await broker.releaser.run_once(bound)).messages:
                pass
            took = dict(busy) | {"log": logged - begun, "release": time.perf_counter() - logged}
    whole = sum(took.values())
    return [
        Figure(f"share: {step}", 100 * seconds / whole, "%")
        for step, seconds in sorted(took.items(), key=lambda item: -item[1])
    ]


def memory() -> list[Figure]:
    """Return the most memory that this process, and the core's, have had."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    most = {
        "this process, agencies included": resource.getrusage(resource.RUSAGE_SELF),
        "the core's process": resource.getrusage(resource.RUSAGE_CHILDREN),
    }
    return [Figure(f"peak memory: {who}", use.ru_maxrss / unit, "MiB") for who, use in most.items()]


async def throughput(records: int) -> list[Figure]:
    """Measure records a second, the share of each step, and memory."""
    async with installation(2 * records) as made:
        one = await run(made, records)
        most = memory()
        each = await shares(made, records)
    return [
        Figure("records routed and released a second", one.rate, "records/s", GOAL),
        Figure("log entries a second", one.entries / one.seconds, "entries/s"),
        Figure("records signed and published a second", one.records / one.published, "records/s"),
        *each,
        *most,
    ]


async def growth(small: int, large: int, sample: int) -> list[Figure]:
    """Measure the time of a record once `small` and once `large` records are there."""
    rates: dict[int, float] = {}
    async with installation(large + 2 * sample) as made:
        done = 0
        for size in (small, large):
            while done < size:
                some = min(sample, size - done)
                await run(made, some)
                done += some
            rates[size] = (await run(made, sample)).rate
            done += sample
    return [
        *(Figure(f"at {size:,} records", 1000 / rate, "ms/record") for size, rate in rates.items()),
        Figure("growth", rates[small] / rates[large], "times", GROWTH, at_most=True),
        *memory(),
    ]


async def memo(records: int) -> list[Figure]:
    """Measure with and without the memory of decisions, side by side."""
    rates: dict[str, list[float]] = {"with": [], "without": []}
    async with installation(5 * records) as made:
        await run(made, records)
        for _ in range(2):
            for name, settings in (
                ("with", made.settings),
                ("without", made.settings.model_copy(update={"memo_size": 0})),
            ):
                rates[name].append((await run(made, records, settings)).rate)
    best = {name: max(some) for name, some in rates.items()}
    return [
        *(Figure(f"{name} memo", rate, "records/s") for name, rate in best.items()),
        Figure("gain of the memo", best["with"] / best["without"], "times", 1.0),
    ]


async def verifying(records: int) -> list[Figure]:
    """Measure how long an auditor takes for the whole log."""
    async with installation(records) as made:
        one = await run(made, records)
        with telling("Verifying the log"):
            begun = time.perf_counter()
            verification = await verify(made.layout, made.clock)
            seconds = time.perf_counter() - begun
        if not verification.sound:
            raise RuntimeError(*map(str, verification.findings))
    size = verification.log.size
    return [
        Figure("entries verified, decisions made again", size / seconds, "entries/s"),
        Figure("time of verifying, of routing", seconds / one.seconds, "times"),
    ]
