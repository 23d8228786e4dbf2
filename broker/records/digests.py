"""The hashes that records stand on (`docs/formats.md`, sections 1 to 4).

H is SHA-256; integers are big-endian; lp(x) is a 16-bit length before x; T(name) is the
domain-separation tag of one use, so that no digest of one kind can pass for another.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from broker.records.names import SLOTS, AgencyId, Kind, Partnership, RecordDigest, RecordId

SALT_BYTES = 16
ID_BYTES = 16
LP_LIMIT = 0xFFFF


def tag(name: str) -> bytes:
    """Return T(name) = SHA-256 of `concordat/v1/` and the ASCII name, 32 bytes."""
    return sha256(b"concordat/v1/" + name.encode("ascii")).digest()


def lp(part: bytes) -> bytes:
    """Return `part` behind its 16-bit length.

    Raises:
        ValueError: longer than 65,535 bytes.
    """
    if len(part) > LP_LIMIT:
        message = "a length-prefixed part is longer than 65,535 bytes"
        raise ValueError(message)
    return len(part).to_bytes(2, "big") + part


_FIELD = tag("field")
_RECORD = tag("record")
_INDICES = tuple(i.to_bytes(2, "big") for i in range(SLOTS))


def slot_digest(
    partnership: Partnership, record_id: RecordId, index: int, salt: bytes, value: bytes
) -> bytes:
    """Return dᵢ, the salted digest of one slot's bytes as they stand."""
    return sha256(_FIELD + partnership + record_id + _INDICES[index] + salt + value).digest()


def slot_digests(
    partnership: Partnership, record_id: RecordId, slots: Sequence[tuple[bytes, bytes]]
) -> tuple[bytes, ...]:
    """Return d₀ … dₙ₋₁ for all (salt, value) pairs; the same as `slot_digest` on each."""
    head = sha256(_FIELD + partnership + record_id)
    digests = []
    for index, (salt, value) in zip(_INDICES, slots, strict=True):
        one = head.copy()
        one.update(index + salt + value)
        digests.append(one.digest())
    return tuple(digests)


def record_digest(
    partnership: Partnership,
    agency: AgencyId,
    record_id: RecordId,
    issued_at: int,
    supersedes: RecordId,
    kind: Kind,
    digests: tuple[bytes, ...],
) -> RecordDigest:
    """Return r over everything that the source says, slots by their digests."""
    return RecordDigest(
        sha256(
            _RECORD
            + partnership
            + lp(agency.encode("ascii"))
            + record_id
            + issued_at.to_bytes(8, "big")
            + supersedes
            + bytes((kind,))
            + len(digests).to_bytes(2, "big")
            + b"".join(digests)
        ).digest()
    )


def make_record_id(id_key: bytes, system: str, natural_id: str, version: str) -> RecordId:
    """Return the first 16 bytes of HMAC-SHA-256 over system, natural id and version."""
    parts = b"".join(lp(part.encode()) for part in (system, natural_id, version))
    return RecordId(hmac.digest(id_key, parts, "sha256")[:ID_BYTES])


def values_digest(key: bytes, values: tuple[bytes, ...], *extra: bytes) -> bytes:
    """Return a keyed digest of slot values: equal values, equal digest; nothing without the key.

    The adapter uses it as version where a source has none; the router, as its memory of what it
    has accepted (with kind and `supersedes` as `extra`).
    """
    mac = hmac.new(key, digestmod="sha256")
    for part in (*extra, *values):
        mac.update(len(part).to_bytes(4, "big"))
        mac.update(part)
    return mac.digest()


def message_key(agency_key: bytes, local_subject: str) -> bytes:
    """Return the 8-byte message key of an agency's local subject id."""
    return hmac.digest(agency_key, tag("message-key") + local_subject.encode(), "sha256")[:8]
