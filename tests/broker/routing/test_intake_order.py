"""Keys, time, replay, conflict, and what stands around a record: each bad one has its code."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.clock import DAY, MINUTE, Instant
from broker.lanes import Message
from broker.records.envelope import decode_envelope
from broker.records.keys import Change, Use
from broker.records.names import (
    AgencyId,
    KeyId,
    Kind,
)
from broker.records.statement import Statement
from tests.broker.routing.rig import Rig, quarantined, refused
from tests.support.county import (
    COUNCIL,
    GIRL,
    NOON,
    POLICE,
    County,
    revision,
)
from tests.support.statements import later

TOPIC = f"records.{POLICE}"


@pytest.fixture
def rig() -> Rig:
    """A core that has decided nothing yet."""
    return Rig()


def episode(county: County) -> Statement:
    return county.say("missing-episode")


# ------------------------------------------------------------------ keys, by the order of the log


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change.REVOKE, "record.signature.revoked-key"),
        (Change.COMPROMISED, "record.signature.compromised-key"),
        (Change.RETIRE, "record.signature.retired-key"),
    ],
)
def test_a_key_that_was_taken_back_speaks_no_more(rig: Rig, change: Change, code: str) -> None:
    # given a key that its agency took back eight days ago
    rig.county.change_key(POLICE, change, Instant(NOON - 8 * DAY))

    # when a record comes that it signed, then it goes to quarantine
    refused(rig, rig.county.message(POLICE, episode(rig.county)), code)


def test_a_retired_key_s_records_are_taken_for_seven_days(rig: Rig) -> None:
    # given a key that was retired just seven days before a record arrives
    rig.county.change_key(POLICE, Change.RETIRE, Instant(NOON - 7 * DAY))
    message = rig.county.message(POLICE, episode(rig.county))
    late = replace(rig.county.message(POLICE, episode(rig.county)))

    # when it arrives, then it is accepted; a millisecond later it is not
    assert {one.facts.kind for one in rig.route(rig.sent(message, at=NOON))} == {"decision"}
    entries = rig.route(rig.sent(late, at=Instant(NOON + 1)))
    quarantined(entries, "record.signature.retired-key")


def test_a_key_speaks_from_its_entry_on(rig: Rig) -> None:
    # given a record signed by a key that is registered only after it
    keys = replace(rig.county.agencies[POLICE], sign=Ed25519PrivateKey.generate())
    rig.county.agencies[POLICE] = keys
    message = rig.county.message(POLICE, episode(rig.county))
    quarantined(rig.route(rig.sent(message)), "record.signature.unknown-key")

    # when it is sent again once the key is registered, then it is accepted
    rig.county.add_key(POLICE, keys.sign, later(10))
    assert {one.facts.kind for one in rig.route(rig.sent(message))} == {"decision"}
    assert rig.verify() == []


def test_a_key_id_is_that_of_the_key_that_signed(rig: Rig) -> None:
    envelope = rig.county.sign(POLICE, episode(rig.county))[0]
    envelope = replace(envelope, batch=replace(envelope.batch, key_id=KeyId(bytes(32))))
    message = rig.county.message(POLICE, envelope)
    refused(rig, message, "record.signature.unknown-key")


# ------------------------------------------------------------------ time, replay, conflict


@pytest.mark.parametrize(
    ("issued", "code"),
    [
        (NOON + 5 * MINUTE + 1, "record.issued.future"),
        (NOON - 14 * DAY - 1, "record.issued.old"),
    ],
)
def test_a_clock_may_go_wrong_by_so_much(rig: Rig, issued: int, code: str) -> None:
    # given a record that was issued too far from when it arrives
    envelope = rig.county.sign(POLICE, episode(rig.county), at=Instant(issued))[0]
    message = rig.county.message(POLICE, envelope)

    # when it arrives, then it is refused
    refused(rig, message, code, at=NOON)


@pytest.mark.parametrize("issued", [NOON + 5 * MINUTE, NOON - 14 * DAY])
def test_a_clock_may_go_wrong_by_just_so_much(rig: Rig, issued: int) -> None:
    envelope = rig.county.sign(POLICE, episode(rig.county), at=Instant(issued))[0]
    found = rig.route(rig.sent(rig.county.message(POLICE, envelope), at=NOON))
    assert {one.facts.kind for one in found} == {"decision"}


@pytest.mark.parametrize("together", [True, False])
def test_a_repeat_is_counted_and_dropped(rig: Rig, together: bool) -> None:
    # given a message that was recorded and is sent again, and its record signed and sealed anew
    said = episode(rig.county)
    message = rig.county.message(POLICE, said)
    anew = rig.county.message(POLICE, said, later(60))

    # when they arrive, in one batch or one after another
    if together:
        entries = rig.route(rig.sent(message, message, anew))
    else:
        entries = [one for each in (message, message, anew) for one in rig.route(rig.sent(each))]

    # then nobody is told anything twice
    assert rig.counts["accepted"] == 1
    assert rig.counts["repeats"] == 2
    assert len({one.consumer for one in entries}) == len(entries)
    assert len(rig.decided) == 1
    assert rig.verify() == []


def with_other_words(said: Statement) -> Statement:
    return replace(said, content={**said.content, "circumstances": "Something else."})


CONFLICTS: dict[str, Callable[[Statement], Statement]] = {
    "other content": with_other_words,
    "another kind": lambda said: replace(said, kind=Kind.CORRECTION),
    "another label": lambda said: replace(said, labels=replace(said.labels, age_band="13-15")),
    "another child": lambda said: replace(said, identifiers=replace(GIRL, given="Alex")),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_one_id_cannot_mean_two_things(rig: Rig, name: str) -> None:
    # given an accepted record
    said = episode(rig.county)
    rig.tell(POLICE, said)
    rows, keys = dict(rig.rows), dict(rig.keys.kept)

    # when another comes under its id, then the former one stands, and the other goes back
    other = rig.county.sign(POLICE, CONFLICTS[name](said))[0]
    entry = quarantined(rig.tell(POLICE, other), "record.conflict")
    assert decode_envelope(entry.minimised) == other
    assert (rig.rows, rig.keys.kept) == (rows, keys)
    assert rig.verify() == []


def test_two_agencies_may_use_one_id(rig: Rig) -> None:
    # given two agencies that chose the same id for two records
    own = rig.county.sign(POLICE, episode(rig.county))[0]
    keys = replace(rig.county.agencies[COUNCIL], id_key=rig.county.agencies[POLICE].id_key)
    rig.county.agencies[COUNCIL] = keys
    said = rig.county.say("concern", natural_id=f"fact-{rig.county._said}")
    theirs = rig.county.sign(COUNCIL, said)[0]
    assert own.head.record_id == theirs.head.record_id

    # when both arrive, then neither stands in the other's way
    rig.tell(POLICE, own)
    rig.tell(COUNCIL, theirs)
    assert rig.counts["accepted"] == 2


# ------------------------------------------------------------------ what stands around a record


@pytest.mark.parametrize("key", [b"", b"short", b"a name of somebody who is missing"])
def test_a_message_key_that_is_none_goes_no_further(rig: Rig, key: bytes) -> None:
    # given a message under a key that is not eight bytes
    message = replace(rig.county.message(POLICE, episode(rig.county)), key=key)

    # when it is decided, or given up, then what follows bears an empty key
    (received,) = rig.sent(message)
    for outputs in (rig.decide([received]), rig.core.give_up(received)):
        decided = [one for one in outputs.messages if one.topic == "decided"]
        assert [one.key for one in decided] == [bytes(8)]


def test_before_a_revision_is_in_force_nothing_is_accepted(rig: Rig) -> None:
    # given a record that arrived just before the first revision came into force
    before = Instant(revision().agreement.in_force - 1)
    envelope = rig.county.sign(POLICE, episode(rig.county), at=before)[0]

    # when it is read, then it goes back to its source: nobody would ever decide it
    message = rig.county.message(POLICE, envelope, before)
    entry = refused(rig, message, "protocol.revision.none", at=before)
    assert decode_envelope(entry.minimised) == envelope


def test_before_a_revision_is_signed_no_schema_is_known(rig: Rig) -> None:
    # given a partnership whose officers have not signed any revision
    rig.county.entries.pop()

    # when a record arrives, then it goes back to its source
    message = rig.county.message(POLICE, episode(rig.county))
    refused(rig, message, "record.schema.unknown")


def test_a_message_that_breaks_the_core_is_kept_unread(rig: Rig) -> None:
    # given a message that the core cannot work on
    message = rig.county.message(POLICE, episode(rig.county))
    (received,) = rig.sent(message)

    # when it is given up, then it lies in quarantine as it came
    rig.learn()
    entry = quarantined(rig.commit(rig.core.give_up(received)), "router.internal")
    assert entry.minimised == message.value
    assert rig.verify() == []


def test_an_agency_without_a_sealing_key_finds_the_reason_in_the_log(rig: Rig) -> None:
    # given an agency to which nothing can be sealed any more
    rig.county.change_key(POLICE, Change.REVOKE, later(1), Use.SEAL)

    # when it sends garbage, then the entry stands, and nothing is released
    message = Message(TOPIC, b"8 bytes!", b"\x01" + os.urandom(2000))
    entry = quarantined(rig.route(rig.sent(message)), "record.seal")
    assert (entry.topic, entry.minimised) == ("", b"")
    assert rig.verify() == []


def test_a_topic_of_nobody_is_quarantined_for_nobody(rig: Rig) -> None:
    message = Message("records.nobody", b"8 bytes!", b"\x01" + os.urandom(2000))
    entry = quarantined(rig.route(rig.sent(message)), "record.seal", AgencyId("nobody"))
    assert entry.topic == ""


def test_one_bad_message_holds_up_no_other(rig: Rig) -> None:
    # given a batch in which every other message is bad
    county = rig.county
    good = [county.message(POLICE, episode(county)) for _ in range(3)]
    bad = Message(TOPIC, b"8 bytes!", bytes(2000))
    batch = rig.sent(good[0], bad, good[1], bad, good[2])

    # when it is decided, then the good ones are
    rig.route(batch)
    assert rig.counts["accepted"] == 3
    assert rig.counts["quarantined record.suite"] == 2
    assert rig.verify() == []
