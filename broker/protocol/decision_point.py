"""The port that policy is asked through, the check of what it answers, and a memory before it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broker.clock import FOREVER, Instant
from broker.protocol.decisions import Decision, Grant, Obligation, Outcome, Refusal, settle
from broker.protocol.errors import ANSWER, AnswerRefused
from broker.protocol.questions import Question
from broker.records.names import SLOTS

MEMO_SIZE = 65_536
"""Decisions remembered: about 60 MB; a county asks some thousand different questions a day."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Decisions in the order of the questions, all by one revision.

    Attributes:
        revision: digest of the revision that decided, 32 bytes.
        decisions: one a question.
    """

    revision: bytes
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Considered:
    """One clause against one question.

    Attributes:
        current: whether the clause is in force at the instant that was asked about.
        verdicts: yes, no or unknown, one a condition, in the order of `policy_data.engine_order`.
    """

    current: bool
    verdicts: tuple[str, ...]


Explanation = Mapping[str, Considered]
"""Every clause, by id, but the default one."""


class DecisionPoint(Protocol):
    """What answers questions by one revision."""

    @property
    def revision(self) -> bytes:
        """Digest of the revision that it answers by."""
        ...

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer questions as of `at`.

        Raises:
            AnswerRefused: the answer does not add up, or there was none in time. Nothing was
                decided; the same questions may be asked again.
        """
        ...


class Explainer(Protocol):
    """What can say of every clause why it does or does not apply."""

    async def explain(self, question: Question, at: Instant) -> Explanation:
        """Return every clause with the verdict of each of its conditions.

        Raises:
            AnswerRefused: as for `DecisionPoint.decide`.
        """
        ...


class Memo:
    """A decision point that asks another one only what it does not remember.

    Remembered is a decision by its question's digest; it is used only by the same revision and
    within [valid_from, valid_until). The longest unused goes first. A decision that was made
    without an answer is never remembered: it ends with the outage, nobody knows beforehand when.

    Attributes:
        hits: questions answered from memory.
        misses: questions asked.
    """

    def __init__(self, point: DecisionPoint, size: int = MEMO_SIZE) -> None:
        """Remember up to `size` decisions of `point`."""
        self._point = point
        self._size = size
        self._revision = point.revision
        self._kept: OrderedDict[bytes, Decision] = OrderedDict()
        self.hits = 0
        self.misses = 0

    @property
    def revision(self) -> bytes:
        """Digest of the revision that the other point answers by."""
        return self._point.revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        """Answer as the other point does.

        Raises:
            AnswerRefused: the other point's answer could not be used.
        """
        revision = self._point.revision
        if revision != self._revision:
            self._kept.clear()
            self._revision = revision
        found: dict[bytes, Decision] = {}
        ask: dict[bytes, Question] = {}
        for question in questions:
            digest = question.digest
            kept = self._kept.get(digest)
            if kept is not None and kept.valid_from <= at < kept.valid_until:
                self._kept.move_to_end(digest)
                found[digest] = kept
            else:
                ask[digest] = question
        if ask:
            answers = await self._point.decide(tuple(ask.values()), at)
            if answers.revision != revision:
                raise AnswerRefused(ANSWER, "another revision")
            fresh = dict(zip(ask, answers.decisions, strict=True))
            found |= fresh
            self._keep(fresh)
        self.misses += len(ask)
        self.hits += len(questions) - len(ask)
        return Answers(revision, tuple(found[question.digest] for question in questions))

    def _keep(self, fresh: dict[bytes, Decision]) -> None:
        for digest, decision in fresh.items():
            if decision.unanswered:
                continue
            self._kept[digest] = decision
            self._kept.move_to_end(digest)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


def answers_of(plain: Any, count: int, revision: bytes, at: Instant) -> Answers:  # noqa: ANN401 - JSON
    """Return what a decision point answered, checked.

    Args:
        plain: the JSON value of `concordat.decide`.
        count: how many questions were asked.
        revision: which revision must have answered.
        at: the instant that was asked about.

    Raises:
        AnswerRefused: another shape, another revision, or parts that do not make the whole.
    """
    try:
        if plain["revision"] != revision.hex():
            raise AnswerRefused(ANSWER, "another revision")
        bounds = (_instant(plain["valid_from"]), _instant(plain["valid_until"]))
        if not bounds[0] <= at < bounds[1]:
            raise AnswerRefused(ANSWER, "validity")
        decisions = tuple(_decision(one, revision, bounds) for one in plain["decisions"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnswerRefused(ANSWER, "shape") from error
    if len(decisions) != count:
        raise AnswerRefused(ANSWER, f"{len(decisions)} decisions for {count} questions")
    return Answers(revision, decisions)


def _decision(
    plain: Any,  # noqa: ANN401 - JSON
    revision: bytes,
    bounds: tuple[Instant, Instant],
) -> Decision:
    grants = tuple(
        sorted(
            Grant(_text(one["clause"]), _slots(one["slots"]), _flag(one["floor"]))
            for one in plain["grants"]
        )
    )
    referrals = _texts(plain["referrals"])
    decision = Decision(
        Outcome(plain["outcome"]),
        _slots(plain["slots"]),
        grants,
        tuple(
            sorted(Refusal(_text(one["clause"]), _slots(one["slots"])) for one in plain["refusals"])
        ),
        referrals,
        tuple(
            sorted(
                Obligation(_text(one["kind"]), _text(one["detail"])) for one in plain["obligations"]
            )
        ),
        _texts(plain["reasons"]),
        None if plain["task"] is None else _instant(plain["task"]),
        Outcome(plain["floor_outcome"]),
        _slots(plain["floor_slots"]),
        revision,
        *bounds,
    )
    # The rule stands in the policy; that its parts make the whole is checked here once more, so
    # that an engine gone wrong releases nothing.
    whole = settle(grants, referred=bool(referrals))
    floor = settle(grant for grant in grants if grant.floor)
    if whole != (decision.outcome, decision.slots):
        raise AnswerRefused(ANSWER, "slots")
    if floor != (decision.floor_outcome, decision.floor_slots):
        raise AnswerRefused(ANSWER, "floor")
    # That is for us to say, of a decision point that did not answer.
    if decision.unanswered:
        raise AnswerRefused(ANSWER, "reasons")
    return decision


def explanation_of(plain: Any, revision: bytes) -> Explanation:  # noqa: ANN401 - JSON
    """Return what a decision point explained about one question, checked.

    Raises:
        AnswerRefused: another shape or another revision.
    """
    try:
        if plain["revision"] != revision.hex():
            raise AnswerRefused(ANSWER, "another revision")
        (clauses,) = plain["explanations"]
        return {
            _text(clause): Considered(_flag(one["current"]), _verdicts(one["conditions"]))
            for clause, one in clauses.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnswerRefused(ANSWER, "shape") from error


def _verdicts(plain: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    verdicts = tuple(plain)
    if not set(verdicts) <= {"yes", "no", "unknown"}:
        raise ValueError("verdict")
    return verdicts


def _slots(plain: Any) -> tuple[int, ...]:  # noqa: ANN401 - JSON
    slots = tuple(sorted(plain))
    if not all(type(slot) is int and 0 <= slot < SLOTS for slot in slots):
        raise ValueError("slot")
    if len(set(slots)) != len(slots):
        raise ValueError("slot twice")
    return slots


def _texts(plain: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(sorted(_text(one) for one in plain))


def _text(plain: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(plain, str):
        raise TypeError("text")
    return plain


def _flag(plain: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(plain, bool):
        raise TypeError("flag")
    return plain


def _instant(plain: Any) -> Instant:  # noqa: ANN401 - JSON
    if type(plain) is not int or not 0 <= plain <= FOREVER:
        raise ValueError("instant")
    return Instant(plain)
