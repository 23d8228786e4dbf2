"""One child's story, from the log: what was sent, who got what of it, who was never told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.access_log.query import Found
from broker.clock import Instant
from broker.protocol.decision_codec import decode_decision
from broker.records.names import agency_of


@dataclass(frozen=True, slots=True)
class Told:
    """What one consumer was told of a record.

    Attributes:
        consumer: agency, or agency/desk.
        outcome: withhold, refer, existence, content; or `task`, for the source itself.
        granting: ids of the clauses that granted something.
        reasons: ids of the clauses, or codes, why not everything was granted.
        slots: how many parts were opened.
        waits: whether the source was asked to share it with them, or record why not.
    """

    consumer: str
    outcome: str
    granting: tuple[str, ...]
    reasons: tuple[str, ...]
    slots: int
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """One record and what became of it.

    Attributes:
        at: when it was decided.
        source: who sent it.
        type: of the record.
        told: by consumer.
        never: agencies that nobody asked about: not told that there is a record.
    """

    at: Instant
    source: str
    type: str
    told: tuple[Told, ...]
    never: tuple[str, ...]


def chapters(
    entries: Sequence[Found], agencies: Sequence[str], types: frozenset[str]
) -> Iterator[Chapter]:
    """Yield the records of some types in the order of their first entry.

    Args:
        entries: about one child, oldest first.
        agencies: all there are.
        types: record types that belong to the story.
    """
    by_record: dict[bytes, list[Found]] = {}
    for one in entries:
        if one.row.record and one.row.row.type in types:
            by_record.setdefault(one.row.record, []).append(one)
    for found in by_record.values():
        row = found[0].row.row
        told = tuple(_told(one) for one in found if one.row.row.consumer)
        asked = {agency_of(one.consumer) for one in told} | {row.source}
        never = tuple(agency for agency in agencies if agency not in asked)
        yield Chapter(row.at, row.source, row.type, told, never)


def _told(found: Found) -> Told:
    row, facts = found.row.row, found.entry.facts
    if facts is None or not facts.decision:
        return Told(row.consumer, row.kind, (), row.clauses, 0)
    decision = decode_decision(facts.decision)
    reasons = {*decision.reasons, *(one.clause for one in decision.refusals)}
    reasons.update(decision.narrowings)
    return Told(
        row.consumer,
        decision.outcome.value,
        decision.clauses,
        tuple(sorted(reasons)),
        len(decision.slots),
        decision.task is not None,
    )
