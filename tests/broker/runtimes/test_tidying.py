"""Tidying: what every reader is past and has reached its age goes, and nothing else."""

import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import DAY, MINUTE, Instant
from broker.lanes import Batch, Bound, Message
from broker.routing.intake import SEEN
from broker.routing.work import DECIDED
from broker.runtimes import receiving
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.layout import Layout
from broker.runtimes.publishing import publish_files
from broker.runtimes.tidying import KEPT, ROUTER, URGENT, expired_seen, tidy_decided, tidy_records
from broker.runtimes.topics import BROKER, STREAM, TOPOLOGY
from broker.settings import Settings
from tests.broker.cli.files import concern, involvement, written
from tests.support.county import COUNCIL, NOON, POLICE, SCHOOL

RECORDS, PRESSING = f"records.{POLICE}", f"urgent.{POLICE}"


@dataclass
class Stores:
    """The stream and the broker's own store, as a broker has them open."""

    folder: Path
    stack: ExitStack
    clock: SetClock = field(default_factory=lambda: SetClock(NOON))

    def __post_init__(self) -> None:
        self.stream = self._open("stream")
        self.own = self._open("broker")
        places = dict.fromkeys(STREAM, self.stream) | dict.fromkeys(BROKER, self.own)
        self.deciding = SqliteStreams(places, self.own, self.clock, TOPOLOGY)
        self.releasing = SqliteStreams(places, self.stream, self.clock, TOPOLOGY)

    def _open(self, name: str) -> Store:
        path = self.folder / f"{name}.sqlite"
        return self.stack.enter_context(Store.open(path, create=True, checkpoints=True))

    async def publish(self, topic: str, count: int, at: Instant = NOON) -> None:
        """Let messages arrive at an instant."""
        self.clock.set(at)
        await self.releasing.publish([Message(topic, bytes(8), b"sealed")] * count)

    async def decide(self, count: int) -> None:
        """Hand over decided messages."""
        await self.deciding.publish([Message(DECIDED, bytes(8), b"decided")] * count)

    async def read(self, group: str, topic: str, count: int) -> None:
        """Let a group acknowledge so many messages of a topic."""
        streams = self.releasing if group == RELEASER else self.deciding
        async with streams.lanes([topic], group) as lanes:
            (lane,) = lanes
            await lane.commit(await lane.take(Bound(count)), ())

    async def left(self, topic: str) -> list[int]:
        """Return the offsets that are still there."""
        return [one.offset for one in await self.deciding.read(topic, 0)]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with ExitStack() as stack:
        yield Stores(tmp_path, stack)


# ---------------------------------------------------------------- decided


@pytest.mark.parametrize(
    ("sequenced", "released", "gone"),
    [(0, 0, 0), (5, 0, 0), (0, 5, 0), (5, 3, 3), (2, 5, 2), (6, 6, 6)],
)
async def test_what_is_decided_goes_once_it_is_logged_and_released(
    stores: Stores, sequenced: int, released: int, gone: int
) -> None:
    # given six decided messages, of which some are in the log and some released
    await stores.decide(6)
    for group, count in ((SEQUENCER, sequenced), (RELEASER, released)):
        if count:
            await stores.read(group, DECIDED, count)

    # when it is tidied, then those go that are both, and no more on a second time
    assert await tidy_decided(stores.own, stores.stream) == gone
    assert await stores.left(DECIDED) == list(range(gone, 6))
    assert await tidy_decided(stores.own, stores.stream) == 0


# ---------------------------------------------------------------- records


async def test_records_go_when_they_are_routed_and_old(stores: Stores) -> None:
    # given records of two days, of which three were routed, and an urgent one of the first
    await stores.publish(RECORDS, 4)
    await stores.publish(PRESSING, 1)
    await stores.publish(RECORDS, 2, Instant(NOON + DAY))
    await stores.read(ROUTER, RECORDS, 3)
    await stores.read(URGENT, PRESSING, 1)
    groups = (ROUTER, URGENT)

    # when it is tidied before they are old, then all stay
    for at in (NOON, Instant(NOON + KEPT)):
        assert await tidy_records(stores.own, stores.stream, groups, at) == 0
    assert await stores.left(RECORDS) == list(range(6))

    # and when those of the first day are old, then those of them go that were routed
    old = Instant(NOON + KEPT + 1)
    assert await tidy_records(stores.own, stores.stream, groups, old) == 4
    assert await stores.left(RECORDS) == [3, 4, 5]
    assert await stores.left(PRESSING) == []

    # and what nobody has routed stays, however old it is
    assert await tidy_records(stores.own, stores.stream, groups, Instant(NOON + 99 * KEPT)) == 0
    assert await stores.left(RECORDS) == [3, 4, 5]


async def test_what_was_routed_stays_until_it_is_old(stores: Stores) -> None:
    # given records of two days, all of them routed
    await stores.publish(RECORDS, 2)
    await stores.publish(RECORDS, 3, Instant(NOON + DAY))
    await stores.read(ROUTER, RECORDS, 5)

    # when those of the first day are old, then the others stay
    at = Instant(NOON + KEPT + MINUTE)
    assert await tidy_records(stores.own, stores.stream, (ROUTER,), at) == 2
    assert await stores.left(RECORDS) == [2, 3, 4]


async def test_the_protocol_and_deliveries_are_never_tidied(stores: Stores) -> None:
    # given entries of the protocol and deliveries that a router's group has read, years ago
    topics = ("protocol", f"deliveries.{POLICE}", f"quarantine.{POLICE}")
    for topic in topics:
        await stores.publish(topic, 2)
        await stores.read(ROUTER, topic, 2)

    # when it is tidied, then they stay
    at = Instant(NOON + 1000 * DAY)
    assert await tidy_records(stores.own, stores.stream, (ROUTER, URGENT), at) == 0
    assert [await stores.left(topic) for topic in topics] == [[0, 1]] * 3


# ---------------------------------------------------------------- seen


async def test_rows_of_seen_go_after_fifteen_days(stores: Stores) -> None:
    # given more rows than are read at once, the youngest of which is fifteen days old to the
    # millisecond
    rows = [
        Message(SEEN, number.to_bytes(16), b"d" * 32 + (NOON - number).to_bytes(8))
        for number in range(2_500)
    ]
    async with stores.deciding.lanes([RECORDS], ROUTER) as lanes:
        (lane,) = lanes
        await lane.commit(Batch(()), rows)

        # when the expired ones are looked for, then all but that one are removed
        at = Instant(NOON + KEPT)
        removed = await expired_seen(lane, at)
        assert [(one.topic, one.key, one.value) for one in removed] == [
            (SEEN, row.key, b"") for row in rows[1:]
        ]
        await lane.commit(Batch(()), removed)
        assert [key for key, _ in await lane.rows(SEEN)] == [rows[0].key]

        # and a moment later that one too; then there is nothing left to do
        (last,) = await expired_seen(lane, Instant(at + 1))
        assert last.key == rows[0].key
        await lane.commit(Batch(()), [last])
        assert await expired_seen(lane, Instant(at + 1)) == []


# ---------------------------------------------------------------- a whole broker


@pytest.fixture
async def routed(founded: Path, tmp_path: Path) -> Layout:
    """Eastshire, where a school's concern was published."""
    layout = Layout(Path(shutil.copytree(founded, tmp_path / "county")))
    async with AsyncExitStack() as stack:
        for agency, forms in (
            (COUNCIL, [involvement(COUNCIL, "allocated")]),
            (SCHOOL, [involvement(SCHOOL, "on-roll"), concern()]),
        ):
            side = await stack.enter_async_context(agency_side(layout, agency, SetClock(NOON)))
            await publish_files(side, [written(tmp_path, f"{agency}.json", *forms)])
    return layout


async def tidied(layout: Layout, at: Instant, *, run: bool = True) -> int:
    """Run a broker at an instant, tidy; return how much went."""
    settings = Settings(dir=layout.root)
    async with open_broker(layout, SetClock(at), settings, inline=True) as broker:
        if run:
            await broker.run()
        return await broker.tidy()


async def test_an_unread_delivery_outlives_the_record_that_it_came_from(routed: Layout) -> None:
    # given a county whose broker has not run yet, when it tidies, then nothing goes
    assert await tidied(routed, NOON, run=False) == 0

    # and when it has, then what was decided goes, and the records stay
    assert await tidied(routed, NOON) > 0
    topic = f"records.{SCHOOL}"
    async with agency_side(routed, COUNCIL, SetClock(NOON)) as side:
        assert len(await side.stream.read(topic, 0)) == 2

    # and three weeks later the records go, and rows of `seen` with them
    assert await tidied(routed, Instant(NOON + 21 * DAY)) > 3
    assert await tidied(routed, Instant(NOON + 21 * DAY)) == 0
    async with agency_side(routed, COUNCIL, SetClock(Instant(NOON + 21 * DAY))) as side:
        assert await side.stream.read(topic, 0) == []

        # but what was released is still there, and is verified and kept
        report = await receiving.receive(side)
        assert report.refused == []
        assert report.received > 0
