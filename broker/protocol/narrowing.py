"""Narrowings: signed restrictions on top of a revision. What they do is a pure function of them.

Rules:

1. A narrowing only ever removes grants. What it leaves is opened as before, and nothing else.
2. Floor grants survive, and so does whatever a retraction releases.
3. Refusals and obligations always come from the full revision: removing them would widen.
4. A decision that a narrowing has taken something from names it, and holds no longer than it.
5. What is not known does not escape: a narrowing of one record type removes from a record whose
   type is not known, too.
6. A narrowing binds every decision that is made once it is known, also about what arrived before
   it: an agency that stops sending stops what is still on its way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from broker.clock import Instant
from broker.protocol.decisions import Decision, Grant, settle
from broker.protocol.questions import Question
from broker.records.names import AgencyId, Kind


class Direction(StrEnum):
    """Which way an agency narrows."""

    SENDING = "sending"
    RECEIVING = "receiving"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One signed restriction.

    Attributes:
        id: its name in decisions, `N` and its place on the protocol topic.
        by: the agency that signed it.
        agency: whose sending or receiving is narrowed.
        direction: sending or receiving.
        counterpart: the agency or consumer at the other end; empty for all.
        type: record type; empty for all.
        clause: id of the one clause whose grants are suspended; empty for all.
        since: when it was published; it binds from its place on the protocol topic on.
        until: no longer in force from this instant.
        reason: why, for people; without anything about a child.
        telephone: whom to ring about it.
    """

    id: str
    by: AgencyId
    agency: AgencyId
    direction: Direction
    counterpart: str
    type: str
    clause: str
    since: Instant
    until: Instant
    reason: str
    telephone: str

    def concerns(self, question: Question) -> bool:
        """Tell whether the question is about what this narrows, at whatever instant."""
        if self.type and question.labels.type not in {None, self.type}:
            return False
        if self.direction is Direction.SENDING:
            mine, others = question.source.agency, _ends(question)
        else:
            mine, others = question.consumer.agency, {question.source.agency}
        if mine not in {None, self.agency}:
            return False
        return not self.counterpart or bool(others & {None, self.counterpart})

    def stops(self, grant: Grant) -> bool:
        """Tell whether it suspends a grant of a decision that it concerns."""
        return not grant.floor and self.clause in {"", grant.clause}


def _ends(question: Question) -> set[str | None]:
    consumer = question.consumer
    return {consumer.agency, None if consumer.agency is None else consumer.id}


def narrow(
    decision: Decision, question: Question, narrowings: Iterable[Narrowing], at: Instant
) -> Decision:
    """Return what narrowings in force at `at` leave of a decision.

    Args:
        decision: by the full revision, valid at `at`.
        question: what it answers.
        narrowings: all that are known, ended or not.
        at: the instant of the decision.
    """
    if question.kind == Kind.RETRACTION.word:
        return decision
    concerned = [one for one in narrowings if one.concerns(question)]
    if not concerned:
        return decision
    active = [one for one in concerned if at < one.until]
    left = tuple(grant for grant in decision.grants if not any(one.stops(grant) for one in active))
    took = {one.id for one in active if any(one.stops(grant) for grant in decision.grants)}
    ends = [one.until for one in concerned]
    outcome, slots = settle(left, referred=bool(decision.referrals))
    return replace(
        decision,
        outcome=outcome,
        slots=slots,
        grants=left,
        valid_from=max((decision.valid_from, *(end for end in ends if end <= at))),
        valid_until=min((decision.valid_until, *(end for end in ends if end > at))),
        narrowings=tuple(sorted(took)),
    )
