"""The demonstration: a week of the fictional county's own files, through the broker.

The clock is set to each file's time before it is published, so that the same story is told at any
hour. Every step is the one that the commands use; nothing is decided or shown from anywhere else
than the stores.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.demo_week.week import write_week
from broker.access_log.query import Found
from broker.clock import DAY, HOUR, Instant
from broker.lanes import Message
from broker.runtimes import answering, receiving, searching
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.cluster_file import ClusterFile
from broker.runtimes.embedded import open_broker
from broker.runtimes.founding import found_county
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import PublishReport, publish_files
from broker.runtimes.verifying import Verification, verify
from broker.settings import Settings

FILES = "files"
"""Folder of the week's files, inside the installation."""

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class DemoReport:
    """What the week brought.

    Attributes:
        manifest: what was written as files.
        published: each file's report, in order.
        counts: what the broker did, by name.
        received: agency → deliveries verified and taken in.
        refused: deliveries that did not verify.
        acknowledged: receipts sent.
        quarantined: (agency, code) of each message that the broker did not accept.
        story: entries about the girl whose story is told, oldest first.
        verification: of the whole log.
    """

    manifest: dict[str, Any]
    published: list[PublishReport] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    received: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    acknowledged: int = 0
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    story: list[Found] = field(default_factory=list)
    verification: Verification | None = None


async def run_demo(
    root: Path,
    settings: Settings,
    progress: Progress,
    *,
    inline: bool = False,
    kafka: bool = False,
) -> DemoReport:
    """Found the county in `root`, publish the week, route, release, acknowledge, verify.

    Args:
        root: an empty folder.
        settings: bounds.
        progress: told what is being done.
        inline: see `open_broker`.
        kafka: exchange over the Kafka that the settings name, not over files.

    Raises:
        InstallationError: there is an installation already; `usage.kafka`.
        ConcordatError: anything that a command would refuse.
    """
    layout = Layout.of(settings.model_copy(update={"dir": root}))
    cluster = ClusterFile.of_demonstration(settings.kafka) if kafka else None
    clock = SetClock(Instant(0))
    files = root / FILES
    manifest = write_week(files)
    clock.set(Instant(manifest["files"][0]["at"] - DAY))
    progress("Founding the county", 0, 1)
    await found_county(layout, clock, cluster)
    report = DemoReport(manifest)
    async with AsyncExitStack() as stack:
        sides: dict[str, AgencySide] = {
            agency: await stack.enter_async_context(agency_side(layout, agency, clock))
            for agency in layout.agencies()
        }
        broker = await stack.enter_async_context(
            open_broker(layout, clock, settings, inline=inline)
        )
        sheets = [one for one in manifest["files"] if one["publish"]]
        for number, sheet in enumerate(sheets):
            progress("Publishing and routing the week", number, len(sheets))
            clock.set(Instant(sheet["at"]))
            side = sides[sheet["agency"]]
            report.published.append(await publish_files(side, [files / sheet["path"]]))
            report.counts += await broker.run()
        await _send_altered(sides[manifest["story"]["school"]])
        report.counts += await broker.run()
        clock.set(Instant(clock.now() + HOUR))
        await _receive_all(sides, report, progress)
        report.counts += await broker.run()
        await _receive_receipts(sides, report)
    report.story = await searching.about_child(layout, manifest["story"]["nhs_number"])

    def verifying(done: int, total: int) -> None:
        progress("Verifying the log", done, total)

    report.verification = await verify(layout, clock, verifying)
    return report


async def _receive_all(
    sides: Mapping[str, AgencySide], report: DemoReport, progress: Progress
) -> None:
    for number, (agency, side) in enumerate(sides.items()):
        progress("Receiving, verifying, acknowledging", number, len(sides))
        got = await receiving.receive(side)
        report.received[agency] = got.received
        report.refused += len(got.refused)
        report.acknowledged += len(await answering.acknowledge(side, answering.ALL, "duty officer"))


async def _receive_receipts(sides: Mapping[str, AgencySide], report: DemoReport) -> None:
    for agency, side in sides.items():
        await receiving.receive(side)
        report.quarantined += [
            (agency, item.row.told.code or "")
            for item in await receiving.inbox(side)
            if item.row.told.kind == "quarantine"
        ]


async def _send_altered(side: AgencySide) -> None:
    """Send a copy of an agency's first message with one byte changed in its sealed body.

    What lies on a topic any party may copy and change; what comes of it is part of the story.
    """
    (first,) = await side.stream.read(f"records.{side.agency}", 0, 1)
    value = first.message.value
    middle = len(value) // 2
    altered = value[:middle] + bytes((value[middle] ^ 1,)) + value[middle + 1 :]
    await side.stream.publish([Message(first.message.topic, first.message.key, altered)])
