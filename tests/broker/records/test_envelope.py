"""Envelope and minimised record: what verifies, what is refused, what stays hidden."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from cryptography.exceptions import InvalidSignature
from fastavro import parse_schema, schemaless_reader
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Code
from broker.records.batches import BatchVerifier
from broker.records.envelope import (
    MINIMISED_SCHEMA,
    Envelope,
    Slot,
    Splicer,
    decode_envelope,
    decode_minimised,
)
from broker.records.errors import SHAPE, SIGNATURE, RecordRefused
from broker.records.names import SLOT_CONTACT, SLOTS, RecordId
from broker.records.schemas import EMPTY
from broker.records.wire import HEADER_BYTES, write_long
from tests.broker.records import independent
from tests.broker.records.sources import (
    PARTNERSHIP,
    Source,
    changed,
    drawn,
    flipped,
    statement,
)

SOURCE = Source(random_bytes=drawn("envelopes of tests"))
ALONE = SOURCE.sign(statement("alone"))[0]
TOGETHER = SOURCE.sign(statement("one"), statement("two"), statement("three"))
SIGNED = {"k=0": ALONE, "k=6": TOGETHER[1]}
SUBSETS = st.sets(st.integers(0, SLOTS - 1))
VERSION_AT = b"\x061.0"


def splicer(envelope: Envelope) -> Splicer:
    return Splicer(envelope, envelope.digests(PARTNERSHIP))


def verify(data: bytes) -> RecordId:
    """Do what a consumer does with a minimised record, and return its id."""
    record = decode_minimised(data)
    verifier = BatchVerifier(PARTNERSHIP)
    key = SOURCE.key.public_key()
    verifier.verify(record.digest(PARTNERSHIP), record.batch, record.head.agency, key)
    return record.head.record_id


@pytest.mark.parametrize("envelope", SIGNED.values(), ids=SIGNED)
@given(granted=SUBSETS)
def test_a_minimised_record_verifies_whatever_was_opened(
    envelope: Envelope, granted: set[int]
) -> None:
    # given a signed record, when any slots of it are opened
    data = splicer(envelope).minimise(granted)
    record = decode_minimised(data)

    # then it has the same r, the signature stands, and those slots are open as they were signed
    assert record.digest(PARTNERSHIP) == envelope.digest(PARTNERSHIP)
    assert verify(data) == envelope.head.record_id
    assert record.opened() == tuple(sorted(granted))
    assert all(record.slots[number] == envelope.slots[number] for number in granted)

    # and somebody else's reading of the format agrees
    r, opened = independent.verify(PARTNERSHIP, "Minimised", data, SOURCE.raw)
    assert r == envelope.digest(PARTNERSHIP)
    assert opened == {number: envelope.slots[number].value for number in granted}


@given(SUBSETS)
def test_fastavro_reads_the_same_from_a_minimised_record(granted: set[int]) -> None:
    # given a minimised record, when fastavro reads it by our own schema
    data = splicer(ALONE).minimise(granted)
    found = schemaless_reader(BytesIO(data[HEADER_BYTES:]), parse_schema(MINIMISED_SCHEMA), None)

    # then it finds the slots that we find
    ours = [
        slot._asdict() if isinstance(slot, Slot) else slot for slot in decode_minimised(data).slots
    ]
    assert isinstance(found, dict)
    assert found["slots"] == ours


@pytest.mark.parametrize("envelope", SIGNED.values(), ids=SIGNED)
def test_an_envelope_decodes_to_what_was_encoded(envelope: Envelope) -> None:
    assert decode_envelope(envelope.encode()) == envelope
    r, opened = independent.verify(PARTNERSHIP, "Envelope", envelope.encode(), SOURCE.raw)
    assert r == envelope.digest(PARTNERSHIP)
    assert tuple(opened.values()) == tuple(slot.value for slot in envelope.slots)


@pytest.mark.parametrize("envelope", SIGNED.values(), ids=SIGNED)
@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_any_changed_byte_of_a_minimised_record_is_refused(envelope: Envelope, bits: int) -> None:
    # given a minimised record; the version of the head is not in r (section 5), the rest is
    data = splicer(envelope).minimise({0, SLOT_CONTACT, 8})
    version = data.index(VERSION_AT, HEADER_BYTES)

    # when any one byte is changed
    refused = {at: _refusal(flipped(data, at, bits)) for at in range(len(data))}

    # then it is refused with a code that is documented
    passed = {at for at, code in refused.items() if code is None}
    assert passed <= set(range(version, version + len(VERSION_AT)))
    assert set(refused.values()) <= {SHAPE, SIGNATURE, None}


def _refusal(data: bytes) -> Code | None:
    try:
        verify(data)
    except RecordRefused as error:
        return error.code
    return None


def test_the_second_implementation_refuses_an_altered_value_too() -> None:
    data = splicer(ALONE).minimise({8})
    at = data.index(ALONE.slots[8].value)
    with pytest.raises(InvalidSignature):
        independent.verify(PARTNERSHIP, "Minimised", flipped(data, at + 3, 1), SOURCE.raw)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_refused_and_nothing_else_happens(data: bytes) -> None:
    for decode in (decode_envelope, decode_minimised):
        for start in (b"", ALONE.encode()[:HEADER_BYTES], splicer(ALONE).minimise(())[:60]):
            with pytest.raises(RecordRefused) as caught:
                decode(start + data)
            assert caught.value.code is SHAPE


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_record_cut_short_or_with_bytes_left_over_is_refused(cut: int, more: int) -> None:
    whole = ALONE.encode()
    with pytest.raises(RecordRefused):
        decode_envelope(whole[: cut % len(whole)])
    with pytest.raises(RecordRefused):
        decode_envelope(whole + bytes(1 + more))


def _longer(data: bytes, at: int) -> bytes:
    """Make the one-byte varint at `at` two bytes long."""
    return data[:at] + bytes((data[at] | 0x80, 0)) + data[at + 1 :]


def _places() -> Iterator[tuple[str, int]]:
    """Yield the place of each kind of varint in the encoding of ALONE."""
    data = ALONE.encode()
    yield "length of the agency", HEADER_BYTES
    version = data.index(VERSION_AT, HEADER_BYTES)
    yield "kind", version - 1
    yield "length of the version", version
    slots = version + len(VERSION_AT)
    yield "length of a value", slots + 1 + 16
    yield "k", len(data) - 64 - 3
    yield "index", len(data) - 64 - 2
    yield "end of the path", len(data) - 64 - 1


@pytest.mark.parametrize(("what", "at"), list(_places()))
def test_a_longer_varint_is_refused_that_fastavro_takes(what: str, at: int) -> None:
    # given the same fields with one integer a byte longer than it need be
    del what
    data = _longer(ALONE.encode(), at)

    # when both read it, then fastavro finds the same record, and we refuse
    assert independent.decode("Envelope", data) == independent.decode("Envelope", ALONE.encode())
    with pytest.raises(RecordRefused) as caught:
        decode_envelope(data)
    assert caught.value.code is SHAPE


def _slots_at(data: bytes) -> int:
    return data.index(VERSION_AT, HEADER_BYTES) + len(VERSION_AT)


def _first_slot_ends(data: bytes) -> int:
    return _slots_at(data) + 1 + 16 + 1 + len(ALONE.slots[0].value)


def _split(data: bytes) -> bytes:
    """Put the first slot into a block of its own."""
    begin, end = _slots_at(data) + 1, _first_slot_ends(data)
    return b"".join(
        (data[: begin - 1], write_long(1), data[begin:end], write_long(SLOTS - 1), data[end:])
    )


def _sized(data: bytes) -> bytes:
    """Write the slots as a block that says its size, as Avro allows."""
    begin = _slots_at(data) + 1
    end = len(data) - len(ALONE.batch.key_id) - 3 - 64 - 1
    return b"".join((data[: begin - 1], write_long(-SLOTS), write_long(end - begin), data[begin:]))


@pytest.mark.parametrize("rewrite", [_split, _sized])
def test_other_blocks_of_the_same_slots_are_refused_that_fastavro_takes(
    rewrite: Callable[[bytes], bytes],
) -> None:
    # given the same slots in other blocks
    data = rewrite(ALONE.encode())

    # when both read them, then fastavro finds the same record, and we refuse
    assert independent.decode("Envelope", data) == independent.decode("Envelope", ALONE.encode())
    with pytest.raises(RecordRefused):
        decode_envelope(data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"agency": "router"},
        {"agency": "log"},
        {"agency": "Eastshire"},
        {"agency": ""},
        {"head_version": "1"},
        {"head_version": "01.0"},
        {"head_version": "1.0\n"},
        {"issued_at": -1},
        {"kind": 5},
        {"kind": -1},
    ],
    ids=str,
)
def test_a_head_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    # given an envelope with one impossible field in its head, when it is decoded
    bad = replace(ALONE, head=replace(ALONE.head, **wrong))  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(RecordRefused) as caught:
        decode_envelope(bad.encode())

    # then the code says so, and no value is in the error
    assert str(caught.value).endswith("[record.shape]")
    assert caught.value.where == "envelope"


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 1},
        {"k": 6},
        {"index": 1},
        {"index": -1},
        {"path": (bytes(32),)},
    ],
    ids=str,
)
def test_a_path_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    bad = replace(ALONE, batch=replace(ALONE.batch, **wrong))  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(RecordRefused):
        decode_envelope(bad.encode())


def test_a_path_s_block_ends_where_it_must() -> None:
    # given a path of six whose end is not there, when it is decoded, then it is refused
    data = TOGETHER[0].encode()
    end = len(data) - 64 - 1
    with pytest.raises(RecordRefused):
        decode_envelope(changed(data, lambda raw: raw.__setitem__(end, 2)))


@pytest.mark.parametrize("granted", [(), (SLOT_CONTACT,), (0, 8)])
def test_a_hidden_slot_may_hold_anything(granted: tuple[int, ...]) -> None:
    # given two records that differ only in hidden slots: one empty, one filled
    empty, filled = (
        SOURCE.sign(statement("secret", content=content))[0]
        for content in (
            {"episode": statement().content["episode"]},
            {**statement().content, "circumstances": "a long story " * 500},
        )
    )
    assert empty.slots[11].value == EMPTY
    assert len(filled.slots[11].value) > 6000

    # when both are minimised alike
    one, other = (splicer(each).minimise(granted) for each in (empty, filled))

    # then they are equally long, and no digest of one is in the other
    assert len(one) == len(other)
    hidden = [number for number in range(SLOTS) if number not in granted]
    both = (decode_minimised(one), decode_minimised(other))
    closed = [{record.slots[number] for number in hidden} for record in both]
    assert not closed[0] & closed[1]

    # and neither value nor salt of a hidden slot stands in what is sent
    for number in hidden:
        salt, value = filled.slots[number]
        assert salt not in other
        assert len(value) < 8 or value not in other


def test_digests_of_empty_and_filled_slots_look_alike() -> None:
    # given the digests of 200 records' slots: empty, filled and spare ones
    statements = [statement(f"many-{number}") for number in range(200)]
    records = [envelope.digests(PARTNERSHIP) for envelope in SOURCE.sign(*statements)]
    groups = {"empty": 3, "filled": 8, "spare": 31}
    found = {name: [record[slot] for record in records] for name, slot in groups.items()}

    # when they are compared, then all differ, though every value of a group is the same or random
    every = [digest for group in found.values() for digest in group]
    assert len(set(every)) == len(every)

    # and in each group half of the bits are set, within five standard deviations
    for group in found.values():
        bits = b"".join(group)
        ones = int.from_bytes(bits, "big").bit_count()
        assert abs(ones - len(bits) * 4) < 5 * (len(bits) * 2) ** 0.5


@given(st.binary(min_size=16, max_size=16))
def test_a_guess_cannot_be_confirmed_without_the_salt(salt: bytes) -> None:
    # given somebody who holds the digest of a hidden slot, and knows its whole value
    record_id, value = ALONE.head.record_id, ALONE.slots[8].value
    digest = ALONE.digests(PARTNERSHIP)[8]

    # when a salt is guessed, then nothing tells that the value was right
    assert independent.slot_digest(PARTNERSHIP, record_id, 8, salt, value) != digest

    # and the salt is not among the bytes that are sent, nor can it be made from them
    assert ALONE.slots[8].salt not in splicer(ALONE).minimise({7})
    again = SOURCE.sign(statement("alone"))[0]
    assert again.head.record_id == record_id
    assert again.slots[8].value == value
    assert again.slots[8].salt != ALONE.slots[8].salt
