"""The fold of the protocol topic: each rule of `broker.protocol.fold`, tried and broken."""

from dataclasses import replace
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.clock import DAY, FOREVER, HOUR, Instant
from broker.errors import ConcordatError
from broker.protocol.bodies import (
    LiftBody,
    NarrowingBody,
    RevisionBody,
    RootBody,
    RosterBody,
)
from broker.protocol.entries import FIRST_HEAD, head_after, sign_entry
from broker.protocol.errors import EntryRefused, NoRevision
from broker.protocol.fold import UNCONFIRMED, ProtocolState, Revisions
from broker.protocol.narrowing import Direction
from broker.protocol.published import PublishedProtocol
from broker.protocol.revision import Engine, Revision, compose
from broker.protocol.root import Officer, make_root
from broker.records.names import Partnership
from broker.runtimes.founding import schema_files
from tests.broker.protocol.county import (
    COUNCIL,
    HOSPITALS,
    POLICE,
    SCHOOL,
    Signatories,
    Topic,
    county,
    during,
    key_body,
    raw,
)


@pytest.fixture
def topic() -> Topic:
    """A topic with the first root on it."""
    return Topic()


def refused(topic: Topic, body: dict[str, object], keys: list[Ed25519PrivateKey]) -> ConcordatError:
    with pytest.raises(EntryRefused) as caught:
        topic.write(body, keys)
    return caught.value


@cache
def variant(**changes: object) -> Revision:
    """Return Eastshire's revision with another agreement."""
    agreement = replace(county().agreement, **changes)  # type: ignore[arg-type]  # fields by name
    rego = {
        path: data
        for path, data in county().files.items()
        if path.startswith(("engine/", "special/"))
    }
    engine = Engine(county().module, county().files["capabilities.json"], rego)
    return compose(agreement, county().clauses, county().cases, schema_files(), engine)


def second(revision: Revision) -> RevisionBody:
    return RevisionBody(2, county().digest, revision.digest, revision.packed())


# ------------------------------------------------------------------------------ rules 1 and 2


def test_before_the_first_entry_there_is_nothing() -> None:
    state = ProtocolState(Partnership(bytes(32)))
    assert (state.position, state.head) == (0, FIRST_HEAD)
    with pytest.raises(EntryRefused, match=r"protocol\.root"):
        _ = state.root
    with pytest.raises(NoRevision):
        state.revision_at(during())


def test_the_first_root_is_the_one_that_the_reader_knows(topic: Topic) -> None:
    # given another partnership's P
    state = ProtocolState(Partnership(b"\x01" * 32))
    entry = topic.entry(RootBody(topic.root).plain(), topic.people.quorum())
    with pytest.raises(EntryRefused, match=r"protocol\."):
        state.apply(entry, topic.at)


def test_nothing_is_accepted_before_the_root(topic: Topic) -> None:
    state = ProtocolState(topic.partnership)
    entry = topic.entry(topic.first_revision().plain(), topic.people.quorum())
    with pytest.raises(EntryRefused, match=r"protocol\.root"):
        state.apply(entry, topic.at)


def test_a_refused_entry_keeps_its_place_and_changes_nothing(topic: Topic) -> None:
    # given a topic on which somebody has written rubbish, and then a good entry
    before = topic.state.head
    with pytest.raises(EntryRefused):
        topic.state.apply(b"rubbish", topic.at)
    accepted = topic.write(topic.first_revision().plain(), topic.people.quorum())

    # then the good one stands behind it, and the chain holds both
    assert accepted.position == 2
    assert topic.state.position == 3
    assert topic.state.head != head_after(before, b"rubbish")
    assert topic.state.revisions[0].digest == county().digest


def test_two_readers_fold_the_same_state(topic: Topic) -> None:
    entries = [
        topic.entry(RootBody(topic.root).plain(), topic.people.quorum()),
        topic.entry(topic.first_revision().plain(), topic.people.quorum()),
    ]
    one, other = ProtocolState(topic.partnership), ProtocolState(topic.partnership)
    for entry in entries:
        assert one.apply(entry, topic.at) == other.apply(entry, topic.at)
    assert (one.head, one.position) == (other.head, other.position)


# ------------------------------------------------------------------------------ rule 3: roots


def test_a_root_follows_a_root(topic: Topic) -> None:
    # given a new officer of the council
    new = Signatories({**topic.people.officers, COUNCIL: Ed25519PrivateKey.generate()})
    new.operator, new.log = topic.people.operator, topic.people.log
    root = RootBody(make_root(new.trust(version=2), new.quorum())).plain()

    # when only the new officers sign the entry, then the old ones are missing
    assert refused(topic, root, new.quorum()).code.name == "protocol.entry.quorum"

    # when both quorums sign, then the new root is in force, and the old officer is out
    topic.write(root, [*topic.people.quorum(), new.officers[COUNCIL]])
    assert topic.state.root.trust == new.trust(version=2)
    body = topic.first_revision().plain()
    assert refused(topic, body, topic.people.quorum()).code.name == "protocol.entry.signer"
    topic.write(body, new.quorum())


@pytest.mark.parametrize("version", [1, 3])
def test_a_root_has_the_next_version(topic: Topic, version: int) -> None:
    trust = topic.people.trust(version=version)
    root = RootBody(make_root(trust, topic.people.quorum())).plain()
    assert refused(topic, root, topic.people.quorum()).code.name == "protocol.entry.order"


def test_a_root_keeps_the_origin(topic: Topic) -> None:
    trust = replace(topic.people.trust(version=2), origin="westshire.example/log")
    root = RootBody(make_root(trust, topic.people.quorum())).plain()
    assert refused(topic, root, topic.people.quorum()).code.name == "protocol.entry.order"


# ------------------------------------------------------------------ rules 4 and 8: revisions


def test_a_revision_that_the_quorum_signed_is_in_force_from_its_day(topic: Topic) -> None:
    topic.write(topic.first_revision().plain(), topic.people.quorum())
    begins = county().agreement.in_force
    assert topic.state.revision_at(begins) == county()
    assert topic.state.revision(county().digest) == county()
    with pytest.raises(NoRevision, match=r"revision\.none"):
        topic.state.revision_at(Instant(begins - 1))
    with pytest.raises(NoRevision, match=r"revision\.unknown"):
        topic.state.revision(bytes(32))

    # and after its last day it is still what the floor goes by
    assert topic.state.revision_at(Instant(county().agreement.until + DAY)) == county()


@pytest.mark.parametrize("missing", [POLICE, COUNCIL, HOSPITALS])
def test_named_agencies_must_sign_a_revision(topic: Topic, missing: str) -> None:
    # given a revision that all agencies but one have signed
    keys = [key for agency, key in topic.people.officers.items() if agency != missing]
    error = refused(topic, topic.first_revision().plain(), keys)
    assert error.code.name == "protocol.entry.quorum"
    assert missing in error.where
    assert not topic.state.revisions


def test_an_agency_s_signing_key_is_no_officer(topic: Topic) -> None:
    # given the police force's signing key, duly registered
    key = Ed25519PrivateKey.generate()
    topic.write(key_body(POLICE, key).plain(), [topic.people.officers[POLICE], key])

    # then it cannot stand in for the chief constable
    keys = [key, topic.people.officers[COUNCIL], topic.people.officers[HOSPITALS]]
    error = refused(topic, topic.first_revision().plain(), keys)
    assert error.code.name == "protocol.entry.signer"


def test_a_revision_names_the_one_before(topic: Topic) -> None:
    # given a first revision, and a second one for next year
    topic.write(topic.first_revision().plain(), topic.people.quorum())
    next_year = variant(in_force=Instant(county().agreement.in_force + 300 * DAY))
    body = second(next_year)

    # when number or predecessor are wrong, then it is refused
    for wrong in (
        replace(body, number=3),
        replace(body, previous=b""),
        replace(body, previous=next_year.digest),
        topic.first_revision(),
    ):
        assert refused(topic, wrong.plain(), topic.people.quorum()).code.name == (
            "protocol.entry.order"
        )

    # when they are right, then each is in force in its time
    topic.write(body.plain(), topic.people.quorum())
    assert topic.state.revision_at(during()) == county()
    assert topic.state.revision_at(next_year.agreement.in_force) == next_year


def test_a_bundle_is_what_its_digest_says(topic: Topic) -> None:
    other = variant(name="Another name")
    for wrong in (
        replace(topic.first_revision(), digest=other.digest),
        replace(topic.first_revision(), bundle=other.packed()),
        replace(topic.first_revision(), bundle=b"nothing"),
    ):
        assert refused(topic, wrong.plain(), topic.people.quorum()).code.name == (
            "protocol.revision.bundle"
        )


@pytest.mark.parametrize("change", ["quorum", "origin"])
def test_a_revision_may_not_change_what_the_root_says(topic: Topic, change: str) -> None:
    agreement = county().agreement
    easier = replace(agreement.quorum, agencies=(POLICE,), at_least=1)
    other = (
        variant(quorum=easier) if change == "quorum" else variant(origin="westshire.example/log")
    )
    body = RevisionBody(1, b"", other.digest, other.packed())
    error = refused(topic, body.plain(), topic.people.quorum())
    assert error.code.name == "protocol.revision.bundle"


# ------------------------------------------------------------------------------ rule 6: narrowing


def test_an_agency_narrows_itself_at_once_and_lifts_it(topic: Topic) -> None:
    # given a narrowing of its own sending, signed by an officer
    officer = topic.people.officers[POLICE]
    accepted = topic.write(NarrowingBody(POLICE, Direction.SENDING).plain(), [officer])
    (narrowing,) = topic.state.narrowings
    assert (narrowing.id, narrowing.by) == (f"N{accepted.position}", POLICE)
    assert (narrowing.since, narrowing.until) == (topic.at, FOREVER)

    # then only its own agency lifts it, and only once
    lift = LiftBody(narrowing.id).plain()
    error = refused(topic, lift, [topic.people.officers[COUNCIL]])
    assert error.code.name == "protocol.entry.signer"
    topic.at = Instant(topic.at + HOUR)
    topic.write(lift, [officer])
    assert topic.state.narrowings[0].until == topic.at
    assert refused(topic, lift, [officer]).code.name == "protocol.entry.order"
    unknown = LiftBody("N99").plain()
    assert refused(topic, unknown, [officer]).code.name == "protocol.entry.order"


def test_a_signing_key_narrows_its_own_agency_only(topic: Topic) -> None:
    key = Ed25519PrivateKey.generate()
    topic.write(key_body(POLICE, key).plain(), [topic.people.officers[POLICE], key])
    topic.write(NarrowingBody(POLICE, Direction.RECEIVING).plain(), [key])
    other = NarrowingBody(COUNCIL, Direction.SENDING).plain()
    assert refused(topic, other, [key]).code.name == "protocol.entry.signer"


def test_somebody_else_s_narrowing_lapses_after_three_days(topic: Topic) -> None:
    # given the council's officer who narrows what the police send
    body = NarrowingBody(POLICE, Direction.SENDING).plain()
    topic.write(body, [topic.people.officers[COUNCIL]])
    assert topic.state.narrowings[0].until == topic.at + UNCONFIRMED
    assert topic.state.narrowings[0].by == COUNCIL

    # when a second agency signs with it, then it holds for as long as it says
    topic.write(body, [topic.people.officers[COUNCIL], topic.people.officers[SCHOOL]])
    assert topic.state.narrowings[1].until == FOREVER


def test_an_end_that_is_sooner_stands(topic: Topic) -> None:
    soon = Instant(topic.at + HOUR)
    body = NarrowingBody(POLICE, Direction.SENDING, until=soon).plain()
    topic.write(body, [topic.people.officers[COUNCIL]])
    assert topic.state.narrowings[0].until == soon


# ------------------------------------------------------------------------------ rule 7: rosters


def test_an_agency_states_its_own_desks(topic: Topic) -> None:
    # given a new number for the council's desks
    topic.write(topic.first_revision().plain(), topic.people.quorum())
    held = county().agreement.roster.agencies[COUNCIL].desks
    desks = tuple(replace(desk, telephone="01632 960299") for desk in held.values())
    body = RosterBody(COUNCIL, desks).plain()
    error = refused(topic, body, [topic.people.officers[POLICE]])
    assert error.code.name == "protocol.entry.signer"
    topic.write(body, [topic.people.officers[COUNCIL]])

    # then the roster has it, and the other agencies are as they were
    roster = topic.state.roster_at(during())
    assert {desk.telephone for desk in roster.agencies[COUNCIL].desks.values()} == {"01632 960299"}
    assert roster.agencies[POLICE] == county().agreement.roster.agencies[POLICE]


def test_desks_come_and_go_by_revision_only(topic: Topic) -> None:
    topic.write(topic.first_revision().plain(), topic.people.quorum())
    held = tuple(county().agreement.roster.agencies[COUNCIL].desks.values())
    topic.write(RosterBody(COUNCIL, held[1:]).plain(), [topic.people.officers[COUNCIL]])
    assert topic.state.roster_at(during()) == county().agreement.roster


# ------------------------------------------------------------------------------ the rest


def test_a_deputy_counts_for_the_agency() -> None:
    # given a root in which the police have a deputy
    people = Signatories()
    deputy = Ed25519PrivateKey.generate()
    held = people.trust()
    officer = Officer(POLICE, "Tobias Lindqvist", "Deputy Chief Constable", raw(deputy))
    trust = replace(held, officers=(*held.officers, officer))
    people.trust = lambda version=1: replace(trust, version=version)  # type: ignore[method-assign]  # a stand-in
    topic = Topic(people)

    # when the deputy signs in the chief's place, then the quorum is there
    keys = [deputy, people.officers[COUNCIL], people.officers[HOSPITALS]]
    topic.write(topic.first_revision().plain(), keys)

    # but both together are still one vote
    body = topic.first_revision().plain()
    both = [deputy, people.officers[POLICE], people.officers[COUNCIL]]
    assert refused(topic, body, both).code.name == "protocol.entry.quorum"


def test_a_signature_of_another_partnership_is_no_signature(topic: Topic) -> None:
    other = Partnership(b"\x01" * 32)
    entry = sign_entry(other, topic.first_revision().plain(), topic.people.quorum())
    with pytest.raises(EntryRefused, match=r"entry\.signature"):
        topic.state.apply(entry, topic.at)


def test_the_published_protocol_is_where_revisions_come_from(topic: Topic) -> None:
    published: Revisions = PublishedProtocol(topic.partnership)
    with pytest.raises(NoRevision):
        published.current(during())
