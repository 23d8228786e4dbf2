"""Health: FHIR R4B Flag, CareTeam, CarePlan, Encounter → protection-status, emergency-attendance.

JSON or XML; one resource, or a Bundle: collection, message, searchset, history or
subscription-notification. Each resource is one item; patients, organisations and the like are
context, read with the resources that refer to them. References are followed inside the file only.

- A Flag, a CareTeam (as the national service Child Protection - Information Sharing gives it) or a
  CarePlan says that a child has a protection plan or is looked after, or that an unborn child has a
  plan, and which council to ring.
- An Encounter of class EMER is an attendance at an emergency department.

What was entered in error or deleted is never published. A modifier extension that is not known
rejects its resource: it may turn the meaning round. Of several versions of a resource in one file
the newest counts. Sources: HL7 FHIR R4B (4.3.0), UK Core, NHS England's CP-IS FHIR API.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from adapters.drafting import Naming
from adapters.format import Context, Draft, Outcome, ReadContext, Unmapped, one_item, warned
from adapters.health.errors import FHIR_ERROR
from adapters.health.fhir_bundle import Entry, Shelf
from adapters.health.fhir_encounter import attendance
from adapters.health.fhir_item import NAME, Item
from adapters.health.fhir_status import protection_status
from adapters.health.fhir_xml import NAMESPACE, parse_xml
from adapters.sources.files import HEAD_BYTES
from adapters.sources.json_text import parse
from adapters.sources.text import glance

IN_ERROR = "entered-in-error"

MAPPINGS: Mapping[str, Callable[[Item], Iterator[Outcome]]] = {
    "Flag": protection_status,
    "CareTeam": protection_status,
    "CarePlan": protection_status,
    "Encounter": attendance,
}
BESIDE = frozenset(
    {
        "Patient",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "RelatedPerson",
        "Location",
        "HealthcareService",
        "MessageHeader",
        "SubscriptionStatus",
        "Parameters",
        "OperationOutcome",
        "Provenance",
    }
)
"""Resources that others refer to, or that belong to the exchange."""

_JSON = re.compile(r'"resourceType"\s*:\s*"(?:Bundle|Flag|CareTeam|CarePlan|Encounter)"')
_XML = re.compile(
    r"<(?:[\w.-]+:)?(?:Bundle|Flag|CareTeam|CarePlan|Encounter)\s[^<>]*" + re.escape(NAMESPACE)
)


@dataclass(frozen=True, slots=True)
class Fhir:
    """A `Format`."""

    name: str = NAME
    agency_type: str | None = "health"
    streams: bool = False

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the port
        """Tell by the type of the resource, or by the namespace of XML."""
        text = glance(head)
        if text.startswith("{"):
            return _JSON.search(text) is not None
        return text.startswith("<") and _XML.search(text) is not None

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - of the port
        """Name none."""
        return ()

    def read(self, stream: BinaryIO, name: str, context: ReadContext) -> Iterator[Outcome]:  # noqa: ARG002 - of the port
        """Yield what each resource holds.

        Raises:
            InputRefused: the file as a whole cannot be read.
        """
        data = stream.read()
        xml = glance(data[:HEAD_BYTES]).startswith("<")
        shelf = Shelf(
            parse_xml(data, context.encoding) if xml else parse(data, context.encoding), xml=xml
        )
        naming = Naming()
        for entry in shelf.entries:
            yield from one_item(entry.place, _map(entry, shelf, context, naming))
        yield Unmapped(tuple(sorted(shelf.left())))


def _map(entry: Entry, shelf: Shelf, context: ReadContext, naming: Naming) -> Iterator[Outcome]:
    if entry.fault is not None:
        raise entry.fault
    resource, place = entry.resource, entry.place
    if not shelf.counts(entry) and (entry.deleted or entry.type in MAPPINGS):
        yield Context(place, "an older version of a resource that the file holds too")
        return
    if entry.deleted:
        yield warned(place, FHIR_ERROR, "entry.request")
        yield Context(place, "a resource that was deleted")
        return
    if resource is None:
        yield Context(place, "an entry that only names a resource")
        return
    mapping = MAPPINGS.get(entry.type)
    if mapping is None:
        what = "read with the resources that refer to it"
        yield Context(place, what if entry.type in BESIDE else "a resource that is not mapped")
        if entry.type not in BESIDE:
            yield Unmapped((f"{entry.type} (resource)",))
        return
    resource.must_be_plain()
    if resource.text("status") == IN_ERROR:
        yield warned(place, FHIR_ERROR, resource.place("status"))
        yield Context(place, "entered in error, says the source")
        return
    item = Item(entry, resource, shelf, context, naming)
    gave = False
    for outcome in mapping(item):
        gave = gave or isinstance(outcome, Draft)
        yield outcome
    if gave:
        yield Unmapped(item.left())


FORMAT = Fhir()
