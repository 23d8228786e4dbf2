"""Eastshire as the tests of the protocol use it: its revision, its officers, questions to ask."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.backends.opa_module import ModulePoint
from broker.clock import DAY, Instant
from broker.protocol.attributes import BY_NAME
from broker.protocol.bodies import KeyBody, RevisionBody, RootBody
from broker.protocol.clause_text import Vocabulary
from broker.protocol.entries import sign_entry
from broker.protocol.fold import ProtocolState
from broker.protocol.policy_data import canonical
from broker.protocol.questions import Question, question_of
from broker.protocol.revision import Revision
from broker.protocol.root import Officer, Trust, make_root, read_root
from broker.records.batches import key_id_of
from broker.records.keys import Change, Use
from broker.records.names import AgencyId
from broker.records.schemas import SchemaSet
from broker.runtimes.founding import engine_files, read_county, schema_files

POLICE = AgencyId("eastshire-police")
COUNCIL = AgencyId("eastshire-council")
HOSPITALS = AgencyId("eastshire-hospitals")
SCHOOL = AgencyId("st-brannocks-school")
REVISION = b"\xab" * 32

SCHEMAS = SchemaSet(schema_files())
TYPES = frozenset(schema.type for schema in SCHEMAS.types())


@cache
def county() -> Revision:
    """Return the revision that Eastshire's text makes."""
    return read_county()


@cache
def vocabulary() -> Vocabulary:
    """Return what its clauses may refer to."""
    return Vocabulary(county().agreement, SCHEMAS.types())


def during() -> Instant:
    """Return an instant at which the protocol is in force."""
    return Instant(county().agreement.in_force + 30 * DAY)


@contextmanager
def point(data: Mapping[str, Any] | None = None) -> Iterator[ModulePoint]:
    """Yield the module with Eastshire's policy data, or other data."""
    engine = engine_files()
    with ModulePoint(engine.module, county().data if data is None else data, REVISION) as made:
        yield made


USUAL: Mapping[str, Any] = {
    "kind": "record",
    "link": "linked",
    "answer": "none",
    "alerts": [],
    "not_visible_to": [],
    "schema": None,
    "source.agency": POLICE,
    "source.type": "police",
    "consumer.agency": SCHOOL,
    "consumer.desk": "",
    "consumer.type": "education",
    "consumer.involvement": ["on-roll"],
    "consumer.relation": "involved",
    "consumer.addressed": False,
    "consumer.order": "none",
    "consumer.staff": "not-checked",
    "labels.type": "missing-episode",
    "labels.subject": "child",
    "labels.indicators": [],
    "labels.age_band": "13-15",
    "labels.handling": "none",
    "labels.protections": [],
    "labels.purpose": ["safeguarding"],
    "labels.roles": [],
    "labels.facts": [],
    "labels.summary_shareable": None,
    "labels.third_party_checked": None,
}
"""A missing episode, asked about for a school at which the child is on roll."""


def question(changes: Mapping[str, Any] | None = None) -> Question:
    """Return the usual question with changes, by the attributes' names."""
    values = {**USUAL, **(changes or {})}
    if values["schema"] is None and values["labels.type"] in TYPES:
        values["schema"] = SCHEMAS.named(values["labels.type"], "1.0").digest.hex()
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, leaf = name.rpartition(".")
        said = sorted(value) if isinstance(value, list) else value
        (nested.setdefault(group, {}) if dot else nested)[leaf] = said
    return question_of(canonical(nested))


BEFORE = Instant(1_760_000_000_000)
"""An instant some weeks before Eastshire's protocol is in force."""

ASKABLE = tuple(name for name in BY_NAME if not name.startswith("special."))
"""Attributes that a question holds."""


@dataclass
class Signatories:
    """Officers and machines of Eastshire with their private keys."""

    officers: dict[AgencyId, Ed25519PrivateKey] = field(default_factory=dict)
    operator: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    log: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        """Give each agency's officer a key."""
        for agency in county().agreement.roster.agencies:
            self.officers.setdefault(agency, Ed25519PrivateKey.generate())

    def trust(self, version: int = 1) -> Trust:
        """Return what their root says."""
        agreement = county().agreement
        return Trust(
            agreement.origin,
            version,
            agreement.until,
            agreement.quorum,
            tuple(
                Officer(
                    agency.id,
                    agency.signatory.name,
                    agency.signatory.role,
                    raw(self.officers[name]),
                )
                for name, agency in agreement.roster.agencies.items()
            ),
            raw(self.operator),
            raw(self.log),
            {},
        )

    def quorum(self) -> list[Ed25519PrivateKey]:
        """Return the keys of the officers whose agencies must sign."""
        return [self.officers[agency] for agency in county().agreement.quorum.agencies]


def raw(key: Ed25519PrivateKey) -> bytes:
    """Return a key's raw public key."""
    return key.public_key().public_bytes_raw()


def key_body(
    holder: AgencyId, key: Ed25519PrivateKey, change: Change = Change.ADD, use: Use = Use.SIGN
) -> KeyBody:
    """Return the body about one key."""
    public = raw(key)
    held = public if change is Change.ADD else b""
    return KeyBody(holder, change, use, key_id_of(public), held)


@dataclass
class Topic:
    """A protocol topic as it is written and folded."""

    people: Signatories = field(default_factory=Signatories)
    at: Instant = BEFORE

    def __post_init__(self) -> None:
        """Write the first root."""
        self.root = make_root(self.people.trust(), self.people.quorum())
        self.partnership = read_root(self.root).digest
        self.state = ProtocolState(self.partnership)
        self.write(RootBody(self.root).plain(), self.people.quorum())

    def entry(self, body: Mapping[str, Any], keys: list[Ed25519PrivateKey]) -> bytes:
        """Return a signed entry."""
        return sign_entry(self.partnership, body, keys)

    def write(self, body: Mapping[str, Any], keys: list[Ed25519PrivateKey]) -> Any:  # noqa: ANN401 - JSON
        """Sign an entry and fold it."""
        return self.state.apply(self.entry(body, keys), self.at)

    def first_revision(self) -> RevisionBody:
        """Return the body of Eastshire's revision as the first one."""
        return RevisionBody(1, b"", county().digest, county().packed())
