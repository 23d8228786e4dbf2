"""tlog-proofs: what is written is read, and nothing else is."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import PROOF_INCLUSION, PROOF_SHAPE, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint
from broker.access_log.proofs import (
    HEADER,
    MOST_EXTRA_BYTES,
    MOST_HASHES,
    MOST_PROOF_BYTES,
    PATHS_KEPT,
    Proof,
    ProofWriter,
)
from broker.access_log.prover import Prover, TileCache
from broker.access_log.tiles import WIDTH
from broker.access_log.tree import hash_leaf
from tests.broker.access_log.county import ORIGIN, SIGNER

SIZE = 700
LEAVES = [hash_leaf(number.to_bytes(3, "big")) for number in range(SIZE)]
TREE = GrowingTree()
FULL = TREE.append(LEAVES)
NOTE = SIGNER.sign(Checkpoint(ORIGIN, SIZE, TREE.root()).text())
PROVER = Prover(TREE, TileCache(), FULL)
WRITER = ProofWriter(PROVER, NOTE)

proofs = st.builds(
    Proof,
    index=st.integers(0, 2**63 - 1),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=MOST_HASHES).map(tuple),
    checkpoint=st.just(NOTE),
    extra=st.none() | st.binary(max_size=40),
)


def test_a_proof_is_the_text_of_the_specification() -> None:
    text = WRITER.write(3).decode()
    lines = text.split("\n")
    assert lines[:3] == [HEADER, "index 3", b64encode(LEAVES[2]).decode()]
    assert text.endswith("\n\n" + NOTE.decode())


@given(st.integers(0, SIZE - 1))
def test_every_entry_has_a_proof_that_verifies(index: int) -> None:
    # given the proof of an entry
    proof = Proof.parse(WRITER.write(index))
    # then it leads to the checkpoint, for this entry alone
    assert proof.verify(LEAVES[index], ORIGIN, [SIGNER.key]).size == SIZE
    assert (proof.index, proof.path) == (index, PROVER.inclusion(index))
    with pytest.raises(LogError) as refused:
        proof.verify(hash_leaf(b"another"), ORIGIN, [SIGNER.key])
    assert refused.value.code is PROOF_INCLUSION


@given(proofs)
def test_proofs_are_read_as_they_were_written(proof: Proof) -> None:
    assert Proof.parse(proof.encode()) == proof


def test_every_changed_byte_is_refused() -> None:
    written = WRITER.write(5)
    for at in range(len(written)):
        damaged = written[:at] + bytes((written[at] ^ 1,)) + written[at + 1 :]
        with pytest.raises(LogError):
            Proof.parse(damaged).verify(LEAVES[5], ORIGIN, [SIGNER.key])


HASH = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("where", "head"),
    [
        ("header", "c2sp.org/tlog-proof@v2\nindex 0"),
        ("header", f" {HEADER}\nindex 0"),
        ("index", HEADER),
        ("index", f"{HEADER}\nindex"),
        ("index", f"{HEADER}\nindex 01"),
        ("index", f"{HEADER}\nindex  1"),
        ("index", f"{HEADER}\nINDEX 1"),
        ("index", f"{HEADER}\n{HASH}"),
        ("extra", f"{HEADER}\nextra A\nindex 0"),
        ("extra", f"{HEADER}\nextra {b64encode(bytes(MOST_EXTRA_BYTES + 1)).decode()}\nindex 0"),
        ("index", f"{HEADER}\nextra AAAA\nextra AAAA\nindex 0"),
        ("path", f"{HEADER}\nindex 0\n{HASH[:-4]}"),
        ("path", f"{HEADER}\nindex 0\n{HASH} "),
        ("path", f"{HEADER}\nindex 0\n" + "\n".join([HASH] * (MOST_HASHES + 1))),
        ("text", f"{HEADER}\nindex 0\n—"),
    ],
)
def test_what_is_no_proof_is_refused(where: str, head: str) -> None:
    with pytest.raises(LogError) as refused:
        Proof.parse(f"{head}\n\n".encode() + NOTE)
    assert (refused.value.code, refused.value.where) == (PROOF_SHAPE, where)


@pytest.mark.parametrize("data", [b"", HEADER.encode(), bytes(MOST_PROOF_BYTES + 1)])
def test_what_has_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(LogError) as refused:
        Proof.parse(data)
    assert refused.value.code is PROOF_SHAPE


def test_a_writer_keeps_few_paths() -> None:
    # given a writer for a tree of more tiles than it keeps paths of
    tree = GrowingTree()
    leaves = [LEAVES[number % SIZE] for number in range((PATHS_KEPT + 2) * WIDTH)]
    prover = Prover(tree, TileCache(PATHS_KEPT + 9), tree.append(leaves))
    prover = Prover(tree, prover._cache)
    note = SIGNER.sign(Checkpoint(ORIGIN, tree.size, tree.root()).text())
    writer = ProofWriter(prover, note)
    # when it writes proofs of all tiles, and of the first again
    for index in [*range(0, tree.size, WIDTH), 0]:
        proof = Proof.parse(writer.write(index))
        proof.verify(leaves[index], ORIGIN, [SIGNER.key])
    # then it has dropped those used first
    assert len(writer._uppers) == PATHS_KEPT
