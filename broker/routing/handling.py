"""What is done with one record after another: seen, linked, asked about, decided, held.

Records are queued until policy must speak, so that the questions of many are asked at once; what
reads what others have written (answers, alerts, retractions, protocol entries) flushes the queue
first. Register entries are applied at once, in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broker.access_log.decided import Archive
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.protocol.decisions import Decision
from broker.protocol.narrowing import narrow
from broker.protocol.questions import Question, labels_of
from broker.protocol.roster import Roster
from broker.records.batches import RandomBytes
from broker.records.check import Accepted, Checker, Seen, compare_seen
from broker.records.envelope import decode_envelope
from broker.records.names import AgencyId, ConsumerId, Kind, RecordDigest, RecordId, agency_of
from broker.records.sealing import KEY_BYTES, open_under
from broker.routing.asking import question_for
from broker.routing.consumers import About, Asked, asked
from broker.routing.deciding import Case, Deciding, Verdict
from broker.routing.entries import ARCHIVE_PART, EntryMaker
from broker.routing.held import HeldRecord, Waiting, Why, decode_held, encode_held, task_id
from broker.routing.holders import Holders
from broker.routing.intake import (
    ABOUT_A_CHILD,
    ALERT,
    ANSWER,
    BETWEEN_PEOPLE,
    HELD,
    RECEIPT,
    SEEN,
    New,
    cause_of,
    main_part,
)
from broker.routing.knowledge import Knowledge
from broker.routing.work import Work
from broker.subjects.registers import (
    NOBODY,
    Alert,
    Entry,
    Involvement,
    Link,
    Standing,
    Subject,
    standing,
)
from broker.subjects.tokens import Tokeniser

HELD_PART = "held"
DIGEST_BYTES = 32

Decide = Callable[[Sequence[Question], Sequence[Instant]], Sequence[Decision]]
"""Policy, memory included: a decision for each question, valid at its own instant."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A record with what linking it gave.

    Attributes:
        link: how it found its subject; None for records about no child.
        subject: who; None unless linked.
        standing: what the registers say of the subject.
    """

    link: Link | None
    subject: Subject | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Queued:
    """A record whose questions are yet to be answered.

    Attributes:
        case: the record with all that is known of it.
        who: consumers to ask.
        answer: what a person at the source has said: none, share or refuse.
        still: others that go on waiting for a held record.
        archive: the record, if it is new.
        cause: the message that made us decide.
    """

    case: Case
    who: tuple[Asked, ...]
    answer: str
    still: tuple[Waiting, ...]
    archive: Archive | None
    cause: Received


class Handling:
    """Handles the records of a batch; holds no state between batches but what `Knowledge` does."""

    def __init__(
        self,
        *,
        checker: Checker,
        tokeniser: Tokeniser,
        maker: EntryMaker,
        knowledge: Knowledge,
        holders: Holders,
        decide: Decide,
        random_bytes: RandomBytes,
    ) -> None:
        """Wire the parts."""
        self._checker = checker
        self._tokeniser = tokeniser
        self._maker = maker
        self._known = knowledge
        self._holders = holders
        self._decide = decide
        self._random = random_bytes
        self._deciding = Deciding(maker, holders)
        self._queue: list[_Queued] = []

    def record(self, new: New, work: Work) -> None:
        """Handle a record that passed the check.

        Raises:
            RecordRefused: `record.conflict`; nothing was done.
        """
        accepted = new.accepted
        record_id = accepted.envelope.head.record_id
        memory = self._checker.memory(accepted)
        remembered = work.row(SEEN, record_id)
        if compare_seen(memory, remembered and remembered[:DIGEST_BYTES]) is Seen.REPEAT:
            work.counts["repeats"] += 1
            return
        received = accepted.received
        work.put(Message(SEEN, record_id, memory + received.at.to_bytes(8, "big")))
        key = work.key(accepted.digest) or self._random(KEY_BYTES)
        work.keys[accepted.digest] = key
        work.counts["accepted"] += 1
        looks_back = accepted.labels.type in (ALERT, ANSWER) or (
            accepted.envelope.head.kind is Kind.RETRACTION
        )
        if looks_back:
            self.flush(work)
        linked = self._register(new, received.at, work)
        envelope = accepted.envelope.encode()
        archive = Archive(accepted.digest, self._maker.under(key, envelope, ARCHIVE_PART))
        case = self._case(new, linked, key, received)
        who = self._asked(new, linked, work)
        self._queue.append(_Queued(case, who, accepted.labels.answer, (), archive, received))
        if accepted.labels.type == ANSWER:
            self._answered(new, work)

    def reopen(self, record_id: bytes, cause: Received, work: Work) -> None:
        """Decide afresh for those who wait for a held record because of a narrowing."""
        found = self._held(record_id, work)
        if found is not None:
            self._afresh(*found, {Why.NARROWED}, "none", cause, work)

    def flush(self, work: Work) -> None:
        """Ask policy about everything that is queued, and write what follows."""
        queue, self._queue = self._queue, []
        agreement_at = self._known.protocol.agreement_at
        questions: list[Question] = []
        instants: list[Instant] = []
        for one in queue:
            agreement = agreement_at(one.case.at)
            if agreement is not None:
                questions += _questions(one, agreement.roster)
                instants += [one.case.at] * len(one.who)
        decisions = iter(zip(questions, self._decide(questions, instants), strict=True))
        for one in queue:
            verdicts = []
            if agreement_at(one.case.at) is not None:
                for asked_one in one.who:
                    question, decision = next(decisions)
                    final = narrow(decision, question, self._known.protocol.narrowings, one.case.at)
                    verdicts.append(Verdict(asked_one, question, final))
            self._conclude(one, verdicts, work)

    def _conclude(self, one: _Queued, verdicts: Sequence[Verdict], work: Work) -> None:
        accepted = one.case.new.accepted
        kind = entry_kind(accepted)
        result = self._deciding.conclude(one.case, verdicts, self._known.protocol.registry, kind)
        for message in result.messages:
            work.put(message)
        for outcome in result.outcomes:
            work.counts[outcome] += 1
        waiting = (*one.still, *result.waiting)
        if waiting or one.archive is None:
            received = accepted.received
            held = HeldRecord(
                accepted.envelope.encode(),
                received.message.topic,
                received.at,
                received.message.key,
                waiting,
            )
            sealed = self._maker.under(one.case.record_key, encode_held(held), HELD_PART)
            row = accepted.digest + sealed if waiting else b""
            work.put(Message(HELD, one.case.record_id, row))
        work.log(one.cause, result.leaves, one.archive)

    def _link(self, new: New, at: Instant) -> Linked:
        """Link a record to its subject as the registers stand."""
        labels = new.accepted.labels
        if labels.type in BETWEEN_PEOPLE or labels.subject not in ABOUT_A_CHILD:
            return Linked(None, None, NOBODY)
        found = self._known.registers.find(new.tokens)
        if found.subject is None:
            return Linked(found.link, None, NOBODY)
        return Linked(found.link, found.subject, standing(found.subject, at))

    def _register(self, new: New, at: Instant, work: Work) -> Linked:
        """Link a new record, and let the registers take from it what it states."""
        accepted = new.accepted
        labels = accepted.labels
        if labels.type in BETWEEN_PEOPLE or labels.subject not in ABOUT_A_CHILD:
            return Linked(None, None, NOBODY)
        found = self._known.registers.find(new.tokens)
        subject = found.subject
        if subject is None:
            return Linked(found.link, None, NOBODY)
        states, retracts = register_of(accepted)
        if found.adds or states is not None or retracts is not None:
            head = accepted.envelope.head
            entry = Entry(
                accepted.digest,
                head.record_id,
                head.supersedes,
                accepted.agency,
                new.tokens,
                states,
                retracts,
            )
            subject, message = self._known.note(entry)
            work.messages.append(message)
            work.registers_changed = True
        return Linked(found.link, subject, standing(subject, at))

    def _asked(self, new: New, linked: Linked, work: Work) -> tuple[Asked, ...]:
        accepted = new.accepted
        labels = accepted.labels
        agreement = self._known.protocol.agreement_at(accepted.received.at)
        if agreement is None or labels.type == ANSWER:
            return ()
        sender = None
        if labels.type == RECEIPT:
            sender = AgencyId(main_part(accepted)["source"])
        about = About(
            accepted.agency,
            labels.type,
            linked.link,
            linked.standing,
            labels.addressed_to,
            sender,
            self._holding(new, linked, agreement.roster.consumers(), work),
        )
        who = asked(about, agreement)
        registry = self._known.protocol.registry
        reached = tuple(one for one in who if registry.can_receive(agency_of(one.consumer)))
        work.counts["consumers without a sealing key"] += len(who) - len(reached)
        return reached

    def _holding(
        self, new: New, linked: Linked, roster: tuple[ConsumerId, ...], work: Work
    ) -> dict[ConsumerId, tuple[RecordId, ...]]:
        accepted = new.accepted
        labels = accepted.labels
        if labels.type == ALERT and linked.subject is not None:
            ids = linked.subject.ids()
            return self._holders.of_subject(ids, work.visible(), roster)
        if accepted.envelope.head.kind is Kind.RETRACTION and labels.concerns is not None:
            concerned = RecordId(labels.concerns)
            found = self._holders.of_record(concerned, accepted.agency, work.visible(), roster)
            return dict.fromkeys(found, (concerned,))
        return {}

    def _case(self, new: New, linked: Linked, record_key: bytes, cause: Received) -> Case:
        return Case(
            new=new,
            record_key=record_key,
            cause=cause_of(cause),
            at=cause.at,
            linked=linked.link,
            subject=None if linked.subject is None else linked.subject.id,
            standing=linked.standing,
            places=self._known.places(),
            key=new.accepted.received.message.key,
        )

    def _held(self, record_id: bytes, work: Work) -> tuple[New, HeldRecord, bytes] | None:
        row = work.row(HELD, record_id)
        key = None if row is None else work.key(RecordDigest(row[:DIGEST_BYTES]))
        if row is None or key is None:
            return None
        partnership = self._checker.partnership
        plain = open_under(key, row[DIGEST_BYTES:], partnership=partnership, part=HELD_PART)
        held = decode_held(plain)
        received = Received(Message(held.topic, held.key, b""), 0, 0, held.arrived)
        accepted = self._checker.reread(decode_envelope(held.envelope), received)
        return New(accepted, self._tokeniser.tokens(accepted.identifiers)), held, key

    def _answered(self, answer: New, work: Work) -> None:
        """Decide a held record afresh: a person at its source has answered."""
        labels = answer.accepted.labels
        found = None if labels.concerns is None else self._held(labels.concerns, work)
        if found is None or found[0].accepted.agency != answer.accepted.agency:
            work.counts["answers without a task"] += 1
            return
        record_id = found[0].accepted.envelope.head.record_id
        task = main_part(answer.accepted)["task"]
        ends = {why for why in Why if task_id(record_id, why) == task}
        self._afresh(*found, ends, labels.answer, answer.accepted.received, work)

    def _afresh(
        self,
        new: New,
        held: HeldRecord,
        record_key: bytes,
        ends: set[Why],
        answer: str,
        cause: Received,
        work: Work,
    ) -> None:
        again = {one.consumer for one in held.waiting if one.why in ends}
        if not again:
            return
        linked = self._link(new, cause.at)
        who = tuple(one for one in self._asked(new, linked, work) if one.consumer in again)
        still = tuple(one for one in held.waiting if one.consumer not in again)
        case = self._case(new, linked, record_key, cause)
        self._queue.append(_Queued(case, who, answer, still, None, cause))


def _questions(one: _Queued, roster: Roster) -> list[Question]:
    accepted = one.case.new.accepted
    labels = labels_of(accepted.labels)
    case = one.case
    return [
        question_for(accepted, labels, case.linked, case.standing, each, roster, one.answer)
        for each in one.who
    ]


def entry_kind(accepted: Accepted) -> str:
    """Return the kind of the log entries that a record makes."""
    if accepted.labels.type in BETWEEN_PEOPLE:
        return "receipt"
    return "register" if accepted.envelope.head.kind is Kind.REGISTER else "decision"


def register_of(accepted: Accepted) -> tuple[Involvement | Alert | None, RecordId | None]:
    """Return what a register record states, and which one it takes back; each None if nothing."""
    head, labels = accepted.envelope.head, accepted.labels
    if labels.type not in ("involvement", ALERT):
        return None, None
    if head.kind is Kind.RETRACTION:
        return None, None if labels.concerns is None else RecordId(labels.concerns)
    said = main_part(accepted)
    if labels.type == ALERT:
        who = tuple(sorted(said["who"]))
        return Alert(said["kind"], said["from"], said["until"], who), None
    own_id = accepted.identifiers.own_id
    return Involvement(said["kind"], said["from"], said["until"], own_id), None
