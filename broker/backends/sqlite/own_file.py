"""What every small file of one process has: opened, read, written to and closed in one way."""

from pathlib import Path
from typing import Any, ClassVar, Self

from broker.backends.sqlite.database import Database, Schema, Values, open_database


class OwnFile:
    """A SQLite file of one schema that one process writes.

    Attributes:
        SCHEMA: what kind of file it is.
    """

    SCHEMA: ClassVar[Schema]

    def __init__(self, database: Database) -> None:
        """Take an open database of `SCHEMA`; see `open`."""
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; make it if it is missing.

        Raises:
            StoreError: see `open_database`.
            Unavailable: see `open_database`.
        """
        return cls(open_database(path, cls.SCHEMA))

    async def _rows(self, text: str, values: Values = ()) -> list[tuple[Any, ...]]:
        database = self._database
        return await database.call(lambda: database.rows(text, values))

    async def _write(self, *statements: tuple[str, Values]) -> None:
        """Run statements in one transaction; durable when it returns."""
        database = self._database

        def write() -> None:
            with database.transaction():
                for text, values in statements:
                    database.execute(text, values)

        await database.call(write)

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
