"""How a consumer verifies a delivery before it hands anything over.

The check, in this order (the numbers are those of `docs/formats.md`, section 14):

(0) sizes, suite, seal: it opens with this agency's key, for this topic
(1) the decision told names this agency, and a protocol that is the published one
(2) opened slots → digests → record digest → path → root: the source's signature stands, by a key
    that was valid at the protocol position at which the record was accepted
(3) the slots that are open are those that the decision names
(4) minimised record and told decision are what the entry's leaf commits to
(5) the leaf is in the tree of a checkpoint that the log signed, and that was published and found
    consistent with the one before
(6) not seen before: the caller's inbox has one row a delivery id

With a task comes the record that it is about, closed. A quarantined message carries no minimised
record: (2) and (3) do not apply to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.entry import delivery_id
from broker.access_log.errors import LogError
from broker.access_log.notes import VerifierKey
from broker.access_log.parts import Told
from broker.access_log.ports import DeliveryId
from broker.access_log.proofs import Proof
from broker.clock import Instant
from broker.errors import ConcordatError
from broker.receipts.errors import (
    CHECKPOINT,
    PROOF,
    PROTOCOL,
    RECIPIENT,
    SHAPE,
    SLOTS,
    SOURCE,
    TOLD,
    DeliveryRefused,
)
from broker.records.batches import BatchVerifier
from broker.records.check import ROUTER
from broker.records.envelope import Envelope, Minimised, decode_minimised
from broker.records.errors import RecordRefused
from broker.records.keys import KeyRegistry
from broker.records.names import AgencyId, Partnership, RecordDigest, agency_of
from broker.records.sealing import Opener, Way

DELIVERY_PURPOSE = "delivery"


def delivery_way(agency: str, topic: str) -> Way:
    """Return the way of what is released to an agency."""
    return Way(DELIVERY_PURPOSE, ROUTER, agency, topic)


def signed_by_source(
    record: Envelope | Minimised,
    partnership: Partnership,
    registry: KeyRegistry,
    batches: BatchVerifier,
    position: int,
) -> RecordDigest:
    """Check a source's signature over a record, whole or minimised; return its digest.

    Args:
        record: with the path of its batch.
        partnership: P.
        registry: agencies' keys.
        batches: batch signatures verified.
        position: of the published protocol at which the key must have been valid.

    Raises:
        RecordRefused: `record.signature.…`.
    """
    agency, digest = record.head.agency, record.digest(partnership)
    key = registry.signing_key(
        agency,
        record.batch.key_id,
        position=position,
        # When the record arrived is not told: the days of grace are the router's to judge.
        arrived=Instant(0),
        issued=Instant(record.head.issued_at),
    )
    batches.verify(digest, record.batch, agency, key)
    return digest


@dataclass(frozen=True, slots=True)
class Verified:
    """A delivery that passed steps (0) to (5).

    Attributes:
        id: its idempotency key.
        index: its entry in the log.
        told: the decision as told.
        record: the minimised record; None for tasks and quarantine.
        body: the minimised record's bytes; for quarantine, the message as it came.
    """

    id: DeliveryId
    index: int
    told: Told
    record: Minimised | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a consumer holds to verify with; nothing of it comes with a delivery.

    Attributes:
        partnership: P.
        agency: who this is.
        opener: its private sealing keys.
        registry: agencies' keys, from the published protocol.
        batches: batch signatures verified.
        protocol_head: position → head of the published protocol; None if it is not so long.
        origin: the log's name.
        log_keys: the log's keys, from the first root.
        checkpoints: size → root of checkpoints published and found consistent.
    """

    partnership: Partnership
    agency: AgencyId
    opener: Opener
    registry: KeyRegistry
    batches: BatchVerifier
    protocol_head: Callable[[int], bytes | None]
    origin: str
    log_keys: tuple[VerifierKey, ...]
    checkpoints: Mapping[int, bytes]

    def verify(self, value: bytes, topic: str) -> Verified:
        """Run steps (0) to (5).

        Raises:
            DeliveryRefused: the step's code.
        """
        # (0) sizes, suite, seal
        try:
            delivery = Delivery.decode(value)
            way = delivery_way(self.agency, topic)
            sent = DeliveryBody.decode(self.opener.open(delivery.sealed, way))
            told = Told.decode(sent.told)
            proof = Proof.parse(delivery.proof)
        except (RecordRefused, LogError) as error:
            raise DeliveryRefused(SHAPE, error.code.name) from error
        # (1) recipient and protocol
        if agency_of(told.consumer) != self.agency:
            raise DeliveryRefused(RECIPIENT)
        if self.protocol_head(told.protocol.position) != told.protocol.head:
            raise DeliveryRefused(PROTOCOL)
        # (2), (3) the source's signature, the open slots
        record = None if told.kind == "quarantine" else self._source(sent, told)
        # (4) the leaf
        leaf = sent.leaf(told.consumer)
        # (5) the proof and its checkpoint
        try:
            checkpoint = proof.verify(leaf.hash, self.origin, self.log_keys)
        except LogError as error:
            code = TOLD if error.code.name == "log.proof.inclusion" else PROOF
            raise DeliveryRefused(code, error.code.name) from error
        if self.checkpoints.get(checkpoint.size) != checkpoint.root:
            raise DeliveryRefused(CHECKPOINT)
        return Verified(delivery_id(leaf.hash), proof.index, told, record, sent.minimised)

    def _source(self, sent: DeliveryBody, told: Told) -> Minimised:
        try:
            record = decode_minimised(sent.minimised)
            position = told.protocol.position
            signed_by_source(record, self.partnership, self.registry, self.batches, position)
        except ConcordatError as error:
            raise DeliveryRefused(SOURCE, error.code.name) from error
        if record.opened() != told.slots:
            raise DeliveryRefused(SLOTS)
        return record
