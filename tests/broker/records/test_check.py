"""The check of every message, step by step, and what it does to anything altered."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.clock import DAY, MINUTE, Instant
from broker.errors import Code
from broker.records import errors
from broker.records.envelope import Envelope
from broker.records.keys import Change
from broker.records.names import (
    SLOT_CONTACT,
    SLOT_IDENTITY,
    SLOT_LABELS,
    SLOT_NHS_NUMBER,
    SLOT_SCHEMA,
    AgencyId,
    Kind,
    RecordId,
)
from broker.records.schemas import EMPTY, SchemaSet
from broker.records.sealing import MOST_SEALED
from broker.records.statement import Labels
from tests.broker.records.altered import (
    ALONE,
    SOURCE,
    TOGETHER,
    WORLD,
    code,
    refusal,
    resigned,
    with_head,
    with_slot,
)
from tests.broker.records.sources import (
    AT,
    COUNCIL,
    PARTNERSHIP,
    SCHEMA_FILES,
    SCHEMAS,
    TYPE,
    Source,
    World,
    received,
    statement,
)


def test_a_signed_record_is_accepted_as_it_was_said() -> None:
    # given a record of a batch of three on the source's topic, when it is checked
    accepted = WORLD.checker().check(WORLD.message(TOGETHER[1]), 1)

    # then all that the router goes on with is there
    assert accepted.agency == SOURCE.agency
    assert accepted.envelope == TOGETHER[1]
    assert accepted.digest == TOGETHER[1].digest(PARTNERSHIP)
    assert accepted.digests == TOGETHER[1].digests(PARTNERSHIP)
    assert accepted.schema is SCHEMAS.named(TYPE, "1.0")
    assert accepted.labels == statement().labels
    assert accepted.identifiers == statement().identifiers


@pytest.mark.parametrize("topic", ["records.eastshire-police", "urgent.eastshire-police"])
def test_both_topics_of_an_agency_are_checked_alike(topic: str) -> None:
    sealed = WORLD.seal(ALONE.encode(), replace(WORLD.way, topic=topic))
    assert WORLD.checker().check(received(sealed, topic), 1).envelope == ALONE


# (0) sizes, suite, seal, encoding


@pytest.mark.parametrize("size", [0, 100, MOST_SEALED + 1])
def test_0_a_size_that_no_record_has(size: int) -> None:
    assert code(received(b"\x01" * size, WORLD.topic)) is errors.SIZE


def test_0_another_suite() -> None:
    sealed = WORLD.seal(ALONE.encode())
    assert code(received(b"\x02" + sealed[1:], WORLD.topic)) is errors.SUITE


def test_0_a_message_on_another_topic_than_it_was_sealed_for() -> None:
    # given a sealed record that somebody moves to another agency's topic, or to the urgent one
    sealed = WORLD.seal(ALONE.encode())
    for topic in (f"records.{COUNCIL}", f"urgent.{SOURCE.agency}", "records", ""):
        assert code(received(sealed, topic)) is errors.SEAL


def test_0_what_was_sealed_to_a_key_that_no_router_has() -> None:
    assert refusal(World(SOURCE).message(ALONE)).code is errors.SEAL


def test_0_bytes_that_are_no_envelope() -> None:
    assert code(ALONE.encode() + b"\x00") is errors.SHAPE


# (1) schema, kind, head


def test_1_a_schema_that_nobody_knows() -> None:
    assert code(with_slot(SLOT_SCHEMA, bytes(32))) is errors.SCHEMA_UNKNOWN
    assert code(with_slot(SLOT_SCHEMA, b"")) is errors.SCHEMA_UNKNOWN


def test_1_the_head_is_no_type() -> None:
    assert code(with_slot(SLOT_SCHEMA, SCHEMAS.head("1.0").digest)) is errors.SCHEMA_UNKNOWN


def test_1_a_kind_that_the_type_has_not() -> None:
    error = refusal(WORLD.message(with_head(kind=Kind.REGISTER)))
    assert (error.code, error.where) == (errors.SCHEMA_KIND, "missing-episode: register")


def test_1_another_version_of_the_head_even_one_that_is_known() -> None:
    # given a router that knows two versions of the head
    files = {**SCHEMA_FILES, "head/1.1.avsc": SCHEMA_FILES["head/1.0.avsc"]}
    checker = replace(WORLD.checker(), schemas=SchemaSet(files))

    # when a record names another than its schema does, then it is refused: r does not hold it
    for version in ("1.1", "9.9"):
        moved = replace(ALONE, head=replace(ALONE.head, head_version=version))
        assert refusal(WORLD.message(moved), checker).code is errors.SCHEMA_UNKNOWN


# (2) the topic's agency


def test_2_an_agency_that_writes_another_s_name() -> None:
    error = refusal(WORLD.message(with_head(agency=COUNCIL)))
    assert (error.code, error.where) == (errors.TOPIC, WORLD.topic)


# (3) the key


def test_3_a_key_that_the_agency_has_not_registered() -> None:
    stranger = Ed25519PrivateKey.generate()
    assert code(resigned(ALONE, stranger)) is errors.KEY_UNKNOWN


def test_3_a_key_of_another_agency() -> None:
    # given two agencies with keys, when one signs as the other with its own key
    world = World(Source(agency=AgencyId("eastshire-police")))
    council = Source(agency=COUNCIL)
    world.registry.apply(council.added(position=1))
    forged = resigned(ALONE, council.key)
    with pytest.raises(errors.RecordRefused) as caught:
        world.checker().check(world.message(forged), 2)
    assert caught.value.code is errors.KEY_UNKNOWN


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change.REVOKE, errors.KEY_REVOKED),
        (Change.COMPROMISED, errors.KEY_COMPROMISED),
        (Change.RETIRE, None),
    ],
)
def test_3_a_key_whose_time_has_ended(change: Change, expected: Code | None) -> None:
    # given an agency whose key has ended by the entry at position 1
    world = World(SOURCE)
    world.registry.apply(replace(SOURCE.added(1), change=change, raw=b""))
    message = world.message(ALONE)

    # when a router that has read it checks a record, then it is refused, unless in days of grace
    if expected is None:
        assert world.checker().check(message, 2).envelope == ALONE
        late = world.message(SOURCE.sign(statement(), at=Instant(AT + 8 * DAY))[0])
        late = replace(late, at=Instant(AT + 8 * DAY))
        with pytest.raises(errors.RecordRefused) as caught:
            world.checker().check(late, 2)
        assert caught.value.code is errors.KEY_RETIRED
    else:
        with pytest.raises(errors.RecordRefused) as caught:
            world.checker().check(message, 2)
        assert caught.value.code is expected

    # and at the position before, it is accepted: yesterday's answer is the same today
    assert world.checker().check(message, 1).envelope == ALONE


# (4) the signature


@pytest.mark.parametrize(
    "alter",
    [
        lambda e: replace(e, slots=(*e.slots[:8], e.slots[9], e.slots[8], *e.slots[10:])),
        lambda e: replace(
            e, slots=(*e.slots[:8], e.slots[8]._replace(salt=bytes(16)), *e.slots[9:])
        ),
        lambda e: replace(e, slots=(*e.slots[:31], e.slots[31]._replace(value=EMPTY))),
        lambda e: replace(e, head=replace(e.head, issued_at=AT - 1)),
        lambda e: replace(e, head=replace(e.head, supersedes=RecordId(b"1" * 16))),
        lambda e: replace(e, head=replace(e.head, record_id=RecordId(b"1" * 16))),
        lambda e: replace(e, head=replace(e.head, kind=Kind.HISTORY)),
        lambda e: replace(e, batch=replace(e.batch, index=e.batch.index ^ 1)),
        lambda e: replace(e, batch=replace(e.batch, path=e.batch.path[::-1])),
        lambda e: replace(e, batch=TOGETHER[1].batch),
    ],
    ids=["slots", "salt", "spare", "time", "supersedes", "id", "kind", "index", "path", "batch"],
)
def test_4_anything_altered(alter: Callable[[Envelope], Envelope]) -> None:
    assert code(alter(TOGETHER[0])) is errors.SIGNATURE


def test_4_a_label_altered() -> None:
    labels = SCHEMAS.head("1.0").slots[SLOT_LABELS]
    said = labels.decode(ALONE.slots[SLOT_LABELS].value)
    slots = list(ALONE.slots)
    slots[SLOT_LABELS] = slots[SLOT_LABELS]._replace(
        value=labels.encode({**said, "facts": ["missing:low-risk"]})
    )
    assert code(replace(ALONE, slots=tuple(slots))) is errors.SIGNATURE


def test_4_a_record_of_another_partnership() -> None:
    world = World(SOURCE)
    checker = replace(world.checker(), partnership=type(PARTNERSHIP)(bytes(32)))
    assert refusal(world.message(ALONE), checker).code is errors.SIGNATURE


# (5) the time of issue


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        (AT + 14 * DAY, None),
        (AT + 14 * DAY + 1, errors.ISSUED_EARLY),
        (AT - 5 * MINUTE, None),
        (AT - 5 * MINUTE - 1, errors.ISSUED_LATE),
    ],
)
def test_5_both_bounds_are_included(arrived: int, expected: Code | None) -> None:
    # given a record, when it arrives at a bound or a millisecond beyond
    message = WORLD.message(ALONE, at=Instant(arrived))
    if expected is None:
        assert WORLD.checker().check(message, 1).envelope == ALONE
    else:
        error = refusal(message)
        assert (error.code, error.where) == (expected, "issued_at_ms")


def test_5_a_time_beyond_all_reckoning() -> None:
    assert code(with_head(issued_at=2**63 - 1)) is errors.ISSUED_LATE
    assert code(with_head(issued_at=0)) is errors.ISSUED_EARLY


# (6) labels and slots


@pytest.mark.parametrize(
    ("number", "value", "expected"),
    [
        (SLOT_LABELS, EMPTY, errors.LABELS),
        (SLOT_LABELS, b"\x02", errors.VALUE),
        (SLOT_NHS_NUMBER, b"\x02\x02a\x00", errors.VALUE),
        (SLOT_IDENTITY, b"\x04", errors.VALUE),
        (SLOT_CONTACT, b"", errors.VALUE),
        (8, b"\x02\xff", errors.VALUE),
        (11, b"\x02\x02\xff", errors.VALUE),
    ],
)
def test_6_a_signed_value_that_is_none(number: int, value: bytes, expected: Code) -> None:
    assert code(with_slot(number, value)) is expected


def test_6_a_code_that_the_schema_does_not_list() -> None:
    # given a source that signs a handling code of its own, which no refusing clause would match
    raw = ALONE.slots[SLOT_LABELS].value
    at = raw.index(b"\x08none")
    error = refusal(WORLD.message(with_slot(SLOT_LABELS, raw[:at] + b"\x08open" + raw[at + 5 :])))
    assert (error.code, error.where) == (errors.VALUE, "slot labels")


def test_6_labels_of_another_type() -> None:
    said = SOURCE.sign(statement(labels=Labels("school-absence")))[0]
    error = refusal(WORLD.message(said))
    assert (error.code, error.where) == (errors.LABELS, "labels.type")


def test_6_a_spare_slot_may_hold_anything() -> None:
    assert WORLD.checker().check(WORLD.message(with_slot(30, b"\xff" * 99)), 1).agency


def test_a_record_that_was_accepted_is_read_again_without_its_key() -> None:
    # given a record that was accepted, and a router that knows no key any more
    checker = WORLD.checker()
    accepted = checker.check(WORLD.message(ALONE), 1)
    later = replace(checker, registry=World().registry)

    # when it is read again for a later decision, then it is the same; damaged, it is refused
    assert later.reread(ALONE, accepted.received) == accepted
    with pytest.raises(errors.RecordRefused):
        later.reread(with_slot(SLOT_LABELS, EMPTY), accepted.received)


def test_a_record_of_every_shipped_type_passes() -> None:
    # given the sample of each type in each of its kinds, when it is signed and checked
    for schema in SCHEMAS.types():
        content = dict.fromkeys(schema.by_name)
        for kind in schema.kinds:
            said = statement(
                f"{schema.type} {kind}",
                type=schema.type,
                version=schema.version,
                kind=kind,
                labels=Labels(schema.type),
                content=content,
            )
            # then it is accepted
            message = WORLD.message(SOURCE.sign(said)[0])
            assert WORLD.checker().check(message, 1).schema is schema


def test_errors_can_be_written_as_one_line_of_json() -> None:
    error = refusal(WORLD.message(with_slot(SLOT_LABELS, EMPTY)))
    line = json.dumps({"code": error.code.name, "where": error.where, "fix": error.fix})
    assert json.loads(line)["code"] == "record.labels"
