"""An installation over Kafka whose parts run, in this process or in processes of their own."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.runtimes import receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.runtimes.serving import Service
from broker.runtimes.verifying import Verification, verify
from broker.settings import Settings
from tests.broker.cli.files import concern, involvement, written

COUNCIL, SCHOOL = "eastshire-council", "st-brannocks-school"
PATIENCE_S = 60.0


def yesterday() -> str:
    """Return yesterday's date."""
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def concerns(first: int, count: int) -> list[object]:
    """Return concerns about one girl, of yesterday."""
    day = yesterday()
    indicators = [{"code": "self-harm", "on": day, "basis": "fact"}]
    return [concern(first + one, on=day, indicators=indicators) for one in range(count)]


@dataclass
class County:
    """An installation, and what was published there.

    Attributes:
        layout: where.
        settings: of every part.
        published: concerns so far.
    """

    layout: Layout
    settings: Settings
    published: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    async def found(cls, folder: Path, address: str, **settings: object) -> "County":
        """Found a county over Kafka, now, where a council works with a girl of a school."""
        root = folder / "county"
        made = Settings(dir=root, kafka=address, **settings)  # type: ignore[arg-type] # a test's own
        county = cls(Layout.of(made), made)
        cluster = ClusterFile.at(address, f"parts-{os.urandom(4).hex()}.", 1)
        await found_county(county.layout, SystemClock(), cluster)
        await county.publish(COUNCIL, involvement(COUNCIL, "allocated"))
        await county.publish(SCHOOL, involvement(SCHOOL, "on-roll"))
        return county

    async def publish(self, agency: str, *forms: object) -> None:
        """Publish forms of an agency."""
        file = written(self.layout.root, f"{agency}-forms.json", *forms)
        async with agency_side(self.layout, agency, SystemClock()) as side:
            report = await publish_files(side, [file])
            assert report.clean

    async def publish_concerns(self, count: int) -> None:
        """Publish more concerns of the school."""
        await self.publish(SCHOOL, *concerns(self.published, count))
        self.published += count

    async def concerns_received(self) -> list[str]:
        """Return the records in the council's inbox that came for all of it: concerns do."""
        async with agency_side(self.layout, COUNCIL, SystemClock()) as side:
            return [
                item.row.record.head.record_id.hex()
                for item in await receiving.inbox(side)
                if item.row.record is not None
                and item.row.told.consumer == COUNCIL
                and item.row.told.kind == "delivery"
                and item.row.told.outcome == "content"
            ]

    async def all_received(self) -> bool:
        """Wait until every concern has come, once; tell whether they have."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = await self.concerns_received()
            if len(found) >= self.published:
                return len(found) == len(set(found)) == self.published
            await asyncio.sleep(0.3)
        return False

    async def heard(self, agency: str, within_s: float) -> bool:
        """Wait a while until something is in an agency's inbox; tell whether it is."""
        until = time.monotonic() + within_s
        while True:
            async with agency_side(self.layout, agency, SystemClock()) as side:
                if any(item.row.told.kind == "delivery" for item in await receiving.inbox(side)):
                    return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(0.3)

    async def verified(self) -> Verification:
        """Verify the whole log."""
        return await verify(self.layout, SystemClock())

    def start(self, *arguments: str, crash_at: str = "") -> subprocess.Popen[bytes]:
        """Start `concordat run …` in a process of its own."""
        environment = os.environ | {
            "CONCORDAT_KAFKA": self.settings.kafka,
            "CONCORDAT_CRASH_AT": crash_at,
            "CONCORDAT_POSTGRES": self.settings.postgres,
            "CONCORDAT_OPA_SERVER": self.settings.opa_server,
        }
        program = "from broker.cli import main; main()"
        command = [sys.executable, "-c", program, "run", *arguments, "--dir"]
        number = len(self.processes)
        with (self.layout.root / f"part-{number}-{arguments[0]}.out").open("wb") as out:
            process = subprocess.Popen(
                [*command, str(self.layout.root)], env=environment, stdout=out, stderr=out
            )
        self.processes.append(process)
        return process

    def said(self) -> str:
        """Return what all processes have said, for whoever reads why a test failed."""
        files = sorted(self.layout.root.glob("part-*.out"))
        return "\n".join(f"--- {file.name}\n{file.read_text('utf-8')}" for file in files)

    def end(self) -> None:
        """Kill what is left."""
        for process in self.processes:
            process.kill()
            process.wait()


@asynccontextmanager
async def serving(
    county: County, *parts: Callable[[Service], Awaitable[None]]
) -> AsyncIterator[list[Service]]:
    """Run parts in this process; ask them to stop at the end, and wait for that."""
    said: list[tuple[str, str]] = []
    services = [
        Service(county.layout, SystemClock(), county.settings, lambda *one: said.append(one))
        for _ in parts
    ]
    tasks = [
        asyncio.ensure_future(part(service)) for part, service in zip(parts, services, strict=True)
    ]
    try:
        yield services
    finally:
        for service in services:
            service.stop.set()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*tasks)
        except BaseException as error:
            error.add_note(f"The parts said: {said}")
            raise
