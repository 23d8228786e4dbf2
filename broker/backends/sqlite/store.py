"""A store: one file of topics, positions and owners, and what its keeper does with it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from broker.backends.sqlite import tables
from broker.backends.sqlite.database import Database, open_database
from broker.clock import Instant

TRIM_CHUNK = 1_000
"""Messages deleted in one transaction: it holds up writers for milliseconds, not for seconds."""


class Store(AbstractContextManager["Store"]):
    """One file of streams. Several processes may open it; SQLite lets one of them write at a time.

    Attributes:
        database: the open file.
    """

    def __init__(self, database: Database) -> None:
        """Take an open database of `tables.STREAMS`; see `Store.open`."""
        self.database = database

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        readonly: bool = False,
        create: bool = False,
        checkpoints: bool = False,
    ) -> Self:
        """Open the file.

        Args:
            path: the file.
            readonly: for a source that this process never writes to.
            create: make the file if it is missing; only whoever sets up an installation does.
            checkpoints: True for the one process that empties the write-ahead log. If it is not
                running the log grows, and the next one that does empties it.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
        """
        return cls(
            open_database(
                path,
                tables.STREAMS,
                readonly=readonly,
                create=create,
                checkpoints=checkpoints,
            )
        )

    async def trim(self, topic: str, shard: int, below: int) -> int:
        """Delete the messages of a topic's shard below an offset; of a table the rows.

        Offsets are never used again. The bytes are overwritten in the file, and gone from the
        write-ahead log after the next `checkpoint_wal`; `rewrite` removes the fragments that
        SQLite may leave. All of them are sealed, and dark once the router's key of that day is
        destroyed.

        Returns:
            How many were deleted.
        """
        database = self.database

        def some() -> int:
            with database.transaction():
                found = tables.stored_topic(database, topic)
                return tables.trim(database, found, shard, below, TRIM_CHUNK) if found else 0

        total = 0
        while deleted := await database.call(some):
            total += deleted
        return total

    async def boundary(self, topic: str, shard: int, at: Instant) -> int:
        """Return the offset of the first message that arrived at `at` or later, else the end."""
        database = self.database

        def look() -> int:
            with database.snapshot():
                found = tables.stored_topic(database, topic)
                return tables.boundary(database, found, shard, at) if found else 0

        return await database.call(look)

    async def end(self, topic: str, shard: int) -> int:
        """Return the offset behind the last message of a topic's shard."""
        database = self.database

        def look() -> int:
            with database.snapshot():
                found = tables.stored_topic(database, topic)
                return tables.end(database, found, shard) if found else 0

        return await database.call(look)

    async def positions(self, group: str, shard: int) -> dict[str, int]:
        """Return how far a group has committed in this store, by topic."""
        database = self.database
        return await database.call(lambda: tables.positions(database, group, shard))

    async def checkpoint_wal(self) -> bool:
        """Empty the write-ahead log into the file; False if a reader held it up for now."""
        return await self.database.call(self.database.checkpoint)

    async def rewrite(self) -> bool:
        """Write the file anew without any trace of what was trimmed; see `Database.rewrite`."""
        return await self.database.call(self.database.rewrite)

    def close(self) -> None:
        """Let what is under way end, then close the file."""
        self.database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
