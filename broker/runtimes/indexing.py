"""The log's index: a file of the broker, or PostgreSQL where an address of one is given.

An index that cannot be reached holds nothing up: the log goes on, and the index is caught up from
it. So the server is connected to with the first call, and again after any failure.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from broker.access_log.ports import NEWEST, Cursor, LeafIndex, LogIndex, LogQuery, LogRow, Page
from broker.backends.sqlite.log_index import SqliteLogIndex
from broker.errors import Code
from broker.lanes import Unavailable
from broker.protocol.root import read_root
from broker.runtimes.layout import InstallationError, Layout

if TYPE_CHECKING:
    from broker.backends.postgres.log_index import PostgresLogIndex

NO_CLIENT = Code(
    "installation.postgres-client",
    "An address of PostgreSQL is given, and the client for it is not installed.",
    "Install the distribution with its extra: concordat-broker[postgres].",
)

WRITE_S = 5.0
"""How long the log waits for the index, in seconds."""

SEARCH_S = 30.0
"""How long a search may take: one of millions of rows takes a second."""

PAUSE_S = 2.0
"""How long after a failure the server counts as out of reach without being asked, in seconds."""

SCHEMA_HEX = 16


@asynccontextmanager
async def index_to_write(layout: Layout) -> AsyncIterator[LogIndex]:
    """Return the index as the sequencer writes it; the file is made if it is missing.

    Raises:
        InstallationError: the client for PostgreSQL is not installed.
        Unavailable: the file cannot be opened.
    """
    if not layout.addresses.postgres:
        with SqliteLogIndex.open(layout.log_index) as index:
            yield index
        return
    async with AsyncExitStack() as stack:
        served = ServedIndex(layout.addresses.postgres, schema_of(layout), WRITE_S)
        stack.push_async_callback(served.close)
        yield served


@asynccontextmanager
async def index_to_read(layout: Layout) -> AsyncIterator[LogIndex]:
    """Return the index as a search reads it.

    Raises:
        InstallationError: the client for PostgreSQL is not installed.
        Unavailable: the file cannot be opened.
    """
    if not layout.addresses.postgres:
        with SqliteLogIndex.open(layout.log_index, readonly=True) as index:
            yield index
        return
    async with AsyncExitStack() as stack:
        served = ServedIndex(layout.addresses.postgres, schema_of(layout), SEARCH_S)
        stack.push_async_callback(served.close)
        yield served


def schema_of(layout: Layout) -> str:
    """Return the schema of an installation: several may share a database."""
    partnership = read_root(layout.first_root.read_bytes()).digest
    return f"concordat_{partnership.hex()[:SCHEMA_HEX]}"


class ServedIndex:
    """An index in PostgreSQL that is connected to when it is needed; see `LogIndex`."""

    def __init__(self, address: str, schema: str, deadline_s: float) -> None:
        """Connect to nothing yet.

        Raises:
            InstallationError: the client for PostgreSQL is not installed.
        """
        try:
            from broker.backends.postgres import log_index  # noqa: PLC0415 - its client is an extra
        except ModuleNotFoundError as error:
            raise InstallationError(NO_CLIENT, error.name or "") from error
        self._made = log_index.PostgresLogIndex
        self._address = address
        self._schema = schema
        self._deadline_s = deadline_s
        self._stack = AsyncExitStack()
        self._index: PostgresLogIndex | None = None
        self._again = 0.0

    async def size(self) -> int:
        """Return how many entries the index holds."""
        async with self._connected() as index:
            return await index.size()

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        """Append rows."""
        async with self._connected() as index:
            await index.add(start, rows)

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        """Return rows that meet the query, newest first."""
        async with self._connected() as index:
            return await index.find(query, cursor, limit)

    async def close(self) -> None:
        """Disconnect."""
        self._index = None
        await self._stack.aclose()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator["PostgresLogIndex"]:
        if time.monotonic() < self._again:
            raise Unavailable(f"PostgreSQL, schema {self._schema}")
        try:
            if self._index is None:
                self._index = await self._stack.enter_async_context(
                    self._made.open(self._address, self._schema, deadline_s=self._deadline_s)
                )
            yield self._index
        except Unavailable:
            await self.close()
            self._again = time.monotonic() + PAUSE_S
            raise
