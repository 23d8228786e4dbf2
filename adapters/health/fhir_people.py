"""Whom a FHIR resource is about, and which organisation answers for it (UK Core, R4B).

Addresses of identifiers are England's. An NHS number's extension tells how far it is traced; a
reference may name the patient by number alone, as the national child protection service does.
"""

import re
from dataclasses import dataclass, replace

from adapters.errors import BIRTH, FIELD_MISSING, FIELD_TWICE, InputRefused
from adapters.format import Warned, warned
from adapters.health.errors import FHIR_DISAGREES, FHIR_REFERENCE, FHIR_REPLACED
from adapters.health.fhir_bundle import Entry, Shelf
from adapters.health.fhir_tree import ADDRESS_LIMIT, Branch
from adapters.health.tracing import doubted
from adapters.identifiers import Child, Said, check
from broker.clock import Instant

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
TRACE = frozenset(
    {
        "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
    }
)
"""The extension of an NHS number, under its address of today and of UK Core's first releases."""

OWN = frozenset({"MR", "PI"})
"""Identifier types (table 0203) that are a trust's own number: medical record, internal."""

NO_LONGER = frozenset({"old", "temp"})
NAMES = ("official", "usual", None)
"""Uses of a name in the order in which they are taken. An alias or a maiden name is no name to find
somebody by."""

RESTRICTED = frozenset({"R", "V", "REDACTED"})
"""Confidentiality codes of a patient whose whereabouts must not be told (Personal Demographics
Service: restricted, very restricted, redacted)."""

OUT_OF_HOURS = ("emergency duty", "out of hours", "out-of-hours")

_PART_OF_A_DATE = re.compile(r"[0-9]{4}(-[0-9]{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom a resource is about.

    Attributes:
        child: checked.
        restricted: nothing that reveals a place may be mapped.
        patient: the patient's resource; None if only an identifier is there.
    """

    child: Child
    restricted: bool = False
    patient: Branch | None = None


def whose(resource: Branch, entry: Entry, shelf: Shelf, at: Instant) -> Whose | None:
    """Return whom a resource is about; None if that is no patient.

    Raises:
        InputRefused: `fhir.…`, `identity.…`, `field.…`.
    """
    where = resource.place("subject")
    subject = resource.one("subject")
    if subject is None:
        raise InputRefused(FIELD_MISSING, where)
    named = subject.one("identifier")
    said = Said() if named is None else _number(Said(), named, where)
    doubts: tuple[Warned, ...] = ()
    if named is not None and said.nhs_number is not None:
        said, doubts = _believed(said, named, entry.place, where)
    reference = subject.address("reference")
    patient = None if reference is None else shelf.find(reference, entry, where)
    type_ = (patient.type if patient is not None else "") or _kind(subject, reference)
    if type_ not in ("", "Patient"):
        return None
    if patient is None:
        if named is None:
            raise InputRefused(FHIR_REFERENCE, where)
        child = check(said, entry.place, at)
        return Whose(replace(child, warnings=(*child.warnings, *doubts)))
    own, more = _patient(patient, entry.place)
    if None not in (said.nhs_number, own.nhs_number) and said.nhs_number != own.nhs_number:
        raise InputRefused(FHIR_DISAGREES, where)
    # A number that the reference alone names, and the patient's resource does not, is believed.
    own = replace(own, nhs_number=own.nhs_number or said.nhs_number)
    child = check(own, entry.place, at)
    child = replace(child, warnings=(*child.warnings, *doubts, *more))
    return Whose(child, _restricted(patient), patient)


def _kind(subject: Branch, reference: str | None) -> str:
    said = subject.text("type")
    if said is not None:
        return said.rpartition("/")[2]
    parts = (reference or "").split("/")
    return parts[-2] if len(parts) > 1 and parts[-2][:1].isupper() else ""


def _patient(patient: Branch, place: str) -> tuple[Said, tuple[Warned, ...]]:
    patient.must_be_plain()
    replaced = any(one.text("type") == "replaced-by" for one in patient.many("link"))
    if replaced or patient.flag("active") is False:
        raise InputRefused(FHIR_REPLACED, "Patient")
    given, family = _name(patient)
    born, warnings = _born(patient, place)
    said = Said(given=given, family=family, born=born)
    for one in patient.many("identifier"):
        if one.text("use") in NO_LONGER:
            continue
        before = said.nhs_number
        said = _number(said, one, "Patient.identifier")
        if said.nhs_number != before:
            said, doubts = _believed(said, one, place, "Patient.identifier")
            warnings += doubts
    return said, warnings


def _number(said: Said, identifier: Branch, where: str) -> Said:
    """Add what an identifier says: an NHS number, or the trust's own."""
    system, value = identifier.address("system"), identifier.text("value")
    if system == NHS_NUMBER and value is not None:
        if said.nhs_number not in (None, value):
            raise InputRefused(FIELD_TWICE, where)
        return replace(said, nhs_number=value)
    type_ = identifier.one("type")
    if type_ is not None and value is not None and said.own_id is None and _codes(type_) & OWN:
        return replace(said, own_id=value)
    return said


def _believed(
    said: Said, identifier: Branch, place: str, where: str
) -> tuple[Said, tuple[Warned, ...]]:
    status = identifier.extension(TRACE)
    concept = None if status is None else status.one("valueCodeableConcept")
    codes = set() if concept is None else _codes(concept)
    return doubted(said, min(codes) if codes else None, place, where)


def _codes(concept: Branch) -> set[str]:
    found = set()
    for one in concept.many("coding"):
        for name in ("system", "display", "version"):
            one.raw(name)
        code = one.text("code")
        found |= set() if code is None else {code}
    return found


def _name(patient: Branch) -> tuple[str | None, str | None]:
    names = {one.text("use"): one for one in reversed(patient.many("name"))}
    for use in NAMES:
        if use in names:
            given = names[use].texts("given")
            return given[0] if given else None, names[use].text("family")
    return None, None


def _born(patient: Branch, place: str) -> tuple[int | None, tuple[Warned, ...]]:
    said = patient.text("birthDate")
    if said is not None and _PART_OF_A_DATE.fullmatch(said):
        return None, (warned(place, BIRTH, "Patient.birthDate"),)
    return patient.day("birthDate"), ()


def _restricted(patient: Branch) -> bool:
    meta = patient.one("meta")
    if meta is None:
        return False
    return any(one.text("code") in RESTRICTED for one in meta.many("security"))


@dataclass(frozen=True, slots=True)
class Office:
    """An organisation: its name, code and telephones; each None if not said."""

    name: str | None
    code: str | None = None
    telephone: str | None = None
    out_of_hours: str | None = None


def office(
    reference: Branch | None, entry: Entry, shelf: Shelf, used: list[Branch]
) -> Office | None:
    """Return the organisation that a reference leads to; None if it is none.

    Args:
        reference: the element; None: absent.
        entry: in which it stands.
        shelf: all resources.
        used: gets the organisation's resource, for what is left of it.

    Raises:
        InputRefused: `fhir.…`, `field.…`.
    """
    if reference is None:
        return None
    address, display = reference.address("reference"), reference.text("display")
    found = None if address is None else shelf.find(address, entry, reference.path)
    type_ = found.type if found is not None else _kind(reference, address)
    if type_ not in ("", "Organization"):
        return None
    named = reference.one("identifier")
    code = None if named is None else _ods(named)
    if found is None:
        return Office(display, code)
    found.must_be_plain()
    used.append(found)
    codes = [one for one in map(_ods, found.many("identifier")) if one is not None]
    day, night = telephones(found)
    return Office(found.text("name") or display, code or (codes[0] if codes else None), day, night)


def _ods(identifier: Branch) -> str | None:
    if identifier.text("system", ADDRESS_LIMIT) != ODS_CODE:
        return None
    return identifier.text("value")


def telephones(resource: Branch) -> tuple[str | None, str | None]:
    """Return an organisation's or team's telephone by day, and the one out of hours.

    The national service gives the second as a mobile one; others as a contact for that purpose. One
    at home is nobody's.

    Raises:
        InputRefused: `field.…`.
    """
    day, night = _phone(resource, ("work", None)), _phone(resource, ("mobile",))
    for contact in resource.many("contact"):
        purpose = contact.one("purpose")
        words = "" if purpose is None else (purpose.text("text") or "").casefold()
        if any(one in words for one in OUT_OF_HOURS):
            night = _phone(contact, ("work", "mobile", None)) or night
    return day, night


def _phone(resource: Branch, uses: tuple[str | None, ...]) -> str | None:
    for one in resource.many("telecom"):
        if one.text("system") == "phone" and one.text("use") in uses:
            return one.text("value")
    return None
