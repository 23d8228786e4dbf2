"""Witnessing: what is cosigned, what never is, and how many are enough."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.cosignatures import WitnessKey, cosign, witness_name
from broker.access_log.errors import (
    NOTE_ORIGIN,
    NOTE_SIGNATURE,
    WITNESS_COSIGNATURE,
    WITNESS_FORK,
    WITNESS_REPLAY,
    WITNESS_ROLLBACK,
    WITNESS_SPLIT,
    LogError,
)
from broker.access_log.notes import Checkpoint, NoteSigner
from broker.access_log.tree import consistency_path, hash_leaf, root_of
from broker.access_log.witness import (
    LATE,
    Cosigned,
    Memory,
    Standing,
    most_witnessed,
    policy_text,
    quorum_of,
    read_cosigned,
)
from broker.clock import Instant
from broker.errors import Code
from broker.records.names import AgencyId
from tests.broker.access_log.county import ORIGIN, SIGNER
from tests.broker.access_log.world import KEYS

LEAVES = [hash_leaf(bytes((n,))) for n in range(60)]
FORKED = [*LEAVES[:9], *(hash_leaf(b"other" + leaf) for leaf in LEAVES[9:])]
POLICE, HOSPITAL, SCHOOL = (AgencyId(one) for one in ("police", "hospital", "school"))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()


def note(size: int, leaves: Sequence[bytes] = LEAVES, signer: NoteSigner = SIGNER) -> bytes:
    """Return the checkpoint of a log with these leaves."""
    return signer.sign(Checkpoint(ORIGIN, size, root_of(leaves[:size])).text())


def at(size: int, leaves: Sequence[bytes] = LEAVES) -> Memory:
    return Memory(size, root_of(leaves[:size]))


def path(old: int, size: int, leaves: Sequence[bytes] = LEAVES) -> tuple[bytes, ...]:
    return consistency_path(old, leaves[:size])


def refused(memory: Memory, checkpoint: bytes, proof: Sequence[bytes] = ()) -> Code:
    with pytest.raises(LogError) as caught:
        memory.advance(checkpoint, proof, ORIGIN, KEYS)
    return caught.value.code


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True).map(sorted))
def test_a_log_that_grows_is_cosigned_step_by_step(sizes: list[int]) -> None:
    memory = Memory()
    for size in sizes:
        memory = memory.advance(note(size), path(memory.size, size), ORIGIN, KEYS)
        assert memory == at(size)


@given(st.integers(1, 59), st.data())
def test_a_log_that_shrinks_is_a_rollback(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(size + 1, 60))
    assert refused(at(old), note(size), path(size, old)) is WITNESS_ROLLBACK


@given(st.integers(10, 60))
def test_two_roots_of_one_size_are_a_split_view(size: int) -> None:
    assert refused(at(size), note(size, FORKED)) is WITNESS_SPLIT


@given(st.integers(0, 60))
def test_the_same_checkpoint_again_is_a_replay(size: int) -> None:
    assert refused(at(size), note(size)) is WITNESS_REPLAY


@given(st.integers(10, 59), st.data())
def test_a_log_that_was_rewritten_does_not_continue(old: int, data: st.DataObject) -> None:
    # given a log whose last entries were rewritten and signed again with its own key
    size = data.draw(st.integers(old + 1, 60))
    forked = note(size, FORKED)
    # then neither its own path nor the honest one leads there
    for proof in (path(old, size, FORKED), path(old, size), ()):
        assert refused(at(old), forked, proof) is WITNESS_FORK


@given(st.integers(1, 59), st.data())
def test_a_path_with_anything_changed_leads_nowhere(old: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(old + 1, 60))
    proof = list(path(old, size))
    number = data.draw(st.integers(0, len(proof) - 1))
    byte = data.draw(st.integers(0, 31))
    changed = bytearray(proof[number])
    changed[byte] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(at(old), note(size), [*proof[:number], bytes(changed)]) is WITNESS_FORK
    assert refused(at(old), note(size), proof[:-1]) is WITNESS_FORK
    assert refused(at(old), note(size), [*proof, proof[0]]) is WITNESS_FORK


def test_only_the_logs_own_word_is_cosigned() -> None:
    stranger = NoteSigner(ORIGIN, PRIVATE)
    assert refused(Memory(), note(5, signer=stranger)) is NOTE_SIGNATURE
    other = SIGNER.sign(Checkpoint("other.example/log", 5, root_of(LEAVES[:5])).text())
    assert refused(Memory(), other) is NOTE_ORIGIN


def cosigned_by(agency: AgencyId, size: int) -> bytes:
    return cosign(note(size), WitnessKey(witness_name(ORIGIN, agency), PUBLIC), PRIVATE, 7)


def test_a_cosignature_is_read_with_the_checkpoint_that_it_is_under() -> None:
    value = cosigned_by(POLICE, 12)
    found = read_cosigned(value, POLICE, ORIGIN, KEYS, [PUBLIC])
    assert found == Cosigned(POLICE, 12, root_of(LEAVES[:12]), 7, value)


@pytest.mark.parametrize(
    ("agency", "publics"), [(HOSPITAL, [PUBLIC]), (POLICE, []), (POLICE, [SIGNER.key.public])]
)
def test_nobody_cosigns_for_another(agency: AgencyId, publics: list[bytes]) -> None:
    with pytest.raises(LogError) as caught:
        read_cosigned(cosigned_by(POLICE, 12), agency, ORIGIN, KEYS, publics)
    assert caught.value.code is WITNESS_COSIGNATURE


def standing(sizes: dict[str, int], waiting: Instant | None = None) -> Standing:
    """Return how it stands where each agency has cosigned so far; those with 0 have not."""
    cosigned = {
        AgencyId(name): Cosigned(AgencyId(name), size, bytes(32), 0, b"")
        for name, size in sizes.items()
        if size
    }
    return Standing(tuple(AgencyId(name) for name in sizes), cosigned, waiting=waiting)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_more_than_half_of_the_agencies_are_enough(sizes: list[int]) -> None:
    # given agencies that have cosigned so far, when an entry is looked at
    found = standing({f"a{n}": size for n, size in enumerate(sizes)})
    for index in range(10):
        enough = 2 * sum(size > index for size in sizes) > len(sizes)
        # then it is witnessed if more than half of all agencies have cosigned it
        assert found.has_quorum(index) is enough
        assert (found.witnessed > index) is enough


def test_two_quorums_share_an_agency() -> None:
    for agencies in range(1, 200):
        assert 2 * quorum_of(agencies) > agencies >= quorum_of(agencies)


def test_ten_minutes_without_a_quorum_are_too_long() -> None:
    waits = standing({"a": 1}, Instant(1_000))
    assert not waits.late(Instant(1_000 + LATE - 1))
    assert waits.late(Instant(1_000 + LATE))
    assert not standing({"a": 1}).late(Instant(10 * LATE))


def test_evidence_stands_under_the_checkpoint_that_most_have_cosigned() -> None:
    found = standing({"a": 4, "b": 9, "c": 9, "d": 12, "e": 0})
    assert [one.agency for one in most_witnessed(found, 3)] == ["b", "c"]
    assert [one.agency for one in most_witnessed(found, 9)] == ["d"]
    assert most_witnessed(found, 12) == ()
    assert [one.size for one in most_witnessed(standing({"a": 4, "b": 9}), 0)] == [9]


def test_the_policy_for_other_tools_gives_each_agency_one_vote() -> None:
    # given three agencies, one of which has two keys
    keys = {
        agency: [WitnessKey(witness_name(ORIGIN, agency), bytes((n, *bytes(31)))) for n in numbers]
        for agency, numbers in ((POLICE, (1,)), (HOSPITAL, (2, 3)), (SCHOOL, (4,)))
    }
    lines = policy_text(SIGNER.key, keys).splitlines()
    # then the log and each key are there, two keys are one vote, and two agencies are enough
    assert lines[0] == f"log {SIGNER.key}"
    assert lines[1] == f"witness police {keys[POLICE][0]}"
    assert lines[2:5] == [
        f"witness hospital-1 {keys[HOSPITAL][0]}",
        f"witness hospital-2 {keys[HOSPITAL][1]}",
        "group hospital any hospital-1 hospital-2",
    ]
    assert lines[-2:] == ["group agencies 2 police hospital school", "quorum agencies"]


def test_a_policy_without_enough_keys_names_no_quorum() -> None:
    text = policy_text(SIGNER.key, {POLICE: [], HOSPITAL: [], SCHOOL: []})
    assert "quorum agencies" not in text
