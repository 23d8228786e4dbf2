"""Asking the log a saved question: which entries it needs, opened, for `broker.receipts.saved`."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from broker.access_log.looks import KIND as LOOK
from broker.access_log.parts import Told
from broker.access_log.ports import LogQuery, LogRow
from broker.access_log.query import Found, rows_of
from broker.clock import DAY, Clock, Instant
from broker.errors import Code
from broker.protocol.decision_codec import decode_decision
from broker.protocol.published import PublishedProtocol
from broker.protocol.questions import question_of
from broker.receipts import saved
from broker.receipts.saved import Line, Receipts, Seen
from broker.records.envelope import decode_envelope
from broker.records.head import decode_labels
from broker.records.names import SLOT_LABELS, SLOT_SCHEMA
from broker.runtimes.explaining import published
from broker.runtimes.indexing import index_to_read
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.looking import Asked, Looker, admitted_pages, restrict
from broker.runtimes.reading import plain
from broker.runtimes.searching import found_document

NO_QUESTION = Code(
    "usage.question",
    "There is no saved question of this name.",
    "`concordat log ask` lists them.",
)

PERIOD = 30 * DAY
"""How far back a question looks if nobody says."""

OPENED_TYPES = frozenset({"receipt", "answer", "break-glass"})
"""Record types whose records are opened: they say what became of others."""

ENTRY = ("entry", "at_ms", "source", "consumer", "type")


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when, and who asks.

    Attributes:
        since: decided at this instant or later.
        until: decided before this one.
        looker: who asks.
        at: now.
    """

    since: Instant
    until: Instant
    looker: Looker
    at: Instant

    def query(self, **more: str) -> LogQuery:
        """Return a search of the period."""
        return LogQuery(since=self.since, until=self.until, **more)  # type: ignore[arg-type] # names of text conditions only


class Log:
    """The log as a saved question reads it."""

    def __init__(self, layout: Layout, protocol: PublishedProtocol, period: Period) -> None:
        """Read an installation's log."""
        self._layout = layout
        self.protocol = protocol
        self.period = period

    async def entries(self, query: LogQuery, *, all_parties: bool = False) -> AsyncIterator[Seen]:
        """Yield entries, newest first: those that the asker may see, or all, to match by."""
        asked = Asked(query, looker=Looker() if all_parties else self.period.looker)
        async for page in admitted_pages(self._layout, restrict(asked, self.protocol)):
            for one in page.found:
                yield seen_of(one, self.protocol)

    async def found(self, query: LogQuery) -> AsyncIterator[Found]:
        """Yield entries as a search finds them."""
        asked = restrict(Asked(query, looker=self.period.looker), self.protocol)
        async for page in admitted_pages(self._layout, asked):
            for one in page.found:
                yield one

    async def rows(self, query: LogQuery) -> AsyncIterator[LogRow]:
        """Yield rows of the index, newest first; nothing is opened for them."""
        query = restrict(Asked(query, looker=self.period.looker), self.protocol).query
        async with index_to_read(self._layout) as index:
            async for row in rows_of(index, query):
                yield row

    async def receipts(self) -> Receipts:
        """Return what was told of deliveries from the period's beginning until now."""
        query = LogQuery(since=self.period.since, kind="receipt", type="receipt")
        return Receipts.of([one async for one in self.entries(query, all_parties=True)])


Answer = Callable[[Log], Awaitable[Sequence[Line]]]


@dataclass(frozen=True, slots=True)
class Saved:
    """A question that is asked by its name.

    Attributes:
        sentence: what it asks.
        columns: of its lines, in order.
        answer: answers it.
    """

    sentence: str
    columns: tuple[str, ...]
    answer: Answer


async def ask(layout: Layout, clock: Clock, name: str, period: Period) -> Sequence[Line]:
    """Return the lines that answer a saved question.

    Raises:
        InstallationError: no such installation, question or agency.
        Unavailable: a store cannot be reached.
    """
    if name not in QUESTIONS:
        raise InstallationError(NO_QUESTION)
    protocol = await published(layout, clock)
    return await QUESTIONS[name].answer(Log(layout, protocol, period))


def seen_of(found: Found, protocol: PublishedProtocol) -> Seen:
    """Return an entry as saved questions read it."""
    row, entry = found.row.row, found.entry
    facts, personal = entry.facts, entry.personal
    made = Seen(
        found.row.index,
        row.at,
        row.kind,
        row.source,
        row.consumer,
        row.type,
        found.row.delivery.hex() if entry.kept.topic else "",
        found.row.record.hex() if found.row.record else "",
    )
    if facts is not None and facts.decision:
        made = replace(made, decision=decode_decision(facts.decision))
        if personal is not None and personal.question is not None:
            made = replace(made, answer=question_of(personal.question).answer or "")
    if row.kind == "task" and entry.told is not None and entry.told.data:
        made = replace(made, task=Told.decode(entry.told.data).task)
    archive = found.message.archive
    if archive is None or row.type not in OPENED_TYPES:
        return made
    envelope = decode_envelope(archive)
    heads = protocol.schemas.head(envelope.head.head_version)
    schema = protocol.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
    concerns = decode_labels(heads, envelope.slots[SLOT_LABELS].value).concerns
    content = {
        spec.name: plain(spec.decode(envelope.slots[number].value))
        for number, spec in schema.slots.items()
        if number != SLOT_SCHEMA
    }
    return replace(
        made,
        record_id=envelope.head.record_id.hex(),
        content=content,
        concerns="" if concerns is None else concerns.hex(),
    )


async def _deliveries(log: Log) -> list[Seen]:
    found = [
        one
        for outcome in ("content", "existence")
        async for one in log.entries(log.period.query(outcome=outcome))
    ]
    return sorted(found, key=lambda one: -one.index)


async def _refusals(log: Log) -> Sequence[Line]:
    found = [one async for one in log.entries(log.period.query(kind="decision"))]
    return list(saved.refusals_and_overrides(found))


async def _unreviewed(log: Log) -> Sequence[Line]:
    emergency = log.protocol.agreement(log.period.at).emergency
    within = None if emergency is None else emergency.review
    query = LogQuery(since=log.period.since, type="break-glass")
    found = [one async for one in log.entries(query)]
    asked = [one for one in found if one.at < log.period.until or one.part("review")]
    return list(saved.unreviewed(asked, within, log.period.at))


async def _never_opened(log: Log) -> Sequence[Line]:
    return list(saved.never_opened(await _deliveries(log), await log.receipts()))


async def _without_action(log: Log) -> Sequence[Line]:
    deliveries, receipts = await _deliveries(log), await log.receipts()
    return list(saved.without_action(deliveries, receipts, log.period.at))


async def _undecided(log: Log) -> Sequence[Line]:
    tasks = [one async for one in log.entries(log.period.query(kind="task"))]
    query = LogQuery(since=log.period.since, type="answer")
    answers = [one async for one in log.entries(query, all_parties=True)]
    return list(saved.undecided(tasks, answers, log.period.at))


async def _unusual(log: Log) -> Sequence[Line]:
    counts: Counter[tuple[str, str, int]] = Counter()
    records: set[bytes] = set()
    async for one in log.rows(log.period.query()):
        row = one.row
        if row.kind == LOOK:
            counts[saved.counted("looks for a person", row.source, row.at)] += 1
        elif row.outcome in {"content", "existence"}:
            counts[saved.counted("deliveries got", row.consumer, row.at)] += 1
        if row.kind == "decision" and one.record is not None and one.record not in records:
            records.add(one.record)
            counts[saved.counted("records sent", row.source, row.at)] += 1
    mine = log.period.looker.agency
    return [one for one in saved.unusual(counts) if not mine or one["agency"] == mine]


async def _stale(log: Log) -> Sequence[Line]:
    clauses = [
        (one.id, one.title, one.floor)
        for one in log.protocol.current(log.period.at).clauses
        if one.effect.grants
    ]
    granted = [name for name, _, _ in clauses if await _has_granted(log, name)]
    return list(saved.stale(clauses, granted))


async def _has_granted(log: Log, clause: str) -> bool:
    async for one in log.entries(log.period.query(clause=clause)):
        if one.decision is not None and clause in one.decision.clauses:
            return True
    return False


async def _looks(log: Log) -> Sequence[Line]:
    lines: list[Line] = []
    async for one in log.found(log.period.query(kind=LOOK)):
        document = found_document(one)
        said = document.get("look", {})
        lines.append(
            {
                "entry": document["entry"],
                "at_ms": document["at_ms"],
                "agency": document["source"],
                "role": said.get("role"),
                "because": said.get("because"),
                "asked": said.get("asked"),
            }
        )
    return lines


QUESTIONS: Mapping[str, Saved] = {
    "refusals-and-overrides": Saved(
        "Where did a clause, a narrowing or a person say no, and where did a person say yes?",
        (*ENTRY, "outcome", "why"),
        _refusals,
    ),
    "break-glass-unreviewed": Saved(
        "What was sent past the broker that no second person has reviewed?",
        (*ENTRY, "record_id", "due_ms", "overdue"),
        _unreviewed,
    ),
    "delivered-never-opened": Saved(
        "What was delivered that nobody has opened?",
        (*ENTRY, "delivery"),
        _never_opened,
    ),
    "acknowledged-without-action": Saved(
        "What was taken on about which no action was told?",
        (*ENTRY, "delivery", "acknowledged_ms", "overdue"),
        _without_action,
    ),
    "default-withholds-undecided": Saved(
        "Which records that no clause shares wait for a person at the source to share them, or say"
        " why not?",
        (*ENTRY, "for", "due_ms", "overdue"),
        _undecided,
    ),
    "unusual-volume": Saved(
        f"On which days did an agency send, get or look up more than {saved.TIMES} times its median"
        f" day, and at least {saved.AT_LEAST} more?",
        ("day_ms", "agency", "what", "number", "usual"),
        _unusual,
    ),
    "stale-grants": Saved(
        "Which granting clauses of the protocol in force have granted nothing in the period?",
        ("clause", "title", "floor"),
        _stale,
    ),
    "looks": Saved(
        "Who has searched the log for a person, and why?",
        ("entry", "at_ms", "agency", "role", "because", "asked"),
        _looks,
    ),
}
