"""From one accepted record and its decisions to entries, releases, tasks and what is held.

Nothing is decided here: decisions come from policy, narrowed; this says what follows from them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from broker.access_log.decided import DecidedLeaf
from broker.access_log.parts import (
    TAKEN_BACK,
    Facts,
    Personal,
    ProtocolPlace,
    RegistersPlace,
    Told,
    ToldObligation,
    ToldTask,
)
from broker.access_log.ports import Row, Token
from broker.clock import DAY, Instant
from broker.lanes import Message
from broker.protocol.clauses import Kind as Duty
from broker.protocol.clauses import span_ms
from broker.protocol.decision_codec import encode_decision
from broker.protocol.decisions import Decision
from broker.protocol.questions import Question
from broker.records.envelope import Splicer
from broker.records.keys import KeyRegistry
from broker.records.names import ConsumerId, RecordId, agency_of, desk_of
from broker.records.schemas import RecordSchema
from broker.routing.consumers import Asked
from broker.routing.entries import EntryMaker, Said, To
from broker.routing.held import Waiting, Why, task_id
from broker.routing.holders import Holders
from broker.routing.intake import New
from broker.subjects.registers import Link
from broker.subjects.standing import Standing

UNFILE_WITHIN = DAY
"""How long those have who un-file what was taken back, where no clause says it."""

NOT_IN_FORCE = frozenset({"lapsed", "not-in-force"})
"""Reasons of a decision by which more may be released once a revision is in force."""


@dataclass(frozen=True, slots=True)
class Places:
    """Which protocol and registers an entry was made under."""

    protocol: ProtocolPlace
    registers: RegistersPlace


@dataclass(frozen=True, slots=True)
class Verdict:
    """One consumer's question and its final decision.

    Attributes:
        asked: who.
        question: what policy was asked.
        decision: after narrowing.
    """

    asked: Asked
    question: Question
    decision: Decision

    def waiting(self, why: Why) -> Waiting:
        """Return what is kept of this consumer while it waits."""
        return Waiting(self.asked.consumer, why, self.question.answer or "none", self.asked.holds)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is known of a record when its entries are made.

    Attributes:
        new: the record.
        record_key: its own key.
        cause: digest of the message that made us decide.
        at: when that message arrived.
        linked: how it found its subject; None for records about no child.
        subject: id of the subject; None unless linked.
        standing: what the registers say of the subject.
        places: protocol and registers as used.
        key: message key for what is released.
        holders: of a retraction: who held what it takes back when it came, told of it or not.
    """

    new: New
    record_key: bytes
    cause: bytes
    at: Instant
    linked: Link | None
    subject: bytes | None
    standing: Standing
    places: Places
    key: bytes
    holders: tuple[ConsumerId, ...] = ()

    @property
    def record_id(self) -> RecordId:
        """The record's id."""
        return self.new.accepted.envelope.head.record_id

    @property
    def schema(self) -> RecordSchema:
        """The record's schema."""
        return self.new.accepted.schema


@dataclass(slots=True)
class Result:
    """What follows: filled while the verdicts are gone through."""

    leaves: list[DecidedLeaf] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


class Deciding:
    """Makes entries of verdicts."""

    def __init__(self, maker: EntryMaker, holders: Holders) -> None:
        """Hold what makes entries and holder rows."""
        self._maker = maker
        self._holders = holders

    def conclude(
        self, case: Case, verdicts: Sequence[Verdict], registry: KeyRegistry, kind: str
    ) -> Result:
        """Return what follows from all verdicts on one record.

        Args:
            case: the record.
            verdicts: one for each consumer asked.
            registry: agencies' sealing keys.
            kind: of the entries: decision, register or receipt.
        """
        result = Result()
        splicer = Splicer(case.new.accepted.envelope, case.new.accepted.digests)
        for verdict in verdicts:
            self._one(case, verdict, splicer, registry, kind, result)
        for why in (Why.REFER, Why.DEFAULT_WITHHOLD):
            self._task(case, why, verdicts, splicer, registry, result)
        if case.holders:
            self._taken_back(case, verdicts, splicer, registry, result)
        if not result.leaves:
            result.leaves.append(self._nobody(case, kind))
        return result

    def _one(
        self,
        case: Case,
        verdict: Verdict,
        splicer: Splicer,
        registry: KeyRegistry,
        kind: str,
        result: Result,
    ) -> None:
        decision, asked = verdict.decision, verdict.asked
        consumer = asked.consumer
        told = to = None
        minimised = b""
        if decision.outcome.releases:
            agency = agency_of(consumer)
            minimised = splicer.minimise(decision.slots)
            told = self._told(case, verdict)
            to = To(f"deliveries.{agency}", case.key, registry.sealing_key(agency))
            place = set(case.schema.tagged("place"))
            result.messages += self._holders.released(
                case.record_id,
                case.new.accepted.agency,
                consumer,
                case.subject,
                place=not place.isdisjoint(decision.slots),
            )
        why = waits_for(decision)
        if why is not None:
            result.waiting.append(verdict.waiting(why))
        result.outcomes.append(decision.outcome.value)
        said = Said(
            self._facts(case, kind, consumer, decision),
            self._row(case, kind, consumer, decision),
            self._personal(case, verdict),
            told,
            minimised,
            to,
        )
        result.leaves.append(self._maker.make(said, case.new.accepted.digest, case.record_key))

    def _told(self, case: Case, verdict: Verdict) -> Told:
        decision, consumer = verdict.decision, verdict.asked.consumer
        own = case.standing.own_ids.get(agency_of(consumer))
        return Told(
            kind="delivery",
            consumer=consumer,
            outcome=decision.outcome.value,
            slots=decision.slots,
            clauses=decision.told_clauses,
            obligations=tuple(ToldObligation(one.kind, one.detail) for one in decision.obligations),
            revision=decision.revision,
            protocol=case.places.protocol,
            desk=desk_of(consumer),
            own_identifier=own,
            holds=verdict.asked.holds,
        )

    def _task(
        self,
        case: Case,
        why: Why,
        verdicts: Sequence[Verdict],
        splicer: Splicer,
        registry: KeyRegistry,
        result: Result,
    ) -> None:
        asking = [one for one in verdicts if waits_for(one.decision) is why]
        if not asking:
            return
        within = min(one.decision.task for one in asking if one.decision.task is not None)
        clauses = {reason for one in asking for reason in one.decision.reasons}
        who = {one.asked.consumer for one in asking}
        revision = asking[0].decision.revision
        task = _task_of(case, why, within, who, clauses)
        self._to_source(case, task, revision, splicer, registry, result)

    def _taken_back(
        self,
        case: Case,
        verdicts: Sequence[Verdict],
        splicer: Splicer,
        registry: KeyRegistry,
        result: Result,
    ) -> None:
        """Tell a source who holds what it takes back: it must see that they all un-file it."""
        decisions = [one.decision for one in verdicts]
        duties = [duty for one in decisions for duty in one.obligations]
        spans = [span_ms(duty.detail) for duty in duties if duty.kind == Duty.ACKNOWLEDGE_BY]
        clauses = {clause for one in decisions for clause in one.told_clauses}
        revision = decisions[0].revision if decisions else None
        within = min(spans, default=UNFILE_WITHIN)
        task = _task_of(case, TAKEN_BACK, within, case.holders, clauses)
        self._to_source(case, task, revision, splicer, registry, result)

    def _to_source(
        self,
        case: Case,
        task: ToldTask,
        revision: bytes | None,
        splicer: Splicer,
        registry: KeyRegistry,
        result: Result,
    ) -> None:
        source = case.new.accepted.agency
        told = Told(
            kind="task",
            consumer=source,
            outcome="",
            slots=(),
            clauses=(),
            obligations=(),
            revision=revision,
            protocol=case.places.protocol,
            task=task,
        )
        # An agency without a sealing key finds the task in the log once it has one, and says so.
        to = None
        if registry.can_receive(source):
            to = To(f"deliveries.{source}", case.key, registry.sealing_key(source))
        said = Said(
            self._facts(case, "task", ConsumerId(source), None),
            self._row(case, "task", ConsumerId(source), None),
            self._bare_personal(case),
            told,
            splicer.minimise(()),
            to,
        )
        result.leaves.append(self._maker.make(said, case.new.accepted.digest, case.record_key))
        result.outcomes.append("task")

    def _nobody(self, case: Case, kind: str) -> DecidedLeaf:
        """Return the entry of a record that nobody is asked about: accepted, told to no one."""
        nobody = ConsumerId("")
        said = Said(
            self._facts(case, kind, nobody, None),
            self._row(case, kind, nobody, None),
            self._bare_personal(case),
        )
        return self._maker.make(said, case.new.accepted.digest, case.record_key)

    @staticmethod
    def _facts(case: Case, kind: str, consumer: ConsumerId, decision: Decision | None) -> Facts:
        return Facts(
            kind=kind,
            at=case.at,
            source=case.new.accepted.agency,
            consumer=consumer,
            cause=case.cause,
            decision=b"" if decision is None else encode_decision(decision),
            revision=None if decision is None else decision.revision,
            protocol=case.places.protocol,
            registers=case.places.registers,
        )

    @staticmethod
    def _row(case: Case, kind: str, consumer: ConsumerId, decision: Decision | None) -> Row:
        clauses: tuple[str, ...] = ()
        if decision is not None:
            refusing = {one.clause for one in decision.refusals}
            clauses = tuple(sorted({*decision.clauses, *decision.reasons, *refusing}))
        return Row(
            kind=kind,
            at=case.at,
            source=case.new.accepted.agency,
            consumer=consumer,
            outcome="" if decision is None else decision.outcome.value,
            type=case.schema.type,
            clauses=clauses,
            tokens=tuple(Token(token) for token in case.new.tokens.all()),
        )

    @staticmethod
    def _personal(case: Case, verdict: Verdict) -> Personal:
        return Personal(
            record=case.new.accepted.digest,
            question=verdict.question.canonical,
            registers=case.standing.used,
            link=_link_word(case.linked),
            tokens=case.new.tokens.all(),
            holds=verdict.asked.holds,
        )

    @staticmethod
    def _bare_personal(case: Case) -> Personal:
        return Personal(
            record=case.new.accepted.digest,
            question=None,
            registers=case.standing.used,
            link=_link_word(case.linked),
            tokens=case.new.tokens.all(),
        )


def _task_of(
    case: Case, why: str, within: int, who: Iterable[ConsumerId], clauses: Iterable[str]
) -> ToldTask:
    deadline = Instant(case.at + within)
    task = task_id(case.record_id, why)
    return ToldTask(task, str(why), deadline, tuple(sorted(who)), tuple(sorted(clauses)))


def _link_word(linked: Link | None) -> str:
    return "" if linked is None else linked.value


def waits_for(decision: Decision) -> Why | None:
    """Return what a consumer waits for after this decision, None if for nothing more.

    A referral, or a default withhold, may stand beside a release: the floor goes at once. What was
    left unanswered comes first: nobody is asked by a decision that was not made.
    """
    if decision.unanswered:
        return Why.UNANSWERED
    if decision.referrals and decision.task is not None:
        return Why.REFER
    if not NOT_IN_FORCE.isdisjoint(decision.reasons):
        return Why.LAPSED
    if decision.narrowings:
        return Why.NARROWED
    if decision.task is not None:
        return Why.DEFAULT_WITHHOLD
    return None
