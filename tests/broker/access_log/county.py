"""What a router would hand to the sequencer: made-up decisions, really committed to and sealed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.access_log.decided import Archive, Decided, DecidedLeaf, Kept, KeptEntry, Release
from broker.access_log.deliveries import DeliveryBody
from broker.access_log.entry import (
    Leaf,
    Opening,
    PrivateOpening,
    commit_facts,
    commit_personal,
    commit_told,
)
from broker.access_log.notes import NoteSigner
from broker.access_log.opened import Closed, Part, Unsealed, UnsealedEntry
from broker.access_log.parts import (
    Facts,
    Personal,
    ProtocolPlace,
    RegistersPlace,
    Told,
    ToldObligation,
)
from broker.access_log.ports import Row
from broker.clock import Instant
from broker.records.errors import RecordRefused
from broker.records.names import AgencyId, Partnership, RecordDigest
from broker.records.sealing import open_under, seal_under

ORIGIN = "eastshire.example/log"
PARTNERSHIP = Partnership(sha256(b"eastshire").digest())
SIGNER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SOURCE = AgencyId("eastshire-police")
CONSUMERS = ("eastshire-council/mash", "eastshire-hospital", "northfield-school/dsl")
NOON = Instant(1_790_000_000_000)


@dataclass
class County:
    """Makes messages from a seed and holds every key.

    Attributes:
        keys: record digest → record key.
        bodies: leaf data → what the consumer of that entry can open.
    """

    seed: int = 1
    keys: dict[RecordDigest, bytes] = field(default_factory=dict)
    erased: set[RecordDigest] = field(default_factory=set)
    bodies: dict[bytes, tuple[str, DeliveryBody]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.log_key = self.random.randbytes(32)

    def seal(self, key: bytes, plaintext: bytes, part: str) -> bytes:
        return seal_under(
            key,
            plaintext,
            partnership=PARTNERSHIP,
            part=part,
            random_bytes=self.random.randbytes,
        )

    def decided(self, entries: int = 3, at: Instant = NOON) -> Decided:
        """Return one accepted record: one entry a consumer, the first of which is withheld."""
        r = RecordDigest(self.random.randbytes(32))
        self.keys[r] = self.random.randbytes(32)
        cause = self.random.randbytes(32)
        archive = Archive(r, self.seal(self.keys[r], b"envelope of " + r, "archive"))
        leaves = tuple(self._leaf(r, cause, number, at) for number in range(entries))
        return Decided(cause, archive, leaves)

    def quarantined(self, at: Instant = NOON) -> Decided:
        """Return a message that was not accepted: about no record, told to its source."""
        cause = self.random.randbytes(32)
        facts = self._facts("quarantine", SOURCE, cause, at, code="record.seal")
        opening = Opening(self._salt(), facts.encode())
        told = Told("quarantine", SOURCE, "", (), (), (), None, facts.protocol, code="record.seal")
        private = PrivateOpening(Opening(self._salt(), b""), Opening(self._salt(), told.encode()))
        leaf = self._commit(opening, private, SOURCE, b"the message")
        row = Row("quarantine", at, SOURCE, SOURCE)
        one = DecidedLeaf(
            leaf=leaf.data,
            facts=self.seal(self.log_key, opening.encode(), "facts"),
            personal=self.seal(self.log_key, private.encode(), "private"),
            row=row,
            release=Release(f"quarantine.{SOURCE}", self.random.randbytes(8), b"sealed"),
        )
        return Decided(cause, None, (one,))

    def _salt(self) -> bytes:
        return self.random.randbytes(16)

    def _facts(
        self, kind: str, consumer: str, cause: bytes, at: Instant, code: str | None = None
    ) -> Facts:
        head = bytes(32)
        return Facts(
            kind=kind,
            at=at,
            source=SOURCE,
            consumer=consumer,
            cause=cause,
            decision=b"a decision",
            revision=None if code else head,
            protocol=ProtocolPlace(7, head),
            registers=RegistersPlace(3, head, 1),
            code=code,
        )

    def _commit(
        self, facts: Opening, private: PrivateOpening, consumer: str, minimised: bytes
    ) -> Leaf:
        personal, told = private.personal, private.told
        leaf = Leaf(
            commit_facts(facts.salt, facts.data),
            commit_personal(personal.salt, personal.data),
            commit_told(told.salt, consumer, minimised, told.data),
        )
        body = DeliveryBody(minimised, told.data, told.salt, leaf.facts, leaf.personal)
        self.bodies[leaf.data] = (consumer, body)
        return leaf

    def _leaf(self, r: RecordDigest, cause: bytes, number: int, at: Instant) -> DecidedLeaf:
        consumer = CONSUMERS[number % len(CONSUMERS)]
        facts = Opening(self._salt(), self._facts("decision", consumer, cause, at).encode())
        tokens = (r[:16],)
        personal = Personal(r, b'{"kind":"record"}', (), "linked", tokens)
        released = number > 0
        obligation = ToldObligation("acknowledge-by", "4h")
        told = Told(
            "delivery", consumer, "content", (0, 7), ("EA-1",), (obligation,), bytes(32),
            ProtocolPlace(7, bytes(32)),
        )  # fmt: skip
        minimised = b"minimised for " + consumer.encode() if released else b""
        private = PrivateOpening(
            Opening(self._salt(), personal.encode()),
            Opening(self._salt(), told.encode() if released else b""),
        )
        leaf = self._commit(facts, private, consumer, minimised)
        agency = consumer.partition("/")[0]
        sealed = b"sealed for " + consumer.encode()
        return DecidedLeaf(
            leaf=leaf.data,
            facts=self.seal(self.log_key, facts.encode(), "facts"),
            personal=self.seal(self.keys[r], private.encode(), "private"),
            row=Row(
                kind="decision",
                at=at,
                source=SOURCE,
                consumer=consumer,
                outcome="content" if released else "withhold",
                type="missing-episode",
                clauses=("EA-1",) if released else (),
                tokens=tokens,
            ),
            record=r,
            release=Release(f"deliveries.{agency}", self.random.randbytes(8), sealed)
            if released
            else None,
        )

    async def open(self, messages: Sequence[Kept]) -> Sequence[Unsealed]:
        """Open everything that is not erased: the county as a `PartOpener`."""
        return [
            Unsealed(
                self._part(kept.archive.record, kept.archive.sealed, "archive")
                if kept.archive
                else None,
                tuple(self._entry(entry) for entry in kept.entries),
            )
            for kept in messages
        ]

    def _entry(self, entry: KeptEntry) -> UnsealedEntry:
        return UnsealedEntry(
            self._part(None, entry.facts, "facts"),
            self._part(entry.record, entry.personal, "private"),
        )

    def _part(self, record: RecordDigest | None, sealed: bytes, part: str) -> Part:
        if record in self.erased:
            return Closed.ERASED
        key = self.log_key if record is None else self.keys.get(record)
        if key is None:
            return Closed.NO_KEY
        try:
            return open_under(key, sealed, partnership=PARTNERSHIP, part=part)
        except RecordRefused:
            return Closed.BROKEN
