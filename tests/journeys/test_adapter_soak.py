"""Adapters under load while everything is killed again and again: nothing lost, nothing twice.

Run by `make soak`, for CONCORDAT_SOAK_S seconds a way of exchange; CONCORDAT_SOAK_SEED repeats a
run's chances. What was counted is written to `build/soak/`.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

import pytest

from adapters.demo_week.people import COUNCIL, HOSPITALS, ST_BRANNOCKS
from adapters.reading import read_bytes
from adapters.registry import recognise
from adapters.sources.files import HEAD_BYTES
from benchmarks.figures import ROOT
from broker.access_log.ports import EVERYTHING, FIND_LIMIT, NEWEST, LogRow
from broker.records.envelope import decode_envelope
from broker.runtimes import receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.indexing import index_to_read
from broker.runtimes.publishing import PublishReport, context_of, load_rule, weigh
from broker.runtimes.verifying import verify
from broker.runtimes.watching import DONE, PLACES, REPORT
from tests.journeys.soaking import (
    SOURCES,
    Brought,
    Estate,
    Portal,
    load_until,
)

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("CONCORDAT_SOAK_S", "180"))
SEED = int(os.environ.get("CONCORDAT_SOAK_SEED", str(SystemRandom().randrange(1 << 32))))
LOOK_S = 2.0
STILL_S = 240.0
"""Seconds without any progress after which what is missing counts as lost: twice the longest pause
of a sink that was away, and of a part that waits for another's lease."""

KEPT = ROOT / "build" / "soak"


@dataclass(frozen=True)
class Standing:
    """How far everything is.

    Attributes:
        lying: files that nobody has taken to their place.
        unsent: records that are signed and not published.
        undecided: records that the log does not have.
        entries: of the log.
        inbox: ids of the council's deliveries for its systems.
        folder: ids that its folder has.
        portal: ids that its other system has.
    """

    lying: int
    unsent: int
    undecided: int
    entries: int
    inbox: frozenset[str]
    folder: frozenset[str]
    portal: frozenset[str]

    @property
    def done(self) -> bool:
        """Whether everything has come to its end."""
        handed = self.inbox <= self.folder and self.inbox <= self.portal
        return not (self.lying or self.unsent or self.undecided) and handed


async def entries(estate: Estate) -> list[LogRow]:
    """Return every entry of the log."""
    found: list[LogRow] = []
    cursor = NEWEST
    async with index_to_read(estate.layout) as index:
        while True:
            page = await index.find(EVERYTHING, cursor, FIND_LIMIT)
            found += page.rows
            if page.cursor is None:
                return found
            cursor = page.cursor


async def outboxes(estate: Estate) -> AsyncIterator[tuple[str, AgencySide]]:
    """Yield each source's side, by turns."""
    for agency in SOURCES:
        async with agency_side(estate.layout, agency, SystemClock()) as side:
            yield agency, side


def digests(side: AgencySide, values: Iterable[bytes]) -> list[bytes]:
    """Return the digests of records that an agency has kept for itself."""
    opened = (side.opener.open(one, side.own_way) for one in values)
    return [decode_envelope(one).digest(side.partnership) for one in opened]


def files_in(folder: Path) -> list[Path]:
    """Return files of a folder, reports left out."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [one for one in found if one.is_file() and not one.name.endswith(REPORT)]


async def standing(estate: Estate, portal: Portal) -> Standing:
    """Look at everything."""
    lying = sum(
        len(files_in(estate.drop / agency)) + len(files_in(estate.drop / agency / "work"))
        for agency in SOURCES
    )
    rows = await entries(estate)
    decided = {one.record for one in rows}
    unsent = undecided = 0
    inbox: frozenset[str] = frozenset()
    async for agency, side in outboxes(estate):
        unsent += await side.outbox.unsent()
        own = [one.own for one in await side.outbox.every()]
        undecided += len(set(digests(side, own)) - decided)
        if agency == COUNCIL:
            items = await receiving.inbox(side)
            inbox = frozenset(one.row.id.hex() for one in items if one.row.told.kind == "delivery")
    folder = frozenset(one.stem for one in estate.out.glob("*.json"))
    return Standing(lying, unsent, undecided, len(rows), inbox, folder, frozenset(portal.got))


async def settled(estate: Estate, portal: Portal) -> Standing:
    """Wait until everything has come to its end, or nothing moves any more."""
    last, moved = await standing(estate, portal), time.monotonic()
    while not last.done and time.monotonic() < moved + STILL_S:
        await asyncio.sleep(LOOK_S)
        now = await standing(estate, portal)
        if now != last:
            last, moved = now, time.monotonic()
    return last


async def missing_of(side: AgencySide, contents: Iterable[tuple[str, bytes]]) -> list[str]:
    """Return names of contents of which the outbox lacks a record that the rule lets out."""
    found: list[str] = []
    rule = load_rule(side)
    context = context_of(side, rule)
    for name, content in contents:
        reading = read_bytes(content, name, context, recognise(content[:HEAD_BYTES], name))
        report = PublishReport()
        lacking = await weigh(side, rule, name, reading.drafts, report)
        if lacking or report.refused or reading.accounting.rejected:
            found.append(name)
    return found


async def on_stream(side: AgencySide) -> Counter[bytes]:
    """Return the messages of an agency's topics, and how often each lies there."""
    found: Counter[bytes] = Counter()
    for topic in (f"records.{side.agency}", f"urgent.{side.agency}"):
        offset = 0
        while some := await side.stream.read(topic, offset):
            found.update(one.message.value for one in some)
            offset = some[-1].offset + 1
    return found


@pytest.fixture(params=["files", "kafka"])
def kafka(request: pytest.FixtureRequest) -> str:
    """The address of Kafka; empty: parties exchange over files."""
    return "" if request.param == "files" else str(request.getfixturevalue("kafka_address"))


async def test_nothing_is_lost_and_nothing_twice_whatever_dies(tmp_path: Path, kafka: str) -> None:
    # given three agencies' adapters, broker, and the council's two other systems
    brought, portal = Brought(), Portal(Random(f"{SEED} portal"))
    async with portal.open() as url:
        estate = await Estate.found(tmp_path, kafka, url)
        try:
            estate.start()

            # when files, HL7 and webhooks are brought while parts are killed at random moments
            await load_until(estate, brought, time.monotonic() + SECONDS, SEED)
            watching = asyncio.create_task(estate.watched())
            last = await settled(estate, portal)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        finally:
            estate.stop()
    counts = await counted(estate, brought, portal, last)
    note(kafka, counts)

    # then every file was taken to its place, and everything that was safe was published
    assert (last.lying, last.unsent, last.undecided) == (0, 0, 0), counts
    assert counts["places"] == {DONE: sum(brought.files.values())}, counts
    assert counts["missing"] == [], counts
    assert counts["unlike the outbox"] == 0, counts

    # and decided once, and received once
    assert counts["decided twice"] == 0, counts
    assert counts["received twice"] == 0, counts
    assert counts["quarantined"] == 0, counts

    # and each delivery is with both systems, under its id
    assert last.done, counts
    assert set(portal.got) <= last.inbox

    # and the log is sound
    verification = await verify(estate.layout, SystemClock())
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


async def counted(
    estate: Estate, brought: Brought, portal: Portal, last: Standing
) -> dict[str, object]:
    """Return what is to be said of a run."""
    rows = await entries(estate)
    decided = Counter((one.record, one.row.kind, one.row.consumer) for one in rows if one.record)
    places: Counter[str] = Counter()
    missing: list[str] = []
    unlike = records = repeated = twice = 0
    async for agency, side in outboxes(estate):
        contents: list[tuple[str, bytes]] = []
        for place in PLACES:
            files = files_in(estate.drop / agency / place)
            places[place] += len(files)
            contents += [(one.name, one.read_bytes()) for one in files]
        if agency == HOSPITALS:
            contents += [("adt", one) for one in brought.messages]
        if agency == ST_BRANNOCKS:
            contents += [("hooks", one) for one in brought.hooks]
        missing += await missing_of(side, contents)
        lying = await on_stream(side)
        kept = {one.message.value for one in await side.outbox.every()}
        unlike += len(kept ^ lying.keys())
        repeated += lying.total() - len(lying)
        records += len(kept)
        if agency == COUNCIL:
            items = [one.row for one in await receiving.inbox(side)]
            came = Counter(
                (one.record.head.record_id, one.told.consumer, one.told.kind)
                for one in items
                if one.record is not None
            )
            twice = sum(number - 1 for number in came.values())
    return {
        "seed": SEED,
        "seconds": SECONDS,
        "kills": dict(estate.kills),
        "files": sum(brought.files.values()),
        "places": {name: number for name, number in places.items() if number},
        "messages with AA": len(brought.messages),
        "webhooks with 200": len(brought.hooks),
        "tried in vain": dict(brought.tries),
        "records": records,
        "messages that lie on the stream again": repeated,
        "entries": len(rows),
        "deliveries": len(last.inbox),
        "handed over again": portal.got.total() - len(portal.got),
        "missing": missing,
        "unlike the outbox": unlike,
        "decided twice": sum(number - 1 for number in decided.values()),
        "received twice": twice,
        "quarantined": sum(one.row.kind == "quarantine" for one in rows),
    }


def note(kafka: str, counts: dict[str, object]) -> None:
    """Write what was counted, for whoever reads how a night went."""
    KEPT.mkdir(parents=True, exist_ok=True)
    name = "adapters-kafka.json" if kafka else "adapters-files.json"
    (KEPT / name).write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
