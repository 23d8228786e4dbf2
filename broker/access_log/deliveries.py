"""Deliveries: what one consumer gets, as bytes, and what the consumer checks of the log in it.

Delivery = u32 length ‖ sealed ‖ tlog-proof. Sealed opens to five parts, each behind a 32-bit
length: the minimised record, the told decision, its salt, the other two commitments. From these
and its own name the consumer makes the leaf, so that what it was given is what was logged
(`docs/log-format.md`, section 10).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from broker.access_log.entry import Leaf, commit_told, framed, unframed
from broker.access_log.errors import SHAPE, LogError
from broker.access_log.notes import Checkpoint, VerifierKey
from broker.access_log.proofs import Proof
from broker.access_log.tree import HASH_BYTES
from broker.records.digests import SALT_BYTES

_PARTS = 5


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of `deliveries.*` or `quarantine.*`, still sealed.

    Attributes:
        sealed: for the consumer's eyes.
        proof: tlog-proof of its entry.
    """

    sealed: bytes
    proof: bytes

    def encode(self) -> bytes:
        """Return the message's value."""
        return framed(self.sealed) + self.proof

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return both halves of a message's value.

        Raises:
            LogError: `log.shape`.
        """
        sealed, at = unframed(data, 0, "delivery")
        return cls(sealed, data[at:])


@dataclass(frozen=True, slots=True)
class DeliveryBody:
    """What a delivery opens to.

    Attributes:
        minimised: the record as this consumer gets it; with every slot closed for a task.
        told: the encoded `Told`.
        salt: of the told commitment.
        facts: commitment to the facts, which the consumer does not see.
        personal: commitment to the personal part, which it does not see either.
    """

    minimised: bytes
    told: bytes
    salt: bytes
    facts: bytes
    personal: bytes

    def encode(self) -> bytes:
        """Return the bytes that are sealed to the consumer."""
        parts = (self.minimised, self.told, self.salt, self.facts, self.personal)
        return b"".join([framed(part) for part in parts])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the parts in unsealed bytes.

        Raises:
            LogError: `log.shape`.
        """
        parts: list[bytes] = []
        at = 0
        for _ in range(_PARTS):
            part, at = unframed(data, at, "delivery body")
            parts.append(part)
        body = cls(*parts)
        sizes = (len(body.salt), len(body.facts), len(body.personal))
        if at != len(data) or sizes != (SALT_BYTES, HASH_BYTES, HASH_BYTES):
            raise LogError(SHAPE, "delivery body")
        return body

    def leaf(self, consumer: str) -> Leaf:
        """Return the leaf that must stand in the log if `consumer` was given this."""
        told = commit_told(self.salt, consumer, self.minimised, self.told)
        return Leaf(self.facts, self.personal, told)

    def verify(
        self, consumer: str, proof: bytes, origin: str, keys: Collection[VerifierKey]
    ) -> tuple[Proof, Checkpoint]:
        """Return proof and checkpoint of the entry that vouches for this delivery.

        Args:
            consumer: who received it: agency, or agency/desk.
            proof: the delivery's tlog-proof.
            origin: which log.
            keys: the log's keys, from the partnership's root.

        Raises:
            LogError: `log.proof.*` or `log.note.*`.
        """
        read = Proof.parse(proof)
        return read, read.verify(self.leaf(consumer).hash, origin, keys)
