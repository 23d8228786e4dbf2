"""A process that reads one file, and says how long it took and how much memory it has had.

`python -m benchmarks.adapters.reader FORMAT TYPE PATH`: with a format of ours.
`python -m benchmarks.adapters.reader --bare PARSER PATH`: with a bare parser.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from adapters.demo_week.people import COUNCIL, HOSPITALS, POLICE, ST_BRANNOCKS
from adapters.format import ReadContext
from adapters.reading import read_file
from benchmarks.adapters.bare import PARSERS
from benchmarks.county import NOW
from benchmarks.kafka.processes import peak_mib
from broker.records.names import AgencyId
from broker.records.statement import Contact
from broker.runtimes.garbage import look_seldom

AGENCIES: Mapping[str, str] = {
    "police": POLICE,
    "health": HOSPITALS,
    "education": ST_BRANNOCKS,
    "social-care": COUNCIL,
}
BARE = "--bare"


def read(format_name: str, agency_type: str, path: Path) -> dict[str, object]:
    """Read a file as an adapter does; return the counts of its account."""
    context = ReadContext(
        AgencyId(AGENCIES[agency_type]), agency_type, NOW, Contact("duty officer", "", "")
    )
    reading = read_file(path, context, format_name)
    records = sum(len(portion) for portion in reading.portions())
    account = reading.accounting
    codes = sorted({one.code for one in account.rejected})
    return {"items": account.read, "records": records, "rejected": codes}


def parse(parser: str, path: Path) -> dict[str, object]:
    """Read a file with a bare parser; return what it counted."""
    return {"items": PARSERS[parser](path), "records": 0, "rejected": []}


def measured(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return what work returns, with its seconds and the process's peak of memory."""
    begun, busy = time.perf_counter(), time.process_time()
    counts = work()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
    return counts | {"seconds": seconds, "cpu": cpu, "peak_mib": peak_mib(os.getpid())}


def main(arguments: Sequence[str]) -> None:
    """Read, and print one JSON object."""
    first, second, path = arguments
    look_seldom()  # as the adapter does
    if first == BARE:
        found = measured(lambda: parse(second, Path(path)))
    else:
        found = measured(lambda: read(first, second, Path(path)))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
