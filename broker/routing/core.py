"""The core: one batch of messages becomes outputs. No clock, no file; random bytes are given.

Life of a batch: `open` checks every message and says what must be recalled; `decide` handles
message after message and returns what is to be committed. Whatever raises here is a fault: the
router throws this core away, halves the batch and tries again, so that nothing half done survives.
"""

from collections.abc import Callable, Collection, Sequence

from broker.access_log.parts import Facts, Told
from broker.access_log.ports import Row
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.records.check import Checker
from broker.records.errors import RecordRefused
from broker.records.names import AgencyId
from broker.routing.entries import EntryMaker, Said, To
from broker.routing.handling import Handling
from broker.routing.held import BY_PROTOCOL, OWED, Why
from broker.routing.host import INTERNAL, Needs, Outputs, Recalled
from broker.routing.intake import (
    HELD,
    SEEN,
    Item,
    Looked,
    New,
    ProtocolEntry,
    Quarantined,
    carried,
    cause_of,
    needs_of,
    owed_cause,
    row_key,
    take_in,
    time_cause,
    with_key,
)
from broker.routing.knowledge import Knowledge
from broker.routing.looking import look_said
from broker.routing.work import Recent, Work
from broker.subjects.tokens import Tokeniser


class Core:
    """All state of one router, and the work on one batch."""

    def __init__(
        self,
        checker: Checker,
        tokeniser: Tokeniser,
        maker: EntryMaker,
        knowledge: Knowledge,
        handling: Handling,
        answering: Callable[[], bool] | None = None,
    ) -> None:
        """Wire the parts; `knowledge` is empty and this core's own.

        Args:
            checker: checks records.
            tokeniser: makes tokens.
            maker: makes entries.
            knowledge: what the topics say.
            handling: handles records.
            answering: whether a decision point that can be away would answer now. With one, the
                core begins by looking for what a former one has left unanswered.
        """
        self._checker = checker
        self._tokeniser = tokeniser
        self._maker = maker
        self._known = knowledge
        self._handling = handling
        self._answering = answering
        self._handling.owes = answering is not None
        self._pays = False
        self._items: tuple[Item, ...] = ()
        self._recent = Recent()

    def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """Take in what is new on the two topics, in order."""
        self._known.learn(protocol, registers)

    def open(self, messages: Sequence[Received]) -> Needs:
        """Open and check a batch; return what must be recalled to decide it."""
        protocol = self._known.protocol
        keyed = [with_key(received) for received in messages]
        self._items = take_in(keyed, self._checker, self._tokeniser, protocol.position)
        reopens = any(
            isinstance(item, ProtocolEntry) and protocol.reopens(item.received.offset)
            for item in self._items
        )
        return needs_of(self._items, self._known.registers, reopens=reopens)

    def decide(self, recalled: Recalled) -> Outputs:
        """Decide the batch that was opened last."""
        work = self._recent.begin(recalled)
        for item in self._items:
            if isinstance(item, New):
                try:
                    self._handling.record(item, work)
                except RecordRefused as error:
                    content = item.accepted.envelope.encode()
                    refused = Quarantined(item.accepted.received, error.code, content)
                    self._quarantine(refused, work)
            elif isinstance(item, ProtocolEntry):
                self._protocol_entry(item.received, work)
            elif isinstance(item, Looked):
                self._looked(item, work)
            else:
                self._quarantine(item, work)
        return self._end(work)

    def look_back(self) -> Needs:
        """Return what must be recalled to see whether time, or an answer, has ended a wait."""
        self._pays = self._handling.owes and self._answering is not None and self._answering()
        if not (self._pays or self._known.protocol.changes_by_time):
            return Needs()
        return Needs({}, {HELD: frozenset({b""})}, frozenset({HELD}))

    def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        """Decide afresh, as of `at`, whatever is held and is no longer stopped."""
        work = self._recent.begin(recalled)
        self._reopen(time_cause(at), work)
        if self._pays:
            self._handling.flush(work)
            self._handling.owes = False
            self._reopen(owed_cause(at), work, OWED)
        return self._end(work)

    def _reopen(self, cause: Received, work: Work, ends: Collection[Why] = BY_PROTOCOL) -> None:
        for topic, place in sorted(work.visible()):
            if topic == HELD:
                self._handling.reopen(place, cause, work, ends)

    def give_up(self, message: Received) -> Outputs:
        """Quarantine a message without looking into it."""
        work = self._recent.begin(Recalled())
        content = carried(message.message.value)
        self._quarantine(Quarantined(with_key(message), INTERNAL, content), work)
        return self._end(work)

    def _end(self, work: Work) -> Outputs:
        self._handling.flush(work)
        self._recent.keep(work)
        self._items = ()
        return work.outputs()

    def _protocol_entry(self, received: Received, work: Work) -> None:
        protocol = self._known.protocol
        source = protocol.author(received.offset)
        facts = self._facts("protocol", received, source)
        leaf = self._maker.make(Said(facts, Row("protocol", received.at, source)))
        work.log(received, [leaf], None)
        work.counts["protocol entries"] += 1
        if protocol.reopens(received.offset):
            self._reopen(received, work)

    def _looked(self, item: Looked, work: Work) -> None:
        """Log a look once, also if the router died before it could note that it has."""
        look, digest = item.look, item.look.digest
        place = row_key(AgencyId(look.agency), look.id)
        if work.row(SEEN, place) is not None:
            return
        work.put(Message(SEEN, place, digest + look.at.to_bytes(8, "big")))
        key = work.key(digest) or self._maker.new_key()
        work.keys[digest] = key
        leaf = self._maker.make(look_said(look, self._known.places()), digest, key)
        work.log(item.received, [leaf], None)
        work.counts["looks"] += 1

    def _quarantine(self, item: Quarantined, work: Work) -> None:
        received = item.received
        agency = AgencyId(received.message.topic.partition(".")[2])
        facts = self._facts("quarantine", received, agency, agency, item.code.name)
        told = Told(
            kind="quarantine",
            consumer=agency,
            outcome="",
            slots=(),
            clauses=(),
            obligations=(),
            revision=None,
            protocol=facts.protocol,
            code=item.code.name,
        )
        registry = self._known.protocol.registry
        to = None
        if registry.can_receive(agency):
            key = registry.sealing_key(agency)
            to = To(f"quarantine.{agency}", received.message.key, key)
        row = Row("quarantine", received.at, agency, agency)
        leaf = self._maker.make(Said(facts, row, None, told, item.content, to))
        work.log(received, [leaf], None)
        work.counts[f"quarantined {item.code.name}"] += 1

    def _facts(
        self,
        kind: str,
        received: Received,
        source: AgencyId,
        consumer: str = "",
        code: str | None = None,
    ) -> Facts:
        places = self._known.places()
        return Facts(
            kind=kind,
            at=received.at,
            source=source,
            consumer=consumer,
            cause=cause_of(received),
            decision=b"",
            revision=None,
            protocol=places.protocol,
            registers=places.registers,
            code=code,
        )
