"""Hospital: HL7 v2 ADT^A01, A03, A04 and A08 of emergencies → emergency-attendance.

One message is one item, and says how its visit stands now: a later message about the same visit is
its next version. Other events and classes are context. Versions 2.3 to 2.5.1 are read. Segments may
end in CR, LF or both; messages may stand in a batch (FHS, BHS) or between MLLP's framing bytes. One
that was cut short is rejected, and harms no other. Sources: HL7 v2.5.1 chapter 3 (PID, PV1, PV2,
EVN), tables 0003, 0004, 0007, 0112, 0430.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from adapters.dates import hl7_moment, not_future
from adapters.drafting import Naming, Saying, draft
from adapters.errors import FIELD_CODE, FIELD_MISSING, HL7_MESSAGE, OTHER_AGENCY, InputRefused
from adapters.format import Context, Outcome, ReadContext, Unmapped, one_item, warned
from adapters.health.attendance import facts
from adapters.health.errors import (
    HL7_BATCH,
    HL7_CONTROL_ID,
    HL7_CUT,
    HL7_LONG,
    HL7_TWICE,
    HL7_VERSION,
)
from adapters.health.hl7_file import HL7File, Piece
from adapters.health.hl7_message import Message
from adapters.health.hl7_patient import patient
from adapters.health.protected import protections
from adapters.identifiers import Child
from adapters.sources.text import decode, glance
from broker.clock import Instant

NAME = "health-hl7-adt"
EMERGENCY = "E"
INPATIENT = "I"
UNPLANNED = frozenset({"A", "E"})
"""PV1-4, table 0007: accident, emergency. An admission of such a kind began in an emergency."""

ADMITTED = "A01"
DISCHARGED = "A03"
REGISTERED = "A04"
UPDATED = "A08"
EVENTS = (ADMITTED, DISCHARGED, REGISTERED, UPDATED)
BEGINNINGS = (ADMITTED, REGISTERED)
"""Events that happen when the patient arrives: their own time can stand in for that."""

MOST_CHARACTERS = 65_536
"""Of one message: an ADT message has some thousands. One of this length that is all separators is
taken apart in half a second."""

VERSION = re.compile(r"2\.(?:3|3\.1|4|5|5\.1)", re.ASCII)
ONCE = ("EVN", "PID", "PV1", "PV2")
"""Segments that each of these events has once at most (HL7 v2.5.1, section 3.3)."""

BEFORE_VISIT = frozenset({"MSH", "SFT", "EVN", "PID", "PD1", "ROL", "NK1"})
"""Segments that stand before PV1 there: a message that ends with one of them was cut short."""

MODES = {
    "A": "ambulance",
    "C": "car",
    "F": "on-foot",
    "H": "helicopter",
    "P": "public-transport",
    "O": "other",
    "U": "unknown",
}
"""PV2-38, table 0430."""

DISPOSITIONS = {
    "01": "discharged",
    "02": "transferred",
    "07": "left-against-advice",
    "08": "left-before-treatment",
    "09": "admitted",
    "20": "died",
}
"""PV1-36, table 0112 as trusts commonly fill it."""

READ = {
    "MSH": frozenset(range(1, 26)),
    "EVN": frozenset({1, 2, 6}),
    "PID": frozenset({1, 2, 3, 4, 5, 7, 32}),
    "PV1": frozenset({1, 2, 3, 4, 10, 19, 36, 44}),
    "PV2": frozenset({3, 38}),
}
"""Fields that are read, or (MSH, set ids) say nothing of anybody."""

NOT_MAPPED = {
    "NK1": "NK1 (next of kin)",
    "PD1": "PD1 (practice)",
    "AL1": "AL1 (allergies)",
    "DG1": "DG1 (diagnoses)",
    "OBX": "OBX (observations)",
    "GT1": "GT1 (guarantor)",
    "IN1": "IN1 (insurance)",
    "PID-8": "PID-8 (sex)",
    "PID-10": "PID-10 (ethnic group)",
    "PID-11": "PID-11 (address)",
    "PID-13": "PID-13 (telephone)",
    "PV1-45": "PV1-45 (time of discharge)",
}
"""Words for what is named most; the others are named by segment and number."""

_HEADER = re.compile(r"(?:^|[\r\n\x0b])MSH[^A-Za-z0-9\s]")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """What is gathered while a file is read.

    Attributes:
        naming: natural ids of this file.
        control: control ids of the messages that were read.
    """

    naming: Naming
    control: set[str]


@dataclass(frozen=True, slots=True)
class HL7Adt:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "health"
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by a message header at the beginning of a line."""
        return _HEADER.search(glance(head)) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each message holds.

        Raises:
            InputRefused: the file is no text.
        """
        told, file = Told(Naming(), set()), HL7File()
        text = decode(stream.read(), context.encoding)
        for number, piece in enumerate(file.pieces(text), start=1):
            place = f"message {number}"
            yield from one_item(place, _map(piece, place, told, context))
        if not file.sound:
            yield warned("file", HL7_BATCH, "BHS and BTS")


def _map(piece: Piece, place: str, told: Told, context: ReadContext) -> Iterator[Outcome]:
    message = _message(piece)
    facility = message.get("MSH", 4)
    if not facility:
        raise InputRefused(FIELD_MISSING, "MSH-4")
    if not context.is_own(facility):
        raise InputRefused(OTHER_AGENCY, "MSH-4")
    control = message.get("MSH", 10)
    if control and control in told.control:
        yield warned(place, HL7_CONTROL_ID, "MSH-10")
    told.control.add(control)
    event = message.get("MSH", 9, 1, 2) or message.get("EVN", 1)
    if event not in EVENTS:
        yield Context(place, f"another event than {', '.join(EVENTS)}")
        return
    _must_be_whole(message)
    if not _is_emergency(message):
        yield Context(place, "a visit that did not begin as an emergency (PV1-2, PV1-4)")
    else:
        yield from _attendance(message, event, place, told.naming, context)


def _message(piece: Piece) -> Message:
    """Parse one message that is whole, an ADT and of a version that is read."""
    if not piece.text.startswith("MSH"):
        raise InputRefused(HL7_MESSAGE, "MSH")
    if piece.cut:
        raise InputRefused(HL7_CUT, "message")
    if len(piece.text) > MOST_CHARACTERS:
        raise InputRefused(HL7_LONG, "message")
    message = Message(piece.text)
    if message.get("MSH", 9) != "ADT":
        raise InputRefused(HL7_MESSAGE, "MSH-9")
    version = message.get("MSH", 12)
    if version and VERSION.fullmatch(version) is None:
        raise InputRefused(HL7_VERSION, "MSH-12")
    return message


def _must_be_whole(message: Message) -> None:
    """Refuse what may be one patient's beginning with another one's end."""
    there = message.segments()
    for name in ONCE:
        if there[name] > 1:
            raise InputRefused(HL7_TWICE, name)
    if there.keys() <= BEFORE_VISIT or not there["PID"]:
        raise InputRefused(HL7_CUT, "PV1" if there["PID"] else "PID")


def _is_emergency(message: Message) -> bool:
    patient_class = message.get("PV1", 2)
    unplanned = message.get("PV1", 4).upper() in UNPLANNED
    return patient_class == EMERGENCY or (patient_class == INPATIENT and unplanned)


def _attendance(
    message: Message, event: str, place: str, naming: Naming, context: ReadContext
) -> Iterator[Outcome]:
    child = patient(message, place, context.at)
    yield from child.warnings
    arrival, arrival_at = _arrival(message, event)
    not_future(arrival, context.at, "PV1-44")
    mode = MODES.get(message.get("PV2", 38).upper())
    if message.get("PV2", 38) and mode is None:
        yield warned(place, FIELD_CODE, "PV2-38")
    disposition = DISPOSITIONS.get(message.get("PV1", 36))
    if message.get("PV1", 36) and disposition is None:
        yield warned(place, FIELD_CODE, "PV1-36")
    if disposition is None and message.get("PV1", 2) == INPATIENT:
        disposition = "admitted"
    reason = message.get("PV2", 3, 1, 2) or message.get("PV2", 3) or None
    ward, service = message.get("PV1", 3), message.get("PV1", 10)
    site = {"organisation": message.get("PV1", 3, 1, 4) or None, "department": ward or None}
    saying = Saying(
        type="emergency-attendance",
        natural_id=f"emergency-attendance/{_visit(message, child, arrival, naming)}",
        on=arrival,
        content={
            "attendance": {
                "arrival": arrival,
                "arrival_at": arrival_at,
                "mode": mode,
                "disposition": disposition,
            },
            "reason": reason,
            "site": site if any(site.values()) else None,
        },
        facts=facts(arrival_at, disposition),
        protections=protections(reason, ward, services=(service, ward)),
        urgent=True,
    )
    yield draft(child, saying, place, NAME, context)
    yield Unmapped(_left(message))


def _arrival(message: Message, event: str) -> tuple[int, Instant | None]:
    own_time = (("EVN", 6), ("EVN", 2), ("MSH", 7)) if event in BEGINNINGS else ()
    for segment, field in (("PV1", 44), *own_time):
        said = message.get(segment, field)
        if said:
            return hl7_moment(said, f"{segment}-{field}")
    raise InputRefused(FIELD_MISSING, "PV1-44")


def _visit(message: Message, child: Child, arrival: int, naming: Naming) -> str:
    visit = message.get("PV1", 19)
    if visit:
        return visit
    # Without a visit number, two attendances of one day are told apart by their control ids.
    return naming.name(f"{child.local_subject}/{arrival}", message.get("MSH", 10))


def _left(message: Message) -> tuple[str, ...]:
    names: list[str] = []
    for name in message.segments():
        if _SEGMENT.fullmatch(name) is None:
            names.append("(a segment that is not printed)")
        elif name.startswith("Z"):
            names.append(f"{name} (local segment)")
        elif name not in READ:
            names.append(NOT_MAPPED.get(name, name))
        else:
            filled = (f"{name}-{one}" for one in message.filled(name) if one not in READ[name])
            names += [NOT_MAPPED.get(one, one) for one in filled]
    return tuple(sorted(names))


FORMAT = HL7Adt()
