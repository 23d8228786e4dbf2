"""Whom an HL7 v2 message is about (PID)."""

from dataclasses import replace

from adapters.dates import hl7_moment
from adapters.health.hl7_message import Message
from adapters.health.tracing import doubted
from adapters.identifiers import Child, Said, check
from broker.clock import Instant

NHS = "NH"
OWN = frozenset({"", "MR", "PI"})
"""Identifier types (table 0203) that are a trust's own number: medical record, internal."""

LEGAL = ("L", "", "D", "U")
"""Name types (table 0200) in the order in which they are taken: legal, unsaid, display, unknown;
then whatever comes first. An alias or a maiden name is no name to find somebody by."""

_STATUS = "NSTS"


def patient(message: Message, place: str, at: Instant) -> Child:
    """Return whom a message is about.

    Raises:
        InputRefused: `identity.…`, `field.…`.
    """
    said = _said(message)
    if said.nhs_number is None:
        return check(said, place, at)
    said, doubts = doubted(said, _trace(message), place, "PID-32")
    child = check(said, place, at)
    return replace(child, warnings=(*child.warnings, *doubts))


def _said(message: Message) -> Said:
    nhs = own = None
    # PID-2 and PID-4 are what PID-3 replaced in v2.3.1: there, only a number that says what it is.
    for field in (3, 2, 4):
        for repeat in message.repeats("PID", field):
            value = message.get("PID", field, repeat)
            kind = message.get("PID", field, repeat, 5).upper()
            authority = message.get("PID", field, repeat, 4).upper()
            if kind == NHS or authority == "NHS":
                nhs = nhs or value or None
            elif kind in OWN and field == 3:  # noqa: PLR2004 - PID-3
                own = own or value or None
    given, family = _name(message)
    born = message.get("PID", 7)
    return Said(
        nhs_number=nhs,
        own_id=own,
        given=given,
        family=family,
        born=hl7_moment(born, "PID-7")[0] if born else None,
    )


def _name(message: Message) -> tuple[str | None, str | None]:
    repeats = [
        one
        for one in message.repeats("PID", 5)
        if message.get("PID", 5, one) or message.get("PID", 5, one, 2)
    ]
    if not repeats:
        return None, None
    kinds = {one: message.get("PID", 5, one, 7).upper() for one in reversed(repeats)}
    order = {kind: number for number, kind in enumerate(LEGAL)}
    chosen = min(repeats, key=lambda one: (order.get(kinds[one], len(order)), one))
    return message.get("PID", 5, chosen, 2) or None, message.get("PID", 5, chosen) or None


def _trace(message: Message) -> str | None:
    for repeat in message.repeats("PID", 32):
        said = message.get("PID", 32, repeat).upper()
        if said.startswith(_STATUS):
            return said.removeprefix(_STATUS)
    return None
