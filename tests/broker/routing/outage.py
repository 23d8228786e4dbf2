"""A server that can be away, and a core that asks it: what the tests of an outage share."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.backends.opa_module import ModulePoint
from broker.clock import Instant
from broker.protocol.decision_point import Answers, DecisionPoint
from broker.protocol.errors import SERVER, AnswerRefused
from broker.protocol.questions import Question
from broker.records.statement import Statement
from broker.routing.core import Core
from broker.runtimes import points
from broker.runtimes.core import CoreParts, core_maker
from tests.broker.routing.rig import Rig
from tests.support.county import COUNCIL, HOSPITALS, SCHOOL, SURGERY, County, revision, shared_point
from tests.support.statements import high_risk, involved, later

EDT = f"{COUNCIL}/edt"


@dataclass
class Server:
    """A decision point that is away when it is told to be; else it answers as the module does.

    Attributes:
        away: does not answer.
        asked: how often it was asked.
    """

    away: bool = False
    asked: int = 0
    revision: bytes = field(default_factory=lambda: revision().digest)

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        self.asked += 1
        if self.away:
            raise AnswerRefused(SERVER)
        return await shared_point(revision()).decide(questions, at)


def install(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return what a core with an address of a server asks from now on; it forgets outages."""
    made = Server()

    def point(_: str) -> points.MakeServer:
        def make(_: bytes) -> DecisionPoint:
            return made

        return make

    def module(_: object) -> ModulePoint:
        return shared_point(revision())

    monkeypatch.setattr(points, "server_point", point)
    monkeypatch.setattr(points, "module_point", module)
    monkeypatch.setattr("broker.backends.opa_server.fallback.AWAY_S", 0.0)
    monkeypatch.setattr("broker.backends.opa_server.fallback.SHARE", 0.0)
    return made


def core(county: County, opa_server: str = "http://127.0.0.1:8181", memo_size: int = 0) -> Core:
    """Return a core as the router builds it, without a memory unless it is given one."""
    said = county.secrets
    parts = CoreParts(
        said.first_root,
        (said.router,),
        X25519PrivateKey.from_private_bytes(said.facts).public_key().public_bytes_raw(),
        said.state,
        said.seen,
        said.tokens,
        memo_size,
        opa_server=opa_server,
    )
    return core_maker(parts)()


def acquainted(county: County, memo_size: int = 0) -> Rig:
    made = Rig(county, lambda: core(county, memo_size=memo_size))
    made.tell(SCHOOL, involved(county, "on-roll"))
    made.tell(SURGERY, involved(county, "registered"))
    made.tell(HOSPITALS, involved(county, "open-case"))
    made.tell(COUNCIL, involved(county, "allocated"))
    assert made.sweep(later(60)) == []
    return made


def absence(rig: Rig) -> Statement:
    """Return an absence of which the MASH hears, by no clause of the floor."""
    return rig.county.say("school-absence", facts=("absence:unauthorised",))


def missing(rig: Rig) -> Statement:
    """Return an episode of which all who work with her hear by the floor, with few slots."""
    return rig.county.say("missing-episode", **high_risk())
