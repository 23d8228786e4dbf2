"""The main job as one program: publish files, route, let every agency receive and acknowledge.

It may be run again and again: every step may find its work done. Tests start it as a process of its
own and kill it.
"""

import asyncio
from pathlib import Path

from broker.clock import DAY, Instant
from broker.faults import arm
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


def do_all(root: Path, crash_at: str, inline: bool) -> None:
    """Do every step once; the process dies where `crash_at` says."""
    arm(crash_at)
    asyncio.run(_do_all(Layout(root), SetClock(NOON), inline=inline))


async def _do_all(layout: Layout, clock: SetClock, *, inline: bool) -> None:
    for folder in sorted((layout.root / PUBLISHED).iterdir()):
        async with agency_side(layout, folder.name, clock) as side:
            await publish_files(side, sorted(folder.iterdir()))
    async with open_broker(layout, clock, Settings(dir=layout.root), inline=inline) as broker:
        await broker.run()
        for agency in layout.agencies():
            async with agency_side(layout, agency, clock) as side:
                await receiving.receive(side)
                await answering.acknowledge(side, answering.ALL, "duty officer")
        await broker.run()
    for agency in layout.agencies():
        async with agency_side(layout, agency, clock) as side:
            await receiving.receive(side)


async def verified(root: Path) -> Verification:
    """Verify the whole log."""
    return await verify(Layout(root), SetClock(NOON), lambda _done, _total: None)
