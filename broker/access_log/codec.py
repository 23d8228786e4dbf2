"""Avro with one reading: what the log keeps is decoded strictly, or not at all.

Bytes that the log commits to must have one reading, so readers accept the one valid encoding only
(`strict`). This is a check of form: hashes are always made over bytes as they stand. fastavro
encodes.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_writer

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.strict import reader_of
from broker.errors import Code
from broker.records.wire import HEADER_BYTES, MARKER, Malformed, single_object_header

Fields = dict[str, Any]
"""The fields of a decoded record by name; lives between a codec and a value class only."""


def hash_type(name: str = "Hash", size: int = 32) -> Fields:
    """Return the Avro type of `size` bytes; later uses in the schema name it by `name`."""
    return {"type": "fixed", "name": name, "size": size}


def array(items: object) -> Fields:
    """Return the Avro type of an array."""
    return {"type": "array", "items": items}


def record(name: str, **fields: object) -> Fields:
    """Return the Avro type of a record whose fields have these types, in this order."""
    named = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "namespace": "concordat.v1", "fields": named}


class Codec:
    """One schema, prepared once; single-object encoding (Apache Avro 1.12).

    The header, a fingerprint of the schema, is the form's number: whoever reads another one than
    its own, or the one before, knows it and stops.
    """

    def __init__(
        self,
        schema: Fields,
        *,
        unknown: Code = SHAPE,
        before: tuple["Codec", Callable[[Fields], Fields]] | None = None,
    ) -> None:
        """Prepare the schema.

        Args:
            schema: the form that is written.
            unknown: what to say of the header of another form.
            before: the form that was written before this one, which is still read, and what makes
                its fields this one's: parts are brought to a new version one after the other.
        """
        self._unknown = unknown
        self._before = before
        self.schema = schema
        self._parsed = parse_schema(schema)
        self._read = reader_of(schema)
        self.header = single_object_header(schema)
        self.name = str(schema["name"])

    def encode(self, fields: Mapping[str, object]) -> bytes:
        """Return header and fields."""
        out = BytesIO()
        out.write(self.header)
        schemaless_writer(out, self._parsed, fields)
        return out.getvalue()

    def decode(self, data: bytes, where: str = "") -> Fields:
        """Return the fields.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding. Or what was to be said of
                another form.
        """
        if data[:HEADER_BYTES] != self.header:
            return self._other(data, where or self.name)
        try:
            fields, end = self._read(data, HEADER_BYTES)
        except (IndexError, Malformed, UnicodeDecodeError) as error:
            raise LogError(SHAPE, where or self.name) from error
        if end != len(data):
            raise LogError(SHAPE, where or self.name)
        found: Fields = fields
        return found

    def _other(self, data: bytes, where: str) -> Fields:
        """Return the fields of the form before, as this one's."""
        if self._before is not None:
            codec, forward = self._before
            if data[:HEADER_BYTES] == codec.header:
                return forward(codec.decode(data, where))
        headed = len(data) >= HEADER_BYTES and data.startswith(MARKER)
        raise LogError(self._unknown if headed else SHAPE, where)

    def decode_trusted(self, data: bytes, where: str = "") -> Fields:
        """Return the fields, as `decode`: bytes of one's own are read no less strictly."""
        return self.decode(data, where)
