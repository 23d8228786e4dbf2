"""Policy as the core asks it: by the revision in force at each question's own instant."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest

from broker.clock import FOREVER, Instant
from broker.protocol.decision_point import Answers
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.questions import Question
from broker.protocol.revision import Revision
from broker.runtimes.policy import POINTS_KEPT, Policy, run_ready
from tests.broker.protocol.county import question

if TYPE_CHECKING:
    from broker.protocol.published import PublishedProtocol

TEN = 10
"""How long an answer of the points below holds."""


@dataclass(frozen=True)
class Named:
    """Stands for a revision."""

    digest: bytes


@dataclass
class Turns:
    """A protocol in which a revision with a name of its own begins at each of some instants."""

    begins: Sequence[int] = (0,)

    def current(self, at: Instant) -> Named:
        number = sum(begin <= at for begin in self.begins)
        return Named(bytes([number]) * 32)


class Points:
    """Makes decision points, and remembers whom it asked what.

    Attributes:
        made: first byte of each revision's digest, in the order they were loaded.
        asked: (revision's first byte, number of questions, instant) of each call.
    """

    def __init__(self) -> None:
        self.made: list[int] = []
        self.asked: list[tuple[int, int, int]] = []

    def make(self, revision: Revision) -> "Point":
        self.made.append(revision.digest[0])
        return Point(revision.digest, self)


@dataclass
class Point:
    """Answers for the ten milliseconds that an instant lies in."""

    revision: bytes
    points: Points

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        self.points.asked.append((self.revision[0], len(questions), at))
        begin = Instant(at // TEN * TEN)
        decision = Decision(
            outcome=Outcome.WITHHOLD,
            slots=(),
            grants=(),
            refusals=(),
            referrals=(),
            obligations=(),
            reasons=(),
            task=None,
            floor_outcome=Outcome.WITHHOLD,
            floor_slots=(),
            revision=self.revision,
            valid_from=begin,
            valid_until=Instant(begin + TEN),
        )
        return Answers(self.revision, (decision,) * len(questions))


def policy(points: Points, begins: Sequence[int] = (0,)) -> Policy:
    return Policy(cast("PublishedProtocol", Turns(begins)), points.make, 100)


def questions(count: int) -> list[Question]:
    return [replace(question(), schema=f"{number:064x}") for number in range(count)]


def test_questions_of_one_span_are_asked_together() -> None:
    # given three questions within the validity of one answer, when they are decided
    points = Points()
    found = policy(points)(questions(3), [Instant(15), Instant(12), Instant(19)])

    # then the engine is asked once, at the earliest instant
    assert len(found) == 3
    assert points.asked == [(1, 3, 12)]


def test_each_answer_holds_at_its_questions_own_instant() -> None:
    # given the same question at instants of which no answer covers all
    points = Points()
    instants = [Instant(25), Instant(5), Instant(19), Instant(7), Instant(11)]
    asked = questions(1) * 5
    found = policy(points)(asked, instants)

    # then each decision is valid when its question was asked, in the order of the questions
    pairs = zip(found, instants, strict=True)
    assert all(one.valid_from <= at < one.valid_until for one, at in pairs)
    assert [one.valid_from for one in found] == [20, 0, 10, 0, 10]
    assert [at for _, _, at in points.asked] == [5, 11, 25]


def test_each_question_is_decided_by_the_revision_in_force_then() -> None:
    # given a revision that follows another one at 16, within the validity of an older answer
    points = Points()
    found = policy(points, (0, 16))(questions(3), [Instant(17), Instant(15), Instant(12)])

    # then the question after it is decided by that one
    assert [one.revision[0] for one in found] == [2, 1, 1]
    assert points.asked == [(1, 2, 12), (2, 1, 17)]


def test_what_is_remembered_is_not_asked_again() -> None:
    # given a question that was decided, when it comes again while the answer holds
    points = Points()
    decide = policy(points)
    first = decide(questions(1), [Instant(3)])
    assert decide(questions(1), [Instant(9)]) == first

    # then nobody is asked, and afterwards somebody is
    assert points.asked == [(1, 1, 3)]
    decide(questions(1), [Instant(10)])
    assert points.asked == [(1, 1, 3), (1, 1, 10)]


def test_two_engines_stay_loaded_and_no_more() -> None:
    # given three revisions, one after the other
    points = Points()
    decide = policy(points, (0, 100, 200))

    # when questions go back and forth between the last two, then both stay loaded
    for at in (0, 100, 200, 110, 210, 120):
        decide(questions(1), [Instant(at)])
    assert points.made == [1, 2, 3]
    assert len(decide._memos) == POINTS_KEPT

    # and the first is loaded anew when it is asked again
    decide(questions(1), [Instant(50)])
    assert points.made == [1, 2, 3, 1]


def test_nothing_is_asked_when_there_is_no_question() -> None:
    points = Points()
    assert policy(points)([], []) == []
    assert (points.made, points.asked) == ([], [])


def test_a_point_that_waits_is_refused() -> None:
    # given work that does not wait, and work that does
    async def ready() -> int:
        return FOREVER

    async def waits() -> None:
        await asyncio.sleep(0)

    # when it is run without a loop, then only the first has an answer
    assert run_ready(ready()) == FOREVER
    with pytest.raises(RuntimeError, match="waits"):
        run_ready(waits())
