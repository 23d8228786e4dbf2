"""What is decided while a decision point is away: the floor, by the module of the same revision.

The floor is what the protocol releases under every circumstance, so it must not wait for a server.
Everything else waits: such a decision has the reason `unanswered`, its record is held, and it is
decided afresh once the server answers. Its validity is the module's own, so that a batch is asked
about at once; no memory keeps it (`broker.protocol.decision_point.Memo`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from broker.clock import Instant
from broker.protocol.decision_point import Answers, DecisionPoint
from broker.protocol.decisions import without_answer
from broker.protocol.errors import ANSWER, AnswerRefused
from broker.protocol.questions import Question

AWAY_S: Final = 1.0
"""For so long after a failure nobody asks again."""

SHARE: Final = 5.0
"""And for so many times what the failure took: at most a sixth of the time goes into waiting."""


class FloorFallback:
    """Answers as a server does; while that is away, with the floor of what the module says."""

    def __init__(
        self,
        server: DecisionPoint,
        module: DecisionPoint,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask the server first.

        Args:
            server: what decides.
            module: of the same revision.
            monotonic: seconds that never go back.

        Raises:
            AnswerRefused: `protocol.answer`; the two are of different revisions.
        """
        if server.revision != module.revision:
            raise AnswerRefused(ANSWER, "another revision")
        self._server = server
        self._module = module
        self._monotonic = monotonic
        self._away_until = 0.0

    @property
    def revision(self) -> bytes:
        """Digest of the revision that both answer by."""
        return self._module.revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer questions as of `at`: all as the server does, or all with the floor.

        Raises:
            AnswerRefused: the server is away, and the module failed, too.
        """
        answers = await self._asked(questions, at)
        if answers is not None:
            return answers
        answers = await self._module.decide(questions, at)
        reduced = tuple(without_answer(decision) for decision in answers.decisions)
        return Answers(answers.revision, reduced)

    async def answering(self) -> bool:
        """Tell whether the server would answer now."""
        return await self._asked((), Instant(0)) is not None

    async def _asked(self, questions: Sequence[Question], at: Instant) -> Answers | None:
        """Return the server's answers, None if it is away."""
        began = self._monotonic()
        if began < self._away_until:
            return None
        try:
            answers = await self._server.decide(questions, at)
        except AnswerRefused:
            now = self._monotonic()
            self._away_until = now + max(AWAY_S, SHARE * (now - began))
            return None
        return answers if answers.revision == self.revision else None
