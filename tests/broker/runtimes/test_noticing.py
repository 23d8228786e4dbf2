"""Telling people what they owe: kept before it is sent, once, later if the other side is away."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from adapters.notices.errors import NOTICE_AWAY, NoticeFailed
from broker.backends.sqlite.notices import REMEMBERED, SqliteNotices
from broker.clock import DAY, HOUR, MINUTE, SECOND, Instant
from broker.protocol.agreement import Agreement
from broker.receipts.duties import Duty
from broker.receipts.notices import Notice, To, line_key
from broker.receipts.notices import Stage as NoticeStage
from broker.records.names import AgencyId
from broker.runtimes import noticing
from broker.runtimes.clock import SetClock
from broker.runtimes.noticing import LONGEST_PAUSE_S, Noticing, home_desk, pause_s
from tests.adapters.listening.support import Ears
from tests.broker.receipts.test_notices import MASH, at_level, duty
from tests.support.county import COUNCIL, NOON, revision

if TYPE_CHECKING:
    from broker.runtimes.agency import AgencySide


@dataclass
class Side:
    """What telling people needs of an agency's side."""

    clock: SetClock
    agency: AgencyId = COUNCIL
    agreement: Agreement = field(default_factory=lambda: revision().agreement)
    owed: list[Duty] = field(default_factory=list)


@dataclass
class Bell:
    """A `Channel` that keeps what it got."""

    name: str = "bell"
    desks: tuple[str, ...] = (MASH,)
    troubles: list[Exception] = field(default_factory=list)
    got: list[Notice] = field(default_factory=list)

    def reaches(self, desk: str, to: To) -> bool:
        del to
        return desk in self.desks

    async def send(self, notice: Notice) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.got.append(notice)

    async def close(self) -> None: ...


@dataclass
class Stage:
    """A council, a bell, and what tells."""

    side: Side
    held: SqliteNotices
    bell: Bell
    ears: Ears
    noticing: Noticing

    async def look(self, after: int = 0) -> int:
        """Look after so many ms."""
        self.side.clock.set(Instant(self.side.clock.now() + after))
        return await self.noticing.look(cast("AgencySide", self.side))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    side = Side(SetClock(NOON))

    async def all_owed(of: Side) -> tuple[Duty, ...]:
        return tuple(at_level(one, of.clock.now()) for one in of.owed)

    monkeypatch.setattr(noticing, "all_owed", all_owed)
    with SqliteNotices.open(tmp_path / "notices.sqlite") as held:
        bell, ears = Bell(), Ears()
        yield Stage(side, held, bell, ears, Noticing((bell,), held, ears, float))


async def test_what_comes_up_is_told_once_a_minute_at_most(stage: Stage) -> None:
    # given a duty, when it is looked at again and again, then it is told once
    stage.side.owed = [duty(1)]
    assert [await stage.look() for _ in range(3)] == [1, 0, 0]

    # when two more come up within the minute, then they are told after it, together
    stage.side.owed += [duty(2), duty(3)]
    assert await stage.look(30 * SECOND) == 0
    assert await stage.look(31 * SECOND) == 1
    assert [len(one.lines) for one in stage.bell.got] == [1, 2]
    standing = await stage.held.standing("bell")
    assert (standing.sent, standing.waiting, standing.code) == (2, 0, "")
    assert standing.last == NOON + MINUTE + SECOND


async def test_a_channel_that_is_away_gets_everything_later_and_nothing_that_is_done(
    stage: Stage,
) -> None:
    # given a channel that fails twice
    stage.side.owed = [duty(1), duty(2)]
    stage.bell.troubles = [NoticeFailed(NOTICE_AWAY, "x"), ValueError()]
    assert await stage.look() == 0
    standing = await stage.held.standing("bell")
    assert (standing.waiting, standing.since, standing.code) == (1, NOON, "notice.away")
    assert stage.ears.said == [("cannot tell", "bell: notice.away x")]

    # when it is tried too early, then not at all; after the pause it is
    assert await stage.look(SECOND - 1) == 0
    assert len(stage.bell.troubles) == 1
    assert await stage.look(1) == 0
    assert (await stage.held.standing("bell")).code == "notice.fault"

    # when one of the two is done meanwhile, then the other one is told, under the same id
    stage.side.owed.pop(0)
    assert await stage.look(2 * SECOND) == 1
    (got,) = stage.bell.got
    assert [line.key for line in got.lines] == [line_key(duty(2), NoticeStage.NEW)]

    # and of a notice of which nothing is owed any more, nothing is sent
    stage.side.owed = [duty(3)]
    stage.bell.troubles = [NoticeFailed(NOTICE_AWAY)]
    await stage.look(HOUR)
    stage.side.owed = []
    assert await stage.look(HOUR) == 0
    assert (await stage.held.standing("bell")).waiting == 0
    assert len(stage.bell.got) == 1


@pytest.mark.parametrize("point", ["notice.before-send", "notice.after-send"])
async def test_a_crash_between_keeping_sending_and_noting_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    # given a process that dies before, or after, it has sent a notice
    def dies(here: str) -> None:
        if here == point:
            raise InterruptedError

    stage.side.owed = [duty(1)]
    with monkeypatch.context() as patch:
        patch.setattr(noticing, "reach", dies)
        with pytest.raises(InterruptedError):
            await stage.look()

    # when another one looks, and more has come up, then the notice is the same by its id
    stage.side.owed.append(duty(2))
    assert await stage.look(2 * MINUTE) == 2
    ids = [one.id for one in stage.bell.got]
    assert len(ids) == (3 if point == "notice.after-send" else 2)
    assert len(set(ids)) == 2
    assert [len(one.lines) for one in stage.bell.got] == [1] * len(ids)


async def test_whom_no_channel_reaches_is_said_once(stage: Stage) -> None:
    stage.side.owed = [at_level(duty(1), NOON), duty(2, desk=f"{COUNCIL}/edt")]
    await stage.look()
    await stage.look()
    assert stage.noticing.unreached == {"edt (desk)"}
    assert stage.ears.said == [("nobody is told", "no address: edt (desk)")]


async def test_lines_are_known_for_two_years(stage: Stage) -> None:
    stage.side.owed = [duty(1, 10_000 * DAY)]
    await stage.look()
    stage.side.owed.append(duty(2, 10_000 * DAY))
    assert await stage.look(REMEMBERED + DAY) == 1
    assert await stage.look(DAY) == 1  # the first one once more


def test_the_first_desk_hears_of_others(stage: Stage) -> None:
    assert home_desk(cast("AgencySide", stage.side)) == MASH


def test_pauses_grow_to_an_hour_and_chance_is_in_them() -> None:
    assert 2.5 <= pause_s(1) <= 5.0
    found = {pause_s(50) for _ in range(20)}
    assert LONGEST_PAUSE_S / 2 <= min(found) < max(found) <= LONGEST_PAUSE_S
