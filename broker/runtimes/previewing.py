"""Looking ahead: what of an agency's files would leave it, and what each agency would receive.

Nothing is signed, kept or sent, and nothing is learnt: which agencies are involved with a child
only the router knows, so the answer for those says "if" (`broker.routing.supposing`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.outbox import Planned
from broker.protocol.decisions import Decision
from broker.protocol.explain import slot_names
from broker.protocol.narrowing import narrow
from broker.protocol.questions import Question, labels_of
from broker.protocol.revision import Revision
from broker.protocol.wording import obligation_words, slot_words
from broker.records.names import ConsumerId, RecordId
from broker.routing.asking import Told
from broker.routing.supposing import Supposed, suppose
from broker.runtimes.agency import AgencySide
from broker.runtimes.points import module_point
from broker.runtimes.publishing import (
    Progress,
    PublishReport,
    context_of,
    load_rule,
    portions,
    published_as,
    read_aside,
    weigh,
)

ASSUMED = (
    "Assumed: the child is known to the hub, no alert or court order is in force for her, and"
    " nobody in the record works there."
)


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """What consumers would get of records of one type.

    Attributes:
        type: of the records.
        certain: whether they would get it whoever is involved with the child; else if they are.
        consumers: who, sorted.
        records: of how many records each of them.
        outcome: content, existence, refer or withhold.
        slots: what is opened, in words.
        clauses: that open it or wait for a person.
        obligations: what the recipient must do, in words.
        asks: whether a person at the source would have to decide.
    """

    type: str
    certain: bool
    consumers: tuple[ConsumerId, ...]
    records: int
    outcome: str
    slots: str
    clauses: tuple[str, ...]
    obligations: tuple[str, ...]
    asks: bool


@dataclass(slots=True)
class Preview:
    """What one `publish` would do.

    Attributes:
        report: as of `publish`; what it calls published would be.
        shares: what each consumer would get, by record type, certain ones first.
    """

    report: PublishReport
    shares: tuple[Share, ...] = ()
    _seen: set[RecordId] = field(default_factory=set)

    def fresh(self, file: str, planned: Iterable[Planned]) -> Iterator[Planned]:
        """Yield what no file before this one has; what two files tell is sent once."""
        for one in planned:
            if one.prepared.record_id in self._seen:
                self.report.already += 1
                continue
            self._seen.add(one.prepared.record_id)
            self.report.published.append(published_as(file, one))
            yield one


async def preview_files(
    side: AgencySide,
    paths: Sequence[Path],
    format_name: str | None = None,
    progress: Progress = lambda _what, _done, _total: None,
    encoding: str | None = None,
) -> Preview:
    """Read files and say what would become of them; see `publishing.publish_files`.

    Raises:
        ConcordatError: nothing can be said: no protocol in force, no rule, a store gone.
    """
    rule = load_rule(side)
    context = context_of(side, rule, encoding)
    given = {path.name: path for path in paths}
    preview = Preview(PublishReport())
    asked: Counter[Supposed] = Counter()
    for number, path in enumerate(paths):
        progress("files", number, len(paths))
        reading = await read_aside(path, context, format_name, given)
        file = reading.accounting.file
        async for drafts in portions(reading, preview.report):
            planned = await weigh(side, rule, file, drafts, preview.report)
            for one in preview.fresh(file, planned):
                asked.update(_supposed(side, one))
    progress("files", len(paths), len(paths))
    preview.shares = await _shares(side, asked)
    return preview


def _supposed(side: AgencySide, planned: Planned) -> tuple[Supposed, ...]:
    statement = planned.prepared.statement
    schema = side.schemas.named(statement.type, statement.version)
    told = Told(side.agency, labels_of(statement.labels), schema.digest, statement.kind)
    return suppose(told, statement.labels, side.agreement)


async def _shares(side: AgencySide, asked: Counter[Supposed]) -> tuple[Share, ...]:
    """Ask policy, each question once; put together who gets the same."""
    at = side.clock.now()
    revision = side.protocol.current(at)
    questions = list({one for pair in asked for one in (pair.certain, pair.involved) if one})
    with module_point(revision) as point:
        decisions = (await point.decide(questions, at)).decisions
    shares = {
        question: _share(
            question, narrow(decision, question, side.protocol.narrowings, at), revision
        )
        for question, decision in zip(questions, decisions, strict=True)
    }
    each: Counter[tuple[Share, ConsumerId]] = Counter()
    for one, count in asked.items():
        certain = None if one.certain is None else replace(shares[one.certain], certain=True)
        if certain is not None:
            each[certain, one.consumer] += count
        if one.involved is not None:
            more = shares[one.involved]
            if certain != replace(more, certain=True):
                each[more, one.consumer] += count
    together: dict[Share, list[ConsumerId]] = {}
    for (share, consumer), count in each.items():
        together.setdefault(replace(share, records=count), []).append(consumer)
    found = [replace(one, consumers=tuple(sorted(who))) for one, who in together.items()]
    return tuple(sorted(found, key=lambda one: (one.type, not one.certain, one.outcome, one)))


def _share(question: Question, decision: Decision, revision: Revision) -> Share:
    return Share(
        question.labels.type or "",
        certain=False,
        consumers=(),
        records=0,
        outcome=decision.outcome.value,
        slots=slot_words(decision.slots, slot_names(revision, question)),
        clauses=(*decision.clauses, *decision.referrals),
        obligations=tuple(obligation_words(one) for one in decision.obligations),
        asks=decision.task is not None,
    )
