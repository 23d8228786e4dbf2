"""An installation over files whose stores can be put back to an older moment, one by one."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from broker.runtimes import receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.settings import Settings
from tests.broker.cli.files import involvement
from tests.support.parts import COUNCIL, SCHOOL, County

LOG, INDEX, TOPICS, DECIDED = "log", "index", "topics", "decided"
"""Stores: the log's; its index; what the parties exchange; the broker's own topics."""

ALL = frozenset({LOG, INDEX, TOPICS, DECIDED})


def stores(layout: Layout) -> dict[str, Path]:
    """Return file or folder of each store."""
    return {
        LOG: layout.log,
        INDEX: layout.log_index,
        TOPICS: layout.stream,
        DECIDED: layout.broker_store,
    }


@dataclass
class FileCounty:
    """A county over files, run step by step in this process.

    Attributes:
        county: publishes, and knows what it has published.
        copies: folder of the copies of stores.
    """

    county: County
    copies: Path

    @classmethod
    async def found(cls, folder: Path) -> "FileCounty":
        """Found a county over files, where a council works with a girl of a school."""
        settings = Settings(dir=folder / "county")
        county = County(Layout.of(settings), settings)
        await found_county(county.layout, SystemClock())
        await county.publish(COUNCIL, involvement(COUNCIL, "allocated"))
        await county.publish(SCHOOL, involvement(SCHOOL, "on-roll"))
        return cls(county, folder / "copies")

    def copy(self, folder: Path) -> "FileCounty":
        """Return a county like this one in a folder of its own."""
        settings = Settings(dir=folder / "county")
        shutil.copytree(self.county.layout.root, settings.dir)
        shutil.copytree(self.copies, folder / "copies")
        county = County(Layout.of(settings), settings, self.county.published)
        return FileCounty(county, folder / "copies")

    async def route(self) -> None:
        """Decide, log and release what waits, and tidy, as `concordat route` does."""
        county = self.county
        async with open_broker(
            county.layout, SystemClock(), county.settings, inline=True
        ) as broker:
            await broker.run()
            await broker.tidy()

    async def receive(self) -> None:
        """Let both agencies receive; nothing is refused."""
        for agency in (COUNCIL, SCHOOL):
            async with agency_side(self.county.layout, agency, SystemClock()) as side:
                report = await receiving.receive(side)
                assert not report.refused, report.refused

    async def work(self, concerns: int) -> None:
        """Publish, route, receive."""
        await self.county.publish_concerns(concerns)
        await self.route()
        await self.receive()

    def save(self, name: str) -> None:
        """Copy every store."""
        for store, place in stores(self.county.layout).items():
            _copy(place, self.copies / name / store)

    def put_back(self, name: str, which: Collection[str] = ALL) -> None:
        """Put copies of stores back in their places, whatever stands there."""
        for store, place in stores(self.county.layout).items():
            if store in which:
                _remove(place)
                _copy(self.copies / name / store / place.name, place.parent)


def _beside(place: Path) -> list[Path]:
    """Return a store's files: that of a database and its write-ahead log, or a folder."""
    named = [place, *(place.with_name(f"{place.name}-{part}") for part in ("wal", "shm"))]
    return [path for path in named if path.exists()]


def _remove(place: Path) -> None:
    for path in _beside(place):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _copy(place: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in _beside(place):
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copy(path, folder / path.name)
