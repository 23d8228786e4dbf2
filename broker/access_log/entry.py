"""An entry's leaf: three salted commitments, and the openings that belong to them.

A leaf says nothing. Its parts are shown to different people: *facts* to auditors and parties,
*personal* to whoever may see the record, *told* to the consumer alone. Without the salt nobody can
test a guess against a commitment. Whoever holds one part and the other two commitments can check
the leaf (`docs/log-format.md`, section 5).
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.ports import DeliveryId
from broker.access_log.tiles import ENTRY_BYTES
from broker.access_log.tree import HASH_BYTES, hash_leaf
from broker.records.digests import SALT_BYTES, lp, tag

DELIVERY_ID_BYTES = 16
_LENGTH_BYTES = 4

_FACTS = tag("facts")
_PERSONAL = tag("personal")
_TOLD = tag("told")


def framed(part: bytes) -> bytes:
    """Return `part` behind its 32-bit length."""
    return len(part).to_bytes(_LENGTH_BYTES, "big") + part


def unframed(data: bytes, at: int, where: str) -> tuple[bytes, int]:
    """Return the part at `at` behind its 32-bit length, and where the next one begins.

    Raises:
        LogError: `log.shape`; cut short.
    """
    begin = at + _LENGTH_BYTES
    end = begin + int.from_bytes(data[at:begin], "big")
    if begin > len(data) or end > len(data):
        raise LogError(SHAPE, where)
    return data[begin:end], end


def commit_facts(salt: bytes, facts: bytes) -> bytes:
    """Return the commitment to an entry's facts."""
    return sha256(_FACTS + salt + facts).digest()


def commit_personal(salt: bytes, personal: bytes) -> bytes:
    """Return the commitment to an entry's personal part; empty bytes if it has none."""
    return sha256(_PERSONAL + salt + personal).digest()


def commit_told(salt: bytes, consumer: str, minimised: bytes, told: bytes) -> bytes:
    """Return the commitment to what a consumer is told.

    Args:
        salt: 16 bytes, known to the consumer and to whoever may see the record.
        consumer: agency, or agency/desk, as in the facts.
        minimised: the record as the consumer gets it; empty if it gets none.
        told: the encoded `Told`; empty if it is told nothing.
    """
    said = framed(minimised) + framed(told)
    return sha256(_TOLD + salt + lp(consumer.encode()) + said).digest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry as the tree holds it: three commitments, 32 bytes each."""

    facts: bytes
    personal: bytes
    told: bytes

    @property
    def data(self) -> bytes:
        """The 96 bytes that are hashed into the tree."""
        return self.facts + self.personal + self.told

    @property
    def hash(self) -> bytes:
        """The leaf hash."""
        return hash_leaf(self.data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the leaf in 96 bytes.

        Raises:
            LogError: `log.shape`; another size.
        """
        if len(data) != ENTRY_BYTES:
            raise LogError(SHAPE, "leaf")
        end = 2 * HASH_BYTES
        return cls(data[:HASH_BYTES], data[HASH_BYTES:end], data[end:])


def delivery_id(leaf_hash: bytes) -> DeliveryId:
    """Return the id of what an entry released: the first 16 bytes of its leaf hash."""
    return DeliveryId(leaf_hash[:DELIVERY_ID_BYTES])


@dataclass(frozen=True, slots=True)
class Opening:
    """A part with its salt, as it is sealed: salt ‖ bytes."""

    salt: bytes
    data: bytes

    def encode(self) -> bytes:
        """Return the bytes that are sealed under the log's key when the part is the facts."""
        return self.salt + self.data

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the opening in unsealed bytes.

        Raises:
            LogError: `log.shape`; shorter than a salt.
        """
        if len(data) < SALT_BYTES:
            raise LogError(SHAPE, "opening")
        return cls(data[:SALT_BYTES], data[SALT_BYTES:])


@dataclass(frozen=True, slots=True)
class PrivateOpening:
    """What is sealed under the record's key, so that destroying it takes both away.

    Attributes:
        personal: salt and bytes of the personal part.
        told: salt and bytes of the told decision; its commitment also covers the minimised record,
            which is made again from the archived one.
    """

    personal: Opening
    told: Opening

    def encode(self) -> bytes:
        """Return both parts, each framed: u32 length ‖ salt ‖ bytes."""
        return framed(self.personal.encode()) + framed(self.told.encode())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the openings in unsealed bytes.

        Raises:
            LogError: `log.shape`.
        """
        personal, at = unframed(data, 0, "private opening")
        told, at = unframed(data, at, "private opening")
        if at != len(data):
            raise LogError(SHAPE, "private opening")
        return cls(Opening.decode(personal), Opening.decode(told))
