"""The outbox's plan: once signed, never twice; what changed supersedes."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.outbox import Candidate, Known, Origin, Plan, fingerprint, origin_of, plan, topic_of
from broker.records.names import ZERO_ID, AgencyId, Kind, Partnership
from broker.records.signing import Prepared, Signer, prepare
from broker.records.statement import Contact, Indicator, Labels, Statement
from tests.adapters.reading_support import CONTACT, SHAPES, context, read, schemas

ID_KEY = bytes(32)
SIGNER = Signer(
    Partnership(bytes(32)),
    AgencyId("eastshire-police"),
    Ed25519PrivateKey.from_private_bytes(bytes(32)),
    ID_KEY,
    bytes,
)
BASE: Statement = (
    read(SHAPES["police-sui-json"][1], "police-sui-json", context()).drafts[0].statement
)


def saying(note: str, version: str | None = None) -> Prepared:
    content = {**BASE.content, "marker": note}
    return prepare(replace(BASE, content=content, source_version=version), schemas(), SIGNER)


def candidate(note: str, version: str | None = None) -> Candidate:
    return Candidate(saying(note, version), f"row {note}", urgent=note == "A")


def held_after(done: Plan, before: tuple[Known, ...] = ()) -> dict[Origin, tuple[Known, ...]]:
    versions = [
        Known(one.prepared.record_id, one.prepared.version, one.fingerprint) for one in done.to_sign
    ]
    return {origin_of(saying("A")): (*before, *versions)}


def test_first_time() -> None:
    # Given an item that the outbox does not know, when it is planned
    done = plan([candidate("A")], {}, ID_KEY)
    # Then it is signed and supersedes nothing.
    (one,) = done.to_sign
    assert (one.prepared.supersedes, one.urgent, one.item) == (ZERO_ID, True, "row A")
    assert one.prepared.record_id == saying("A").record_id
    assert (done.already, done.refused) == ((), ())


def test_the_same_again() -> None:
    # Given an item that is held, when it comes again, in a later file or twice in one
    held = held_after(plan([candidate("A")], {}, ID_KEY))
    later, twice = plan([candidate("A")], held, ID_KEY), plan([candidate("A")] * 2, {}, ID_KEY)
    # Then it is there already.
    assert (later.to_sign, len(later.already)) == ((), 1)
    assert (len(twice.to_sign), len(twice.already)) == (1, 1)
    assert twice.already[0].record_id == twice.to_sign[0].prepared.record_id


def test_an_amended_item_supersedes_the_last() -> None:
    # Given three contents of one item, when they are planned in turn, then each names the last.
    done = plan([candidate("A"), candidate("B"), candidate("C")], {}, ID_KEY)
    ids = [one.prepared.record_id for one in done.to_sign]
    assert [one.prepared.supersedes for one in done.to_sign] == [ZERO_ID, ids[0], ids[1]]


def test_what_comes_back_is_new() -> None:
    # Given A, then B, then A again, when planned, then the third has an id of its own.
    done = plan([candidate("A"), candidate("B"), candidate("A")], {}, ID_KEY)
    ids = [one.prepared.record_id for one in done.to_sign]
    assert len(set(ids)) == 3
    assert done.to_sign[2].prepared.supersedes == ids[1]
    assert done.to_sign[2].prepared.version == f"{done.to_sign[0].prepared.version}.2"


@given(st.lists(st.sampled_from("ABC"), max_size=8), st.integers(0, 8))
def test_a_file_that_was_interrupted_and_comes_again_is_signed_once(
    notes: list[str], cut: int
) -> None:
    # Given a file of which the first part was signed, when all of it comes again
    whole = plan([candidate(note) for note in notes], {}, ID_KEY)
    first = plan([candidate(note) for note in notes[:cut]], {}, ID_KEY)
    rest = plan([candidate(note) for note in notes], held_after(first), ID_KEY)
    # Then both together are what it would have been at once, and nothing is lost.
    signed = [one.prepared.record_id for one in (*first.to_sign, *rest.to_sign)]
    assert signed == [one.prepared.record_id for one in whole.to_sign]
    assert len(rest.to_sign) + len(rest.already) == len(notes)
    # And once more it is nothing new.
    known = held_after(whole)
    assert plan([candidate(note) for note in notes], known, ID_KEY).to_sign == ()


def test_a_file_that_grows_repeats_what_it_told() -> None:
    # Given a file that told A, then B, when it has grown by C, then C alone is new.
    held = held_after(plan([candidate("A"), candidate("B")], {}, ID_KEY))
    grown = plan([candidate(note) for note in "ABBC"], held, ID_KEY)
    assert [one.item for one in grown.to_sign] == ["row C"]
    first, second = (known.record_id for known in held[origin_of(saying("A"))])
    assert [one.record_id for one in grown.already] == [first, second, second]
    # And a file that begins elsewhere tells something new.
    assert len(plan([candidate("A"), candidate("C")], held, ID_KEY).to_sign) == 2


def test_a_source_answers_for_its_versions() -> None:
    # Given a source that versions, when a version comes again, with its content or another one
    held = held_after(plan([candidate("A", "1"), candidate("B", "2")], {}, ID_KEY))
    done = plan([candidate("A", "1"), candidate("C", "2"), candidate("C", "3")], held, ID_KEY)
    # Then the first is there already, the second refused, the third signed.
    assert len(done.already) == len(done.to_sign) == 1
    assert [one.code for one in done.refused] == ["outbox.version.conflict"]
    assert done.to_sign[0].prepared.version == "3"


@pytest.mark.parametrize(
    "labels",
    [
        {"age_band": "16-17"},
        {"indicators": tuple(replace(i, on=i.on + 1) for i in BASE.labels.indicators)},
    ],
)
def test_what_changes_by_itself_is_no_change(labels: dict[str, object]) -> None:
    # Given the same statement read on another day, when digests are compared, then they are equal.
    changed = replace(BASE, labels=replace(BASE.labels, **labels))  # type: ignore[arg-type]  # fields by name
    other = prepare(changed, schemas(), SIGNER)
    assert fingerprint(other) == fingerprint(prepare(BASE, schemas(), SIGNER))
    assert other.version != prepare(BASE, schemas(), SIGNER).version


def test_a_correction_is_no_other_content() -> None:
    # Given what went out as a correction, when an export repeats it as a record, then it is there.
    called = prepare(replace(BASE, kind=Kind.CORRECTION), schemas(), SIGNER)
    assert fingerprint(called) == fingerprint(prepare(BASE, schemas(), SIGNER))


def test_another_contact_is_no_change() -> None:
    # Given another telephone number at the desk, when digests are compared, then they are equal.
    other = replace(BASE, contact=Contact("sergeant", "missing", "01632 960199"))
    assert BASE.contact == CONTACT
    same = fingerprint(prepare(BASE, schemas(), SIGNER))
    assert fingerprint(prepare(other, schemas(), SIGNER)) == same


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, kind=Kind.RETRACTION),
        replace(BASE, identifiers=replace(BASE.identifiers, given="Ellie")),
        replace(BASE, labels=replace(BASE.labels, handling="C")),
        replace(BASE, labels=replace(BASE.labels, concerns=bytes(16))),
        replace(BASE, labels=replace(BASE.labels, indicators=(Indicator("missing", 1, "fact"),))),
        replace(BASE, labels=replace(BASE.labels, third_party_checked=True)),
    ],
)
def test_anything_else_is_a_change(changed: Statement) -> None:
    # Given another kind, person, handling or sign, when digests are compared, then they differ.
    before = fingerprint(prepare(BASE, schemas(), SIGNER))
    assert fingerprint(prepare(changed, schemas(), SIGNER)) != before


def test_every_label_counts_or_is_named_as_not_counting() -> None:
    # Given the labels, when their fields are listed, then a new one must be decided on here.
    assert set(Labels.__slots__) == {
        "type", "subject", "indicators", "age_band", "handling", "protections", "purpose", "roles",
        "facts", "addressed_to", "concerns", "answer", "summary_shareable", "third_party_checked",
    }  # fmt: skip


def test_topics() -> None:
    # Given an agency, when a topic is asked for, then what is urgent has lanes of its own.
    assert topic_of(AgencyId("x"), urgent=True) == "urgent.x"
    assert topic_of(AgencyId("x"), urgent=False) == "records.x"
