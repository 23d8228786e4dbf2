"""Saved questions: what an auditor asks again and again, answered from entries; pure.

Each takes entries as far as they open, and yields lines: names of columns and plain values, as
tables and files show them. A line never holds what a record says of a person.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from broker.access_log.parts import ToldTask
from broker.clock import DAY, Instant
from broker.protocol.decisions import Decision
from broker.receipts.duties import ACT_WITHIN, ANSWERED_OTHERWISE
from broker.records.names import agency_of

Line = Mapping[str, Any]

OPENED, ACKNOWLEDGED, ACTION = "opened", "acknowledged", "action"
HANDLED = (OPENED, ACKNOWLEDGED, ACTION)
REFUSED = "refused-by-source"
SHARE = "share"
DEFAULT_WITHHOLD = "default-withhold"
BREAK_GLASS = "break-glass"
NO_RECEIPT = frozenset({"receipt", "answer"})
"""Record types whose deliveries nobody confirms: it would never end."""

TIMES, AT_LEAST = 3, 10
"""A day is unusual with more than `TIMES` the median, and at least `AT_LEAST` above it: a school's
two records in place of its usual half are no news."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry as far as it opens.

    Attributes:
        index: its place in the log.
        at: when.
        kind: of the entry.
        source: agency that the cause came from.
        consumer: agency, or agency/desk.
        type: record type.
        delivery: id in hex of what was released; empty if nothing was.
        record: digest of the record in hex; empty if it is about none.
        decision: None if nothing was decided, or it stays closed.
        answer: what a person at the source had answered when it was decided.
        task: what the source was asked.
        record_id: in hex, of a record that is kept with this entry.
        content: of such a record, its open slots as plain values.
        concerns: in hex, the record that such a record is about.
    """

    index: int
    at: Instant
    kind: str
    source: str
    consumer: str = ""
    type: str = ""
    delivery: str = ""
    record: str = ""
    decision: Decision | None = None
    answer: str = ""
    task: ToldTask | None = None
    record_id: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    concerns: str = ""

    @property
    def line(self) -> dict[str, Any]:
        """What every line about an entry begins with."""
        return {
            "entry": self.index,
            "at_ms": self.at,
            "source": self.source,
            "consumer": self.consumer,
            "type": self.type,
        }

    def part(self, slot: str) -> Mapping[str, Any]:
        """Return a slot that holds an object; an empty one if there is none."""
        value = self.content.get(slot)
        return value if isinstance(value, Mapping) else {}


def refusals_and_overrides(entries: Iterable[Seen]) -> Iterator[Line]:
    """Yield decisions in which a clause, a narrowing or a person said no, or a person said yes."""
    for one in entries:
        decision = one.decision
        if decision is None:
            continue
        why = [f"refused by clause {refusal.clause}" for refusal in decision.refusals]
        why += [f"narrowed by {name}" for name in decision.narrowings]
        if decision.narrowings and decision.floor and decision.outcome.releases:
            why.append("the floor went all the same")
        if REFUSED in decision.reasons:
            why.append("refused by a person at the source")
        elif one.answer == SHARE and decision.outcome.releases:
            why.append("shared by a person at the source")
        if why:
            yield {**one.line, "outcome": decision.outcome.value, "why": "; ".join(why)}


def unreviewed(entries: Iterable[Seen], within: int | None, at: Instant) -> Iterator[Line]:
    """Yield what was sent past the broker and no second person has reviewed.

    Args:
        entries: of break-glass records.
        within: ms in which they must be reviewed; None if the protocol does not say.
        at: now.
    """
    sent: dict[str, Seen] = {}
    reviewed: set[str] = set()
    for one in entries:
        if one.part("review"):
            reviewed.add(one.concerns)
        elif one.part("emergency"):
            sent.setdefault(one.record_id, one)
    for record_id, one in sent.items():
        if record_id not in reviewed:
            due = None if within is None else one.at + within
            late = due is not None and at >= due
            to = one.part("emergency").get("to", "")
            yield {
                **one.line,
                "consumer": to,
                "record_id": record_id,
                "due_ms": due,
                "overdue": late,
            }


@dataclass(slots=True)
class Receipts:
    """What became of deliveries: event → ids of deliveries in hex, with the first time."""

    events: dict[str, dict[str, Instant]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, entries: Iterable[Seen]) -> "Receipts":
        """Collect from the entries of receipts."""
        made = cls()
        for one in entries:
            said = one.part("receipt")
            if said:
                made.events[said["event"]].setdefault(said["delivery_id"], one.at)
        return made

    def when(self, event: str, delivery: str) -> Instant | None:
        """Return when an event was told of a delivery; None if it was not."""
        return self.events[event].get(delivery)


def never_opened(deliveries: Iterable[Seen], receipts: Receipts) -> Iterator[Line]:
    """Yield deliveries that nobody has opened, taken on or acted on."""
    for one in deliveries:
        if not one.delivery or one.type in NO_RECEIPT:
            continue
        if not any(one.delivery in receipts.events[event] for event in HANDLED):
            yield {**one.line, "delivery": one.delivery}


def without_action(deliveries: Iterable[Seen], receipts: Receipts, at: Instant) -> Iterator[Line]:
    """Yield deliveries that were taken on, and about which no action was told."""
    for one in deliveries:
        taken = receipts.when(ACKNOWLEDGED, one.delivery) if one.delivery else None
        if taken is None or one.type in ANSWERED_OTHERWISE or one.type in NO_RECEIPT:
            continue
        if receipts.when(ACTION, one.delivery) is None:
            overdue = at >= taken + ACT_WITHIN
            yield {
                **one.line,
                "delivery": one.delivery,
                "acknowledged_ms": taken,
                "overdue": overdue,
            }


def undecided(
    tasks: Iterable[Seen], answers: Iterable[Seen], at: Instant, why: str = DEFAULT_WITHHOLD
) -> Iterator[Line]:
    """Yield tasks that no person has answered: share, or why not.

    Args:
        tasks: entries of tasks.
        answers: entries of answers.
        at: now.
        why: tasks for this reason only.
    """
    answered = {one.part("answer").get("task") for one in answers}
    shown: set[bytes] = set()
    for one in tasks:
        task = one.task
        if task is None or task.why != why or task.id.hex() in answered or task.id in shown:
            continue
        shown.add(task.id)
        yield {
            **one.line,
            "consumer": "",
            "for": list(task.consumers),
            "due_ms": task.deadline,
            "overdue": at >= task.deadline,
        }


def counted(what: str, agency: str, at: Instant) -> tuple[str, str, int]:
    """Return what is counted, of whom, and on which day."""
    return what, agency_of(agency), at // DAY


def unusual(counts: Counter[tuple[str, str, int]]) -> Iterator[Line]:
    """Yield days on which an agency sent, got or looked up far more than on its usual day.

    The usual day is the median of those days of the period on which it did so at all.
    """
    days: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for (what, agency, day), number in counts.items():
        days[what, agency][day] = number
    for (what, agency), found in sorted(days.items()):
        usual = median(found.values())
        for day, number in sorted(found.items()):
            if number > TIMES * usual and number >= usual + AT_LEAST:
                yield {
                    "day_ms": day * DAY,
                    "agency": agency,
                    "what": what,
                    "number": number,
                    "usual": usual,
                }


def stale(clauses: Collection[tuple[str, str, bool]], granted: Collection[str]) -> Iterator[Line]:
    """Yield granting clauses by which nothing was granted.

    Args:
        clauses: of the protocol: id, title, whether it is floor.
        granted: ids of those by which something was.
    """
    for name, title, floor in clauses:
        if name not in granted:
            yield {"clause": name, "title": title, "floor": floor}
