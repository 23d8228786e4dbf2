"""What is done with one record after another: seen, linked, asked about, decided, held.

Records are queued until policy must speak, so that the questions of many are asked at once; what
reads what others have written (answers, alerts, retractions, protocol entries) flushes the queue
first. Register entries are applied at once, in order.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from broker.access_log.decided import Archive
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.protocol.agreement import Agreement
from broker.protocol.decisions import Decision, without_answer
from broker.protocol.errors import NO_REVISION
from broker.protocol.narrowing import narrow
from broker.protocol.questions import Question
from broker.records.batches import RandomBytes
from broker.records.check import Accepted, Checker, Seen, compare_seen
from broker.records.envelope import decode_envelope
from broker.records.errors import RecordRefused
from broker.records.names import AgencyId, ConsumerId, Kind, RecordDigest, RecordId, agency_of
from broker.records.sealing import KEY_BYTES, open_under
from broker.routing.asking import questions_for, told_by
from broker.routing.consumers import About, Asked, asked
from broker.routing.deciding import Case, Deciding, Verdict
from broker.routing.entries import ARCHIVE_PART, EntryMaker
from broker.routing.held import (
    BY_PROTOCOL,
    STOPPED,
    HeldRecord,
    Why,
    decode_held,
    encode_held,
    task_id,
)
from broker.routing.holders import Holders
from broker.routing.intake import (
    HELD,
    SEEN,
    TIME,
    New,
    cause_of,
    row_key,
)
from broker.routing.knowledge import Knowledge
from broker.routing.linking import Linking, named_by
from broker.routing.meaning import (
    ALERT,
    ANSWER,
    RECEIPT,
    entry_kind,
    main_part,
    replaced_by,
)
from broker.routing.people import people_of, with_seniors, works_at
from broker.routing.queued import Linked, Queued, without_stopped
from broker.routing.work import Work
from broker.subjects.tokens import Tokeniser

HELD_PART = "held"
DIGEST_BYTES = 32

Decide = Callable[[Sequence[Question], Sequence[Instant]], Sequence[Decision]]
"""Policy, memory included: a decision for each question, valid at its own instant."""

LeftUnanswered = Callable[[RecordDigest, ConsumerId, bool], bool]
"""Whether a question was left unanswered, says a log: by record, by consumer, and whether that is
what the consumer has waited for so far."""


Holding = Mapping[ConsumerId, tuple[RecordId, ...]]
"""Who holds records that this one takes back, or protects a place in."""


class Handling:
    """Handles the records of a batch; holds no state between batches but what `Knowledge` does.

    Attributes:
        owes: policy has left a question unanswered.
        unanswered: for a replay, which the log says were left; else policy says it itself.
    """

    owes: bool = False
    unanswered: LeftUnanswered | None = None

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
        self._linking = Linking(knowledge, tokeniser)
        self._deciding = Deciding(maker, holders)
        self._queue: list[Queued] = []

    def record(self, new: New, work: Work) -> None:
        """Handle a record that passed the check.

        Raises:
            RecordRefused: `record.conflict`, or `protocol.revision.none`; nothing was done.
        """
        accepted = new.accepted
        if self._known.protocol.agreement_at(accepted.received.at) is None:
            # Accepted now, it would be decided by nobody, ever.
            raise RecordRefused(NO_REVISION, "received")
        place = row_key(accepted.agency, accepted.envelope.head.record_id)
        memory = self._checker.memory(accepted)
        remembered = work.row(SEEN, place)
        if compare_seen(memory, remembered and remembered[:DIGEST_BYTES]) is Seen.REPEAT:
            work.counts["repeats"] += 1
            return
        received = accepted.received
        work.put(Message(SEEN, place, memory + received.at.to_bytes(8, "big")))
        key = work.key(accepted.digest) or self._random(KEY_BYTES)
        work.keys[accepted.digest] = key
        work.counts["accepted"] += 1
        replaced = replaced_by(accepted)
        if replaced or accepted.labels.type in (ALERT, ANSWER):
            self.flush(work)
        for one in replaced:
            self._withdraw(row_key(accepted.agency, one), work)
        linked = self._linking.register(new, received.at, work)
        envelope = accepted.envelope.encode()
        archive = Archive(accepted.digest, self._maker.under(key, envelope, ARCHIVE_PART))
        holding = self._holding(new, linked, received.at, work)
        case = self._case(new, linked, key, received, received.at)
        if accepted.envelope.head.kind is Kind.RETRACTION:
            case = replace(case, holders=tuple(sorted(holding)))
        who = self._asked(new, linked, received.at, holding, work)
        self._queue.append(Queued(case, who, {}, (), archive, received))
        if accepted.labels.type == ANSWER:
            self._answered(new, work)

    def reopen(
        self, place: bytes, cause: Received, work: Work, ends: Collection[Why] = BY_PROTOCOL
    ) -> None:
        """Decide afresh for those of a held record who wait for one of `ends`.

        Whoever still does goes on waiting, and nothing is logged about that again. A clock that is
        behind the store's must not decide as of before the record was there.
        """
        found = self._held(place, work)
        by_clock = cause.message.topic == TIME
        if found is not None and not (by_clock and cause.at < found[1].arrived):
            self._afresh(*found, ends, None, cause, work)

    def flush(self, work: Work) -> None:
        """Ask policy about everything that is queued, and write what follows."""
        queue, self._queue = self._queue, []
        protocol = self._known.protocol
        questions: list[Question] = []
        instants: list[Instant] = []
        for one in queue:
            case, roster = one.case, protocol.agreement(one.case.at).roster
            told = told_by(case.new.accepted)
            questions += questions_for(
                told, case.linked, case.standing, one.who, roster, one.answers
            )
            instants += [case.at] * len(one.who)
        decisions = iter(zip(questions, self._decide(questions, instants), strict=True))
        for one in queue:
            verdicts = []
            for asked_one in one.who:
                question, decision = next(decisions)
                if self._left(one, asked_one.consumer):
                    decision = without_answer(decision)
                self.owes = self.owes or decision.unanswered
                final = narrow(decision, question, protocol.narrowings, one.case.at)
                verdicts.append(Verdict(asked_one, question, final))
            if not one.ends:
                self._conclude(one, verdicts, work)
                continue
            freed, verdicts = without_stopped(one, verdicts)
            if verdicts:
                self._conclude(freed, verdicts, work)

    def _left(self, one: Queued, consumer: ConsumerId) -> bool:
        if self.unanswered is None:
            return False
        return self.unanswered(one.case.new.accepted.digest, consumer, Why.UNANSWERED in one.ends)

    def _conclude(self, one: Queued, verdicts: Sequence[Verdict], work: Work) -> None:
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
            work.put(Message(HELD, row_key(accepted.agency, one.case.record_id), row))
        work.log(one.cause, result.leaves, one.archive)

    def _asked(
        self, new: New, linked: Linked, at: Instant, holding: Holding, work: Work
    ) -> tuple[Asked, ...]:
        accepted = new.accepted
        labels = accepted.labels
        if labels.type == ANSWER:
            return ()
        agreement = self._known.protocol.agreement(at)
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
            holding,
        )
        who = self._with_staff(accepted, asked(about, agreement), agreement)
        registry = self._known.protocol.registry
        reached = tuple(one for one in who if registry.can_receive(agency_of(one.consumer)))
        work.counts["consumers without a sealing key"] += len(who) - len(reached)
        return reached

    def _with_staff(
        self, accepted: Accepted, who: tuple[Asked, ...], agreement: Agreement
    ) -> tuple[Asked, ...]:
        registers = self._known.registers
        if not registers.knows_staff:
            return who
        people = people_of(accepted, self._tokeniser)
        checked = tuple(
            replace(one, staff=works_at(people, agency_of(one.consumer), registers)) for one in who
        )
        return with_seniors(checked, accepted.agency, agreement)

    def _holding(self, new: New, linked: Linked, at: Instant, work: Work) -> Holding:
        accepted = new.accepted
        roster = self._known.protocol.agreement(at).roster.consumers()
        labels = accepted.labels
        # Taken back, an alert concerns those who hold the alert, not those who hold a place.
        if accepted.envelope.head.kind is Kind.RETRACTION and labels.concerns is not None:
            concerned = RecordId(labels.concerns)
            found = self._holders.of_record(concerned, accepted.agency, work.visible(), roster)
            return dict.fromkeys(found, (concerned,))
        if labels.type == ALERT and linked.subject is not None:
            ids = linked.subject.ids()
            return self._holders.of_subject(ids, work.visible(), roster)
        return {}

    def _case(
        self, new: New, linked: Linked, record_key: bytes, cause: Received, at: Instant
    ) -> Case:
        return Case(
            new=new,
            record_key=record_key,
            cause=cause_of(cause),
            at=at,
            linked=linked.link,
            subject=named_by(new, linked),
            standing=linked.standing,
            places=self._known.places(),
            key=new.accepted.received.message.key,
        )

    def _held(self, place: bytes, work: Work) -> tuple[New, HeldRecord, bytes] | None:
        row = work.row(HELD, place)
        key = None if row is None else work.key(RecordDigest(row[:DIGEST_BYTES]))
        if row is None or key is None:
            return None
        partnership = self._checker.partnership
        plain = open_under(key, row[DIGEST_BYTES:], partnership=partnership, part=HELD_PART)
        held = decode_held(plain)
        received = Received(Message(held.topic, held.key, b""), 0, 0, held.arrived)
        accepted = self._checker.reread(decode_envelope(held.envelope), received)
        return New(accepted, self._tokeniser.tokens(accepted.identifiers)), held, key

    def _withdraw(self, place: bytes, work: Work) -> None:
        """Let a held record go: its source has taken it back, or said it anew."""
        if work.row(HELD, place) is not None:
            work.put(Message(HELD, place, b""))
            work.counts["held records withdrawn"] += 1

    def _answered(self, answer: New, work: Work) -> None:
        """Decide a held record afresh: a person at its source has answered."""
        labels, agency = answer.accepted.labels, answer.accepted.agency
        place = b"" if labels.concerns is None else row_key(agency, labels.concerns)
        found = self._held(place, work)
        waited = False
        if found is not None:
            record_id = found[0].accepted.envelope.head.record_id
            task = main_part(answer.accepted)["task"]
            ends = {why for why in Why if task_id(record_id, why) == task} - STOPPED
            waited = self._afresh(*found, ends, labels.answer, answer.accepted.received, work)
        work.counts["answers without a task"] += not waited

    def _afresh(
        self,
        new: New,
        held: HeldRecord,
        record_key: bytes,
        ends: Collection[Why],
        answer: str | None,
        cause: Received,
        work: Work,
    ) -> bool:
        """Queue a held record for those whose waiting ends; tell whether there are any.

        Without an answer, what was answered before stands.
        """
        answers = {one.consumer: answer or one.answer for one in held.waiting if one.why in ends}
        if not answers:
            return False
        # What frees a record may have arrived before it, on another topic, and be read after it.
        at = max(cause.at, held.arrived)
        linked = self._linking.link(new, at)
        holding = {one.consumer: one.holds for one in held.waiting if one.holds}
        asked_now = self._asked(new, linked, at, holding, work)
        who = tuple(one for one in asked_now if one.consumer in answers)
        still = tuple(one for one in held.waiting if one.consumer not in answers)
        case = self._case(new, linked, record_key, cause, at)
        reopened = ends if answer is None else frozenset[Why]()
        self._queue.append(Queued(case, who, answers, still, None, cause, reopened))
        return True
