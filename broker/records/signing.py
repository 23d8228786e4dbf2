"""From statements to signed envelopes: the source's side of a record."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.clock import Instant
from broker.records.batches import RandomBytes, sign_batch
from broker.records.digests import SALT_BYTES, make_record_id, slot_digests, values_digest
from broker.records.envelope import Envelope, Head, Slot, digest_of
from broker.records.errors import STATEMENT, STATEMENT_SLOT, StatementRefused
from broker.records.head import HEAD_VERSION, encode_head
from broker.records.names import SLOT_SCHEMA, SLOTS, ZERO_ID, AgencyId, Partnership, RecordId
from broker.records.schemas import EMPTY, SchemaSet
from broker.records.statement import Statement

SPARE_BYTES = 16
"""A spare slot holds this many random bytes; its digest tells it from no other."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An agency's own keys, on its own side.

    Attributes:
        partnership: P.
        agency: who signs.
        key: the signing key.
        id_key: 32 secret bytes that make record ids and versions unguessable.
        random_bytes: cryptographic source for salts and spare slots.
    """

    partnership: Partnership
    agency: AgencyId
    key: Ed25519PrivateKey
    id_key: bytes
    random_bytes: RandomBytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with its bytes and its id, ready to be signed.

    Attributes:
        statement: what it was made from.
        values: bytes of slots 0 to 31; None where a spare slot gets random bytes.
        record_id: keyed hash of system, natural id and version.
        version: the source's version, or the keyed digest of the values.
        supersedes: record id of the version before; zero if there is none.
    """

    statement: Statement
    values: tuple[bytes | None, ...]
    record_id: RecordId
    version: str
    supersedes: RecordId = ZERO_ID


def prepare(statement: Statement, schemas: SchemaSet, signer: Signer) -> Prepared:
    """Encode a statement's values and give it its id.

    Raises:
        StatementRefused: a value or a slot does not fit the schema.
        RecordRefused: `record.schema.unknown`.
    """
    schema = schemas.named(statement.type, statement.version)
    unknown = statement.content.keys() - schema.by_name.keys()
    if unknown:
        raise StatementRefused(STATEMENT_SLOT, f"{statement.type}: {', '.join(sorted(unknown))}")
    head = schemas.head(HEAD_VERSION)
    values: list[bytes | None] = [None] * SLOTS
    values[SLOT_SCHEMA] = schema.digest
    encoded = encode_head(head, statement.labels, statement.identifiers, statement.contact)
    for number, value in encoded.items():
        values[number] = value
    for spec in schema.slots.values():
        values[spec.number] = spec.encode(statement.content.get(spec.name))
    version = statement.source_version
    if version is None:
        said = tuple(EMPTY if value is None else value for value in values)
        version = values_digest(signer.id_key, said, bytes((statement.kind,))).hex()
    try:
        record_id = make_record_id(signer.id_key, statement.system, statement.natural_id, version)
    except ValueError:  # longer than a length can say, or no Unicode
        raise StatementRefused(STATEMENT, "system, natural id or version") from None
    return Prepared(statement, tuple(values), record_id, version)


def sign(prepared: Sequence[Prepared], signer: Signer, issued_at: Instant) -> tuple[Envelope, ...]:
    """Salt, digest and sign up to 1,024 prepared statements under one signature."""
    heads: list[Head] = []
    opened: list[tuple[Slot, ...]] = []
    digests = []
    for one in prepared:
        head = Head(
            signer.agency,
            one.record_id,
            issued_at,
            one.supersedes,
            one.statement.kind,
            HEAD_VERSION,
        )
        slots = _salted(one.values, signer.random_bytes)
        each = slot_digests(signer.partnership, one.record_id, slots)
        digests.append(digest_of(signer.partnership, head, each))
        heads.append(head)
        opened.append(slots)
    paths = sign_batch(
        digests,
        partnership=signer.partnership,
        agency=signer.agency,
        key=signer.key,
        random_bytes=signer.random_bytes,
    )
    return tuple(
        Envelope(head, slots, path) for head, slots, path in zip(heads, opened, paths, strict=True)
    )


def _salted(values: tuple[bytes | None, ...], random_bytes: RandomBytes) -> tuple[Slot, ...]:
    """Give each slot a salt, and each spare one its random value."""
    each = SALT_BYTES + SPARE_BYTES
    drawn = random_bytes(each * SLOTS)
    slots: list[Slot] = []
    for at, value in zip(range(0, len(drawn), each), values, strict=True):
        salt, spare = drawn[at : at + SALT_BYTES], drawn[at + SALT_BYTES : at + each]
        slots.append(Slot(salt, spare if value is None else value))
    return tuple(slots)
