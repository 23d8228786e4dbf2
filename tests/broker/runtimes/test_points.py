"""What decides: the module alone, or a server that an address is given of."""

import sys
import threading

import pytest

from broker.backends.opa_module import ModulePoint
from broker.backends.opa_server.fallback import FloorFallback
from broker.clock import Instant
from broker.errors import ConcordatError
from broker.protocol.errors import AnswerRefused
from broker.runtimes.core import CoreParts, core_maker
from broker.runtimes.points import Modules, Points
from broker.runtimes.policy import POINTS_KEPT, run_ready
from tests.broker.protocol.county import county, during, question
from tests.support.kafka import free_port


def test_without_an_address_the_module_decides_and_is_always_there() -> None:
    points = Points("")
    point = points.make(county())
    assert isinstance(point, ModulePoint)
    assert points.answering()


def test_with_an_address_of_nobody_the_floor_is_decided() -> None:
    # given an address where nobody listens
    points = Points(f"http://127.0.0.1:{free_port()}")

    # when nothing was asked yet, then one look is worth it
    assert points.answering()

    # when it is asked, then the floor is decided, and there is nothing to look for
    point = points.make(county())
    assert isinstance(point, FloorFallback)
    (decision,) = run_ready(point.decide([question()], during())).decisions
    assert decision.unanswered
    assert not points.answering()


@pytest.mark.parametrize("address", ["opa", "http://127.0.0.1:8181/v1"])
def test_a_bad_address_stops_the_router_before_it_starts(address: str) -> None:
    parts = CoreParts(b"", (), b"", b"", b"", b"", 0, opa_server=address)
    with pytest.raises(AnswerRefused, match=r"\[protocol\.server\.address\]"):
        core_maker(parts)


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an installation without the extra
    monkeypatch.setitem(sys.modules, "opa_client", None)
    monkeypatch.setitem(sys.modules, "opa_client.opa", None)
    monkeypatch.delitem(sys.modules, "broker.backends.opa_server.point", raising=False)
    with pytest.raises(ConcordatError, match=r"\[opa\].*\[installation\.opa-client\]"):
        Points("http://127.0.0.1:8181")

    # then without an address nothing is missing
    point = Points("").make(county())
    (decision,) = run_ready(point.decide([question()], Instant(during()))).decisions
    assert decision.slots


def test_modules_are_closed_behind_those_that_a_policy_keeps() -> None:
    # given the modules of one policy, when it has asked for more than it keeps
    def clocks() -> int:
        return sum(one.name == "opapywasm-epoch-ticker" for one in threading.enumerate())

    before = clocks()
    with Modules() as modules:
        made = [modules.make(county()) for _ in range(POINTS_KEPT + 2)]
        for one in made[-POINTS_KEPT:]:
            assert one.decide_now([], during()).decisions == ()
        # then the clocks of those that it does not keep stand still
        assert clocks() - before <= POINTS_KEPT
    assert clocks() == before
