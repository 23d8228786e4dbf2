"""Records that wait: for an answer, a narrowing's end, a revision in force, a decision point.

A held record is kept whole, sealed under its record key, in the router's own store, until what
stopped it ends; then it is decided afresh for the consumers that wait (`docs/formats.md`).
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from broker.clock import Instant
from broker.records.digests import ID_BYTES, tag
from broker.records.names import ConsumerId, RecordId

_TASK = tag("task")


class Why(StrEnum):
    """What a consumer waits for."""

    REFER = "refer"
    DEFAULT_WITHHOLD = "default-withhold"
    NARROWED = "narrowed"
    LAPSED = "lapsed"
    UNANSWERED = "unanswered"


BY_PROTOCOL = frozenset({Why.NARROWED, Why.LAPSED})
"""What ends with a protocol entry or with time."""

OWED = frozenset({Why.UNANSWERED})
"""What ends once the decision point answers again. It has a cause of its own, for the log cannot
tell when that was: a verification takes it from there."""

STOPPED = BY_PROTOCOL | OWED
"""What does not end by an answer of a person."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One consumer that waits.

    Attributes:
        consumer: who.
        why: for what.
        answer: what a person at the source has said before about this consumer: none, share or
            refuse; asked again for another reason, it still stands.
        holds: records that it was told of, where this one takes them back or protects a place in
            them. Kept here, for whoever decides afresh has not recalled who holds what.
    """

    consumer: ConsumerId
    why: Why
    answer: str = "none"
    holds: tuple[RecordId, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record with those who wait for it.

    Attributes:
        envelope: its signed bytes.
        topic: where it came in.
        arrived: when it came in.
        key: message key it came with; an answer to its task bears the same.
        waiting: who waits, for what.
    """

    envelope: bytes
    topic: str
    arrived: Instant
    key: bytes
    waiting: tuple[Waiting, ...]


_SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "Held",
        "namespace": "concordat.v1",
        "fields": [
            {"name": "envelope", "type": "bytes"},
            {"name": "topic", "type": "string"},
            {"name": "arrived", "type": "long"},
            {"name": "key", "type": "bytes"},
            {
                "name": "waiting",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Waiting",
                        "fields": [
                            {"name": "consumer", "type": "string"},
                            {"name": "why", "type": "string"},
                            {"name": "answer", "type": "string"},
                            {"name": "holds", "type": {"type": "array", "items": "bytes"}},
                        ],
                    },
                },
            },
        ],
    }
)


def encode_held(held: HeldRecord) -> bytes:
    """Return the held record's bytes, to be sealed."""
    out = BytesIO()
    value = {
        "envelope": held.envelope,
        "topic": held.topic,
        "arrived": held.arrived,
        "key": held.key,
        "waiting": [
            {
                "consumer": one.consumer,
                "why": one.why.value,
                "answer": one.answer,
                "holds": one.holds,
            }
            for one in held.waiting
        ],
    }
    schemaless_writer(out, _SCHEMA, value)
    return out.getvalue()


def decode_held(data: bytes) -> HeldRecord:
    """Return the held record in bytes that this broker wrote and sealed."""
    value: Any = schemaless_reader(BytesIO(data), _SCHEMA, None)
    waiting = tuple(
        Waiting(
            ConsumerId(one["consumer"]),
            Why(one["why"]),
            one["answer"],
            tuple(RecordId(record) for record in one["holds"]),
        )
        for one in value["waiting"]
    )
    return HeldRecord(
        value["envelope"], value["topic"], Instant(value["arrived"]), value["key"], waiting
    )


def task_id(record_id: RecordId, why: str) -> bytes:
    """Return the 16-byte id of the task that a held record, or a retraction, makes for its source.

    Args:
        record_id: of the record that is held, or of the retraction.
        why: a `Why`, or `TAKEN_BACK`.
    """
    return sha256(_TASK + record_id + why.encode()).digest()[:ID_BYTES]
