"""Eastshire in memory: every private key, the published protocol, signed and sealed records.

What a test of routing, receipts or faults begins with. Nothing is written to disk, and every person
is made up: NHS numbers begin 999, telephone numbers are Ofcom's for drama.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker import shipped
from broker.access_log.notes import NoteSigner
from broker.backends.opa_module import ModulePoint
from broker.clock import DAY, Instant
from broker.lanes import Message, Received
from broker.protocol.bodies import Body, KeyBody, LiftBody, NarrowingBody, RevisionBody, RootBody
from broker.protocol.entries import sign_entry
from broker.protocol.narrowing import Direction
from broker.protocol.published import PublishedProtocol, read_all
from broker.protocol.revision import Revision
from broker.protocol.root import Officer, Trust, make_root, read_root
from broker.records.batches import BatchVerifier, RandomBytes, key_id_of
from broker.records.check import RECORD_PURPOSE, ROUTER, Checker
from broker.records.digests import message_key
from broker.records.envelope import Envelope
from broker.records.keys import Change, Use
from broker.records.names import AgencyId, ConsumerId, Kind, Partnership, RecordId
from broker.records.schemas import SchemaSet
from broker.records.sealing import Opener, Sealer, Way
from broker.records.signing import Prepared, Signer, prepare, sign
from broker.records.statement import Contact, Identifiers, Labels, Statement
from broker.routing.core import Core
from broker.routing.entries import EntryMaker
from broker.routing.handling import Decide, Handling
from broker.routing.holders import Holders
from broker.routing.intake import PROTOCOL
from broker.routing.knowledge import Knowledge
from broker.routing.replay import Recorder, Replay
from broker.runtimes.founding import read_county, schema_files
from broker.runtimes.keystore import AgencyKeys
from broker.runtimes.points import module_point
from broker.runtimes.policy import Policy
from broker.subjects.tokens import Tokeniser

POLICE = AgencyId("eastshire-police")
COUNCIL = AgencyId("eastshire-council")
HOSPITALS = AgencyId("eastshire-hospitals")
SURGERY = AgencyId("millbrook-surgery")
SCHOOL = AgencyId("st-brannocks-school")
ACADEMY = AgencyId("harbour-academy")
MASH = ConsumerId("eastshire-council/mash")

FOUNDED = Instant(1_769_904_000_000)
"""1 February 2026, 00:00 UTC: when the first entries were published."""

NOON = Instant(1_772_625_600_000)
"""4 March 2026, 12:00 UTC: when the tests play."""

TODAY = NOON // DAY
MEMO_SIZE = 10_000


def nhs_number(serial: int) -> str:
    """Return a made-up NHS number with its check digit: 999, and a serial number of six digits."""
    for number in range(serial, 1_000_000, 100_000):
        digits = f"999{number:06}"
        total = sum(w * int(d) for w, d in zip(range(10, 1, -1), digits, strict=True))
        check = -total % 11
        if check < 10:
            return f"{digits}{check}"
    raise ValueError(serial)


def child(number: int, **changes: str | None) -> Identifiers:
    """Return the identifiers of some child, all of them her own."""
    said = Identifiers(
        nhs_number=nhs_number(number),
        own_id=f"OWN-{number}",
        given="Robin",
        family=f"Sample{number}",
        date_of_birth="2011-09-25",
    )
    return replace(said, **changes)


GIRL = child(1)


@cache
def revision() -> Revision:
    """Return the revision that the shipped protocol makes."""
    return read_county()


@cache
def packed() -> bytes:
    """Return its bundle."""
    return revision().packed()


_points: dict[bytes, ModulePoint] = {}


def shared_point(of: Revision) -> ModulePoint:
    """Return the decision point of a revision, loaded once for all tests of this process."""
    if of.digest not in _points:
        _points[of.digest] = module_point(of)
    return _points[of.digest]


@cache
def sample(record_type: str) -> Mapping[str, Any]:
    """Return the content of a type's shipped sample."""
    path = shipped.schemas() / record_type / "1.0.sample.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def schemas() -> SchemaSet:
    """Return the shipped schemas."""
    return SchemaSet(schema_files())


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a core is built from, as plain bytes that can be sent to another process."""

    first_root: bytes
    router: bytes = field(default_factory=lambda: X25519PrivateKey.generate().private_bytes_raw())
    facts: bytes = field(default_factory=lambda: X25519PrivateKey.generate().private_bytes_raw())
    state: bytes = field(default_factory=lambda: os.urandom(32))
    seen: bytes = field(default_factory=lambda: os.urandom(32))
    tokens: bytes = field(default_factory=lambda: os.urandom(32))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a core, wired to each other."""

    checker: Checker
    tokeniser: Tokeniser
    maker: EntryMaker
    knowledge: Knowledge
    handling: Handling

    def core(self) -> Core:
        """Return the core that they make."""
        return Core(self.checker, self.tokeniser, self.maker, self.knowledge, self.handling)


def assemble(
    secrets: Secrets,
    maker_type: type[EntryMaker] = EntryMaker,
    decide: Decide | None = None,
    random_bytes: RandomBytes = os.urandom,
) -> Parts:
    """Return fresh parts that have learnt nothing.

    Args:
        secrets: keys.
        maker_type: `Recorder` for a replay.
        decide: policy; by default the module of the revision in force.
        random_bytes: of salts and keys.
    """
    partnership = read_root(secrets.first_root).digest
    protocol = PublishedProtocol(partnership)
    checker = Checker(
        partnership,
        Opener(partnership, (X25519PrivateKey.from_private_bytes(secrets.router),)),
        protocol.schemas,
        protocol.registry,
        BatchVerifier(partnership),
        secrets.seen,
    )
    tokeniser = Tokeniser(secrets.tokens, partnership)
    log = X25519PrivateKey.from_private_bytes(secrets.facts).public_key()
    maker = maker_type(partnership, Sealer(partnership, random_bytes), log, random_bytes)
    knowledge = Knowledge(partnership, protocol, secrets.state, random_bytes, 0)
    handling = Handling(
        checker=checker,
        tokeniser=tokeniser,
        maker=maker,
        knowledge=knowledge,
        holders=Holders(secrets.state),
        decide=decide or Policy(protocol, shared_point, MEMO_SIZE),
        random_bytes=random_bytes,
    )
    return Parts(checker, tokeniser, maker, knowledge, handling)


class County:
    """Eastshire, with every private key at hand.

    Attributes:
        entries: messages of the `protocol` topic so far.
        agencies: keys by agency.
        officers: their private keys.
        secrets: the router's.
    """

    def __init__(self) -> None:
        """Found it: root, the router's key, each agency's keys, the first revision."""
        agreement = revision().agreement
        ids = tuple(agreement.roster.agencies)
        self.officers = {agency: Ed25519PrivateKey.generate() for agency in ids}
        self.agencies = {agency: AgencyKeys.fresh() for agency in ids}
        self.operator, self.log = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.note_signer = NoteSigner(agreement.origin, self.log)
        self.root = make_root(self._trust(), self.quorum())
        self.partnership: Partnership = read_root(self.root).digest
        self.secrets = Secrets(self.root)
        self.sealer = Sealer(self.partnership, os.urandom)
        self.entries: list[Received] = []
        self._said = 0
        self._found()

    def _trust(self) -> Trust:
        agreement = revision().agreement
        officers = tuple(
            Officer(one.id, one.signatory.name, one.signatory.role, raw(self.officers[one.id]))
            for one in agreement.roster.agencies.values()
        )
        return Trust(
            agreement.origin,
            1,
            agreement.until,
            agreement.quorum,
            officers,
            raw(self.operator),
            raw(self.log),
            {},
        )

    def _found(self) -> None:
        self.enter(RootBody(self.root), self.quorum(), FOUNDED)
        public = X25519PrivateKey.from_private_bytes(self.secrets.router).public_key()
        router = public.public_bytes_raw()
        added = KeyBody(ROUTER, Change.ADD, Use.SEAL, key_id_of(router), router)
        self.enter(added, [self.operator], FOUNDED)
        for agency, keys in self.agencies.items():
            self.add_key(agency, keys.sign, FOUNDED)
            seal = keys.seal.public_key().public_bytes_raw()
            added = KeyBody(agency, Change.ADD, Use.SEAL, key_id_of(seal), seal)
            self.enter(added, [self.officers[agency]], FOUNDED)
        first = RevisionBody(1, b"", revision().digest, packed())
        self.enter(first, self.quorum(), FOUNDED)

    def quorum(self) -> list[Ed25519PrivateKey]:
        """Return the officers who must sign."""
        return [self.officers[one] for one in revision().agreement.quorum.agencies]

    # ------------------------------------------------------------------ the protocol

    def enter(self, body: Body, keys: Sequence[Ed25519PrivateKey], at: Instant) -> Received:
        """Publish a signed entry."""
        return self.publish(sign_entry(self.partnership, body.plain(), keys), at)

    def publish(self, entry: bytes, at: Instant) -> Received:
        """Put bytes on the `protocol` topic."""
        received = Received(Message(PROTOCOL, bytes(8), entry), 0, len(self.entries), at)
        self.entries.append(received)
        return received

    def add_key(self, agency: AgencyId, key: Ed25519PrivateKey, at: Instant) -> Received:
        """Register a signing key."""
        body = KeyBody(agency, Change.ADD, Use.SIGN, key_id_of(raw(key)), raw(key))
        return self.enter(body, [self.officers[agency], key], at)

    def change_key(
        self, agency: AgencyId, change: Change, at: Instant, use: Use = Use.SIGN
    ) -> Received:
        """Retire, revoke or declare compromised an agency's key."""
        keys = self.agencies[agency]
        public = raw(keys.sign)
        if use is Use.SEAL:
            public = keys.seal.public_key().public_bytes_raw()
        since = at if change is Change.COMPROMISED else Instant(0)
        body = KeyBody(agency, change, use, key_id_of(public), since=since)
        return self.enter(body, [self.officers[agency]], at)

    def narrow(
        self,
        agency: AgencyId,
        at: Instant,
        *,
        direction: Direction = Direction.SENDING,
        **to: Any,  # noqa: ANN401 - fields
    ) -> Received:
        """Narrow an agency's own exchange; `to` may give counterpart, type or clause."""
        body = NarrowingBody(agency, direction, reason="trial", telephone="01632 960100", **to)
        return self.enter(body, [self.agencies[agency].sign], at)

    def lift(self, narrowing: Received, agency: AgencyId, at: Instant) -> Received:
        """End a narrowing."""
        return self.enter(LiftBody(f"N{narrowing.offset}"), [self.agencies[agency].sign], at)

    def protocol(self) -> PublishedProtocol:
        """Return the protocol as published so far."""
        return read_all(self.partnership, self.entries)

    # ------------------------------------------------------------------ cores

    def core(self, decide: Decide | None = None) -> Core:
        """Return a core that has learnt nothing yet."""
        return assemble(self.secrets, decide=decide).core()

    def replay(self) -> Replay:
        """Return what re-derives a log, with the whole protocol at hand."""
        parts = assemble(self.secrets, Recorder)
        assert isinstance(parts.maker, Recorder)
        return Replay(
            parts.checker,
            parts.tokeniser,
            parts.maker,
            parts.knowledge,
            parts.handling,
            self.entries,
        )

    # ------------------------------------------------------------------ records

    def say(
        self,
        record_type: str,
        about: Identifiers | None = GIRL,
        **changes: Any,  # noqa: ANN401 - whatever a statement or its labels can say
    ) -> Statement:
        """Return a statement with the type's sample as content, each with an id of its own.

        Fields of `Labels` among the changes go into the labels, the others into the statement.
        """
        self._said += 1
        labels = {name: changes.pop(name) for name in Labels.__slots__ if name in changes}
        return Statement(
            type=record_type,
            version="1.0",
            kind=changes.pop("kind", Kind.RECORD),
            system="niche",
            natural_id=changes.pop("natural_id", f"fact-{self._said}"),
            source_version=changes.pop("source_version", "1"),
            labels=Labels(record_type, purpose=("safeguarding",), **labels),
            identifiers=about or Identifiers(),
            contact=Contact("duty officer", "missing", "01632 960101", "desk@example.org"),
            content=changes.pop("content", sample(record_type)),
            **changes,
        )

    def signer(self, agency: AgencyId) -> Signer:
        """Return what signs an agency's records."""
        keys = self.agencies[agency]
        return Signer(self.partnership, agency, keys.sign, keys.id_key, os.urandom)

    def sign(
        self,
        agency: AgencyId,
        *statements: Statement,
        at: Instant = NOON,
        supersedes: RecordId | None = None,
    ) -> tuple[Envelope, ...]:
        """Sign statements under one signature."""
        signer = self.signer(agency)
        ready: list[Prepared] = [prepare(one, schemas(), signer) for one in statements]
        if supersedes is not None:
            ready = [replace(one, supersedes=supersedes) for one in ready]
        return sign(ready, signer, at)

    def seal(
        self, agency: AgencyId, plain: bytes, at: Instant = NOON, topic: str | None = None
    ) -> bytes:
        """Seal bytes to the router, as the agency does on its topic."""
        router = X25519PrivateKey.from_private_bytes(self.secrets.router).public_key()
        way = Way(RECORD_PURPOSE, agency, ROUTER, topic or f"records.{agency}")
        return self.sealer.seal(plain, way, router, at)

    def message(
        self,
        agency: AgencyId,
        said: Statement | Envelope,
        at: Instant = NOON,
        *,
        urgent: bool = False,
    ) -> Message:
        """Return a record as its source publishes it."""
        envelope = self.sign(agency, said, at=at)[0] if isinstance(said, Statement) else said
        topic = f"{'urgent' if urgent else 'records'}.{agency}"
        local = envelope.head.record_id.hex()
        key = message_key(self.agencies[agency].id_key, local)
        return Message(topic, key, self.seal(agency, envelope.encode(), at, topic))


def raw(key: Ed25519PrivateKey) -> bytes:
    """Return a key's raw public key."""
    return key.public_key().public_bytes_raw()
