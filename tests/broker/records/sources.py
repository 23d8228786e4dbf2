"""A source, a router and messages between them: what the tests of records begin with."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker import shipped
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.records.batches import BatchVerifier, RandomBytes, key_id_of
from broker.records.check import RECORD_PURPOSE, ROUTER, Checker
from broker.records.envelope import Envelope
from broker.records.keys import Change, KeyEvent, KeyRegistry, Use
from broker.records.names import AgencyId, Kind, Partnership
from broker.records.schemas import SchemaSet
from broker.records.sealing import Opener, Sealer, Way
from broker.records.signing import Signer, prepare, sign
from broker.records.statement import Contact, Identifiers, Indicator, Labels, Statement

PARTNERSHIP = Partnership(sha256(b"first root of a partnership for tests").digest())
AT = Instant(1_772_573_980_000)
POLICE = AgencyId("eastshire-police")
COUNCIL = AgencyId("eastshire-council")
TYPE = "missing-episode"
CANARY = "CANARY-7f3a"
"""In every personal value of `statement()`: must never be seen in an error."""

SCHEMA_FILES = {
    f"{path.parent.name}/{path.name}": path.read_bytes()
    for path in sorted(shipped.schemas().glob("*/*.avsc"))
}
SCHEMAS = SchemaSet(SCHEMA_FILES)
EPISODE = json.loads((shipped.schemas() / TYPE / "1.0.sample.json").read_text(encoding="utf-8"))


def drawn(seed: str) -> RandomBytes:
    """Return a source of bytes that gives the same ones in every run."""
    state = {"count": 0}

    def draw(size: int) -> bytes:
        out = b""
        while len(out) < size:
            out += sha256(f"{seed}/{state['count']}".encode()).digest()
            state["count"] += 1
        return out[:size]

    return draw


def statement(natural_id: str = "episode-1", **changes: object) -> Statement:
    """Return what the police say of a girl who is missing."""
    said = Statement(
        TYPE,
        "1.0",
        Kind.RECORD,
        "niche",
        natural_id,
        "1",
        Labels(
            TYPE,
            indicators=(Indicator("missing", 20_515, "fact"),),
            age_band="13-15",
            purpose=("safeguarding",),
            facts=("missing:current", "missing:high-risk"),
        ),
        Identifiers("9990000018", None, "ES-1001", "P-77", CANARY, CANARY, "2011-09-25"),
        Contact("duty sergeant", "missing-persons", "01632 960123", "missing@example.org"),
        {**EPISODE, "circumstances": f"{CANARY} left after supper."},
    )
    return replace(said, **changes)  # type: ignore[arg-type]  # fields by name


@dataclass(frozen=True, slots=True)
class Source:
    """An agency with its keys."""

    agency: AgencyId = POLICE
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id_key: bytes = bytes(range(32))
    random_bytes: RandomBytes = os.urandom

    @property
    def raw(self) -> bytes:
        """The public key."""
        return self.key.public_key().public_bytes_raw()

    def signer(self) -> Signer:
        return Signer(PARTNERSHIP, self.agency, self.key, self.id_key, self.random_bytes)

    def sign(self, *said: Statement, at: Instant = AT) -> tuple[Envelope, ...]:
        """Sign statements under one signature."""
        signer = self.signer()
        return sign([prepare(one, SCHEMAS, signer) for one in said], signer, at)

    def added(self, position: int = 0) -> KeyEvent:
        """Return the entry that adds its key."""
        key_id = key_id_of(self.raw)
        return KeyEvent(position, AT, self.agency, Use.SIGN, Change.ADD, key_id, self.raw)


@dataclass(frozen=True, slots=True)
class World:
    """One source, one router, and a way between them."""

    source: Source = field(default_factory=Source)
    router: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    registry: KeyRegistry = field(default_factory=KeyRegistry)
    sealer: Sealer = field(default_factory=lambda: Sealer(PARTNERSHIP, os.urandom))
    schemas: SchemaSet = SCHEMAS

    def __post_init__(self) -> None:
        self.registry.apply(self.source.added())

    @property
    def topic(self) -> str:
        return f"records.{self.source.agency}"

    @property
    def way(self) -> Way:
        return Way(RECORD_PURPOSE, self.source.agency, ROUTER, self.topic)

    def checker(self) -> Checker:
        """Return a router's check, its memories empty."""
        opener = Opener(PARTNERSHIP, (self.router,))
        verifier = BatchVerifier(PARTNERSHIP)
        return Checker(PARTNERSHIP, opener, self.schemas, self.registry, verifier, bytes(32))

    def seal(self, plaintext: bytes, way: Way | None = None) -> bytes:
        return self.sealer.seal(plaintext, way or self.way, self.router.public_key(), AT)

    def message(
        self, record: Envelope | bytes, *, topic: str | None = None, at: Instant = AT
    ) -> Received:
        """Return a record as it lies on the topic, sealed for that topic."""
        plain = record.encode() if isinstance(record, Envelope) else record
        return received(self.seal(plain), topic or self.topic, at)


def received(value: bytes, topic: str, at: Instant = AT) -> Received:
    return Received(Message(topic, bytes(8), value), 0, 0, at)


def changed(data: bytes, change: Callable[[bytearray], None]) -> bytes:
    """Return `data` with one change made to it."""
    raw = bytearray(data)
    change(raw)
    return bytes(raw)


def flipped(data: bytes, at: int, bits: int) -> bytes:
    """Return `data` with some bits of one byte flipped."""
    return data[:at] + bytes((data[at] ^ bits,)) + data[at + 1 :]
