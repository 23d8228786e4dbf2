"""Published checkpoints: a log is followed step by step, and nothing else passes for its growth."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import (
    NOTE_ORIGIN,
    NOTE_SHAPE,
    NOTE_SIGNATURE,
    PROOF_CONSISTENCY,
    SHAPE,
    LogError,
)
from broker.access_log.notes import Checkpoint, NoteSigner
from broker.access_log.published import Followed, Published, follow
from broker.access_log.tree import consistency_path, hash_leaf, root_of
from broker.errors import Code
from broker.lanes import Bound
from tests.broker.access_log.county import ORIGIN, SIGNER
from tests.broker.access_log.world import KEYS, World, check_published, release

LEAVES = [hash_leaf(bytes((n,))) for n in range(80)]
FORKED = [*LEAVES[:9], *(hash_leaf(b"other" + leaf) for leaf in LEAVES[9:])]

sizes = st.lists(st.integers(1, 80), min_size=1, max_size=8, unique=True).map(sorted)


def step(
    before: int, size: int, leaves: Sequence[bytes] = LEAVES, signer: NoteSigner = SIGNER
) -> Published:
    """Return the step of a log with these leaves."""
    checkpoint = Checkpoint(ORIGIN, size, root_of(leaves[:size]))
    path = consistency_path(before, leaves[:size]) if before < size else ()
    return Published(signer.sign(checkpoint.text()), before, path)


def at(size: int, leaves: Sequence[bytes] = LEAVES) -> Followed:
    """Return where somebody stands who has followed to `size`."""
    return Followed(size, root_of(leaves[:size])) if size else Followed()


def refused(last: Followed, one: Published) -> Code:
    with pytest.raises(LogError) as error:
        follow(last, one, ORIGIN, KEYS)
    return error.value.code


@given(sizes)
def test_a_log_is_followed_from_checkpoint_to_checkpoint(cuts: list[int]) -> None:
    # given a log that published its checkpoints at some sizes
    last = Followed()
    for size in cuts:
        # when each step is followed
        checkpoint = follow(last, step(last.size, size), ORIGIN, KEYS)
        # then every root on the way is known
        assert checkpoint == Checkpoint(ORIGIN, size, root_of(LEAVES[:size]))
        last = Followed(checkpoint.size, checkpoint.root)


@given(st.lists(st.lists(st.integers(0, 40), max_size=3), min_size=1, max_size=4))
async def test_a_real_log_is_followed_over_tiles(runs: list[list[int]]) -> None:
    # given a log that grows, of which something is released now and then
    world = World(messages=0, shards=2)
    sequencer, releaser = await world.open(), world.releaser()
    for puts in runs:
        for count in puts:
            world.put(count)
            await sequencer.run_once(Bound(count=30))
        await release(releaser)
    # then what was published can be followed, and covers everything released
    await check_published(world)


@given(st.integers(0, 79), st.data())
def test_a_checkpoint_that_nobody_knows_the_signer_of_is_refused(
    before: int, data: st.DataObject
) -> None:
    # given the right step of the log, signed with another key under the log's name
    size = data.draw(st.integers(before + 1, 80))
    other = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert refused(at(before), step(before, size, signer=other)) is NOTE_SIGNATURE


def test_the_checkpoint_of_another_log_is_refused() -> None:
    text = Checkpoint("westshire.example/log", 3, root_of(LEAVES[:3])).text()
    assert refused(Followed(), Published(SIGNER.sign(text), 0, ())) is NOTE_ORIGIN
    assert refused(Followed(), Published(b"no note", 0, ())) is NOTE_SHAPE


@given(st.integers(1, 80), st.data())
def test_a_rollback_is_refused(size: int, data: st.DataObject) -> None:
    # given a log that was followed to some size
    last = at(size)
    # when it shows that size again, or a smaller one, from wherever
    smaller = data.draw(st.integers(0, size))
    before = data.draw(st.sampled_from([smaller, size, 0]) | st.integers(0, 80))
    # then it is not followed, though the checkpoint is right and signed
    assert refused(last, step(before, smaller)) is PROOF_CONSISTENCY


@given(sizes.filter(lambda cuts: len(cuts) > 1), st.data())
def test_a_skipped_step_is_refused(cuts: list[int], data: st.DataObject) -> None:
    # given published steps, of which somebody has missed one or more
    steps = [step(before, size) for before, size in zip([0, *cuts], cuts, strict=False)]
    last = data.draw(st.integers(0, len(cuts) - 2))
    later = data.draw(st.integers(last + 1, len(cuts) - 1))
    stands = at(cuts[last - 1]) if last else Followed()
    # when a later one comes, then it is refused: nobody can be made to overlook a checkpoint
    assert refused(stands, steps[later]) is PROOF_CONSISTENCY
    # nor can one be followed twice
    assert refused(at(cuts[last]), steps[last]) is PROOF_CONSISTENCY


@given(st.integers(10, 79), st.data())
def test_a_fork_is_refused(size: int, data: st.DataObject) -> None:
    # given somebody who has followed the log beyond its tenth entry
    later = data.draw(st.integers(size + 1, 80))
    # when the log's own key vouches for another history of it, with the path of that history
    forked = step(size, later, FORKED)
    # then it is not followed, with this path or with the right one, nor with none
    assert refused(at(size), forked) is PROOF_CONSISTENCY
    right = step(size, later)
    for path in (right.path, ()):
        assert refused(at(size), replace(forked, path=path)) is PROOF_CONSISTENCY
    # but whoever has only seen the part that both have in common cannot tell
    assert follow(at(9), step(9, later, FORKED), ORIGIN, KEYS).size == later


@given(st.integers(1, 79), st.data())
def test_a_path_is_the_right_one_or_refused(size: int, data: st.DataObject) -> None:
    right = step(size, data.draw(st.integers(size + 1, 80)))
    place = data.draw(st.integers(0, len(right.path) - 1))
    changed = list(right.path)
    changed[place] = hash_leaf(changed[place])
    for path in (tuple(changed), right.path[:-1], (*right.path, bytes(32))):
        assert refused(at(size), replace(right, path=path)) is PROOF_CONSISTENCY


def test_the_first_step_proves_nothing_and_carries_no_path() -> None:
    first = step(0, 5)
    assert follow(Followed(), first, ORIGIN, KEYS).size == 5
    assert refused(Followed(), replace(first, path=(bytes(32),))) is PROOF_CONSISTENCY
    # a log that begins with another number is not at its beginning
    for before in (-1, 1):
        assert refused(Followed(), replace(first, before=before)) is PROOF_CONSISTENCY
    # an empty log is nothing to follow
    assert refused(Followed(), step(0, 0)) is PROOF_CONSISTENCY


@given(
    st.builds(
        Published,
        checkpoint=st.binary(max_size=50),
        before=st.integers(0, 2**63 - 1),
        path=st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
    )
)
def test_steps_are_read_as_they_were_written(one: Published) -> None:
    data = one.encode()
    assert Published.decode(data) == one
    for damaged in (data[:-1], data + b"\x00", b""):
        with pytest.raises(LogError) as error:
            Published.decode(damaged)
        assert error.value.code is SHAPE


@given(st.integers(0, 80))
def test_how_far_was_followed_is_read_as_it_was_written(size: int) -> None:
    last = Followed(size, root_of(LEAVES[:size]))
    assert Followed.decode(last.encode()) == last
    assert Followed.decode(b"") == Followed()
    for damaged in (last.encode()[:-1], last.encode() + b"\x00", bytes(8)):
        with pytest.raises(LogError) as error:
            Followed.decode(damaged)
        assert error.value.code is SHAPE
