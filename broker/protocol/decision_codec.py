"""Decisions as bytes: Avro without header, one encoding each (`docs/formats.md`, section 12)."""

from functools import lru_cache
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from broker.clock import Instant
from broker.protocol.decisions import Decision, Grant, Obligation, Outcome, Refusal
from broker.protocol.errors import DECISION, ProtocolError

REMEMBERED = 4096
"""Encoded decisions kept, of some 300 bytes: a county has some hundred different ones a day."""

_BAD_BYTES = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError)
"""What fastavro raises on bytes that no writer made."""

_SLOTS = {"type": "array", "items": "int"}
_TEXTS = {"type": "array", "items": "string"}


def _array(name: str, **fields: object) -> dict[str, Any]:
    return {"type": "array", "items": _record(name, **fields)}


def _record(name: str, **fields: object) -> dict[str, Any]:
    listed = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "namespace": "concordat.v1", "fields": listed}


_SCHEMA = parse_schema(
    _record(
        "Decision",
        outcome={"type": "enum", "name": "Outcome", "symbols": [one.value for one in Outcome]},
        slots=_SLOTS,
        grants=_array("Grant", clause="string", slots=_SLOTS, floor="boolean"),
        refusals=_array("Refusal", clause="string", slots=_SLOTS),
        referrals=_TEXTS,
        obligations=_array("Obligation", kind="string", detail="string"),
        reasons=_TEXTS,
        task=["null", "long"],
        floor_outcome="Outcome",
        floor_slots=_SLOTS,
        revision={"type": "fixed", "name": "Revision", "size": 32},
        valid_from="long",
        valid_until="long",
        narrowings=_TEXTS,
    )
)


@lru_cache(REMEMBERED)
def encode_decision(decision: Decision) -> bytes:
    """Return a decision's bytes."""
    out = BytesIO()
    schemaless_writer(
        out,
        _SCHEMA,
        {
            "outcome": decision.outcome.value,
            "slots": decision.slots,
            "grants": [one._asdict() for one in decision.grants],
            "refusals": [one._asdict() for one in decision.refusals],
            "referrals": decision.referrals,
            "obligations": [one._asdict() for one in decision.obligations],
            "reasons": decision.reasons,
            "task": decision.task,
            "floor_outcome": decision.floor_outcome.value,
            "floor_slots": decision.floor_slots,
            "revision": decision.revision,
            "valid_from": decision.valid_from,
            "valid_until": decision.valid_until,
            "narrowings": decision.narrowings,
        },
    )
    return out.getvalue()


def decode_decision(data: bytes) -> Decision:
    """Return the decision in bytes that `encode_decision` made.

    Raises:
        ProtocolError: `protocol.decision.bytes`; it did not make them.
    """
    try:
        value: Any = schemaless_reader(BytesIO(data), _SCHEMA, None)
    except _BAD_BYTES as error:
        raise ProtocolError(DECISION) from error
    decision = Decision(
        Outcome(value["outcome"]),
        tuple(value["slots"]),
        tuple(Grant(one["clause"], tuple(one["slots"]), one["floor"]) for one in value["grants"]),
        tuple(Refusal(one["clause"], tuple(one["slots"])) for one in value["refusals"]),
        tuple(value["referrals"]),
        tuple(Obligation(**one) for one in value["obligations"]),
        tuple(value["reasons"]),
        value["task"],
        Outcome(value["floor_outcome"]),
        tuple(value["floor_slots"]),
        value["revision"],
        Instant(value["valid_from"]),
        Instant(value["valid_until"]),
        tuple(value["narrowings"]),
    )
    # Anything but the one encoding (over-long integers, split blocks, bytes left over) is refused.
    if encode_decision(decision) != data:
        raise ProtocolError(DECISION)
    return decision
