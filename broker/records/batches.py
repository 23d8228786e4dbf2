"""One Ed25519 signature over the Merkle root of a batch of records (`docs/formats.md`, section 4).

A leaf is H(0x00 ‖ r), a node H(0x01 ‖ left ‖ right). A batch has 2^k leaves; spare ones are random
hashes, and the real ones stand in random places, so that a path tells neither how many records
the batch had nor which of them were neighbours.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.records.digests import lp, tag
from broker.records.envelope import BATCH_HEIGHTS, DIGEST_BYTES, BatchPath
from broker.records.errors import SIGNATURE, RecordRefused
from broker.records.names import AgencyId, KeyId, Partnership, RecordDigest

MOST_RECORDS = 1 << BATCH_HEIGHTS[-1]
"""Records that one signature may cover: 1,024."""

ROOTS_REMEMBERED = 4096
"""Verified roots kept: a batch's records arrive close together; 4,096 roots are about 1 MB."""

_BATCH = tag("batch")

RandomBytes = Callable[[int], bytes]
"""Gives n bytes from a cryptographic source (`os.urandom` outside tests)."""


def key_id_of(raw_public_key: bytes) -> KeyId:
    """Return SHA-256 of a raw public key."""
    return KeyId(sha256(raw_public_key).digest())


def signed_bytes(
    partnership: Partnership, agency: AgencyId, key_id: KeyId, k: int, root: bytes
) -> bytes:
    """Return what the batch signature is made over."""
    named = lp(agency.encode("ascii")) + lp(key_id)
    return _BATCH + partnership + named + bytes((k,)) + root


def sign_batch(
    digests: Sequence[RecordDigest],
    *,
    partnership: Partnership,
    agency: AgencyId,
    key: Ed25519PrivateKey,
    random_bytes: RandomBytes,
) -> tuple[BatchPath, ...]:
    """Sign up to 1,024 records at once; return each one's path, in the order given.

    Raises:
        ValueError: none, or more than 1,024 records.
    """
    if not 0 < len(digests) <= MOST_RECORDS:
        message = "a batch holds 1 to 1,024 records"
        raise ValueError(message)
    k = next(height for height in BATCH_HEIGHTS if len(digests) <= 1 << height)
    seeded = random.Random(random_bytes(32))  # noqa: S311 - the seed is cryptographic, 256 bits
    places = seeded.sample(range(1 << k), len(digests))
    spare = random_bytes(DIGEST_BYTES << k) if k else b""
    level = [spare[i << 5 : (i + 1) << 5] for i in range(1 << k)]
    for place, digest in zip(places, digests, strict=True):
        level[place] = sha256(b"\x00" + digest).digest()
    levels = [level]
    while len(level) > 1:
        level = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)
        ]
        levels.append(level)
    key_id = key_id_of(key.public_key().public_bytes_raw())
    signature = key.sign(signed_bytes(partnership, agency, key_id, k, level[0]))
    return tuple(
        BatchPath(
            key_id,
            k,
            place,
            tuple(levels[height][(place >> height) ^ 1] for height in range(k)),
            signature,
        )
        for place in places
    )


def batch_root(digest: RecordDigest, batch: BatchPath) -> bytes:
    """Return the root that a record's digest and path lead to."""
    node = sha256(b"\x00" + digest).digest()
    index = batch.index
    for sibling in batch.path:
        pair = sibling + node if index & 1 else node + sibling
        node = sha256(b"\x01" + pair).digest()
        index >>= 1
    return node


class BatchVerifier:
    """Verifies batch signatures, each root's signature once.

    The memory is bounded, and holds only what a signature was verified for.
    """

    def __init__(self, partnership: Partnership, remembered: int = ROOTS_REMEMBERED) -> None:
        """Begin with an empty memory of at most `remembered` roots."""
        self._partnership = partnership
        self._remembered = remembered
        self._verified: OrderedDict[bytes, None] = OrderedDict()

    def verify(
        self, digest: RecordDigest, batch: BatchPath, agency: AgencyId, key: Ed25519PublicKey
    ) -> None:
        """Check that `agency` signed the batch that holds `digest`, with `key`.

        Raises:
            RecordRefused: `record.signature.invalid`.
        """
        root = batch_root(digest, batch)
        signed = signed_bytes(self._partnership, agency, batch.key_id, batch.k, root)
        memory = signed + batch.signature
        if memory in self._verified:
            self._verified.move_to_end(memory)
            return
        try:
            key.verify(batch.signature, signed)
        except InvalidSignature:
            raise RecordRefused(SIGNATURE, "batch.signature") from None
        self._verified[memory] = None
        if len(self._verified) > self._remembered:
            self._verified.popitem(last=False)
