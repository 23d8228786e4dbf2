"""Commitments and openings: what a leaf binds, and what it hides."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.entry import (
    Leaf,
    Opening,
    PrivateOpening,
    commit_facts,
    commit_personal,
    commit_told,
    delivery_id,
    framed,
    unframed,
)
from broker.access_log.errors import SHAPE, LogError

salts = st.binary(min_size=16, max_size=16)
data = st.binary(max_size=40)
openings = st.builds(Opening, salts, data)


def test_a_commitment_is_the_hash_that_the_format_says() -> None:
    tag = sha256(b"concordat/v1/facts").digest()
    assert commit_facts(bytes(16), b"f") == sha256(tag + bytes(16) + b"f").digest()
    tag = sha256(b"concordat/v1/personal").digest()
    assert commit_personal(bytes(16), b"p") == sha256(tag + bytes(16) + b"p").digest()
    tag = sha256(b"concordat/v1/told").digest()
    said = b"\x00\x01c" + b"\x00\x00\x00\x02mm" + b"\x00\x00\x00\x01t"
    assert commit_told(bytes(16), "c", b"mm", b"t") == sha256(tag + bytes(16) + said).digest()


@given(salts, data, st.text(max_size=5), data, data)
def test_what_a_consumer_is_told_cannot_be_cut_another_way(
    salt: bytes, minimised: bytes, consumer: str, told: bytes, more: bytes
) -> None:
    # given what a consumer was told, and the same bytes divided otherwise
    one = commit_told(salt, consumer, minimised, told)
    if more:
        assert one != commit_told(salt, consumer, minimised + more, told)
        assert one != commit_told(salt, consumer, minimised, told + more)
    if told:
        assert one != commit_told(salt, consumer, minimised + told[:1], told[1:])
    assert one != commit_told(salt, consumer + "x", minimised, told)


@given(salts, salts, data)
def test_without_the_salt_a_guess_shows_nothing(one: bytes, other: bytes, part: bytes) -> None:
    if one != other:
        assert commit_facts(one, part) != commit_facts(other, part)
    assert commit_facts(one, part) != commit_personal(one, part)


def test_a_leaf_is_its_three_commitments() -> None:
    leaf = Leaf(b"f" * 32, b"p" * 32, b"t" * 32)
    assert leaf.data == b"f" * 32 + b"p" * 32 + b"t" * 32
    assert leaf.hash == sha256(b"\x00" + leaf.data).digest()
    assert delivery_id(leaf.hash) == leaf.hash[:16]
    assert Leaf.parse(leaf.data) == leaf


@pytest.mark.parametrize("size", [0, 95, 97])
def test_no_other_size_is_a_leaf(size: int) -> None:
    with pytest.raises(LogError) as refused:
        Leaf.parse(bytes(size))
    assert refused.value.code is SHAPE


@given(openings, openings)
def test_openings_are_read_as_they_were_written(one: Opening, other: Opening) -> None:
    assert Opening.decode(one.encode()) == one
    private = PrivateOpening(one, other)
    assert PrivateOpening.decode(private.encode()) == private


@given(openings, openings, st.data())
def test_openings_that_are_cut_or_longer_are_refused(
    one: Opening, other: Opening, drawn: st.DataObject
) -> None:
    encoded = PrivateOpening(one, other).encode()
    end = drawn.draw(st.integers(0, len(encoded) - 1))
    for damaged in (encoded[:end], encoded + b"\x00"):
        with pytest.raises(LogError):
            PrivateOpening.decode(damaged)
    with pytest.raises(LogError):
        Opening.decode(one.encode()[: drawn.draw(st.integers(0, 15))])


def test_frames_lie_one_behind_the_other() -> None:
    both = framed(b"one") + framed(b"")
    part, at = unframed(both, 0, "here")
    assert (part, unframed(both, at, "here")) == (b"one", (b"", len(both)))
