"""Replay: from the archived records and the protocol alone, what should the log say?

A verification calls this with every message of the log, in order. Records are checked again from
their signed bytes, registers folded again, questions rebuilt, decisions made again with the module
of the revision in force, minimised records and told decisions made again; and everything must be
what the log committed to. Nothing that the router says about its own work is believed.

For each message of the log:

1. The protocol position and head that its entries name are those of the published protocol.
2. A record kept with it passes the check, (1) to (6), and was not accepted before.
3. Its entries are those that must follow, no more and no fewer: facts, question, registers used,
   what was told, and whether something was released.
4. What was told, with the minimised record made again, fits the told commitment.

A decision that was taken again (an answer, a narrowing lifted) follows its cause in the log.

Whether a decision point was there when it was asked, nobody can tell afterwards. So a decision that
says that it was left unanswered is accepted, if it is the floor of what the module decides and
nothing else; and whoever waits for that alone may be decided whenever the log says so. All messages
of one cause are therefore looked at together.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from broker.access_log.decided import Archive, DecidedLeaf
from broker.access_log.entry import commit_told
from broker.access_log.findings import Finding
from broker.access_log.looks import KIND as LOOK
from broker.access_log.opened import OpenedEntry, OpenedMessage
from broker.access_log.parts import Facts
from broker.access_log.ports import LeafIndex, Row
from broker.access_log.tiles import ENTRY_BYTES
from broker.errors import Code, ConcordatError
from broker.lanes import Message, Received
from broker.protocol.decision_codec import decode_decision
from broker.protocol.errors import ProtocolError
from broker.records.check import Checker
from broker.records.envelope import decode_envelope
from broker.records.names import ConsumerId, RecordDigest
from broker.routing.entries import EntryMaker, Said
from broker.routing.handling import Handling
from broker.routing.held import BY_PROTOCOL, OWED, Why
from broker.routing.intake import HELD, New, cause_of, owed_cause, time_cause
from broker.routing.knowledge import Knowledge
from broker.routing.looking import logged_look
from broker.routing.meaning import must_mean_something, sent_past_the_broker
from broker.routing.work import Rows, Work
from broker.subjects.tokens import Tokeniser

TELL = "Stop releasing, keep the stored files as they are, and tell every signatory."

PROTOCOL_DIFFERS = Code(
    "log.replay.protocol",
    "The entry rests on a protocol that is not the published one.",
    TELL,
)
RECORD_REFUSED = Code(
    "log.replay.record", "The record kept with the entry does not pass the check.", TELL
)
RECORD_MISSING = Code(
    "log.replay.unbacked", "The entry has no cause: no record, no answer, no protocol entry.", TELL
)
NUMBER = Code(
    "log.replay.entries", "More or fewer entries stand here than must follow from the cause.", TELL
)
FACTS_DIFFER = Code(
    "log.replay.decision",
    "The decision is not the one that the protocol in force gives.",
    TELL,
)
QUESTION_DIFFERS = Code(
    "log.replay.question",
    "The question is not the one that the signed labels and the registers give.",
    TELL,
)
TOLD_DIFFERS = Code(
    "log.replay.told", "What was told or released is not what the decision allows.", TELL
)

NO_KEY = bytes(8)


@dataclass(slots=True)
class _Expected:
    """What one message of the log must say."""

    saids: list[Said]


class Recorder(EntryMaker):
    """Makes entries that remember what they say, instead of sealing it.

    Attributes:
        saids: what the entries made since it was last emptied say.
    """

    saids: list[Said]

    def make(
        self,
        said: Said,
        record: RecordDigest | None = None,  # noqa: ARG002 - the signature is EntryMaker's
        record_key: bytes | None = None,  # noqa: ARG002 - as above
    ) -> DecidedLeaf:
        """Return a leaf that only carries the place of what it says."""
        self.saids.append(said)
        place = (len(self.saids) - 1).to_bytes(ENTRY_BYTES, "big")
        return DecidedLeaf(leaf=place, facts=b"", personal=b"", row=said.row)


class _Replayed(Work):
    """The work on one message: keeps what would be logged instead of encoding it."""

    def __init__(
        self,
        rows: Rows,
        keys: dict[RecordDigest, bytes],
        recorder: Recorder,
        expected: deque[_Expected],
    ) -> None:
        """See all rows and keys so far; put what must follow behind `expected`."""
        super().__init__(rows, keys)
        recorder.saids = []
        self._recorder = recorder
        self._expected = expected

    def log(
        self,
        received: Received,  # noqa: ARG002 - the signature is Work's
        leaves: list[DecidedLeaf],
        archive: Archive | None,  # noqa: ARG002 - as above
    ) -> None:
        """Keep what the message's entries say."""
        saids = self._recorder.saids
        self._expected.append(
            _Expected([saids[int.from_bytes(leaf.leaf, "big")] for leaf in leaves])
        )


class Replay:
    """One verification's replay; called with each batch of the log, in order.

    Attributes:
        decisions: decisions made again so far.
        logged_late: of each record that was sent past the broker in an emergency: ms from then
            until the log had it.
    """

    def __init__(
        self,
        checker: Checker,
        tokeniser: Tokeniser,
        recorder: Recorder,
        knowledge: Knowledge,
        handling: Handling,
        protocol: Sequence[Received],
    ) -> None:
        """Begin at the first entry, with the whole published protocol at hand.

        The parts are fresh, none is shared with a router.
        """
        self._checker = checker
        self._tokeniser = tokeniser
        self._recorder = recorder
        self._state = knowledge.protocol
        self._registers = knowledge.registers
        self._handling = handling
        self._protocol = deque(protocol)
        self._published = {cause_of(received): received for received in protocol}
        self._rows: Rows = {}
        self._keys: dict[RecordDigest, bytes] = {}
        self._expected: deque[_Expected] = deque()
        self.logged_late: list[int] = []
        self._erased: set[RecordDigest] = set()
        self._group: list[OpenedMessage] = []
        self._unanswered: dict[tuple[RecordDigest, ConsumerId], bool] = {}
        handling.unanswered = self._was_unanswered
        self.decisions = 0

    def __call__(self, messages: Sequence[OpenedMessage]) -> Sequence[Finding]:
        """Return what is wrong with messages up to the last cause; without any, with the rest."""
        findings: list[Finding] = []
        for message in messages:
            if self._group and self._group[0].cause != message.cause:
                findings += self._of_one_cause()
            self._group.append(message)
        return findings if messages else self._of_one_cause()

    def _of_one_cause(self) -> list[Finding]:
        group, self._group = self._group, []
        self._unanswered = dict(_says_unanswered(group))
        return [finding for message in group for finding in self._message(message)]

    def _was_unanswered(self, record: RecordDigest, consumer: ConsumerId, waited: bool) -> bool:  # noqa: FBT001 - see LeftUnanswered
        """Tell what the log says; without a word, that whoever waited for it goes on waiting."""
        return self._unanswered.get((record, consumer), waited)

    def _message(self, message: OpenedMessage) -> list[Finding]:
        first = message.entries[0]
        if first.facts is None:
            return []
        # (1) the protocol
        self._learn(first.facts.protocol.position)
        place = first.facts.protocol
        if (self._state.position, self._state.head) != (place.position, place.head):
            return [Finding(first.index, PROTOCOL_DIFFERS)]
        if first.facts.kind == "quarantine":
            return []
        # (2) the cause
        record = first.kept.record
        if message.erased and record is not None:
            self._erased.add(record)
        if not self._expected:
            if record in self._erased:
                # Nobody can make it again: its entries are counted as erased, and stand.
                self._registers.pass_over(record, first.facts.registers.head)
                return []
            try:
                self._cause(message, first.facts)
            except ConcordatError as error:
                self._expected.clear()
                return [Finding(first.index, RECORD_REFUSED, error.code.name)]
        # (3), (4) what must follow
        return list(self._follow(message, first.index))

    def _follow(self, message: OpenedMessage, index: LeafIndex) -> Iterator[Finding]:
        if not self._expected:
            yield Finding(index, RECORD_MISSING)
            return
        expected = self._expected.popleft()
        if len(expected.saids) != len(message.entries):
            yield Finding(index, NUMBER)
            return
        for said, entry in zip(expected.saids, message.entries, strict=True):
            yield from self._compare(said, entry)

    def _learn(self, position: int) -> None:
        while self._protocol and self._state.position < position:
            self._state.apply(self._protocol.popleft())

    def _cause(self, message: OpenedMessage, facts: Facts) -> None:
        work = _Replayed(self._rows, self._keys, self._recorder, self._expected)
        handling = self._handling
        published = self._published.get(message.cause)
        if facts.kind == "protocol" and published is not None:
            self._expected.append(_Expected([_protocol_said(facts)]))
            if self._state.reopens(published.offset):
                self._reopen(published, work)
        elif facts.kind == LOOK:
            first = message.entries[0]
            said = logged_look(first, facts)
            if first.personal is None or said.facts.cause == message.cause:
                self._expected.append(_Expected([said]))
        elif message.cause == cause_of(time_cause(facts.at)):
            self._reopen(time_cause(facts.at), work)
        elif message.cause == cause_of(owed_cause(facts.at)):
            self._reopen(owed_cause(facts.at), work, OWED)
        elif message.archive is not None:
            envelope = decode_envelope(message.archive)
            topic = f"records.{facts.source}"
            received = Received(Message(topic, NO_KEY, b""), 0, 0, facts.at)
            accepted = self._checker.check_envelope(
                envelope, facts.source, received, facts.protocol.position
            )
            must_mean_something(accepted)
            since = sent_past_the_broker(accepted)
            if since is not None:
                self.logged_late.append(facts.at - since)
            tokens = self._tokeniser.tokens(accepted.identifiers)
            self._registers.logged = facts.registers.head
            handling.record(New(accepted, tokens), work)
        handling.flush(work)
        self._rows.update(work.rows)
        for name in [name for name, value in work.rows.items() if not value]:
            del self._rows[name]
        held = {value[:32] for (topic, _), value in work.rows.items() if topic == HELD and value}
        self._keys.update({r: key for r, key in work.keys.items() if r in held})

    def _reopen(self, cause: Received, work: Work, ends: Collection[Why] = BY_PROTOCOL) -> None:
        for topic, place in sorted(self._rows):
            if topic == HELD:
                self._handling.reopen(place, cause, work, ends)

    def _compare(self, said: Said, entry: OpenedEntry) -> Iterable[Finding]:
        index = LeafIndex(entry.index)
        if entry.facts is None:
            return
        registers = replace(
            said.facts.registers,
            position=entry.facts.registers.position,
            own=entry.facts.registers.own,
        )
        expected = replace(said.facts, cause=entry.facts.cause, registers=registers)
        if said.facts.decision:
            self.decisions += 1
        if expected != entry.facts:
            yield Finding(index, FACTS_DIFFER)
        if said.row != entry.kept.row:
            yield Finding(index, FACTS_DIFFER, "row")
        if entry.told is None:
            return
        if said.personal is not None and said.personal != entry.personal:
            yield Finding(index, QUESTION_DIFFERS)
        told = b"" if said.told is None else said.told.encode()
        commitment = commit_told(entry.told.salt, said.facts.consumer, said.minimised, told)
        if told != entry.told.data or commitment != entry.leaf.told:
            yield Finding(index, TOLD_DIFFERS)
        if ("" if said.to is None else said.to.topic) != entry.kept.topic:
            yield Finding(index, TOLD_DIFFERS, "release")


def _protocol_said(facts: Facts) -> Said:
    return Said(facts, Row("protocol", facts.at, facts.source))


def _says_unanswered(
    group: Iterable[OpenedMessage],
) -> Iterator[tuple[tuple[RecordDigest, ConsumerId], bool]]:
    for message in group:
        for entry in message.entries:
            facts, record = entry.facts, entry.kept.record
            if facts is None or record is None or not facts.decision:
                continue
            try:
                unanswered = decode_decision(facts.decision).unanswered
            except ProtocolError:
                continue  # the comparison says so
            yield (record, ConsumerId(facts.consumer)), unanswered
