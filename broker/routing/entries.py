"""How the router makes an entry of the access log, with whatever it releases.

Facts are sealed under the log's key; personal and told parts under the record's own key, so that
destroying that key takes both away; what is released is sealed to the consumer.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from broker.access_log.decided import DecidedLeaf, Release
from broker.access_log.deliveries import DeliveryBody
from broker.access_log.entry import (
    Leaf,
    Opening,
    PrivateOpening,
    commit_facts,
    commit_personal,
    commit_told,
)
from broker.access_log.parts import Facts, Personal, Told
from broker.access_log.ports import Row
from broker.receipts.delivery import delivery_way
from broker.records.batches import RandomBytes
from broker.records.check import ROUTER
from broker.records.digests import SALT_BYTES
from broker.records.names import Partnership, RecordDigest, agency_of
from broker.records.sealing import KEY_BYTES, Sealer, Way, seal_under

FACTS_WAY = Way("facts", ROUTER, "log", "log")
"""The way of the facts part: from router to log."""

PRIVATE_PART = "private-opening"
ARCHIVE_PART = "archive"


@dataclass(frozen=True, slots=True)
class To:
    """Where a release goes.

    Attributes:
        topic: `deliveries.<agency>` or `quarantine.<agency>`.
        key: 8-byte message key.
        sealing: the agency's public sealing key.
    """

    topic: str
    key: bytes
    sealing: X25519PublicKey


@dataclass(frozen=True, slots=True)
class Said:
    """What one entry says, before it is committed to and sealed.

    Attributes:
        facts: for auditors and parties.
        row: what may be searched of it.
        personal: for those who may see the record; None if there is nothing personal.
        told: for the consumer; None if nobody is told anything.
        minimised: what the consumer gets beside the told decision.
        to: where it goes; None if nothing is released.
    """

    facts: Facts
    row: Row
    personal: Personal | None = None
    told: Told | None = None
    minimised: bytes = b""
    to: To | None = None


class EntryMaker:
    """Commits to and seals entries."""

    def __init__(
        self,
        partnership: Partnership,
        sealer: Sealer,
        facts_key: X25519PublicKey,
        random_bytes: RandomBytes,
    ) -> None:
        """Hold the sealer of this process and the log's public key."""
        self._partnership = partnership
        self._sealer = sealer
        self._facts_key = facts_key
        self._random = random_bytes

    def new_key(self) -> bytes:
        """Return a fresh key for what is about no record."""
        return self._random(KEY_BYTES)

    def make(
        self, said: Said, record: RecordDigest | None = None, record_key: bytes | None = None
    ) -> DecidedLeaf:
        """Return the entry; personal parts go under `record_key`, or the log's key without one."""
        salts = self._random(3 * SALT_BYTES)
        facts = Opening(salts[:SALT_BYTES], said.facts.encode())
        personal = Opening(
            salts[SALT_BYTES : 2 * SALT_BYTES],
            b"" if said.personal is None else said.personal.encode(),
        )
        told = Opening(salts[2 * SALT_BYTES :], b"" if said.told is None else said.told.encode())
        consumer = said.facts.consumer
        leaf = Leaf(
            commit_facts(facts.salt, facts.data),
            commit_personal(personal.salt, personal.data),
            commit_told(told.salt, consumer, said.minimised, told.data),
        )
        at = said.facts.at
        release = None
        if said.to is not None:
            sent = DeliveryBody(said.minimised, told.data, told.salt, leaf.facts, leaf.personal)
            way = delivery_way(agency_of(consumer), said.to.topic)
            sealed = self._sealer.seal(sent.encode(), way, said.to.sealing, at)
            release = Release(said.to.topic, said.to.key, sealed)
        private = PrivateOpening(personal, told).encode()
        return DecidedLeaf(
            leaf=leaf.data,
            facts=self._sealer.seal(facts.encode(), FACTS_WAY, self._facts_key, at),
            personal=self._sealer.seal(private, FACTS_WAY, self._facts_key, at)
            if record_key is None
            else self.under(record_key, private, PRIVATE_PART),
            row=said.row,
            record=record,
            release=release,
        )

    def under(self, record_key: bytes, data: bytes, part: str) -> bytes:
        """Return `data` sealed under a record's own key."""
        return seal_under(
            record_key,
            data,
            partnership=self._partnership,
            part=part,
            random_bytes=self._random,
        )
