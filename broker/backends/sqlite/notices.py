"""Which notices an agency's channels have sent, in a SQLite file; it holds nothing of a child."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from adapters.notices.port import ChannelStanding, Kept
from broker.backends.sqlite.database import Schema
from broker.backends.sqlite.own_file import OwnFile
from broker.clock import DAY, Instant
from broker.receipts.duties import Owed
from broker.receipts.notices import Line, Notice, Stage, To
from broker.records.names import AgencyId

REMEMBERED = 730 * DAY
"""For how long a line is known to have been told: whatever is owed for longer than two years may be
told once more."""

FIRST = """
CREATE TABLE channel (
    name      TEXT PRIMARY KEY,
    sent      INTEGER NOT NULL,
    last      INTEGER NOT NULL               -- when the last notice was sent
) STRICT, WITHOUT ROWID;
CREATE TABLE notice (
    channel   TEXT NOT NULL,
    id        TEXT NOT NULL,
    desk      TEXT NOT NULL,
    recipient TEXT NOT NULL,                 -- desk or manager
    made      INTEGER NOT NULL,
    tries     INTEGER NOT NULL,
    due       INTEGER,                       -- not before; NULL: it was sent, or is owed no more
    code      TEXT NOT NULL,                 -- of the last try; empty before
    said      TEXT NOT NULL,                 -- the notice as JSON
    PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE line (
    channel   TEXT NOT NULL,
    key       TEXT NOT NULL,
    made      INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
"""

NOTICES = Schema("notices", (FIRST,))


class SqliteNotices(OwnFile):
    """See `adapters.notices.port.KeptNotices`."""

    SCHEMA = NOTICES

    async def noted(self, channel: str) -> Collection[str]:
        """Return the keys of lines that were told, or are on their way."""
        rows = await self._rows("SELECT key FROM line WHERE channel = ?", (channel,))
        return {key for (key,) in rows}

    async def made_since(self, channel: str, at: Instant) -> Collection[tuple[str, To]]:
        """Return for whom a notice was made after `at`: desk and recipient."""
        rows = await self._rows(
            "SELECT DISTINCT desk, recipient FROM notice WHERE channel = ? AND made > ?",
            (channel, at),
        )
        return {(desk, To(recipient)) for desk, recipient in rows}

    async def keep(self, channel: str, notices: Sequence[Notice], at: Instant) -> None:
        """Keep notices to be sent; their lines count as told from now on."""
        database = self._database
        lines = [(channel, line.key, at) for one in notices for line in one.lines]
        rows = [
            (channel, one.id, one.desk, one.to.value, at, at, json.dumps(asdict(one)))
            for one in notices
        ]

        def write() -> None:
            with database.transaction():
                database.many(
                    "INSERT INTO notice VALUES (?, ?, ?, ?, ?, 0, ?, '', ?) ON CONFLICT DO NOTHING",
                    rows,
                )
                database.many("INSERT INTO line VALUES (?, ?, ?) ON CONFLICT DO NOTHING", lines)
                old = (channel, at - REMEMBERED)
                database.execute("DELETE FROM line WHERE channel = ? AND made < ?", old)
                database.execute(
                    "DELETE FROM notice WHERE channel = ? AND made < ? AND due IS NULL",
                    (channel, at - DAY),
                )

        await database.call(write)

    async def due(self, channel: str, at: Instant, limit: int) -> Sequence[Kept]:
        """Return notices that may be tried now, the oldest first."""
        rows = await self._rows(
            "SELECT said, tries FROM notice WHERE channel = ? AND due <= ?"
            " ORDER BY made, id LIMIT ?",
            (channel, at, limit),
        )
        return [Kept(_notice(json.loads(said)), tries) for said, tries in rows]

    async def sent(self, channel: str, notice: str, at: Instant) -> None:
        """Strike off a notice that was sent."""
        await self._write(
            (
                "UPDATE notice SET due = NULL, said = '' WHERE channel = ? AND id = ?",
                (channel, notice),
            ),
            (
                (
                    "INSERT INTO channel VALUES (?, 1, ?) ON CONFLICT (name)"
                    " DO UPDATE SET sent = sent + 1, last = excluded.last"
                ),
                (channel, at),
            ),
        )

    async def dropped(self, channel: str, notice: str) -> None:
        """Strike off a notice of which nothing is owed any more."""
        await self._write(
            (
                "UPDATE notice SET due = NULL, said = '' WHERE channel = ? AND id = ?",
                (channel, notice),
            )
        )

    async def failed(self, channel: str, notice: str, code: str, due: Instant) -> None:
        """Keep that a try failed, and when the next one is due."""
        await self._write(
            (
                (
                    "UPDATE notice SET tries = tries + 1, code = ?, due = ?"
                    " WHERE channel = ? AND id = ?"
                ),
                (code, due, channel, notice),
            )
        )

    async def standing(self, channel: str) -> ChannelStanding:
        """Return how a channel stands."""
        counted = await self._rows("SELECT sent, last FROM channel WHERE name = ?", (channel,))
        waits = await self._rows(
            "SELECT made, code FROM notice WHERE channel = ? AND due IS NOT NULL ORDER BY made",
            (channel,),
        )
        sent, last = counted[0] if counted else (0, None)
        return ChannelStanding(
            sent,
            last,
            len(waits),
            min((made for made, _ in waits), default=None),
            next((code for _, code in waits if code), ""),
        )


def _notice(said: dict[str, Any]) -> Notice:
    lines = tuple(
        Line(**{**one, "stage": Stage(one["stage"]), "owed": Owed(one["owed"])})
        for one in said["lines"]
    )
    return Notice(said["id"], AgencyId(said["agency"]), said["desk"], To(said["to"]), lines)
