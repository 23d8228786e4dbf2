"""An agency's outbox in a SQLite file: signed once, kept, found again, and dark to others."""

import os
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.outbox import Fingerprint, Kept, Known, Origin
from broker.backends.sqlite.database import open_database
from broker.backends.sqlite.errors import FOREIGN, StoreError
from broker.backends.sqlite.outbox import ROWS_A_QUERY, SqliteOutbox
from broker.backends.sqlite.record_keys import RECORD_KEYS
from broker.lanes import Message
from broker.records.names import RecordId
from broker.records.sealing import HEAD_BYTES

KEY = b"k" * 32
NAME = "visit of Robin Sample"
"""A natural id that says too much, as those of some systems do."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[SqliteOutbox]:
    with SqliteOutbox.open(path, KEY) as made:
        yield made


def kept(number: int, natural_id: str = NAME, version: str = "1", system: str = "niche") -> Kept:
    """Return a signed record with bytes of its own."""
    chance = Random(number)
    record_id = RecordId(chance.randbytes(16))
    message = Message("records.police", chance.randbytes(8), chance.randbytes(HEAD_BYTES + 400))
    said = Fingerprint(chance.randbytes(32))
    return Kept(
        record_id, Origin(system, natural_id), version, said, message, chance.randbytes(300)
    )


def known(one: Kept) -> Known:
    return Known(one.record_id, one.version, one.fingerprint)


async def test_versions_of_an_item_are_known_oldest_first(outbox: SqliteOutbox) -> None:
    # given two versions of one item, and items whose names differ by little
    first, second = kept(1, version="1"), kept(2, version="2")
    other, elsewhere = kept(3, NAME + "s"), kept(4, system="other")
    shifted = kept(5, natural_id="x" + NAME, system="nich")
    await outbox.keep([second, other, first])
    await outbox.keep([elsewhere, shifted])

    # when they are asked for, then each has its own versions, in the order they were kept
    origins = [one.origin for one in (first, other, elsewhere, shifted)]
    found = await outbox.known([*origins, Origin("niche", "nothing")])
    assert found == {
        first.origin: [known(second), known(first)],
        other.origin: [known(other)],
        elsewhere.origin: [known(elsewhere)],
        shifted.origin: [known(shifted)],
    }
    assert await outbox.known([]) == {}


async def test_a_whole_file_of_items_is_asked_for_at_once(outbox: SqliteOutbox) -> None:
    # given more items than one statement looks up
    records = [kept(number, f"item-{number}") for number in range(2 * ROWS_A_QUERY + 1)]
    await outbox.keep(records)

    # when all are asked for, then all are found
    found = await outbox.known([one.origin for one in records])
    assert found == {one.origin: [known(one)] for one in records}


async def test_what_was_signed_first_stays(outbox: SqliteOutbox) -> None:
    # given a record that is kept, when one with its id is kept again, then the first one stays
    first = kept(1)
    await outbox.keep([first])
    again = replace(kept(2), record_id=first.record_id)
    await outbox.keep([again, kept(3)])
    assert await outbox.find(first.record_id) == first
    assert len(await outbox.waiting(10)) == 2


async def test_records_wait_in_order_until_they_are_published(outbox: SqliteOutbox) -> None:
    # given five records, of which two are published, one of them twice
    records = [kept(number) for number in range(5)]
    await outbox.keep(records)
    assert await outbox.waiting(3) == records[:3]
    await outbox.published([records[0].record_id, records[3].record_id])
    await outbox.published([records[0].record_id, RecordId(b"?" * 16)])
    await outbox.published([])

    # when it is asked what waits, then it is the others, in their order
    assert await outbox.waiting(10) == [records[1], records[2], records[4]]


async def test_urgent_records_wait_in_front(outbox: SqliteOutbox) -> None:
    # given a load of records, and two urgent ones behind
    records = [kept(number) for number in range(5)]
    urgent = [
        replace(one, message=replace(one.message, topic=f"urgent.{number}"))
        for number, one in enumerate(records[3:])
    ]
    await outbox.keep(records[:3] + urgent)
    assert await outbox.waiting(3) == [*urgent, records[0]]
    assert await outbox.waiting(1) == urgent[:1]

    # and all are still held
    assert await outbox.find(records[0].record_id) == records[0]
    assert await outbox.find(RecordId(b"?" * 16)) is None


async def test_what_is_urgent_waits_before_what_a_bulk_load_has_left(outbox: SqliteOutbox) -> None:
    # given records of a bulk load, and urgent ones that came among and behind them
    records = [kept(number) for number in range(6)]
    for number in (2, 5):
        message = replace(records[number].message, topic="urgent.eastshire-police")
        records[number] = replace(records[number], message=message)
    await outbox.keep(records)

    # when it is asked what waits, then urgent ones come first, each topic in its order
    ordered = [records[number] for number in (2, 5, 0, 1, 3, 4)]
    assert await outbox.waiting(10) == ordered
    assert await outbox.waiting(3) == ordered[:3]
    assert await outbox.waiting(1) == ordered[:1]


async def test_a_retry_waits_again_under_the_same_id(outbox: SqliteOutbox) -> None:
    # given a record that was published and is signed and sealed anew
    first, fresh = kept(1), kept(2)
    await outbox.keep([first, kept(3)])
    await outbox.published([first.record_id])
    await outbox.renew(first.record_id, fresh.message, fresh.own)

    # then it waits again with the new bytes, where it stood, and says the same
    message = replace(first.message, value=fresh.message.value)
    renewed = replace(first, message=message, own=fresh.own)
    assert await outbox.waiting(10) == [renewed, kept(3)]
    assert (await outbox.known([first.origin]))[first.origin][0] == known(first)

    # and only the new bytes are known as sent
    assert await outbox.sent_as(fresh.message.value) == renewed
    assert await outbox.sent_as(first.message.value) is None


async def test_what_was_sent_is_found_by_its_bytes(outbox: SqliteOutbox) -> None:
    # given two records that were sent
    one, other = kept(1), kept(2)
    await outbox.keep([one, other])
    value = one.message.value

    # when one is looked for by its bytes, or their digest, then it is found
    assert await outbox.sent_as(value) == one
    assert await outbox.sent_as(sha256(value).digest()) == one

    # and when it was altered behind its head, or cut off there, its head still names it
    assert await outbox.sent_as(value[:-1] + bytes([value[-1] ^ 1])) == one
    assert await outbox.sent_as(value[: HEAD_BYTES + 1]) == one
    assert await outbox.sent_as(value + b"more") == one

    # but what another wrote, or what has no more than a head, is nobody's
    assert await outbox.sent_as(b"\0" + value[1:]) is None
    assert await outbox.sent_as(value[:HEAD_BYTES]) is None
    assert await outbox.sent_as(b"") is None
    assert await outbox.sent_as(bytes(32)) is None


async def test_everything_outlives_the_process(path: Path) -> None:
    # given records that are kept, one of them published
    records = [kept(1), kept(2)]
    with SqliteOutbox.open(path, KEY) as outbox:
        await outbox.keep(records)
        await outbox.published([records[0].record_id])

    # when the file is opened anew, then all of that is as it was
    with SqliteOutbox.open(path, KEY) as outbox:
        assert await outbox.waiting(10) == records[1:]
        assert (await outbox.known([records[0].origin])).keys() == {records[0].origin}
        assert await outbox.find(records[0].record_id) == records[0]


async def test_the_file_names_nobody(path: Path, outbox: SqliteOutbox) -> None:
    # given a record of an item whose id holds a name
    one = kept(1)
    await outbox.keep([one])
    outbox.close()

    # when the files are searched, then neither name nor fingerprint is there, nor a plain hash
    held = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert one.message.value in held
    plain = [NAME.encode(), b"Robin", one.fingerprint, sha256(NAME.encode()).digest()]
    assert not [text for text in plain if text in held]


async def test_another_agencys_key_finds_and_opens_nothing(path: Path) -> None:
    # given an outbox that somebody opens with another key
    one = kept(1)
    with SqliteOutbox.open(path, KEY) as outbox:
        await outbox.keep([one])
    with SqliteOutbox.open(path, b"o" * 32) as other:
        # when it is asked, then the item is unknown, and what names a record does not open
        assert await other.known([one.origin]) == {}
        with pytest.raises(InvalidTag):
            await other.waiting(1)


def test_another_file_is_not_taken_for_an_outbox(path: Path) -> None:
    # given a file of another kind, when it is opened as an outbox, then that is refused
    open_database(path, RECORD_KEYS).close()
    with pytest.raises(StoreError) as caught:
        SqliteOutbox.open(path, KEY)
    assert caught.value.code is FOREIGN


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(system=TEXT, natural_id=TEXT, version=TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
async def test_any_name_comes_back_as_it_was(
    outbox: SqliteOutbox, system: str, natural_id: str, version: str
) -> None:
    # given an item with any system, id and version, when it is kept, then it comes back whole
    one = replace(kept(0, natural_id, version, system), record_id=RecordId(os.urandom(16)))
    await outbox.keep([one])
    assert await outbox.find(one.record_id) == one
    assert known(one) in (await outbox.known([one.origin]))[one.origin]
