"""Sealing: AES-256-GCM under data keys that HPKE wraps for one recipient (`docs/formats.md`, 6).

Sealed = u8 suite ‖ wrapped key[80] ‖ nonce[12] ‖ ciphertext and tag. The plaintext is a 32-bit
length, the bytes, and zeros up to a multiple of 1,024, so that length tells little. Every writer
process makes its own data key an hour and never shares it; a nonce is four random bytes and a
64-bit counter, whose upper half is the hour (the receiver needs it to unwrap) and whose lower half
counts from zero. Nothing of it is ever restored from disk.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from broker.clock import HOUR, Instant
from broker.records.batches import RandomBytes
from broker.records.digests import lp, tag
from broker.records.errors import SEAL, SIZE, SUITE, RecordRefused
from broker.records.names import Partnership

SUITE_1 = 1
WRAPPED_BYTES = 80
NONCE_BYTES = 12
TAG_BYTES = 16
PAD = 1024
KEY_BYTES = 32
HEAD_BYTES = 1 + WRAPPED_BYTES + NONCE_BYTES
RECORD = "record"
"""Purpose of a record on its way to the router: the one with a smaller bound."""

MOST_SEALED = 256 * 1024
"""A record's largest sealed size in bytes: 32 slots with long narratives fit many times over."""

MOST_CARRIED = 1024 * 1024
"""Largest sealed size in bytes of all else. It must hold the largest record and what a delivery or
a quarantined message adds to it; Kafka brokers take 1 MiB unless told otherwise."""

LEAST_SEALED = HEAD_BYTES + PAD + TAG_BYTES

KEYS_CACHED = 4096
"""Unwrapped data keys a receiver keeps: writers × hours in reach; about 1 MB."""

_SEAL = tag("seal")
_WRAP = tag("wrap")
_UNDER = tag("record-seal")
_LENGTH_BYTES = 4
_USES = 1 << 32
"""Times that a data key may seal: its counter's lower half. Then another is made."""


def pad(plaintext: bytes) -> bytes:
    """Return length, bytes and zeros, a multiple of 1,024 bytes."""
    framed = len(plaintext).to_bytes(_LENGTH_BYTES, "big") + plaintext
    return framed + bytes(-len(framed) % PAD)


def unpad(padded: bytes) -> bytes:
    """Return the bytes that were padded.

    Raises:
        RecordRefused: `record.seal`; not a multiple, not zeros, or not the shortest padding.
    """
    size = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + size
    rest = padded[end:]
    if len(padded) % PAD or end > len(padded) or len(rest) >= PAD or rest.strip(b"\x00"):
        raise RecordRefused(SEAL, "padding")
    return padded[_LENGTH_BYTES:end]


def sealed_size(plaintext: int) -> int:
    """Return how many bytes a plaintext of so many bytes is sealed to."""
    framed = _LENGTH_BYTES + plaintext
    return HEAD_BYTES + framed + -framed % PAD + TAG_BYTES


@dataclass(frozen=True, slots=True)
class Way:
    """From whom to whom, and for what: bound into every key and every seal.

    Attributes:
        purpose: `record`, `delivery`, `facts`, … one word a use.
        sender: agency, or `router`.
        recipient: agency, `router` or `log`.
        topic: where the sealed bytes will lie.
    """

    purpose: str
    sender: str
    recipient: str
    topic: str

    @property
    def most(self) -> int:
        """The largest sealed size, in bytes."""
        return MOST_SEALED if self.purpose == RECORD else MOST_CARRIED

    def info(self, partnership: Partnership, hour: int) -> bytes:
        """Return the HPKE info of a data key."""
        named = (self.purpose, self.sender, self.recipient)
        parts = b"".join(lp(name.encode()) for name in named)
        return _WRAP + partnership + parts + hour.to_bytes(8, "big")

    def aad(self, partnership: Partnership, wrapped: bytes) -> bytes:
        """Return what AES-GCM authenticates beside the ciphertext."""
        return b"".join(
            (
                _SEAL,
                partnership,
                bytes((SUITE_1,)),
                sha256(wrapped).digest(),
                lp(self.topic.encode()),
                lp(self.recipient.encode()),
            )
        )


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(slots=True)
class _DataKey:
    hour: int
    public: bytes
    wrapped: bytes
    cipher: AESGCM
    prefix: bytes
    used: int = 0
    aads: dict[str, bytes] = field(default_factory=dict)


class Sealer:
    """Seals for any recipient; one per process, never copied."""

    def __init__(self, partnership: Partnership, random_bytes: RandomBytes) -> None:
        """Begin without data keys."""
        self._partnership = partnership
        self._random = random_bytes
        self._keys: dict[tuple[str, str, str], _DataKey] = {}

    def seal(self, plaintext: bytes, way: Way, to: X25519PublicKey, at: Instant) -> bytes:
        """Return `plaintext` sealed for the holder of `to`.

        Raises:
            RecordRefused: `record.size`; no receiver would open so much.
        """
        if sealed_size(len(plaintext)) > way.most:
            raise RecordRefused(SIZE, f"{way.purpose} to seal")
        key = self._data_key(way, to, at)
        nonce = key.prefix + (key.hour << 32 | key.used).to_bytes(8, "big")
        key.used += 1
        aad = key.aads.get(way.topic)
        if aad is None:
            aad = key.aads[way.topic] = way.aad(self._partnership, key.wrapped)
        sealed = key.cipher.encrypt(nonce, pad(plaintext), aad)
        return b"".join((b"\x01", key.wrapped, nonce, sealed))

    def _data_key(self, way: Way, to: X25519PublicKey, at: Instant) -> _DataKey:
        hour = at // HOUR
        name = (way.purpose, way.sender, way.recipient)
        public = to.public_bytes_raw()
        key = self._keys.get(name)
        if key is None or (key.hour, key.public) != (hour, public) or key.used == _USES:
            secret = self._random(KEY_BYTES)
            wrapped = _suite().encrypt(secret, to, way.info(self._partnership, hour))
            key = _DataKey(hour, public, wrapped, AESGCM(secret), self._random(4))
            self._keys[name] = key
        return key


class Opener:
    """Opens what was sealed to the private keys that it holds; caches unwrapped data keys."""

    def __init__(self, partnership: Partnership, keys: tuple[X25519PrivateKey, ...]) -> None:
        """Hold one or more private keys, newest first: routers rotate theirs daily."""
        self._partnership = partnership
        self._keys = keys
        self._unwrapped: OrderedDict[bytes, AESGCM] = OrderedDict()

    def open(self, sealed: bytes, way: Way) -> bytes:
        """Return the plaintext.

        Raises:
            RecordRefused: `record.size`, `record.suite` or `record.seal`.
        """
        if not LEAST_SEALED <= len(sealed) <= way.most:
            raise RecordRefused(SIZE, "sealed message")
        if sealed[0] != SUITE_1:
            raise RecordRefused(SUITE, "sealed message")
        wrapped = sealed[1 : 1 + WRAPPED_BYTES]
        nonce = sealed[1 + WRAPPED_BYTES : HEAD_BYTES]
        hour = int.from_bytes(nonce[4:8], "big")
        cipher = self._unwrap(wrapped, way.info(self._partnership, hour))
        try:
            padded = cipher.decrypt(nonce, sealed[HEAD_BYTES:], way.aad(self._partnership, wrapped))
        except InvalidTag:
            raise RecordRefused(SEAL, "sealed message") from None
        return unpad(padded)

    def _unwrap(self, wrapped: bytes, info: bytes) -> AESGCM:
        name = wrapped + info
        cipher = self._unwrapped.get(name)
        if cipher is not None:
            self._unwrapped.move_to_end(name)
            return cipher
        for private in self._keys:
            try:
                cipher = AESGCM(_suite().decrypt(wrapped, private, info))
            except (InvalidTag, ValueError):
                continue
            self._unwrapped[name] = cipher
            if len(self._unwrapped) > KEYS_CACHED:
                self._unwrapped.popitem(last=False)
            return cipher
        raise RecordRefused(SEAL, "wrapped key")


def seal_under(
    key: bytes, plaintext: bytes, *, partnership: Partnership, part: str, random_bytes: RandomBytes
) -> bytes:
    """Seal under a record's own key: u8 suite ‖ nonce[12] ‖ ciphertext and tag.

    Destroying the key erases the bytes. `part` names what they are, and is authenticated.
    """
    nonce = random_bytes(NONCE_BYTES)
    aad = _UNDER + partnership + lp(part.encode())
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, pad(plaintext), aad)


def open_under(key: bytes, sealed: bytes, *, partnership: Partnership, part: str) -> bytes:
    """Open what `seal_under` made.

    Raises:
        RecordRefused: `record.suite` or `record.seal`.
    """
    if sealed[:1] != b"\x01":
        raise RecordRefused(SUITE, part)
    aad = _UNDER + partnership + lp(part.encode())
    nonce = sealed[1 : 1 + NONCE_BYTES]
    try:
        return unpad(AESGCM(key).decrypt(nonce, sealed[1 + NONCE_BYTES :], aad))
    except (InvalidTag, ValueError):
        raise RecordRefused(SEAL, part) from None
