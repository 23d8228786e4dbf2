"""Openings, batches and the commit record: the log's own files."""

from dataclasses import replace
from hashlib import sha256

import pytest

from broker.access_log.errors import ROOT, SHAPE, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.notes import Checkpoint
from broker.access_log.openings import (
    BATCH,
    NO_BATCH,
    Batch,
    KeptMessage,
    Openings,
    Origin,
    batch_path,
    openings_path,
)
from broker.access_log.ports import LeafIndex
from broker.access_log.record import CommitRecord, LogState
from broker.access_log.tree import hash_leaf
from tests.broker.access_log.county import ORIGIN, SIGNER

OPENINGS = Openings(
    start=300,
    before={0: 4, 2: 9},
    messages=(
        KeptMessage(0, 4, b"four"),
        KeptMessage(1, 0, b"new lane"),
        KeptMessage(0, 7, b"behind a gap"),
    ),
)
DIGEST = sha256(OPENINGS.encode()).digest()
BATCH_300 = Batch.of(OPENINGS, DIGEST, [2, 1, 3], 290)
LEAVES = [sha256(bytes((n % 256, n // 256))).digest() * 3 for n in range(306)]


def record(start: int, count: int) -> CommitRecord:
    """Return the record that commits `count` leaves on top of `start`."""
    tree = GrowingTree()
    tree.append([hash_leaf(leaf) for leaf in LEAVES[:start]])
    partial = tuple(b"".join(tile) for tile in tree.partial[1:])
    tree.append([hash_leaf(leaf) for leaf in LEAVES[start : start + count]])
    note = SIGNER.sign(Checkpoint(ORIGIN, tree.size, tree.root()).text())
    batch = Batch.of(
        replace(OPENINGS, start=start, messages=OPENINGS.messages[:1]), DIGEST, [count], start - 1
    )
    entries = tuple(LEAVES[start - start % 256 : start + count])
    return CommitRecord(2, note, partial, entries, batch)


def test_a_batch_tells_which_message_became_which_leaves() -> None:
    assert BATCH_300.count == 6
    assert BATCH_300.origins == (
        Origin(0, 4, LeafIndex(300), 2),
        Origin(1, 0, LeafIndex(302), 1),
        Origin(0, 7, LeafIndex(303), 3),
    )
    assert BATCH_300.after() == {0: 8, 1: 1, 2: 9}


def test_files_are_read_as_they_were_written() -> None:
    assert Openings.decode(OPENINGS.encode()) == OPENINGS
    assert Batch.decode(BATCH_300.encode()) == BATCH_300
    found = record(300, 6)
    assert CommitRecord.decode(found.encode()) == found
    empty = CommitRecord(1, SIGNER.sign(Checkpoint(ORIGIN, 0, GrowingTree().root()).text()))
    assert CommitRecord.decode(empty.encode()) == empty
    assert empty.positions == {}


def test_files_have_their_places() -> None:
    assert openings_path(bytes(32)) == "openings/" + "00" * 32
    assert batch_path(1_234_067) == "openings/at/x001/x234/067"


@pytest.mark.parametrize(
    "change",
    [
        {"count": 7},
        {"previous": 300},
        {"previous": -2},
        {"count": 0, "origins": []},
        {"origins": [{"shard": 0, "offset": n, "count": c} for n, c in ((0, 0), (1, 6))]},
        {"before": [{"shard": 2, "next": 1}, {"shard": 0, "next": 1}]},
        {"before": [{"shard": 0, "next": 1}, {"shard": 0, "next": 1}]},
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(LogError) as refused:
        Batch.decode(BATCH.encode({**BATCH_300.fields(), **change}), "here")
    assert refused.value.code is SHAPE


@pytest.mark.parametrize(("start", "count"), [(0, 3), (0, 256), (200, 100), (256, 50), (300, 6)])
def test_a_record_leads_to_its_checkpoint(start: int, count: int) -> None:
    # given a record
    found = record(start, count)
    # when it is worked out
    state = LogState.of(found)
    # then the tree is the one over all leaves, and everything completed is at hand
    whole = GrowingTree()
    whole.append([hash_leaf(leaf) for leaf in LEAVES[: start + count]])
    assert state.tree.root() == whole.root()
    paths = [path for path, _ in state.files()]
    completed = range(start // 256, (start + count) // 256)
    assert paths[-1] == batch_path(start)
    assert paths[:-1] == [f"tile/0/00{n}" for n in completed] + [
        f"tile/entries/00{n}" for n in completed
    ]
    assert state.entries == tuple(LEAVES[(start + count) // 256 * 256 : start + count])


def test_partial_tiles_and_bundle_can_be_served() -> None:
    files = dict(LogState.of(record(300, 6)).partial_files())
    assert sorted(files) == ["tile/0/001.p/50", "tile/1/000.p/1", "tile/entries/001.p/50"]
    assert files["tile/0/001.p/50"][:32] == hash_leaf(LEAVES[256])
    assert files["tile/entries/001.p/50"][:98] == b"\x00\x60" + LEAVES[256]
    whole = dict(LogState.of(record(0, 256)).partial_files())
    assert sorted(whole) == ["tile/1/000.p/1"]


def test_every_changed_byte_of_a_record_is_refused() -> None:
    data = record(0, 3).encode()
    for at in range(len(data)):
        damaged = data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :]
        with pytest.raises(LogError) as refused:
            CommitRecord.decode(damaged)
        assert refused.value.code is SHAPE


def test_leaves_of_another_size_are_refused() -> None:
    found = record(0, 3)
    with pytest.raises(LogError):
        CommitRecord.decode(replace(found, entries=(bytes(95),)).encode())


def test_a_record_whose_parts_lead_elsewhere_is_refused() -> None:
    found = record(300, 6)
    other = replace(found, entries=(*found.entries[:-1], bytes(96)))
    with pytest.raises(LogError) as refused:
        LogState.of(other)
    assert refused.value.code is ROOT
    for wrong in (
        replace(found, entries=found.entries[1:]),
        replace(found, batch=None),
        replace(found, tiles=()),
        replace(found, tiles=(bytes(33),)),
    ):
        with pytest.raises(LogError) as refused:
            LogState.of(wrong)
        assert refused.value.code is SHAPE
    assert NO_BATCH < 0
