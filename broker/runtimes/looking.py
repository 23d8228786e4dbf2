"""Who looks into the log: an agency's auditor, or the independent scrutineer.

An agency's auditor finds entries that name the agency, as source or as consumer; the scrutineer
finds all. Whoever searches for a person says why. The look is durable before anything is shown, and
the router makes it an entry of the log (`broker.runtimes.looks`).
"""

import base64
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, replace
from hashlib import sha256

from broker.access_log.looks import Look
from broker.access_log.ports import NEWEST, Cursor, LogQuery
from broker.access_log.query import Found, FoundPage
from broker.clock import Clock
from broker.errors import Code
from broker.protocol.published import PublishedProtocol
from broker.protocol.root import read_root
from broker.runtimes.explaining import published
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import InstallationError, Layout
from broker.runtimes.looks import open_looks
from broker.runtimes.searching import (
    NOT_KNOWN,
    Wanted,
    check_query,
    check_wanted,
    pages,
    search,
)
from broker.subjects.tokens import Tokeniser

BECAUSE = Code(
    "usage.because",
    "A search for a person needs a reason, which is logged with who looked.",
    'Say why in a sentence of 10 to 500 characters: --because "…", without names or numbers.',
)
CURSOR = Code(
    "usage.cursor",
    "This is not where a search ended that asked for the same.",
    "Repeat the search as it was, with the cursor that it gave, or begin anew without one.",
)
LEAST_REASON, MOST_REASON = 10, 500
"""Characters of a reason."""

_PLACE_BYTES, _ASKED_BYTES = 8, 4


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks.

    Attributes:
        agency: whose auditor; empty for the independent scrutineer.
        role: of the person.
    """

    agency: str = ""
    role: str = "auditor"


NOTHING_ELSE = Wanted()
SCRUTINEER = Looker()


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see of the log.

    Attributes:
        query: what the index holds.
        wanted: what it does not.
        looker: who asks.
        because: why; only a search for a person needs it.
    """

    query: LogQuery
    wanted: Wanted = NOTHING_ELSE
    looker: Looker = SCRUTINEER
    because: str | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of what is asked for, sorted; no value."""
        found = {
            one.name
            for part in (self.query, self.wanted)
            for one in fields(part)
            if getattr(part, one.name) not in {None, False}
        }
        return tuple(sorted(found))

    def digest(self) -> bytes:
        """Return what tells two searches apart; it says nothing of a person."""
        wanted = (self.wanted.record, self.wanted.revision, self.wanted.agency)
        asked = repr((self.names(), self.query, wanted, self.looker.agency))
        return sha256(asked.encode()).digest()[:_ASKED_BYTES]


def cursor_text(place: Cursor, asked: Asked) -> str:
    """Return a cursor as it is shown: where the search goes on, and which search."""
    raw = place.to_bytes(_PLACE_BYTES, "big") + asked.digest()
    return base64.urlsafe_b64encode(raw).decode("ascii")


def read_cursor(text: str | None, asked: Asked) -> Cursor:
    """Return where a search goes on; without a text, at the newest entry.

    Raises:
        InstallationError: `usage.cursor`.
    """
    if text is None:
        return NEWEST
    try:
        raw = base64.b64decode(text.strip().encode("ascii"), b"-_", validate=True)
    except ValueError as error:
        raise InstallationError(CURSOR) from error
    place = Cursor(int.from_bytes(raw[:_PLACE_BYTES], "big"))
    if place > NEWEST or raw != place.to_bytes(_PLACE_BYTES, "big") + asked.digest():
        raise InstallationError(CURSOR)
    return place


async def look(
    layout: Layout, clock: Clock, asked: Asked, cursor: str | None, limit: int
) -> tuple[FoundPage, str | None]:
    """Return entries that somebody may see and asks for, newest first, and where to go on.

    Raises:
        InstallationError: no such installation; a name that there is not; `usage.because`,
            `usage.cursor`.
        LookRefused: `usage.look-limit`.
        Unavailable: a store cannot be reached; a look that cannot be kept finds nothing.
    """
    asked = await admit(layout, clock, asked)
    page = await search(layout, asked.query, asked.wanted, read_cursor(cursor, asked), limit)
    return page, None if page.cursor is None else cursor_text(page.cursor, asked)


async def every(layout: Layout, clock: Clock, asked: Asked) -> AsyncIterator[Found]:
    """Yield every entry that somebody may see and asks for, newest first.

    Raises:
        As `look`.
    """
    asked = await admit(layout, clock, asked)
    async for page in admitted_pages(layout, asked):
        for one in page.found:
            yield one


def admitted_pages(layout: Layout, asked: Asked) -> AsyncIterator[FoundPage]:
    """Yield page after page of what was admitted."""
    return pages(layout, asked.query, asked.wanted)


async def admit(layout: Layout, clock: Clock, asked: Asked) -> Asked:
    """Return what is asked for, narrowed to what the looker may see; a look is noted.

    Raises:
        As `look`.
    """
    protocol = await published(layout, clock)
    check_query(asked.query, protocol, clock.now())
    wanted = check_wanted(asked.wanted)
    known = [one.digest.hex() for one in protocol.revisions]
    if wanted.revision and not any(one.startswith(wanted.revision) for one in known):
        raise InstallationError(NOT_KNOWN, "--revision")
    asked = restrict(replace(asked, wanted=wanted), protocol)
    if wanted.nhs_number is not None:
        await _note(layout, clock, asked, wanted.nhs_number)
    return asked


def restrict(asked: Asked, protocol: PublishedProtocol) -> Asked:
    """Narrow what an agency's auditor asks for to entries that name the agency.

    Raises:
        InstallationError: `usage.unknown`; there is no such agency.
    """
    mine = asked.looker.agency
    if not mine:
        return asked
    if mine not in protocol.agencies():
        raise InstallationError(NOT_KNOWN, "--as")
    wanted = replace(asked.wanted, agency=asked.query.party)
    return replace(asked, query=replace(asked.query, party=mine), wanted=wanted)


async def _note(layout: Layout, clock: Clock, asked: Asked, nhs_number: str) -> None:
    because = " ".join((asked.because or "").split())
    if not LEAST_REASON <= len(because) <= MOST_REASON:
        raise InstallationError(BECAUSE)
    secrets = BrokerSecrets.load(layout.broker_secrets)
    partnership = read_root(layout.first_root.read_bytes()).digest
    token = Tokeniser(secrets.tokens, partnership).token("nhs", nhs_number)
    looker = asked.looker
    made = Look(
        os.urandom(16), clock.now(), looker.agency, looker.role, because, asked.names(), (token,)
    )
    with open_looks(layout, secrets) as looks:
        await looks.note(made)
