"""Explaining: every clause considered for a record and an agency, from what the log keeps."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.access_log.ports import NEWEST, LogQuery
from broker.clock import Clock, Instant
from broker.errors import Code
from broker.protocol.decision_codec import decode_decision
from broker.protocol.explain import Line, Mark, explain
from broker.protocol.may_i_share import MayIShare, hypothetical, may_i_share
from broker.protocol.published import PublishedProtocol
from broker.protocol.questions import question_of
from broker.records.names import AgencyId, agency_of
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import NO_AGENCY, InstallationError, Layout
from broker.runtimes.points import module_point
from broker.runtimes.protocol import read_protocol
from broker.runtimes.searching import Wanted, search

if TYPE_CHECKING:
    from broker.backends.opa_module.point import ModulePoint

NO_RECORD = Code(
    "log.record.absent",
    "The log holds no such record.",
    "Name a record by its id, or enough of its beginning; `concordat publish --json` lists them.",
)

MOST_ENTRIES = 1000
"""Entries about one record that are looked at."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision about a record, in plain words.

    Attributes:
        consumer: about whom.
        at: when it was decided; 0 if nobody was asked.
        outcome: of the decision; empty if nobody was asked.
        lines: why, clause by clause.
    """

    consumer: str
    at: Instant
    outcome: str
    lines: tuple[Line, ...]


async def published(layout: Layout, clock: Clock) -> PublishedProtocol:
    """Return the published protocol of an installation.

    Raises:
        InstallationError: there is no such installation.
        Unavailable: the stream cannot be reached.
    """
    layout.require()
    async with exchange_of(layout).public(clock) as streams:
        return await read_protocol(streams, layout.first_root.read_bytes())


async def explain_record(
    layout: Layout, clock: Clock, record: str, agency: str
) -> tuple[Explained, ...]:
    """Return every decision about a record for an agency and its desks, oldest first.

    Raises:
        InstallationError: no such installation, agency or record; `usage.record`.
    """
    protocol = await published(layout, clock)
    roster = protocol.agreement(clock.now()).roster
    if agency not in protocol.agencies() and not roster.has(agency):
        raise InstallationError(NO_AGENCY)
    page = await search(layout, LogQuery(), Wanted(record=record), NEWEST, MOST_ENTRIES)
    if not page.found:
        raise InstallationError(NO_RECORD)
    explained: list[Explained] = []
    with ExitStack() as stack:
        points: dict[bytes, ModulePoint] = {}
        for one in reversed(page.found):
            facts, personal = one.entry.facts, one.entry.personal
            consumer = one.row.row.consumer
            if agency not in (consumer, agency_of(consumer)) or facts is None:
                continue
            if not facts.decision or personal is None or personal.question is None:
                continue
            decision = decode_decision(facts.decision)
            revision = protocol.revision(decision.revision)
            if revision.digest not in points:
                points[revision.digest] = stack.enter_context(module_point(revision))
            question = question_of(personal.question)
            considered = await points[revision.digest].explain(question, facts.at)
            lines = list(explain(revision, question, decision, considered))
            lines += _narrowed(protocol, decision.narrowings)
            explained.append(Explained(consumer, facts.at, decision.outcome.value, tuple(lines)))
    if not explained:
        explained.append(_never_asked(protocol, clock, page.found[0].row.row.source, agency))
    return tuple(explained)


def _narrowed(protocol: PublishedProtocol, names: tuple[str, ...]) -> list[Line]:
    lines: list[Line] = []
    for one in protocol.narrowings:
        if one.id in names:
            text = (
                f"{one.by} has stopped the {one.direction.value} of {one.agency} ({one.id}):"
                f" {one.reason or 'no reason given'}. Ring {one.telephone or 'its desk'}."
            )
            lines.append(Line(Mark.NARROWED, "", text))
    return lines


def _never_asked(protocol: PublishedProtocol, clock: Clock, source: str, agency: str) -> Explained:
    agreement = protocol.agreement(clock.now())
    held = agreement.roster.agencies.get(AgencyId(agency_of(agency)))
    name = agency if held is None else held.name
    if agency_of(agency) == source:
        text = f"{name} is the source of this record: it holds the original."
    else:
        text = (
            f"Nobody asked whether {name} may see this record, and it was told nothing, not even"
            " that there is one: it has no current involvement with this child, and the protocol"
            " does not name it for records of this type."
        )
    return Explained(agency, Instant(0), "", (Line(Mark.OUTCOME, "", text),))


async def ask_first(
    layout: Layout, clock: Clock, sender: str, to: str, record_type: str, labels: dict[str, str]
) -> MayIShare:
    """Answer "may I share this?" from the protocol in force, without a record.

    Raises:
        ProtocolError: `protocol.may-i-share.*`, or no revision is in force.
    """
    protocol = await published(layout, clock)
    at = clock.now()
    revision = protocol.current(at)
    question = hypothetical(revision, sender, to, record_type, labels)
    with module_point(revision) as point:
        return await may_i_share(revision, point, question, at)
