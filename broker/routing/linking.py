"""Linking one record to its child, and letting the registers take from it what it says.

A record becomes a register entry if it states something, if it is needed to keep identifiers
together, or if it ends what is there. One that is ambiguous becomes an entry, too: it waits,
without effect, until what it clashes with is taken back (rule 6 of `broker/subjects/registers.py`).
"""

from broker.clock import Instant
from broker.records.check import Accepted
from broker.records.names import Kind, RecordId
from broker.routing.intake import New
from broker.routing.knowledge import Knowledge
from broker.routing.meaning import (
    ON_A_CHILD,
    RETRACTION,
    STAFF,
    is_about_a_child,
    register_of,
    taken_back_by,
)
from broker.routing.people import staff_of
from broker.routing.queued import Linked
from broker.routing.work import Work
from broker.subjects.registers import Entry, Link, Subject
from broker.subjects.standing import NOBODY, standing
from broker.subjects.states import States
from broker.subjects.tokens import NO_TOKENS, Tokeniser, Tokens


class Linking:
    """Links records by one core's registers, and notes what they say."""

    def __init__(self, knowledge: Knowledge, tokeniser: Tokeniser) -> None:
        """Hold what the core knows."""
        self._known = knowledge
        self._tokeniser = tokeniser

    def link(self, new: New, at: Instant) -> Linked:
        """Link a record to its subject as the registers stand."""
        if not is_about_a_child(new.accepted.labels):
            return Linked(None, None, NOBODY)
        found = self._known.registers.find(new.tokens)
        if found.subject is None:
            return Linked(found.link, None, NOBODY)
        return Linked(found.link, found.subject, standing(found.subject, at))

    def register(self, new: New, at: Instant, work: Work) -> Linked:
        """Link a new record, and let the registers take from it what it states, ties or ends."""
        accepted = new.accepted
        registers, labels = self._known.registers, accepted.labels
        head, agency = accepted.envelope.head, accepted.agency
        if labels.type in (STAFF, RETRACTION):
            stated, gone = staff_of(accepted, self._tokeniser)
            wanted = stated is not None or (gone is not None and registers.knows(agency, gone))
            if registers.becomes_entry(accepted.digest, wanted=wanted):
                self._note(accepted, NO_TOKENS, stated, gone, work)
        replaces = registers.only_ties(agency, head.supersedes)
        if not is_about_a_child(labels):
            if labels.type not in (STAFF, RETRACTION) and registers.becomes_entry(
                accepted.digest, wanted=replaces
            ):
                self._note(accepted, NO_TOKENS, None, None, work)
            return Linked(None, None, NOBODY)
        if head.kind is Kind.RETRACTION:
            return self._taken_back(new, at, work)
        found = registers.find(new.tokens)
        states = register_of(accepted)
        links = found.link is not Link.UNLINKED
        ties = links and (states is not None or registers.wants(agency, new.tokens))
        if registers.becomes_entry(accepted.digest, wanted=ties or replaces):
            self._note(accepted, new.tokens, states, None, work)
            found = registers.find(new.tokens)
        if found.subject is None:
            return Linked(found.link, None, NOBODY)
        return Linked(Link.LINKED, found.subject, standing(found.subject, at))

    def _taken_back(self, new: New, at: Instant, work: Work) -> Linked:
        """Link a record that takes another back; what that one stated and tied goes."""
        accepted = new.accepted
        registers, agency = self._known.registers, accepted.agency
        gone = taken_back_by(accepted)
        found = registers.find(new.tokens)
        # What is taken back need not name its child again: the source's own statement did.
        subject = found.subject or (registers.stated(agency, gone) if gone else None)
        in_advance = subject is not None and accepted.labels.type in ON_A_CHILD
        wanted = gone is not None and (in_advance or registers.knows(agency, gone))
        if registers.becomes_entry(accepted.digest, wanted=wanted):
            subject = self._note(accepted, new.tokens, None, gone, work) or subject
        if subject is None:
            return Linked(found.link, None, NOBODY)
        return Linked(Link.LINKED, subject, standing(subject, at))

    def _note(
        self,
        accepted: Accepted,
        tokens: Tokens,
        states: States | None,
        retracts: RecordId | None,
        work: Work,
    ) -> Subject | None:
        head, agency = accepted.envelope.head, accepted.agency
        entry = Entry(
            accepted.digest, head.record_id, head.supersedes, agency, tokens, states, retracts
        )
        subject, message = self._known.note(entry)
        work.messages.append(message)
        work.registers_changed = True
        return subject


def named_by(new: New, linked: Linked) -> bytes | None:
    """Return the identifier by which a record names its child: a join may be undone."""
    if linked.subject is None:
        return None
    return new.tokens.strong[0][1] if new.tokens.strong else linked.subject.id
