"""Tidying the broker's topics: what every reader is past, and what has reached its age, goes.

- `decided`: once sequencer and releaser are past it; the log and the topics hold what it led to;
- `records.*`, `urgent.*`: once the router is past it and it is older than 15 days;
- `seen`: rows older than 15 days; no record that old passes the check.

Deliveries in files stay: their consumers' positions lie with the consumers, and nothing is thrown
away unread; over Kafka consumers report how far they are. Deleted bytes are overwritten, and gone
from the write-ahead log with its next checkpoint.
"""

from collections.abc import Iterable

from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import DECIDED
from broker.access_log.sequencer import GROUP as SEQUENCER
from broker.backends.sqlite.store import Store
from broker.clock import DAY, Instant
from broker.lanes import Lane, Message
from broker.routing.intake import SEEN

ROUTER = "router"
URGENT = "router-urgent"
"""Groups of the router's lanes: of urgent records, and of all others."""

KEPT = 15 * DAY
"""How long what was routed is kept, in milliseconds: a day longer than a record may be old."""

SHARD = 0
ROWS_AT_ONCE = 1000
_AT_BYTES = 8


async def tidy_decided(own: Store, stream: Store) -> int:
    """Delete what sequencer and releaser are past; return how many messages went."""
    sequenced = (await own.positions(SEQUENCER, SHARD)).get(DECIDED, 0)
    released = (await stream.positions(RELEASER, SHARD)).get(DECIDED, 0)
    return await own.trim(DECIDED, SHARD, min(sequenced, released))


async def tidy_records(own: Store, stream: Store, groups: Iterable[str], at: Instant) -> int:
    """Delete records that were routed and are older than `KEPT`; return how many went."""
    total = 0
    for group in groups:
        for topic, position in (await own.positions(group, SHARD)).items():
            if topic.startswith(("records.", "urgent.")):
                old = await stream.boundary(topic, SHARD, Instant(at - KEPT))
                total += await stream.trim(topic, SHARD, min(position, old))
    return total


async def expired_seen(lane: Lane, at: Instant) -> list[Message]:
    """Return what removes the rows of `seen` that are older than `KEPT`, to be committed."""
    removed: list[Message] = []
    after = b""
    while rows := await lane.rows(SEEN, after, ROWS_AT_ONCE):
        removed += [
            Message(SEEN, key, b"")
            for key, value in rows
            if int.from_bytes(value[-_AT_BYTES:]) < at - KEPT
        ]
        after = rows[-1][0]
    return removed
