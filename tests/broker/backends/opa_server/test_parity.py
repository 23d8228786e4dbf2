"""An OPA server and the module answer alike: every field, every question, at every instant."""

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from broker.backends.opa_module import ModulePoint
from broker.backends.opa_server.point import Limits, ServerPoint
from broker.clock import DAY, FOREVER, Instant
from broker.protocol.attributes import BY_NAME, Shape
from broker.protocol.cases import check_case
from broker.protocol.decisions import Outcome
from broker.protocol.questions import Question
from broker.runtimes.points import module_point
from tests.broker.protocol.county import ASKABLE, SCHEMAS, TYPES, county, during, question

QUESTIONS = 600
SEED = 52


@pytest.fixture(scope="module")
def module() -> Iterator[ModulePoint]:
    """The reference."""
    with module_point(county()) as made:
        yield made


def instants() -> list[Instant]:
    """Return instants beside every boundary of the protocol, and outside all of them."""
    agreement = county().agreement
    bounds = {agreement.in_force, agreement.until}
    for clause in county().clauses:
        bounds |= {clause.first, clause.until}
    beside = {Instant(bound + step) for bound in bounds - {0, FOREVER} for step in (-1, 0, 1)}
    return sorted({Instant(0), during(), Instant(agreement.until + 400 * DAY), *beside})


CLOSING = frozenset({"labels.protections", "consumer.order", "consumer.staff", "alerts"})
"""Attributes that close nearly everything: changed seldom, so that all outcomes come about."""


OFTEN = ("risk-flags",) * 20
"""The type of which some are told whom to ask and no more: asked about often, for that is rare."""


def anything(chance: random.Random) -> Question:
    """Return a question with some answers changed, forgotten or beyond what is listed."""
    changes: dict[str, Any] = {"schema": None}
    for name in ASKABLE:
        attribute = BY_NAME[name]
        seldom = 0.9 if name in CLOSING else 0.5
        if chance.random() < seldom or attribute.name in {"kind", "link", "answer"}:
            continue
        codes = [*attribute.codes, "unheard-of"]
        if chance.random() < 0.1:
            changes[name] = None
        elif attribute.shape is Shape.FLAG:
            changes[name] = chance.random() < 0.5
        elif attribute.shape is Shape.CODES:
            changes[name] = chance.sample(codes, min(len(codes), chance.randrange(4)))
        elif attribute.codes:
            changes[name] = chance.choice(codes)
    agencies = [*county().agreement.roster.agencies.values()]
    source, consumer = chance.choice(agencies), chance.choice(agencies)
    changes |= {
        "source.agency": source.id,
        "source.type": source.type,
        "consumer.agency": consumer.id,
        "consumer.type": consumer.type,
        "labels.type": chance.choice([*sorted(TYPES), *OFTEN, "rumour"]),
        "kind": chance.choice(["record", "correction", "retraction", "history", None]),
        "link": chance.choice(["linked", "linked", "conflicting", "not-linked", None]),
        "answer": chance.choice(["none", "none", "share", "refuse"]),
    }
    known = SCHEMAS.named(chance.choice(sorted(TYPES)), "1.0")
    if chance.random() < 0.1:
        changes["schema"] = chance.choice([known.digest.hex(), "00" * 32])
    return question(changes)


async def test_every_decision_case_comes_out_alike(
    server: ServerPoint, module: ModulePoint
) -> None:
    # given the cases that were signed with the protocol, by the instant they are about
    cases = defaultdict(list)
    for case in county().cases:
        cases[case.at].append(case)

    # when both are asked, then they say the same, and what the case says
    for at, some in cases.items():
        asked = [case.question for case in some]
        answers = await server.decide(asked, at)
        assert answers == await module.decide(asked, at)
        for case, decision in zip(some, answers.decisions, strict=True):
            clause = county().clause(case.clause)
            assert clause is not None
            assert not check_case(case, clause, decision)


async def test_questions_that_nobody_thought_of_come_out_alike(
    server: ServerPoint, module: ModulePoint
) -> None:
    chance = random.Random(SEED)
    asked = [anything(chance) for _ in range(QUESTIONS)]

    # when they are asked at every instant at which something may change, and beyond
    seen = set()
    for number, at in enumerate(instants()):
        some = asked[number % 3 :: 3]
        answers = await server.decide(some, at)
        assert answers == await module.decide(some, at)
        seen |= {one.outcome for one in answers.decisions}

    # then all of them together have had every outcome
    assert seen == set(Outcome)


async def test_they_explain_alike(server: ServerPoint, module: ModulePoint) -> None:
    chance = random.Random(SEED + 1)
    for at in instants():
        for one in (question(), *(anything(chance) for _ in range(5))):
            assert await server.explain(one, at) == await module.explain(one, at)


async def test_more_questions_than_one_call_takes(address: str, module: ModulePoint) -> None:
    chance = random.Random(SEED + 2)
    asked = [anything(chance) for _ in range(25)]
    server = ServerPoint(address, county().digest, Limits(questions=10))
    assert await server.decide(asked, during()) == await module.decide(asked, during())
    assert (await server.decide([], during())).decisions == ()
    server.close()


def test_the_instants_are_in_order_and_reach_beyond_the_protocol() -> None:
    found = instants()
    assert all(before < after for before, after in pairwise(found))
    assert found[0] < county().agreement.in_force
    assert found[-1] > county().agreement.until
