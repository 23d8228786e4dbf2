"""Record schemas: which slots a type has, what each may hold, and strict coding of values.

A schema is one `.avsc` file; its digest (slot 0 of every record) is over the file's bytes. Each
field of a type is a slot with a number of its own. Values are coded one slot at a time, as
`["null", T]` without a header, and are decoded only after their bytes were hashed: anything but
the one valid encoding is refused (`broker.records.values`; `docs/formats.md`, section 2).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from broker.records.errors import SCHEMA_UNKNOWN, STATEMENT, VALUE, RecordRefused, StatementRefused
from broker.records.names import (
    FIRST_TYPE_SLOT,
    SLOT_CONTACT,
    SLOT_LABELS,
    SLOTS,
    Kind,
    is_version,
)
from broker.records.values import Coder, Misfit, coder_of
from broker.records.wire import Malformed

EMPTY = b"\x00"
"""The value of a slot that holds nothing: the union's first branch, null."""

HEAD = "head"

FIRST_HEAD = "1.0"
"""The head version of a schema that names none."""


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One slot of a schema.

    Attributes:
        number: 1 to 31.
        name: as the schema and the clauses call it.
        schema: Avro type, `["null", T]`.
        reveals: `place` if the value tells where someone lives, learns, is treated or was seen.
        third_party: it is about somebody else than the subject.
        narrative: free text.
        codes: the strings that it may hold; any if empty.
    """

    number: int
    name: str
    schema: Any
    reveals: str = ""
    third_party: bool = False
    narrative: bool = False
    codes: tuple[str, ...] = ()
    _coder: Coder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the slot's reader and writer.

        Raises:
            ValueError: the type is not one that a slot can hold.
        """
        object.__setattr__(self, "_coder", coder_of(self.schema, self.codes))

    def encode(self, value: object) -> bytes:
        """Return the slot's bytes.

        Raises:
            StatementRefused: `statement.value`, naming the slot and the field in it.
        """
        try:
            return self._coder[1](value)
        except Misfit as error:
            place = ".".join((self.name, *error.path))
        raise StatementRefused(STATEMENT, f"slot {place}")

    def decode(self, data: bytes) -> Any:  # noqa: ANN401 - whatever the slot's schema says
        """Return the slot's value, None if it is empty.

        Raises:
            RecordRefused: `record.value`, naming the slot.
        """
        if data == EMPTY:
            return None
        try:
            value, end = self._coder[0](data, 0)
            if end == len(data):
                return value
        except Malformed:
            pass
        raise RecordRefused(VALUE, f"slot {self.name}")


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """One version of one record type, or of the head that all types share.

    Attributes:
        type: `missing-episode`, …; `head` for slots 1 to 7.
        version: `major.minor`.
        digest: SHA-256 of the file's bytes.
        kinds: what a record of this type may be.
        subject: what it is about unless its labels say otherwise.
        slots: by number.
        by_name: the same by name.
        head: version of the head that a record of this type and version has. The digest covers
            it, slot 0 holds the digest, and slot 0 is signed: so the head's version is, too.
    """

    type: str
    version: str
    digest: bytes
    kinds: frozenset[Kind]
    subject: str
    slots: Mapping[int, SlotSpec]
    by_name: Mapping[str, SlotSpec] = field(repr=False)
    head: str = FIRST_HEAD

    def tagged(self, reveals: str) -> tuple[int, ...]:
        """Return the numbers of the slots that reveal `reveals`."""
        return tuple(n for n, spec in sorted(self.slots.items()) if spec.reveals == reveals)


KEPT = 256
"""Schemas that a process keeps read: each revision brings the same files again."""


@lru_cache(maxsize=KEPT)
def parse_record_schema(data: bytes, version: str) -> RecordSchema:
    """Read one `.avsc` file; of the same bytes the same schema.

    Raises:
        ValueError: a slot without number, out of range or given twice; a type that a slot cannot
            hold; a head without all its slots; a kind or version that there is not; not JSON; not
            Avro.
    """
    raw = json.loads(data)
    try:
        parse_schema(raw)
        about = raw.get("concordat", {})
        name = about.get("type", HEAD)
        if not is_version(version):
            message = f"schema {name}: a version is major.minor"
            raise ValueError(message)
        slots = _slots(raw["fields"], f"schema {name} {version}", is_head=name == HEAD)
        return RecordSchema(
            name,
            version,
            sha256(data).digest(),
            frozenset(Kind[word.upper()] for word in about.get("kinds", ())),
            about.get("subject", "child"),
            slots,
            {spec.name: spec for spec in slots.values()},
            about.get("head", FIRST_HEAD),
        )
    except (SchemaParseException, AttributeError, KeyError, TypeError) as error:
        message = f"schema version {version}: not a record schema"
        raise ValueError(message) from error


def _slots(fields: list[Any], where: str, *, is_head: bool) -> dict[int, SlotSpec]:
    lowest, highest = (SLOT_LABELS, SLOT_CONTACT) if is_head else (FIRST_TYPE_SLOT, SLOTS - 1)
    slots: dict[int, SlotSpec] = {}
    for one in fields:
        number, kind = one.get("slot"), one["type"]
        if not isinstance(number, int) or not lowest <= number <= highest or number in slots:
            message = f"{where}: field {one['name']} needs a free slot number"
            raise ValueError(message)
        if not isinstance(kind, list):
            message = f"{where}: field {one['name']} must be a union with null"
            raise ValueError(message)  # noqa: TRY004 - the file's content is wrong, not a type
        slots[number] = SlotSpec(
            number,
            one["name"],
            kind,
            one.get("reveals", ""),
            bool(one.get("third_party", False)),
            bool(one.get("narrative", False)),
            tuple(one.get("codes", ())),
        )
    if is_head and len(slots) != SLOT_CONTACT:
        message = f"{where}: a head has slots {SLOT_LABELS} to {SLOT_CONTACT}"
        raise ValueError(message)
    return slots


class SchemaSet:
    """Every schema that a party knows, found by digest or by name."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Read `<type>/<major>.<minor>.avsc` → bytes; other names are passed over.

        Raises:
            ValueError: see `parse_record_schema`.
        """
        self._by_digest: dict[bytes, RecordSchema] = {}
        self._by_name: dict[tuple[str, str], RecordSchema] = {}
        self.add(files)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Read further schemas; a party learns them with each revision of the protocol.

        Raises:
            ValueError: see `parse_record_schema`.
        """
        for path, data in sorted(files.items()):
            folder, _, leaf = path.rpartition("/")
            if not leaf.endswith(".avsc"):
                continue
            schema = parse_record_schema(data, leaf.removesuffix(".avsc"))
            if schema.type != folder.rpartition("/")[2]:
                message = f"{path}: the schema says type {schema.type}"
                raise ValueError(message)
            self._by_name[schema.type, schema.version] = schema
            if schema.type != HEAD:
                self._by_digest[schema.digest] = schema

    def by_digest(self, digest: bytes) -> RecordSchema:
        """Return the schema that slot 0 names.

        Raises:
            RecordRefused: `record.schema.unknown`.
        """
        schema = self._by_digest.get(digest)
        if schema is None:
            raise RecordRefused(SCHEMA_UNKNOWN, "slot 0")
        return schema

    def head(self, version: str) -> RecordSchema:
        """Return the head schema that an envelope names.

        Raises:
            RecordRefused: `record.schema.unknown`.
        """
        schema = self._by_name.get((HEAD, version))
        if schema is None:
            raise RecordRefused(SCHEMA_UNKNOWN, "head version")
        return schema

    def named(self, record_type: str, version: str) -> RecordSchema:
        """Return a schema by type and version.

        Raises:
            RecordRefused: `record.schema.unknown`.
        """
        schema = self._by_name.get((record_type, version))
        if schema is None:
            raise RecordRefused(SCHEMA_UNKNOWN, f"{record_type} {version}")
        return schema

    def types(self) -> tuple[RecordSchema, ...]:
        """Return all record schemas, by type and version."""
        return tuple(schema for _, schema in sorted(self._by_name.items()) if schema.type != HEAD)
