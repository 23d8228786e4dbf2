"""The fold of the protocol topic: its rules about keys, tried and broken."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.errors import ConcordatError
from broker.protocol.bodies import (
    LOG,
    ROUTER,
    KeyBody,
)
from broker.protocol.errors import EntryRefused
from broker.records.batches import key_id_of
from broker.records.keys import Change, Use
from tests.broker.protocol.county import (
    COUNCIL,
    POLICE,
    Topic,
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


# ------------------------------------------------------------------------------ rule 5: keys


def test_an_officer_registers_a_key_that_signs_too(topic: Topic) -> None:
    key, officer = Ed25519PrivateKey.generate(), topic.people.officers[POLICE]
    body = key_body(POLICE, key)
    assert "does not sign" in refused(topic, body.plain(), [officer]).where
    assert "not by" in refused(topic, body.plain(), [key]).where
    accepted = topic.write(body.plain(), [officer, key])
    found = topic.state.keys.signing_key(
        POLICE, body.key_id, position=accepted.position + 1, arrived=topic.at, issued=topic.at
    )
    assert found.public_bytes_raw() == raw(key)


def test_a_signing_key_registers_one_for_witnessing_that_signs_too(topic: Topic) -> None:
    # given a registered signing key
    key, witness = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    topic.write(key_body(POLICE, key).plain(), [topic.people.officers[POLICE], key])
    # when it registers a key for witnessing, then that one signs too, and nothing else ever
    body = replace(key_body(POLICE, witness), use=Use.WITNESS)
    assert "does not sign" in refused(topic, body.plain(), [key]).where
    topic.write(body.plain(), [key, witness])
    assert topic.state.keys.witness_keys(POLICE, topic.at) == (raw(witness),)
    other = Ed25519PrivateKey.generate()
    error = refused(topic, key_body(POLICE, other).plain(), [witness, other])
    assert error.code.name == "protocol.entry.signer"


def test_nobody_registers_another_agency_s_key(topic: Topic) -> None:
    key = Ed25519PrivateKey.generate()
    error = refused(topic, key_body(POLICE, key).plain(), [topic.people.officers[COUNCIL], key])
    assert error.code.name == "protocol.entry.signer"


def test_a_key_id_is_that_of_its_key(topic: Topic) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    body = replace(key_body(POLICE, key), key_id=key_id_of(raw(other)))
    error = refused(topic, body.plain(), [topic.people.officers[POLICE], key])
    assert error.code.name == "protocol.entry.order"


def test_a_key_is_not_registered_twice(topic: Topic) -> None:
    key = Ed25519PrivateKey.generate()
    topic.write(key_body(POLICE, key).plain(), [topic.people.officers[POLICE], key])
    for agency in (POLICE, COUNCIL):
        error = refused(topic, key_body(agency, key).plain(), [topic.people.officers[agency], key])
        assert "key.twice" in error.where


def test_a_valid_signing_key_rotates_keys_but_cannot_revoke(topic: Topic) -> None:
    # given a registered signing key
    old, new, officer = (
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        topic.people.officers[POLICE],
    )
    topic.write(key_body(POLICE, old).plain(), [officer, old])

    # then it adds its successor and a sealing key, and retires itself
    topic.write(key_body(POLICE, new).plain(), [old, new])
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    seal = KeyBody(POLICE, Change.ADD, Use.SEAL, key_id_of(public), public)
    topic.write(seal.plain(), [new])
    assert topic.state.keys.sealing_key(POLICE).public_bytes_raw() == public
    topic.write(key_body(POLICE, old, Change.RETIRE).plain(), [new])

    # but to revoke takes an officer, after whom the key counts for nothing
    for change in (Change.REVOKE, Change.COMPROMISED):
        body = key_body(POLICE, new, change)
        assert refused(topic, body.plain(), [old]).code.name == "protocol.entry.signer"
    topic.write(key_body(POLICE, new, Change.REVOKE).plain(), [officer])
    later = Ed25519PrivateKey.generate()
    error = refused(topic, key_body(POLICE, later).plain(), [new, later])
    assert error.code.name == "protocol.entry.signer"


def test_router_keys_are_named_by_the_operator_alone(topic: Topic) -> None:
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    body = KeyBody(ROUTER, Change.ADD, Use.SEAL, key_id_of(public), public).plain()
    assert refused(topic, body, topic.people.quorum()).code.name == "protocol.entry.signer"
    topic.write(body, [topic.people.operator])
    assert topic.state.keys.sealing_key(ROUTER).public_bytes_raw() == public


def test_log_keys_are_named_by_the_quorum(topic: Topic) -> None:
    key = Ed25519PrivateKey.generate()
    body = key_body(LOG, key).plain()
    assert refused(topic, body, [topic.people.operator]).code.name == "protocol.entry.signer"
    two = topic.people.quorum()[:2]
    assert refused(topic, body, two).code.name == "protocol.entry.quorum"
    topic.write(body, topic.people.quorum())
