"""The program of the pipeline by hand: `python -m benchmarks.kafka.hand_worker SETTINGS`.

What a good engineer would write in a week with the usual parts, and nothing of Concordat: aiokafka,
fastavro, cryptography, and aiohttp to an OPA server. A message is a signature, 64 bytes, and the
Avro record that it signs.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from benchmarks.kafka.relay import Hop, Out, Taken, end_with_parent, relay

SIGNATURE_OCTETS = 64
CONNECTIONS = 16
"""To OPA at once; with 32 two cores do less."""

RELEASES = frozenset({"existence", "content"})
CONTACT = 7
UNKNOWN_FLAG = ["null", "boolean"]
CODES = ["null", {"type": "array", "items": "string"}]
SLOTS = {
    "type": "array",
    "items": {
        "type": "record",
        "name": "Slot",
        "fields": [{"name": "number", "type": "int"}, {"name": "value", "type": "bytes"}],
    },
}
LABELS = {
    "type": "record",
    "name": "Labels",
    "fields": [
        *({"name": n, "type": ["null", "string"]} for n in ("type", "subject", "age_band")),
        {"name": "handling", "type": ["null", "string"]},
        *({"name": n, "type": CODES} for n in ("indicators", "protections", "purpose")),
        *({"name": n, "type": CODES} for n in ("roles", "facts")),
        {"name": "summary_shareable", "type": UNKNOWN_FLAG},
        {"name": "third_party_checked", "type": UNKNOWN_FLAG},
    ],
}
RECORD = parse_schema(
    {
        "type": "record",
        "name": "Record",
        "fields": [
            {"name": "record_id", "type": "bytes"},
            {"name": "agency", "type": "string"},
            {"name": "issued_at_ms", "type": "long"},
            {"name": "kind", "type": "string"},
            {"name": "schema", "type": "string"},
            {"name": "labels", "type": LABELS},
            {"name": "slots", "type": SLOTS},
        ],
    }
)
DELIVERY = parse_schema(
    {
        "type": "record",
        "name": "Delivery",
        "fields": [
            {"name": "record_id", "type": "bytes"},
            {"name": "agency", "type": "string"},
            {"name": "issued_at_ms", "type": "long"},
            {"name": "kind", "type": "string"},
            {"name": "schema", "type": "string"},
            {"name": "consumer", "type": "string"},
            {"name": "told", "type": "string"},
            {"name": "slots", "type": SLOTS},
        ],
    }
)

Plain = dict[str, Any]


def encoded(schema: Any, plain: Mapping[str, Any]) -> bytes:  # noqa: ANN401 - fastavro's own
    """Return a record in Avro."""
    buffer = BytesIO()
    schemaless_writer(buffer, schema, plain)
    return buffer.getvalue()


class OpaRefused(RuntimeError):  # noqa: N818 - what happened
    """OPA gave no decision."""


@dataclass(frozen=True, slots=True)
class Told:
    """Names of topics.

    Attributes:
        agencies: one each, for deliveries.
        refused: for what is not signed by whom it says.
    """

    agencies: Mapping[str, list[str]]
    refused: str


class Pipeline:
    """Verify, look up, ask, encode."""

    def __init__(self, settings: Mapping[str, Any], session: aiohttp.ClientSession) -> None:
        """Load keys and registers."""
        self._session = session
        self._url = f"{settings['opa']}/v1/data/concordat/decide"
        self._at: int = settings["at"]
        self._keys = {
            agency: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            for agency, key in settings["keys"].items()
        }
        # By record here, by child in earnest: one look into a dictionary either way.
        self._registers: dict[bytes, Plain] = {
            bytes.fromhex(record): one for record, one in settings["registers"].items()
        }
        self._told = Told(settings["outputs"], settings["refused"])
        self._turns: int = settings["turns"]

    async def work(self, taken: Taken) -> list[Out]:
        """Return what comes of some messages; all their questions are under way at once."""
        handled = await asyncio.gather(*(self._one(one.key, one.value) for one in taken))
        return [out for outs in handled for out in outs]

    async def _one(self, key: bytes, value: bytes) -> list[Out]:
        try:
            record = self._opened(value)
        except (InvalidSignature, KeyError, ValueError, EOFError):
            return [Out(self._told.refused, key, value)]
        known = self._registers[record["record_id"]]
        decisions = await asyncio.gather(
            *(self._ask(_question(record, known, one)) for one in known["asked"])
        )
        copies = self._told.agencies
        turn = int.from_bytes(key, "big") // self._turns
        return [
            Out(copies[agency][turn % len(copies[agency])], key, content)
            for agency, content in _deliveries(record, known, decisions)
        ]

    def _opened(self, value: bytes) -> Plain:
        body = value[SIGNATURE_OCTETS:]
        record: Plain = schemaless_reader(BytesIO(body), RECORD)  # type: ignore[assignment]  # a JSON object
        self._keys[record["agency"]].verify(value[:SIGNATURE_OCTETS], body)
        return record

    async def _ask(self, question: Plain) -> Plain:
        asked = {"input": {"at": self._at, "questions": [question]}}
        async with self._session.post(self._url, json=asked) as answer:
            answer.raise_for_status()
            said = await answer.json()
        try:
            (decision,) = said["result"]["decisions"]
        except (KeyError, ValueError) as error:
            raise OpaRefused(str(said)[:200]) from error
        return dict(decision)


def _question(record: Plain, known: Plain, asked: Plain) -> Plain:
    return {
        "source": {"agency": record["agency"], "type": known["agency_type"]},
        "consumer": asked["consumer"],
        "labels": record["labels"],
        "schema": record["schema"],
        "kind": record["kind"],
        "link": known["link"],
        "alerts": known["alerts"],
        "not_visible_to": known["not_visible_to"],
        "answer": asked["answer"],
    }


def _deliveries(record: Plain, known: Plain, decisions: list[Plain]) -> Iterator[tuple[str, bytes]]:
    waiting: dict[str, list[Plain]] = {}
    for asked, decision in zip(known["asked"], decisions, strict=True):
        consumer = asked["consumer"]
        if decision["outcome"] in RELEASES:
            yield consumer["agency"], _delivery(record, known, consumer, decision)
        if decision["task"] is not None:
            why = "refer" if decision["referrals"] else "default"
            waiting.setdefault(why, []).append({"consumer": consumer, "decision": decision})
    for why, some in waiting.items():
        yield record["agency"], _task(record, why, some)


def _delivery(record: Plain, known: Plain, consumer: Plain, decision: Plain) -> bytes:
    told = {
        "outcome": decision["outcome"],
        "clauses": [one["clause"] for one in decision["grants"]],
        "obligations": decision["obligations"],
        "desk": consumer["desk"],
        "own_identifier": known["own_ids"].get(consumer["agency"]),
    }
    granted = set(decision["slots"])
    slots = [slot for slot in record["slots"] if slot["number"] in granted]
    plain = {**record, "consumer": consumer["agency"], "told": json.dumps(told), "slots": slots}
    return encoded(DELIVERY, plain)


def _task(record: Plain, why: str, waiting: list[Plain]) -> bytes:
    told = {
        "why": why,
        "within": min(one["decision"]["task"] for one in waiting),
        "waiting": [one["consumer"]["agency"] for one in waiting],
        "reasons": sorted({reason for one in waiting for reason in one["decision"]["reasons"]}),
    }
    slots = [slot for slot in record["slots"] if slot["number"] == CONTACT]
    plain = {**record, "consumer": record["agency"], "told": json.dumps(told), "slots": slots}
    return encoded(DELIVERY, plain)


async def main(settings: Mapping[str, Any]) -> None:
    """Work until ended."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        await relay(Hop(**settings["hop"]), Pipeline(settings, session).work)


if __name__ == "__main__":
    end_with_parent()
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
