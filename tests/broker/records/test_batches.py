"""Batch signatures: what a path proves, and what it does not tell."""

import os
from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.records.batches import (
    MOST_RECORDS,
    BatchVerifier,
    batch_root,
    key_id_of,
    sign_batch,
)
from broker.records.envelope import BatchPath
from broker.records.errors import SIGNATURE, RecordRefused
from broker.records.names import AgencyId, Partnership, RecordDigest
from tests.broker.records import independent
from tests.broker.records.sources import COUNCIL, PARTNERSHIP, POLICE, Source, drawn

SOURCE = Source()
KEY = SOURCE.key.public_key()
SIZES = st.one_of(st.integers(1, 66), st.sampled_from((64, 65, 1023, 1024)))


def digests(count: int, of: str = "") -> list[RecordDigest]:
    said = (f"record {number} {of}".encode() for number in range(count))
    return [RecordDigest(sha256(one).digest()) for one in said]


def batch(count: int, seed: str = "") -> tuple[BatchPath, ...]:
    return sign_batch(
        digests(count, seed),
        partnership=PARTNERSHIP,
        agency=POLICE,
        key=SOURCE.key,
        random_bytes=drawn(seed) if seed else os.urandom,
    )


@given(SIZES)
def test_every_record_of_a_batch_verifies_under_one_signature(count: int) -> None:
    # given a batch, when each record's path is followed
    paths = batch(count)
    roots = {batch_root(digest, path) for digest, path in zip(digests(count), paths, strict=True)}

    # then all lead to one root under one signature, and no two stand in one place
    assert len(roots) == 1
    assert len({path.signature for path in paths}) == 1
    assert len({path.index for path in paths}) == count
    verifier = BatchVerifier(PARTNERSHIP)
    for digest, path in zip(digests(count), paths, strict=True):
        verifier.verify(digest, path, POLICE, KEY)
        assert independent.root(digest, path.index, list(path.path)) in roots


@pytest.mark.parametrize(("count", "k"), [(1, 0), (2, 6), (64, 6), (65, 10), (MOST_RECORDS, 10)])
def test_a_batch_has_the_least_of_three_sizes(count: int, k: int) -> None:
    assert {path.k for path in batch(count)} == {k}
    assert {len(path.path) for path in batch(count)} == {k}


@pytest.mark.parametrize("count", [0, MOST_RECORDS + 1])
def test_no_other_number_of_records_is_signed(count: int) -> None:
    with pytest.raises(ValueError, match=r"1 to 1,024"):
        batch(count)


def test_a_path_does_not_tell_how_many_records_there_were() -> None:
    # given batches of 2 and of 60, many times, when the first record's path is looked at
    few = [batch(2, f"few {number}")[0] for number in range(300)]
    many = [batch(60, f"many {number}")[0] for number in range(300)]

    for paths in (few, many):
        # then it stands anywhere: each eighth of the places gets its share (37.5 ± 5 deviations)
        eighths = Counter(path.index // 8 for path in paths)
        assert all(abs(eighths[part] - 37.5) < 5 * 37.5**0.5 for part in range(8))

        # and no sibling is seen twice, so none is the mark of a spare leaf
        siblings = [sibling for path in paths for sibling in path.path]
        assert len(set(siblings)) == len(siblings)


def test_a_spare_leaf_is_no_record_that_could_be_shown() -> None:
    # given batches of two, when the leaf beside the first record is a spare one
    seeds = [f"pair {number}" for number in range(50)]
    pairs = {seed: batch(2, seed) for seed in seeds}
    apart = {seed: pair for seed, pair in pairs.items() if pair[0].index ^ 1 != pair[1].index}

    # then it is the leaf of neither record, nor of zeros or of nothing
    assert len(apart) > 40
    for seed, (one, _) in apart.items():
        known = (*digests(2, seed), bytes(32), b"")
        assert one.path[0] not in {sha256(b"\x00" + said).digest() for said in known}


@pytest.mark.parametrize(
    "wrong",
    ["digest", "index", "path", "signature", "k", "agency", "partnership", "key id", "key"],
)
def test_nothing_else_verifies(wrong: str) -> None:
    # given a record of a batch of three, with one part changed
    path, digest, agency, key = batch(3)[0], digests(3)[0], POLICE, KEY
    partnership = PARTNERSHIP
    if wrong == "digest":
        digest = digests(3)[1]
    elif wrong == "index":
        path = replace(path, index=path.index ^ 1)
    elif wrong == "path":
        path = replace(path, path=(bytes(32), *path.path[1:]))
    elif wrong == "signature":
        path = replace(path, signature=path.signature[:32] + bytes(32))
    elif wrong == "k":
        path = replace(path, k=10)
    elif wrong == "agency":
        agency = COUNCIL
    elif wrong == "partnership":
        partnership = Partnership(bytes(32))
    elif wrong == "key id":
        path = replace(path, key_id=key_id_of(bytes(32)))
    else:
        key = Source().key.public_key()

    # when it is verified, then it is refused
    with pytest.raises(RecordRefused) as caught:
        BatchVerifier(partnership).verify(digest, path, agency, key)
    assert caught.value.code is SIGNATURE


def test_a_node_does_not_pass_for_a_record() -> None:
    # given a batch of three, when the node above two leaves is shown as if it were a leaf's record
    path, digest = batch(3)[0], digests(3)[0]
    leaf = sha256(b"\x00" + digest).digest()
    pair = (path.path[0] + leaf) if path.index & 1 else (leaf + path.path[0])
    shorter = replace(path, k=5, index=path.index >> 1, path=path.path[1:])

    # then no digest of 32 bytes hashes to it, and 64 bytes are no digest of ours
    assert batch_root(RecordDigest(pair), shorter) != batch_root(digest, path)


def test_a_root_is_verified_once_and_the_memory_is_bounded() -> None:
    # given a verifier that remembers two roots, when three batches are verified
    verifier = BatchVerifier(PARTNERSHIP, remembered=2)
    paths = [batch(1)[0] for _ in range(3)]
    other = digests(2)[1]
    batches = [
        sign_batch(
            [RecordDigest(sha256(bytes((number,))).digest())],
            partnership=PARTNERSHIP,
            agency=POLICE,
            key=SOURCE.key,
            random_bytes=os.urandom,
        )[0]
        for number in range(3)
    ]
    for number, path in enumerate(batches):
        verifier.verify(RecordDigest(sha256(bytes((number,))).digest()), path, POLICE, KEY)

    # then it has two, the last ones
    assert len(verifier._verified) == 2

    # and what it remembers passes without the key, what it forgot does not
    stranger = Source().key.public_key()
    for number in (1, 2, 1):
        known = RecordDigest(sha256(bytes((number,))).digest())
        verifier.verify(known, batches[number], POLICE, stranger)
    with pytest.raises(RecordRefused):
        verifier.verify(RecordDigest(sha256(b"\x00").digest()), batches[0], POLICE, stranger)

    # and a signature that fails is not remembered
    with pytest.raises(RecordRefused):
        verifier.verify(other, paths[0], POLICE, KEY)
    assert len(verifier._verified) == 2


def test_two_agencies_sign_different_bytes() -> None:
    assert independent.signed(PARTNERSHIP, POLICE, bytes(32), 0, bytes(32)) != independent.signed(
        PARTNERSHIP, AgencyId("eastshire-polic"), bytes(32), 0, bytes(32)
    )
