"""Incidents: a record about, or sent to, the wrong person or recipient is a personal data breach.

Rules:

1. A retraction for one of two reasons opens an incident at its source, whatever else is known.
2. The clock begins when it was found out: at the beginning of the day that the retraction names
   (days are UTC), or, if it was signed on that day, when it was signed. It runs for 72 hours (UK
   GDPR Article 33; DPA 2018 s.67 for the police).
3. An incident ends with a decision that a person has signed for, with role and reason: reported to
   the Information Commissioner, or not reportable. The first one stands; without one it is overdue
   once the clock has run out. Nothing else ends it, and none is ever left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from broker.clock import DAY, HOUR, Instant
from broker.receipts.errors import NO_INCIDENT, SEVERAL, WithdrawalError
from broker.records.names import RecordId

BREACHES = frozenset({"wrong-person", "sent-to-wrong-recipient"})
"""Reasons of a retraction that mean that somebody got what was not theirs to get."""

CLOCK = 72 * HOUR

REPORTED, NOT_REPORTABLE = "reported", "not-reportable"


@dataclass(frozen=True, slots=True)
class Retraction:
    """A retraction as its source signed it.

    Attributes:
        id: its record id.
        concerns: id of the record that it takes back.
        reason: coded; None: taken back without a reason.
        tell: what recipients must do; empty without a reason.
        on: day on which it was found out, days since 1970-01-01; None without a reason.
        role: of who decided.
        note: what was wrong.
        issued: when it was signed.
    """

    id: RecordId
    concerns: RecordId
    reason: str | None
    tell: str
    on: int | None
    role: str
    note: str | None
    issued: Instant

    @property
    def found(self) -> Instant:
        """When it was found out."""
        if self.on is None or self.on >= self.issued // DAY:
            return self.issued
        return Instant(self.on * DAY)


@dataclass(frozen=True, slots=True)
class Closing:
    """A signed decision about an incident.

    Attributes:
        incident: id of the retraction that opened it.
        decision: reported or not-reportable.
        reason: why, in words.
        role: of the person who decided.
        at: when.
    """

    incident: RecordId
    decision: str
    reason: str
    role: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Incident:
    """One breach, with the clock that runs."""

    retraction: Retraction
    closing: Closing | None = None

    @property
    def id(self) -> RecordId:
        """The record id of the retraction that opened it."""
        return self.retraction.id

    @property
    def due(self) -> Instant:
        """When the clock has run out."""
        return Instant(self.retraction.found + CLOCK)

    def overdue(self, at: Instant) -> bool:
        """Tell whether the clock had run out before `at`, or before the decision was made."""
        return self.due < (at if self.closing is None else self.closing.at)


def incidents(
    retractions: Iterable[Retraction], closings: Iterable[Closing]
) -> tuple[Incident, ...]:
    """Return every incident, the most urgent first: open ones by their clock, then closed ones."""
    ended: dict[RecordId, Closing] = {}
    for one in sorted(closings, key=lambda closing: closing.at):
        ended.setdefault(one.incident, one)
    found = [Incident(one, ended.get(one.id)) for one in retractions if one.reason in BREACHES]
    return tuple(sorted(found, key=lambda one: (one.closing is not None, one.due, one.id)))


def incident_named(found: Iterable[Incident], name: str) -> Incident:
    """Return the incident whose id, or whose record's id, begins so in hex.

    Raises:
        WithdrawalError: none, or several, do.
    """
    wanted = name.lower()
    chosen = [
        one
        for one in found
        if wanted and any(of.hex().startswith(wanted) for of in (one.id, one.retraction.concerns))
    ]
    if not chosen:
        raise WithdrawalError(NO_INCIDENT)
    if len(chosen) > 1:
        raise WithdrawalError(SEVERAL)
    return chosen[0]
