"""Sealing: only the way that was meant opens it, and every byte counts."""

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import HOUR, Instant
from broker.errors import Code
from broker.records import sealing
from broker.records.errors import SEAL, SIZE, SUITE, RecordRefused
from broker.records.names import Partnership
from broker.records.sealing import (
    HEAD_BYTES,
    LEAST_SEALED,
    MOST_CARRIED,
    MOST_SEALED,
    PAD,
    WRAPPED_BYTES,
    Opener,
    Sealer,
    Way,
    open_under,
    pad,
    seal_under,
    sealed_size,
    unpad,
)
from tests.broker.records.sources import AT, PARTNERSHIP, flipped

ROUTER = X25519PrivateKey.generate()
WAY = Way("record", "eastshire-police", "router", "records.eastshire-police")
DELIVERY = Way("delivery", "router", "eastshire-council", "deliveries.eastshire-council")
TEXT = b"what the police say"


def sealer() -> Sealer:
    return Sealer(PARTNERSHIP, os.urandom)


def seal(text: bytes = TEXT, way: Way = WAY, at: int = AT) -> bytes:
    return sealer().seal(text, way, ROUTER.public_key(), Instant(at))


def opener(*keys: X25519PrivateKey) -> Opener:
    return Opener(PARTNERSHIP, keys or (ROUTER,))


def refusal(sealed: bytes, way: Way = WAY, by: Opener | None = None) -> Code | None:
    try:
        (by or opener()).open(sealed, way)
    except RecordRefused as error:
        return error.code
    return None


@given(st.binary(max_size=5000))
def test_what_was_sealed_opens(text: bytes) -> None:
    sealed = seal(text)
    assert opener().open(sealed, WAY) == text
    assert len(sealed) == sealed_size(len(text))


@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_any_changed_byte_is_refused(bits: int) -> None:
    # given a sealed message, when any one byte of it is changed
    sealed = seal()
    found = [refusal(flipped(sealed, at, bits)) for at in range(len(sealed))]

    # then it does not open: the first names no suite, the others break the seal
    assert found == [SUITE] + [SEAL] * (len(sealed) - 1)


@given(st.data())
def test_a_message_of_another_length_is_refused(data: st.DataObject) -> None:
    # given a sealed message with bytes cut off or put in somewhere
    sealed = seal(bytes(1500))
    begin = data.draw(st.integers(0, len(sealed)))
    end = data.draw(st.integers(begin, len(sealed)))
    more = data.draw(st.binary(max_size=20))
    other = sealed[:begin] + more + sealed[end:]

    # when it is opened, then it is refused unless nothing was changed
    expected = {SIZE, SUITE, SEAL} if other != sealed else {None}
    assert refusal(other) in expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": "urgent.eastshire-police"},
        {"recipient": "eastshire-council"},
        {"sender": "eastshire-council"},
        {"purpose": "delivery"},
    ],
    ids=str,
)
def test_another_way_does_not_open_it(wrong: dict[str, str]) -> None:
    # given a router that has opened the message, so that the data key is in its memory
    sealed, router = seal(), opener()
    assert refusal(sealed, by=router) is None

    # when it is tried for another way, then it is refused all the same
    assert refusal(sealed, replace(WAY, **wrong), router) is SEAL
    assert refusal(sealed, replace(WAY, **wrong)) is SEAL


def test_names_do_not_run_together() -> None:
    # given a sender and recipient whose names together are the same
    way = Way("record", "ab", "c", "t")
    assert refusal(seal(way=way), replace(way, sender="a", recipient="bc")) is SEAL


def test_another_partnership_does_not_open_it() -> None:
    assert refusal(seal(), by=Opener(Partnership(bytes(32)), (ROUTER,))) is SEAL


def test_another_key_does_not_open_it() -> None:
    assert refusal(seal(), by=opener(X25519PrivateKey.generate())) is SEAL
    assert refusal(seal(), by=Opener(PARTNERSHIP, ())) is SEAL


def test_another_hour_does_not_open_it() -> None:
    # given a message whose nonce says another hour, sealed anew under its own data key
    sealed = seal()
    hour = int.from_bytes(sealed[85:89], "big")
    assert hour == AT // HOUR
    moved = sealed[:85] + (hour + 1).to_bytes(4, "big") + sealed[89:]

    # then the data key does not unwrap
    with pytest.raises(RecordRefused) as caught:
        opener().open(moved, WAY)
    assert (caught.value.code, caught.value.where) == (SEAL, "wrapped key")


def test_a_router_opens_what_was_sealed_to_its_former_key() -> None:
    # given messages to yesterday's key and to today's
    today, yesterday = ROUTER, X25519PrivateKey.generate()
    old = sealer().seal(TEXT, WAY, yesterday.public_key(), AT)

    # when a router holds both, then it opens both; without the old one, it does not
    both = opener(today, yesterday)
    assert both.open(old, WAY) == both.open(seal(), WAY) == TEXT
    assert refusal(old, by=opener(today)) is SEAL


def test_a_data_key_serves_an_hour_and_one_recipient_s_key() -> None:
    # given one sealer, when it seals twice in an hour, in the next, for another, and to a new key
    writer = sealer()
    other = X25519PrivateKey.generate().public_key()
    public = ROUTER.public_key()
    in_hour = AT - AT % HOUR
    sealed = {
        "first": writer.seal(TEXT, WAY, public, Instant(in_hour)),
        "same hour": writer.seal(TEXT, WAY, public, Instant(in_hour + HOUR - 1)),
        "same, other topic": writer.seal(
            TEXT, replace(WAY, topic="urgent.eastshire-police"), public, Instant(in_hour)
        ),
        "next hour": writer.seal(TEXT, WAY, public, Instant(in_hour + HOUR)),
        "other recipient": writer.seal(TEXT, DELIVERY, public, Instant(in_hour)),
        "new key": writer.seal(TEXT, WAY, other, Instant(in_hour)),
        "back": writer.seal(TEXT, WAY, public, Instant(in_hour)),
    }
    wrapped = {name: one[1 : 1 + WRAPPED_BYTES] for name, one in sealed.items()}

    # then the first three share a data key, and no others do
    assert wrapped["first"] == wrapped["same hour"] == wrapped["same, other topic"]
    assert len(set(wrapped.values())) == len(wrapped) - 2


def test_no_nonce_comes_twice_under_a_key() -> None:
    # given a sealer, when it seals a thousand times, then the counters rise by one
    writer = sealer()
    nonces = [
        writer.seal(b"", WAY, ROUTER.public_key(), AT)[1 + WRAPPED_BYTES : HEAD_BYTES]
        for _ in range(1000)
    ]
    assert len({nonce[:8] for nonce in nonces}) == 1
    assert [int.from_bytes(nonce[8:], "big") for nonce in nonces] == list(range(1000))


def test_a_data_key_that_is_used_up_gives_way_to_another() -> None:
    # given a data key that has sealed as often as its counter can say
    writer = sealer()
    first = writer.seal(TEXT, WAY, ROUTER.public_key(), AT)
    (key,) = writer._keys.values()
    key.used = sealing._USES - 1
    last = writer.seal(TEXT, WAY, ROUTER.public_key(), AT)

    # when it would seal once more, then another is made, and all of it opens
    after = writer.seal(TEXT, WAY, ROUTER.public_key(), AT)
    assert last[1:81] == first[1:81] != after[1:81]
    assert last[89:93] == b"\xff" * 4
    assert {opener().open(one, WAY) for one in (first, last, after)} == {TEXT}


def test_two_processes_share_no_data_key() -> None:
    assert seal()[1:81] != seal()[1:81]


def test_unwrapped_keys_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a router that keeps two data keys, when messages of three writers come
    monkeypatch.setattr(sealing, "KEYS_CACHED", 2)
    router = opener()
    messages = [seal() for _ in range(3)]
    for sealed in (messages[0], messages[1], messages[0], messages[2]):
        assert router.open(sealed, WAY) == TEXT

    # then it keeps the two that were used last
    kept = {name[:WRAPPED_BYTES] for name in router._unwrapped}
    assert kept == {messages[0][1:81], messages[2][1:81]}


@pytest.mark.parametrize(("size", "blocks"), [(0, 1), (1, 1), (1020, 1), (1021, 2), (2044, 2)])
def test_padding_is_the_shortest_to_a_multiple(size: int, blocks: int) -> None:
    padded = pad(b"\x01" * size)
    assert len(padded) == blocks * PAD
    assert unpad(padded) == b"\x01" * size


def test_lengths_tell_only_the_multiple() -> None:
    assert len({len(seal(bytes(size))) for size in range(0, 1021, 51)}) == 1


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(3),
        bytes(4),
        bytes(2 * PAD),
        b"\x00\x00\x00\x01a" + bytes(PAD - 6) + b"\x01",
        b"\x00\x00\x04\x00" + bytes(PAD - 4),
        b"\xff\xff\xff\xff" + bytes(PAD - 4),
        (508).to_bytes(4, "big") + bytes(508),
    ],
    ids=[
        "nothing",
        "no length",
        "no padding",
        "a block too much",
        "not zeros",
        "longer than it is",
        "4 GiB",
        "not a multiple",
    ],
)
def test_other_padding_is_refused(padded: bytes) -> None:
    with pytest.raises(RecordRefused) as caught:
        unpad(padded)
    assert (caught.value.code, caught.value.where) == (SEAL, "padding")


def test_padding_is_checked_when_a_message_is_opened() -> None:
    # given a writer that pads with something of its own
    writer = sealer()
    sealed = writer.seal(b"", WAY, ROUTER.public_key(), AT)
    (key,) = writer._keys.values()
    nonce = sealed[81:HEAD_BYTES]
    aad = WAY.aad(PARTNERSHIP, key.wrapped)
    bad = sealed[:HEAD_BYTES] + key.cipher.encrypt(nonce, bytes(PAD - 1) + b"!", aad)

    # when it is opened, then it is refused
    assert refusal(bad) is SEAL


@pytest.mark.parametrize(("way", "most"), [(WAY, MOST_SEALED), (DELIVERY, MOST_CARRIED)])
def test_no_writer_makes_what_no_reader_opens(way: Way, most: int) -> None:
    # given the largest plaintext that fits, when it is sealed, then it opens
    largest = most - HEAD_BYTES - 16
    largest -= largest % PAD + 4
    sealed = seal(bytes(largest), way)
    assert len(sealed) <= most
    assert opener().open(sealed, way) == bytes(largest)

    # when it is a byte longer, then the writer is told
    with pytest.raises(RecordRefused) as caught:
        seal(bytes(largest + 1), way)
    assert caught.value.code is SIZE


@pytest.mark.parametrize("size", [0, 1, LEAST_SEALED - 1, MOST_SEALED + 1])
def test_another_size_is_refused_before_anything_is_opened(size: int) -> None:
    assert refusal(b"\x01" * size) is SIZE


def test_a_delivery_has_room_for_the_largest_record_and_more() -> None:
    # given a message as large as a record can be, when it is put into quarantine whole
    whole = bytes(MOST_SEALED)
    assert opener().open(seal(whole, DELIVERY), DELIVERY) == whole
    assert refusal(seal(whole, DELIVERY), WAY) is SIZE


KEY = bytes(range(32))


@given(st.binary(max_size=3000))
def test_what_is_sealed_under_a_record_key_opens_with_it(text: bytes) -> None:
    sealed = seal_under(
        KEY, text, partnership=PARTNERSHIP, part="personal", random_bytes=os.urandom
    )
    assert open_under(KEY, sealed, partnership=PARTNERSHIP, part="personal") == text


def test_nothing_else_opens_under_a_record_key() -> None:
    # given a part sealed under a record's key
    sealed = seal_under(
        KEY, TEXT, partnership=PARTNERSHIP, part="personal", random_bytes=os.urandom
    )

    # when any byte, the key, the part's name or the partnership is another, then it does not open
    for at in range(len(sealed)):
        with pytest.raises(RecordRefused) as caught:
            open_under(KEY, flipped(sealed, at, 1), partnership=PARTNERSHIP, part="personal")
        assert caught.value.code is (SUITE if at == 0 else SEAL)
    for key, partnership, part in (
        (bytes(32), PARTNERSHIP, "personal"),
        (KEY, Partnership(bytes(32)), "personal"),
        (KEY, PARTNERSHIP, "told"),
    ):
        with pytest.raises(RecordRefused):
            open_under(key, sealed, partnership=partnership, part=part)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(5), b"\x01" + bytes(12)])
def test_what_is_cut_short_does_not_open_under_a_record_key(sealed: bytes) -> None:
    with pytest.raises(RecordRefused):
        open_under(KEY, sealed, partnership=PARTNERSHIP, part="personal")


def test_a_seal_is_the_library_s_own_and_nothing_more() -> None:
    # given a message, when its data key is known, then AES-256-GCM opens it with the stated data
    writer = sealer()
    sealed = writer.seal(TEXT, WAY, ROUTER.public_key(), AT)
    aad = WAY.aad(PARTNERSHIP, sealed[1:81])
    secret = sealing._suite().decrypt(sealed[1:81], ROUTER, WAY.info(PARTNERSHIP, AT // HOUR))
    assert unpad(AESGCM(secret).decrypt(sealed[81:93], sealed[93:], aad)) == TEXT
