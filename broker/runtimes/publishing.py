"""Publishing: files become drafts, drafts signed records in the outbox, the outbox the stream.

Order, and why: a record is signed once and kept before it is published; if the process dies between
any two steps, the next `publish` goes on, and nothing is signed or sent as something new twice.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from adapters.accounting import WHOLE_FILE, Accounting
from adapters.errors import InputRefused
from adapters.format import Draft, ReadContext, Rejected, rejected
from adapters.outbox import Candidate, Kept, Origin, Planned, origin_of, plan, topic_of
from adapters.publication import PublicationRule, judge, read_publication_rule
from adapters.quality import quality_of
from adapters.reading import AnyReading, ReadingStopped, never, read_file
from broker.errors import ConcordatError
from broker.faults import reach
from broker.lanes import Message
from broker.records.batches import MOST_RECORDS
from broker.records.check import RECORD_PURPOSE, ROUTER
from broker.records.digests import message_key
from broker.records.envelope import Envelope
from broker.records.errors import StatementRefused
from broker.records.names import AgencyId, Kind, RecordId
from broker.records.sealing import Way
from broker.records.signing import Prepared, prepare, sign
from broker.records.statement import Identifiers
from broker.runtimes.agency import AgencySide

OUTBOX_CHUNK = 500
"""Records published in one write: a few megabytes."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how far, and of how many."""


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A record that the agency's own rule kept back."""

    file: str
    item: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Published:
    """A record that left, or is about to."""

    file: str
    item: str
    record_id: RecordId
    type: str


@dataclass(slots=True)
class PublishReport:
    """What became of the files of one `publish`.

    Attributes:
        files: each file's account.
        published: records signed and sent.
        already: records that were there before.
        kept_back: records that the publication rule kept.
        refused: records that do not fit their schema or contradict an earlier version.
        not_noted: why a file is missing in the report on quality; empty if none is.
    """

    files: list[Accounting] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    already: int = 0
    kept_back: list[KeptBack] = field(default_factory=list)
    refused: list[tuple[str, Rejected]] = field(default_factory=list)
    not_noted: str = ""

    @property
    def clean(self) -> bool:
        """Whether nothing was rejected."""
        return not self.refused and not any(one.rejected for one in self.files)


def load_rule(side: AgencySide) -> PublicationRule:
    """Return the agency's publication rule.

    Raises:
        ProtocolTextError: the file cannot be read as such a rule.
    """
    path = side.layout.publication_rule(side.agency)
    types = frozenset(schema.type for schema in side.schemas.types())
    return _rule(path.read_bytes(), side.agency, types, path.name)


@lru_cache(maxsize=8)
def _rule(data: bytes, agency: AgencyId, types: frozenset[str], name: str) -> PublicationRule:
    # For each file and each message anew, and it hardly ever changes.
    return read_publication_rule(data, agency, types, name)


def context_of(side: AgencySide, rule: PublicationRule, encoding: str | None = None) -> ReadContext:
    """Return what formats may know of an agency now.

    Raises:
        ProtocolError: no revision is in force.
    """
    agency = side.agreement.roster.agencies[side.agency]
    return ReadContext(
        side.agency,
        agency.type,
        side.clock.now(),
        side.contact(rule.desk, rule.role),
        own_codes=frozenset({agency.name}),
        encoding=encoding,
    )


async def publish_files(
    side: AgencySide,
    paths: Sequence[Path],
    format_name: str | None = None,
    progress: Progress = lambda _what, _done, _total: None,
    encoding: str | None = None,
    correcting: Origin | None = None,
) -> PublishReport:
    """Read, sign, keep and publish files in order; one file's faults stop no other.

    Args:
        side: the agency's.
        paths: its files.
        format_name: their format, if it shall not be recognised.
        progress: is told how far it is.
        encoding: their text encoding, if it shall not be found out.
        correcting: the item whose next version corrects what was said of it before.

    Raises:
        ConcordatError: nothing can be published: no protocol in force, no rule, a store gone.
    """
    rule = load_rule(side)
    context = context_of(side, rule, encoding)
    given = {path.name: path for path in paths}
    report = PublishReport()
    for number, path in enumerate(paths):
        progress("files", number, len(paths))
        reading = await read_aside(path, context, format_name, given)
        await keep_reading(side, rule, reading, report, correcting)
    progress("files", len(paths), len(paths))
    await send_waiting(side)
    return report


async def publish_drafts(
    side: AgencySide, drafts: Sequence[Draft], key: bytes | None = None
) -> tuple[Planned, ...]:
    """Sign, keep and publish what the agency's people say themselves: receipts, answers.

    These are not exports: no publication rule stands between. An answer bears the message key of
    the record that it is about, so that it comes to the same lane.

    Raises:
        StatementRefused: a draft does not fit its schema.
    """
    candidates = [
        Candidate(prepare(one.statement, side.schemas, side.signer), one.item, one.urgent)
        for one in drafts
    ]
    async with side.keeping:
        held = await side.outbox.known([origin_of(one.prepared) for one in candidates])
        planned = plan(candidates, held, side.keys.id_key).to_sign
        await keep_signed(side, planned, key)
    await send_waiting(side)
    return planned


def _as_correction(side: AgencySide, draft: Draft, correcting: Origin | None) -> Draft:
    said = draft.statement
    kinds = side.schemas.named(said.type, said.version).kinds
    if Origin(said.system, said.natural_id) != correcting or Kind.CORRECTION not in kinds:
        return draft
    return replace(draft, statement=replace(said, kind=Kind.CORRECTION))


async def keep_reading(
    side: AgencySide,
    rule: PublicationRule,
    reading: AnyReading,
    report: PublishReport,
    correcting: Origin | None = None,
    stopped: Callable[[], bool] = never,
) -> None:
    """Put what a file gave into the outbox, as far as the rule lets it out; add to the report.

    Others may keep theirs between two portions of a large file. How good the file was is noted
    behind that; nothing is held up if it cannot be.

    Raises:
        LaneError: the outbox cannot be written; what of the file is in it already will be known.
        ReadingStopped: as `stopped` says, between two portions.
    """
    file = reading.accounting.file
    begun = False
    async for drafts in portions(reading, report):
        if begun and stopped():
            raise ReadingStopped
        begun = True
        async with side.keeping:
            planned = await weigh(side, rule, file, drafts, report, correcting)
            await keep_signed(side, planned)
        report.published += [published_as(file, one) for one in planned]
    await _note(side, reading, report)


async def read_aside(
    path: Path,
    context: ReadContext,
    format_name: str | None,
    given: Mapping[str, Path],
    stopped: Callable[[], bool] = never,
) -> AnyReading:
    """Read a file as `read_file` does, while the event loop goes on."""
    cancelled = threading.Event()

    def ends() -> bool:
        return cancelled.is_set() or stopped()

    try:
        return await asyncio.to_thread(read_file, path, context, format_name, given, ends)
    finally:
        cancelled.set()  # a cancelled task leaves its thread behind


async def portions(reading: AnyReading, report: PublishReport) -> AsyncIterator[Sequence[Draft]]:
    """Add a file's account to the report, and yield what it gave; the event loop goes on meanwhile.

    A file that was changed between its account and this is refused in the report.
    """
    account = reading.accounting
    report.files.append(account)
    found = reading.portions()
    try:
        while (drafts := await asyncio.to_thread(next, found, None)) is not None:
            yield drafts
    except InputRefused as error:
        report.refused.append((account.file, rejected(WHOLE_FILE, error)))


async def _note(side: AgencySide, reading: AnyReading, report: PublishReport) -> None:
    account = reading.accounting
    quality = quality_of(
        account,
        reading.children,
        [one for file, one in report.refused if file == account.file],
        sum(one.file == account.file for one in report.kept_back),
    )
    try:
        await side.readings.note(quality, reading.digest, side.clock.now())
    except ConcordatError as error:
        report.not_noted = error.code.name


def published_as(file: str, planned: Planned) -> Published:
    """Return how a report names a record."""
    prepared = planned.prepared
    return Published(file, planned.item, prepared.record_id, prepared.statement.type)


async def weigh(
    side: AgencySide,
    rule: PublicationRule,
    file: str,
    drafts: Sequence[Draft],
    report: PublishReport,
    correcting: Origin | None = None,
) -> tuple[Planned, ...]:
    """Return what of drafts is new and may leave; add all the rest to the report. Keeps nothing.

    Raises:
        LaneError: the outbox cannot be read.
    """
    prepared: list[tuple[Draft, Prepared]] = []
    for read in drafts:
        draft = read if correcting is None else _as_correction(side, read, correcting)
        try:
            prepared.append((draft, prepare(draft.statement, side.schemas, side.signer)))
        except StatementRefused as error:
            code = error.code
            refused = Rejected(draft.item, error.where, code.name, code.sentence, error.fix)
            report.refused.append((file, refused))
    held = await side.outbox.known([origin_of(one) for _, one in prepared])
    candidates: list[Candidate] = []
    for draft, one in prepared:
        verdict = judge(rule, draft, went_out=origin_of(one) in held)
        if verdict.publish:
            candidates.append(Candidate(one, draft.item, draft.urgent))
        else:
            report.kept_back.append(KeptBack(file, draft.item, verdict.rule, verdict.text))
    planned = plan(candidates, held, side.keys.id_key)
    report.already += len(planned.already)
    report.refused += [(file, one) for one in planned.refused]
    return planned.to_sign


async def keep_signed(
    side: AgencySide, planned: Sequence[Planned], key: bytes | None = None
) -> None:
    """Sign planned records, batch by batch, and keep them in the outbox."""
    for start in range(0, len(planned), MOST_RECORDS):
        some = planned[start : start + MOST_RECORDS]
        envelopes = sign([one.prepared for one in some], side.signer, side.clock.now())
        records = [
            Kept(
                one.prepared.record_id,
                origin_of(one.prepared),
                one.prepared.version,
                one.fingerprint,
                sealed_message(
                    side,
                    envelope,
                    topic_of(side.agency, urgent=one.urgent),
                    key or subject_key(side, one.prepared.statement.identifiers),
                ),
                seal_own(side, envelope),
            )
            for one, envelope in zip(some, envelopes, strict=True)
        ]
        reach("outbox.before-store")
        await side.outbox.keep(records)
        reach("outbox.after-store")


def sealed_message(side: AgencySide, envelope: Envelope, topic: str, key: bytes) -> Message:
    """Return an envelope sealed to the router."""
    router = side.protocol.registry.sealing_key(ROUTER)
    way = Way(RECORD_PURPOSE, side.agency, ROUTER, topic)
    sealed = side.sealer.seal(envelope.encode(), way, router, side.clock.now())
    return Message(topic, key, sealed)


def seal_own(side: AgencySide, envelope: Envelope) -> bytes:
    """Return an envelope sealed to the agency itself."""
    public = side.keys.seal.public_key()
    return side.sealer.seal(envelope.encode(), side.own_way, public, side.clock.now())


def subject_key(side: AgencySide, identifiers: Identifiers) -> bytes:
    """Return the message key of a subject: an agency's records about one child share a lane."""
    held = (
        identifiers.own_id,
        identifiers.nhs_number,
        identifiers.upn,
        identifiers.council_id,
    )
    local = next((one for one in held if one), None)
    return os.urandom(8) if local is None else message_key(side.keys.id_key, local)


async def send_waiting(side: AgencySide) -> int:
    """Publish what the outbox holds and does not know to be published; return how many."""
    sent = 0
    while some := await send_some(side):
        sent += some
    return sent


async def send_some(side: AgencySide) -> int:
    """Publish a chunk of what waits, urgent records first; return how many they were."""
    waiting = await side.outbox.waiting(OUTBOX_CHUNK)
    if waiting:
        await side.stream.publish([one.message for one in waiting])
        reach("outbox.after-publish")
        await side.outbox.published([one.record_id for one in waiting])
    return len(waiting)
