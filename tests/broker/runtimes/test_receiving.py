"""What an agency receives while the broker goes on: nothing is refused for having come too soon."""

from collections.abc import Awaitable, Callable

import pytest

from broker.protocol.narrowing import Direction
from broker.runtimes import receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.layout import Layout
from broker.runtimes.narrowing import narrow
from broker.runtimes.publishing import publish_files
from broker.settings import Settings
from tests.broker.cli.files import concern, involvement, written
from tests.journeys.steps import NOON
from tests.support.commands import Commands

COUNCIL, SCHOOL, HOSPITALS = "eastshire-council", "st-brannocks-school", "eastshire-hospitals"
CLOCK = SetClock(NOON)


async def published(layout: Layout, agency: str, *forms: object) -> None:
    file = written(layout.root, f"{agency}.json", *forms)
    async with agency_side(layout, agency, CLOCK) as side:
        assert (await publish_files(side, [file])).clean


async def routed(layout: Layout) -> None:
    async with open_broker(layout, CLOCK, Settings(dir=layout.root), inline=True) as broker:
        await broker.run()


@pytest.fixture
async def layout(eastshire: Commands) -> Layout:
    """An Eastshire where the council works with a girl of the school, and has received so much."""
    found = Layout(eastshire.root)
    await published(found, COUNCIL, involvement(COUNCIL, "allocated"))
    await published(found, SCHOOL, involvement(SCHOOL, "on-roll"))
    await published(found, SCHOOL, concern(1))
    await routed(found)
    return found


def when_it_has_looked(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]
) -> None:
    """Let something happen once, between an agency's look at the log and at its deliveries."""
    follow = receiving.follow_log
    done: list[int] = []

    async def then(side: AgencySide) -> dict[int, bytes]:
        roots = await follow(side)
        if not done:
            done.append(1)
            await happens()
        return roots

    monkeypatch.setattr(receiving, "follow_log", then)


async def concerns(side: AgencySide) -> int:
    """Return how many concerns lie in the inbox for all of the agency."""
    told = [one.row.told for one in await receiving.inbox(side)]
    return sum(
        (one.kind, one.consumer, one.outcome) == ("delivery", COUNCIL, "content") for one in told
    )


async def test_what_is_released_while_an_agency_looks_is_received(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a council that has looked at the published log, when more is logged and released
    async def more() -> None:
        await published(layout, SCHOOL, concern(2))
        await routed(layout)

    when_it_has_looked(monkeypatch, more)
    async with agency_side(layout, COUNCIL, CLOCK) as side:
        report = await receiving.receive(side)

        # then it looks again before it refuses: both concerns are there
        assert report.refused == []
        assert await concerns(side) == 2


async def test_what_a_new_protocol_entry_decided_is_received_by_who_has_not_read_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a council that has read the protocol, when somebody narrows, and more is decided
    async def more() -> None:
        async with agency_side(layout, HOSPITALS, CLOCK) as side:
            await narrow(
                side,
                Direction.SENDING,
                counterpart=COUNCIL,
                record_type="",
                clause="",
                hours=1,
                reason="a wrong address book",
            )
        await published(layout, SCHOOL, concern(2))
        await routed(layout)

    when_it_has_looked(monkeypatch, more)
    async with agency_side(layout, COUNCIL, CLOCK) as side:
        report = await receiving.receive(side)
        assert report.refused == []
        assert await concerns(side) == 2


async def test_a_checkpoint_that_nobody_published_is_still_refused_and_waited_for_once(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given checkpoints that never show what deliveries rest on
    async def nothing(_side: AgencySide) -> dict[int, bytes]:
        looks.append(1)
        return {}

    looks: list[int] = []
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(receiving, "follow_log", nothing)
    monkeypatch.setattr("broker.runtimes.receiving.asyncio.sleep", sleep)
    async with agency_side(layout, COUNCIL, CLOCK) as side:
        report = await receiving.receive(side)

        # then all are refused, after one bounded wait for the whole batch
        assert {code for _, _, code in report.refused} == {"delivery.checkpoint"}
        assert len(report.refused) > 1
        assert waits == list(receiving.CATCH_UP_S)
        assert len(looks) == 1 + len(waits)
        assert await receiving.inbox(side) == []
