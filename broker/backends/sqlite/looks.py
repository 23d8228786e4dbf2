"""Searches of the log for a person that wait to be logged, in a SQLite file of the broker.

Whoever searches writes here before anything is found; the router puts into the log what waits. The
rows of the last hour stay, without what they say, so that searches can be counted.
"""

from collections.abc import Sequence

from broker.backends.sqlite.database import Schema
from broker.backends.sqlite.own_file import OwnFile
from broker.clock import Instant

FIRST = """
CREATE TABLE looks (
    id      BLOB PRIMARY KEY,                -- 16 random octets
    at      INTEGER NOT NULL,
    looker  TEXT NOT NULL,                   -- an agency; empty: the independent scrutineer
    sealed  BLOB NOT NULL                    -- the look; empty once it is in the log
) STRICT, WITHOUT ROWID;
CREATE INDEX looks_of ON looks (looker, at);
"""

LOOKS = Schema("looks", (FIRST,))


class SqliteLooks(OwnFile):
    """Looks that wait, and how many there were."""

    SCHEMA = LOOKS

    async def note(
        self, look: bytes, looker: str, at: Instant, sealed: bytes, *, since: Instant, most: int
    ) -> bool:
        """Keep a look, durable when it returns; False if its looker had `most` from `since` on."""
        database = self._database

        def write() -> bool:
            with database.transaction():
                ((had,),) = database.rows(
                    "SELECT count(*) FROM looks WHERE looker = ? AND at >= ?", (looker, since)
                )
                if had >= most:
                    return False
                database.execute(
                    "INSERT INTO looks VALUES (?, ?, ?, ?)", (look, at, looker, sealed)
                )
                return True

        return await database.call(write)

    async def waiting(self, most: int) -> list[tuple[bytes, bytes]]:
        """Return id and seal of looks that are not logged, oldest first."""
        database = self._database
        sql = "SELECT id, sealed FROM looks WHERE sealed <> x'' ORDER BY at, id LIMIT ?"
        return await database.call(lambda: database.rows(sql, (most,)))

    async def logged(self, looks: Sequence[bytes], forget: Instant) -> None:
        """Empty looks that are in the log; forget those from before `forget`."""
        database = self._database

        def write() -> None:
            with database.transaction():
                database.many(
                    "UPDATE looks SET sealed = x'' WHERE id = ?", [(one,) for one in looks]
                )
                database.execute("DELETE FROM looks WHERE sealed = x'' AND at < ?", (forget,))

        await database.call(write)
