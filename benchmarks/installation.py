"""An installation to measure on: the demonstration county in a temporary folder, on real files."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.county import NOW, County, Said
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_drafts
from broker.settings import Settings

if TYPE_CHECKING:
    from adapters.format import Draft
    from broker.records.names import AgencyId


@dataclass(frozen=True, slots=True)
class Sent:
    """How many records were published, in how many seconds.

    Some fewer than were given: a flag raised anew with the same content is there already.
    """

    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Installation:
    """A county whose agencies have said who works with whom.

    Attributes:
        layout: where it is.
        clock: stands still, on the morning after the month of the records.
        sides: agencies by id.
        county: what they have to say.
        settings: those that the product comes with.
    """

    layout: Layout
    clock: SetClock
    sides: Mapping[str, AgencySide]
    county: County
    settings: Settings

    async def publish(self, said: Sequence[Said]) -> Sent:
        """Sign, keep and publish."""
        drafts: dict[AgencyId, list[Draft]] = defaultdict(list)
        for one in said:
            drafts[one.agency].append(one.draft)
        begun = time.perf_counter()
        records = 0
        for agency, own in drafts.items():
            records += len(await publish_drafts(self.sides[agency], own))
        return Sent(records, time.perf_counter() - begun)


@asynccontextmanager
async def installation(records: int, folder: Path | None = None) -> AsyncIterator[Installation]:
    """Found a county whose month gives `records`, and route what its agencies state first.

    Args:
        records: how many will be asked for.
        folder: where to make the temporary folder; None: where the system says.
    """
    async with AsyncExitStack() as stack:
        root = Path(stack.enter_context(TemporaryDirectory(prefix="concordat-bench-", dir=folder)))
        layout, clock = Layout(root / "county"), SetClock(NOW)
        await found_county(layout, clock)
        sides = {
            str(agency): await stack.enter_async_context(agency_side(layout, agency, clock))
            for agency in layout.agencies()
        }
        made = Installation(layout, clock, sides, County(sides, records), Settings())
        await made.publish(made.county.involvement())
        async with open_broker(layout, clock, made.settings) as broker:
            await broker.run()
        yield made
