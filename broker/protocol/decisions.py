"""Decisions: the answer to a question, and the rule by which its parts make a whole.

A slot is granted if some grant is left that opens it: policy has already taken from each grant what
a refusal closes. Slot 0 (the schema) is open with any content, slot 1 (the labels) never; slot 7
(whom to ask) alone is existence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from broker.clock import Instant
from broker.records.names import SLOT_CONTACT, SLOT_SCHEMA

UNANSWERED: Final = "unanswered"
"""Reason of a decision that was made without the decision point: only the floor stands in it."""


class Outcome(StrEnum):
    """What a consumer gets of a record."""

    WITHHOLD = "withhold"
    REFER = "refer"
    EXISTENCE = "existence"
    CONTENT = "content"

    @property
    def releases(self) -> bool:
        """Whether anything goes to the consumer."""
        return self in {Outcome.EXISTENCE, Outcome.CONTENT}


class Grant(NamedTuple):
    """What one clause opens, after the refusals.

    Attributes:
        clause: its id.
        slots: ascending.
        floor: whether it survives narrowing, lapse and referral.
    """

    clause: str
    slots: tuple[int, ...]
    floor: bool


class Refusal(NamedTuple):
    """What one clause closed of what others would have opened; slots ascending."""

    clause: str
    slots: tuple[int, ...]


class Obligation(NamedTuple):
    """What travels with a release.

    Attributes:
        kind: `acknowledge-by`, `not-visible-to`, …
        detail: a span (`PT4H`, from the release), an instant in milliseconds, a code, or nothing.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one question. All tuples are sorted.

    Attributes:
        outcome: what the consumer gets now.
        slots: open slots.
        grants: clauses that grant what is open.
        refusals: clauses that closed something.
        referrals: clauses that wait for a person at the source.
        obligations: what the consumer must do.
        reasons: clause ids, or `not-in-force`, `lapsed`, `unknown-schema`, `refused-by-source`,
            `unanswered`.
        task: milliseconds from the record's arrival in which a person at the source must answer;
            None if nobody is asked. There may be one beside a release (the floor goes at once).
        floor_outcome: what the floor clauses alone would give.
        floor_slots: and which slots.
        revision: digest of the revision that decided.
        valid_from: holds from this instant.
        valid_until: holds until just before this one.
        narrowings: ids of the narrowings that took something away.
    """

    outcome: Outcome
    slots: tuple[int, ...]
    grants: tuple[Grant, ...]
    refusals: tuple[Refusal, ...]
    referrals: tuple[str, ...]
    obligations: tuple[Obligation, ...]
    reasons: tuple[str, ...]
    task: int | None
    floor_outcome: Outcome
    floor_slots: tuple[int, ...]
    revision: bytes
    valid_from: Instant
    valid_until: Instant
    narrowings: tuple[str, ...] = ()

    @property
    def clauses(self) -> tuple[str, ...]:
        """Ids of the granting clauses."""
        return tuple(grant.clause for grant in self.grants)

    @property
    def told_clauses(self) -> tuple[str, ...]:
        """Granting clauses as the consumer may know them: none with existence.

        Clauses are about types of record, and existence must not name one.
        """
        return self.clauses if self.outcome is Outcome.CONTENT else ()

    @property
    def floor(self) -> bool:
        """Whether the floor clauses alone release something."""
        return self.floor_outcome.releases

    @property
    def pending(self) -> bool:
        """Whether more may be released later: somebody has to answer, or a narrowing to end."""
        return self.task is not None or bool(self.narrowings) or self.unanswered

    @property
    def unanswered(self) -> bool:
        """Whether the decision point was not there, and only the floor was decided."""
        return UNANSWERED in self.reasons


def settle(grants: Iterable[Grant], *, referred: bool = False) -> tuple[Outcome, tuple[int, ...]]:
    """Return the outcome and the open slots that grants make together.

    Args:
        grants: those that are left.
        referred: whether a person at the source has yet to answer.
    """
    slots = {slot for grant in grants for slot in grant.slots}
    if slots - {SLOT_CONTACT}:
        return Outcome.CONTENT, tuple(sorted(slots | {SLOT_SCHEMA}))
    if slots:
        return Outcome.EXISTENCE, tuple(slots)
    return (Outcome.REFER if referred else Outcome.WITHHOLD), ()


def without_answer(decision: Decision) -> Decision:
    """Return what is left of the module's decision while the decision point in use is away.

    Floor grants, refusals and obligations stay. Nobody is asked: whatever else the decision says is
    not relied upon, and the question is asked afresh. It is made again by every verification, so it
    depends on nothing but the decision.
    """
    return replace(
        decision,
        outcome=decision.floor_outcome,
        slots=decision.floor_slots,
        grants=tuple(grant for grant in decision.grants if grant.floor),
        referrals=(),
        reasons=tuple(sorted({*decision.reasons, UNANSWERED})),
        task=None,
    )
