"""The parts of an entry as values and as bytes: Facts, Personal, Told.

Each is Avro behind a single-object header, one schema for all record types, so that no fingerprint
names a type (`docs/log-format.md`, section 6).
"""

from dataclasses import dataclass
from typing import Any, Self

from broker.access_log.codec import Codec, Fields, array, hash_type, record
from broker.clock import Instant
from broker.records.digests import ID_BYTES
from broker.records.names import AgencyId, RecordDigest, RecordId

KINDS = ("decision", "quarantine", "protocol", "register", "receipt", "task", "look")
"""What an entry is about. Others may follow: a reader keeps what it does not know."""

_ID = hash_type("Id", ID_BYTES)
_TEXTS = array("string")

FACTS = Codec(
    record(
        "Facts",
        kind="string",
        at_ms="long",
        source="string",
        consumer="string",
        cause=hash_type(),
        decision="bytes",
        revision=["null", "Hash"],
        protocol=record("Place", position="long", head="Hash"),
        registers=record("Registers", position="long", head="Hash", own="int"),
        code=["null", "string"],
    )
)
PERSONAL = Codec(
    record(
        "Personal",
        record=hash_type(),
        question=["null", "bytes"],
        registers=array("Hash"),
        link="string",
        tokens=array(_ID),
        holds=array("Id"),
    )
)
TOLD = Codec(
    record(
        "Told",
        kind="string",
        consumer="string",
        outcome="string",
        slots=array("int"),
        clauses=_TEXTS,
        obligations=array(record("Obligation", kind="string", detail="string")),
        revision=["null", hash_type()],
        protocol=record("Place", position="long", head="Hash"),
        desk="string",
        own_identifier=["null", "string"],
        task=[
            "null",
            record(
                "Task",
                id=_ID,
                why="string",
                deadline_ms="long",
                consumers=_TEXTS,
                clauses=_TEXTS,
            ),
        ],
        code=["null", "string"],
        holds=array("Id"),
    )
)


@dataclass(frozen=True, slots=True)
class ProtocolPlace:
    """How far the protocol was read when an entry was made.

    Attributes:
        position: number of entries of the `protocol` topic that were read.
        head: digest over them.
    """

    position: int
    head: bytes

    def fields(self) -> Fields:
        """Return the fields of `Place`."""
        return {"position": self.position, "head": self.head}

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Return the place in fields of `Place`."""
        return cls(fields["position"], fields["head"])


@dataclass(frozen=True, slots=True)
class RegistersPlace:
    """How far the registers were read when an entry was made.

    Attributes:
        position: number of entries of the `registers` topic that were read.
        head: digest over them and the entry's own.
        own: how many register records of the entry's own batch were folded in besides.
    """

    position: int
    head: bytes
    own: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What auditors and parties see of an entry.

    Attributes:
        kind: one of `KINDS`.
        at: the time of the decision.
        source: agency that the cause came from.
        consumer: agency, or agency/desk; empty if the entry has none.
        cause: digest of the message that made us decide.
        decision: the encoded decision; empty if the entry decides nothing.
        revision: digest of the revision that decided; None if none did.
        protocol: the protocol as it stood.
        registers: the registers as they stood.
        code: why it was not accepted, for quarantine; else None.
    """

    kind: str
    at: Instant
    source: AgencyId
    consumer: str
    cause: bytes
    decision: bytes
    revision: bytes | None
    protocol: ProtocolPlace
    registers: RegistersPlace
    code: str | None = None

    def encode(self) -> bytes:
        """Return the bytes that are committed to."""
        place = self.registers
        return FACTS.encode(
            {
                "kind": self.kind,
                "at_ms": self.at,
                "source": self.source,
                "consumer": self.consumer,
                "cause": self.cause,
                "decision": self.decision,
                "revision": self.revision,
                "protocol": self.protocol.fields(),
                "registers": {
                    "position": place.position,
                    "head": place.head,
                    "own": place.own,
                },
                "code": self.code,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the facts in `data`.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding.
        """
        fields = FACTS.decode(data)
        registers = fields["registers"]
        return cls(
            kind=fields["kind"],
            at=Instant(fields["at_ms"]),
            source=AgencyId(fields["source"]),
            consumer=fields["consumer"],
            cause=fields["cause"],
            decision=fields["decision"],
            revision=fields["revision"],
            protocol=ProtocolPlace.of(fields["protocol"]),
            registers=RegistersPlace(registers["position"], registers["head"], registers["own"]),
            code=fields["code"],
        )


@dataclass(frozen=True, slots=True)
class Personal:
    """What only those see who may see the record.

    Attributes:
        record: r, the record's digest.
        question: what policy was asked, RFC 8785 JSON; None if nothing was.
        registers: record digests of the register entries that the question used.
        link: how the subject was linked.
        tokens: of the subject, 16 bytes each.
        holds: for a notice, ids of the records that its consumer already holds.
    """

    record: RecordDigest
    question: bytes | None
    registers: tuple[RecordDigest, ...]
    link: str
    tokens: tuple[bytes, ...]
    holds: tuple[RecordId, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes that are committed to."""
        return PERSONAL.encode(
            {
                "record": self.record,
                "question": self.question,
                "registers": self.registers,
                "link": self.link,
                "tokens": self.tokens,
                "holds": self.holds,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the personal part in `data`.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding.
        """
        fields = PERSONAL.decode(data)
        return cls(
            record=RecordDigest(fields["record"]),
            question=fields["question"],
            registers=tuple(RecordDigest(digest) for digest in fields["registers"]),
            link=fields["link"],
            tokens=tuple(fields["tokens"]),
            holds=tuple(RecordId(held) for held in fields["holds"]),
        )


@dataclass(frozen=True, slots=True)
class ToldObligation:
    """What a consumer must do with a delivery."""

    kind: str
    detail: str = ""


TAKEN_BACK = "taken-back"
"""Why a source has a task about a retraction: all who hold what it takes back must un-file it."""


@dataclass(frozen=True, slots=True)
class ToldTask:
    """What a person at the source is asked to answer, or must see to.

    Attributes:
        id: 16 bytes that an answer names.
        why: code of the reason.
        deadline: when it escalates.
        consumers: who would receive the record; with `TAKEN_BACK`, who holds what is taken back.
        clauses: ids of the clauses that ask.
    """

    id: bytes
    why: str
    deadline: Instant
    consumers: tuple[str, ...]
    clauses: tuple[str, ...]

    def fields(self) -> Fields:
        """Return the fields of `Task`."""
        return {
            "id": self.id,
            "why": self.why,
            "deadline_ms": self.deadline,
            "consumers": self.consumers,
            "clauses": self.clauses,
        }

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Return the task in fields of `Task`."""
        return cls(
            fields["id"],
            fields["why"],
            Instant(fields["deadline_ms"]),
            tuple(fields["consumers"]),
            tuple(fields["clauses"]),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What a consumer is told of the decision: itself minimised.

    Attributes:
        kind: delivery, task or quarantine.
        consumer: whom it is for.
        outcome: existence or content; empty for tasks and quarantine.
        slots: numbers of the open slots, rising.
        clauses: ids of the granting clauses, sorted; none that names a type the outcome hides.
        obligations: what travels with the release.
        revision: digest of the revision that decided; None if none did.
        protocol: the protocol as it stood.
        desk: the consumer's desk that it is meant for; empty for the agency.
        own_identifier: the consumer's own id of the subject, from its own involvement.
        task: what to answer; None if it is no task.
        code: why it was not accepted, for quarantine.
        holds: ids of records that the consumer holds already, which this one is about.
    """

    kind: str
    consumer: str
    outcome: str
    slots: tuple[int, ...]
    clauses: tuple[str, ...]
    obligations: tuple[ToldObligation, ...]
    revision: bytes | None
    protocol: ProtocolPlace
    desk: str = ""
    own_identifier: str | None = None
    task: ToldTask | None = None
    code: str | None = None
    holds: tuple[RecordId, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes that are committed to."""
        return TOLD.encode(
            {
                "kind": self.kind,
                "consumer": self.consumer,
                "outcome": self.outcome,
                "slots": self.slots,
                "clauses": self.clauses,
                "obligations": [
                    {"kind": one.kind, "detail": one.detail} for one in self.obligations
                ],
                "revision": self.revision,
                "protocol": self.protocol.fields(),
                "desk": self.desk,
                "own_identifier": self.own_identifier,
                "task": None if self.task is None else self.task.fields(),
                "code": self.code,
                "holds": self.holds,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the told decision in `data`.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding.
        """
        fields = TOLD.decode(data)
        task: dict[str, Any] | None = fields["task"]
        return cls(
            kind=fields["kind"],
            consumer=fields["consumer"],
            outcome=fields["outcome"],
            slots=tuple(fields["slots"]),
            clauses=tuple(fields["clauses"]),
            obligations=tuple(
                ToldObligation(one["kind"], one["detail"]) for one in fields["obligations"]
            ),
            revision=fields["revision"],
            protocol=ProtocolPlace.of(fields["protocol"]),
            desk=fields["desk"],
            own_identifier=fields["own_identifier"],
            task=None if task is None else ToldTask.of(task),
            code=fields["code"],
            holds=tuple(RecordId(held) for held in fields["holds"]),
        )
