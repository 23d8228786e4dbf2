"""The server as this process reaches it: a pool of connections, and what its errors mean to us."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from broker.lanes import Unavailable

CONNECTIONS = 4
"""Most connections of one process: one writes, some search."""

CLOSE_S = 5.0
"""How long to wait for connections to end politely."""

OUT_OF_REACH = "Check that PostgreSQL runs and can be reached."
REFUSED = "Check the database's name, the user, and what the user may do there."
TOO_SLOW = "Find what holds PostgreSQL up: a lock, a full disk, or too much work."
FIXES = (
    ((TimeoutError, asyncpg.QueryCanceledError), TOO_SLOW),
    (
        (
            asyncpg.InvalidAuthorizationSpecificationError,  # a wrong password, too
            asyncpg.InvalidCatalogNameError,  # no such database
            asyncpg.SyntaxOrAccessError,  # no right to do it, or somebody dropped the table
        ),
        REFUSED,
    ),
    ((Exception,), OUT_OF_REACH),
)
"""What to do about an error: the first line that names it."""


class Server:
    """A pool of connections to one schema of one database; see `connected`.

    Attributes:
        schema: its name.
    """

    def __init__(self, pool: asyncpg.Pool, schema: str, deadline_s: float) -> None:
        """Take an open pool."""
        self._pool = pool
        self.schema = schema
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection in a transaction: committed at the end, undone by any error.

        Raises:
            Unavailable: the server cannot be reached, refuses us or takes too long.
            ValueError: a value that PostgreSQL cannot hold.
        """
        with meaning(self.schema):
            async with (
                self._pool.acquire(timeout=self._deadline_s) as connection,
                connection.transaction(),
            ):
                yield connection


@asynccontextmanager
async def connected(dsn: str, schema: str, deadline_s: float) -> AsyncIterator[Server]:
    """Connect to a server; close at the end.

    Every statement has the deadline, on the server too: one that this process gave up does not go
    on there. Plans are made for the values at hand: a frequent clause and a rare one want others.

    Raises:
        Unavailable: the server cannot be reached, or refuses us.
        ValueError: the address is not one.
    """
    with meaning(schema):
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=deadline_s,
                command_timeout=deadline_s,
                server_settings={
                    "application_name": "concordat",
                    "search_path": schema,
                    "statement_timeout": str(round(deadline_s * 1000)),
                    "plan_cache_mode": "force_custom_plan",
                },
            )
        except ValueError:
            # What asyncpg says quotes the address, and with it perhaps a password.
            raise ValueError("the address of PostgreSQL is not written as it must be") from None
    try:
        yield Server(pool, schema, deadline_s)
    finally:
        await _close(pool)


@contextmanager
def meaning(schema: str) -> Iterator[None]:
    """Turn asyncpg's errors into ours; they name the schema and the kind of error, no value.

    Raises:
        Unavailable: anything but a value that PostgreSQL cannot hold.
        ValueError: that.
    """
    try:
        yield
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
    ) as error:
        if isinstance(error, (asyncpg.DataError, ValueError)):
            said = "a text or number that PostgreSQL cannot hold"
            raise ValueError(said) from None  # noqa: TRY004 - about a value; its text is not shown
        fix = next(fix for kinds, fix in FIXES if isinstance(error, kinds))
        where = f"PostgreSQL, schema {schema}: {type(error).__name__}"
        raise Unavailable(where, fix) from error


async def _close(pool: asyncpg.Pool) -> None:
    """Close a pool whose server may be gone."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        pool.terminate()
