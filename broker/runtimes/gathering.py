"""Gathering evidence: entries of the log, their openings, proofs and records, from stored bytes.

Whoever gathers has the broker's folder. What is closed to him, or does not fit its commitment, is
left out; that it is closed shows in the leaf.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from broker.access_log.cosignatures import gathered
from broker.access_log.decided import Kept
from broker.access_log.entry import (
    Leaf,
    Opening,
    PrivateOpening,
    commit_facts,
    commit_personal,
    commit_told,
)
from broker.access_log.errors import LogError
from broker.access_log.evidence import MOST_ENTRIES, Evidence, EvidenceEntry
from broker.access_log.opened import Unsealed, UnsealedEntry
from broker.access_log.parts import Facts, Told
from broker.access_log.ports import Cursor, LogIndex, LogQuery, LogRow
from broker.access_log.proofs import Proof
from broker.access_log.prover import TileCache
from broker.access_log.query import rows_of
from broker.access_log.reader import LogView, read_state
from broker.access_log.witness import most_witnessed
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.clock import Clock
from broker.errors import Code
from broker.lanes import Received
from broker.protocol.bodies import KeyBody, body_of
from broker.protocol.entries import parse_entry
from broker.protocol.errors import EntryRefused
from broker.protocol.published import read_all
from broker.protocol.root import read_root
from broker.records.envelope import Splicer, decode_envelope
from broker.records.keys import Use
from broker.records.names import AgencyId, Partnership, RecordDigest
from broker.runtimes.exchange import exchange_of
from broker.runtimes.indexing import index_to_read
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.opening import BrokerOpener
from broker.runtimes.protocol import protocol_entries
from broker.runtimes.searching import Wanted, pages
from broker.runtimes.witnessed import read_standing

NOTHING = Code(
    "usage.evidence",
    "No entry of the log is what was asked for.",
    "Look for it with `concordat log search`, and name entries, a record or an NHS number.",
)
TOO_MANY = Code(
    "usage.evidence-size",
    f"More than {MOST_ENTRIES} entries were asked for.",
    "Ask for fewer: one file is meant for one case.",
)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Case:
    """Which entries are wanted: those that any of these names.

    Attributes:
        entries: places in the log.
        record: record id or digest in hex, or its beginning.
        nhs_number: of a child.
    """

    entries: tuple[int, ...] = ()
    record: str | None = None
    nhs_number: str | None = None

    @property
    def words(self) -> str:
        """What was asked for, without any identifier of a child."""
        parts = [f"entry {number}" for number in self.entries]
        parts += [] if self.record is None else [f"record {self.record}"]
        parts += [] if self.nhs_number is None else ["one child"]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of the log: the first leaf, what is kept, and the same without seals."""

    first: int
    kept: Kept
    unsealed: Unsealed


@dataclass(slots=True)
class _Log:
    """What is read from, with batches opened so far."""

    index: LogIndex
    view: LogView
    opener: BrokerOpener
    partnership: Partnership
    batches: dict[int, list[_Message]] = field(default_factory=dict)
    splicers: dict[RecordDigest, Splicer | None] = field(default_factory=dict)

    async def message(self, row: LogRow) -> _Message:
        """Return the message that an entry came with."""
        if row.batch not in self.batches:
            batch = await self.view.batch(row.batch)
            openings = await self.view.openings(batch)
            kept = [Kept.decode(one.kept) for one in openings.messages]
            unsealed = await self.opener.open(kept)
            self.batches[row.batch] = [
                _Message(origin.first, one, parts)
                for origin, one, parts in zip(batch.origins, kept, unsealed, strict=True)
            ]
        return next(
            one
            for one in self.batches[row.batch]
            if one.first <= row.index < one.first + len(one.kept.entries)
        )

    async def rows(self, query: LogQuery) -> list[LogRow]:
        """Return all rows that meet a query."""
        found: list[LogRow] = []
        async for row in rows_of(self.index, query):
            found.append(row)
            if len(found) > MOST_ENTRIES:
                raise InstallationError(TOO_MANY)
        return found

    async def splicer(self, record: RecordDigest) -> Splicer | None:
        """Return what makes minimised records of a record; None if it is gone or closed.

        The record itself lies with its first decision.
        """
        if record not in self.splicers:
            self.splicers[record] = None
            for row in reversed(await self.rows(LogQuery(record=record))):
                archive = (await self.message(row)).unsealed.archive
                if isinstance(archive, bytes):
                    envelope = decode_envelope(archive)
                    digests = envelope.digests(self.partnership)
                    self.splicers[record] = Splicer(envelope, digests)
                    break
        return self.splicers[record]


async def gather(layout: Layout, clock: Clock, case: Case) -> Evidence:
    """Return evidence of the entries of a case, opened as far as there are keys.

    Raises:
        InstallationError: `usage.evidence`, `usage.evidence-size`; no such installation.
        LogError: a file of the log is missing or not what the format says.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    root = layout.first_root.read_bytes()
    trusted = read_root(root)
    async with exchange_of(layout).public(clock) as streams:
        protocol = await protocol_entries(streams)
        folded = read_all(trusted.digest, protocol)
        standing = await read_standing(streams, folded, clock.now())
    async with _opened(layout, trusted.digest) as log:
        rows = await _rows(layout, log, case)
        cache = TileCache()
        chosen = most_witnessed(standing, max((row.index for row in rows), default=0))
        size = chosen[0].size if chosen else log.view.state.tree.size
        note = log.view.state.record.checkpoint
        if chosen:
            note = gathered(one.note for one in chosen)
        prover = await log.view.prover_at(cache, size)
        await log.view.load(cache, prover.missing(*(row.index for row in rows)))
        entries = [
            await _entry(log, row, Proof(row.index, prover.inclusion(row.index), note))
            for row in rows
        ]
    # What stands behind the last entry that is rested on, no entry vouches for; but for the keys of
    # those who cosigned, which are signed by themselves.
    known = max((_position(one) for one in entries), default=1)
    if chosen:
        known = max(known, _keys_of_witnesses(protocol, {one.agency for one in chosen}))
    times = tuple((one.at, one.message.value) for one in protocol[: max(1, known)])
    origin = trusted.trust.origin
    return Evidence(trusted.digest, origin, clock.now(), case.words, root, times, tuple(entries))


def _keys_of_witnesses(protocol: Sequence[Received], agencies: Collection[AgencyId]) -> int:
    """Return how many entries of the protocol name the keys by which these agencies cosign."""
    for number in range(len(protocol), 0, -1):
        try:
            body = body_of(parse_entry(protocol[number - 1].message.value))
        except EntryRefused:
            continue
        if isinstance(body, KeyBody) and body.use is Use.WITNESS and body.holder in agencies:
            return number
    return 0


@asynccontextmanager
async def _opened(layout: Layout, partnership: Partnership) -> AsyncIterator[_Log]:
    secrets = BrokerSecrets.load(layout.broker_secrets)
    tiles = FileTileStore(layout.log)
    state = await read_state(tiles)
    if state is None:
        raise InstallationError(NOTHING)
    with SqliteRecordKeys.open(layout.record_keys, secrets.record_keys) as keys:
        async with index_to_read(layout) as index:
            opener = BrokerOpener(partnership, secrets.facts, keys)
            yield _Log(index, LogView(tiles, state), opener, partnership)


async def _rows(layout: Layout, log: _Log, case: Case) -> list[LogRow]:
    """Return the rows of a case by rising index."""
    found: dict[int, LogRow] = {}
    for number in case.entries:
        page = await log.index.find(LogQuery(), Cursor(number + 1), 1)
        found |= {row.index: row for row in page.rows if row.index == number}
    for wanted in (Wanted(record=case.record), Wanted(nhs_number=case.nhs_number)):
        if wanted == Wanted():
            continue
        async for page_found in pages(layout, LogQuery(), wanted, AT_ONCE):
            found |= {one.row.index: one.row for one in page_found.found}
            if len(found) > MOST_ENTRIES:
                raise InstallationError(TOO_MANY)
    if not found or not set(case.entries) <= found.keys():
        raise InstallationError(NOTHING)
    size = log.view.state.tree.size
    return [found[index] for index in sorted(found) if index < size]


async def _entry(log: _Log, row: LogRow, proof: Proof) -> EvidenceEntry:
    """Return one entry as far as it opens and fits."""
    message = await log.message(row)
    place = row.index - message.first
    kept, parts = message.kept.entries[place], message.unsealed.entries[place]
    leaf = Leaf.parse(kept.leaf)
    facts = _facts(leaf, parts)
    personal, told = _private(leaf, parts)
    splicer = None if row.record is None else await log.splicer(row.record)
    minimised = b""
    if told is not None:
        consumer = "" if facts is None else Facts.decode(facts.data).consumer
        found = next(
            (one for one in _minimised(told, splicer) if _fits(leaf, told, consumer, one)), None
        )
        told, minimised = (None, b"") if found is None else (told, found)
    return EvidenceEntry(
        row.index,
        kept.leaf,
        proof.encode(),
        None if facts is None else facts.encode(),
        None if personal is None else personal.encode(),
        told,
        minimised,
        b"" if splicer is None or minimised else splicer.minimise(()),
    )


def _position(one: EvidenceEntry) -> int:
    """Return how much of the protocol an entry rests on."""
    if one.facts is not None:
        return Facts.decode(Opening.decode(one.facts).data).protocol.position
    if one.told is not None and one.told.data:
        return Told.decode(one.told.data).protocol.position
    return 0


def _facts(leaf: Leaf, parts: UnsealedEntry) -> Opening | None:
    if not isinstance(parts.facts, bytes):
        return None
    opening = Opening.decode(parts.facts)
    return opening if commit_facts(opening.salt, opening.data) == leaf.facts else None


def _private(leaf: Leaf, parts: UnsealedEntry) -> tuple[Opening | None, Opening | None]:
    if not isinstance(parts.private, bytes):
        return None, None
    private = PrivateOpening.decode(parts.private)
    personal = private.personal
    fits = commit_personal(personal.salt, personal.data) == leaf.personal
    return (personal if fits else None), private.told


def _minimised(told: Opening, splicer: Splicer | None) -> Iterator[bytes]:
    """Yield what the consumer may have got beside what it was told."""
    yield b""
    if splicer is None or not told.data:
        return
    try:
        said = Told.decode(told.data)
    except LogError:
        return
    yield splicer.minimise(said.slots)


def _fits(leaf: Leaf, told: Opening, consumer: str, minimised: bytes) -> bool:
    return commit_told(told.salt, consumer, minimised, told.data) == leaf.told
