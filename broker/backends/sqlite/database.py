"""One SQLite file of ours: opened with the settings that keep what we promise, checked, migrated.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> NOTES = Schema("notes", ("CREATE TABLE note (text TEXT) STRICT",))
    >>> with TemporaryDirectory() as directory:
    ...     database = open_database(Path(directory) / "notes.sqlite", NOTES)
    ...     with database.transaction():
    ...         database.execute("INSERT INTO note VALUES (?)", ("kept",))
    ...     database.rows("SELECT text FROM note")
    ...     database.close()
    [('kept',)]

Every database has one worker thread of its own, and `call` runs a function there: a whole
transaction is one hop, calls follow each other in the order in which they were made, and no fsync
stops the event loop. The methods themselves are plain and may be used without a loop.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

from broker.backends.filesystem import FULL_DISK, is_full
from broker.backends.sqlite.errors import (
    DAMAGED,
    FOREIGN,
    MISSING,
    NEWER,
    OLDER,
    StoreError,
)
from broker.backends.sqlite.filesystem import refuse_network
from broker.lanes import OutcomeUnknown, Unavailable

Result = TypeVar("Result")
Value = int | bytes | str | None
Values = Sequence[Value] | Mapping[str, Value]

BUSY_MS = 10_000
"""How long to wait for another process's write: a thousand times one of ours, so that only a
stopped process or a failing disk is reported."""

CACHE_KIB = 32 * 1024
"""Page cache of one connection: holds the inner pages of tables of some million rows."""

LOG_OCTETS = 64 * 1024 * 1024
"""How long the write-ahead log grows before a commit moves it into the file. A page that many
commits change is moved once then: at SQLite's 4 MB, adding to an index over random digests of
300,000 rows took twice as long."""

WRITER = "Another process has been writing to it for too long: find and stop that one."
OUT_OF_REACH = "Check that the file's directory exists, may be written to and has a sound disk."


@dataclass(frozen=True, slots=True)
class Schema:
    """What a kind of file is and how it came about.

    Attributes:
        application: the kind's name; its digest marks the file (`PRAGMA application_id`).
        migrations: SQL scripts; a file of version n has seen the first n of them. Only ever
            append to this.
        page_octets: page size of a new file. 4,096 suits small rows; 8,192 holds several sealed
            messages in a page (measured: half the file and a quarter of the time of 4,096).
        durable: False lets the last commits be lost in a power cut, never their order. Only for
            what can be made again from elsewhere.
    """

    application: str
    migrations: tuple[str, ...]
    page_octets: int = 4096
    durable: bool = True

    @property
    def mark(self) -> int:
        """The kind's number in the file's header: 31 bits, so that it is positive everywhere."""
        digest = hashlib.sha256(b"concordat/" + self.application.encode()).digest()
        return int.from_bytes(digest[:4]) >> 1


class Database:
    """An open file. One thread at a time uses it: through `call`, or before there is a loop."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        """Take an open connection; see `open_database`."""
        self.path = path
        self.readonly = connection.readonly("main")
        self._connection = connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.name)
        self._commits = 0

    def execute(self, sql: str, values: Values = ()) -> None:
        """Run statements that return nothing."""
        with _meaning(self.path):
            self._connection.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        with _meaning(self.path):
            self._connection.executemany(sql, rows).fetchall()

    def rows(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with _meaning(self.path):
            return self._connection.execute(sql, values).fetchall()

    def each(self, sql: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query one by one, for a reader that may stop early."""
        with _meaning(self.path):
            yield from self._connection.execute(sql, values)

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None if there is none."""
        return next(iter(self.rows(sql, values)), None)

    def changed(self) -> int:
        """Return how many rows the last statement changed."""
        return self._connection.changes()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write: all of the block or, if it raises, nothing. Durable behind it.

        Raises:
            Unavailable: nothing was written.
            OutcomeUnknown: the disk failed in the commit itself; read to see what stands.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        try:
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            self._roll_back()
            full = isinstance(error, apsw.FullError) or is_full(self.path.parent)
            raise OutcomeUnknown(str(self.path), FULL_DISK if full else None) from error
        self._commits += 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read: every query of the block sees the same state."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def state(self) -> tuple[int, int]:
        """Return a pair that differs from an earlier one if a commit came in between.

        The first number counts others' commits (https://sqlite.org/pragma.html#pragma_data_version),
        the second this connection's own. Cheap: it looks into shared memory, not into the file.
        """
        (others,) = self.rows("PRAGMA data_version")[0]
        return others, self._commits

    def checkpoint(self) -> bool:
        """Move everything from the write-ahead log into the file and empty the log.

        With `secure_delete` this is when deleted bytes are gone from both.

        Returns:
            False if a reader held it up: nothing is wrong, try again later.
        """
        with _meaning(self.path):
            try:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                return False
        return True

    def rewrite(self) -> bool:
        """Write the whole file anew, so that no trace of deleted rows is left between live ones.

        `secure_delete` overwrites what is freed, but when SQLite splits a page whose rows differ in
        length it may leave a copy of a row's end in the gap of the old one (seen: one deleted row
        in five hundred to ten thousand). Takes memory as large as the file, and the write lock.

        Returns:
            False if a reader held up the last step; `checkpoint` finishes it.
        """
        self.execute("VACUUM")
        return self.checkpoint()

    async def call(self, function: Callable[[], Result]) -> Result:
        """Run a function that uses this database, in its thread, behind all calls before.

        If the caller is cancelled, a function that has begun runs to its end all the same.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def close(self) -> None:
        """Let what is under way end, then close the file. A second time does nothing."""
        self._thread.shutdown()
        self._connection.close()

    def _roll_back(self) -> None:
        # Some failures (a full disk) have rolled back already.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def open_database(
    path: Path,
    schema: Schema,
    *,
    readonly: bool = False,
    create: bool = True,
    checkpoints: bool = True,
) -> Database:
    """Open a file of ours, make it if it may be made, bring it up to date.

    Args:
        path: the file; its directory exists and lies on a disk of this machine.
        schema: the kind of file that must be there.
        readonly: never write (implies that the file exists and is up to date).
        create: make the file if it is missing.
        checkpoints: False leaves the write-ahead log to another process, which must call
            `Database.checkpoint` or be open with True.

    Raises:
        StoreError: not ours, newer, damaged, missing, or on a network file system.
        Unavailable: it cannot be opened, or not be written to, for the moment.
    """
    refuse_network(path.absolute().parent)
    if not path.exists() and (readonly or not create):
        raise StoreError(MISSING, str(path))
    access = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE
    make = apsw.SQLITE_OPEN_CREATE if create and not readonly else 0
    with _meaning(path):
        connection = apsw.Connection(str(path), flags=access | make)
    database = Database(connection, path)
    try:
        connection.set_busy_timeout(BUSY_MS)
        _settle(database, schema)
        with database.snapshot():
            version = _inspect(database, schema)
        if not readonly:
            _migrate(database, schema, version)
        if not checkpoints:
            connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    except BaseException:
        database.close()
        raise
    return database


def _settle(database: Database, schema: Schema) -> None:
    """Set what holds for one connection; each line is a promise to somebody."""
    database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    # A commit that returned survives a power cut; on a Mac only so.
    database.execute(f"PRAGMA synchronous = {'FULL' if schema.durable else 'NORMAL'}")
    database.execute("PRAGMA fullfsync = ON")
    database.execute(f"PRAGMA wal_autocheckpoint = {LOG_OCTETS // schema.page_octets}")
    # Deleted means overwritten.
    database.execute("PRAGMA secure_delete = ON")
    # Nothing of ours goes into temporary files.
    database.execute("PRAGMA temp_store = MEMORY")
    # A file that somebody prepared cannot run functions.
    database.execute("PRAGMA trusted_schema = OFF")


def _inspect(database: Database, schema: Schema) -> int:
    """Return the file's version; 0 means new and empty. Call it within a transaction or snapshot.

    Raises:
        StoreError: it is not ours, newer, or (open for reading only) older.
    """
    ((mark,),) = database.rows("PRAGMA application_id")
    ((version,),) = database.rows("PRAGMA user_version")
    ((objects,),) = database.rows("SELECT count(*) FROM sqlite_schema")
    fresh = (mark, version, objects) == (0, 0, 0)
    if mark != schema.mark and not fresh:
        raise StoreError(FOREIGN, str(database.path))
    if version > len(schema.migrations):
        raise StoreError(NEWER, f"{database.path}, version {version}")
    if version < len(schema.migrations) and database.readonly:
        raise StoreError(OLDER, f"{database.path}, version {version}")
    return int(version)


def _migrate(database: Database, schema: Schema, version: int) -> None:
    """Make a new file, or run the migrations that an older one lacks, in one transaction."""
    if version == 0:
        database.execute(f"PRAGMA page_size = {schema.page_octets}")
    ((mode,),) = database.rows("PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise Unavailable(str(database.path), OUT_OF_REACH)
    if version == len(schema.migrations):
        return
    with database.transaction():
        # Again, now that nobody else can: two processes may make one file at once.
        for script in schema.migrations[_inspect(database, schema) :]:
            database.execute(script)
        database.execute(f"PRAGMA application_id = {schema.mark}")
        database.execute(f"PRAGMA user_version = {len(schema.migrations)}")


@contextmanager
def _meaning(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours; what remains is a mistake in a statement."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Unavailable(str(path), WRITER) from error
    except apsw.FullError as error:
        raise Unavailable(str(path), FULL_DISK) from error
    except apsw.NotADBError as error:
        raise StoreError(FOREIGN, str(path)) from error
    except apsw.CorruptError as error:
        raise StoreError(DAMAGED, str(path)) from error
    except (
        apsw.CantOpenError,
        apsw.IOError,
        apsw.PermissionsError,
        apsw.ReadOnlyError,
    ) as error:
        full = is_full(path.absolute().parent)
        raise Unavailable(str(path), FULL_DISK if full else OUT_OF_REACH) from error
