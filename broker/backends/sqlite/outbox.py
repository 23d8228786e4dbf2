"""An agency's outbox in a SQLite file: what it signed, and how far that is published.

Natural ids may hold personal data, and fingerprints could be guessed at: an item is found by a
keyed hash, and what names it is sealed under the agency's own key, as everything else here is
sealed to the router or to the agency.
"""

import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.outbox import Fingerprint, Kept, Known, Origin
from broker.backends.sqlite.database import Database, Schema, open_database
from broker.lanes import Message
from broker.records.digests import lp, tag
from broker.records.names import RecordId
from broker.records.sealing import HEAD_BYTES

FIRST = """
CREATE TABLE record (
    place       INTEGER PRIMARY KEY,         -- order of keeping
    record_id   BLOB NOT NULL UNIQUE,
    origin      BLOB NOT NULL,               -- keyed hash of system and natural id
    named       BLOB NOT NULL,               -- sealed: system, natural id, version, fingerprint
    topic       TEXT NOT NULL,
    key         BLOB NOT NULL,
    value       BLOB NOT NULL,               -- sealed to the router
    value_hash  BLOB NOT NULL,
    own         BLOB NOT NULL,               -- sealed to the agency itself
    published   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX record_origin ON record (origin, place);
CREATE INDEX record_waiting ON record (place) WHERE published = 0;
CREATE INDEX record_value ON record (value_hash);
"""

URGENT_FIRST = """
CREATE INDEX record_waiting_topic ON record (topic, place) WHERE published = 0;
"""

OUTBOX = Schema("outbox", (FIRST, URGENT_FIRST))

NONCE_OCTETS = 12
HASH_OCTETS = 32
ROWS_A_QUERY = 500
"""Items looked up in one statement; SQLite allows 32,766 values."""

_COLUMNS = "record_id, named, topic, key, value, own"

_URGENT = "topic >= 'urgent.' AND topic < 'urgent/'"
"""Topics that no bulk load may delay; `/` follows `.`."""


class SqliteOutbox(AbstractContextManager["SqliteOutbox"]):
    """See `adapters.outbox.Outbox`."""

    def __init__(self, database: Database, own_key: bytes) -> None:
        """Take an open database of `OUTBOX` and a secret key of the agency; see `open`."""
        self._database = database
        self._key = hmac.digest(own_key, tag("outbox"), "sha256")
        self._cipher = AESGCM(self._key)

    @classmethod
    def open(cls, path: Path, own_key: bytes) -> Self:
        """Open the file; make it if it is missing.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
        """
        return cls(open_database(path, OUTBOX), own_key)

    async def known(self, origins: Collection[Origin]) -> Mapping[Origin, Sequence[Known]]:
        """Return all versions held of each origin, oldest first."""
        by_hash = {self._hash(origin): origin for origin in origins}
        hashes = list(by_hash)
        database = self._database

        def look() -> list[tuple[bytes, bytes, bytes]]:
            found: list[tuple[bytes, bytes, bytes]] = []
            for start in range(0, len(hashes), ROWS_A_QUERY):
                some = hashes[start : start + ROWS_A_QUERY]
                marks = ",".join("?" * len(some))
                found += database.rows(
                    f"SELECT origin, record_id, named FROM record WHERE origin IN ({marks})"  # noqa: S608 - question marks only
                    " ORDER BY place",
                    some,
                )
            return found

        held: dict[Origin, list[Known]] = {}
        for hashed, record_id, named in await database.call(look):
            _, version, said = self._read_named(named, record_id)
            known = Known(RecordId(record_id), version, said)
            held.setdefault(by_hash[hashed], []).append(known)
        return held

    async def keep(self, records: Sequence[Kept]) -> None:
        """Keep signed records as not yet published."""
        rows = [
            (
                one.record_id,
                self._hash(one.origin),
                self._write_named(one),
                one.message.topic,
                one.message.key,
                one.message.value,
                sha256(one.message.value).digest(),
                one.own,
            )
            for one in records
        ]
        database = self._database

        def write() -> None:
            with database.transaction():
                database.many(
                    "INSERT INTO record"
                    " (record_id, origin, named, topic, key, value, value_hash, own)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_id) DO NOTHING",
                    rows,
                )

        await database.call(write)

    async def renew(self, record_id: RecordId, message: Message, own: bytes) -> None:
        """Replace a record's signed bytes, for a retry: the id stays, and it waits again."""
        database = self._database
        values = (message.value, sha256(message.value).digest(), own, record_id)

        def write() -> None:
            with database.transaction():
                database.execute(
                    "UPDATE record SET value = ?, value_hash = ?, own = ?, published = 0"
                    " WHERE record_id = ?",
                    values,
                )

        await database.call(write)

    async def waiting(self, limit: int) -> Sequence[Kept]:
        """Return records that are not known to be published: urgent ones, then the others."""
        database = self._database

        def look() -> list[tuple[bytes, bytes, str, bytes, bytes, bytes]]:
            found: list[tuple[bytes, bytes, str, bytes, bytes, bytes]] = []
            for which in (_URGENT, f"NOT ({_URGENT})"):
                found += database.rows(
                    f"SELECT {_COLUMNS} FROM record WHERE published = 0 AND {which}"  # noqa: S608 - constants
                    " ORDER BY place LIMIT ?",
                    (limit - len(found),),
                )
            return found

        return [self._kept(row) for row in await database.call(look)]

    async def unsent(self) -> int:
        """Return how many records are kept and not known to be published."""
        database = self._database
        text = "SELECT count(*) FROM record WHERE published = 0"
        row = await database.call(lambda: database.one(text))
        return 0 if row is None else int(row[0])

    async def published(self, record_ids: Collection[RecordId]) -> None:
        """Mark records as published."""
        database = self._database
        rows = [(one,) for one in record_ids]

        def write() -> None:
            with database.transaction():
                database.many("UPDATE record SET published = 1 WHERE record_id = ?", rows)

        await database.call(write)

    async def find(self, record_id: RecordId) -> Kept | None:
        """Return a record that was kept; None if it never was."""
        return await self._one("record_id", record_id)

    async def beginning(self, hexed: str) -> Sequence[Kept]:
        """Return records whose id, in hex, begins so: two at most, which is one too many."""
        sql = (
            f"SELECT {_COLUMNS} FROM record"  # noqa: S608 - a constant
            " WHERE substr(lower(hex(record_id)), 1, ?) = ? ORDER BY place LIMIT 2"
        )
        values = (len(hexed), hexed.lower())
        database = self._database
        rows = await database.call(lambda: database.rows(sql, values))
        return [self._kept(row) for row in rows]

    async def from_system(self, system: str, begins: str) -> Sequence[Kept]:
        """Return the records of a source system whose natural id begins so, oldest first.

        Names are sealed, so every row's is opened: some microseconds each.
        """
        database = self._database
        sql = "SELECT record_id, named FROM record ORDER BY place"
        found: list[Kept] = []
        for record_id, named in await database.call(lambda: database.rows(sql, ())):
            origin = self._read_named(named, record_id)[0]
            if origin.system == system and origin.natural_id.startswith(begins):
                kept = await self.find(RecordId(record_id))
                found += [] if kept is None else [kept]
        return found

    async def every(self) -> Sequence[Kept]:
        """Return all records that were kept, oldest first."""
        database = self._database
        sql = f"SELECT {_COLUMNS} FROM record ORDER BY place"  # noqa: S608 - a constant
        rows = await database.call(lambda: database.rows(sql, ()))
        return [self._kept(row) for row in rows]

    async def sent_as(self, value: bytes) -> Kept | None:
        """Return the record that was published as these bytes; None if none was.

        Bytes that were altered on their way still name their record by their head: the seal's
        wrapped key and nonce, which no two messages share.

        Args:
            value: the bytes, or of a message that was too large to be carried back, their SHA-256.
        """
        if len(value) == HASH_OCTETS:
            return await self._one("value_hash", value)
        found = await self._one("value_hash", sha256(value).digest())
        if found is None and len(value) > HEAD_BYTES:
            # No index for it: it happens once in years, and every record would pay for one.
            found = await self._one(f"substr(value, 1, {HEAD_BYTES})", value[:HEAD_BYTES])
        return found

    async def _one(self, column: str, value: bytes) -> Kept | None:
        sql = f"SELECT {_COLUMNS} FROM record WHERE {column} = ?"  # noqa: S608 - names given above
        database = self._database
        row = await database.call(lambda: database.one(sql, (value,)))
        return None if row is None else self._kept(row)

    def _kept(self, row: tuple[bytes, bytes, str, bytes, bytes, bytes]) -> Kept:
        record_id, named, topic, key, value, own = row
        origin, version, said = self._read_named(named, record_id)
        message = Message(topic, key, value)
        return Kept(RecordId(record_id), origin, version, said, message, own)

    def _hash(self, origin: Origin) -> bytes:
        said = lp(origin.system.encode()) + lp(origin.natural_id.encode())
        return hmac.digest(self._key, said, "sha256")

    def _write_named(self, one: Kept) -> bytes:
        said = (one.origin.system, one.origin.natural_id, one.version)
        plain = b"".join(lp(part.encode()) for part in said) + one.fingerprint
        nonce = os.urandom(NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, plain, one.record_id)

    def _read_named(self, named: bytes, record_id: bytes) -> tuple[Origin, str, Fingerprint]:
        plain = self._cipher.decrypt(named[:NONCE_OCTETS], named[NONCE_OCTETS:], record_id)
        parts: list[str] = []
        at = 0
        for _ in range(3):
            end = at + 2 + int.from_bytes(plain[at : at + 2])
            parts.append(plain[at + 2 : end].decode())
            at = end
        return Origin(parts[0], parts[1]), parts[2], Fingerprint(plain[at:])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
