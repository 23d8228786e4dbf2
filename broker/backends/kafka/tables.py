"""Compacted topics as tables on this machine's disk: restored from Kafka, kept up with it.

A table is what its partition says. The file can be deleted at any time: it is restored. So it is
where the partition is not the one that it was made from, but an older copy.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from aiokafka import TopicPartition

from broker.backends.kafka.reader import Reader
from broker.backends.sqlite.database import Database, Schema, open_database
from broker.clock import Instant
from broker.lanes import Message, Received

FIRST = """
CREATE TABLE row (
    topic   TEXT NOT NULL,
    shard   INTEGER NOT NULL,
    key     BLOB NOT NULL,
    place   INTEGER NOT NULL,                -- offset of the message that wrote the row last
    at      INTEGER NOT NULL,
    value   BLOB NOT NULL,                   -- empty: removed; kept until it is behind `restored`
    PRIMARY KEY (topic, shard, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX row_place ON row (topic, shard, place);
CREATE TABLE restored (
    topic   TEXT NOT NULL,
    shard   INTEGER NOT NULL,
    next    INTEGER NOT NULL,                -- all below is in the rows
    PRIMARY KEY (topic, shard)
) STRICT, WITHOUT ROWID;
"""

TABLES = Schema("kafka-tables", (FIRST,), page_octets=8192, durable=False)

ROWS_AT_ONCE = 5000
OCTETS_AT_ONCE = 16 * 1024 * 1024
KEYS_A_QUERY = 500

Row = tuple[bytes, int, int, bytes]
"""Key, offset, arrival, value."""


class Tables(AbstractContextManager["Tables"]):
    """All tables that one process has looked into."""

    def __init__(self, database: Database) -> None:
        """Take an open database of `TABLES`; see `open`."""
        self._database = database
        self._known: set[TopicPartition] = set()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or make it.

        Raises:
            StoreError: it is none of ours.
            Unavailable: it cannot be opened or written to.
        """
        return cls(open_database(path, TABLES))

    async def catch_up(self, reader: Reader, tp: TopicPartition) -> None:
        """Take in what was committed since.

        Raises:
            KafkaError, TimeoutError: the cluster did not answer in time.
        """
        at = await self._restored(tp)
        end = (await reader.ends([tp]))[tp]
        if tp not in self._known:
            if at and not await self._follows(reader, tp, at, end):
                await self._forget(tp)
                at = 0
            self._known.add(tp)
        while at < end:
            found = await reader.read({tp: at}, ROWS_AT_ONCE, OCTETS_AT_ONCE)
            at = found[-1].offset + 1 if found else end
            await self.apply(tp, [_row(one) for one in found], at)

    async def apply(self, tp: TopicPartition, rows: Sequence[Row], restored: int | None) -> None:
        """Write rows; what a later message wrote stays.

        Args:
            tp: the table's topic and shard.
            rows: in any order.
            restored: all below this offset is in the rows now; None: unchanged.
        """
        database = self._database
        values = [(tp.topic, tp.partition, *one) for one in rows]

        def write() -> None:
            with database.transaction():
                database.many(
                    "INSERT INTO row (topic, shard, key, place, at, value)"
                    " VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (topic, shard, key) DO UPDATE"
                    " SET place = excluded.place, at = excluded.at, value = excluded.value"
                    " WHERE excluded.place > place",
                    values,
                )
                if restored is not None:
                    database.execute(
                        "INSERT OR REPLACE INTO restored (topic, shard, next) VALUES (?, ?, ?)",
                        (tp.topic, tp.partition, restored),
                    )
                    database.execute(
                        "DELETE FROM row WHERE topic = ? AND shard = ? AND place < ?"
                        " AND value = x''",
                        (tp.topic, tp.partition, restored),
                    )

        await database.call(write)

    async def recall(self, tp: TopicPartition, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return rows by key; those that there are not are left out."""
        database = self._database
        wanted = list(keys)

        def look() -> dict[bytes, bytes]:
            found: dict[bytes, bytes] = {}
            for start in range(0, len(wanted), KEYS_A_QUERY):
                some = wanted[start : start + KEYS_A_QUERY]
                marks = ", ".join("?" * len(some))
                sql = (
                    "SELECT key, value FROM row WHERE topic = ? AND shard = ?"  # noqa: S608 - marks
                    f" AND value != x'' AND key IN ({marks})"
                )
                found.update(database.rows(sql, (tp.topic, tp.partition, *some)))
            return found

        return await database.call(look)

    async def rows(self, tp: TopicPartition, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return rows by rising key, behind `after`."""
        database = self._database
        sql = (
            "SELECT key, value FROM row WHERE topic = ? AND shard = ? AND key > ?"
            " AND value != x'' ORDER BY key LIMIT ?"
        )
        values = (tp.topic, tp.partition, after, limit)

        def look() -> list[tuple[bytes, bytes]]:
            return [(key, value) for key, value in database.rows(sql, values)]

        return await database.call(look)

    async def written(
        self, tp: TopicPartition, topic: str, after: int, limit: int
    ) -> list[Received]:
        """Return rows of `topic` as they stand, in the order in which they were last written."""
        database = self._database
        sql = (
            "SELECT key, value, place, at FROM row WHERE topic = ? AND shard = ? AND place >= ?"
            " AND value != x'' ORDER BY place LIMIT ?"
        )
        found = await database.call(
            lambda: database.rows(sql, (tp.topic, tp.partition, after, limit))
        )
        return [
            Received(Message(topic, key, value), tp.partition, place, Instant(at))
            for key, value, place, at in found
        ]

    async def _follows(self, reader: Reader, tp: TopicPartition, at: int, end: int) -> bool:
        """Tell whether the partition surely goes on from what was restored of it."""
        if end < at:
            return False
        sql = (
            "SELECT key, value, place FROM row WHERE topic = ? AND shard = ? AND place < ?"
            " ORDER BY place DESC LIMIT 1"
        )
        last = await self._database.call(
            lambda: self._database.one(sql, (tp.topic, tp.partition, at))
        )
        if last is None:
            return False
        # Where it was compacted away meanwhile, to begin anew does no harm.
        key, value, place = last
        found = [
            (one.message.key, one.message.value, one.offset)
            for one in await reader.read({tp: place}, 1, 1)
        ]
        return found == [(key, value, place)]

    async def _forget(self, tp: TopicPartition) -> None:
        """Remove a table's rows."""
        database = self._database

        def remove() -> None:
            with database.transaction():
                for table in ("row", "restored"):
                    database.execute(
                        f"DELETE FROM {table} WHERE topic = ? AND shard = ?",  # noqa: S608 - ours
                        (tp.topic, tp.partition),
                    )

        await database.call(remove)

    async def _restored(self, tp: TopicPartition) -> int:
        database = self._database
        sql = "SELECT next FROM restored WHERE topic = ? AND shard = ?"
        found = await database.call(lambda: database.one(sql, (tp.topic, tp.partition)))
        return 0 if found is None else int(found[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _row(received: Received) -> Row:
    message = received.message
    return message.key, received.offset, received.at, message.value
