"""Entries of the `protocol` topic: canonical JSON, signed, chained. What they may say is in `fold`.

An entry is RFC 8785 JSON `{"body": {"kind": …, …}, "signatures": [{"key_id": hex, "sig": hex},
…]}`, signatures by rising key id. Signed is T("protocol") ‖ P ‖ rfc8785(body). Its position is its
offset in the topic, and the topic's head after it H(T("protocol-head") ‖ head before ‖ H(entry));
before the first entry the head is 32 zero bytes. (`docs/formats.md`, "The protocol topic".)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.protocol.errors import ENTRY, SIGNATURE, SIGNED_TWICE, SIGNER, EntryRefused
from broker.protocol.policy_data import canonical
from broker.records.batches import key_id_of
from broker.records.digests import tag
from broker.records.names import KeyId, Partnership

MOST_OCTETS = 900_000
"""Bytes of an entry at most: what a message store takes by default (1 MB), with room for its
frame."""

FIRST_HEAD = bytes(32)
_SIGNED = tag("protocol")
_HEAD = tag("protocol-head")
_HASH_BYTES = 32
_SIG_BYTES = 64

KINDS = (
    "root",
    "revision",
    "agency-key",
    "log-key",
    "router-key",
    "narrowing",
    "lift",
    "roster",
)


class Signature(NamedTuple):
    """One signature on an entry: SHA-256 of the raw public key, and raw Ed25519."""

    key_id: KeyId
    sig: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry whose form is right; its signatures are not verified yet.

    Attributes:
        kind: one of `KINDS`.
        body: what is signed, as plain JSON values.
        signatures: by rising key id.
        value: the entry's bytes.
    """

    kind: str
    body: Mapping[str, Any]
    signatures: tuple[Signature, ...]
    value: bytes


def _plain(one: Signature) -> dict[str, str]:
    return {"key_id": one.key_id.hex(), "sig": one.sig.hex()}


def signed_bytes(partnership: Partnership, body: Mapping[str, Any]) -> bytes:
    """Return what the signatures of an entry are made over."""
    return _SIGNED + partnership + canonical(dict(body))


def sign_body(
    partnership: Partnership, body: Mapping[str, Any], key: Ed25519PrivateKey
) -> Signature:
    """Return one signature on a body, to be joined with those of others by `make_entry`."""
    key_id = key_id_of(key.public_key().public_bytes_raw())
    return Signature(key_id, key.sign(signed_bytes(partnership, body)))


def make_entry(body: Mapping[str, Any], signatures: Iterable[Signature]) -> bytes:
    """Return the bytes of an entry.

    Raises:
        EntryRefused: as for `parse_entry`.
    """
    plain = {
        "body": dict(body),
        "signatures": [_plain(one) for one in sorted(signatures)],
    }
    return parse_entry(canonical(plain)).value


def sign_entry(
    partnership: Partnership, body: Mapping[str, Any], keys: Iterable[Ed25519PrivateKey]
) -> bytes:
    """Return an entry signed with all of `keys`.

    Raises:
        EntryRefused: as for `parse_entry`.
    """
    return make_entry(body, [sign_body(partnership, body, key) for key in keys])


def parse_entry(value: bytes) -> Entry:
    """Return the entry in bytes.

    Raises:
        EntryRefused: `protocol.entry.shape`, or `protocol.entry.signed-twice`.
    """
    if len(value) > MOST_OCTETS:
        raise EntryRefused(ENTRY, f"more than {MOST_OCTETS} bytes")
    try:
        plain = json.loads(value)
        body, raw = plain["body"], plain["signatures"]
        kind = body["kind"]
        signatures = tuple(
            Signature(KeyId(bytes.fromhex(one["key_id"])), bytes.fromhex(one["sig"])) for one in raw
        )
        same = canonical(plain) == value
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EntryRefused(ENTRY, "not an entry") from error
    if not same or plain.keys() != {"body", "signatures"} or kind not in KINDS:
        raise EntryRefused(ENTRY, "form")
    if raw != [_plain(one) for one in signatures]:
        raise EntryRefused(ENTRY, "signatures")
    ids = [one.key_id for one in signatures]
    if len(set(ids)) != len(ids):
        raise EntryRefused(SIGNED_TWICE, kind)
    sized = all(len(one.key_id) == _HASH_BYTES and len(one.sig) == _SIG_BYTES for one in signatures)
    if not sized or ids != sorted(ids):
        raise EntryRefused(ENTRY, "signatures")
    return Entry(kind, body, signatures, value)


def verify_entry(entry: Entry, partnership: Partnership, keys: Iterable[bytes]) -> frozenset[KeyId]:
    """Return the ids of the keys that signed an entry. Each of its signatures must verify.

    Args:
        entry: what was signed.
        partnership: P.
        keys: raw public keys that may have signed it.

    Raises:
        EntryRefused: `protocol.entry.signer`; another key signed, or none.
        `protocol.entry.signature`.
    """
    known = {key_id_of(raw): raw for raw in keys}
    if not entry.signatures:
        raise EntryRefused(SIGNER, f"{entry.kind}: nobody signed")
    message = signed_bytes(partnership, entry.body)
    for one in entry.signatures:
        raw = known.get(one.key_id)
        if raw is None:
            raise EntryRefused(SIGNER, entry.kind)
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(one.sig, message)
        except InvalidSignature as error:
            raise EntryRefused(SIGNATURE, entry.kind) from error
    return frozenset(one.key_id for one in entry.signatures)


def head_after(head: bytes, value: bytes) -> bytes:
    """Return the topic's head after one more entry."""
    return sha256(_HEAD + head + sha256(value).digest()).digest()
