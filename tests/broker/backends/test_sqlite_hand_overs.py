"""What each sink has and what waits for it, in a SQLite file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sinks.hand_overs import BEGINNING, Position, Refused, Standing, Waiting
from broker.backends.sqlite.hand_overs import SqliteHandOvers
from broker.clock import Instant

AT = Instant(1_772_625_600_000)
LATER = Instant(AT + 1000)
ROWS = [(3, b"c" * 16, False), (5, b"e" * 16, False)]
READ = Position(6, b"e" * 16)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[SqliteHandOvers]:
    with SqliteHandOvers.open(tmp_path / "held.sqlite") as opened:
        yield opened


async def test_what_is_noted_waits_for_its_sink_alone_once(held: SqliteHandOvers) -> None:
    # given deliveries noted twice for one sink
    assert await held.position("a") == BEGINNING
    for _ in range(2):
        await held.note("a", ROWS, READ, AT)

    # then they wait for it, in order, and for no other
    assert await held.due("a", AT, 10) == [Waiting(3, 0), Waiting(5, 0)]
    assert await held.due("a", AT, 1) == [Waiting(3, 0)]
    assert await held.due("b", AT, 10) == []
    assert await held.position("a") == READ
    assert await held.standing("b") == Standing(0, None, 0, None, "", ())


async def test_what_was_handed_over_is_struck_off(held: SqliteHandOvers) -> None:
    await held.note("a", ROWS, READ, AT)
    await held.handed("a", 3, LATER)
    await held.dropped("a", 5)
    assert await held.due("a", LATER, 10) == []
    assert await held.standing("a") == Standing(1, LATER, 0, None, "", ())


async def test_what_failed_waits_until_it_is_due(held: SqliteHandOvers) -> None:
    await held.note("a", ROWS, READ, AT)
    await held.failed("a", 3, "sink.away", LATER)
    assert await held.due("a", AT, 10) == [Waiting(5, 0)]
    assert await held.due("a", LATER, 10) == [Waiting(3, 1), Waiting(5, 0)]
    assert await held.standing("a") == Standing(0, None, 2, AT, "sink.away", ())


async def test_what_was_refused_waits_for_a_person(held: SqliteHandOvers) -> None:
    await held.note("a", ROWS, READ, AT)
    await held.refused("a", 3, "sink.refused", "status 422", LATER)
    assert await held.due("a", LATER, 10) == [Waiting(5, 0)]
    standing = await held.standing("a")
    assert standing.refused == (Refused(b"c" * 16, "sink.refused", "status 422", LATER),)

    # and lets it go again, as if it were new
    assert await held.again("a") == 1
    assert await held.again("a") == 0
    assert await held.due("a", LATER, 10) == [Waiting(3, 0), Waiting(5, 0)]
    assert (await held.standing("a")).refused == ()


async def test_urgent_deliveries_are_due_before_others(held: SqliteHandOvers) -> None:
    # given a load, and two urgent deliveries that came behind it
    load = [(place, bytes([place]) * 16, False) for place in range(5)]
    urgent = [(place, bytes([place]) * 16, True) for place in (5, 7)]
    await held.note("a", [*load, *urgent], Position(8, b"\x07" * 16), AT)
    assert [one.place for one in await held.due("a", AT, 4)] == [5, 7, 0, 1]
    # when one of them failed, then it holds nobody up
    await held.failed("a", 5, "sink.away", LATER)
    assert [one.place for one in await held.due("a", AT, 2)] == [7, 0]
