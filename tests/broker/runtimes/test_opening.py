"""Opening what the log keeps: each part with its own key, and why one stays closed."""

from copy import copy
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.access_log.decided import Archive, Handed, Kept
from broker.access_log.opened import Closed, Unsealed
from broker.records.envelope import decode_envelope
from broker.runtimes.opening import BrokerOpener
from tests.broker.routing.rig import MemoryRecordKeys, Rig
from tests.support.county import NOON, POLICE, SCHOOL
from tests.support.statements import high_risk, involved


@pytest.fixture(scope="module")
def decided() -> Rig:
    """A school that works with a girl, and what the police say of her."""
    rig = Rig()
    rig.tell(SCHOOL, involved(rig.county))
    rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))
    return rig


@pytest.fixture
def rig(decided: Rig) -> Rig:
    """The same, with record keys that the test may destroy."""
    own = copy(decided)
    own.keys = MemoryRecordKeys()
    own.keys.kept = dict(decided.keys.kept)
    return own


def kept(rig: Rig) -> Kept:
    """Return what the log keeps of the police's record."""
    return Kept.decode(Handed.decode(rig.decided[-1]).kept)


async def opened(rig: Rig, *messages: Kept, facts: bytes = b"") -> list[Unsealed]:
    private = X25519PrivateKey.from_private_bytes(facts or rig.county.secrets.facts)
    return list(await BrokerOpener(rig.county.partnership, private, rig.keys).open(messages))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


async def test_with_every_key_all_of_it_opens(rig: Rig) -> None:
    # given the log's key and the records' keys, when a message is opened, then no part is closed
    (found,) = await opened(rig, kept(rig))
    assert isinstance(found.archive, bytes)
    assert decode_envelope(found.archive).head.agency == POLICE
    assert len(found.entries) > 2
    for entry in found.entries:
        assert isinstance(entry.facts, bytes)
        assert isinstance(entry.private, bytes)


async def test_an_erased_record_is_told_from_a_key_that_is_not_there(rig: Rig) -> None:
    # given a record whose key was destroyed
    archive = kept(rig).archive
    assert archive is not None
    records = [archive.record]
    await rig.keys.destroy(records, NOON)

    # when it is opened, then it says that it was erased, and the facts still open
    (erased,) = await opened(rig, kept(rig))
    assert erased.archive is Closed.ERASED
    assert {one.private for one in erased.entries} == {Closed.ERASED}
    assert all(isinstance(one.facts, bytes) for one in erased.entries)

    # and where the key is just not there, that is what it says
    rig.keys.gone.clear()
    (closed,) = await opened(rig, kept(rig))
    assert closed.archive is Closed.NO_KEY
    assert {one.private for one in closed.entries} == {Closed.NO_KEY}


async def test_altered_parts_are_broken_and_the_others_open(rig: Rig) -> None:
    # given a message with an altered archive, facts of one entry, and private part of another
    whole = kept(rig)
    assert whole.archive is not None
    first, second, *rest = whole.entries
    altered = Kept(
        whole.cause,
        Archive(whole.archive.record, flipped(whole.archive.sealed)),
        (
            replace(first, facts=flipped(first.facts)),
            replace(second, personal=flipped(second.personal)),
            *rest,
        ),
    )

    # when it is opened beside the true one, then exactly those parts are broken
    true, found = await opened(rig, whole, altered)
    assert found.archive is Closed.BROKEN
    assert found.entries[0] == replace(true.entries[0], facts=Closed.BROKEN)
    assert found.entries[1] == replace(true.entries[1], private=Closed.BROKEN)
    assert found.entries[2:] == true.entries[2:]


async def test_another_logs_key_opens_no_facts(rig: Rig) -> None:
    # given somebody with a key of another log, when a message is opened, then its facts are not
    other = X25519PrivateKey.generate().private_bytes_raw()
    (found,) = await opened(rig, kept(rig), facts=other)
    assert {one.facts for one in found.entries} == {Closed.BROKEN}


async def test_what_is_about_no_record_lies_under_the_logs_key(rig: Rig) -> None:
    # given a message that did not open for the router, so that its entry is about no record
    message = rig.county.message(POLICE, rig.county.say("missing-episode"))
    rig.route(rig.sent(replace(message, value=flipped(message.value))))

    # when it is opened, then both its parts open without any record's key
    whole = Kept.decode(Handed.decode(rig.decided.pop()).kept)
    rig.keys.kept.clear()
    (found,) = await opened(rig, whole)
    assert found.archive is None
    (entry,) = found.entries
    assert isinstance(entry.facts, bytes)
    assert isinstance(entry.private, bytes)
