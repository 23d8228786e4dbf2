"""Which messages of webhooks an agency's adapter took, in a SQLite file.

Ids come from other systems and may be made of anything, so their digests lie here, not they.
"""

from hashlib import sha256

from adapters.listening.seen import KEPT_MS, Before
from broker.backends.sqlite.database import Schema
from broker.backends.sqlite.own_file import OwnFile
from broker.clock import Instant
from broker.records.digests import lp

FIRST = """
CREATE TABLE seen (
    id    BLOB PRIMARY KEY,                  -- SHA-256 of source and id
    mark  BLOB NOT NULL,                     -- SHA-256 of the content
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
"""

SEEN_MESSAGES = Schema("seen-messages", (FIRST,))


class SqliteSeen(OwnFile):
    """See `adapters.listening.seen.Seen`."""

    SCHEMA = SEEN_MESSAGES

    async def look(self, source: str, message_id: str, mark: bytes) -> Before:
        """Return what is known of an id."""
        database = self._database
        id_ = (_digest(source, message_id),)
        row = await database.call(lambda: database.one("SELECT mark FROM seen WHERE id = ?", id_))
        if row is None:
            return Before.NEW
        return Before.TAKEN if row[0] == mark else Before.OTHER

    async def note(self, source: str, message_id: str, mark: bytes, at: Instant) -> None:
        """Remember that a message was taken."""
        database = self._database
        values = (_digest(source, message_id), mark, at)

        def write() -> None:
            with database.transaction():
                database.execute("DELETE FROM seen WHERE at < ?", (at - KEPT_MS,))
                database.execute(
                    "INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", values
                )

        await database.call(write)


def _digest(source: str, message_id: str) -> bytes:
    return sha256(lp(source.encode()) + lp(message_id.encode())).digest()
