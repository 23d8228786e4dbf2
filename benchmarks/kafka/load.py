"""What is fed: real records of the county, and what Concordat itself makes of each of them.

The county's records are signed, sealed and published as agencies do it, then routed by the embedded
broker with its core in this process, so that it can be seen what each record becomes: the messages
that the router writes, the deliveries that are released, and the questions that policy was asked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from benchmarks.county import NOW
from benchmarks.installation import Installation, installation
from broker.access_log.decided import Handed
from broker.access_log.sequencer import DECIDED
from broker.backends.sqlite.lane import SqliteLane
from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import Instant
from broker.lanes import Batch, Message
from broker.records.envelope import Envelope
from broker.records.keys import KeyRegistry
from broker.records.names import FIRST_TYPE_SLOT, SLOT_LABELS
from broker.routing.deciding import Case, Deciding, Result, Verdict
from broker.runtimes.embedded import open_broker
from broker.runtimes.protocol import read_protocol
from broker.runtimes.topics import STREAM, TOPOLOGY

DELIVERIES = "deliveries."


@dataclass(frozen=True, slots=True)
class Record:
    """One record, sealed and open, and what Concordat makes of it.

    Attributes:
        topic: that its agency published it to.
        sealed: the message.
        decided: bytes of the message that the router hands to the log.
        rows: bytes of each row of a table that the router writes with it.
        deliveries: agency and bytes of each message that is released.
        said: the record as plain values, but for its labels.
        labels: what policy may see of it.
        registers: what is known about its child, and who is to be asked.
        questions: that policy was asked, canonical.
        outcomes: what policy answered, one a question.
    """

    topic: str
    sealed: bytes
    decided: int
    rows: tuple[int, ...]
    deliveries: tuple[tuple[str, int], ...]
    said: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, Any] = field(repr=False)
    registers: Mapping[str, Any] = field(repr=False)
    questions: tuple[bytes, ...] = field(repr=False)
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """The records of a county, and the policy they are decided by.

    Attributes:
        records: in the order in which they were routed.
        agencies: of the county.
        policy: what the Rego reads as `data.protocol`.
        revision: its digest.
        at: the instant of every decision.
        batch: records a transaction, at most.
    """

    records: tuple[Record, ...]
    agencies: tuple[str, ...]
    policy: Mapping[str, Any] = field(repr=False)
    revision: str
    at: Instant
    batch: int

    @property
    def octets(self) -> float:
        """Bytes of a sealed record on average."""
        return sum(len(one.sealed) for one in self.records) / len(self.records)


async def county_load(count: int) -> Load:
    """Make a county, let its agencies publish so many records, and look at what becomes of them."""
    async with installation(count) as made:
        await made.publish(made.county.take(count))
        with _watching() as seen:
            async with open_broker(made.layout, made.clock, made.settings, inline=True) as broker:
                await broker.run()
        policy, revision = await _policy(made)
        return Load(
            tuple(_records(seen)),
            tuple(sorted(made.sides)),
            policy,
            revision,
            NOW,
            made.settings.batch_count,
        )


@dataclass(slots=True)
class _Seen:
    """What was committed and concluded while the broker ran.

    Attributes:
        commits: of all lanes, in order.
        concluded: topic and offset of a record → its case and verdicts.
    """

    commits: list[tuple[Batch, Sequence[Message]]] = field(default_factory=list)
    concluded: dict[tuple[str, int], tuple[Case, Sequence[Verdict]]] = field(default_factory=dict)


@contextmanager
def _watching() -> Iterator[_Seen]:
    """Look over the shoulder of every lane and of what concludes."""
    seen = _Seen()
    commit, conclude = SqliteLane.commit, Deciding.conclude

    async def committing(lane: SqliteLane, batch: Batch, outputs: Sequence[Message]) -> None:
        await commit(lane, batch, outputs)
        seen.commits.append((batch, outputs))

    def concluding(
        deciding: Deciding,
        case: Case,
        verdicts: Sequence[Verdict],
        registry: KeyRegistry,
        kind: str,
    ) -> Result:
        received = case.new.accepted.received
        place = received.message.topic, received.offset
        seen.concluded.setdefault(place, (case, verdicts))
        return conclude(deciding, case, verdicts, registry, kind)

    with (
        patch.object(SqliteLane, "commit", committing),
        patch.object(Deciding, "conclude", concluding),
    ):
        yield seen


def _records(seen: _Seen) -> Iterator[Record]:
    released = [
        (message.topic.removeprefix(DELIVERIES), len(message.value))
        for _, outputs in seen.commits
        for message in outputs
        if message.topic.startswith(DELIVERIES)
    ]
    at = 0
    for batch, outputs in seen.commits:
        decided = [one.value for one in outputs if one.topic == DECIDED]
        if not decided:
            continue
        rows = [len(one.key) + len(one.value) for one in outputs if one.topic != DECIDED]
        for number, (received, value) in enumerate(zip(batch.messages, decided, strict=True)):
            count = len(Handed.decode(value).releases)
            deliveries, at = tuple(released[at : at + count]), at + count
            case, verdicts = seen.concluded[received.message.topic, received.offset]
            yield Record(
                received.message.topic,
                received.message.value,
                len(value),
                tuple(_share(rows, number, len(decided))),
                deliveries,
                _said(case.new.accepted.envelope, case),
                json.loads(verdicts[0].question.canonical)["labels"] if verdicts else {},
                _registers(case, verdicts),
                tuple(one.question.canonical for one in verdicts),
                tuple(one.decision.outcome.value for one in verdicts),
            )


def _share(rows: Sequence[int], number: int, count: int) -> Sequence[int]:
    """Return one record's rows: tables are written a batch at a time."""
    return rows[number * len(rows) // count : (number + 1) * len(rows) // count]


def _said(envelope: Envelope, case: Case) -> dict[str, Any]:
    """Return a record as one would write it without slots that can be closed one by one."""
    head = envelope.head
    told = [n for n in (*range(FIRST_TYPE_SLOT), *sorted(case.schema.slots)) if n != SLOT_LABELS]
    return {
        "record_id": head.record_id,
        "agency": head.agency,
        "issued_at_ms": head.issued_at,
        "kind": head.kind.word,
        "schema": case.schema.digest.hex(),
        "slots": [{"number": number, "value": envelope.slots[number].value} for number in told],
    }


def _registers(case: Case, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    questions = [json.loads(one.question.canonical) for one in verdicts]
    first = questions[0] if questions else {}
    return {
        "agency_type": first.get("source", {}).get("type"),
        "link": first.get("link"),
        "alerts": first.get("alerts"),
        "not_visible_to": first.get("not_visible_to"),
        "asked": [{"consumer": one["consumer"], "answer": one["answer"]} for one in questions],
        "own_ids": dict(sorted(case.standing.own_ids.items())),
    }


async def _policy(made: Installation) -> tuple[Mapping[str, Any], str]:
    with Store.open(made.layout.stream) as stream:
        streams = SqliteStreams(dict.fromkeys(STREAM, stream), stream, made.clock, TOPOLOGY)
        protocol = await read_protocol(streams, made.layout.first_root.read_bytes())
        revision = protocol.current(made.clock.now())
        return revision.data, revision.digest.hex()
