"""What is brought at the same time is kept together, and nobody hears of it before it is safe."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.intake import Taken
from adapters.outbox import Kept
from broker.backends.sqlite.outbox import SqliteOutbox
from broker.backends.sqlite.readings import SqliteReadings
from broker.clock import DAY
from broker.lanes import OutcomeUnknown, Unavailable
from broker.runtimes import intake
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.intake import SideIntake
from broker.runtimes.layout import Layout
from tests.adapters.reading_support import ADT
from tests.journeys.steps import NOON
from tests.support.commands import Commands

HOSPITALS = "eastshire-hospitals"
NAME = "adt"


def message(visit: str, reason: str = "Fall on stairs") -> bytes:
    """Return an attendance; each visit is an item of its own."""
    text = ADT.replace("|V1|", f"|{visit}|").replace("Fall on stairs", reason)
    return text.replace("MARSH^ELLIE", "SAMPLE^ROBIN").encode()


@asynccontextmanager
async def hospital(commands: Commands) -> AsyncIterator[tuple[AgencySide, SideIntake]]:
    """Yield the hospital's side, and an intake that works with it."""
    async with agency_side(Layout(commands.root), HOSPITALS, SetClock(NOON)) as side:
        taking = SideIntake()
        async with taking.open(side):
            yield side, taking


async def together(side: AgencySide, taking: SideIntake, *contents: bytes) -> list[Taken]:
    """Bring contents while the outbox is busy, so that all wait at once."""
    async with side.keeping:
        tasks = [asyncio.ensure_future(taking.take(one, NAME)) for one in contents]
        await asyncio.sleep(0)  # each comes as far as the lock
        assert not any(task.done() for task in tasks)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [one for one in found if isinstance(one, BaseException)]
    if errors:
        raise errors[0]
    return [one for one in found if isinstance(one, Taken)]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each write of the outbox had."""
    found: list[int] = []
    keep = SqliteOutbox.keep

    async def keeping(self: SqliteOutbox, records: Sequence[Kept]) -> None:
        await keep(self, records)
        found.append(len(records))

    monkeypatch.setattr(SqliteOutbox, "keep", keeping)
    return found


async def test_messages_that_wait_at_once_share_a_write(
    eastshire: Commands, writes: list[int]
) -> None:
    # given three messages that are brought while the outbox is busy
    async with hospital(eastshire) as (side, taking):
        found = await together(side, taking, *(message(visit) for visit in ("V1", "V2", "V3")))

        # then one write has kept them all, and each sender hears of its own
        assert writes == [3]
        assert [one.signed for one in found] == [1, 1, 1]
        assert len(await side.outbox.waiting(10)) == 3

        # and one that comes again is known
        assert (await taking.take(message("V2"), NAME)).already == 1
        (noted,) = await side.readings.between(NOON, type(NOON)(NOON + DAY))
        assert (noted.quality.file, noted.quality.contents, noted.quality.read) == (NAME, 4, 4)


async def test_nobody_hears_before_the_write_has_come_to_its_end(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an outbox whose write has begun and does not end
    begun, gate = asyncio.Event(), asyncio.Event()
    keep = SqliteOutbox.keep

    async def slow(self: SqliteOutbox, records: Sequence[Kept]) -> None:
        begun.set()
        await gate.wait()
        await keep(self, records)

    monkeypatch.setattr(SqliteOutbox, "keep", slow)
    async with hospital(eastshire) as (side, taking):
        tasks = [asyncio.ensure_future(taking.take(message(one), NAME)) for one in ("V1", "V2")]
        await begun.wait()
        await asyncio.sleep(0.01)

        # then nobody has heard that anything is safe
        assert not any(task.done() for task in tasks)

        # when it ends, then everybody does
        gate.set()
        assert [one.signed for one in await asyncio.gather(*tasks)] == [1, 1]
        assert len(await side.outbox.waiting(10)) == 2


async def test_two_messages_of_one_visit_follow_each_other(
    eastshire: Commands, writes: list[int]
) -> None:
    # given a visit, another one, and the first visit with another reason, all at once
    async with hospital(eastshire) as (side, taking):
        contents = (message("V1"), message("V2"), message("V1", "Asthma"), message("V3"))
        found = await together(side, taking, *contents)

        # then the second about a visit is kept behind the first, which it supersedes
        assert writes == [2, 2]
        assert [one.signed for one in found] == [1, 1, 1, 1]
        kept = await side.outbox.waiting(10)
        first, second = (one for one in kept if one.origin == kept[0].origin)
        versions = (await side.outbox.known([first.origin]))[first.origin]
        assert [one.record_id for one in versions] == [first.record_id, second.record_id]


async def test_what_comes_twice_at_once_is_one_record(eastshire: Commands) -> None:
    # given one message over two connections at once, then it is signed once
    async with hospital(eastshire) as (side, taking):
        found = await together(side, taking, message("V1"), message("V1"))
        assert [(one.signed, one.already) for one in found] == [(1, 0), (0, 1)]
        assert len(await side.outbox.waiting(10)) == 1


async def test_one_that_cannot_be_kept_takes_no_other_with_it(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an outbox that takes no two records at once, and one of the visits never
    keep = SqliteOutbox.keep

    async def picky(self: SqliteOutbox, records: Sequence[Kept]) -> None:
        if len(records) > 1 or "V2" in records[0].origin.natural_id:
            raise OutcomeUnknown("outbox")
        await keep(self, records)

    monkeypatch.setattr(SqliteOutbox, "keep", picky)
    async with hospital(eastshire) as (side, taking):
        async with side.keeping:
            tasks = [
                asyncio.ensure_future(taking.take(message(one), NAME)) for one in ("V1", "V2", "V3")
            ]
            await asyncio.sleep(0)
        found = await asyncio.gather(*tasks, return_exceptions=True)

        # then its sender is told to come again, and the others' are safe
        assert isinstance(found[1], OutcomeUnknown)
        assert [isinstance(one, Taken) for one in found] == [True, False, True]
        assert len(await side.outbox.waiting(10)) == 2

        # and alone it is told the same
        with pytest.raises(OutcomeUnknown):
            await taking.take(message("V2"), NAME)


async def test_if_the_one_who_keeps_is_cancelled_the_next_one_keeps(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a write that does not end
    begun, held = asyncio.Event(), asyncio.Event()
    keep = SqliteOutbox.keep

    async def first_time(self: SqliteOutbox, records: Sequence[Kept]) -> None:
        if not begun.is_set():
            begun.set()
            await held.wait()
        await keep(self, records)

    monkeypatch.setattr(SqliteOutbox, "keep", first_time)
    async with hospital(eastshire) as (side, taking):
        async with side.keeping:
            tasks = [
                asyncio.ensure_future(taking.take(message(one), NAME)) for one in ("V1", "V2", "V3")
            ]
            await asyncio.sleep(0)
        await begun.wait()

        # when the connection whose turn it is breaks off
        tasks[0].cancel()

        # then the others are kept all the same, without it
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert [(await task).signed for task in tasks[1:]] == [1, 1]
        assert len(await side.outbox.waiting(10)) == 2


async def test_no_more_than_the_most_are_kept_together(
    eastshire: Commands, writes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a bound of two, when five wait, then three writes keep them
    monkeypatch.setattr(intake, "MOST_TOGETHER", 2)
    async with hospital(eastshire) as (side, taking):
        found = await together(side, taking, *(message(f"V{number}") for number in range(5)))
        assert writes == [2, 2, 1]
        assert sum(one.signed for one in found) == 5


async def test_content_is_safe_even_if_its_quality_cannot_be_noted(
    eastshire: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given counts that cannot be written
    async def away(*_: object) -> None:
        raise Unavailable("readings")

    monkeypatch.setattr(SqliteReadings, "note", away)
    async with hospital(eastshire) as (_, taking):
        assert (await taking.take(message("V1"), NAME)).signed == 1


async def test_without_a_side_nothing_is_taken() -> None:
    # given an intake without a side, then whoever brings something is told to come again
    with pytest.raises(Unavailable):
        await SideIntake().take(message("V1"), NAME)
