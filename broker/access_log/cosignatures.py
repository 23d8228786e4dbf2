"""Cosignatures: a witness vouches that the log showed it a checkpoint, and when.

A cosignature is one more signature line under the checkpoint's note. Signed are the time and the
note's text; what the witness says with it is that the checkpoint continues every one that it has
cosigned before (`broker.access_log.witness`).

    — <partnership>/witness/<agency> <base64 of key id[4] ‖ u64 time ‖ Ed25519 signature[64]>

Source: C2SP tlog-cosignature, cosignature/v1 (Ed25519).
"""

from base64 import b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.access_log.errors import NOTE_SHAPE, NOTE_SIGNATURE, LogError
from broker.access_log.notes import (
    MOST_SIGNATURES,
    NamedKey,
    Note,
    SignatureLine,
)
from broker.access_log.tree import MOST_LEAVES
from broker.records.names import AgencyId

COSIGNATURE = b"\x04"
"""Signature type of an Ed25519 cosignature (C2SP signed-note)."""

TIME_BYTES = 8
SIGNATURE_BYTES = 64

MOST_TIME = MOST_LEAVES
"""Seconds since the epoch at most: 63 bits, as for every decimal of these formats."""

_LOG = "/log"
_WITNESS = "/witness/"


def witness_name(origin: str, agency: AgencyId) -> str:
    """Return the name under which an agency cosigns the log `<partnership>/log`."""
    return origin.removesuffix(_LOG) + _WITNESS + agency


@dataclass(frozen=True, slots=True)
class WitnessKey(NamedKey):
    """A public key that may cosign."""

    ALGORITHM = COSIGNATURE


def cosigned_bytes(text: str, at_s: int) -> bytes:
    """Return what a cosignature is made over.

    Args:
        text: of the checkpoint's note, up to and with the newline before the empty line.
        at_s: the time, seconds since the epoch.
    """
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosign(note: bytes, key: WitnessKey, private: Ed25519PrivateKey, at_s: int) -> bytes:
    """Return the note with one cosignature more.

    Args:
        note: a checkpoint's, whose log has signed.
        key: under which name and key.
        private: of that key.
        at_s: when, seconds since the epoch.

    Raises:
        LogError: `log.note.shape`.
    """
    text = Note.parse(note).text
    signature = private.sign(cosigned_bytes(text, at_s))
    line = b64encode(key.id + at_s.to_bytes(TIME_BYTES, "big") + signature).decode()
    return note + f"— {key.name} {line}\n".encode()


def gathered(notes: Iterable[bytes]) -> bytes:
    """Return one note with the signature lines of several notes of the same text, each line once.

    As many as a reader takes (`MOST_SIGNATURES`); the first note's come first.

    Raises:
        LogError: `log.note.shape`; also if the texts differ, or there is no note.
    """
    text, lines = "", dict[SignatureLine, None]()
    for one in notes:
        note = Note.parse(one)
        if text not in {"", note.text}:
            raise LogError(NOTE_SHAPE, "another text")
        text = note.text
        lines |= dict.fromkeys(note.signatures)
    if not lines:
        raise LogError(NOTE_SHAPE, "no note")
    said = [
        f"— {line.name} {b64encode(line.id + line.signature).decode()}\n"
        for line in list(lines)[:MOST_SIGNATURES]
    ]
    return f"{text}\n{''.join(said)}".encode()


def cosigners(note: Note, keys: Collection[WitnessKey]) -> dict[WitnessKey, int]:
    """Return those of `keys` that cosigned, each with the latest time that it says.

    Lines of other keys are passed over.

    Raises:
        LogError: `log.note.signature`; a line that names one of the keys is false.
    """
    known = {(key.name, key.id): key for key in keys}
    found: dict[WitnessKey, int] = {}
    for line in note.signatures:
        key = known.get((line.name, line.id))
        if key is None:
            continue
        at_s = int.from_bytes(line.signature[:TIME_BYTES], "big")
        if len(line.signature) != TIME_BYTES + SIGNATURE_BYTES or at_s > MOST_TIME:
            raise LogError(NOTE_SIGNATURE, "cosignature")
        public = Ed25519PublicKey.from_public_bytes(key.public)
        try:
            public.verify(line.signature[TIME_BYTES:], cosigned_bytes(note.text, at_s))
        except InvalidSignature as error:
            raise LogError(NOTE_SIGNATURE, "false cosignature") from error
        found[key] = max(at_s, found.get(key, 0))
    return found
