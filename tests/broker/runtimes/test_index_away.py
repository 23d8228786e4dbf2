"""An index in PostgreSQL that is away: nothing waits for it, and it catches up by itself."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from broker.access_log.ports import NEWEST, Cursor, LeafIndex, LogIndex, LogQuery, LogRow, Page
from broker.access_log.sequencer import Sequencer
from broker.backends.postgres.log_index import PostgresLogIndex
from broker.lanes import Unavailable
from broker.runtimes.indexing import PAUSE_S, WRITE_S, ServedIndex
from broker.runtimes.layout import InstallationError
from tests.broker.access_log.county import SIGNER
from tests.broker.access_log.stores import MemoryLogIndex
from tests.broker.access_log.world import World

ADDRESS = "postgresql://concordat:secret@database.example/log"


class Server:
    """A server that may be away, and the time.

    Attributes:
        rows: what it holds.
        away: whether it answers nobody.
        now: seconds.
        opened: how often it was connected to.
        left: how often a connection was ended.
    """

    def __init__(self) -> None:
        self.rows = MemoryLogIndex()
        self.away = False
        self.now = 100.0
        self.opened = 0
        self.left = 0

    @asynccontextmanager
    async def open(
        self, address: str, schema: str, *, deadline_s: float
    ) -> AsyncIterator[LogIndex]:
        assert (address, schema, deadline_s) == (ADDRESS, "county", WRITE_S)
        self.opened += 1
        self._answer()
        yield self
        self.left += 1

    async def size(self) -> int:
        self._answer()
        return await self.rows.size()

    async def add(self, start: LeafIndex, rows: Sequence[LogRow]) -> None:
        self._answer()
        await self.rows.add(start, rows)

    async def find(self, query: LogQuery, cursor: Cursor = NEWEST, limit: int = 100) -> Page:
        self._answer()
        return await self.rows.find(query, cursor, limit)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("PostgreSQL, schema county")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that is there."""
    made = Server()
    monkeypatch.setattr(PostgresLogIndex, "open", made.open)
    monkeypatch.setattr(
        "broker.runtimes.indexing.time", SimpleNamespace(monotonic=lambda: made.now)
    )
    return made


async def test_a_server_is_connected_to_with_the_first_call_and_left_at_the_end(
    server: Server,
) -> None:
    index = ServedIndex(ADDRESS, "county", WRITE_S)
    assert server.opened == 0
    for _ in range(2):
        assert await index.size() == 0
    assert (await index.find(LogQuery())).rows == ()
    assert server.opened == 1
    await index.close()
    await index.close()
    assert server.left == 1


async def test_a_server_that_was_away_is_not_asked_again_at_once(server: Server) -> None:
    # given a server that goes away under an open index
    index = ServedIndex(ADDRESS, "county", WRITE_S)
    await index.size()
    server.away = True
    with pytest.raises(Unavailable):
        await index.size()
    assert server.left == 1

    # when it is asked within the pause, then it counts as away, though it is back
    server.away = False
    server.now += PAUSE_S / 2
    with pytest.raises(Unavailable, match="schema county") as refused:
        await index.size()
    assert "secret" not in str(refused.value)
    assert server.opened == 1

    # and after it, it is connected to again
    server.now += PAUSE_S
    assert await index.size() == 0
    assert server.opened == 2


async def test_a_log_goes_on_without_its_index_which_catches_up_by_itself(server: Server) -> None:
    # given a log whose index is away from the start
    server.away = True
    world = World(messages=4)
    index = ServedIndex(ADDRESS, "county", WRITE_S)
    log = await Sequencer.open(world.topic.lanes("sequencer"), world.store, index, SIGNER)
    await log.run_once()
    world.put(3)
    await log.run_once()
    assert log.size == len(world.sent[0]) > 7
    assert await server.rows.size() == 0

    # when the server is back, and nothing new comes, then it has all rows after the pause
    server.away = False
    await log.mend_index()
    assert await server.rows.size() == 0
    server.now += PAUSE_S
    await log.run_once()
    assert [row.index for row in server.rows.rows] == list(range(log.size))

    # and to mend what is whole asks nobody
    server.away = True
    await log.mend_index()
    assert server.left == 0

    # and when it goes and comes with new entries, then these are there, too, once
    world.put(2)
    await log.run_once()
    server.away = False
    server.now += PAUSE_S
    world.put(2)
    await log.run_once()
    assert [row.index for row in server.rows.rows] == list(range(log.size))
    assert log.size == len(world.sent[0])


def test_an_index_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("broker.backends.postgres.log_index")
    monkeypatch.setitem(sys.modules, "broker.backends.postgres.log_index", None)
    with pytest.raises(InstallationError) as refused:
        ServedIndex(ADDRESS, "county", WRITE_S)
    assert refused.value.code.name == "installation.postgres-client"
    assert "concordat-broker[postgres]" in refused.value.fix
