"""The log index while its server is away, held up, or not what it should be."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from broker.access_log.ports import EVERYTHING, LeafIndex, LogQuery, Row
from broker.backends.postgres import server
from broker.backends.postgres.log_index import PostgresLogIndex
from broker.clock import Instant
from broker.lanes import Unavailable
from tests.contracts.log_index import (
    START,
    log_row,
    numbered,
)
from tests.support import postgres, services


async def test_a_server_that_goes_away_and_comes_back() -> None:
    with postgres.own_server() as running:
        async with PostgresLogIndex.open(running.address) as index:
            await index.add(LeafIndex(0), numbered(2))

            # given a server that has stopped under an open index
            running.stop()

            # when anything is asked of it, then that is unavailable, twice too, naming no address
            for _ in range(2):
                for call in (
                    index.size(),
                    index.find(EVERYTHING),
                    index.add(LeafIndex(2), numbered(1, 2)),
                ):
                    with pytest.raises(Unavailable, match="PostgreSQL, schema concordat") as caught:
                        await call
                    assert "127.0.0.1" not in str(caught.value)
            with pytest.raises(Unavailable, match=server.OUT_OF_REACH):
                await PostgresLogIndex.open(running.address).__aenter__()

            # when it runs again, then the same index adds what is missing and finds it
            running.start()
            size = await index.size()
            await index.add(LeafIndex(size), numbered(5 - size, size))
            assert list((await index.find(EVERYTHING)).rows) == numbered(5)[::-1]

            # and an index whose server is gone can be left
            running.stop()


async def test_a_server_that_is_held_up_counts_as_out_of_reach(address: str, schema: str) -> None:
    async with (
        PostgresLogIndex.open(address, schema, deadline_s=0.3) as index,
        postgres.administrator(postgres.with_setting(address, "search_path", schema)) as other,
    ):
        # given somebody who holds the table
        async with other.transaction():
            await other.execute("LOCK TABLE entries_2 IN ACCESS EXCLUSIVE MODE")

            # when the index is asked, then it gives up at its deadline and says what to look for
            for call in (index.find(EVERYTHING), index.add(LeafIndex(0), numbered(1))):
                with pytest.raises(Unavailable, match=server.TOO_SLOW):
                    await call

        # then nothing of it was done, and it works when the table is free
        assert await index.size() == 0


async def test_a_deadline_also_holds_for_a_free_connection(address: str, schema: str) -> None:
    async with (
        PostgresLogIndex.open(address, schema, deadline_s=0.2) as index,
        AsyncExitStack() as calls,
    ):
        # given calls that hold every connection
        for _ in range(server.CONNECTIONS):
            await calls.enter_async_context(index.server.transaction())

        # when one more is made, then it does not wait for ever
        with pytest.raises(Unavailable, match=server.TOO_SLOW):
            await index.size()


async def test_an_index_is_left_though_a_search_is_stuck(
    address: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a search that waits for somebody who holds the table
    monkeypatch.setattr(server, "CLOSE_S", 0.2)
    async with postgres.administrator(
        postgres.with_setting(address, "search_path", schema)
    ) as other:
        async with PostgresLogIndex.open(address, schema) as index:
            held = other.transaction()
            await held.start()
            await other.execute("LOCK TABLE entries_2 IN ACCESS EXCLUSIVE MODE")
            search = asyncio.create_task(index.find(EVERYTHING))
            await asyncio.sleep(0.1)

        # when the process leaves the index, then it gets away, and the search says why it ended
        with pytest.raises(Unavailable, match=server.OUT_OF_REACH):
            await search
        await held.rollback()


async def test_a_table_that_somebody_dropped_is_refused_and_made_again_at_the_next_start(
    address: str, schema: str, index: PostgresLogIndex
) -> None:
    # given an index whose schema was dropped
    await index.add(LeafIndex(0), numbered(1))
    async with postgres.administrator(address) as connection:
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")

    # when it is asked, then it says that something is wrong there
    with pytest.raises(Unavailable, match=r"UndefinedTableError.*what the user may do"):
        await index.size()

    # and when a process starts, then the index is there, empty, to be filled from the log
    async with PostgresLogIndex.open(address, schema) as again:
        assert await again.size() == 0


async def test_who_may_only_read_searches_and_adds_nothing(
    address: str, schema: str, index: PostgresLogIndex
) -> None:
    # given rows, and a user who may read
    await index.add(LeafIndex(0), numbered(2))
    reader = f"reader_{schema}"
    async with postgres.administrator(address) as connection:
        await connection.execute(
            f"CREATE ROLE {reader}; GRANT USAGE ON SCHEMA {schema} TO {reader};"
            f" GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}"
        )
        try:
            async with PostgresLogIndex.open(
                postgres.with_setting(address, "role", reader), schema
            ) as read:
                # when that user searches, then all is found
                assert list((await read.find(EVERYTHING)).rows) == numbered(2)[::-1]

                # and when they add, then they are refused
                with pytest.raises(Unavailable, match="InsufficientPrivilegeError"):
                    await read.add(LeafIndex(2), numbered(1, 2))
            assert await index.size() == 2
        finally:
            await connection.execute(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


async def test_a_database_that_is_not_there_is_refused() -> None:
    with postgres.own_server() as running:
        # given an address that names no database
        address = running.address.removesuffix("/postgres") + "/nowhere"

        # when it is opened, then the error says where to look
        with pytest.raises(Unavailable, match=r"InvalidCatalogNameError.*database's name"):
            await PostgresLogIndex.open(address).__aenter__()


@pytest.mark.parametrize(
    "wrong", ["mysql://clerk:hush@127.0.0.1/x", "postgresql://clerk:hush@127.0.0.1:port/x"]
)
async def test_an_address_that_is_none_is_not_repeated(wrong: str) -> None:
    # when an address is none, then the error does not tell the password that it holds
    with pytest.raises(ValueError, match="address of PostgreSQL") as caught:
        await PostgresLogIndex.open(wrong).__aenter__()
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("wrong", ["", "Concordat", "x y", 'x"; --', "1st", "x" * 64])
async def test_a_schema_has_a_plain_name(address: str, wrong: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        await PostgresLogIndex.open(address, wrong).__aenter__()


@pytest.mark.parametrize("odd", ["C\0", "\ud800"])
async def test_what_postgresql_cannot_hold_is_refused_as_a_value(
    index: PostgresLogIndex, odd: str
) -> None:
    # given a text that is none for PostgreSQL
    row = Row("decision", Instant(START), "eastshire-police", clauses=(odd,))

    # when it is added or searched, then that is not taken for a server out of reach
    with pytest.raises(ValueError, match="cannot hold"):
        await index.add(LeafIndex(0), [*numbered(1), log_row(1, row)])
    with pytest.raises(ValueError, match="cannot hold"):
        await index.find(LogQuery(clause=odd))

    # then nothing was added
    assert await index.size() == 0


def test_without_its_wheel_the_server_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an environment without the binaries
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)

    # when they are looked for afresh, then the reason says how to have them
    found = postgres.binaries.__wrapped__()
    assert isinstance(found, services.Missing)
    assert "CONCORDAT_POSTGRES" in found.why
