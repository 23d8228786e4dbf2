"""Figures of the decisions that people owed: shared, refused, undecided; by reason and type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.clock import Instant
from broker.receipts.known import Task


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the decisions that people owed about one type of record, for one reason.

    Attributes:
        why: the reason.
        type: record type; empty if it is not known.
        shared: how often the answer was to share.
        refused: how often it was not to, with a reason.
        undecided: how many wait, those that are past their time included.
        overdue: how many of these are past their time.
    """

    why: str
    type: str
    shared: int
    refused: int
    undecided: int
    overdue: int


def figures(tasks: Sequence[Task], types: Mapping[str, str], at: Instant) -> tuple[Figures, ...]:
    """Return figures by reason and record type, sorted.

    Args:
        tasks: all that there were.
        types: record id in hex → record type.
        at: now.
    """
    groups: dict[tuple[str, str], list[Task]] = {}
    for one in tasks:
        groups.setdefault((one.why, types.get(one.record, "")), []).append(one)
    return tuple(
        Figures(
            why,
            record_type,
            sum(one.answer == "share" for one in group),
            sum(one.answer == "refuse" for one in group),
            sum(one.answer is None for one in group),
            sum(one.answer is None and one.due <= at for one in group),
        )
        for (why, record_type), group in sorted(groups.items())
    )
