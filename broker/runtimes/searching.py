"""Searching an installation's log, and showing what was found."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from string import hexdigits
from typing import TYPE_CHECKING, Any

from broker.access_log.looks import KIND as LOOK
from broker.access_log.looks import Look
from broker.access_log.ports import NEWEST, Cursor, LogIndex, LogQuery, Token
from broker.access_log.query import Found, FoundPage, Search, rows_of
from broker.access_log.reader import LogView, read_state
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.clock import Instant
from broker.errors import Code
from broker.protocol.decision_codec import decode_decision
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.records.envelope import decode_envelope
from broker.records.names import RecordDigest, agency_of
from broker.runtimes.indexing import index_to_read
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.opening import BrokerOpener
from broker.subjects.identifiers import is_nhs_number
from broker.subjects.tokens import Tokeniser

if TYPE_CHECKING:
    from broker.access_log.findings import Finding

NO_LOG = Code(
    "log.absent",
    "The log's index holds entries, but the log itself is gone.",
    "Restore the broker's folder from a copy, then run `concordat log verify`.",
)
NHS_NUMBER = Code(
    "usage.nhs-number",
    "This is no NHS number: it needs ten digits, the last of which checks the others.",
    "Read it again from the record; spaces do not matter.",
)
RECORD_ID = Code(
    "usage.record",
    "This is no record id, nor enough of one.",
    "Give a record id or digest in hex, at least its first 8 characters.",
)
NOT_KNOWN = Code(
    "usage.unknown",
    "The protocol has no such name, so that nothing can be found by it.",
    "Check how it is written; `concordat doctor` lists the agencies.",
)

REVISION = Code(
    "usage.revision",
    "This is no digest of a revision, nor enough of one.",
    "Give it in hex, at least its first 8 characters; `concordat log search --json` shows it.",
)

REASONS = frozenset({"not-in-force", "lapsed", "unknown-schema", "refused-by-source", "unanswered"})
"""What stands among an entry's clauses where no clause says why; see `Decision.reasons`."""

Find = Callable[[Cursor, int], Awaitable[FoundPage]]
"""Finds a page below a cursor, of so many entries at most."""

LEAST_HEX = 8
"""Characters of a record id that must be given: 32 bits tell a county's records apart."""

SCANNED = 200
"""Entries looked at in one go when searching by record id, which the index does not hold."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for in words that the index holds only as hashes.

    Attributes:
        nhs_number: of the child; entries that name her by another identifier are found, too.
        record: record id or record digest in hex, or its beginning.
        revision: digest in hex of the revision that decided, or its beginning; it lies in the
            sealed facts, so entries are opened one after the other until a page is full.
        agency: named beside the query's own party.
    """

    nhs_number: str | None = None
    record: str | None = None
    revision: str | None = None
    agency: str | None = None

    def keeps(self, found: Found) -> bool:
        """Tell whether an entry meets what no index holds."""
        facts, row = found.entry.facts, found.row.row
        digest = None if facts is None else facts.revision
        if self.revision is not None and (
            digest is None or not digest.hex().startswith(self.revision)
        ):
            return False
        return self.agency is None or self.agency in {row.source, agency_of(row.consumer)}


def check_wanted(wanted: Wanted) -> Wanted:
    """Return what is wanted as the log knows it.

    Raises:
        InstallationError: `usage.nhs-number`, `usage.record`, `usage.revision`; what was given is
            not repeated.
    """
    number, record, revision = wanted.nhs_number, wanted.record, wanted.revision
    if number is not None:
        number = "".join(number.split()).replace("-", "")
        if not is_nhs_number(number):
            raise InstallationError(NHS_NUMBER)
    if record is not None:
        record = _hex(record, RECORD_ID)
    if revision is not None:
        revision = _hex(revision, REVISION)
    return replace(wanted, nhs_number=number, record=record, revision=revision)


def _hex(text: str, code: Code) -> str:
    text = text.strip().lower()
    if len(text) < LEAST_HEX or not set(text) <= set(hexdigits):
        raise InstallationError(code)
    return text


def check_query(query: LogQuery, protocol: PublishedProtocol, at: Instant) -> None:
    """Refuse names that the protocol does not have: a slip of the pen must not look like "nobody".

    Raises:
        InstallationError: `usage.unknown`.
    """
    agencies = protocol.agencies()
    agreement = protocol.agreement_at(at)
    desks = agreement.roster.consumers() if agreement is not None else ()
    types = {schema.type for schema in protocol.schemas.types()}
    given = (
        ("--source", query.source, query.source in agencies),
        ("--consumer", query.consumer, query.consumer in {*agencies, *desks}),
        ("--type", query.type, query.type in types),
        ("--agency", query.party, query.party in agencies),
        ("--clause", query.clause, query.clause in {*_clauses(protocol), *REASONS}),
    )
    for option, name, known in given:
        if name is not None and not known:
            raise InstallationError(NOT_KNOWN, option)


def _clauses(protocol: PublishedProtocol) -> set[str]:
    return {clause.id for revision in protocol.revisions for clause in revision.clauses}


async def search(
    layout: Layout, query: LogQuery, wanted: Wanted, cursor: Cursor, limit: int
) -> FoundPage:
    """Return entries that meet a query, newest first.

    Raises:
        InstallationError: there is no such installation; what is wanted cannot be; the log is gone.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    wanted = check_wanted(wanted)
    async with AsyncExitStack() as stack:
        secrets = BrokerSecrets.load(layout.broker_secrets)
        partnership = read_root(layout.first_root.read_bytes()).digest
        keys = stack.enter_context(SqliteRecordKeys.open(layout.record_keys, secrets.record_keys))
        index = await stack.enter_async_context(index_to_read(layout))
        tiles = FileTileStore(layout.log)
        state = await read_state(tiles)
        if state is None:
            if await index.size():
                raise InstallationError(NO_LOG)
            return FoundPage((), None, ())
        opener = BrokerOpener(partnership, secrets.facts, keys)
        found = Search(LogView(tiles, state), index, opener)
        if wanted.record is not None:
            digest = await _digest_of(found, wanted.record)
            if digest is None:
                return FoundPage((), None, ())
            query = replace(query, record=digest)
        if wanted.nhs_number is None:
            find: Find = partial(found.find, query)
        else:
            token = Tokeniser(secrets.tokens, partnership).token("nhs", wanted.nhs_number)
            find = partial(_with_any, found, query, await _tied(index, token))
        if wanted.revision is None and wanted.agency is None:
            return await find(cursor, limit)
        return await _kept(find, wanted, cursor, limit)


async def pages(
    layout: Layout, query: LogQuery, wanted: Wanted, at_once: int = SCANNED
) -> AsyncIterator[FoundPage]:
    """Yield page after page of what a search finds.

    Raises:
        as `search`.
    """
    cursor: Cursor | None = NEWEST
    while cursor is not None:
        page = await search(layout, query, wanted, cursor, at_once)
        yield page
        cursor = page.cursor


async def _kept(find: Find, wanted: Wanted, cursor: Cursor, limit: int) -> FoundPage:
    """Return a page of those entries that meet what no index holds."""
    kept: list[Found] = []
    findings: list[Finding] = []
    place: Cursor | None = cursor
    while place is not None and len(kept) <= limit:
        page = await find(place, SCANNED)
        kept += [one for one in page.found if wanted.keeps(one)]
        findings += page.findings
        place = page.cursor
    if len(kept) > limit:
        kept = kept[:limit]
        place = Cursor(kept[-1].row.index)
    return FoundPage(tuple(kept), place, tuple(findings))


async def _tied(index: LogIndex, token: Token) -> list[Token]:
    """Return all tokens that stand beside each other in entries, beginning with one.

    One agency's records name a child by her NHS number, another's by her pupil number: whoever
    asks what was told about her means both.
    """
    todo, tied = {token}, {token}
    while todo:
        async for row in rows_of(index, LogQuery(token=todo.pop())):
            new = set(row.row.tokens) - tied
            tied |= new
            todo |= new
    return sorted(tied)


async def _with_any(
    search_in: Search, query: LogQuery, tokens: Sequence[Token], cursor: Cursor, limit: int
) -> FoundPage:
    """Return the newest entries below `cursor` that have one of the tokens."""
    pages = [await search_in.find(replace(query, token=token), cursor, limit) for token in tokens]
    by_index = {one.row.index: one for page in pages for one in page.found}
    newest = sorted(by_index, reverse=True)
    shown = newest[:limit]
    more = len(newest) > limit or any(page.cursor is not None for page in pages)
    findings = dict.fromkeys(one for page in pages for one in page.findings)
    return FoundPage(
        tuple(by_index[index] for index in shown),
        Cursor(shown[-1]) if more and shown else None,
        tuple(findings),
    )


async def _digest_of(search_in: Search, record: str) -> RecordDigest | None:
    """Return the digest of the record that is named, which the index does not know by its id.

    The record itself lies with its first decision alone: every entry is looked at, whatever else
    is asked for.
    """
    place: Cursor | None = NEWEST
    while place is not None:
        page = await search_in.find(LogQuery(), place, SCANNED)
        for one in page.found:
            archive = one.message.archive
            names = [one.row.record.hex()] if one.row.record else []
            names += [decode_envelope(archive).head.record_id.hex()] if archive else []
            if any(name.startswith(record) for name in names):
                return one.row.record
        place = page.cursor
    return None


def found_document(one: Found) -> dict[str, Any]:
    """Return an entry as JSON shows it."""
    row, facts = one.row.row, one.entry.facts
    document: dict[str, Any] = {
        "entry": one.row.index,
        "at_ms": row.at,
        "kind": row.kind,
        "source": row.source,
        "consumer": row.consumer,
        "type": row.type,
        "outcome": row.outcome,
        "clauses": list(row.clauses),
        "delivery": one.row.delivery.hex() if one.entry.kept.topic else None,
        "record_digest": one.row.record.hex() if one.row.record else None,
    }
    if facts is not None:
        document["code"] = facts.code
        document["protocol_position"] = facts.protocol.position
        document["revision"] = None if facts.revision is None else facts.revision.hex()
        if facts.kind == LOOK and one.entry.personal is not None:
            said = Look.decode(one.entry.personal.question or b"")
            document["look"] = {
                "role": said.role,
                "because": said.because,
                "asked": list(said.asked),
            }
        if facts.decision:
            decision = decode_decision(facts.decision)
            document["slots"] = list(decision.slots)
            document["reasons"] = list(decision.reasons)
            document["narrowings"] = list(decision.narrowings)
    return document


async def about_child(layout: Layout, nhs_number: str) -> list[Found]:
    """Return every entry about a child, oldest first, by all identifiers that records tie together.

    Raises:
        InstallationError: there is no such installation, or no such number.
        Unavailable: a store cannot be reached.
    """
    found: list[Found] = []
    async for page in pages(layout, LogQuery(), Wanted(nhs_number=nhs_number)):
        found += page.found
    return found[::-1]
