"""Building a core, and what re-derives its log, from plain bytes."""

import pickle
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.routing.core import Core
from broker.runtimes.core import CoreParts, core_maker, make_replay
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.rotation import RouterKey, fresh_key
from tests.broker.routing.rig import Rig
from tests.support.county import FOUNDED, MEMO_SIZE, NOON, POLICE, SCHOOL, County
from tests.support.statements import high_risk, involved


@pytest.fixture(scope="module")
def county() -> County:
    return County()


def parts(county: County) -> CoreParts:
    """Return a county's parts, as its broker's secrets give them."""
    said = county.secrets
    secrets = replace(
        BrokerSecrets.fresh(),
        facts=X25519PrivateKey.from_private_bytes(said.facts),
        state=said.state,
        seen=said.seen,
        tokens=said.tokens,
    )
    older = RouterKey(X25519PrivateKey.from_private_bytes(said.router), FOUNDED)
    return CoreParts.of(said.first_root, secrets, MEMO_SIZE, (fresh_key(NOON), older))


def test_a_core_opens_with_every_key_and_its_log_is_derived_again_without_any(
    county: County,
) -> None:
    # given a core that another process might have built, with a newer key than agencies know
    own = parts(county)

    def make() -> Core:
        made: Core = pickle.loads(pickle.dumps(core_maker(own)))()  # noqa: S301 - written above
        return made

    rig = Rig(county, make)
    rig.tell(SCHOOL, involved(county))
    entries = rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    assert "content" in {one.outcome for one in entries}

    # when its log is derived again without the router's keys, then nothing is wrong with it
    verifying = replace(own, router=())
    assert rig.verify(make_replay(verifying, county.entries)) == []


def test_a_log_that_other_secrets_decided_is_found_out(county: County) -> None:
    # given a log, when it is derived again with another secret of subject tokens
    own = parts(county)
    rig = Rig(county, core_maker(own))
    rig.tell(SCHOOL, involved(county))
    rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    other = replace(own, router=(), tokens=bytes(32))

    # then that is found
    assert rig.verify(make_replay(other, county.entries))
