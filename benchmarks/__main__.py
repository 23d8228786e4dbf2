"""Run the benchmarks: `python -m benchmarks [NAME…] [--quick]`."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks import runs
from benchmarks.figures import Figure, commit, machine, report, screen

Measure = Callable[[int], Coroutine[Any, Any, list[Figure]]]

BENCHMARKS: dict[str, tuple[str, Measure]] = {
    "throughput": ("records a second, share of each step, memory", runs.throughput),
    "memo": ("with and without the memory of decisions", lambda n: runs.memo(n // 4)),
    "verify": ("how long an auditor takes for the whole log", runs.verifying),
    "growth": (
        "whether a record takes longer among ten times as many",
        lambda n: runs.growth(n, 10 * n, n // 2),
    ),
}

FULL, QUICK = 10_000, 1_000


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    listed = "; ".join(f"{name}: {said}" for name, (said, _) in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=listed)
    parser.add_argument("--quick", action="store_true", help="a tenth of the records: a first look")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    screen.print(f"{machine()}; commit {commit()}")
    screen.print("On: signatures, sealing, policy, log, proofs, fsync at every commit. Off: TLS.")
    for name in chosen.names or BENCHMARKS:
        _, measure = BENCHMARKS[name]
        figures = asyncio.run(measure(QUICK if chosen.quick else FULL))
        report(name, figures)


if __name__ == "__main__":
    main()
