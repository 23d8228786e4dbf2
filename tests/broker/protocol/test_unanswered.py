"""A decision that was made without an answer: what people read of it, and that nobody keeps it."""

from collections.abc import Sequence

from broker.clock import Instant
from broker.protocol.decision_point import Answers, Memo
from broker.protocol.decisions import without_answer
from broker.protocol.explain import Mark, explain
from broker.protocol.questions import Question
from tests.broker.protocol.county import REVISION, county, during, point, question


async def test_it_says_that_the_rest_is_not_decided_yet() -> None:
    # given a record of which the floor opens something, and other clauses more
    asked = question({"labels.facts": ["missing:high-risk"], "labels.indicators": ["missing"]})
    with point() as module:
        (whole,) = (await module.decide([asked], during())).decisions
        why = await module.explain(asked, during())
    found = explain(county(), asked, without_answer(whole), why)

    # then it says what went, why no more, and what is still to be decided
    assert any(line.mark is Mark.OPENS and line.clause == "2.2" for line in found)
    assert not any(line.mark is Mark.OPENS and line.clause == "4.1" for line in found)
    (away,) = [line.text for line in found if line.mark is Mark.DEFAULT]
    assert away.startswith("The policy server did not answer: only what is meant for immediate")
    (later,) = [line.text for line in found if line.mark is Mark.WAITS]
    assert later == (
        "Clause 4.1 (Everyone who works with a child knows that she went missing) waits for the"
        " policy server."
    )
    assert not any("another clause keeps it closed" in line.text for line in found)


async def test_no_memory_keeps_it() -> None:
    class Away:
        """Answers with the floor alone, and counts how often."""

        revision = REVISION
        asked = 0

        async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
            self.asked += 1
            with point() as module:
                answers = await module.decide(questions, at)
            return Answers(REVISION, tuple(without_answer(one) for one in answers.decisions))

    away = Away()
    memo = Memo(away)
    for _ in range(2):
        (decision,) = (await memo.decide([question()], during())).decisions
        assert decision.unanswered
        assert decision.pending
    assert (away.asked, memo.hits) == (2, 0)
