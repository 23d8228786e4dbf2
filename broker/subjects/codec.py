"""Register entries as bytes on the `registers` topic (sealed there; Avro, one schema)."""

from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from broker.records.names import AgencyId, RecordDigest, RecordId
from broker.subjects.registers import Entry
from broker.subjects.states import Alert, Involvement, Order, Staff, States
from broker.subjects.tokens import Tokens

_ID = {"type": "fixed", "name": "Id", "size": 16}
_DAYS = [
    {"name": "kind", "type": "string"},
    {"name": "first", "type": "int"},
    {"name": "last", "type": ["null", "int"]},
]
_SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "RegisterEntry",
        "namespace": "concordat.v1",
        "fields": [
            {"name": "digest", "type": {"type": "fixed", "name": "Hash", "size": 32}},
            {"name": "record_id", "type": _ID},
            {"name": "supersedes", "type": "Id"},
            {"name": "agency", "type": "string"},
            {
                "name": "strong",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Strong",
                        "fields": [
                            {"name": "system", "type": "string"},
                            {"name": "token", "type": "Id"},
                        ],
                    },
                },
            },
            {"name": "born", "type": ["null", "Id"]},
            {"name": "weak", "type": ["null", "Id"]},
            {
                "name": "involvement",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": "Involvement",
                        "fields": [*_DAYS, {"name": "own_id", "type": ["null", "string"]}],
                    },
                ],
            },
            {
                "name": "alert",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": "Alert",
                        "fields": [
                            *_DAYS,
                            {"name": "who", "type": {"type": "array", "items": "string"}},
                        ],
                    },
                ],
            },
            {
                "name": "order",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": "Order",
                        "fields": [
                            {"name": "says", "type": "string"},
                            {"name": "addressed", "type": ["null", "string"]},
                            {"name": "first", "type": "int"},
                            {"name": "last", "type": ["null", "int"]},
                        ],
                    },
                ],
            },
            {
                "name": "staff",
                "type": [
                    "null",
                    {
                        "type": "array",
                        "items": {
                            "type": "record",
                            "name": "Member",
                            "fields": [
                                {"name": "name", "type": "Id"},
                                {"name": "born", "type": ["null", "Id"]},
                            ],
                        },
                    },
                ],
            },
            {"name": "retracts", "type": ["null", "Id"]},
            {"name": "shard", "type": "int"},
            {"name": "base", "type": "long"},
            {"name": "ordinal", "type": "int"},
        ],
    }
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A register entry with the place it was decided at.

    Attributes:
        entry: the entry.
        shard: lane whose router wrote it.
        base: how many entries that router had read when it wrote this one.
        ordinal: from 0: which of its own entries on top of that base.
    """

    entry: Entry
    shard: int
    base: int
    ordinal: int


def encode_entry(placed: Placed) -> bytes:
    """Return the entry's bytes."""
    entry = placed.entry
    states = entry.states
    out = BytesIO()
    schemaless_writer(
        out,
        _SCHEMA,
        {
            "digest": entry.digest,
            "record_id": entry.record_id,
            "supersedes": entry.supersedes,
            "agency": entry.agency,
            "strong": [{"system": s, "token": t} for s, t in entry.tokens.strong],
            "born": entry.tokens.born,
            "weak": entry.tokens.weak,
            "involvement": asdict(states) if isinstance(states, Involvement) else None,
            "alert": {**asdict(states), "who": list(states.who)}
            if isinstance(states, Alert)
            else None,
            "order": asdict(states) if isinstance(states, Order) else None,
            "staff": [{"name": name, "born": born} for name, born in states.members]
            if isinstance(states, Staff)
            else None,
            "retracts": entry.retracts,
            "shard": placed.shard,
            "base": placed.base,
            "ordinal": placed.ordinal,
        },
    )
    return out.getvalue()


def decode_entry(data: bytes) -> Placed:
    """Return the entry in bytes that this broker wrote (they were sealed, hence authentic)."""
    value: Any = schemaless_reader(BytesIO(data), _SCHEMA, None)
    states: States | None = None
    if value["involvement"] is not None:
        states = Involvement(**value["involvement"])
    elif value["alert"] is not None:
        states = Alert(**{**value["alert"], "who": tuple(value["alert"]["who"])})
    elif value["order"] is not None:
        states = Order(**value["order"])
    elif value["staff"] is not None:
        states = Staff(tuple((one["name"], one["born"]) for one in value["staff"]))
    entry = Entry(
        RecordDigest(value["digest"]),
        RecordId(value["record_id"]),
        RecordId(value["supersedes"]),
        AgencyId(value["agency"]),
        Tokens(
            tuple((one["system"], one["token"]) for one in value["strong"]),
            value["born"],
            value["weak"],
        ),
        states,
        None if value["retracts"] is None else RecordId(value["retracts"]),
    )
    return Placed(entry, value["shard"], value["base"], value["ordinal"])
