"""What a consumer checks before it hands anything over; each alteration has a code of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.entry import delivery_id
from broker.access_log.parts import ProtocolPlace
from broker.access_log.proofs import Proof
from broker.access_log.tree import hash_leaf
from broker.receipts import errors
from broker.records.batches import BatchVerifier
from broker.records.envelope import Slot, decode_minimised
from broker.records.keys import Change, KeyRegistry
from broker.records.sealing import Opener
from tests.broker.receipts.logged import (
    QUARANTINE,
    TOPIC,
    Logged,
    refusal,
    told_otherwise,
)
from tests.support.county import COUNCIL, HOSPITALS, POLICE, SCHOOL
from tests.support.statements import involved, later

# ---------------------------------------------------------------- what is true


def test_a_true_delivery_is_what_was_decided(logged: Logged, true: bytes) -> None:
    # given a delivery as it was released, when the school verifies it
    found = logged.verifier(SCHOOL).verify(true, TOPIC)

    # then it has the decision and exactly the slots that this grants
    assert (found.told.kind, found.told.consumer, found.told.outcome) == (
        "delivery",
        SCHOOL,
        "content",
    )
    assert found.record is not None
    assert found.record.head.agency == POLICE
    assert found.record.opened() == found.told.slots
    assert found.body == logged.body(SCHOOL, TOPIC, true).minimised

    # and the id and place of its log entry
    leaf = logged.body(SCHOOL, TOPIC, true).leaf(SCHOOL)
    assert found.id == delivery_id(hash_leaf(leaf.data))
    assert found.index == Proof.parse(Delivery.decode(true).proof).index


def test_a_desks_delivery_is_its_agencys(logged: Logged) -> None:
    # given deliveries to the council's desks, when the council verifies them, then all pass
    topic = f"deliveries.{COUNCIL}"
    verifier = logged.verifier(COUNCIL)
    found = [verifier.verify(value, topic) for value in logged.deliveries[topic]]
    assert {one.told.consumer for one in found} == {
        f"{COUNCIL}/{desk}" for desk in ("mash", "edt", "missing")
    }


def test_a_quarantined_message_comes_back_as_it_was_sent(logged: Logged) -> None:
    # given a message that did not open, when its source verifies what came back
    (value,) = logged.deliveries[QUARANTINE]
    found = logged.verifier(POLICE).verify(value, QUARANTINE)

    # then it has the code and the message's own bytes, and no record
    assert (found.told.kind, found.told.code, found.record) == ("quarantine", "record.seal", None)
    assert found.body


async def test_a_task_is_verified_too() -> None:
    # given a record about which the protocol asks its source first
    logged = Logged()
    county = logged.rig.county
    logged.rig.tell(SCHOOL, involved(county))
    said = county.say("emergency-attendance", protections=("sexual-health",))
    logged.rig.tell(HOSPITALS, said)
    await logged.log()

    # when the source verifies what it is asked
    topic = f"deliveries.{HOSPITALS}"
    verifier = logged.verifier(HOSPITALS)
    (found,) = [verifier.verify(value, topic) for value in logged.deliveries[topic]]

    # then there is a task with a reason, and the record comes closed
    assert found.told.kind == "task"
    assert found.record is not None
    assert found.record.opened() == ()
    assert found.told.task is not None
    assert found.told.task.why == "refer"


def test_a_key_revoked_afterwards_does_not_undo_what_was_accepted(
    logged: Logged, true: bytes
) -> None:
    # given a source that revokes its key after the record was accepted
    logged.rig.county.change_key(POLICE, Change.REVOKE, later(900))

    # when the delivery is verified by the protocol as it is now, then it still stands
    assert logged.verifier(SCHOOL).verify(true, TOPIC).record is not None


# ---------------------------------------------------------------- (0) shape and seal


def test_what_is_no_delivery_is_refused_as_such(logged: Logged, true: bytes) -> None:
    # given bytes that are cut short, spoilt under their seal, or hold something else
    delivery = Delivery.decode(true)
    spoilt = delivery.sealed[:-1] + bytes([delivery.sealed[-1] ^ 1])
    suite = b"\x02" + delivery.sealed[1:]
    body = logged.body(SCHOOL, TOPIC, true)
    cases = {
        "log.shape": [
            b"",
            true[:100],
            logged.sealed(true, TOPIC, SCHOOL, b"something else"),
            logged.sealed(true, TOPIC, SCHOOL, replace(body, told=b"no decision").encode()),
            logged.sealed(true, TOPIC, SCHOOL, replace(body, salt=b"short").encode()),
        ],
        "record.seal": [replace(delivery, sealed=spoilt).encode()],
        "record.suite": [replace(delivery, sealed=suite).encode()],
        "record.size": [replace(delivery, sealed=b"\x01").encode()],
        "log.proof.shape": [replace(delivery, proof=b"").encode()],
    }

    # when they are verified, then each is refused for its shape, and says which rule
    verifier = logged.verifier(SCHOOL)
    for rule, values in cases.items():
        for value in values:
            assert refusal(verifier, value) == (errors.SHAPE, rule)


def test_a_delivery_opens_on_its_own_topic_and_for_its_own_agency_only(
    logged: Logged, true: bytes
) -> None:
    # given a true delivery, when it lies on another topic, then it does not open
    assert refusal(logged.verifier(SCHOOL), true, f"quarantine.{SCHOOL}") == (
        errors.SHAPE,
        "record.seal",
    )
    # and nobody else's key opens it, nor does the school's under another name
    assert refusal(logged.verifier(COUNCIL), true)[0] is errors.SHAPE
    posing = replace(logged.verifier(COUNCIL), opener=logged.verifier(SCHOOL).opener)
    assert refusal(posing, true) == (errors.SHAPE, "record.seal")


def test_an_older_sealing_key_still_opens(logged: Logged, true: bytes) -> None:
    # given a school with a newer key beside the one that the delivery was sealed to
    county = logged.rig.county
    keys = (county.agencies[COUNCIL].seal, county.agencies[SCHOOL].seal)
    verifier = replace(logged.verifier(SCHOOL), opener=Opener(county.partnership, keys))

    # when it verifies, then the older one opens it
    assert verifier.verify(true, TOPIC).record is not None


# ---------------------------------------------------------------- (1) recipient and protocol


@pytest.mark.parametrize("consumer", [COUNCIL, f"{COUNCIL}/mash", "", f"{SCHOOL}-annexe"])
def test_a_decision_for_somebody_else_is_refused(
    logged: Logged, true: bytes, consumer: str
) -> None:
    # given a decision that names another consumer, sealed to the school all the same
    def change(body: DeliveryBody) -> DeliveryBody:
        return told_otherwise(body, lambda told: replace(told, consumer=consumer))

    value = logged.resealed(true, TOPIC, SCHOOL, change)

    # when the school verifies it, then it is not meant for it
    assert refusal(logged.verifier(SCHOOL), value) == (errors.RECIPIENT, "")


@pytest.mark.parametrize(
    "other",
    [
        lambda place: replace(place, head=bytes(32)),
        lambda place: replace(place, position=place.position - 1),
        lambda place: replace(place, position=place.position + 100),
    ],
)
def test_a_decision_under_another_protocol_is_refused(
    logged: Logged, true: bytes, other: Callable[[ProtocolPlace], ProtocolPlace]
) -> None:
    # given a decision that names a protocol that was not published so, or not so far
    def change(body: DeliveryBody) -> DeliveryBody:
        return told_otherwise(body, lambda told: replace(told, protocol=other(told.protocol)))

    # when the school verifies it, then it rests on another protocol
    value = logged.resealed(true, TOPIC, SCHOOL, change)
    assert refusal(logged.verifier(SCHOOL), value) == (errors.PROTOCOL, "")


# ---------------------------------------------------------------- (2), (3) source and slots


def longest(body: DeliveryBody) -> bytes:
    """Return the longest value among the open slots."""
    slots = decode_minimised(body.minimised).slots
    return max((slot.value for slot in slots if isinstance(slot, Slot)), key=len)


def test_an_altered_record_loses_its_sources_signature(logged: Logged, true: bytes) -> None:
    # given a record in which one byte of an open slot differs
    def change(body: DeliveryBody) -> DeliveryBody:
        value = longest(body)
        other = value[:-1] + bytes([value[-1] ^ 1])
        assert body.minimised.count(value) == 1
        return replace(body, minimised=body.minimised.replace(value, other))

    # when the school verifies it, then the source's signature does not stand
    value = logged.resealed(true, TOPIC, SCHOOL, change)
    assert refusal(logged.verifier(SCHOOL), value) == (errors.SOURCE, "record.signature.invalid")


def test_what_is_no_record_has_no_signature(logged: Logged, true: bytes) -> None:
    # given a delivery with no record, or one with bytes behind it
    for other in (lambda _: b"", lambda record: record + b"\0"):

        def change(body: DeliveryBody, other: Callable[[bytes], bytes] = other) -> DeliveryBody:
            return replace(body, minimised=other(body.minimised))

        # when the school verifies it, then it says that its shape is wrong
        value = logged.resealed(true, TOPIC, SCHOOL, change)
        assert refusal(logged.verifier(SCHOOL), value) == (errors.SOURCE, "record.shape")


def test_a_key_that_was_never_published_signs_nothing(logged: Logged, true: bytes) -> None:
    # given a consumer in whose protocol the source has no key
    verifier = replace(
        logged.verifier(SCHOOL),
        registry=KeyRegistry(),
        batches=BatchVerifier(logged.rig.county.partnership),
    )
    # when it verifies, then the signature is refused, and it says why
    assert refusal(verifier, true) == (errors.SOURCE, "record.signature.unknown-key")


def test_slots_are_open_as_the_decision_says_and_not_otherwise(logged: Logged, true: bytes) -> None:
    # given a decision that grants one slot less than is open, and one that grants one more
    for other in (lambda slots: slots[:-1], lambda slots: (*slots, 31)):

        def change(
            body: DeliveryBody, other: Callable[[tuple[int, ...]], tuple[int, ...]] = other
        ) -> DeliveryBody:
            return told_otherwise(body, lambda told: replace(told, slots=other(told.slots)))

        # when the school verifies, then slots and decision do not fit
        value = logged.resealed(true, TOPIC, SCHOOL, change)
        assert refusal(logged.verifier(SCHOOL), value) == (errors.SLOTS, "")
