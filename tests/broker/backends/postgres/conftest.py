"""A PostgreSQL server, and an index in a schema of its own."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from broker.backends.postgres.log_index import PostgresLogIndex
from tests.support import postgres


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a server listens."""
    named = os.environ.get("CONCORDAT_POSTGRES")
    if named:
        yield named
        return
    with postgres.own_server() as running:
        yield running.address


@pytest.fixture
async def schema(address: str) -> AsyncIterator[str]:
    async with postgres.own_schema(address) as name:
        yield name


@pytest.fixture
async def index(address: str, schema: str) -> AsyncIterator[PostgresLogIndex]:
    async with PostgresLogIndex.open(address, schema) as opened:
        yield opened
