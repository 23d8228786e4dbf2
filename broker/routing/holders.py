"""Who holds what: rows that tell the router whom a retraction or a late alert must reach.

Two rows a release, both without a readable name: `R` rows by record, for retractions, and `P` rows
by subject, for alerts, the latter only where a slot was opened that reveals a place. Consumers
and sources stand in them as keyed hashes; the router knows the roster and can recognise them.
"""

import hmac
from collections.abc import Iterable, Mapping

from broker.lanes import Message
from broker.records.digests import ID_BYTES, tag
from broker.records.names import AgencyId, ConsumerId, RecordId

HOLDERS = "holders"
_HOLDER = tag("holder")
_TOKEN_BYTES = 8
_BY_RECORD = b"R"
_BY_SUBJECT = b"P"


class Holders:
    """Writes and reads holder rows under one key."""

    def __init__(self, key: bytes) -> None:
        """Hold the routers' state key."""
        self._key = key

    def _token(self, name: str) -> bytes:
        return hmac.digest(self._key, _HOLDER + name.encode(), "sha256")[:_TOKEN_BYTES]

    def released(
        self,
        record_id: RecordId,
        source: AgencyId,
        consumer: ConsumerId,
        subject: bytes | None,
        *,
        place: bool,
    ) -> tuple[Message, ...]:
        """Return the rows of one release."""
        holder = self._token(consumer)
        row = record_prefix(record_id) + self._token(source) + holder
        rows = [Message(HOLDERS, row, b"\x01")]
        if place and subject is not None:
            rows.append(Message(HOLDERS, _BY_SUBJECT + subject + holder + record_id, b"\x01"))
        return tuple(rows)

    def of_record(
        self,
        record_id: RecordId,
        source: AgencyId,
        rows: Mapping[tuple[str, bytes], bytes],
        roster: Iterable[ConsumerId],
    ) -> tuple[ConsumerId, ...]:
        """Return who holds a record of this source: nobody can take back another's record."""
        prefix = record_prefix(record_id) + self._token(source)
        return tuple(
            consumer for consumer in roster if rows.get((HOLDERS, prefix + self._token(consumer)))
        )

    def of_subject(
        self,
        ids: Iterable[bytes],
        rows: Mapping[tuple[str, bytes], bytes],
        roster: Iterable[ConsumerId],
    ) -> dict[ConsumerId, tuple[RecordId, ...]]:
        """Return who holds places of a subject, and in which records."""
        prefixes = {_BY_SUBJECT + one for one in ids}
        by_token: dict[bytes, list[RecordId]] = {}
        end = len(_BY_SUBJECT) + ID_BYTES
        for (topic, key), value in rows.items():
            if topic == HOLDERS and value and key[:end] in prefixes:
                held = RecordId(key[end + _TOKEN_BYTES :])
                by_token.setdefault(key[end : end + _TOKEN_BYTES], []).append(held)
        return {
            consumer: tuple(sorted(found))
            for consumer in roster
            if (found := by_token.get(self._token(consumer)))
        }


def record_prefix(record_id: RecordId) -> bytes:
    """Return how the keys of a record's holder rows begin."""
    return _BY_RECORD + record_id


def subject_prefix(subject: bytes) -> bytes:
    """Return how the keys of a subject's holder rows begin."""
    return _BY_SUBJECT + subject
