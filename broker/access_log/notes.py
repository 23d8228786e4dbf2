"""Signed notes and checkpoints: how the log vouches for its size and root.

A note is text, an empty line, and signature lines `— name base64(key id ‖ signature)`; a checkpoint
is a note whose text is origin, size and root. Lines of other signers (witnesses sign with
cosignature/v1) are kept and passed over, as the format asks.

Source: C2SP signed-note and tlog-checkpoint; Ed25519 as in RFC 8032.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.access_log.errors import NOTE_ORIGIN, NOTE_SHAPE, NOTE_SIGNATURE, LogError
from broker.access_log.tree import HASH_BYTES, MOST_LEAVES

ED25519 = b"\x01"
"""Signature type of plain Ed25519 (C2SP signed-note)."""

KEY_ID_BYTES = 4
PUBLIC_BYTES = 32

MOST_SIGNATURES = 32
"""Signature lines that are read of one note: the format asks for 16; twice that leaves room."""

MOST_NOTE_BYTES = 256 * 1024
"""Size of a note at most: 32 signatures of 5 kB each in base64, the largest that are foreseen."""

_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def key_id(name: str, public: bytes, algorithm: bytes = ED25519) -> bytes:
    """Return the 4 bytes that name an Ed25519 key in a signature line."""
    return sha256(name.encode() + b"\n" + algorithm + public).digest()[:KEY_ID_BYTES]


def read_base64(text: str) -> bytes | None:
    """Return what `text` says in standard base64, or None unless it is the one way to say that."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return data if b64encode(data).decode() == text else None


def read_number(text: str) -> int | None:
    """Return a decimal without leading zeros, or None for anything else or beyond 63 bits."""
    if _NUMBER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= MOST_LEAVES else None


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A public key under a name, of one type of signature (C2SP signed-note).

    Attributes:
        ALGORITHM: byte of the type.
        name: without spaces and plus signs.
        public: raw Ed25519, 32 bytes.
    """

    ALGORITHM: ClassVar[bytes]

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The key's 4-byte id."""
        return key_id(self.name, self.public, self.ALGORITHM)

    def __str__(self) -> str:
        """Return the key as it is published, `name+id+key` (a vkey)."""
        key = b64encode(self.ALGORITHM + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key in `name+id+key`.

        Raises:
            LogError: `log.note.shape`; no such text, another type of key, or an id that differs.
        """
        name, _, rest = text.partition("+")
        hexid, _, encoded = rest.partition("+")
        key = read_base64(encoded)
        if key is None or key[:1] != cls.ALGORITHM or len(key) != 1 + PUBLIC_BYTES:
            raise LogError(NOTE_SHAPE, "key")
        found = cls(name, key[1:])
        if _NAME.fullmatch(name) is None or found.id.hex() != hexid:
            raise LogError(NOTE_SHAPE, "key")
        return found


@dataclass(frozen=True, slots=True)
class VerifierKey(NamedKey):
    """A public key that may sign notes; a log's name is its origin."""

    ALGORITHM = ED25519


class NoteSigner:
    """Signs notes under one name with one Ed25519 key."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        """Hold the key.

        Raises:
            LogError: `log.note.shape`; the name is empty or has spaces or plus signs.
        """
        if _NAME.fullmatch(name) is None:
            raise LogError(NOTE_SHAPE, "key name")
        self._private = private
        self.key = VerifierKey(name, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Return the note of `text`, which ends in a newline, with this signature alone."""
        signature = self.key.id + self._private.sign(text.encode())
        return f"{text}\n{_DASH}{self.key.name} {b64encode(signature).decode()}\n".encode()


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line under a note: who claims to have signed, and the bytes."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read. Its text means nothing before `verify`."""

    text: str
    signatures: tuple[SignatureLine, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the note in `data`.

        Raises:
            LogError: `log.note.shape`.
        """
        if len(data) > MOST_NOTE_BYTES:
            raise LogError(NOTE_SHAPE, "size")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LogError(NOTE_SHAPE, "encoding") from error
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n") or _CONTROL.search(whole):
            raise LogError(NOTE_SHAPE, "text")
        signatures = tuple(_read_line(line) for line in lines[:-1].split("\n"))
        if len(signatures) > MOST_SIGNATURES:
            raise LogError(NOTE_SHAPE, "signatures")
        return cls(text + "\n", signatures)

    def verify(self, keys: Collection[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return those of `keys` that signed, each once; lines of other keys are passed over.

        Raises:
            LogError: `log.note.signature`; none signed, or a line that names one of them is false.
        """
        known = {(key.name, key.id): key for key in keys}
        signed: dict[VerifierKey, None] = {}
        for line in self.signatures:
            key = known.get((line.name, line.id))
            if key is None:
                continue
            public = Ed25519PublicKey.from_public_bytes(key.public)
            try:
                public.verify(line.signature, self.text.encode())
            except InvalidSignature as error:
                raise LogError(NOTE_SIGNATURE, "false signature") from error
            signed[key] = None
        if not signed:
            raise LogError(NOTE_SIGNATURE, "no known key")
        return tuple(signed)


def _read_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signature = read_base64(encoded)
    sound = line.startswith(_DASH) and _NAME.fullmatch(name) is not None
    if not sound or signature is None or len(signature) <= KEY_ID_BYTES:
        raise LogError(NOTE_SHAPE, "signature line")
    return SignatureLine(name, signature[:KEY_ID_BYTES], signature[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log vouches for.

    Attributes:
        origin: which log, `<partnership>/log`.
        size: number of entries.
        root: RFC 6962 root over them.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checkpoint in a note's text; extension lines are allowed and passed over.

        Raises:
            LogError: `log.note.shape`.
        """
        origin, *rest = text.removesuffix("\n").split("\n")
        size = read_number(rest[0]) if rest else None
        root = read_base64(rest[1]) if len(rest) > 1 else None
        if not origin or size is None or root is None or len(root) != HASH_BYTES or "" in rest:
            raise LogError(NOTE_SHAPE, "checkpoint")
        return cls(origin, size, root)


def open_checkpoint(data: bytes, origin: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """Return the checkpoint of the log `origin` that one of the log's keys signed.

    Raises:
        LogError: `log.note.shape`, `log.note.signature` or `log.note.origin`.
    """
    note = Note.parse(data)
    note.verify([key for key in keys if key.name == origin])
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise LogError(NOTE_ORIGIN, "checkpoint")
    return checkpoint
