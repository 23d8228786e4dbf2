"""The vectors of `docs/log-format.md`: what another implementation would be held against."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.access_log.decided import Archive, Decided, DecidedLeaf, Handed, Kept, Release
from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.entry import (
    Leaf,
    Opening,
    PrivateOpening,
    commit_facts,
    commit_personal,
    commit_told,
    delivery_id,
)
from broker.access_log.notes import Checkpoint, NoteSigner, VerifierKey, open_checkpoint
from broker.access_log.openings import NO_BATCH, Batch, KeptMessage, Openings
from broker.access_log.parts import (
    Facts,
    Personal,
    ProtocolPlace,
    RegistersPlace,
    Told,
    ToldObligation,
    ToldTask,
)
from broker.access_log.ports import Row
from broker.access_log.proofs import Proof
from broker.access_log.published import Followed, Published, follow
from broker.access_log.record import CommitRecord, LogState
from broker.access_log.tree import (
    consistency_path,
    hash_leaf,
    inclusion_path,
    root_of,
)
from broker.clock import Instant
from broker.records.names import AgencyId, RecordDigest, RecordId

FOLDER = Path(__file__).parents[2] / "vectors" / "log"
SOURCE = AgencyId("eastshire-police")
MASH = "eastshire-council/mash"
NOON = Instant(1_790_000_000_000)
LEAVES = [hash_leaf(sha256(n.to_bytes(8, "big")).digest() * 3) for n in range(300)]


def load(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return vectors


def h(byte: int) -> bytes:
    return bytes((byte,)) * 32


def i(byte: int) -> bytes:
    return bytes((byte,)) * 16


PLACE = ProtocolPlace(7, h(3))
RECORD = RecordDigest(h(6))
FACTS = Facts(
    kind="decision",
    at=NOON,
    source=SOURCE,
    consumer=MASH,
    cause=h(1),
    decision=b"decision",
    revision=h(2),
    protocol=PLACE,
    registers=RegistersPlace(5, h(4), 2),
)
QUARANTINE = Facts(
    kind="quarantine",
    at=NOON,
    source=SOURCE,
    consumer=SOURCE,
    cause=h(1),
    decision=b"",
    revision=None,
    protocol=PLACE,
    registers=RegistersPlace(0, bytes(32)),
    code="record.seal",
)
PERSONAL = Personal(
    record=RECORD,
    question=b'{"kind":"record"}',
    registers=(RecordDigest(h(7)),),
    link="linked",
    tokens=(i(8),),
    holds=(RecordId(i(9)),),
)
TOLD = Told(
    kind="delivery",
    consumer=MASH,
    outcome="content",
    slots=(0, 7, 8),
    clauses=("EA-1", "EA-3"),
    obligations=(ToldObligation("acknowledge-by", "4h"),),
    revision=h(2),
    protocol=PLACE,
    desk="mash",
    own_identifier="C-1001",
    holds=(RecordId(i(12)),),
)
TASK = Told(
    kind="task",
    consumer=SOURCE,
    outcome="",
    slots=(),
    clauses=(),
    obligations=(),
    revision=h(2),
    protocol=PLACE,
    task=ToldTask(i(10), "default-withhold", Instant(1_790_086_400_000), (MASH,), ("EA-9",)),
)


def test_tree() -> None:
    vectors = load("tree")
    for number, hashed in vectors["leaf_hashes"].items():
        assert LEAVES[int(number)].hex() == hashed
    for size, root in vectors["roots"].items():
        assert root_of(LEAVES[: int(size)]).hex() == root
    for index, path in vectors["inclusion"].items():
        assert [node.hex() for node in inclusion_path(int(index), LEAVES)] == path
    for old, path in vectors["consistency"].items():
        assert [node.hex() for node in consistency_path(int(old), LEAVES)] == path
    assert sha256(b"".join(LEAVES[:256])).hexdigest() == vectors["tile_0_000_sha256"]


def test_checkpoint_and_proof() -> None:
    vectors = load("checkpoint")
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vectors["seed"]))
    signer = NoteSigner(vectors["origin"], private)
    checkpoint = Checkpoint(vectors["origin"], vectors["size"], bytes.fromhex(vectors["root"]))
    note = vectors["note"].encode()
    assert str(signer.key) == vectors["verifier_key"]
    assert signer.sign(checkpoint.text()) == note
    keys = [VerifierKey.parse(vectors["verifier_key"])]
    assert open_checkpoint(note, vectors["origin"], keys) == checkpoint
    proof = Proof.parse(vectors["proof"].encode())
    leaf = bytes.fromhex(vectors["leaf_hash"])
    assert proof.verify(leaf, vectors["origin"], keys) == checkpoint
    assert (proof.index, leaf) == (vectors["index"], LEAVES[256])


def test_published() -> None:
    vectors = load("published")
    keys = [VerifierKey.parse(vectors["verifier_key"])]
    followed = Followed()
    for one in vectors["steps"]:
        data = bytes.fromhex(one["published"])
        step = Published(
            checkpoint=one["checkpoint"].encode(),
            before=one["before"],
            path=tuple(bytes.fromhex(node) for node in one["path"]),
        )
        assert step.encode() == data
        assert Published.decode(data) == step
        checkpoint = follow(followed, step, vectors["origin"], keys)
        assert checkpoint.root == root_of(LEAVES[: checkpoint.size])
        followed = Followed(checkpoint.size, checkpoint.root)
        assert followed.encode().hex() == one["shown"]
    assert followed.size == 300


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("facts", FACTS),
        ("quarantine_facts", QUARANTINE),
        ("personal", PERSONAL),
        ("told", TOLD),
        ("task", TASK),
    ],
)
def test_parts(name: str, part: Facts | Personal | Told) -> None:
    data = bytes.fromhex(load("parts")[name])
    assert part.encode() == data
    assert type(part).decode(data) == part


def test_entry() -> None:
    vectors = load("entry")
    facts, personal, told = (
        bytes.fromhex(vectors["salts"][name])
        for name in (
            "facts",
            "personal",
            "told",
        )
    )
    minimised = bytes.fromhex(vectors["minimised"])
    leaf = Leaf(
        commit_facts(facts, FACTS.encode()),
        commit_personal(personal, PERSONAL.encode()),
        commit_told(told, MASH, minimised, TOLD.encode()),
    )
    assert {
        "facts": leaf.facts.hex(),
        "personal": leaf.personal.hex(),
        "told": leaf.told.hex(),
        "told_nothing": commit_told(told, MASH, b"", b"").hex(),
    } == vectors["commitments"]
    assert leaf.data.hex() == vectors["leaf"]
    assert leaf.hash.hex() == vectors["leaf_hash"]
    assert delivery_id(leaf.hash).hex() == vectors["delivery_id"]
    assert Opening(facts, FACTS.encode()).encode().hex() == vectors["facts_opening"]
    private = PrivateOpening(Opening(personal, PERSONAL.encode()), Opening(told, TOLD.encode()))
    assert private.encode().hex() == vectors["private_opening"]
    body = DeliveryBody(minimised, TOLD.encode(), told, leaf.facts, leaf.personal)
    assert body.encode().hex() == vectors["delivery_body"]
    assert body.leaf(MASH) == leaf
    assert Delivery(b"sealed", b"proof").encode().hex() == vectors["delivery"]


def test_stored() -> None:
    vectors = {name: value for name, value in load("stored").items() if name != "about"}
    leaf = bytes.fromhex(load("entry")["leaf"])
    row = Row("decision", NOON, SOURCE, MASH, "content", "missing-episode", ("EA-1",), (i(8),))
    release = Release("deliveries.eastshire-council", bytes((11,)) * 8, b"sealed delivery")
    decided = Decided(
        cause=h(1),
        archive=Archive(RECORD, b"sealed archive"),
        leaves=(DecidedLeaf(leaf, b"sealed facts", b"sealed personal", row, RECORD, release),),
    )
    assert decided.encode().hex() == vectors["decided"]
    kept = Handed.decode(decided.encode()).kept
    assert kept.hex() == vectors["kept"]
    assert Kept.decode(kept).entries[0].row == row
    openings = Openings(0, {}, (KeptMessage(0, 12, kept),))
    data = openings.encode()
    assert data.hex() == vectors["openings"]
    assert sha256(data).hexdigest() == vectors["openings_digest"]
    batch = Batch.of(openings, sha256(data).digest(), [1], NO_BATCH)
    assert batch.encode().hex() == vectors["batch"]
    record = CommitRecord.decode(bytes.fromhex(vectors["commit"]))
    assert (record.epoch, record.entries, record.batch) == (1, (leaf,), batch)
    assert record.positions == {0: 13}
    state = LogState.of(record)
    assert state.tree.root() == hash_leaf(leaf)
    assert record.encode().hex() == vectors["commit"]
