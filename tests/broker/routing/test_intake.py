"""Whatever bad reaches the router ends in quarantine, under its own stable code."""

import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.lanes import Message
from broker.records.digests import ID_BYTES
from broker.records.envelope import BatchPath, Envelope, Head, Slot, decode_envelope
from broker.records.names import (
    FIRST_TYPE_SLOT,
    SLOT_LABELS,
    SLOT_SCHEMA,
    Kind,
    RecordId,
)
from broker.records.schemas import EMPTY
from broker.records.sealing import MOST_SEALED
from broker.records.signing import Prepared, prepare, sign
from broker.records.statement import Labels, Statement
from broker.routing.intake import DIGEST_KEPT_OVER
from tests.broker.routing.rig import Rig, refused
from tests.support.county import (
    COUNCIL,
    NOON,
    POLICE,
    SCHOOL,
    County,
    sample,
    schemas,
)
from tests.support.statements import alerted, answered, receipt, retracted

TOPIC = f"records.{POLICE}"


@pytest.fixture
def rig() -> Rig:
    """A core that has decided nothing yet."""
    return Rig()


def episode(county: County) -> Statement:
    return county.say("missing-episode")


def signed(county: County) -> Envelope:
    return county.sign(POLICE, episode(county))[0]


def signed_as(
    county: County, said: Statement, change: Callable[[Prepared], Prepared] = lambda same: same
) -> Envelope:
    """Sign what no adapter would: values are changed behind the schema's back."""
    signer = county.signer(POLICE)
    return sign([change(prepare(said, schemas(), signer))], signer, NOON)[0]


def valued(slot: int, value: bytes) -> Callable[[Prepared], Prepared]:
    """Return what puts other bytes into a slot before it is signed."""

    def change(one: Prepared) -> Prepared:
        values = (*one.values[:slot], value, *one.values[slot + 1 :])
        return replace(one, values=values)

    return change


def with_slot(envelope: Envelope, number: int, slot: Slot) -> Envelope:
    slots = (*envelope.slots[:number], slot, *envelope.slots[number + 1 :])
    return replace(envelope, slots=slots)


def with_head(**changes: object) -> Callable[[Envelope], Envelope]:
    def change(one: Envelope) -> Envelope:
        head: Head = replace(one.head, **changes)  # type: ignore[arg-type]  # fields by name
        return replace(one, head=head)

    return change


def with_batch(**changes: object) -> Callable[[Envelope], Envelope]:
    def change(one: Envelope) -> Envelope:
        batch: BatchPath = replace(one.batch, **changes)  # type: ignore[arg-type]  # fields by name
        return replace(one, batch=batch)

    return change


# ------------------------------------------------------------------ bytes that do not open


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another suite": (lambda sealed: b"\x02" + sealed[1:], "record.suite"),
    "suite 0": (lambda sealed: b"\x00" + sealed[1:], "record.suite"),
    "nothing at all": (lambda _: b"", "record.size"),
    "one byte": (lambda _: b"\x01", "record.size"),
    "cut short": (lambda sealed: sealed[:-1], "record.seal"),
    "something behind it": (lambda sealed: sealed + b"\x00", "record.seal"),
    "larger than any record": (lambda sealed: sealed.ljust(MOST_SEALED + 1), "record.size"),
    "garbage of a fair size": (lambda _: b"\x01" + os.urandom(4095), "record.seal"),
    "another wrapped key": (lambda sealed: flipped(sealed, 5), "record.seal"),
    "another hour": (lambda sealed: flipped(sealed, 88), "record.seal"),
    "another nonce": (lambda sealed: flipped(sealed, 92), "record.seal"),
    "an altered ciphertext": (lambda sealed: flipped(sealed, 200), "record.seal"),
    "an altered tag": (lambda sealed: flipped(sealed, -1 + len(sealed)), "record.seal"),
}


@pytest.mark.parametrize("name", BYTES)
def test_what_does_not_open_goes_back_as_it_came(rig: Rig, name: str) -> None:
    # given a message whose bytes were altered on their way
    change, code = BYTES[name]
    message = rig.county.message(POLICE, episode(rig.county))
    altered = replace(message, value=change(message.value))

    # when it arrives, then its source finds it in quarantine, byte for byte
    entry = refused(rig, altered, code)
    assert entry.minimised == altered.value
    assert entry.facts.cause == sha256(altered.value).digest()


def test_a_sealed_message_opens_on_its_own_topic_alone(rig: Rig) -> None:
    # given a record that was sealed for the urgent topic
    message = rig.county.message(POLICE, episode(rig.county), urgent=True)

    # when it is put on another one, then it does not open
    refused(rig, replace(message, topic=TOPIC), "record.seal")


def test_a_message_that_nobody_could_carry_goes_back_as_its_digest(rig: Rig) -> None:
    # given a message larger than a delivery can hold
    large = bytes(DIGEST_KEPT_OVER + 1)

    # when it arrives, then its source gets the SHA-256, by which it finds it in its outbox
    entry = refused(rig, Message(TOPIC, b"8 bytes!", large), "record.size")
    assert entry.minimised == sha256(large).digest()


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "garbage": lambda _: os.urandom(300),
    "JSON": lambda _: b'{"agency": "eastshire-police"}',
    "another header": lambda plain: flipped(plain, 3),
    "cut short": lambda plain: plain[:-1],
    "something behind it": lambda plain: plain + b"\x00",
    "an agency that is no name": lambda plain: plain.replace(
        b"eastshire-police", b"EASTSHIRE-police"
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_opens_but_is_no_envelope_has_the_wrong_shape(rig: Rig, name: str) -> None:
    # given sealed bytes that are not the one valid encoding of an envelope
    plain = SHAPES[name](signed(rig.county).encode())
    message = Message(TOPIC, b"8 bytes!", rig.county.seal(POLICE, plain))

    # when they arrive, then they go back opened, sealed to their source
    assert refused(rig, message, "record.shape").minimised == plain


# ------------------------------------------------------------------ envelopes that say wrong things


def other_key(county: County) -> Envelope:
    signer = replace(county.signer(POLICE), key=Ed25519PrivateKey.generate())
    return sign([prepare(episode(county), schemas(), signer)], signer, NOON)[0]


def borrowed_key(county: County) -> Envelope:
    signer = replace(county.signer(POLICE), key=county.agencies[COUNCIL].sign)
    return sign([prepare(episode(county), schemas(), signer)], signer, NOON)[0]


def no_summary(county: County) -> Envelope:
    said = receipt(county, COUNCIL, bytes(ID_BYTES))
    return signed_as(county, replace(said, content={}))


def concerning_nothing(county: County) -> Envelope:
    said = answered(county, bytes(ID_BYTES), bytes(ID_BYTES), concerns=None)
    return signed_as(county, said)


def answering_nothing(county: County) -> Envelope:
    said = answered(county, bytes(ID_BYTES), bytes(ID_BYTES))
    return signed_as(county, replace(said, labels=replace(said.labels, answer="none")))


def labelled_as(**labels: object) -> Callable[[County], Envelope]:
    """Return what signs a refusal whose labels say otherwise."""

    def make(county: County) -> Envelope:
        said = answered(county, bytes(ID_BYTES), bytes(ID_BYTES), "refuse")
        changed: Labels = replace(said.labels, **labels)  # type: ignore[arg-type]  # fields by name
        return signed_as(county, replace(said, labels=changed))

    return make


def taking_back_nothing(county: County) -> Envelope:
    said = retracted(county, "missing-episode", bytes(ID_BYTES))
    return signed_as(county, replace(said, labels=replace(said.labels, concerns=None)))


def labelled_otherwise(county: County) -> Envelope:
    said = episode(county)
    return signed_as(county, replace(said, labels=replace(said.labels, type="concern")))


def as_record(county: County) -> Envelope:
    return signed_as(county, replace(alerted(county), kind=Kind.RECORD))


def without(said: Statement) -> Statement:
    return replace(said, content={})


SAID: dict[str, tuple[Callable[[County], Envelope], str]] = {
    "a schema that nobody knows": (
        lambda county: signed_as(county, episode(county), valued(SLOT_SCHEMA, bytes(32))),
        "record.schema.unknown",
    ),
    "another version of the head": (
        lambda county: with_head(head_version="9.9")(signed(county)),
        "record.schema.unknown",
    ),
    "a kind that its type cannot be": (as_record, "record.schema.kind"),
    "another agency's record": (
        lambda county: county.sign(SCHOOL, episode(county))[0],
        "record.topic.agency",
    ),
    "a key that was never registered": (other_key, "record.signature.unknown-key"),
    "another agency's key": (borrowed_key, "record.signature.unknown-key"),
    "labels of another type": (labelled_otherwise, "record.labels"),
    "no labels": (
        lambda county: signed_as(county, episode(county), valued(SLOT_LABELS, EMPTY)),
        "record.labels",
    ),
    "an answer about no record": (concerning_nothing, "record.labels"),
    "an answer that is none": (answering_nothing, "record.labels"),
    "a refusal labelled as leave": (labelled_as(answer="share"), "record.labels"),
    "an answer labelled with another record": (labelled_as(concerns=b"r" * 16), "record.labels"),
    "a retraction of no record": (taking_back_nothing, "record.labels"),
    "a slot that is not what its schema says": (
        lambda county: signed_as(county, episode(county), valued(FIRST_TYPE_SLOT, b"\x02\xff")),
        "record.value",
    ),
    "a receipt that says nothing": (no_summary, "record.value"),
    "an alert that says nothing": (
        lambda county: signed_as(county, without(alerted(county))),
        "record.value",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_a_signed_record_that_says_wrong_things_goes_back_whole(rig: Rig, name: str) -> None:
    # given a record that contradicts the protocol or itself
    make, code = SAID[name]
    envelope = make(rig.county)

    # when it arrives, then its source gets it back with the reason
    entry = refused(rig, rig.county.message(POLICE, envelope), code)
    assert decode_envelope(entry.minimised) == envelope


def salted(envelope: Envelope, number: int) -> Envelope:
    slot = envelope.slots[number]
    return with_slot(envelope, number, Slot(bytes(16), slot.value))


def relabelled(envelope: Envelope) -> Envelope:
    slot = envelope.slots[SLOT_LABELS]
    value = slot.value.replace(b"safeguarding", b"safeguardian")
    assert value != slot.value
    return with_slot(envelope, SLOT_LABELS, Slot(slot.salt, value))


def in_a_batch(envelope: Envelope, **changes: object) -> Envelope:
    path = [bytes(32)] * 6
    return with_batch(k=6, index=0, path=tuple(path), **changes)(envelope)


ALTERED: dict[str, Callable[[Envelope], Envelope]] = {
    "a label": relabelled,
    "a salt": lambda one: salted(one, FIRST_TYPE_SLOT),
    "a value": lambda one: with_slot(one, 9, Slot(one.slots[9].salt, EMPTY)),
    "a spare slot": lambda one: with_slot(one, 31, Slot(one.slots[31].salt, bytes(16))),
    "the record's id": with_head(record_id=RecordId(b"another id 16 by")),
    "what it supersedes": with_head(supersedes=RecordId(b"another id 16 by")),
    "when it was issued": with_head(issued_at=NOON - 1),
    "its kind": with_head(kind=Kind.CORRECTION),
    "the signature": with_batch(signature=bytes(64)),
    "the path": in_a_batch,
}


@pytest.mark.parametrize("name", ALTERED)
def test_whatever_was_altered_after_signing_breaks_the_signature(rig: Rig, name: str) -> None:
    # given a signed record, of which one thing was altered
    envelope = ALTERED[name](signed(rig.county))

    # when it arrives, then the signature does not fit, and nothing is disclosed
    message = rig.county.message(POLICE, envelope)
    entry = refused(rig, message, "record.signature.invalid")
    assert decode_envelope(entry.minimised) == envelope


@pytest.mark.parametrize("change", ["place", "sibling"])
def test_a_path_of_a_batch_holds_for_its_own_place_alone(rig: Rig, change: str) -> None:
    # given two records under one signature
    first, second = rig.county.sign(POLICE, episode(rig.county), episode(rig.county))

    # when one comes with the other's place or another sibling, then it is refused
    path = (bytes(32), *first.batch.path[1:])
    index = first.batch.index ^ 1
    altered = with_batch(index=index) if change == "place" else with_batch(path=path)
    message = rig.county.message(POLICE, altered(first))
    refused(rig, message, "record.signature.invalid")

    # and the other one goes through as if nothing had been
    assert {one.facts.kind for one in rig.tell(POLICE, second)} == {"decision"}


def test_the_samples_hold_what_no_reason_may_repeat() -> None:
    # given some of what `quarantined` looks for, then a sample does hold it
    said = str(sample("missing-episode"))
    assert all(one in said for one in ("bus station", "ZZ1 1AA"))
