"""Policy as the core asks it: by the revision in force, at each question's own instant.

A batch's questions are asked at the earliest instant among them; an answer serves every question
whose instant lies within its validity, and what is left is asked again.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from broker.clock import Instant
from broker.protocol.decision_point import DecisionPoint, Memo
from broker.protocol.decisions import Decision
from broker.protocol.published import PublishedProtocol
from broker.protocol.questions import Question
from broker.protocol.revision import Revision

Answer = TypeVar("Answer")

MakePoint = Callable[[Revision], DecisionPoint]
"""Builds the decision point of one revision."""

POINTS_KEPT = 2
"""Revisions whose engine stays loaded: the one in force, and its successor or forerunner."""


class Policy:
    """See `broker.routing.handling.Decide`."""

    def __init__(self, protocol: PublishedProtocol, make: MakePoint, memo_size: int) -> None:
        """Decide by the revisions of `protocol`, with engines that `make` builds."""
        self._protocol = protocol
        self._make = make
        self._size = memo_size
        self._memos: dict[bytes, Memo] = {}

    def __call__(
        self, questions: Sequence[Question], instants: Sequence[Instant]
    ) -> Sequence[Decision]:
        """Return a decision for each question, valid at its own instant.

        Raises:
            ProtocolError: no revision is in force.
            AnswerRefused: the engine failed.
        """
        found: list[Decision | None] = [None] * len(questions)
        open_ones = list(range(len(questions)))
        while open_ones:
            at = min(instants[number] for number in open_ones)
            revision = self._protocol.current(at)
            asked = [
                number
                for number in open_ones
                if self._protocol.current(instants[number]).digest == revision.digest
            ]
            memo = self._memo(revision)
            answers = run_ready(memo.decide([questions[number] for number in asked], at))
            for number, decision in zip(asked, answers.decisions, strict=True):
                if decision.valid_from <= instants[number] < decision.valid_until:
                    found[number] = decision
            open_ones = [number for number in open_ones if found[number] is None]
        return [decision for decision in found if decision is not None]

    def _memo(self, revision: Revision) -> Memo:
        memo = self._memos.get(revision.digest)
        if memo is None:
            if len(self._memos) >= POINTS_KEPT:
                del self._memos[next(iter(self._memos))]
            memo = self._memos[revision.digest] = Memo(self._make(revision), self._size)
        return memo


def run_ready(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine that never waits, such as a decision point in this process.

    Raises:
        RuntimeError: it waits after all; such a decision point needs a loop of its own.
    """
    try:
        work.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    work.close()
    raise RuntimeError("the decision point waits")
