"""While the server is away, the floor goes out and everything else waits; nothing is guessed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from broker.backends.opa_module import ModulePoint
from broker.backends.opa_server.fallback import FloorFallback
from broker.clock import Instant
from broker.protocol.decision_codec import decode_decision, encode_decision
from broker.protocol.decision_point import Answers, DecisionPoint, Memo
from broker.protocol.decisions import Decision, Outcome, settle, without_answer
from broker.protocol.errors import ENGINE, SERVER, AnswerRefused
from broker.protocol.narrowing import narrow
from broker.protocol.questions import Question
from broker.runtimes.points import module_point
from tests.broker.protocol.county import COUNCIL, county, during, question


class Server:
    """A decision point that can be away; answers as another one does."""

    def __init__(self, point: DecisionPoint) -> None:
        self.point = point
        self.away = False
        self.takes = 0.0
        self.asked = 0
        self.clock = 100.0

    @property
    def revision(self) -> bytes:
        return self.point.revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        self.asked += 1
        self.clock += self.takes
        if self.away:
            raise AnswerRefused(SERVER)
        return await self.point.decide(questions, at)

    def monotonic(self) -> float:
        return self.clock


@pytest.fixture(scope="module")
def module() -> Iterator[ModulePoint]:
    with module_point(county()) as made:
        yield made


@pytest.fixture
def server(module: ModulePoint) -> Server:
    return Server(module)


@pytest.fixture
def fallback(server: Server, module: ModulePoint) -> FloorFallback:
    return FloorFallback(server, module, server.monotonic)


FLOOR = question({"labels.facts": ["missing:current", "missing:high-risk"]})
"""A child who is missing and at high risk: her school hears of it, whatever else holds."""

REFERRED = question({"labels.handling": "C", "consumer.agency": COUNCIL})


async def decided(point: DecisionPoint, one: Question) -> Decision:
    (decision,) = (await point.decide([one], during())).decisions
    return decision


async def test_there_it_answers_as_the_server_does(
    fallback: FloorFallback, module: ModulePoint
) -> None:
    assert fallback.revision == county().digest
    for one in (question(), FLOOR, REFERRED):
        assert await decided(fallback, one) == await decided(module, one)
    assert await fallback.answering()


async def test_away_only_the_floor_is_given(
    fallback: FloorFallback, server: Server, module: ModulePoint
) -> None:
    # given a question of which the floor alone opens something, but not all
    whole = await decided(module, FLOOR)
    assert whole.floor

    # when the server is away, then just that is open, and it says why
    server.away = True
    floor = await decided(fallback, FLOOR)
    assert (floor.outcome, floor.slots) == (whole.floor_outcome, whole.floor_slots)
    assert floor.grants
    assert all(grant.floor for grant in floor.grants)
    assert "unanswered" in floor.reasons
    assert (floor.refusals, floor.obligations) == (whole.refusals, whole.obligations)

    # and where there is no floor, nothing is, and nobody is asked to decide
    nothing = await decided(fallback, question())
    assert (await decided(module, question())).outcome is Outcome.CONTENT
    assert (nothing.outcome, nothing.slots, nothing.grants) == (Outcome.WITHHOLD, (), ())
    assert (nothing.task, nothing.referrals) == (None, ())
    assert not await fallback.answering()


async def test_what_would_have_waited_for_a_person_waits_for_the_server_first(
    fallback: FloorFallback, server: Server, module: ModulePoint
) -> None:
    server.away = True
    for case in county().cases:
        (whole,) = (await module.decide([case.question], case.at)).decisions
        (left,) = (await fallback.decide([case.question], case.at)).decisions

        # then it is a decision that adds up, that can be kept, and asks nobody for anything
        assert settle(left.grants) == (left.outcome, left.slots)
        assert (left.outcome, left.slots) == (left.floor_outcome, left.floor_slots)
        assert (left.floor_outcome, left.floor_slots) == (whole.floor_outcome, whole.floor_slots)
        assert decode_decision(encode_decision(left)) == left
        assert left.pending
        assert (left.task, left.referrals) == (None, ())
        assert set(left.slots) <= set(whole.slots)
        assert left == without_answer(whole)
        assert without_answer(left) == left
        assert narrow(left, case.question, (), case.at) == left


async def test_an_outage_is_remembered_for_a_while(fallback: FloorFallback, server: Server) -> None:
    server.away = True
    await decided(fallback, question())
    assert server.asked == 1

    # when it is back at once, then it is asked only after a second
    server.away = False
    assert (await decided(fallback, question())).unanswered
    assert not await fallback.answering()
    assert server.asked == 1
    server.clock += 1.01
    assert not (await decided(fallback, question())).unanswered
    assert server.asked == 2


async def test_most_of_the_time_is_not_spent_waiting(
    fallback: FloorFallback, server: Server
) -> None:
    # given a server of which each call takes two seconds until it is given up
    server.away, server.takes = True, 2.0
    began = server.clock
    while server.clock < began + 120:
        await decided(fallback, question())
        server.clock += 0.05
    assert server.asked * server.takes < 120 / 5


async def test_no_memory_outlasts_the_outage(fallback: FloorFallback, server: Server) -> None:
    # given what was answered before, and what was asked in an outage
    memo = Memo(fallback)
    before = await decided(memo, question())
    server.away = True
    assert (await decided(memo, FLOOR)).unanswered

    # then what was answered goes on to hold, and what was not is asked again
    assert await decided(memo, question()) == before
    server.away = False
    server.clock += 1.01
    assert not (await decided(memo, FLOOR)).unanswered


async def test_another_revision_s_answer_is_not_used(
    server: Server, fallback: FloorFallback, module: ModulePoint
) -> None:
    class Other(Server):
        async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
            return replace(await super().decide(questions, at), revision=bytes(32))

    other = FloorFallback(Other(module), module)
    assert (await decided(other, question())).unanswered
    with pytest.raises(AnswerRefused, match="another revision"):
        FloorFallback(server, Memo(OfRevision(bytes(32), fallback)))


class OfRevision:
    """A decision point that says that it is of some revision."""

    def __init__(self, revision: bytes, point: DecisionPoint) -> None:
        self.revision = revision
        self.decide = point.decide


async def test_if_the_module_fails_too_nothing_is_decided(
    server: Server, fallback: FloorFallback, module: ModulePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> Answers:
        raise AnswerRefused(ENGINE)

    monkeypatch.setattr(module, "decide", fails)
    server.away = True
    with pytest.raises(AnswerRefused, match=r"\[protocol\.engine\]"):
        await decided(fallback, question())
