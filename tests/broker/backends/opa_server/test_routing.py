"""A router's core with a real server: it decides, is killed, comes back, and the log is whole."""

import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.routing.core import Core
from broker.routing.host import Needs
from broker.runtimes.core import CoreParts, core_maker, make_replay
from tests.broker.routing.rig import Rig, opened, outcomes, released
from tests.support import opa
from tests.support.county import MASH, POLICE, SCHOOL, County, revision
from tests.support.statements import high_risk, involved, later

EDT = "eastshire-council/edt"


@pytest.fixture(scope="module")
def server() -> Iterator[opa.Server]:
    with opa.bundle_service(revision) as url, opa.own_server(url) as running:
        running.wait_for_bundle()
        yield running


def parts(county: County, address: str = "") -> CoreParts:
    said = county.secrets
    facts = X25519PrivateKey.from_private_bytes(said.facts).public_key().public_bytes_raw()
    router = (said.router,)
    return CoreParts(
        said.first_root, router, facts, said.state, said.seen, said.tokens, 100, opa_server=address
    )


def test_a_core_decides_by_a_server_and_does_without_it_for_a_while(server: opa.Server) -> None:
    county = County()

    def make() -> Core:
        return core_maker(parts(county, server.address))()

    # given a core whose decisions a server makes
    rig = Rig(county, make)
    rig.tell(SCHOOL, involved(county, "on-roll"))
    absence = county.say("school-absence", facts=("absence:unauthorised",))
    assert outcomes(rig.tell(SCHOOL, absence))[MASH] == "content"

    # when it is killed, then the floor goes out, and the rest waits
    server.kill()
    episode = county.say("missing-episode", **high_risk())
    found = released(rig.tell(POLICE, episode))
    assert "last_seen" in opened(found[EDT])
    assert rig.held == 1
    assert rig.core.look_back() == Needs()

    # when it is back, then that is decided by the next look
    server.start()
    server.wait_for_bundle()
    time.sleep(1.1)
    freed = rig.sweep(later(300))
    assert {one.facts.at for one in freed} == {later(300)}
    assert not any(one.decision.unanswered for one in freed if one.decision is not None)
    assert rig.held == 0

    # and the module alone verifies all of it
    assert rig.verify(make_replay(parts(county), county.entries)) == []
