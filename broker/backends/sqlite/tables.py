"""Topics, owners and positions as tables of one file: plain functions over an open database.

Who calls them holds a transaction (or, for reading, a snapshot) and names topics by `Topic`.

A log topic's messages lie in a table with a row number, behind one index: appending fills the last
page whatever the topic, where a table ordered by topic would split pages in its middle and put
every value above a quarter of a page into a page of its own.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from broker.backends.source import REPLACED, Consumed, Replaced, mark_of
from broker.backends.sqlite.database import Database, Schema
from broker.backends.sqlite.errors import SHAPE, SHORTENED, StoreError
from broker.backends.topology import Topology, fair_shares
from broker.clock import Instant
from broker.lanes import Batch, LaneLost, Message, Received

FIRST = """
CREATE TABLE topics (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    shards    INTEGER NOT NULL,
    compacted INTEGER NOT NULL,
    at        INTEGER NOT NULL               -- the last arrival, ms: time never runs back
) STRICT;
CREATE TABLE ends (
    topic   INTEGER NOT NULL REFERENCES topics,
    shard   INTEGER NOT NULL,
    next    INTEGER NOT NULL,                -- the next message's offset; never goes back
    PRIMARY KEY (topic, shard)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    topic   INTEGER NOT NULL REFERENCES topics,
    shard   INTEGER NOT NULL,
    place   INTEGER NOT NULL,                -- the message's offset
    at      INTEGER NOT NULL,
    key     BLOB NOT NULL,
    value   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_places ON messages (topic, shard, place);
CREATE TABLE compacted (
    topic   INTEGER NOT NULL REFERENCES topics,
    shard   INTEGER NOT NULL,
    key     BLOB NOT NULL,
    place   INTEGER NOT NULL,                -- offset of the message that wrote the row last
    at      INTEGER NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (topic, shard, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX compacted_places ON compacted (topic, shard, place);
CREATE TABLE owners (
    party   TEXT NOT NULL,                   -- the group
    shard   INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,                -- one more with every owner
    owner   TEXT NOT NULL,
    PRIMARY KEY (party, shard)
) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
    party   TEXT NOT NULL,
    topic   TEXT NOT NULL,                   -- by name: it may lie in another store
    shard   INTEGER NOT NULL,
    next    INTEGER NOT NULL,
    PRIMARY KEY (party, topic, shard)
) STRICT, WITHOUT ROWID;
"""

SECOND = """
ALTER TABLE positions ADD COLUMN mark BLOB;  -- of the last message consumed: `Consumed`
"""

STREAMS = Schema("streams", (FIRST, SECOND), page_octets=8192)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that exists in a file; its shape never changes."""

    id: int
    name: str
    shards: int
    compacted: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take from one topic: its shard, from which offset on."""

    topic: Topic
    shard: int
    start: int


def stored_topic(database: Database, name: str) -> Topic | None:
    """Return a topic as it was made, or None if nothing was ever written to it."""
    row = database.one("SELECT id, shards, compacted FROM topics WHERE name = ?", (name,))
    return None if row is None else Topic(row[0], name, row[1], bool(row[2]))


def find_topic(database: Database, name: str, topology: Topology) -> Topic | None:
    """Return a topic, or None if nothing was ever written to it.

    Raises:
        StoreError: it was made with another shape.
    """
    topic = stored_topic(database, name)
    shape = (topology.shards_of(name), topology.is_compacted(name))
    if topic and (topic.shards, topic.compacted) != shape:
        raise StoreError(SHAPE, f"{name}, {topic.shards} shards")
    return topic


def make_topic(database: Database, name: str, topology: Topology) -> Topic:
    """Create a topic that does not exist."""
    shards, compacted = topology.shards_of(name), topology.is_compacted(name)
    ((number,),) = database.rows(
        "INSERT INTO topics (name, shards, compacted, at) VALUES (?, ?, ?, 0) RETURNING id",
        (name, shards, int(compacted)),
    )
    return Topic(number, name, shards, compacted)


def append(
    database: Database, topic: Topic, messages: Iterable[tuple[int, Message]], now: Instant
) -> None:
    """Write messages of one topic, each with its shard, in order.

    They arrive now, or at the last arrival of the topic if the clock has gone back since.
    """
    row = database.one("SELECT at FROM topics WHERE id = ?", (topic.id,))
    at = max(now, row[0] if row else 0)
    ends = dict(_ends(database, topic))
    rows: list[tuple[int, int, int, int, bytes, bytes]] = []
    for shard, message in messages:
        place = ends.get(shard, 0)
        ends[shard] = place + 1
        rows.append((topic.id, shard, place, at, message.key, message.value))
    if topic.compacted:
        _replace(database, rows)
    else:
        database.many(
            "INSERT INTO messages (topic, shard, place, at, key, value) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    database.many(
        "INSERT INTO ends (topic, shard, next) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET next = excluded.next",
        [(topic.id, shard, place) for shard, place in ends.items()],
    )
    database.execute("UPDATE topics SET at = ? WHERE id = ?", (at, topic.id))


def _replace(database: Database, rows: list[tuple[int, int, int, int, bytes, bytes]]) -> None:
    """Let the last message of each key be its row; an empty one removes it."""
    last = {(row[0], row[1], row[4]): row for row in rows}
    database.many(
        "INSERT INTO compacted (topic, shard, place, at, key, value) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (topic, shard, key) DO UPDATE"
        " SET place = excluded.place, at = excluded.at, value = excluded.value",
        [row for row in last.values() if row[5]],
    )
    database.many(
        "DELETE FROM compacted WHERE topic = ? AND shard = ? AND key = ?",
        [key for key, row in last.items() if not row[5]],
    )


def end(database: Database, topic: Topic, shard: int) -> int:
    """Return the offset behind a shard's last message, 0 before the first one."""
    return dict(_ends(database, topic)).get(shard, 0)


def _ends(database: Database, topic: Topic) -> list[tuple[int, int]]:
    rows = database.rows("SELECT shard, next FROM ends WHERE topic = ?", (topic.id,))
    return [(row[0], row[1]) for row in rows]


def fetch(database: Database, wanted: Iterable[Wanted], count: int, octets: int) -> list[Received]:
    """Return waiting messages of several topics, topic by topic, each topic with its fair share.

    Args:
        database: within a snapshot.
        wanted: topics in the order in which a rest of the bounds goes to them.
        count: messages at most.
        octets: bytes of values at most; the first message is returned whatever its size.

    Raises:
        StoreError: a position lies behind its topic's end.
    """
    sources = {item.topic.name: item for item in wanted}
    backlogs: dict[str, int] = {}
    for item in sources.values():
        backlogs[item.topic.name] = end(database, item.topic, item.shard) - item.start
        if backlogs[item.topic.name] < 0:
            raise StoreError(SHORTENED, f"{item.topic.name}, shard {item.shard}")
    found: list[Received] = []
    for name, share in fair_shares(backlogs, count).items():
        for received in read(database, sources[name], share):
            octets -= len(received.message.value)
            if octets < 0 and found:
                return found
            found.append(received)
    return found


def read(database: Database, wanted: Wanted, limit: int) -> Iterable[Received]:
    """Yield a topic's messages from an offset on; of a compacted one the rows as they stand."""
    topic, shard = wanted.topic, wanted.shard
    sql = "SELECT place, at, key, value FROM messages"
    if topic.compacted:
        sql = "SELECT place, at, key, value FROM compacted"
    for place, at, key, value in database.each(
        sql + " WHERE topic = ? AND shard = ? AND place >= ? ORDER BY place LIMIT ?",
        (topic.id, shard, wanted.start, limit),
    ):
        yield Received(Message(topic.name, key, value), shard, place, Instant(at))


def recall(
    database: Database, topic: Topic, shard: int, keys: Collection[bytes]
) -> dict[bytes, bytes]:
    """Return the rows of these keys."""
    found: dict[bytes, bytes] = {}
    for key in keys:
        row = database.one(
            "SELECT value FROM compacted WHERE topic = ? AND shard = ? AND key = ?",
            (topic.id, shard, key),
        )
        if row is not None:
            found[key] = row[0]
    return found


def rows(
    database: Database, topic: Topic, shard: int, after: bytes, limit: int
) -> list[tuple[bytes, bytes]]:
    """Return rows behind a key, by rising key."""
    found = database.rows(
        "SELECT key, value FROM compacted"
        " WHERE topic = ? AND shard = ? AND key > ? ORDER BY key LIMIT ?",
        (topic.id, shard, after, limit),
    )
    return [(row[0], row[1]) for row in found]


def acquire(database: Database, group: str, shard: int, owner: str) -> int:
    """Become the owner of a lane; return the epoch that fences everybody before."""
    ((epoch,),) = database.rows(
        "INSERT INTO owners (party, shard, epoch, owner) VALUES (?, ?, 1, ?)"
        " ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner = excluded.owner RETURNING epoch",
        (group, shard, owner),
    )
    return int(epoch)


def must_own(database: Database, group: str, shard: int, epoch: int) -> None:
    """Raise unless this epoch is the lane's.

    Raises:
        LaneLost: another owner has acquired it; `where` names lane and owner.
    """
    row = database.one(
        "SELECT epoch, owner FROM owners WHERE party = ? AND shard = ?", (group, shard)
    )
    if row is None or row[0] != epoch:
        owner = row[1] if row else "nobody"
        raise LaneLost(f"{group}, shard {shard}, owned by {owner}")


def positions(database: Database, group: str, shard: int) -> dict[str, int]:
    """Return what is committed of a lane, by topic."""
    found = database.rows(
        "SELECT topic, next FROM positions WHERE party = ? AND shard = ?", (group, shard)
    )
    return {row[0]: row[1] for row in found}


def consumed(database: Database, group: str, shard: int) -> dict[str, Consumed]:
    """Return what is committed of a lane, by topic, with the marks of what was consumed last."""
    found = database.rows(
        "SELECT topic, next, mark FROM positions WHERE party = ? AND shard = ?", (group, shard)
    )
    return {row[0]: Consumed(row[1], row[2]) for row in found}


def advance(database: Database, group: str, shard: int, batch: Batch) -> None:
    """Set a lane's committed positions behind a batch."""
    last = {one.message.topic: one for one in batch.messages}
    database.many(
        "INSERT INTO positions (party, topic, shard, next, mark) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET next = excluded.next, mark = excluded.mark",
        [
            (group, topic, shard, one.offset + 1, mark_of(one.message.value))
            for topic, one in last.items()
        ],
    )


def must_continue(
    database: Database, name: str, topic: Topic | None, shard: int, so_far: Consumed
) -> None:
    """Refuse a topic that does not go on from what was consumed of it.

    Raises:
        StoreError: more was consumed than it ever held.
        Replaced: another message stands where one was consumed, or some were trimmed that were
            not: they were consumed by somebody whose position is newer.
    """
    where = f"{name}, shard {shard}"
    behind = end(database, topic, shard) if topic else 0
    if behind < so_far.next:
        raise StoreError(SHORTENED, where)
    start = max(0, so_far.next - 1)
    left = list(read(database, Wanted(topic, shard, start), 1)) if topic else []
    for received in left:
        so_far.check(where, received.offset, received.message.value)
    if (left[0].offset if left else behind) > so_far.next:
        raise Replaced(REPLACED, where)


def trim(database: Database, topic: Topic, shard: int, below: int, limit: int) -> int:
    """Delete some messages below an offset; return how many. Rows of a table likewise."""
    if topic.compacted:
        database.execute(
            "DELETE FROM compacted WHERE (topic, shard, key) IN (SELECT topic, shard, key"
            " FROM compacted WHERE topic = ? AND shard = ? AND place < ? LIMIT ?)",
            (topic.id, shard, below, limit),
        )
    else:
        database.execute(
            "DELETE FROM messages WHERE rowid IN (SELECT rowid"
            " FROM messages WHERE topic = ? AND shard = ? AND place < ? LIMIT ?)",
            (topic.id, shard, below, limit),
        )
    return database.changed()


def boundary(database: Database, topic: Topic, shard: int, at: Instant) -> int:
    """Return the offset of the first message that arrived at `at` or later, else the end.

    It looks at the messages before only: those that who asks is about to trim.
    """
    sql = "SELECT place, at FROM messages"
    if topic.compacted:
        sql = "SELECT place, at FROM compacted"
    for place, arrived in database.each(
        sql + " WHERE topic = ? AND shard = ? ORDER BY place", (topic.id, shard)
    ):
        if arrived >= at:
            return int(place)
    return end(database, topic, shard)
