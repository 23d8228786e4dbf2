"""The stage of a scenario: a real installation in a temporary folder, and all its agencies.

One county is founded for all scenarios of a run, and copied for each. Everything on it is what an
installation has: each agency signs, seals and verifies for itself, the broker checks, decides, logs
and releases. One thing is spared: agencies share what is read of the published protocol.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.access_log.ports import NEWEST, LogQuery
from broker.access_log.query import Found
from broker.clock import DAY, Instant
from broker.receipts.inbox import Item
from broker.records.names import AgencyId
from broker.runtimes import explaining, receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import Broker, open_broker
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.searching import Wanted, search
from broker.settings import Settings

ENTRIES_AT_ONCE = 1000
"""Log entries that one step makes, at most."""


async def found(root: Path, at: Instant, county: Path | None) -> Layout:
    """Found the county that scenarios are played in, a day before the first of them."""
    layout = Layout(root)
    await found_county(layout, SetClock(Instant(at - DAY)), county=county)
    return layout


@dataclass(slots=True)
class Stage:
    """One scenario's installation, running.

    Attributes:
        layout: where.
        clock: its time, which the scenario sets.
        sides: every agency.
        broker: the broker.
        entries: log entries that were looked at already.
        seen: deliveries that were looked at already.
        refused: deliveries that an agency refused, since last asked.
    """

    layout: Layout
    clock: SetClock
    sides: dict[AgencyId, AgencySide]
    broker: Broker
    stack: AsyncExitStack
    entries: int
    seen: set[bytes]
    refused: list[tuple[str, int, str]]

    async def open_sides(self) -> None:
        """Open every agency, anew where it is open, with the protocol as it is published now."""
        await self.stack.aclose()
        protocol = await explaining.published(self.layout, self.clock)
        for agency in self.layout.agencies():
            self.sides[agency] = await self.stack.enter_async_context(
                agency_side(self.layout, agency, self.clock, protocol)
            )

    async def settle(self) -> None:
        """Route, log and release what waits, and let every agency receive."""
        await self.broker.run()
        for side in self.sides.values():
            report = await receiving.receive(side)
            self.refused += report.refused

    async def arrived(self) -> list[tuple[AgencySide, Item]]:
        """Return what lies in the inboxes and was not looked at before."""
        new: list[tuple[AgencySide, Item]] = []
        for side in self.sides.values():
            for item in await receiving.inbox(side):
                if item.row.id not in self.seen:
                    self.seen.add(item.row.id)
                    new.append((side, item))
        return new

    async def logged(self) -> list[Found]:
        """Return the log's entries that were not looked at before, oldest first."""
        page = await search(self.layout, LogQuery(), Wanted(), NEWEST, ENTRIES_AT_ONCE)
        new = [one for one in page.found if one.row.index >= self.entries]
        self.entries = max((self.entries, *(one.row.index + 1 for one in new)))
        return new[::-1]


@asynccontextmanager
async def set_up(
    county: Layout, root: Path, at: Instant, settings: Settings
) -> AsyncIterator[Stage]:
    """Copy the county to `root`, and open all of it at `at`."""
    shutil.copytree(county.root, root)
    layout = Layout(root)
    clock = SetClock(at)
    async with AsyncExitStack() as stack:
        sides = await stack.enter_async_context(AsyncExitStack())
        broker = await stack.enter_async_context(
            open_broker(layout, clock, settings.model_copy(update={"dir": root}), inline=True)
        )
        stage = Stage(layout, clock, {}, broker, sides, 0, set(), [])
        await broker.run()
        await stage.open_sides()
        await stage.logged()
        yield stage
