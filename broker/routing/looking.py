"""What the log says of a search for a person: made by the router, and again by a verification."""

from hashlib import sha256

from broker.access_log.looks import KIND, Look
from broker.access_log.opened import OpenedEntry
from broker.access_log.parts import Facts, Personal
from broker.access_log.ports import Row
from broker.records.names import AgencyId
from broker.routing.deciding import Places
from broker.routing.entries import Said


def look_said(look: Look, places: Places) -> Said:
    """Return the entry of a look: it decides nothing, and nobody is told anything."""
    agency, raw = AgencyId(look.agency), look.encode()
    facts = Facts(
        kind=KIND,
        at=look.at,
        source=agency,
        consumer="",
        cause=sha256(raw).digest(),
        decision=b"",
        revision=None,
        protocol=places.protocol,
        registers=places.registers,
    )
    row = Row(KIND, look.at, agency, tokens=look.tokens)
    return Said(facts, row, Personal(look.digest, raw, (), "", look.tokens))


def logged_look(entry: OpenedEntry, facts: Facts) -> Said:
    """Return what an entry must say that calls itself a look; as far as it opens.

    Nothing but the entry itself tells that somebody looked. So it is held against the look that it
    keeps, and if that was erased, against the form alone.

    Raises:
        LogError: `log.shape`; what it keeps is no look.
    """
    places = Places(facts.protocol, facts.registers)
    personal = entry.personal
    if personal is not None:
        return look_said(Look.decode(personal.question or b""), places)
    bare = Look(bytes(16), facts.at, facts.source, "", "", (), entry.kept.row.tokens)
    said = look_said(bare, places)
    return Said(said.facts, said.row)
