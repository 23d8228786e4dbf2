"""The root: whom the partnership trusts to sign. A TUF root file, made and read with `tuf.api`.

The first root's stored bytes, hashed, are P, the partnership's name in every digest and signature.
What TUF has no field for lies in its signed field `x-concordat`. Rules for reading one:

1. It is a TUF root of spec version 1, in JSON.
2. Each key is an Ed25519 key under the id SHA-256(raw key), and fit to be registered. (TUF lets one
   key stand under two ids, and then counts it twice.)
3. Officers are listed with agency, name, role and key; no key stands for two of them. Their keys
   are exactly those of the roles root and targets; the operator's one key serves snapshot and
   timestamp.
4. It is signed by officers of the quorum that it names itself: counted by agency, one vote each.
5. Nothing more is trusted of it than is read here; whether it has expired, its reader must ask.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import (  # type: ignore[attr-defined] # its documented place
    CryptoSigner,
    SSlibKey,
)
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined] # its documented place
    Metadata,
    Role,
    Root,
)
from tuf.api.serialization.json import CanonicalJSONSerializer, JSONSerializer

from broker.clock import SECOND, Instant
from broker.protocol.agreement import Quorum
from broker.protocol.errors import QUORUM, ROOT, EntryRefused
from broker.records.batches import key_id_of
from broker.records.errors import KeyRefused
from broker.records.names import AgencyId, KeyId, Partnership
from broker.records.points import refuse_weak_key

OWN = "x-concordat"
MOST_OCTETS = 1024 * 1024
"""Bytes of a root: a thousand officers take a third of it."""

_OFFICERS = ("root", "targets")
_OPERATOR = ("snapshot", "timestamp")


@dataclass(frozen=True, slots=True)
class Officer:
    """Who may sign for an agency.

    Attributes:
        agency: for which.
        name: of the person.
        role: for example `Chief Constable`.
        key: raw public key, 32 bytes.
    """

    agency: AgencyId
    name: str
    role: str
    key: bytes

    @property
    def key_id(self) -> KeyId:
        """SHA-256 of the key."""
        return key_id_of(self.key)


@dataclass(frozen=True, slots=True)
class Trust:
    """What a root says.

    Attributes:
        origin: of the log, `<partnership>/log`.
        version: from 1.
        expires: the instant at which the root's own word ends.
        quorum: which agencies must sign.
        officers: who signs for them.
        operator: raw key of the broker's operator: it names the routers' sealing keys.
        log_key: raw key that signs checkpoints.
        witnesses: name → raw key.
    """

    origin: str
    version: int
    expires: Instant
    quorum: Quorum
    officers: tuple[Officer, ...]
    operator: bytes
    log_key: bytes
    witnesses: Mapping[str, bytes]

    def officer(self, key_id: KeyId) -> Officer | None:
        """Return the officer whose key it is."""
        return next((one for one in self.officers if one.key_id == key_id), None)

    def agencies(self, key_ids: Iterable[KeyId]) -> frozenset[AgencyId]:
        """Return the agencies for which officers with these keys sign."""
        found = (self.officer(key_id) for key_id in key_ids)
        return frozenset(one.agency for one in found if one is not None)

    def must_reach(self, key_ids: Iterable[KeyId], what: str) -> None:
        """Require the quorum: each named agency, and so many altogether.

        Raises:
            EntryRefused: `protocol.entry.quorum`, naming the agencies that lack.
        """
        signed = self.agencies(key_ids)
        lacking = sorted(set(self.quorum.agencies) - signed)
        if lacking:
            raise EntryRefused(QUORUM, f"{what}: without {', '.join(lacking)}")
        if len(signed) < self.quorum.at_least:
            raise EntryRefused(QUORUM, f"{what}: {len(signed)} of {self.quorum.at_least}")


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """A root that is signed as it must be.

    Attributes:
        trust: what it says.
        digest: SHA-256 of its bytes; of the first root: P.
        value: its bytes.
    """

    trust: Trust
    digest: Partnership
    value: bytes


def make_root(trust: Trust, keys: Sequence[Ed25519PrivateKey]) -> bytes:
    """Return the file of a root, signed by officers.

    Raises:
        EntryRefused: it could not be read back; see `read_root`.
    """
    officers = {one.key_id.hex(): one.key for one in trust.officers}
    operator = key_id_of(trust.operator).hex()
    roles = {role: Role(sorted(officers), trust.quorum.at_least) for role in _OFFICERS}
    roles |= {role: Role([operator], 1) for role in _OPERATOR}
    signed = Root(
        version=trust.version,
        expires=datetime.fromtimestamp(trust.expires // SECOND, UTC),
        keys={
            key_id: _tuf_key(raw) for key_id, raw in (officers | {operator: trust.operator}).items()
        },
        roles=roles,
        unrecognized_fields={OWN: _own(trust)},
    )
    metadata = Metadata(signed)
    for key in keys:
        raw = key.public_key().public_bytes_raw()
        metadata.sign(CryptoSigner(key, _tuf_key(raw)), append=True)
    value = metadata.to_bytes(JSONSerializer(compact=False))
    read_root(value)
    return value


def _tuf_key(raw: bytes) -> SSlibKey:
    return SSlibKey(key_id_of(raw).hex(), "ed25519", "ed25519", {"public": raw.hex()})


def _own(trust: Trust) -> dict[str, Any]:
    return {
        "origin": trust.origin,
        "quorum": {"agencies": list(trust.quorum.agencies), "at_least": trust.quorum.at_least},
        "officers": [
            {"agency": one.agency, "name": one.name, "role": one.role, "key_id": one.key_id.hex()}
            for one in trust.officers
        ],
        "log_key": trust.log_key.hex(),
        "witness_keys": {name: key.hex() for name, key in sorted(trust.witnesses.items())},
    }


def read_root(value: bytes) -> TrustedRoot:
    """Return the root in a file, if it is signed as it must be.

    Raises:
        EntryRefused: `protocol.root`, saying which rule it breaks, or `protocol.entry.quorum`.
    """
    if len(value) > MOST_OCTETS:
        raise EntryRefused(ROOT, "rule 1: size")
    # (1) The form, by TUF's own reader.
    try:
        metadata: Metadata[Root] = Metadata[Root].from_bytes(value)
        own = metadata.signed.unrecognized_fields[OWN]
        keys = {
            key_id: bytes.fromhex(key.keyval["public"])
            for key_id, key in metadata.signed.keys.items()
        }
    except (RepositoryError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise EntryRefused(ROOT, "rule 1: form") from error
    root = metadata.signed
    if not isinstance(root, Root):
        raise EntryRefused(ROOT, "rule 1: not a root")
    # (2) The keys.
    _must_be_keys(root, keys)
    # (3) Who is who.
    trust = _trust(root, own, keys)
    # (4) The signatures.
    signed = frozenset(_signers(metadata, keys))
    trust.must_reach(signed, "root")
    return TrustedRoot(trust, Partnership(sha256(value).digest()), value)


def _must_be_keys(root: Root, keys: Mapping[str, bytes]) -> None:
    for key_id, raw in keys.items():
        about = root.keys[key_id]
        if (about.keytype, about.scheme) != ("ed25519", "ed25519"):
            raise EntryRefused(ROOT, "rule 2: kind of key")
        if key_id_of(raw).hex() != key_id:
            raise EntryRefused(ROOT, "rule 2: key id")
        try:
            refuse_weak_key(raw)
        except KeyRefused as error:
            raise EntryRefused(ROOT, "rule 2: unfit key") from error


def _trust(root: Root, own: Mapping[str, Any], keys: Mapping[str, bytes]) -> Trust:
    try:
        officers = tuple(
            Officer(AgencyId(one["agency"]), one["name"], one["role"], keys[one["key_id"]])
            for one in own["officers"]
        )
        quorum = Quorum(
            tuple(AgencyId(one) for one in own["quorum"]["agencies"]),
            int(own["quorum"]["at_least"]),
        )
        (operator,) = root.roles["timestamp"].keyids
        trust = Trust(
            own["origin"],
            root.version,
            Instant(int(root.expires.timestamp()) * SECOND),
            quorum,
            officers,
            keys[operator],
            bytes.fromhex(own["log_key"]),
            {name: bytes.fromhex(key) for name, key in own["witness_keys"].items()},
        )
        for raw in (trust.log_key, *trust.witnesses.values()):
            refuse_weak_key(raw)
    except (KeyError, ValueError, TypeError, AttributeError, KeyRefused) as error:
        raise EntryRefused(ROOT, "rule 3: what is in it") from error
    ids = [one.key_id.hex() for one in officers]
    roles_fit = all(sorted(root.roles[role].keyids) == sorted(ids) for role in _OFFICERS)
    machine_fits = all(root.roles[role].keyids == [operator] for role in _OPERATOR)
    if len(set(ids)) != len(ids) or operator in ids or not roles_fit or not machine_fits:
        raise EntryRefused(ROOT, "rule 3: whose keys")
    enough = 0 < len(quorum.agencies) <= quorum.at_least <= len({one.agency for one in officers})
    if not enough or len(set(quorum.agencies)) != len(quorum.agencies):
        raise EntryRefused(ROOT, "rule 4: quorum")
    return trust


def _signers(metadata: Metadata[Root], keys: Mapping[str, bytes]) -> Iterable[KeyId]:
    message = CanonicalJSONSerializer().serialize(metadata.signed)
    for key_id, signature in metadata.signatures.items():
        raw = keys.get(key_id)
        if raw is None:
            raise EntryRefused(ROOT, "rule 4: signed by a key that it does not hold")
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(
                bytes.fromhex(signature.signature), message
            )
        except (InvalidSignature, ValueError) as error:
            raise EntryRefused(ROOT, "rule 4: signature") from error
        yield key_id_of(raw)
