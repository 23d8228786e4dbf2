"""Envelope and Minimised: a signed record whole, and as one consumer gets it.

Both are Avro behind a single-object header, one schema for all record types, so that no
fingerprint names a type. They differ in their slots alone: an envelope's slot is salt and value;
a minimised one's is either that, or the digest. Hence a minimised record is spliced from the
bytes of its envelope (`docs/formats.md`, section 5).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from broker.records.digests import ID_BYTES, SALT_BYTES, record_digest, slot_digest, slot_digests
from broker.records.errors import SHAPE, RecordRefused
from broker.records.names import (
    SLOTS,
    AgencyId,
    KeyId,
    Kind,
    Partnership,
    RecordDigest,
    RecordId,
    is_agency_id,
    is_version,
)
from broker.records.wire import (
    HEADER_BYTES,
    Malformed,
    read_bytes,
    read_fixed,
    read_long,
    single_object_header,
    write_bytes,
    write_long,
)

DIGEST_BYTES = 32
SIGNATURE_BYTES = 64
BATCH_HEIGHTS = (0, 6, 10)
"""k: a batch has 2^k leaves; few sizes, so that a batch's size tells little."""

_HEAD_FIELDS: list[dict[str, Any]] = [
    {"name": "agency", "type": "string"},
    {"name": "record_id", "type": {"type": "fixed", "name": "Id", "size": ID_BYTES}},
    {"name": "issued_at_ms", "type": "long"},
    {"name": "supersedes", "type": "Id"},
    {"name": "kind", "type": "int"},
    {"name": "head_version", "type": "string"},
]
_SLOT: dict[str, Any] = {
    "type": "record",
    "name": "Slot",
    "fields": [
        {"name": "salt", "type": {"type": "fixed", "name": "Salt", "size": SALT_BYTES}},
        {"name": "value", "type": "bytes"},
    ],
}
_BATCH: dict[str, Any] = {
    "type": "record",
    "name": "BatchPath",
    "fields": [
        {"name": "key_id", "type": {"type": "fixed", "name": "Hash", "size": DIGEST_BYTES}},
        {"name": "k", "type": "int"},
        {"name": "index", "type": "int"},
        {"name": "path", "type": {"type": "array", "items": "Hash"}},
        {
            "name": "signature",
            "type": {"type": "fixed", "name": "Signature", "size": SIGNATURE_BYTES},
        },
    ],
}


def _schema(name: str, slot: object) -> dict[str, Any]:
    fields = [
        *_HEAD_FIELDS,
        {"name": "slots", "type": {"type": "array", "items": slot}},
        {"name": "batch", "type": _BATCH},
    ]
    return {"type": "record", "name": name, "namespace": "concordat.v1", "fields": fields}


ENVELOPE_SCHEMA = _schema("Envelope", _SLOT)
MINIMISED_SCHEMA = _schema(
    "Minimised", [{"type": "fixed", "name": "Digest", "size": DIGEST_BYTES}, _SLOT]
)
ENVELOPE_HEADER = single_object_header(ENVELOPE_SCHEMA)
MINIMISED_HEADER = single_object_header(MINIMISED_SCHEMA)

_SLOTS_OPEN = write_long(SLOTS)
_ARRAY_END = b"\x00"
_IS_DIGEST = write_long(0)
_IS_OPEN = write_long(1)


class Slot(NamedTuple):
    """An opened slot: 16 bytes of salt, and the value's bytes as they were signed.

    A tuple, since every record has 32: a frozen dataclass takes four times as long to make.
    """

    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class BatchPath:
    """Where a record stands in its batch, and the signature over the batch's root.

    Attributes:
        key_id: 32 bytes.
        k: 0, 6 or 10; the batch has 2^k leaves.
        index: the record's leaf.
        path: k sibling hashes, from leaf to root.
        signature: raw Ed25519, 64 bytes.
    """

    key_id: KeyId
    k: int
    index: int
    path: tuple[bytes, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What both wrappers say before their slots."""

    agency: AgencyId
    record_id: RecordId
    issued_at: int
    supersedes: RecordId
    kind: Kind
    head_version: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed record, every slot open. For the router's eyes and the source's alone."""

    head: Head
    slots: tuple[Slot, ...]
    batch: BatchPath

    def digests(self, partnership: Partnership) -> tuple[bytes, ...]:
        """Return the digest of every slot."""
        return slot_digests(partnership, self.head.record_id, self.slots)

    def digest(self, partnership: Partnership) -> RecordDigest:
        """Return r."""
        return digest_of(partnership, self.head, self.digests(partnership))

    def encode(self) -> bytes:
        """Return the bytes that are sealed to the router."""
        slots = b"".join(slot.salt + write_bytes(slot.value) for slot in self.slots)
        return b"".join(
            (ENVELOPE_HEADER, _write_head(self.head), _SLOTS_OPEN, slots, _ARRAY_END)
        ) + write_batch(self.batch)


@dataclass(frozen=True, slots=True)
class Minimised:
    """A record as one consumer gets it: granted slots open, the others as digests."""

    head: Head
    slots: tuple[Slot | bytes, ...]
    batch: BatchPath

    def opened(self) -> tuple[int, ...]:
        """Return the numbers of the open slots, rising."""
        return tuple(i for i, slot in enumerate(self.slots) if isinstance(slot, Slot))

    def digests(self, partnership: Partnership) -> tuple[bytes, ...]:
        """Return the digest of every slot: made from the open ones, as given for the others."""
        record_id = self.head.record_id
        return tuple(
            slot_digest(partnership, record_id, i, slot.salt, slot.value)
            if isinstance(slot, Slot)
            else slot
            for i, slot in enumerate(self.slots)
        )

    def digest(self, partnership: Partnership) -> RecordDigest:
        """Return r."""
        return digest_of(partnership, self.head, self.digests(partnership))

    def closed(self, partnership: Partnership) -> bytes:
        """Return its bytes with every slot closed: what is left can still be told by its r."""
        slots = b"".join(_IS_DIGEST + digest for digest in self.digests(partnership))
        parts = (MINIMISED_HEADER, _write_head(self.head), _SLOTS_OPEN, slots, _ARRAY_END)
        return b"".join(parts) + write_batch(self.batch)


def digest_of(partnership: Partnership, head: Head, digests: tuple[bytes, ...]) -> RecordDigest:
    """Return r of a record from its head and slot digests."""
    return record_digest(
        partnership,
        head.agency,
        head.record_id,
        head.issued_at,
        head.supersedes,
        head.kind,
        digests,
    )


class Splicer:
    """Makes the minimised bytes of one record for any set of slots, encoding nothing twice."""

    __slots__ = ("_after", "_before", "_closed", "_open")

    def __init__(self, envelope: Envelope, digests: tuple[bytes, ...]) -> None:
        """Prepare both forms of every slot."""
        self._before = MINIMISED_HEADER + _write_head(envelope.head) + _SLOTS_OPEN
        self._after = _ARRAY_END + write_batch(envelope.batch)
        self._closed = tuple(_IS_DIGEST + digest for digest in digests)
        self._open = envelope.slots

    def minimise(self, granted: Collection[int]) -> bytes:
        """Return the minimised record with the granted slots open."""
        parts = list(self._closed)
        for number in granted:
            slot = self._open[number]
            parts[number] = _IS_OPEN + slot.salt + write_bytes(slot.value)
        return self._before + b"".join(parts) + self._after


def decode_envelope(data: bytes) -> Envelope:
    """Return the envelope in `data`.

    Raises:
        RecordRefused: `record.shape`; anything but the one valid encoding.
    """
    try:
        head, at = _read_head(data, ENVELOPE_HEADER)
        slots: list[Slot] = []
        for _ in range(SLOTS):
            slot, at = _read_slot(data, at)
            slots.append(slot)
        batch = _read_tail(data, at)
    except (Malformed, ValueError):
        raise RecordRefused(SHAPE, "envelope") from None
    return Envelope(head, tuple(slots), batch)


def decode_minimised(data: bytes) -> Minimised:
    """Return the minimised record in `data`.

    Raises:
        RecordRefused: `record.shape`; anything but the one valid encoding.
    """
    try:
        head, at = _read_head(data, MINIMISED_HEADER)
        slots: list[Slot | bytes] = []
        for _ in range(SLOTS):
            slot, at = _read_either(data, at)
            slots.append(slot)
        batch = _read_tail(data, at)
    except (Malformed, ValueError):
        raise RecordRefused(SHAPE, "minimised record") from None
    return Minimised(head, tuple(slots), batch)


def _read_slot(data: bytes, at: int) -> tuple[Slot, int]:
    end = at + SALT_BYTES
    value, behind = read_bytes(data, end)  # which also refuses a salt that is cut short
    return Slot(data[at:end], value), behind


def _read_either(data: bytes, at: int) -> tuple[Slot | bytes, int]:
    branch, at = read_fixed(data, at, 1)
    if branch == _IS_DIGEST:
        return read_fixed(data, at, DIGEST_BYTES)
    if branch != _IS_OPEN:
        raise Malformed
    return _read_slot(data, at)


def write_batch(batch: BatchPath) -> bytes:
    """Return the encoding of a batch path."""
    path = write_long(len(batch.path)) + b"".join(batch.path) if batch.path else b""
    return b"".join(
        (
            batch.key_id,
            write_long(batch.k),
            write_long(batch.index),
            path,
            _ARRAY_END,
            batch.signature,
        )
    )


def _write_head(head: Head) -> bytes:
    return b"".join(
        (
            write_bytes(head.agency.encode("ascii")),
            head.record_id,
            write_long(head.issued_at),
            head.supersedes,
            write_long(head.kind),
            write_bytes(head.head_version.encode("ascii")),
        )
    )


def _read_head(data: bytes, header: bytes) -> tuple[Head, int]:
    if data[:HEADER_BYTES] != header:
        raise Malformed
    raw_agency, at = read_bytes(data, HEADER_BYTES)
    record_id, at = read_fixed(data, at, ID_BYTES)
    issued_at, at = read_long(data, at)
    supersedes, at = read_fixed(data, at, ID_BYTES)
    kind, at = read_long(data, at)
    raw_version, at = read_bytes(data, at)
    count, at = read_long(data, at)
    agency = raw_agency.decode("ascii")
    version = raw_version.decode("ascii")
    if issued_at < 0 or count != SLOTS or not (is_agency_id(agency) and is_version(version)):
        raise Malformed
    head = Head(
        AgencyId(agency),
        RecordId(record_id),
        issued_at,
        RecordId(supersedes),
        Kind(kind),
        version,
    )
    return head, at


def _read_tail(data: bytes, at: int) -> BatchPath:
    end, at = read_long(data, at)
    if end != 0:
        raise Malformed
    key_id, at = read_fixed(data, at, DIGEST_BYTES)
    k, at = read_long(data, at)
    index, at = read_long(data, at)
    if k not in BATCH_HEIGHTS or not 0 <= index < 1 << k:
        raise Malformed
    path: list[bytes] = []
    count, at = read_long(data, at)
    if count != k:
        raise Malformed
    for _ in range(k):
        sibling, at = read_fixed(data, at, DIGEST_BYTES)
        path.append(sibling)
    if k:
        end, at = read_long(data, at)
        if end != 0:
            raise Malformed
    signature, at = read_fixed(data, at, SIGNATURE_BYTES)
    if at != len(data):
        raise Malformed
    return BatchPath(KeyId(key_id), k, index, tuple(path), signature)
