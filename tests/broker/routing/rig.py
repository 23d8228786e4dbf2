"""One core with its state in dictionaries: what the tests of routing drive, step by step.

It does what `broker.routing.router` does, without lanes or waiting: teach, open, recall, decide,
and (unless told otherwise) commit. What comes out is opened with every key of the county.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.access_log.decided import Handed, Kept
from broker.access_log.deliveries import DeliveryBody
from broker.access_log.errors import Erased, KeyConflict
from broker.access_log.findings import Finding
from broker.access_log.opened import OpenedMessage
from broker.access_log.opening_check import OpeningCheck
from broker.access_log.parts import Facts, Personal, Told, ToldTask
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.protocol.decision_codec import decode_decision
from broker.protocol.decisions import Decision
from broker.receipts.delivery import delivery_way
from broker.records.envelope import Envelope, Minimised, Slot, decode_minimised
from broker.records.names import SLOT_IDENTITY, SLOT_SCHEMA, AgencyId, RecordDigest
from broker.records.sealing import Opener
from broker.records.statement import Statement
from broker.routing.core import Core
from broker.routing.holders import HOLDERS
from broker.routing.host import Needs, Outputs, Recalled
from broker.routing.intake import HELD, SEEN
from broker.routing.knowledge import REGISTERS
from broker.routing.replay import Replay
from broker.routing.work import DECIDED, Rows
from broker.runtimes.opening import BrokerOpener
from broker.runtimes.policy import run_ready
from tests.support.county import (
    ACADEMY,
    COUNCIL,
    GIRL,
    HOSPITALS,
    POLICE,
    SCHOOL,
    SURGERY,
    County,
    child,
    schemas,
)
from tests.support.statements import involved, later

TABLES = frozenset({SEEN, HELD, HOLDERS})

PERSONAL = (
    GIRL.nhs_number,
    GIRL.own_id,
    GIRL.given,
    GIRL.family,
    GIRL.date_of_birth,
    "01632 960101",
    "desk@example.org",
    "bus station",
    "ZZ1 1AA",
)
"""What a record of these tests says of a person, a place or whom to ring."""


class MemoryRecordKeys:
    """`RecordKeys` that are two dictionaries."""

    def __init__(self) -> None:
        self.kept: dict[RecordDigest, bytes] = {}
        self.gone: dict[RecordDigest, Instant] = {}

    async def keep(self, keys: Mapping[RecordDigest, bytes]) -> None:
        if any(len(key) != 32 for key in keys.values()):
            message = "a key has 32 bytes"
            raise ValueError(message)
        if self.gone.keys() & keys.keys():
            raise Erased("memory")
        if any(self.kept.get(record, key) != key for record, key in keys.items()):
            raise KeyConflict("memory")
        self.kept.update(keys)

    async def get(self, records: Collection[RecordDigest]) -> dict[RecordDigest, bytes]:
        return {record: self.kept[record] for record in records if record in self.kept}

    async def destroyed(self, records: Collection[RecordDigest]) -> dict[RecordDigest, Instant]:
        return {record: self.gone[record] for record in records if record in self.gone}

    async def destroy(self, records: Collection[RecordDigest], at: Instant) -> None:
        for record in records:
            self.kept.pop(record, None)
            self.gone.setdefault(record, at)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, opened by everybody at once.

    Attributes:
        facts: for auditors.
        decision: in the facts; None if there is none.
        personal: None if there is none.
        told: None if nobody is told anything.
        topic: where something was released; empty if nowhere.
        minimised: what was released beside the told decision.
    """

    facts: Facts
    decision: Decision | None
    personal: Personal | None
    told: Told | None
    topic: str
    minimised: bytes

    @property
    def consumer(self) -> str:
        return self.facts.consumer

    @property
    def outcome(self) -> str:
        return "" if self.decision is None else self.decision.outcome.value

    @property
    def record(self) -> Minimised:
        return decode_minimised(self.minimised)

    @property
    def question(self) -> bytes:
        assert self.personal is not None
        assert self.personal.question is not None
        return self.personal.question


@dataclass
class Rig:
    """One core and everything that it has written."""

    county: County = field(default_factory=County)
    make: Callable[[], Core] | None = None

    def __post_init__(self) -> None:
        self.core = (self.make or self.county.core)()
        self.rows: Rows = {}
        self.keys = MemoryRecordKeys()
        self.registers: list[Received] = []
        self.decided: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.needs = Needs()
        self._read = [0, 0]
        self._offset = 0
        self._at = 0

    # ------------------------------------------------------------------ in

    def sent(self, *messages: Message, at: Instant | None = None) -> list[Received]:
        """Let messages arrive, a second after each other."""
        found = []
        for message in messages:
            self._at += 1
            self._offset += 1
            found.append(Received(message, 0, self._offset, at or later(self._at)))
        return found

    def say(
        self, agency: AgencyId, *said: Statement | Envelope, at: Instant | None = None
    ) -> list[Received]:
        """Let an agency's records arrive."""
        when = at or later(self._at)
        return self.sent(*(self.county.message(agency, one, when) for one in said), at=at)

    # ------------------------------------------------------------------ through

    def learn(self) -> None:
        """Teach the core what is new on the two topics."""
        protocol, registers = self.county.entries[self._read[0] :], self.registers[self._read[1] :]
        self._read = [len(self.county.entries), len(self.registers)]
        self.core.learn(protocol, registers)

    def decide(self, messages: Sequence[Received]) -> Outputs:
        """Open and decide one batch; commit nothing."""
        self.learn()
        self.needs = self.core.open(messages)
        return self.core.decide(self.recalled(self.needs))

    def recalled(self, needs: Needs) -> Recalled:
        """Return what the core asks for, as committed."""
        rows = {
            (topic, key): value
            for (topic, key), value in self.rows.items()
            if key in needs.rows.get(topic, ())
            or any(key.startswith(one) for one in needs.prefixes.get(topic, ()))
        }
        held = {RecordDigest(v[:32]) for (topic, _), v in rows.items() if topic in needs.keys_of}
        return Recalled(rows, run_ready(self.keys.get(held | needs.records)))

    def commit(self, outputs: Outputs) -> list[Entry]:
        """Make outputs durable; return the entries among them."""
        run_ready(self.keys.keep(outputs.keys))
        self.counts.update(outputs.counts)
        for message in outputs.messages:
            if message.topic == REGISTERS:
                place = len(self.registers)
                self.registers.append(Received(message, 0, place, later(self._at)))
            elif message.topic == DECIDED:
                self.decided.append(message.value)
            elif message.value:
                self.rows[message.topic, message.key] = message.value
            else:
                self.rows.pop((message.topic, message.key), None)
        return self.entries(outputs)

    def route(self, *batch: Received | Sequence[Received]) -> list[Entry]:
        """Decide and commit one batch; return its entries."""
        messages: list[Received] = []
        for one in batch:
            messages += [one] if isinstance(one, Received) else one
        return self.commit(self.decide(messages))

    def tell(self, agency: AgencyId, *said: Statement | Envelope) -> list[Entry]:
        """Route an agency's records as one batch; return its entries."""
        return self.route(self.say(agency, *said))

    def sweep(self, at: Instant) -> list[Entry]:
        """Let time pass until `at`; return the entries of what that frees."""
        self.learn()
        return self.commit(self.core.sweep(self.recalled(self.core.look_back()), at))

    @property
    def held(self) -> int:
        """How many records wait."""
        return sum(topic == HELD for topic, _ in self.rows)

    # ------------------------------------------------------------------ out

    def entries(self, outputs: Outputs) -> list[Entry]:
        """Open the entries among outputs."""
        return self.opened_entries(m.value for m in outputs.messages if m.topic == DECIDED)

    def opened_entries(self, values: Iterable[bytes]) -> list[Entry]:
        """Open the entries in messages of `decided`."""
        found: list[Entry] = []
        for value in values:
            handed = Handed.decode(value)
            releases = dict(handed.releases)
            message = self.opened(handed.kept)
            for number, one in enumerate(message.entries):
                assert one.facts is not None
                decision = decode_decision(one.facts.decision) if one.facts.decision else None
                told = None
                if one.told is not None and one.told.data:
                    told = Told.decode(one.told.data)
                release = releases.get(number)
                minimised = b""
                if release is not None:
                    agency = release.topic.partition(".")[2]
                    body = self.received(AgencyId(agency), release.topic, release.sealed)
                    assert told is not None
                    assert Told.decode(body.told) == told
                    assert body.leaf(told.consumer) == one.leaf
                    minimised = body.minimised
                topic = "" if release is None else release.topic
                found.append(Entry(one.facts, decision, one.personal, told, topic, minimised))
        return found

    def received(self, agency: AgencyId, topic: str, sealed: bytes) -> DeliveryBody:
        """Open what was released to an agency."""
        private = self.county.agencies[agency].seal
        opener = Opener(self.county.partnership, (private,))
        return DeliveryBody.decode(opener.open(sealed, delivery_way(agency, topic)))

    def opened(self, kept: bytes) -> OpenedMessage:
        """Open what the log keeps of one message; all of it must fit its commitments."""
        facts = X25519PrivateKey.from_private_bytes(self.county.secrets.facts)
        opener = BrokerOpener(self.county.partnership, facts, self.keys)
        decoded = Kept.decode(kept)
        (unsealed,) = run_ready(opener.open([decoded]))
        check = OpeningCheck()
        message = check.message(0, decoded, unsealed)
        assert (check.findings, check.closed) == ([], 0)
        return message

    def verify(self, replay: Replay | None = None) -> list[Finding]:
        """Replay everything that was decided; return what is wrong with it."""
        run = replay or self.county.replay()
        log = [self.opened(Handed.decode(value).kept) for value in self.decided]
        return [*run(log), *run(())]


def by_consumer(entries: Iterable[Entry], kind: str = "decision") -> dict[str, Entry]:
    """Return entries of a kind by consumer; each consumer has one."""
    chosen = [one for one in entries if one.facts.kind == kind]
    found = {one.consumer: one for one in chosen}
    assert len(found) == len(chosen)
    return found


def outcomes(entries: Iterable[Entry], kind: str = "decision") -> dict[str, str]:
    """Return each consumer's outcome."""
    return {consumer: one.outcome for consumer, one in by_consumer(entries, kind).items()}


def quarantined(entries: list[Entry], code: str, agency: AgencyId = POLICE) -> Entry:
    """Return the one entry of a message that was not accepted; its source alone is told.

    The reason says nothing of what is in the record.
    """
    (entry,) = entries
    assert entry.facts.kind == "quarantine"
    assert entry.facts.code == code
    assert (entry.consumer, entry.facts.source) == (agency, agency)
    assert (entry.decision, entry.facts.revision) == (None, None)
    assert entry.told is not None
    assert (entry.told.kind, entry.told.code, entry.told.consumer) == ("quarantine", code, agency)
    assert (entry.told.outcome, entry.told.slots, entry.told.clauses) == ("", (), ())
    for part in (entry.facts.encode(), entry.told.encode()):
        assert not any(str(one).encode() in part for one in PERSONAL)
    return entry


def refused(rig: Rig, message: Message, code: str, at: Instant | None = None) -> Entry:
    """Route a bad message of the police; return its one entry. Nothing else comes of it."""
    entry = quarantined(rig.route(rig.sent(message, at=at)), code)
    assert entry.topic == f"quarantine.{POLICE}"
    assert rig.counts == {f"quarantined {code}": 1}
    assert rig.rows == {}
    assert rig.keys.kept == {}
    assert rig.verify() == []
    return entry


def acquainted() -> Rig:
    """Return a core that knows who works with the girl; another child is at the academy."""
    made = Rig()
    made.tell(SCHOOL, involved(made.county, "on-roll"))
    made.tell(SURGERY, involved(made.county, "registered"))
    made.tell(HOSPITALS, involved(made.county, "open-case"))
    made.tell(COUNCIL, involved(made.county, "allocated"))
    made.tell(ACADEMY, involved(made.county, "on-roll", about=child(2)))
    return made


def sign(rig: Rig, agency: AgencyId, said: Statement) -> Envelope:
    """Return one signed record."""
    return rig.county.sign(agency, said)[0]


def released(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return by consumer what was delivered."""
    found = {one.consumer: one for one in entries if one.topic and one.facts.kind != "task"}
    for consumer, one in found.items():
        assert one.topic == f"deliveries.{consumer.partition('/')[0]}"
        assert one.told is not None
        assert one.told.outcome == one.outcome
    return found


def opened(entry: Entry) -> set[str]:
    """Return the names of the slots that a delivery opens; contact and schema are always open."""
    record = entry.record
    assert entry.told is not None
    numbers = set(record.opened())
    assert numbers == set(entry.told.slots)
    schema = record.slots[SLOT_SCHEMA]
    assert isinstance(schema, Slot)
    own = schemas().by_digest(schema.value).slots
    return {own[one].name for one in numbers if one in own} | (
        {"identity"} if SLOT_IDENTITY in numbers else set()
    )


def task(entries: Iterable[Entry]) -> ToldTask:
    """Return the one task that entries put to their source; it shows nothing of the record."""
    (found,) = (one for one in entries if one.facts.kind == "task")
    assert found.told is not None
    assert found.told.task is not None
    assert found.topic == f"deliveries.{found.facts.source}"
    assert found.record.opened() == ()
    return found.told.task


def told(entry: Entry) -> Told:
    """Return what an entry's consumer is told."""
    assert entry.told is not None
    return entry.told
