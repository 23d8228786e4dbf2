"""The impact of a proposed text: questions that were asked, decided by both texts and compared.

Equal questions are decided once and counted. What a decision case asks and no traffic has asked is
decided, too, and told as that. Narrowings are left out on both sides: they are no part of a text.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from broker.protocol.decisions import Decision, Outcome
from broker.protocol.questions import Question
from broker.protocol.wording import slot_words
from broker.records.names import SLOT_SCHEMA, AgencyId, agency_of

FEW = 5
"""Fewer than so many are not counted out to others: a small number may be one child."""


class Turn(StrEnum):
    """How a decision turns out otherwise."""

    RELEASED = "newly released"
    STOPPED = "no longer released"
    OPENED = "content in place of existence"
    CLOSED = "existence in place of content"
    SLOTS = "other parts"
    WAITS = "waits for a person now"
    FREED = "waits for a person no longer"
    OBLIGED = "other obligations"


@dataclass(frozen=True, slots=True, order=True)
class Impact:
    """Decisions that turn out otherwise in the same way.

    Attributes:
        type: of the records.
        source: agency that sent them; empty if it is not known.
        consumer: agency, or one of its desks.
        turn: how.
        shown: slots that are open now, and were not.
        hidden: slots that were open, and are no longer.
        before: clauses that granted or waited.
        after: clauses that grant or wait now.
        asked: how often that was asked; 0 if only a decision case asks it.
    """

    type: str
    source: str
    consumer: str
    turn: Turn
    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    asked: int = 0

    def count_for(self, agency: AgencyId | None) -> int | None:
        """Return how many to tell an agency: None if they are too few, and none of its own."""
        own = agency is not None and agency in {self.source, agency_of(self.consumer)}
        return None if 0 < self.asked < FEW and not own else self.asked


def impact(
    decided: Iterable[tuple[Question, int, Decision, Decision]],
    names: Mapping[str, Mapping[str, str]],
) -> tuple[Impact, ...]:
    """Return what turns out otherwise, the most frequent first.

    Args:
        decided: question, how often it was asked, decision before and after.
        names: of slots, by schema digest and number as text.
    """
    counts: Counter[Impact] = Counter()
    for question, asked, before, after in decided:
        turn = turn_of(before, after)
        if turn is None:
            continue
        known = names.get(question.schema or "", {})
        counts[
            Impact(
                question.labels.type or "",
                question.source.agency or "",
                _consumer(question),
                turn,
                _named(set(after.slots) - set(before.slots), known),
                _named(set(before.slots) - set(after.slots), known),
                _speaking(before),
                _speaking(after),
            )
        ] += asked
    found = [replace(one, asked=asked) for one, asked in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.asked, one)))


def turn_of(before: Decision, after: Decision) -> Turn | None:
    """Return how one decision turns out otherwise; None if it does not."""
    was, now = before.outcome, after.outcome
    if was.releases is not now.releases:
        return Turn.RELEASED if now.releases else Turn.STOPPED
    if was is not now:
        if now.releases:
            return Turn.OPENED if now is Outcome.CONTENT else Turn.CLOSED
        return Turn.WAITS if now is Outcome.REFER else Turn.FREED
    if before.slots != after.slots:
        return Turn.SLOTS
    return Turn.OBLIGED if now.releases and before.obligations != after.obligations else None


def _consumer(question: Question) -> str:
    consumer = question.consumer
    return f"{consumer.agency}/{consumer.desk}" if consumer.desk else consumer.agency or ""


def _named(slots: Iterable[int], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(slot_words((slot,), names) for slot in sorted(slots) if slot != SLOT_SCHEMA)


def _speaking(decision: Decision) -> tuple[str, ...]:
    return tuple(sorted({*decision.clauses, *decision.referrals}))
