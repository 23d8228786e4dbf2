"""What an agency's files were like, in a SQLite file; it holds counts and codes, no content."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from adapters.quality import IDENTIFIERS, Fault, Identified, Quality, together
from adapters.readings import Noted
from broker.backends.sqlite.database import Database, Schema, open_database
from broker.clock import DAY, Instant

FIRST = """
CREATE TABLE reading (
    file      TEXT NOT NULL,
    digest    BLOB NOT NULL,                 -- of the file; of messages, their day in eight bytes
    at        INTEGER NOT NULL,
    quality   TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (file, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_at ON reading (at);
"""

READINGS = Schema("readings", (FIRST,), durable=False)

KEPT_MS = 762 * DAY
"""Two years and a month: a month can be compared with the same one of the two years before."""


class SqliteReadings(AbstractContextManager["SqliteReadings"]):
    """See `adapters.readings.Readings`. The file is opened, and made, when it is first needed."""

    def __init__(self, path: Path) -> None:
        """Take the file's path; its folder exists."""
        self._path = path
        self._opened: Database | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def note(self, quality: Quality, digest: bytes | None, at: Instant) -> None:
        """Note how good a file was.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
            OutcomeUnknown: the disk failed.
        """
        database = self._database()
        file = quality.file
        key = (at // DAY).to_bytes(8) if digest is None else digest

        def write() -> None:
            with database.transaction():
                said = quality
                if digest is None:
                    held = database.one(
                        "SELECT quality FROM reading WHERE file = ? AND digest = ?", (file, key)
                    )
                    if held is not None:
                        said = together((_read(held[0]), quality), file, quality.format)
                database.execute(
                    "INSERT INTO reading VALUES (?, ?, ?, ?) ON CONFLICT (file, digest)"
                    " DO UPDATE SET quality = excluded.quality",
                    (file, key, at, json.dumps(asdict(said), separators=(",", ":"))),
                )
                database.execute("DELETE FROM reading WHERE at < ?", (at - KEPT_MS,))

        await database.call(write)

    async def between(self, first: Instant, end: Instant) -> Sequence[Noted]:
        """Return what was first read in [first, end), in this order.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
        """
        if not self._path.exists():
            return ()
        database = self._database()
        rows = await database.call(
            lambda: database.rows(
                "SELECT at, quality FROM reading WHERE at >= ? AND at < ? ORDER BY at, file",
                (first, end),
            )
        )
        return tuple(Noted(Instant(at), _read(text)) for at, text in rows)

    def _database(self) -> Database:
        if self._opened is None:
            self._opened = open_database(self._path, READINGS)
        return self._opened


def _read(text: str) -> Quality:
    plain = json.loads(text)
    return Quality(
        **plain
        | {
            "identifiers": {name: Identified(**plain["identifiers"][name]) for name in IDENTIFIERS},
            "faults": tuple(
                Fault(**one | {"places": tuple(one["places"])}) for one in plain["faults"]
            ),
            "unmapped": tuple(plain["unmapped"]),
        }
    )
