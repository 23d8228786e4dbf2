"""Hospital: HL7 v2 ADT^A01, A03, A04 and A08 of emergencies → emergency-attendance.

One message is one item, and says how its visit stands now: a later message about the same visit is
its next version. Other events and classes are context. Segments may end in CR, LF or both; messages
may stand in a batch (FHS, BHS) or between MLLP's framing bytes. Sources: HL7 v2.4 chapter 3 (PID,
PV1, PV2, EVN), tables 0003, 0004, 0007, 0112, 0430.
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
from adapters.health.hl7_message import Message, messages
from adapters.health.protected import protections
from adapters.identifiers import Child, Said, check
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
NHS = "NH"

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

NOT_MAPPED = {
    "NK1": "NK1 (next of kin)",
    "PD1": "PD1 (practice)",
    "AL1": "AL1 (allergies)",
    "DG1": "DG1 (diagnoses)",
    "OBX": "OBX (observations)",
    "GT1": "GT1 (guarantor)",
    "IN1": "IN1 (insurance)",
}
PID_NOT_MAPPED = {
    8: "PID-8 (sex)",
    10: "PID-10 (ethnic group)",
    11: "PID-11 (address)",
    13: "PID-13 (telephone)",
}

_HEADER = re.compile(r"(?:^|[\r\n\x0b])MSH[^A-Za-z0-9\s]")
_LOCAL = re.compile(r"Z[A-Z0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HL7Adt:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "health"

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
        naming = Naming()
        text = decode(stream.read(), context.encoding)
        for number, lines in enumerate(messages(text), start=1):
            place = f"message {number}"
            yield from one_item(place, _map(lines, place, naming, context))


def _map(text: str, place: str, naming: Naming, context: ReadContext) -> Iterator[Outcome]:
    if not text.startswith("MSH"):
        raise InputRefused(HL7_MESSAGE, "MSH")
    message = Message(text)
    if message.get("MSH", 9) != "ADT":
        raise InputRefused(HL7_MESSAGE, "MSH-9")
    facility = message.get("MSH", 4)
    if not facility:
        raise InputRefused(FIELD_MISSING, "MSH-4")
    if not context.is_own(facility):
        raise InputRefused(OTHER_AGENCY, "MSH-4")
    event = message.get("MSH", 9, 1, 2)
    if event not in EVENTS:
        yield Context(place, f"another event than {', '.join(EVENTS)}")
    elif not _is_emergency(message):
        yield Context(place, "a visit that did not begin as an emergency (PV1-2, PV1-4)")
    else:
        yield from _attendance(message, event, place, naming, context)


def _is_emergency(message: Message) -> bool:
    patient_class = message.get("PV1", 2)
    unplanned = message.get("PV1", 4).upper() in UNPLANNED
    return patient_class == EMERGENCY or (patient_class == INPATIENT and unplanned)


def _attendance(
    message: Message, event: str, place: str, naming: Naming, context: ReadContext
) -> Iterator[Outcome]:
    child = check(_identity(message), place, context.at)
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


def _identity(message: Message) -> Said:
    nhs = own = None
    for repeat in message.repeats("PID", 3):
        value = message.get("PID", 3, repeat)
        kind = message.get("PID", 3, repeat, 5).upper()
        authority = message.get("PID", 3, repeat, 4).upper()
        if kind == NHS or authority == "NHS":
            nhs = nhs or value or None
        elif kind in {"", "MR", "PI"}:
            own = own or value or None
    born = message.get("PID", 7)
    return Said(
        nhs_number=nhs,
        own_id=own,
        given=message.get("PID", 5, 1, 2) or None,
        family=message.get("PID", 5) or None,
        born=hl7_moment(born, "PID-7")[0] if born else None,
    )


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
    there = message.segments()
    names = [label for name, label in NOT_MAPPED.items() if name in there]
    names += [label for number, label in PID_NOT_MAPPED.items() if message.get("PID", number)]
    names += ["PV1-45 (time of discharge)"] if message.get("PV1", 45) else []
    names += sorted(
        f"{name} (local segment)" for name in there if re.fullmatch(r"Z[A-Z0-9]{2}", name)
    )
    return tuple(names)


FORMAT = HL7Adt()
