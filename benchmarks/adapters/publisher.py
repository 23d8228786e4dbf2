"""A process that publishes one file as `concordat publish` does, and says how long it took.

`python -m benchmarks.adapters.publisher DIR AGENCY PATH`
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.reading import read_file
from benchmarks.kafka.processes import peak_mib
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import context_of, load_rule, publish_files


async def publish(root: Path, agency: str, path: Path) -> dict[str, float]:
    """Publish a file; then read it once more without, to tell what that alone takes."""
    async with agency_side(Layout(root), agency, SystemClock()) as side:
        begun, busy = time.perf_counter(), time.process_time()
        report = await publish_files(side, [path])
        seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
        peak = peak_mib(os.getpid())
        begun = time.perf_counter()
        reading_again = read_file(path, context_of(side, load_rule(side)))
        drafts = sum(len(portion) for portion in reading_again.portions())
        reading = time.perf_counter() - begun
    return {
        "drafts": drafts,
        "records": len(report.published),
        "seconds": seconds,
        "cpu": cpu,
        "reading": reading,
        "peak_mib": peak,
    }


def main(arguments: Sequence[str]) -> None:
    """Publish, and print one JSON object."""
    root, agency, path = arguments
    found = asyncio.run(publish(Path(root), agency, Path(path)))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
