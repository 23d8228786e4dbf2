"""Looks that wait to be logged: sealed, counted, and kept until they are."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.access_log.looks import Look
from broker.backends.sqlite.looks import SqliteLooks
from broker.clock import HOUR, Instant
from broker.records.names import Partnership
from broker.runtimes.looks import MOST_IN_AN_HOUR, LookRefused, Looks

NOON = Instant(1_772_625_600_000)
LOOK = Look(bytes(16), NOON, "", "auditor", "A complaint", (), (bytes(16),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "looks.sqlite"


@pytest.fixture
def looks(path: Path) -> Iterator[Looks]:
    with SqliteLooks.open(path) as store:
        yield Looks(store, os.urandom(32), Partnership(bytes(32)))


def held(path: Path) -> bytes:
    """Return what the files of a store hold."""
    return b"".join(one.read_bytes() for one in path.parent.iterdir())


async def test_a_look_waits_until_it_is_logged(looks: Looks, path: Path) -> None:
    # given a look that was noted, when it is taken, then it is what was said
    await looks.note(LOOK)
    (waiting,) = await looks.waiting()
    assert Look.decode(waiting.message.value) == LOOK
    assert LOOK.because.encode() not in held(path)

    # and it waits no more once it is logged
    await looks.logged([waiting], NOON)
    assert await looks.waiting() == []


async def test_looks_are_counted_by_the_hour(looks: Looks) -> None:
    # given as many looks as there may be in an hour, logged or not
    for number in range(MOST_IN_AN_HOUR):
        await looks.note(replace(LOOK, id=bytes([number]) * 16))
    await looks.logged((await looks.waiting())[:5], NOON)

    # when one more comes, then it is refused; another looker's is not, nor one an hour later
    with pytest.raises(LookRefused, match="in an hour"):
        await looks.note(replace(LOOK, id=os.urandom(16)))
    await looks.note(replace(LOOK, id=os.urandom(16), agency="eastshire-police"))
    await looks.note(replace(LOOK, id=os.urandom(16), at=Instant(NOON + HOUR + 1)))


async def test_what_does_not_open_holds_up_nothing(looks: Looks) -> None:
    # given a row that somebody has altered, and a sound one
    await looks.store.note(b"x" * 16, "", NOON, b"altered", since=NOON, most=9)
    await looks.note(LOOK)
    (waiting,) = await looks.waiting()
    assert Look.decode(waiting.message.value) == LOOK
