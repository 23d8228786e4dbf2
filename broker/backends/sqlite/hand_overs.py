"""Which deliveries an agency's sinks have, in a SQLite file; it holds ids and codes, no content."""

from collections.abc import Sequence

from adapters.sinks.hand_overs import BEGINNING, Position, Refused, Standing, Waiting
from broker.backends.sqlite.database import Schema
from broker.backends.sqlite.own_file import OwnFile
from broker.clock import Instant

FIRST = """
CREATE TABLE sink (
    name      TEXT PRIMARY KEY,
    position  INTEGER NOT NULL,              -- offset in the inbox, up to which rows were noted
    read      BLOB NOT NULL,                 -- id of the delivery before it
    handed    INTEGER NOT NULL,
    last      INTEGER                        -- time of the last hand-over
) STRICT, WITHOUT ROWID;
CREATE TABLE hand_over (
    sink      TEXT NOT NULL,
    place     INTEGER NOT NULL,              -- offset in the inbox
    delivery  BLOB NOT NULL,
    noted     INTEGER NOT NULL,
    tries     INTEGER NOT NULL,
    due       INTEGER NOT NULL,              -- not before
    code      TEXT NOT NULL,                 -- of the last try; empty before
    about     TEXT NOT NULL,
    refused   INTEGER,                       -- since when; NULL: it waits
    PRIMARY KEY (sink, place)
) STRICT, WITHOUT ROWID;
"""

URGENT_FIRST = """
ALTER TABLE hand_over ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
CREATE INDEX hand_over_next ON hand_over (sink, urgent DESC, place) WHERE refused IS NULL;
"""

HAND_OVERS = Schema("hand-overs", (FIRST, URGENT_FIRST))


class SqliteHandOvers(OwnFile):
    """See `adapters.sinks.hand_overs.HandOvers`."""

    SCHEMA = HAND_OVERS

    async def position(self, sink: str) -> Position:
        """Return up to where of the inbox deliveries were noted for a sink."""
        database = self._database
        row = await database.call(
            lambda: database.one("SELECT position, read FROM sink WHERE name = ?", (sink,))
        )
        return BEGINNING if row is None else Position(*row)

    async def note(
        self, sink: str, rows: Sequence[tuple[int, bytes, bool]], position: Position, at: Instant
    ) -> None:
        """Note deliveries for a sink, and up to where the inbox was read."""
        noted = [(sink, place, delivery, at, at, urgent) for place, delivery, urgent in rows]
        database = self._database

        def write() -> None:
            with database.transaction():
                database.many(
                    "INSERT INTO hand_over VALUES (?, ?, ?, ?, 0, ?, '', '', NULL, ?)"
                    " ON CONFLICT DO NOTHING",
                    noted,
                )
                database.execute(
                    "INSERT INTO sink VALUES (?, ?, ?, 0, NULL) ON CONFLICT (name)"
                    " DO UPDATE SET position = excluded.position, read = excluded.read",
                    (sink, position.place, position.delivery),
                )

        await database.call(write)

    async def due(self, sink: str, at: Instant, limit: int) -> Sequence[Waiting]:
        """Return deliveries that may be tried now, urgent ones first, each the oldest first."""
        database = self._database
        rows = await database.call(
            lambda: database.rows(
                "SELECT place, tries FROM hand_over"
                " WHERE sink = ? AND refused IS NULL AND due <= ?"
                " ORDER BY urgent DESC, place LIMIT ?",
                (sink, at, limit),
            )
        )
        return [Waiting(place, tries) for place, tries in rows]

    async def handed(self, sink: str, place: int, at: Instant) -> None:
        """Strike off a delivery that the other system has."""
        await self._write(
            ("DELETE FROM hand_over WHERE sink = ? AND place = ?", (sink, place)),
            ("UPDATE sink SET handed = handed + 1, last = ? WHERE name = ?", (at, sink)),
        )

    async def dropped(self, sink: str, place: int) -> None:
        """Strike off a delivery that nobody may have any more."""
        await self._write(("DELETE FROM hand_over WHERE sink = ? AND place = ?", (sink, place)))

    async def failed(self, sink: str, place: int, code: str, due: Instant) -> None:
        """Keep that a try failed, and when the next one is due."""
        await self._write(
            (
                (
                    "UPDATE hand_over SET tries = tries + 1, code = ?, due = ?"
                    " WHERE sink = ? AND place = ?"
                ),
                (code, due, sink, place),
            )
        )

    async def refused(self, sink: str, place: int, code: str, where: str, at: Instant) -> None:
        """Keep a delivery that the sink will not take."""
        await self._write(
            (
                (
                    "UPDATE hand_over SET tries = tries + 1, code = ?, about = ?, refused = ?"
                    " WHERE sink = ? AND place = ?"
                ),
                (code, where, at, sink, place),
            )
        )

    async def again(self, sink: str) -> int:
        """Let all that a sink refused wait again; return how many."""
        database = self._database

        def write() -> int:
            with database.transaction():
                database.execute(
                    "UPDATE hand_over SET refused = NULL, tries = 0, due = 0, code = '', about = ''"
                    " WHERE sink = ? AND refused IS NOT NULL",
                    (sink,),
                )
                return database.changed()

        return await database.call(write)

    async def standing(self, sink: str) -> Standing:
        """Return how a sink stands."""
        database = self._database

        def look() -> Standing:
            handed, last = database.one(
                "SELECT handed, last FROM sink WHERE name = ?", (sink,)
            ) or (0, None)
            waits = database.rows(
                "SELECT noted, code FROM hand_over"
                " WHERE sink = ? AND refused IS NULL ORDER BY place",
                (sink,),
            )
            refused = database.rows(
                "SELECT delivery, code, about, refused FROM hand_over"
                " WHERE sink = ? AND refused IS NOT NULL ORDER BY place",
                (sink,),
            )
            return Standing(
                handed,
                last,
                len(waits),
                min((noted for noted, _ in waits), default=None),
                next((code for _, code in waits if code), ""),
                tuple(Refused(*row) for row in refused),
            )

        return await database.call(look)
