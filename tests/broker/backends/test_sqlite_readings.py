"""What files were like, in a SQLite file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.quality import Fault, Identified, Quality
from adapters.readings import Noted
from broker.backends.sqlite.readings import KEPT_MS, SqliteReadings
from broker.clock import DAY, HOUR, Instant

AT = Instant(1_772_582_400_000)
"""4 March 2026, 00:00 UTC."""

GOOD = Quality(
    "missing.json",
    "police-sui-json",
    read=3,
    mapped=2,
    rejected=1,
    identifiers={
        "nhs_number": Identified(1, 1, 0),
        "upn": Identified(),
        "council_id": Identified(),
        "own_id": Identified(2, 0, 0),
    },
    faults=(Fault(True, "field.code", "risk", 1, ("row 3",)),),
    unmapped=("colour",),
)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[SqliteReadings]:
    with SqliteReadings(tmp_path / "readings.sqlite") as opened:
        yield opened


def test_nothing_is_made_before_there_is_something(held: SqliteReadings, tmp_path: Path) -> None:
    assert asyncio.run(held.between(AT, Instant(AT + DAY))) == ()
    assert list(tmp_path.iterdir()) == []


async def test_a_file_is_noted_once_as_it_was_last_read(held: SqliteReadings) -> None:
    # given a file that is read twice, and another one of the same name
    later = Instant(AT + HOUR)
    await held.note(Quality("missing.json", "", read=1, rejected=1), b"a" * 32, AT)
    await held.note(GOOD, b"a" * 32, later)
    await held.note(GOOD, b"b" * 32, later)
    # then it counts when it first came, and as it was read at last
    assert await held.between(AT, Instant(AT + DAY)) == (Noted(AT, GOOD), Noted(later, GOOD))
    assert await held.between(AT, later) == (Noted(AT, GOOD),)


async def test_messages_of_a_day_are_one_row(held: SqliteReadings) -> None:
    for at in (AT, Instant(AT + HOUR), Instant(AT + DAY)):
        await held.note(GOOD, None, at)
    first, second = await held.between(AT, Instant(AT + 2 * DAY))
    assert (first.quality.contents, second.quality.contents) == (2, 1)
    assert (first.at, first.quality.read, first.quality.faults[0].count) == (AT, 6, 2)


async def test_what_is_old_goes(held: SqliteReadings) -> None:
    await held.note(GOOD, b"a" * 32, AT)
    await held.note(GOOD, b"b" * 32, Instant(AT + KEPT_MS + 1))
    assert len(await held.between(AT, Instant(AT + 2 * KEPT_MS))) == 1
