"""Runs of the main job in processes that can be killed, and what has come of them."""

import asyncio
import multiprocessing
from collections import Counter
from multiprocessing.context import ForkServerProcess as Run
from pathlib import Path

from broker.runtimes import receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.layout import Layout
from broker.runtimes.reading import receipt_of
from tests.journeys import steps

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
