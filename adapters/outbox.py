"""The outbox: an agency signs each record once, keeps it, and never makes it twice.

Planning is pure: prepared statements and what the outbox holds go in; what to sign, what is there
already and what is refused come out. Rules:

1. The same item with the same content is there already, however often it is read.
2. Another content of the same item is a new record that supersedes the last one.
3. What changes by itself or beside the matter is no other content: the child's age band, the day
   under which an undated sign is entered, whom to ask, the version of the schema; nor whether it
   is called a record or the correction of one.
4. A content that comes back after another one (A, B, A) is a new record again: its version gets a
   number, since record ids never repeat.
5. A source that versions its items answers for it: one version with two contents is refused.
6. A file may tell several contents of one item, one after the other (A, B, C). As far as it begins
   with what the outbox holds last, in that order, it repeats that: the same file again is nothing
   new, nor is one that grows.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NewType, Protocol

import rfc8785

from adapters.errors import VERSION_CONFLICT
from adapters.format import Rejected
from broker.lanes import Message
from broker.records.digests import make_record_id
from broker.records.names import (
    SLOT_CONTACT,
    SLOT_LABELS,
    SLOT_SCHEMA,
    ZERO_ID,
    AgencyId,
    Kind,
    RecordId,
)
from broker.records.signing import Prepared
from broker.records.statement import Labels

Fingerprint = NewType("Fingerprint", bytes)
"""32 bytes: SHA-256 of what an item says, by rule 3. It never leaves the agency."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One item of one source system, whatever its version."""

    system: str
    natural_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """A version that the outbox holds: its record id, version and fingerprint."""

    record_id: RecordId
    version: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Planned:
    """A record to sign.

    Attributes:
        prepared: with its final id, version and `supersedes`.
        fingerprint: of what it says.
        urgent: whether it goes to the urgent topic.
        item: the item that it comes from.
    """

    prepared: Prepared
    fingerprint: Fingerprint
    urgent: bool
    item: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft whose statement is encoded.

    Attributes:
        prepared: as `broker.records.signing.prepare` returns it.
        item: the item that it comes from.
        urgent: as the draft says.
    """

    prepared: Prepared
    item: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Already:
    """A draft that says nothing new: the record that said it first."""

    item: str
    record_id: RecordId


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a file's drafts; together as many as there were candidates."""

    to_sign: tuple[Planned, ...]
    already: tuple[Already, ...]
    refused: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as the outbox keeps it.

    Attributes:
        record_id: its id.
        origin: the item it comes from.
        version: the item's version.
        fingerprint: of what it says.
        message: what is published: topic, key, envelope sealed to the router.
        own: the envelope sealed to the agency itself, for retries and corrections.
    """

    record_id: RecordId
    origin: Origin
    version: str
    fingerprint: Fingerprint
    message: Message
    own: bytes


class Outbox(Protocol):
    """Where an agency keeps its signed records; durable, one agency's own."""

    async def known(self, origins: Collection[Origin]) -> Mapping[Origin, Sequence[Known]]:
        """Return all versions held of each origin, oldest first; unknown origins are left out."""
        ...

    async def keep(self, records: Sequence[Kept]) -> None:
        """Keep signed records, all or nothing, as not yet published. Durable when it returns.

        A record id that is held already is passed over: what was signed first stays.
        """
        ...

    async def waiting(self, limit: int) -> Sequence[Kept]:
        """Return records that are not known to be published, those of urgent topics first.

        Within a topic they stand in the order they were kept: a bulk load delays nothing urgent.
        """
        ...

    async def published(self, record_ids: Collection[RecordId]) -> None:
        """Mark records as published. Marking twice is nothing."""
        ...

    async def find(self, record_id: RecordId) -> Kept | None:
        """Return a record that was kept; None if it never was."""
        ...


def plan(
    candidates: Sequence[Candidate], held: Mapping[Origin, Sequence[Known]], id_key: bytes
) -> Plan:
    """Decide what to sign.

    Args:
        candidates: in the order of the file.
        held: `Outbox.known` of their origins.
        id_key: the agency's key of record ids.
    """
    history = {origin: list(versions) for origin, versions in held.items()}
    told_again = _told_again(candidates, held)
    to_sign: list[Planned] = []
    already: list[Already] = []
    refused: list[Rejected] = []
    for one in candidates:
        statement = one.prepared.statement
        versions = history.setdefault(origin_of(one.prepared), [])
        said = fingerprint(one.prepared)
        again = told_again.get(origin_of(one.prepared))
        twin = again.popleft() if again else _twin(one.prepared, said, versions)
        if twin is not None:
            if twin.fingerprint == said:
                already.append(Already(one.item, twin.record_id))
            else:
                code = VERSION_CONFLICT
                refused.append(Rejected(one.item, "version", code.name, code.sentence, code.fix))
            continue
        version = _fresh(one.prepared, versions)
        record_id = make_record_id(id_key, statement.system, statement.natural_id, version)
        last = versions[-1].record_id if versions else ZERO_ID
        prepared = replace(one.prepared, record_id=record_id, version=version, supersedes=last)
        versions.append(Known(record_id, version, said))
        to_sign.append(Planned(prepared, said, one.urgent, one.item))
    return Plan(tuple(to_sign), tuple(already), tuple(refused))


def origin_of(prepared: Prepared) -> Origin:
    """Return the item that a prepared statement comes from."""
    return Origin(prepared.statement.system, prepared.statement.natural_id)


def fingerprint(prepared: Prepared) -> Fingerprint:
    """Return the digest of what a statement says, by rule 3."""
    kind = prepared.statement.kind
    digest = sha256(bytes((Kind.RECORD if kind is Kind.CORRECTION else kind,)))
    digest.update(rfc8785.dumps(_lasting(prepared.statement.labels)))
    for number, value in enumerate(prepared.values):
        if number in (SLOT_SCHEMA, SLOT_LABELS, SLOT_CONTACT) or value is None:
            continue
        digest.update(number.to_bytes(2, "big") + len(value).to_bytes(4, "big") + value)
    return Fingerprint(digest.digest())


def topic_of(agency: AgencyId, *, urgent: bool) -> str:
    """Return the topic that a record goes to."""
    return f"urgent.{agency}" if urgent else f"records.{agency}"


def _lasting(labels: Labels) -> dict[str, str | bool | list[str] | None]:
    return {
        "type": labels.type,
        "subject": labels.subject,
        "indicators": sorted(f"{one.code}:{one.basis}" for one in labels.indicators),
        "handling": labels.handling,
        "protections": list(labels.protections),
        "purpose": list(labels.purpose),
        "roles": list(labels.roles),
        "facts": list(labels.facts),
        "addressed_to": list(labels.addressed_to),
        "concerns": None if labels.concerns is None else labels.concerns.hex(),
        "answer": labels.answer,
        "summary_shareable": labels.summary_shareable,
        "third_party_checked": labels.third_party_checked,
    }


def _told_again(
    candidates: Sequence[Candidate], held: Mapping[Origin, Sequence[Known]]
) -> dict[Origin, deque[Known]]:
    """Return, for each item, the held versions that its first candidates repeat (rule 6)."""
    said: dict[Origin, list[Fingerprint]] = {}
    for one in candidates:
        if one.prepared.statement.source_version is None:
            said.setdefault(origin_of(one.prepared), []).append(fingerprint(one.prepared))
    return {
        origin: _repeated(contents, held.get(origin, ()))
        for origin, contents in said.items()
        if len(contents) > 1
    }


def _repeated(contents: Sequence[Fingerprint], versions: Sequence[Known]) -> deque[Known]:
    """Return the last versions that contents begin with, one for each content that repeats one."""
    steps = [one for place, one in enumerate(contents) if place == 0 or one != contents[place - 1]]
    for count in range(min(len(steps), len(versions)), 0, -1):
        last = versions[-count:]
        if steps[:count] == [one.fingerprint for one in last]:
            break
    else:
        return deque()
    found: deque[Known] = deque()
    place = 0
    for number, one in enumerate(contents):
        place += number > 0 and one != contents[number - 1]
        if place == count:
            break
        found.append(last[place])
    return found


def _twin(prepared: Prepared, said: Fingerprint, versions: Sequence[Known]) -> Known | None:
    """Return the held version that this one repeats, or contradicts."""
    if prepared.statement.source_version is not None:
        return next((one for one in versions if one.version == prepared.version), None)
    if versions and versions[-1].fingerprint == said:
        return versions[-1]
    return None


def _fresh(prepared: Prepared, versions: Sequence[Known]) -> str:
    """Return a version that was not used yet."""
    used = {one.version for one in versions}
    version, number = prepared.version, 1
    while version in used:
        number += 1
        version = f"{prepared.version}.{number}"
    return version
