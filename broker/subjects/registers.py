"""Registers: who is whom, who is involved, what protects; folded from signed records, in order.

Rules (`docs/formats.md`, section 9):

1. A record links by a valid strong identifier and a date of birth. Without both it is unlinked.
2. Identifiers that one accepted record carries together are one child's: a record that carries
   two known children's identifiers joins them, if they share a date of birth and do not have two
   different identifiers of one system.
3. Anything else that does not fit (another date of birth, two identifiers of one system) is
   ambiguous: two candidates, so no link.
4. Involvement and alerts hold from their first day to the end of their last one (days are UTC),
   until a later version supersedes them or their own source retracts them; also if that arrives
   before what it ends. A record id is one source's: nobody ends or replaces another's record. A
   retraction need not link: it names what it ends.
5. The head is a hash chain over the entries' record digests. A decision names the head it used, so
   that the same state can be folded again, and absence be checked too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from broker.clock import DAY, FOREVER, Instant
from broker.records.digests import tag
from broker.records.names import ZERO_ID, AgencyId, RecordDigest, RecordId, agency_of
from broker.subjects.states import Alert, Involvement, Order, Staff, States
from broker.subjects.tokens import Tokens

FORBIDS = "forbids"
REQUIRES = "requires"
NO_ORDER = "none"
COURT_ORDER = "court-order"

_HEAD = tag("registers-head")


class Link(StrEnum):
    """How a record found its subject."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of the registers.

    Attributes:
        digest: r of the signed record that says so.
        record_id: its id.
        supersedes: the version before; zero if there is none.
        agency: its source.
        tokens: of the subject.
        states: an involvement, an alert, an order, who works there, or None where the record only
            ties identifiers together.
        retracts: the id of a register record that its source takes back; None else.
    """

    digest: RecordDigest
    record_id: RecordId
    supersedes: RecordId
    agency: AgencyId
    tokens: Tokens
    states: States | None = None
    retracts: RecordId | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An involvement, alert or order with the record that states it."""

    agency: AgencyId
    digest: RecordDigest
    states: Involvement | Alert | Order

    def boundaries(self) -> tuple[Instant, Instant]:
        """Return the instants at which it begins and has ended."""
        last = self.states.last
        end = FOREVER if last is None else Instant((last + 1) * DAY)
        return Instant(self.states.first * DAY), end


Source = tuple[AgencyId, RecordId]
"""A register record by its source and id: another agency may use the same id, by design or not."""


@dataclass(slots=True)
class Subject:
    """One child (or other subject) as the registers know her; changed by the fold alone.

    Attributes:
        id: token that first named her.
        former: ids of subjects that were joined to this one.
        born: token of the date of birth.
        strong: system → token.
        holds: source and record id → involvement or alert.
    """

    id: bytes
    born: bytes
    former: list[bytes] = field(default_factory=list)
    strong: dict[str, bytes] = field(default_factory=dict)
    holds: dict[Source, Held] = field(default_factory=dict)

    def ids(self) -> tuple[bytes, ...]:
        """Return every id that this subject has had."""
        return (self.id, *self.former)


@dataclass(frozen=True, slots=True)
class Found:
    """What linking a record gives: how, and who (None unless linked)."""

    link: Link
    subject: Subject | None
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Which state a decision used: entries folded, and the chain over their digests."""

    position: int
    digest: bytes


class Registers:
    """The fold. One process's own copy; after a failed commit it is thrown away and folded anew."""

    def __init__(self) -> None:
        """Begin empty."""
        self._by_token: dict[bytes, Subject] = {}
        self._of_record: dict[Source, Subject] = {}
        # What was superseded or retracted, known or not yet: a handful a child, 100 bytes each.
        self._ended: set[Source] = set()
        self._staff: dict[Source, Staff] = {}
        self._head = Head(0, bytes(32))

    @property
    def head(self) -> Head:
        """The state's name."""
        return self._head

    def find(self, tokens: Tokens) -> Found:
        """Link by rules 1 to 3, changing nothing."""
        if not tokens.strong or tokens.born is None:
            return Found(Link.UNLINKED, None)
        candidates = self._candidates(tokens)
        merged: dict[str, bytes] = dict(tokens.strong)
        for one in candidates:
            if one.born != tokens.born:
                return Found(Link.AMBIGUOUS, None)
            for system, token in one.strong.items():
                if merged.setdefault(system, token) != token:
                    return Found(Link.AMBIGUOUS, None)
        if not candidates:
            return Found(Link.LINKED, Subject(tokens.strong[0][1], tokens.born), adds=True)
        adds = len(candidates) > 1 or len(merged) > len(candidates[0].strong)
        return Found(Link.LINKED, candidates[0], adds)

    def _candidates(self, tokens: Tokens) -> list[Subject]:
        found: list[Subject] = []
        for _, token in tokens.strong:
            subject = self._by_token.get(token)
            if subject is not None and all(subject is not other for other in found):
                found.append(subject)
        return found

    def stated(self, agency: AgencyId, record_id: RecordId) -> Subject | None:
        """Return whom an involvement or alert of this source is about, as long as it holds."""
        return self._of_record.get((agency, record_id))

    def staff_of(self, agency: AgencyId) -> tuple[Staff, ...]:
        """Return what an agency has said of who works there; nothing if it has said nothing."""
        return tuple(staff for source, staff in self._staff.items() if source[0] == agency)

    def has_staff(self, agency: AgencyId, record_id: RecordId) -> bool:
        """Tell whether this record of an agency says who works there."""
        return (agency, record_id) in self._staff

    def knows(self, agency: AgencyId, record_id: RecordId) -> bool:
        """Tell whether anything here rests on this record of an agency."""
        return self.has_staff(agency, record_id) or self.stated(agency, record_id) is not None

    @property
    def knows_staff(self) -> bool:
        """Whether any agency has said who works there."""
        return bool(self._staff)

    def apply(self, entry: Entry) -> Subject | None:
        """Take one entry into account and move the head; return its subject, if it has one.

        Raises:
            ValueError: the entry does not link, nor does it retract what is known; nobody may have
                written it.
        """
        if self._is_of_staff(entry):
            self._apply_staff(entry)
            return None
        subject = self.find(entry.tokens).subject
        if subject is not None:
            subject = self._join(subject, entry.tokens)
        elif entry.retracts is not None and entry.states is None:
            subject = self.stated(entry.agency, entry.retracts)
        if subject is None:
            message = "a register entry must link to one subject"
            raise ValueError(message)
        superseded = None if entry.states is None else entry.supersedes
        for former in (entry.retracts, superseded):
            if former is not None and former != ZERO_ID:
                self._ended.add((entry.agency, former))
                self._forget((entry.agency, former))
        source = (entry.agency, entry.record_id)
        states = entry.states
        if states is not None and not isinstance(states, Staff) and source not in self._ended:
            self._forget(source)
            subject.holds[source] = Held(entry.agency, entry.digest, states)
            self._of_record[source] = subject
        self._move(entry)
        return subject

    def _is_of_staff(self, entry: Entry) -> bool:
        if isinstance(entry.states, Staff):
            return True
        return entry.retracts is not None and (entry.agency, entry.retracts) in self._staff

    def _apply_staff(self, entry: Entry) -> None:
        for former in (entry.retracts, entry.supersedes):
            if former is not None and former != ZERO_ID:
                self._ended.add((entry.agency, former))
                self._staff.pop((entry.agency, former), None)
        source = (entry.agency, entry.record_id)
        if isinstance(entry.states, Staff) and source not in self._ended:
            self._staff[source] = entry.states
        self._move(entry)

    def _move(self, entry: Entry) -> None:
        chained = sha256(_HEAD + self._head.digest + entry.digest).digest()
        self._head = Head(self._head.position + 1, chained)

    def _join(self, subject: Subject, tokens: Tokens) -> Subject:
        for other in self._candidates(tokens):
            if other is subject:
                continue
            subject.former += other.ids()
            subject.strong.update(other.strong)
            subject.holds.update(other.holds)
            for token in other.strong.values():
                self._by_token[token] = subject
            for source in other.holds:
                self._of_record[source] = subject
        for system, token in tokens.strong:
            subject.strong[system] = token
            self._by_token[token] = subject
        return subject

    def _forget(self, source: Source) -> None:
        subject = self._of_record.pop(source, None)
        if subject is not None:
            del subject.holds[source]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registers say of a subject at one instant.

    Attributes:
        involved: agency → kinds of its current involvement, sorted.
        own_ids: agency → its own identifier of the subject.
        alerts: kinds of alerts in force, sorted.
        not_visible_to: persons who must not see it, sorted.
        used: digests of the register records that this rests on, sorted.
        until: the next instant at which any of it changes by itself.
        orders: (what it says, whom it names) of each court order in force, sorted.
    """

    involved: dict[AgencyId, tuple[str, ...]]
    own_ids: dict[AgencyId, str]
    alerts: tuple[str, ...]
    not_visible_to: tuple[str, ...]
    used: tuple[RecordDigest, ...]
    until: Instant
    orders: tuple[tuple[str, str | None], ...] = ()

    def ordered(self, consumer: str) -> str:
        """Return what orders in force say of a consumer: forbids, requires or none.

        One that forbids and names nobody forbids to tell anybody; one that requires must name whom.
        """
        if not self.orders:
            return NO_ORDER
        agency = agency_of(consumer)
        said = {says for says, named in self.orders if named in (consumer, agency)}
        said |= {says for says, named in self.orders if named is None and says == FORBIDS}
        return FORBIDS if FORBIDS in said else REQUIRES if REQUIRES in said else NO_ORDER


NOBODY = Standing({}, {}, (), (), (), FOREVER)
"""What is known of a subject that could not be linked."""


def standing(subject: Subject, at: Instant) -> Standing:
    """Return what holds for a subject at `at`."""
    kinds: dict[AgencyId, set[str]] = {}
    own_ids: dict[AgencyId, str] = {}
    alerts: set[str] = set()
    hidden: set[str] = set()
    used: list[RecordDigest] = []
    orders: list[tuple[str, str | None]] = []
    until = FOREVER
    for held in subject.holds.values():
        begins, ends = held.boundaries()
        until = min((until, *(bound for bound in (begins, ends) if bound > at)))
        if not begins <= at < ends:
            continue
        used.append(held.digest)
        states = held.states
        if isinstance(states, Involvement):
            kinds.setdefault(held.agency, set()).add(states.kind)
            if states.own_id is not None:
                own_ids[held.agency] = states.own_id
        elif isinstance(states, Order):
            alerts.add(COURT_ORDER)
            orders.append((states.says, states.addressed))
        elif isinstance(states, Alert):
            alerts.add(states.kind)
            hidden.update(states.who)
    return Standing(
        {agency: tuple(sorted(found)) for agency, found in sorted(kinds.items())},
        own_ids,
        tuple(sorted(alerts)),
        tuple(sorted(hidden)),
        tuple(sorted(used)),
        until,
        tuple(sorted(orders, key=str)),
    )


def chain(digests: Iterable[RecordDigest]) -> Head:
    """Return the head over record digests alone, for checking the chain without the entries."""
    head = Head(0, bytes(32))
    for digest in digests:
        chained = sha256(_HEAD + head.digest + digest).digest()
        head = Head(head.position + 1, chained)
    return head
