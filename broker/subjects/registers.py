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
   retraction need not link: it names what it ends, and ties nothing itself.
5. The head is a hash chain over the entries' record digests. A decision names the head it used, so
   that the same state can be folded again, and absence be checked too.
6. The state is that of the entries that stand, folded in the order in which they came. What its
   source retracts or replaces stands no more, and neither do the ties that it made: children whom
   it alone has joined are two again, and what was ambiguous because of it links. An entry that is
   ambiguous waits and has no effect until then. A version that would be ambiguous does not replace
   what holds: an alert goes on protecting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from broker.clock import DAY, FOREVER, Instant
from broker.records.digests import tag
from broker.records.names import ZERO_ID, AgencyId, RecordDigest, RecordId
from broker.subjects.states import Alert, Involvement, Order, Staff, States
from broker.subjects.ties import Source, Ties
from broker.subjects.tokens import Tokens

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


@dataclass(slots=True)
class Subject:
    """One child (or other subject) as the registers know her; changed by the fold alone.

    Good until the next entry: where something was taken back, the fold makes subjects anew.

    Attributes:
        id: token that first named her.
        born: token of the date of birth.
        strong: system → token.
        holds: source and record id → involvement or alert.
    """

    id: bytes
    born: bytes
    strong: dict[str, bytes] = field(default_factory=dict)
    holds: dict[Source, Held] = field(default_factory=dict)

    def ids(self) -> tuple[bytes, ...]:
        """Return every identifier by which a record may name this subject, as tokens."""
        return tuple(dict.fromkeys((self.id, *self.strong.values())))


@dataclass(frozen=True, slots=True)
class Found:
    """What linking a record gives: how, and who (None unless linked)."""

    link: Link
    subject: Subject | None


@dataclass(frozen=True, slots=True)
class Head:
    """Which state a decision used: entries folded, and the chain over their digests."""

    position: int
    digest: bytes


class Registers:
    """The fold. One process's own copy; after a failed commit it is thrown away and folded anew.

    Attributes:
        logged: in a replay, the head that the log names for the record in work; None else. Behind
            an erased record it tells which records became entries: nobody can say it otherwise.
    """

    logged: bytes | None = None

    def __init__(self) -> None:
        """Begin empty."""
        self._by_token: dict[bytes, Subject] = {}
        self._of_record: dict[Source, Subject] = {}
        self._stands: dict[Source, Entry] = {}
        self._ties = Ties()
        # What was superseded or retracted, known or not yet: a handful a child, 100 bytes each.
        self._ended: set[Source] = set()
        # What was replaced by a record that states nothing: ends only what states nothing.
        self._replaced: set[Source] = set()
        self._staff: dict[Source, Staff] = {}
        self._head = Head(0, bytes(32))
        self._lacks = False

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
            return Found(Link.LINKED, Subject(tokens.strong[0][1], tokens.born))
        return Found(Link.LINKED, candidates[0])

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
        """Tell whether anything here rests on this record of an agency, or waits with it."""
        return self.has_staff(agency, record_id) or (agency, record_id) in self._stands

    def only_ties(self, agency: AgencyId, record_id: RecordId) -> bool:
        """Tell whether a record of an agency stands here that does nothing but tie identifiers."""
        entry = self._stands.get((agency, record_id))
        return entry is not None and entry.states is None

    def wants(self, agency: AgencyId, tokens: Tokens) -> bool:
        """Tell whether a record that states nothing is needed to keep its identifiers together."""
        return self._ties.wants(agency, tokens)

    def becomes_entry(self, digest: RecordDigest, *, wanted: bool) -> bool:
        """Tell whether a record becomes an entry: as it is wanted, or as a log says (`logged`)."""
        if not self._lacks or self.logged is None:
            return wanted
        return _chained(self._head, digest).digest == self.logged

    def tokens_near(self, tokens: Tokens) -> set[bytes]:
        """Return every identifier that may turn out to be one child's with one of these."""
        return self._ties.tokens_near(tokens)

    @property
    def knows_staff(self) -> bool:
        """Whether any agency has said who works there."""
        return bool(self._staff)

    def apply(self, entry: Entry) -> Subject | None:
        """Take one entry into account and move the head; return its subject, if it has one.

        Raises:
            ValueError: the entry could not link, nor does it end what is known; nobody may have
                written it.
        """
        if self._is_of_staff(entry):
            self._apply_staff(entry)
            return None
        source = (entry.agency, entry.record_id)
        links = bool(entry.tokens.strong) and entry.tokens.born is not None
        ends = {(entry.agency, one) for one in (entry.retracts, entry.supersedes) if one}
        if not links and self._stands.keys().isdisjoint(ends) and not self._lacks:
            message = "a register entry must be able to link, or end another one"
            raise ValueError(message)
        subject = None
        if entry.retracts is not None and entry.retracts != ZERO_ID:
            former = self._stands.get((entry.agency, entry.retracts))
            self._ended.add((entry.agency, entry.retracts))
            self._drop((entry.agency, entry.retracts))
            if former is not None:
                subject = self._whom(former.tokens)
        if entry.retracts is None or entry.states is not None:
            self._version(entry, source, links=links)
            subject = None
        self._move(entry)
        return self.find(entry.tokens).subject or subject

    def pass_over(self, digest: RecordDigest, head: bytes) -> None:
        """Move the head past an entry whose record was erased, if that is what leads to `head`."""
        moved = _chained(self._head, digest)
        if moved.digest == head:
            self._head = moved
            self._lacks = True

    def _version(self, entry: Entry, source: Source, *, links: bool) -> None:
        """Let an entry stand, in place of the version before."""
        former = (entry.agency, entry.supersedes)
        before = self._stands.get(former)
        if entry.supersedes == ZERO_ID:
            before = None
        elif entry.states is not None:
            self._ended.add(former)
        else:
            self._replaced.add(former)
            before = before if before is not None and before.states is None else None
        holds = former in self._of_record
        order = None if before is None else self._drop(former)
        self._drop(source)
        if links and source not in self._ended and not self._is_replaced(entry, source):
            self._stand(source, entry)
        waits = source in self._stands and source not in self._of_record
        if before is not None and order is not None and holds and waits:
            # It finds no child, or more than one: what holds is not lost by that.
            self._ended.discard(former)
            self._drop(source)
            self._stand(former, before, order)

    def _is_replaced(self, entry: Entry, source: Source) -> bool:
        return entry.states is None and source in self._replaced

    def _stand(self, source: Source, entry: Entry, order: int | None = None) -> None:
        self._stands[source] = entry
        self._ties.add(source, entry.tokens, order)
        if order is None:
            self._place(source, entry)
        else:
            self._fold_again(self._ties.near(entry.tokens))

    def _drop(self, source: Source) -> int | None:
        """Let an entry stand no more; return where it stood."""
        entry = self._stands.get(source)
        if entry is None:
            return None
        near = self._ties.near(entry.tokens)
        for token in self._ties.tokens_near(entry.tokens):
            self._by_token.pop(token, None)
        del self._stands[source]
        self._of_record.pop(source, None)
        order = self._ties.drop(source)
        self._fold_again([one for one in near if one != source])
        return order

    def _fold_again(self, near: Sequence[Source]) -> None:
        """Place entries anew, in order: all that are near each other, and no others."""
        for one in near:
            self._of_record.pop(one, None)
            for _, token in self._stands[one].tokens.strong:
                self._by_token.pop(token, None)
        for one in near:
            self._place(one, self._stands[one])

    def _place(self, source: Source, entry: Entry) -> None:
        subject = self.find(entry.tokens).subject
        if subject is None:
            return
        self._join(subject, entry.tokens)
        states = entry.states
        if states is not None and not isinstance(states, Staff):
            subject.holds[source] = Held(entry.agency, entry.digest, states)
            self._of_record[source] = subject

    def _whom(self, tokens: Tokens) -> Subject:
        """Return whom identifiers name now; nobody known if they name two."""
        nobody = Subject(tokens.strong[0][1], tokens.born or b"")
        return self.find(tokens).subject or nobody

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
        self._head = _chained(self._head, entry.digest)

    def _join(self, subject: Subject, tokens: Tokens) -> None:
        for other in self._candidates(tokens):
            if other is subject:
                continue
            subject.strong.update(other.strong)
            subject.holds.update(other.holds)
            for token in other.strong.values():
                self._by_token[token] = subject
            for source in other.holds:
                self._of_record[source] = subject
        for system, token in tokens.strong:
            subject.strong[system] = token
            self._by_token[token] = subject


def chain(digests: Iterable[RecordDigest]) -> Head:
    """Return the head over record digests alone, for checking the chain without the entries."""
    head = Head(0, bytes(32))
    for digest in digests:
        head = _chained(head, digest)
    return head


def _chained(head: Head, digest: RecordDigest) -> Head:
    chained = sha256(_HEAD + head.digest + digest).digest()
    return Head(head.position + 1, chained)
