"""The log's ports in memory, and lanes that fence: no technology, so that tests show the log."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from broker.access_log.errors import IndexGap, StoreConflict, SwapLost
from broker.access_log.ports import (
    FIND_LIMIT,
    NEWEST,
    Cursor,
    LeafIndex,
    LogQuery,
    LogRow,
    Page,
)
from broker.access_log.published import CHECKPOINTS, SHOWN
from broker.clock import Instant
from broker.lanes import NOW, Batch, Bound, LaneLost, Message, Received

BEFORE = "before"
AFTER = "after"


class MemoryTileStore:
    """A `TileStore` that is two dictionaries and a value."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.record: bytes | None = None
        self.reads: list[str] = []

    async def create(self, path: str, data: bytes) -> None:
        if self.files.setdefault(path, data) != data:
            raise StoreConflict(path)

    async def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return self.files.get(path)

    async def current(self) -> bytes | None:
        return self.record

    async def swap(self, old: bytes | None, new: bytes) -> None:
        if self.record != old:
            raise SwapLost("memory")
        self.record = new

    def copy(self) -> "MemoryTileStore":
        other = MemoryTileStore()
        other.files = dict(self.files)
        other.record = self.record
        return other


class MemoryLogIndex:
    """A `LogIndex` that is a list."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []

    async def size(self) -> int:
        return len(self.rows)

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        if start > len(self.rows):
            raise IndexGap(f"{len(self.rows)} entries, rows from {start}")
        if [row.index for row in rows] != list(range(start, start + len(rows))):
            message = "rows of consecutive leaves"
            raise ValueError(message)
        self.rows += rows[len(self.rows) - start :]

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        if not 0 < limit <= FIND_LIMIT:
            message = "a page has a size"
            raise ValueError(message)
        found = [row for row in reversed(self.rows) if row.index < cursor and _meets(row, query)]
        rows = tuple(found[:limit])
        return Page(rows, Cursor(rows[-1].index) if len(found) > limit else None)


def _meets(row: LogRow, query: LogQuery) -> bool:
    said = row.row
    agency = said.consumer.partition("/")[0]
    return all(
        (
            query.since is None or said.at >= query.since,
            query.until is None or said.at < query.until,
            query.kind in {None, said.kind},
            query.source in {None, said.source},
            query.consumer in {None, said.consumer, agency},
            query.outcome in {None, said.outcome},
            query.type in {None, said.type},
            query.clause is None or query.clause in said.clauses,
            query.token is None or query.token in said.tokens,
            query.record in {None, row.record},
            query.party in {None, said.source, agency},
            not (query.no_clause and said.clauses),
            query.delivery in {None, row.delivery},
        )
    )


class Topic:
    """One topic of several shards; groups of readers, each lane owned by whoever acquired last.

    Attributes:
        shards: the topic's messages.
        positions: committed, by group and shard.
        outputs: everything that lanes have put out, in order.
        published: of that, deliveries.
        steps: of that, published checkpoints.
        tables: rows of compacted topics, by topic and key.
        on_commit: called around each commit, with its name, that dies or fails as a test wants.
    """

    def __init__(self, name: str, shards: int = 1) -> None:
        self.name = name
        self.shards: list[list[Message]] = [[] for _ in range(shards)]
        self.positions: dict[tuple[str, int], int] = defaultdict(int)
        self.owners: dict[tuple[str, int], int] = defaultdict(int)
        self.outputs: list[Message] = []
        self.published: list[Received] = []
        self.steps: list[Received] = []
        self.tables: dict[tuple[str, bytes], bytes] = {}
        self.on_commit: Callable[[str], None] = lambda _when: None

    def put(self, value: bytes, shard: int = 0) -> int:
        """Append a message; return its offset."""
        self.shards[shard].append(Message(self.name, b"\x00" * 8, value))
        return len(self.shards[shard]) - 1

    def write(self, shard: int, outputs: Sequence[Message]) -> None:
        """Write a lane's outputs; a topic of one shard lies in shard 0."""
        for output in outputs:
            if output.topic == SHOWN:
                self.tables[output.topic, output.key] = output.value
                continue
            self.outputs.append(output)
            single = output.topic == CHECKPOINTS
            of_kind = self.steps if single else self.published
            place = 0 if single else shard
            of_kind.append(Received(output, place, len(of_kind), Instant(0)))

    def lanes(self, group: str, shards: Collection[int] | None = None) -> list["MemoryLane"]:
        """Acquire lanes of a group, all of them unless some are named."""
        numbers = range(len(self.shards)) if shards is None else sorted(shards)
        return [MemoryLane(self, group, shard) for shard in numbers]


class MemoryLane:
    """A `Lane` over one shard of a `Topic`."""

    def __init__(self, topic: Topic, group: str, shard: int) -> None:
        self._topic = topic
        self._key = (group, shard)
        topic.owners[self._key] += 1
        self._owner = topic.owners[self._key]
        self._next = topic.positions[self._key]
        self.silent = False

    @property
    def shard(self) -> int:
        return self._key[1]

    def _own(self) -> None:
        if self._topic.owners[self._key] != self._owner:
            raise LaneLost(f"shard {self.shard}")

    async def take(self, bound: Bound = NOW) -> Batch:
        self._own()
        messages = self._topic.shards[self.shard][self._next : self._next + bound.count]
        if self.silent:
            messages = []
        batch = Batch(
            tuple(
                Received(message, self.shard, offset, Instant(0))
                for offset, message in enumerate(messages, self._next)
            )
        )
        self._next += len(messages)
        return batch

    async def commit(self, batch: Batch, outputs: Sequence[Message]) -> None:
        self._own()
        self._topic.on_commit(BEFORE)
        if batch.messages:
            last = batch.messages[-1].offset
            assert batch.messages[0].offset == self._topic.positions[self._key]
            self._topic.positions[self._key] = self._next = last + 1
        self._topic.write(self.shard, outputs)
        self._topic.on_commit(AFTER)

    async def recall(self, topic: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        self._own()
        rows = self._topic.tables
        # Rows of this lane's shard only: those of a topic with one shard are shard 0's.
        found = keys if self.shard == 0 else ()
        return {key: rows[topic, key] for key in found if (topic, key) in rows}

    async def rows(
        self, topic: str, after: bytes = b"", limit: int = 1000
    ) -> list[tuple[bytes, bytes]]:
        raise NotImplementedError
