"""Handing over to sinks: in order, at least once, never what a sink may not have."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.sinks.errors import AWAY, WILL_NOT, SinkFailed, SinkRefused
from adapters.sinks.hand_overs import Position
from adapters.sinks.port import HandOver
from broker.backends.sqlite.hand_overs import SqliteHandOvers
from broker.clock import DAY, Instant
from broker.protocol.clauses import Kind
from broker.receipts.inbox import INBOX, InboxRow
from broker.runtimes import receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.handing import (
    AWAY_AFTER,
    HANDED_AT_ONCE,
    LONGEST_PAUSE_S,
    Handing,
    is_urgent,
    pause_s,
)
from broker.runtimes.layout import Layout
from tests.adapters.listening.support import Ears
from tests.support.commands import Commands

COUNCIL = "eastshire-council"
ALL = frozenset(one.value for one in Kind)


@dataclass
class Other:
    """A `Sink` that keeps what it got.

    Attributes:
        honours: obligations that it declares.
        troubles: what it raises, one a hand-over, until there are none left.
        unfit: deliveries that it always fails on.
        got: what it has.
    """

    honours: frozenset[str] = ALL
    troubles: list[Exception] = field(default_factory=list)
    unfit: set[str] = field(default_factory=set)
    got: list[HandOver] = field(default_factory=list)
    tried: int = 0
    name: str = "case"
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def hand(self, one: HandOver) -> None:
        self.tried += 1
        if one.delivery in self.unfit:
            raise SinkFailed(AWAY)
        if self.troubles:
            raise self.troubles.pop(0)
        self.got.append(one)
        self._more.set()

    async def has(self, count: int) -> None:
        """Wait until it has so many."""
        while len(self.got) < count:
            self._more.clear()
            await self._more.wait()

    async def close(self) -> None: ...


@dataclass
class Stage:
    """A council after a week, and what hands over from its inbox."""

    side: AgencySide
    clock: SetClock
    held: SqliteHandOvers
    ears: Ears

    def handing(self, sink: Other) -> Handing:
        return Handing(sink, self.held, self.ears, float)

    async def all_of(self, handing: Handing) -> int:
        count = 0
        while now := await handing.look(self.side):
            count += now
        return count

    async def deliveries(self) -> list[str]:
        """Ids of what is for sinks, urgent ones first, each in the order of the inbox."""
        rows = await self.side.own.read(INBOX, 0, 1000)
        found: list[tuple[bool, str]] = []
        for one in rows:
            row = InboxRow.decode(one.message.key, self.side.open_row(one.message.value))  # type: ignore[arg-type]  # a key is an id
            if row.told.kind == "delivery":
                found.append((not is_urgent(row), row.id.hex()))
        assert len({urgent for urgent, _ in found}) > 1
        return [name for _, name in sorted(found, key=lambda one: one[0])]


@pytest.fixture
async def stage(own_week: Commands, tmp_path: Path) -> AsyncIterator[Stage]:
    clock = SetClock(own_week.at)
    layout = Layout(own_week.root)
    with SqliteHandOvers.open(tmp_path / "held.sqlite") as held:
        async with agency_side(layout, COUNCIL, clock) as side:
            await receiving.receive(side)
            yield Stage(side, clock, held, Ears())


async def test_a_sink_gets_everything_once_in_order(stage: Stage) -> None:
    # given a council with a week's deliveries
    sink = Other()
    wanted = await stage.deliveries()
    assert len(wanted) > HANDED_AT_ONCE

    # when all is handed over, twice, the second time by another process
    handed = await stage.all_of(stage.handing(sink))
    again = await stage.all_of(stage.handing(sink))

    # then each came once, with its content, and nothing of it says what people did since
    assert (handed, again) == (len(wanted), 0)
    assert [one.delivery for one in sink.got] == wanted
    documents = [json.loads(one.document) for one in sink.got]
    assert all(one["opened_at_ms"] is None for one in documents)
    assert any(one.get("content") for one in documents)
    assert [one["delivery"] for one in documents] == wanted
    standing = await stage.held.standing("case")
    assert (standing.handed, standing.waiting, standing.refused) == (len(wanted), 0, ())


async def test_an_obligation_that_a_sink_does_not_honour_keeps_a_delivery_from_it(
    stage: Stage,
) -> None:
    # given a sink that honours nothing
    sink = Other(honours=frozenset())
    handing = stage.handing(sink)
    for _ in range(20):
        await handing.look(stage.side)
    assert (await stage.held.standing("case")).waiting == 0

    # then it has only what bears no obligation, and a person is told of each other one
    assert all(not one.obligations for one in sink.got)
    refused = (await stage.held.standing("case")).refused
    assert refused
    assert {one.code for one in refused} == {"sink.obligation"}
    assert len(refused) + len(sink.got) == len(await stage.deliveries())
    assert "sink.obligation" in stage.ears


async def test_one_delivery_that_fails_holds_up_no_other(stage: Stage) -> None:
    # given a delivery that the other system always fails on
    wanted = await stage.deliveries()
    sink = Other(unfit={wanted[1]})
    handing = stage.handing(sink)
    await stage.all_of(handing)

    # then the others have gone, and it waits
    assert [one.delivery for one in sink.got] == [wanted[0], *wanted[2:]]
    assert (await stage.held.standing("case")).code == "sink.away"

    # and goes when it can
    sink.unfit.clear()
    stage.clock.set(Instant(stage.clock.now() + DAY))
    await stage.all_of(handing)
    assert sink.got[-1].delivery == wanted[1]


async def test_a_sink_that_is_away_rests_and_nothing_is_lost(stage: Stage) -> None:
    # given a system that is away
    sink = Other(troubles=[SinkFailed(AWAY, "ClientError") for _ in range(AWAY_AFTER)])
    handing = stage.handing(sink)
    assert await handing.look(stage.side) == 0
    assert await handing.look(stage.side) == 0

    # then it is tried a few times and then rests, and that is said once
    assert sink.tried == AWAY_AFTER
    assert stage.ears.said == [("cannot hand over", "case: sink.away ClientError")]

    # when it is there again, everything comes, and that is said
    stage.clock.set(Instant(stage.clock.now() + DAY))
    await stage.all_of(handing)
    assert sorted(one.delivery for one in sink.got) == sorted(await stage.deliveries())
    assert stage.ears.said[-1] == ("hands over again", "case")


async def test_a_sink_that_asks_to_be_left_alone_is(stage: Stage) -> None:
    sink = Other(troubles=[SinkFailed(AWAY, retry_after_s=3600)])
    handing = stage.handing(sink)
    for minutes in (0, 30, 59):
        stage.clock.set(Instant(stage.clock.now() + minutes))
        assert await handing.look(stage.side) == 0
    assert sink.tried == 1
    stage.clock.set(Instant(stage.clock.now() + DAY))
    assert await handing.look(stage.side) > 0


async def test_what_a_sink_will_not_take_waits_for_a_person(stage: Stage) -> None:
    sink = Other(troubles=[SinkRefused(WILL_NOT, "status 422"), ValueError("a child's name")])
    handing = stage.handing(sink)
    await stage.all_of(handing)
    (refused,) = (await stage.held.standing("case")).refused
    assert (refused.code, refused.where) == ("sink.refused", "status 422")
    assert refused.delivery.hex() == (await stage.deliveries())[0]

    # and an error of ours is told without what it quotes, and tried again
    assert (await stage.held.standing("case")).code == "sink.fault"
    assert "a child's name" not in stage.ears


async def test_an_inbox_that_was_restored_is_read_from_its_beginning(stage: Stage) -> None:
    # given a position behind a delivery that lies no more where it lay
    await stage.held.note("case", [], Position(2, b"x" * 16), stage.clock.now())
    sink = Other()
    await stage.all_of(stage.handing(sink))
    assert [one.delivery for one in sink.got] == await stage.deliveries()


async def test_what_may_no_longer_be_held_is_not_handed_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given deliveries that have expired since they were noted
    monkeypatch.setattr(InboxRow, "expired", lambda *_: True)
    sink = Other()
    handing = stage.handing(sink)
    for _ in range(20):
        await handing.look(stage.side)
    standing = await stage.held.standing("case")
    assert (sink.got, standing.waiting, standing.handed) == ([], 0, 0)


async def test_following_goes_on_until_it_is_cancelled(stage: Stage) -> None:
    sink = Other()
    task = asyncio.create_task(stage.handing(sink).follow(stage.side))
    wanted = await stage.deliveries()
    async with asyncio.timeout(60):
        await sink.has(len(wanted))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_pauses_grow_up_to_five_minutes() -> None:
    for failures in (1, 2, 5, 50):
        longest = min(LONGEST_PAUSE_S, 2.0 ** (failures - 1))
        assert longest / 2 <= pause_s(failures) <= longest
