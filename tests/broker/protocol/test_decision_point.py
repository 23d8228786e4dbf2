"""What a decision point answers is checked; what it has answered is remembered for a while."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from broker.clock import FOREVER, Instant
from broker.protocol.decision_point import (
    Answers,
    Considered,
    Memo,
    answers_of,
    explanation_of,
)
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.errors import AnswerRefused
from broker.protocol.questions import Question
from tests.broker.protocol.county import REVISION, question

AT = Instant(1_500)
GOOD: dict[str, Any] = {
    "revision": REVISION.hex(),
    "valid_from": 1_000,
    "valid_until": 2_000,
    "decisions": [
        {
            "outcome": "content",
            "slots": [8, 0, 7],
            "grants": [
                {"clause": "2", "slots": [8, 7], "floor": True},
                {"clause": "1", "slots": [7], "floor": False},
            ],
            "refusals": [{"clause": "6", "slots": [9]}],
            "referrals": [],
            "obligations": [{"kind": "do-not-forward", "detail": ""}],
            "reasons": ["6"],
            "task": None,
            "floor_outcome": "content",
            "floor_slots": [7, 0, 8],
        }
    ],
}


def test_a_good_answer_is_taken_and_sorted() -> None:
    (decision,) = answers_of(GOOD, 1, REVISION, AT).decisions
    assert decision.slots == (0, 7, 8)
    assert decision.clauses == ("1", "2")
    assert decision.grants[1].slots == (7, 8)
    assert decision.outcome is Outcome.CONTENT
    assert (decision.valid_from, decision.valid_until) == (1_000, 2_000)
    assert decision.revision == REVISION


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def apply(answer: dict[str, Any]) -> None:
        *way, last = path.split(".")
        spot: Any = answer
        for step in way:
            spot = spot[int(step)] if step.isdigit() else spot[step]
        if value is KeyError:
            del spot[last]
        else:
            spot[last] = value

    return apply


FIRST = "decisions.0."


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("revision", "00" * 32),
        ("revision", KeyError),
        ("valid_from", 1_501),
        ("valid_until", 1_500),
        ("valid_until", "2000"),
        ("valid_until", FOREVER + 1),
        ("valid_from", -1),
        ("decisions", []),
        ("decisions", None),
        ("decisions", [None]),
        ("decisions", GOOD["decisions"] * 2),
        (FIRST + "outcome", "share"),
        (FIRST + "outcome", "existence"),
        (FIRST + "slots", [0, 7, 8, 9]),
        (FIRST + "slots", [7, 8]),
        (FIRST + "slots", [0, 7, 7, 8]),
        (FIRST + "slots", [0, 7, "8"]),
        (FIRST + "slots", [0, 7, 8, 32]),
        (FIRST + "slots", [False, 7, 8]),
        (FIRST + "slots", KeyError),
        (FIRST + "grants", []),
        (FIRST + "grants.0.floor", False),
        (FIRST + "grants.0.floor", 1),
        (FIRST + "grants.0.clause", 2),
        (FIRST + "grants.0.clause", KeyError),
        (FIRST + "refusals", None),
        (FIRST + "referrals", [1]),
        (FIRST + "obligations.0.detail", None),
        (FIRST + "reasons", 5),
        (FIRST + "task", "soon"),
        (FIRST + "task", True),
        (FIRST + "floor_outcome", "withhold"),
        (FIRST + "floor_slots", []),
    ],
)
def test_an_answer_that_does_not_add_up_is_refused(path: str, value: object) -> None:
    bad = copy.deepcopy(GOOD)
    change(path, value)(bad)
    with pytest.raises(AnswerRefused, match=r"protocol\.answer"):
        answers_of(bad, 1, REVISION, AT)


@pytest.mark.parametrize("bad", [None, [], "content", 5, {}])
def test_garbage_is_refused(bad: object) -> None:
    with pytest.raises(AnswerRefused):
        answers_of(bad, 1, REVISION, AT)
    with pytest.raises(AnswerRefused):
        explanation_of(bad, REVISION)


def test_an_explanation_is_taken() -> None:
    plain = {
        "revision": REVISION.hex(),
        "explanations": [{"1": {"current": True, "conditions": ["yes", "unknown"]}}],
    }
    assert explanation_of(plain, REVISION) == {"1": Considered(True, ("yes", "unknown"))}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("revision", "00"),
        ("explanations", []),
        ("explanations", [{}, {}]),
        ("explanations", [{"1": {"current": 1, "conditions": []}}]),
        ("explanations", [{"1": {"current": True, "conditions": ["perhaps"]}}]),
        ("explanations", [{"1": {}}]),
        ("explanations", [["1"]]),
    ],
)
def test_an_explanation_that_does_not_add_up_is_refused(path: str, value: object) -> None:
    plain: dict[str, Any] = {"revision": REVISION.hex(), "explanations": [{}]}
    change(path, value)(plain)
    with pytest.raises(AnswerRefused):
        explanation_of(plain, REVISION)


class Counting:
    """A decision point that counts what it is asked; valid within [1000, 2000)."""

    def __init__(self) -> None:
        self.revision = REVISION
        self.answers = REVISION
        self.asked: list[Question] = []

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        self.asked += questions
        window = {"valid_from": 0, "valid_until": 1_000} if at < 1_000 else {}
        plain = {**GOOD, **window, "revision": self.answers.hex()}
        return answers_of(
            {**plain, "decisions": GOOD["decisions"] * len(questions)},
            len(questions),
            self.answers,
            at,
        )


def numbered(number: int) -> Question:
    return question({"labels.facts": [f"fact:{number}"]})


async def test_equal_questions_are_asked_once() -> None:
    # given a memory, when a question comes twice in a batch and again later
    point = Counting()
    memo = Memo(point)
    one, two = numbered(1), numbered(2)
    first = await memo.decide([one, two, one], AT)
    second = await memo.decide([two], AT)

    # then it was asked once, and the answers come in the order of the questions
    assert point.asked == [one, two]
    assert len(first.decisions) == 3
    assert second.decisions[0] is first.decisions[1]
    assert (memo.hits, memo.misses) == (2, 2)


@pytest.mark.parametrize(
    ("at", "again"), [(1_000, False), (1_999, False), (2_000, True), (999, True)]
)
async def test_an_answer_serves_only_while_it_is_valid(at: int, *, again: bool) -> None:
    # given an answer that is valid from 1000 until before 2000
    point = Counting()
    memo = Memo(point)
    await memo.decide([numbered(1)], AT)

    # when the question comes at another instant
    if at == 2_000:
        with pytest.raises(AnswerRefused):  # this point's next answer would be out of date
            await memo.decide([numbered(1)], Instant(at))
    else:
        await memo.decide([numbered(1)], Instant(at))

    # then it is asked again exactly outside that span
    assert len(point.asked) == 1 + again


async def test_another_revision_forgets_everything() -> None:
    point = Counting()
    memo = Memo(point)
    await memo.decide([numbered(1)], AT)
    point.revision = point.answers = bytes(32)
    assert memo.revision == bytes(32)
    answers = await memo.decide([numbered(1)], AT)
    assert answers.revision == bytes(32)
    assert len(point.asked) == 2


async def test_an_answer_by_another_revision_is_refused_and_not_kept() -> None:
    point = Counting()
    memo = Memo(point)
    point.answers = bytes(32)
    for _ in range(2):
        with pytest.raises(AnswerRefused, match="another revision"):
            await memo.decide([numbered(1)], AT)
    assert len(point.asked) == 2


async def test_the_longest_unused_goes_first() -> None:
    # given a memory of two, when a third question comes after the first was used again
    point = Counting()
    memo = Memo(point, size=2)
    await memo.decide([numbered(1), numbered(2)], AT)
    await memo.decide([numbered(1)], AT)
    await memo.decide([numbered(3)], AT)

    # then the second is forgotten, the first is not
    point.asked.clear()
    await memo.decide([numbered(1), numbered(3)], AT)
    assert point.asked == []
    await memo.decide([numbered(2)], AT)
    assert point.asked == [numbered(2)]


async def test_a_memory_can_be_smaller_than_a_batch() -> None:
    memo = Memo(Counting(), size=1)
    answers = await memo.decide([numbered(n) for n in range(5)], AT)
    assert len(answers.decisions) == 5


def test_decisions_can_be_remembered() -> None:
    (decision,) = answers_of(GOOD, 1, REVISION, AT).decisions
    assert isinstance(decision, Decision)
    assert hash(decision) == hash(answers_of(GOOD, 1, REVISION, AT).decisions[0])
