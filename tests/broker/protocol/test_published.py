"""The protocol as one process knows it."""

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.lanes import Message, Received
from broker.protocol.bodies import LiftBody, NarrowingBody, RootBody, RosterBody
from broker.protocol.errors import NoRevision
from broker.protocol.narrowing import Direction
from broker.protocol.published import PublishedProtocol, read_all
from tests.broker.protocol.county import COUNCIL, POLICE, Topic, county, during


class Written:
    """A topic whose entries are kept as messages."""

    def __init__(self) -> None:
        self.topic = Topic()
        self.entries: list[Received] = []
        self.add(RootBody(self.topic.root).plain(), self.topic.people.quorum())

    def add(self, body: Mapping[str, Any], keys: list[Ed25519PrivateKey]) -> None:
        self.put(self.topic.entry(body, keys))

    def put(self, value: bytes) -> None:
        offset = len(self.entries)
        message = Message("protocol", bytes(8), value)
        self.entries.append(Received(message, 0, offset, self.topic.at))

    def read(self) -> PublishedProtocol:
        return read_all(self.topic.partnership, self.entries)


@pytest.fixture
def written() -> Written:
    """A topic with root, revision, a refused entry, a narrowing, its lift and a roster."""
    made = Written()
    people = made.topic.people
    made.add(made.topic.first_revision().plain(), people.quorum())
    made.put(b"rubbish")
    made.add(NarrowingBody(POLICE, Direction.SENDING).plain(), [people.officers[POLICE]])
    made.add(LiftBody("N3").plain(), [people.officers[POLICE]])
    desks = tuple(county().agreement.roster.agencies[COUNCIL].desks.values())
    made.add(RosterBody(COUNCIL, desks).plain(), [people.officers[COUNCIL]])
    return made


def test_what_was_read(written: Written) -> None:
    protocol = written.read()
    assert protocol.position == 6
    assert protocol.partnership == written.topic.partnership
    assert protocol.current(during()) == county()
    assert protocol.revision(county().digest) == county()
    assert protocol.agreement(during()).roster == county().agreement.roster
    assert protocol.agreement(during()) is protocol.agreement(during())
    assert protocol.trust == written.topic.people.trust()
    assert POLICE in protocol.agencies()
    assert [one.id for one in protocol.narrowings] == ["N3"]
    assert protocol.schemas.named("concern", "1.0").type == "concern"


def test_refused_entries_are_remembered_with_their_code(written: Written) -> None:
    (refused,) = written.read().refused
    assert (refused.offset, refused.code.name) == (2, "protocol.entry.shape")


def test_heads_by_position(written: Written) -> None:
    protocol = written.read()
    assert protocol.head_at(6) == protocol.head
    assert protocol.head_at(0) == bytes(32)
    assert protocol.head_at(7) is None
    assert protocol.head_at(-1) is None


def test_whom_an_entry_speaks_for(written: Written) -> None:
    protocol = written.read()
    assert [protocol.author(offset) for offset in range(6)] == ["", "", "", POLICE, "", COUNCIL]


def test_what_may_end_holding(written: Written) -> None:
    protocol = written.read()
    assert [protocol.reopens(offset) for offset in range(6)] == [
        False, True, False, False, True, False
    ]  # fmt: skip


def test_before_a_revision_there_is_no_agreement() -> None:
    protocol = Written().read()
    assert protocol.agreement_at(during()) is None
    with pytest.raises(NoRevision):
        protocol.agreement(during())
    assert protocol.agencies() == ()
