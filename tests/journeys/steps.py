"""The main job as one program: publish a file, route, let every agency receive and acknowledge.

Run as `python tests/journeys/steps.py FOLDER`, again and again: every step may find its work done.
Tests start it as a process of its own and kill it.
"""

import asyncio
import sys
from pathlib import Path

from broker.clock import DAY, Instant
from broker.runtimes import answering, receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.runtimes.verifying import Verification, verify
from broker.settings import Settings

NOON = Instant(1_772_625_600_000)
"""4 March 2026, 12:00 UTC."""

PUBLISHED = "to-publish"
"""Folder of the installation with a folder an agency, of files."""


def installation(root: Path) -> None:
    """Found Eastshire in `root`, the day before."""
    asyncio.run(found_county(Layout(root), SetClock(Instant(NOON - DAY))))


def to_publish(root: Path) -> list[tuple[str, Path]]:
    """Return every file that is to be published, with its agency, in order."""
    folders = sorted((root / PUBLISHED).iterdir())
    return [(folder.name, file) for folder in folders for file in sorted(folder.iterdir())]


async def do_all(root: Path) -> None:
    """Do every step once."""
    layout, clock = Layout(root), SetClock(NOON)
    for agency, file in to_publish(root):
        async with agency_side(layout, agency, clock) as side:
            await publish_files(side, [file])
    await _route(layout, clock)
    for agency in layout.agencies():
        async with agency_side(layout, agency, clock) as side:
            await receiving.receive(side)
            await answering.acknowledge(side, answering.ALL, "duty officer")
    await _route(layout, clock)
    for agency in layout.agencies():
        async with agency_side(layout, agency, clock) as side:
            await receiving.receive(side)


async def _route(layout: Layout, clock: SetClock) -> None:
    async with open_broker(layout, clock, Settings(dir=layout.root)) as broker:
        await broker.run()


async def verified(root: Path) -> Verification:
    """Verify the whole log."""
    return await verify(Layout(root), SetClock(NOON), lambda _done, _total: None)


if __name__ == "__main__":
    asyncio.run(do_all(Path(sys.argv[1])))
