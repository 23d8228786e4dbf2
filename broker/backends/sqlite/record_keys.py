"""Record keys in a SQLite file, each wrapped under the installation's master key.

A key's row is as long as every other one. That is what makes a deleted key leave nothing behind:
SQLite moves rows of one length without leaving copies in gaps (see `Database.rewrite`).
"""

import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.access_log.errors import Erased, KeyConflict
from broker.backends.sqlite.database import Database, Schema, open_database
from broker.backends.sqlite.errors import MASTER_KEY, StoreError
from broker.clock import Instant
from broker.lanes import Unavailable
from broker.records.names import RecordDigest

KEY_OCTETS = 32
"""A record's key, and the master key: AES-256."""

NONCE_OCTETS = 12
"""AES-GCM's nonce, drawn at random: good for 2^32 keys under one master key (NIST SP 800-38D, 8.3),
which is a hundred times what one county sends in a century."""

PURPOSE = b"concordat/record-key/"

FIRST = """
CREATE TABLE keys (
    record  BLOB PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE erased (
    record  BLOB PRIMARY KEY,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE master (
    proof   BLOB NOT NULL                    -- known bytes, wrapped under the master key
) STRICT;
"""

RECORD_KEYS = Schema("record-keys", (FIRST,))

ONCE_MORE = "The keys are destroyed, their traces are not all gone: destroy them once more."


class SqliteRecordKeys(AbstractContextManager["SqliteRecordKeys"]):
    """See `broker.access_log.ports.RecordKeys`."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        """Take an open database of `RECORD_KEYS`; see `open`."""
        self._database = database
        self._cipher = AESGCM(master_key)

    @classmethod
    def open(cls, path: Path, master_key: bytes, *, create: bool = False) -> Self:
        """Open the file, and make sure that it lies under this master key.

        Args:
            path: the file.
            master_key: 32 bytes from the installation's key store. Without it the file is noise.
            create: make the file if it is missing; only whoever sets up an installation does.

        Raises:
            StoreError: another master key, or see `open_database`.
            Unavailable: see `open_database`.
        """
        if len(master_key) != KEY_OCTETS:
            raise ValueError(f"a master key has {KEY_OCTETS} bytes")
        database = open_database(path, RECORD_KEYS, create=create)
        keys = cls(database, master_key)
        try:
            keys._prove()
        except BaseException:
            database.close()
            raise
        return keys

    async def keep(self, keys: Mapping[RecordDigest, bytes]) -> None:
        """Store keys, all or none."""
        if any(len(key) != KEY_OCTETS for key in keys.values()):
            raise ValueError(f"a record's key has {KEY_OCTETS} bytes")
        database = self._database

        def write() -> None:
            with database.transaction():
                if self._erased(keys):
                    raise Erased("to keep a key")
                kept = self._kept(keys)
                if any(keys[record] != key for record, key in kept.items()):
                    raise KeyConflict("to keep a key")
                database.many(
                    "INSERT INTO keys (record, wrapped) VALUES (?, ?)",
                    [
                        (record, self._wrap(record, key))
                        for record, key in keys.items()
                        if record not in kept
                    ],
                )

        await database.call(write)

    async def get(self, records: Collection[RecordDigest]) -> dict[RecordDigest, bytes]:
        """Return the keys of those records that have one."""
        database = self._database

        def look() -> dict[RecordDigest, bytes]:
            with database.snapshot():
                return self._kept(records)

        return await database.call(look)

    async def destroyed(self, records: Collection[RecordDigest]) -> dict[RecordDigest, Instant]:
        """Return when each of those records was erased."""
        database = self._database

        def look() -> dict[RecordDigest, Instant]:
            with database.snapshot():
                return self._erased(records)

        return await database.call(look)

    async def destroy(self, records: Collection[RecordDigest], at: Instant) -> None:
        """Destroy keys for ever; see the port.

        Raises:
            Unavailable: nothing is destroyed; or, as `fix` says then, all is but a reader of the
                file kept the write-ahead log, which still holds the bytes. Call again.
        """
        database = self._database

        def erase() -> None:
            with database.transaction():
                database.many(
                    "INSERT INTO erased (record, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [(record, at) for record in records],
                )
                database.many(
                    "DELETE FROM keys WHERE record = ?", [(record,) for record in records]
                )
            if not database.checkpoint():
                raise Unavailable(str(database.path), ONCE_MORE)

        await database.call(erase)

    def close(self) -> None:
        """Let what is under way end, then close the file."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _kept(self, records: Collection[RecordDigest]) -> dict[RecordDigest, bytes]:
        found: dict[RecordDigest, bytes] = {}
        for record in records:
            row = self._database.one("SELECT wrapped FROM keys WHERE record = ?", (record,))
            if row is not None:
                found[record] = self._unwrap(record, row[0])
        return found

    def _erased(self, records: Collection[RecordDigest]) -> dict[RecordDigest, Instant]:
        found: dict[RecordDigest, Instant] = {}
        for record in records:
            row = self._database.one("SELECT at FROM erased WHERE record = ?", (record,))
            if row is not None:
                found[record] = Instant(row[0])
        return found

    def _wrap(self, name: bytes, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, key, PURPOSE + name)

    def _unwrap(self, name: bytes, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[:NONCE_OCTETS], wrapped[NONCE_OCTETS:]
        try:
            return self._cipher.decrypt(nonce, sealed, PURPOSE + name)
        except InvalidTag as error:
            raise StoreError(MASTER_KEY, str(self._database.path)) from error

    def _prove(self) -> None:
        """Write a proof into a new file; check it in another one."""
        with self._database.transaction():
            row = self._database.one("SELECT proof FROM master")
            if row is None:
                proof = self._wrap(b"", bytes(KEY_OCTETS))
                self._database.execute("INSERT INTO master (proof) VALUES (?)", (proof,))
            else:
                self._unwrap(b"", row[0])
