"""Searching an embedded installation's log, and showing what was found."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from broker.access_log.ports import NEWEST, Cursor, LogQuery, Token
from broker.access_log.query import Found, FoundPage, Search
from broker.access_log.reader import LogView, read_state
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.log_index import SqliteLogIndex
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.errors import Code
from broker.protocol.decision_codec import decode_decision
from broker.protocol.root import read_root
from broker.records.envelope import decode_envelope
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.opening import BrokerOpener
from broker.subjects.tokens import Tokeniser

NO_LOG = Code(
    "log.absent", "Nothing has been logged yet.", "Publish something, then run `concordat route`."
)

SCANNED = 200
"""Entries looked at in one go when searching by record id, which the index does not hold."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for in words that the index holds only as hashes.

    Attributes:
        nhs_number: of the child.
        record: record id in hex, or its beginning.
    """

    nhs_number: str | None = None
    record: str | None = None


async def search(
    layout: Layout, query: LogQuery, wanted: Wanted, cursor: Cursor, limit: int
) -> FoundPage:
    """Return entries that meet a query, newest first.

    Raises:
        InstallationError: there is no such installation, or nothing was logged.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    with ExitStack() as stack:
        secrets = BrokerSecrets.load(layout.broker_secrets)
        partnership = read_root(layout.first_root.read_bytes()).digest
        if wanted.nhs_number is not None:
            tokeniser = Tokeniser(secrets.tokens, partnership)
            query = replace(query, token=Token(tokeniser.token("nhs", wanted.nhs_number)))
        keys = stack.enter_context(SqliteRecordKeys.open(layout.record_keys, secrets.record_keys))
        index = stack.enter_context(SqliteLogIndex.open(layout.log_index, readonly=True))
        tiles = FileTileStore(layout.log)
        state = await read_state(tiles)
        if state is None:
            raise InstallationError(NO_LOG)
        opener = BrokerOpener(partnership, secrets.facts, keys)
        found = Search(LogView(tiles, state), index, opener)
        if wanted.record is None:
            return await found.find(query, cursor, limit)
        return await _by_record(found, query, wanted.record.lower(), cursor, limit)


async def _by_record(
    search_in: Search, query: LogQuery, record: str, cursor: Cursor, limit: int
) -> FoundPage:
    """Find the archived record's digest by its id, then every entry about it."""
    place: Cursor | None = cursor
    while place is not None:
        page = await search_in.find(query, place, SCANNED)
        for one in page.found:
            archive = one.message.archive
            if archive and decode_envelope(archive).head.record_id.hex().startswith(record):
                return await search_in.find(replace(query, record=one.row.record), cursor, limit)
        place = page.cursor
    return FoundPage((), None, ())


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
        if facts.decision:
            decision = decode_decision(facts.decision)
            document["slots"] = list(decision.slots)
            document["reasons"] = list(decision.reasons)
            document["narrowings"] = list(decision.narrowings)
    return document


async def about_child(layout: Layout, nhs_number: str) -> list[Found]:
    """Return every entry about a child, oldest first, by all identifiers that records tie together.

    Raises:
        InstallationError: there is no such installation, or nothing was logged.
        Unavailable: a store cannot be reached.
    """
    found: dict[int, Found] = {}
    layout.require()
    secrets = BrokerSecrets.load(layout.broker_secrets)
    partnership = read_root(layout.first_root.read_bytes()).digest
    todo = {Tokeniser(secrets.tokens, partnership).token("nhs", nhs_number)}
    seen: set[bytes] = set()
    while todo:
        token = todo.pop()
        seen.add(token)
        for one in await _with_token(layout, token):
            found[one.row.index] = one
            todo.update(set(one.row.row.tokens) - seen)
    return [found[index] for index in sorted(found)]


async def _with_token(layout: Layout, token: bytes) -> list[Found]:
    found: list[Found] = []
    cursor: Cursor | None = NEWEST
    while cursor is not None:
        page = await search(layout, LogQuery(token=Token(token)), Wanted(), cursor, SCANNED)
        found += page.found
        cursor = page.cursor
    return found
