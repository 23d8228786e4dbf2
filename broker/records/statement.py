"""What an agency says, before it is signed: the values that adapters map their sources to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.records.names import Kind


@dataclass(frozen=True, slots=True)
class Indicator:
    """A coded sign or vulnerability; never a score.

    Attributes:
        code: of the list in the head schema.
        on: the day it was seen or recorded, days since 1970-01-01.
        basis: `fact` or `opinion` (DPA 2018 s.38 keeps them apart).
    """

    code: str
    on: int
    basis: str


@dataclass(frozen=True, slots=True)
class Labels:
    """All that policy may look at of a record. Never names.

    Attributes:
        type: record type.
        subject: child, unborn, person, place, business or group.
        indicators: coded indicators.
        age_band: unborn, under-13, 13-15, 16-17, 18-25, adult or unknown, when it was written.
        handling: none, P (may be shared) or C (conditions): the 3x5x2 handling code.
        protections: codes that call for special care, for example `sexual-health`.
        purpose: why the source shares, coded.
        roles: roles of persons named in it, coded.
        facts: small coded facts that clauses ask for, for example `missing:high-risk`.
        addressed_to: consumers that the source names.
        concerns: record id of the record that this one is about; None if of none.
        answer: `share` or `refuse` for an answer to a task, else `none`.
        summary_shareable: whether the sender wrote a summary to be shared; None: not said.
        third_party_checked: whether the sender checked free text for third parties; None: not said.
    """

    type: str
    subject: str = "child"
    indicators: tuple[Indicator, ...] = ()
    age_band: str = "unknown"
    handling: str = "none"
    protections: tuple[str, ...] = ()
    purpose: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    addressed_to: tuple[str, ...] = ()
    concerns: bytes | None = None
    answer: str = "none"
    summary_shareable: bool | None = None
    third_party_checked: bool | None = None


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Every identifier that the source holds of the subject; any may be missing.

    Attributes:
        nhs_number: ten digits, checked.
        upn: unique pupil number, checked.
        council_id: the council's own id of the child.
        own_id: the source system's own id of the subject.
        given: given name.
        family: family name.
        date_of_birth: ISO 8601 date, `2011-09-25`.
    """

    nhs_number: str | None = None
    upn: str | None = None
    council_id: str | None = None
    own_id: str | None = None
    given: str | None = None
    family: str | None = None
    date_of_birth: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask about this record: a role at a desk, never a home number.

    Attributes:
        role: for example `duty sergeant`.
        desk: the agency's desk.
        telephone: as dialled.
        email: address of the desk, if it has one.
    """

    role: str
    desk: str
    telephone: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One record as its source means it.

    Attributes:
        type: record type, the name of a schema folder.
        version: schema version, `major.minor`.
        kind: record, correction, retraction, register or history.
        system: the source system's name, part of the record id.
        natural_id: the source's own id of this fact.
        source_version: the source's own version of it; None: a digest of the values stands in.
        labels: what policy may see.
        identifiers: of the subject.
        contact: whom to ask.
        content: slot name → value that fits the slot's schema; slots left out are empty.
    """

    type: str
    version: str
    kind: Kind
    system: str
    natural_id: str
    source_version: str | None
    labels: Labels
    identifiers: Identifiers
    contact: Contact | None
    content: Mapping[str, object] = field(default_factory=dict)
