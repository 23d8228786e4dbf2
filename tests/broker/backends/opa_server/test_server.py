"""A real OPA server that changes its revision, dies, comes back, or has none."""

import time
from collections.abc import Iterator

import pytest

from broker.backends.opa_server.point import Limits, ServerPoint
from broker.protocol.decision_point import Answers
from broker.protocol.errors import AnswerRefused
from broker.protocol.revision import Revision
from broker.runtimes.points import module_point
from broker.runtimes.policy import run_ready
from tests.broker.protocol.county import county, during, question
from tests.support import opa

WITHIN_S = 2.0


class InForce:
    """Which revision is in force; can be changed."""

    def __init__(self) -> None:
        self.revision = county()

    def __call__(self) -> Revision:
        return self.revision


@pytest.fixture
def current() -> InForce:
    return InForce()


@pytest.fixture
def running(current: InForce) -> Iterator[opa.Server]:
    """A server with the bundle of the revision in force."""
    with opa.bundle_service(current) as url, opa.own_server(url) as server:
        server.wait_for_bundle()
        yield server


def ask(point: ServerPoint) -> Answers:
    return run_ready(point.decide([question()], during()))


def answers_by(point: ServerPoint) -> bool:
    try:
        return bool(ask(point).decisions)
    except AnswerRefused:
        return False


def test_a_new_revision_is_answered_by_within_two_seconds(
    current: InForce, running: opa.Server, other: Revision
) -> None:
    old, new = (ServerPoint(running.address, one.digest) for one in (county(), other))
    assert ask(old).revision == county().digest

    # given that it has not been published yet, then nobody decides by it
    with pytest.raises(AnswerRefused, match=r"another revision.*\[protocol\.answer\]"):
        ask(new)

    # when it is, then the server has it without being restarted
    current.revision = other
    published = time.monotonic()
    while not answers_by(new):
        assert time.monotonic() - published < WITHIN_S
        time.sleep(0.02)
    with module_point(other) as module:
        assert ask(new) == module.decide_now([question()], during())

    # and what it says is not used for the old one any more
    with pytest.raises(AnswerRefused, match="another revision"):
        ask(old)


def test_killed_it_is_missed_at_once_and_back_it_answers(running: opa.Server) -> None:
    point = ServerPoint(running.address, county().digest)
    before = ask(point)

    # when it is killed
    running.kill()
    began = time.monotonic()
    with pytest.raises(AnswerRefused, match=r"\[protocol\.server\]"):
        ask(point)
    assert time.monotonic() - began < 1

    # and when it is back, then it answers the same on a connection of its own
    running.start()
    running.wait_for_bundle()
    assert ask(point) == before


def test_a_server_without_policy_decides_nothing() -> None:
    # given a server that finds nobody to give it a bundle
    with opa.own_server("http://127.0.0.1:9/bundle.tar.gz") as server:
        point = ServerPoint(server.address, county().digest, Limits(seconds=10))
        with pytest.raises(AnswerRefused, match=r"undefined.*\[protocol\.answer\]"):
            ask(point)


def test_a_server_that_is_named_is_given_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a server of somebody's own, without bundles
    with opa.own_server() as server:
        monkeypatch.setenv(opa.NAMED, server.address)
        with opa.loaded(county()) as address:
            assert address == server.address
            assert ask(ServerPoint(address, county().digest)).revision == county().digest
