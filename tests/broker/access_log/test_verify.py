"""Verification: a sound log is found sound, and every changed byte is found and named."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log import errors
from broker.access_log.decided import Handed, Kept
from broker.access_log.errors import BATCH, COMMITMENT, LEAF, MISSING, ROOT, ROW, SEALED, TILE
from broker.access_log.findings import MOST_FINDINGS, Finding
from broker.access_log.notes import Checkpoint
from broker.access_log.opened import NoKeys, OpenedMessage
from broker.access_log.openings import Batch, KeptMessage, Openings, batch_path, openings_path
from broker.access_log.ports import LeafIndex
from broker.access_log.record import CommitRecord
from broker.access_log.verify import Checks, verify_log
from broker.clock import Instant
from broker.errors import Code
from broker.lanes import Bound
from tests.broker.access_log.county import ORIGIN, SIGNER
from tests.broker.access_log.stores import MemoryTileStore
from tests.broker.access_log.world import CHECKS, KEYS, World, drain, release


async def made(messages: int, count: int = 4) -> World:
    """Return a world whose messages are all in the log, some a batch."""
    world = World(messages=messages)
    await drain(await world.open(), Bound(count=count))
    return world


def opening(world: World) -> Checks:
    """Return checks with every key."""
    return replace(CHECKS, opener=world.county)


async def test_a_sound_log_is_found_sound_with_and_without_keys() -> None:
    # given a log, seen by someone with public keys only, and by someone with every key
    world = await made(150)
    count = len(world.sent[0])
    closed = await verify_log(world.store, CHECKS)
    opened = await verify_log(world.store, opening(world))
    # then both find it sound, and say how much they could not open
    for report in (closed, opened):
        assert report.sound
        assert (report.size, report.entries) == (count, count)
    assert (closed.closed, opened.closed) == (count, 0)
    assert closed.root == opened.root


async def test_an_empty_log_is_sound_and_a_missing_one_is_not() -> None:
    world = await made(0)
    assert (await verify_log(world.store, CHECKS)).sound
    report = await verify_log(MemoryTileStore(), CHECKS)
    assert report.findings == (Finding(None, MISSING, "commit record"),)
    assert report.verified is None


async def test_the_checkpoint_must_be_signed_by_this_log() -> None:
    world = await made(1)
    report = await verify_log(world.store, replace(CHECKS, keys=()))
    assert [finding.code for finding in report.findings] == [errors.NOTE_SIGNATURE]
    report = await verify_log(world.store, replace(CHECKS, origin="westshire.example/log"))
    assert not report.sound


async def test_every_changed_byte_of_a_small_log_is_found_and_named() -> None:
    # given a small log of two batches
    world = await made(2, count=1)
    files = dict(world.store.files)
    assert len(files) == 4
    for path, data in files.items():
        for at in range(len(data)):
            # when one byte of one file is changed
            world.store.files = dict(files)
            world.store.files[path] = data[:at] + bytes((data[at] ^ 0x20,)) + data[at + 1 :]
            report = await verify_log(world.store, CHECKS)
            # then the file is named
            assert path in report.findings[0].where, (path, at)
    # and so is the commit record
    world.store.files = files
    record = world.store.record
    assert record is not None
    for at in range(len(record)):
        world.store.record = record[:at] + bytes((record[at] ^ 0x20,)) + record[at + 1 :]
        report = await verify_log(world.store, CHECKS)
        assert [finding.where for finding in report.findings] == ["commit record"]


_KEPT: list[World] = []


async def kept() -> World:
    """Return a world of 200 messages, made once, with a store of its own."""
    if not _KEPT:
        _KEPT.append(await made(200, count=50))
    world = copy.copy(_KEPT[0])
    world.store = world.store.copy()
    return world


@given(st.data())
async def test_a_changed_or_missing_file_of_a_larger_log_is_found(data: st.DataObject) -> None:
    # given a log with tiles and bundles
    world = await kept()
    path = data.draw(st.sampled_from(sorted(world.store.files)))
    content = world.store.files[path]
    if data.draw(st.booleans()):
        # when a byte of any file is changed, then something is wrong
        at = data.draw(st.integers(0, len(content) - 1))
        bits = data.draw(st.integers(1, 255))
        world.store.files[path] = content[:at] + bytes((content[at] ^ bits,)) + content[at + 1 :]
        assert not (await verify_log(world.store, CHECKS)).sound
    elif path != batch_path(await _last(world)):
        # when a file is missing that the last batch does not complete, then it is named
        del world.store.files[path]
        report = await verify_log(world.store, CHECKS)
        known = path.startswith("tile/") and path in dict((await world.view()).state.files())
        assert report.sound == known
        assert known or path in report.findings[0].where


async def _last(world: World) -> int:
    batch = (await world.view()).state.record.batch
    assert batch is not None
    return batch.start


async def test_what_the_sequencer_has_not_come_to_write_is_derived() -> None:
    # given a log whose last batch is committed, and nothing more of it written
    world = await made(90, count=90)
    for path in [path for path in world.store.files if not path.startswith("openings/0")]:
        if path.startswith(("tile/", "openings/at/")):
            del world.store.files[path]
    assert (await verify_log(world.store, CHECKS)).sound


async def test_a_tile_that_was_swapped_is_named_by_the_entries_below_it() -> None:
    world = await made(300, count=50)
    store = world.store
    store.files["tile/0/001"], store.files["tile/0/000"] = (
        store.files["tile/0/000"],
        store.files["tile/0/001"],
    )
    report = await verify_log(store, CHECKS)
    assert [(finding.index, finding.code) for finding in report.findings] == [
        (0, TILE),
        (256, TILE),
    ]


async def test_a_bundle_that_was_rewritten_is_named_by_its_entry() -> None:
    # given a log in which somebody has rewritten an entry and the tiles and root above it
    world = await made(200, count=50)
    path = "tile/entries/000"
    data = bytearray(world.store.files[path])
    data[3 * 98 + 10] ^= 1
    world.store.files[path] = bytes(data)
    # then the leaf is named first where its opening says otherwise, then tile and root
    report = await verify_log(world.store, CHECKS)
    found = {(finding.index, finding.code.name) for finding in report.findings}
    assert (LeafIndex(3), LEAF.name) in found
    assert (LeafIndex(0), TILE.name) in found
    assert report.findings[-1].code is ROOT


class Forger:
    """Rewrites what the log keeps of its only message, and everything that names it."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def rewrite(self, kept: Kept) -> None:
        store = self.world.store
        batch = await (await self.world.view()).batch(0)
        openings = Openings(0, {}, (KeptMessage(0, 0, kept.encode()),))
        data = openings.encode()
        forged = Batch.of(openings, sha256(data).digest(), [len(kept.entries)], -1)
        store.files = {openings_path(forged.openings): data, batch_path(0): forged.encode()}
        assert store.record is not None
        record = CommitRecord.decode(store.record)
        assert record.batch == batch
        store.record = replace(record, batch=forged).encode()

    def kept(self) -> Kept:
        value = self.world.topic.shards[0][0].value
        return Kept.decode(Handed.decode(value).kept)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("facts", SEALED),
        ("personal", SEALED),
        ("archive", SEALED),
        ("facts of another", COMMITMENT),
        ("personal of another", COMMITMENT),
        ("cause", ROW),
        ("record", SEALED),
        ("kind", ROW),
        ("at", ROW),
        ("source", ROW),
        ("consumer", ROW),
        ("tokens", ROW),
        ("leaf", LEAF),
        ("dropped", BATCH),
    ],
)
async def test_whoever_rewrites_what_is_kept_is_found(part: str, code: Code) -> None:
    # given a log of one message, and somebody who can write to its store and holds every key
    world = World(messages=0)
    world.topic.put(world.county.decided(3).encode())
    await drain(await world.open())
    forger = Forger(world)
    kept = forger.kept()
    entry, other = kept.entries[1], kept.entries[2]
    assert kept.archive is not None
    row = entry.row
    # when they change one thing, and all digests that stand in no tree
    changed = {
        "facts": {"facts": entry.facts[:-1] + b"\x00"},
        "personal": {"personal": entry.personal[:-1] + b"\x00"},
        "facts of another": {"facts": other.facts},
        "personal of another": {"personal": other.personal},
        "record": {"record": None},
        "kind": {"row": replace(row, kind="task")},
        "at": {"row": replace(row, at=Instant(row.at + 1))},
        "source": {"row": replace(row, source="eastshire-hospital")},
        "consumer": {"row": replace(row, consumer="hillside-school")},
        "tokens": {"row": replace(row, tokens=())},
        "leaf": {"leaf": bytes(96)},
    }
    entries = (kept.entries[0], replace(entry, **changed.get(part, {})), kept.entries[2])  # type: ignore[arg-type]  # fields by name
    if part == "cause":
        forged = replace(kept, cause=bytes(32))
    elif part == "archive":
        forged = replace(kept, archive=replace(kept.archive, sealed=bytes(80)))
    elif part == "dropped":
        forged = replace(kept, entries=kept.entries[:2])
    else:
        forged = replace(kept, entries=entries)
    await forger.rewrite(forged)
    # then it is found
    report = await verify_log(world.store, opening(world))
    assert code in [finding.code for finding in report.findings] or (
        part == "dropped" and not report.sound
    )


async def test_a_batch_that_claims_more_leaves_than_there_are_is_found() -> None:
    # given a descriptor of which somebody has made the last message larger
    world = await made(4, count=2)
    batch = await (await world.view()).batch(0)
    last = replace(batch.origins[-1], count=300)
    count = batch.count - batch.origins[-1].count + 300
    forged = replace(batch, count=count, origins=(*batch.origins[:-1], last))
    world.store.files[batch_path(0)] = forged.encode()
    # then the leaves that it claims are missing
    report = await verify_log(world.store, CHECKS)
    assert report.findings == (Finding(LeafIndex(0), MISSING, "tile/entries/000"),)


async def test_a_record_that_belongs_to_another_entry_is_found() -> None:
    # given an entry whose personal part is of another record than it is kept under
    world = World(messages=0)
    decided = world.county.decided(2)
    world.topic.put(decided.encode())
    await drain(await world.open())
    forger = Forger(world)
    kept = forger.kept()
    entry = kept.entries[1]
    assert entry.record is not None
    other = type(entry.record)(bytes(32))
    world.county.keys[other] = world.county.keys[entry.record]
    await forger.rewrite(replace(kept, entries=(kept.entries[0], replace(entry, record=other))))
    report = await verify_log(world.store, opening(world))
    assert report.findings == (Finding(LeafIndex(1), ROW, "record"),)


async def test_an_erased_record_is_counted_and_no_fault() -> None:
    # given a log of which one record is erased
    world = World(messages=0)
    decided = world.county.decided(3)
    world.topic.put(decided.encode())
    world.topic.put(world.county.quarantined().encode())
    await drain(await world.open())
    assert decided.archive is not None
    world.county.erased.add(decided.archive.record)
    seen: list[OpenedMessage] = []

    def look(messages: Sequence[OpenedMessage]) -> Sequence[Finding]:
        seen.extend(messages)
        return ()

    # when it is verified
    report = await verify_log(world.store, replace(opening(world), recheck=look))
    # then its entries stand, its facts can be read, and nothing else can
    assert (report.sound, report.erased, report.closed) == (True, 3, 0)
    erased, quarantined = seen
    assert (erased.archive, erased.erased) == (None, True)
    assert all(entry.facts and not entry.personal and not entry.told for entry in erased.entries)
    (entry,) = quarantined.entries
    assert (entry.personal, quarantined.erased) == (None, False)
    assert entry.facts is not None
    assert entry.told is not None


async def test_whatever_is_rechecked_is_reported_with_the_rest() -> None:
    # given a recheck that finds something wrong with every entry
    world = await made(3, count=1)
    wrong = Code("test.wrong", "Wrong.", "Mend it.")

    def recheck(messages: Sequence[OpenedMessage]) -> Sequence[Finding]:
        return [Finding(entry.index, wrong) for message in messages for entry in message.entries]

    report = await verify_log(world.store, replace(opening(world), recheck=recheck))
    assert [finding.index for finding in report.findings] == list(range(len(world.sent[0])))
    assert str(report.findings[1]) == "entry 1: Wrong. Mend it. [test.wrong]"
    assert str(Finding(None, wrong, "here")) == "Wrong. (here) Mend it. [test.wrong]"


async def test_verification_stops_when_it_has_found_enough() -> None:
    world = await made(120, count=10)
    wrong = Code("test.wrong", "Wrong.", "Mend it.")

    def recheck(messages: Sequence[OpenedMessage]) -> Sequence[Finding]:
        return [Finding(entry.index, wrong) for message in messages for entry in message.entries]

    report = await verify_log(world.store, replace(CHECKS, recheck=recheck))
    assert MOST_FINDINGS <= len(report.findings) < len(world.sent[0])


async def test_verification_goes_on_from_where_it_ended() -> None:
    # given a log that was verified, and has grown since
    world = await made(120, count=30)
    first = await verify_log(world.store, CHECKS)
    assert first.verified is not None
    world.put(120)
    await drain(await world.open(), Bound(count=30))
    done: list[tuple[int, int]] = []
    world.store.reads.clear()
    # when it is verified again from there
    progress = replace(CHECKS, progress=lambda now, total: done.append((now, total)))
    second = await verify_log(world.store, progress, first.verified)
    # then only what is new is read
    assert second.sound
    assert second.entries == len(world.sent[0]) - first.size
    assert done[-1] == (second.size, second.size)
    assert "tile/entries/000" not in world.store.reads
    # and what was verified before still ends in the same state
    assert first.verified.tree.size == first.size
    third = await verify_log(world.store, CHECKS, second.verified)
    assert (third.sound, third.entries, third.batches) == (True, 0, 0)


async def test_a_log_that_was_begun_anew_does_not_continue_a_verified_one() -> None:
    # given a verified log, and another one in its place
    world = await made(60, count=20)
    first = await verify_log(world.store, CHECKS)
    other = World(messages=80, seed=2)
    await drain(await other.open(), Bound(count=20))
    # when that is verified from where the first ended
    report = await verify_log(other.store, CHECKS, first.verified)
    # then it is not its continuation
    assert not report.sound
    shorter = await made(10, count=20)
    assert not (await verify_log(shorter.store, CHECKS, first.verified)).sound


async def test_a_root_that_no_leaves_lead_to_is_found() -> None:
    # given a verified state that is not this log's
    world = await made(3, count=1)
    first = await verify_log(world.store, CHECKS)
    assert first.verified is not None
    tree = first.verified.tree.copy()
    wrong = replace(first.verified, tree=type(tree)())
    report = await verify_log(world.store, CHECKS, wrong)
    assert report.findings[0].code is BATCH
    note = SIGNER.sign(Checkpoint(ORIGIN, first.size, bytes(32)).text())
    assert world.store.record is not None
    record = replace(CommitRecord.decode(world.store.record), checkpoint=note)
    world.store.record = record.encode()
    assert (await verify_log(world.store, CHECKS)).findings[0].code is ROOT


async def test_someone_without_keys_opens_nothing() -> None:
    world = await made(2)
    await release(world.releaser())
    kept = [Kept.decode(Handed.decode(one.value).kept) for one in world.topic.shards[0]]
    for unsealed in await NoKeys().open(kept):
        assert not any(isinstance(entry.facts, bytes) for entry in unsealed.entries)
    assert Checks(ORIGIN, KEYS).recheck([]) == ()
    Checks(ORIGIN, KEYS).progress(0, 0)
