"""Why: a decision, and every clause that was considered, as lines that a colleague might say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.protocol.clauses import Clause, Condition, Effect
from broker.protocol.decision_point import Considered, Explanation
from broker.protocol.decisions import UNANSWERED, Decision, Outcome
from broker.protocol.policy_data import engine_order
from broker.protocol.questions import Question
from broker.protocol.revision import Revision
from broker.protocol.wording import (
    failed_words,
    listing,
    met_words,
    obligation_words,
    slot_words,
    span_words,
    unknown_words,
)
from broker.records.names import AgencyId


class Mark(StrEnum):
    """What a line is about."""

    OUTCOME = "outcome"
    OPENS = "opens"
    CLOSES = "closes"
    WAITS = "waits"
    OBLIGES = "obliges"
    NARROWED = "narrowed"
    DEPENDS = "depends"
    DEFAULT = "default"
    DOES_NOT = "does-not"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence.

    Attributes:
        mark: what it is about.
        clause: id of the clause; empty if it is about none.
        text: the sentence.
    """

    mark: Mark
    clause: str
    text: str


_CORE = {
    "not-in-force": "The protocol is not in force yet.",
    "lapsed": "The protocol has lapsed: only what is meant for immediate risk still goes.",
    "unknown-schema": "The protocol does not know this form of record.",
    "refused-by-source": "The safeguarding lead of the sending agency has decided not to share it.",
    UNANSWERED: "The policy server did not answer: only what is meant for immediate risk goes. The"
    " rest is decided once it answers.",
}

_KEPT_CLOSED = "would open something, but another clause keeps it closed"


def explain(
    revision: Revision, question: Question, decision: Decision, explanation: Explanation
) -> tuple[Line, ...]:
    """Return why a decision is what it is: first what counts, last what does not apply.

    Args:
        revision: by which it was made.
        question: what was asked.
        decision: the answer, narrowed or not.
        explanation: every clause with the verdicts of its conditions.
    """
    story = _Story(revision, question, decision, explanation)
    return tuple(story.lines())


@dataclass(frozen=True, slots=True)
class _Story:
    revision: Revision
    question: Question
    decision: Decision
    explanation: Explanation

    def lines(self) -> Iterator[Line]:
        yield Line(Mark.OUTCOME, "", self._outcome())
        yield from self._opening()
        yield from self._closing()
        yield from self._waiting()
        yield from self._obliging()
        for name in self.decision.narrowings:
            yield Line(Mark.NARROWED, "", f"Narrowing {name} has suspended what was granted.")
        yield from self._not_applying()

    def _outcome(self) -> str:
        name = consumer_name(self.revision, self.question)
        words = slot_words(self.decision.slots, self._names())
        return {
            Outcome.CONTENT: f"{name} gets: {words}.",
            Outcome.EXISTENCE: f"{name} is told whom to ask, and nothing more.",
            Outcome.REFER: f"{name} gets nothing until somebody at the source has answered.",
            Outcome.WITHHOLD: f"{name} gets nothing.",
        }[self.decision.outcome]

    def _names(self) -> Mapping[str, str]:
        return slot_names(self.revision, self.question)

    def _opening(self) -> Iterator[Line]:
        for grant in self.decision.grants:
            clause = self._clause(grant.clause)
            words = slot_words(grant.slots, self._names())
            text = f"{named(clause)} opens {words}, because {self._because(clause)}."
            yield Line(Mark.OPENS, clause.id, f"{text} Gateway: {clause.gateway}.")

    def _closing(self) -> Iterator[Line]:
        for refusal in self.decision.refusals:
            clause = self._clause(refusal.clause)
            words = slot_words(refusal.slots, self._names())
            text = f"{named(clause)} closes {words}, because {self._because(clause)}."
            yield Line(Mark.CLOSES, clause.id, text)

    def _because(self, clause: Clause) -> str:
        return "; ".join(_met(clause, self.question, self.explanation[clause.id]))

    def _waiting(self) -> Iterator[Line]:
        for name in self.decision.referrals:
            clause = self._clause(name)
            text = f"{named(clause)} waits, because {self._because(clause)}."
            yield Line(Mark.WAITS, clause.id, text)
        for reason in self.decision.reasons:
            if reason in _CORE:
                yield Line(Mark.DEFAULT, "", _CORE[reason])
                continue
            clause = self._clause(reason)
            if clause.effect is Effect.DEFAULT:
                yield Line(Mark.DEFAULT, clause.id, f"Clause {clause.id}: {clause.title}.")
        if self.decision.task is not None:
            span = span_words(self.decision.task)
            source = self.question.source.agency or "the source"
            text = f"A person at {source} must answer within {span}."
            yield Line(Mark.WAITS, "", text)

    def _obliging(self) -> Iterator[Line]:
        for one in self.decision.obligations:
            yield Line(Mark.OBLIGES, "", f"The recipient must {obligation_words(one)}.")

    def _not_applying(self) -> Iterator[Line]:
        at_work = {*self.decision.clauses, *self.decision.reasons}
        elsewhere, idle, undecided = 0, [], []
        for clause in self.revision.clauses:
            if clause.id in at_work or clause.effect in {Effect.DEFAULT, Effect.OBLIGE}:
                continue
            if not clause.may_concern(self.question.labels.type or ""):
                elsewhere += 1
                continue
            why = _why_not(clause, self.question, self.explanation[clause.id])
            if why == _KEPT_CLOSED and self.decision.unanswered:
                undecided.append(named(clause))
            elif why:
                yield Line(Mark.DOES_NOT, clause.id, f"{named(clause)} {why}.")
            else:
                idle.append(clause.id)
        if undecided:
            verb = "waits" if len(undecided) == 1 else "wait"
            yield Line(Mark.WAITS, "", f"{listing(undecided)} {verb} for the policy server.")
        if idle:
            noun = "Clause" if len(idle) == 1 else "Clauses"
            yield Line(Mark.ELSEWHERE, "", f"{noun} {listing(idle)} had nothing to close.")
        if elsewhere:
            yield Line(Mark.ELSEWHERE, "", f"{elsewhere} clauses are about other types of record.")

    def _clause(self, name: str) -> Clause:
        clause = self.revision.clause(name)
        if clause is None:
            raise KeyError(name)
        return clause


def named(clause: Clause) -> str:
    """Return a clause's number and title as a sentence begins with them."""
    return f"Clause {clause.id} ({clause.title})"


def consumer_name(revision: Revision, question: Question) -> str:
    """Return the receiving agency's name, with its desk."""
    consumer = question.consumer
    if consumer.agency is None:
        return f"Any agency of type {consumer.type}"
    agency = revision.agreement.roster.agencies.get(AgencyId(consumer.agency))
    if agency is None:
        return consumer.id
    desk = agency.desks.get(consumer.desk or "")
    return agency.name if desk is None else f"{desk.name}, {agency.name},"


def slot_names(revision: Revision, question: Question) -> Mapping[str, str]:
    """Return number → name of the slots of the question's schema."""
    names: Mapping[str, str] = revision.data["schemas"].get(question.schema, {}).get("slots", {})
    return names


def _met(clause: Clause, question: Question, considered: Considered) -> list[str]:
    """Return how the conditions of a clause that is at work came out, the telling ones first."""
    return [
        unknown_words(condition) if verdict == "unknown" else met_words(condition, question)
        for condition, verdict in _pairs(clause, considered)
        if condition.attribute not in {"labels.type", "kind", "link"} or verdict == "unknown"
    ] or ["it holds for every such record"]


def _why_not(clause: Clause, question: Question, considered: Considered) -> str:
    """Return why a clause did nothing, as the end of a sentence; empty if it had nothing to do."""
    if not considered.current:
        return "is not in force on that day"
    pairs = _pairs(clause, considered)
    failed = [failed_words(one, question) for one, verdict in pairs if verdict == "no"]
    if failed:
        return f"does not apply: {'; '.join(failed)}"
    if not clause.effect.grants:
        return ""
    unknown = [unknown_words(one) for one, verdict in pairs if verdict == "unknown"]
    if unknown:
        return f"does not apply: {'; '.join(unknown)}"
    return _KEPT_CLOSED


def _pairs(clause: Clause, considered: Considered) -> list[tuple[Condition, str]]:
    return list(zip(engine_order(clause), considered.verdicts, strict=True))


def unknown_conditions(clause: Clause, considered: Considered) -> tuple[Condition, ...]:
    """Return what would have to be known for a clause to apply; none if something has failed."""
    if not considered.current or "no" in considered.verdicts:
        return ()
    return tuple(one for one, verdict in _pairs(clause, considered) if verdict == "unknown")


def as_text(lines: Sequence[Line]) -> str:
    """Return lines as one text."""
    return "\n".join(line.text for line in lines)
