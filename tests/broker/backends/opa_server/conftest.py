"""A server that decides by Eastshire's revision."""

from collections.abc import Iterator

import pytest

from broker.backends.opa_server.point import ServerPoint
from broker.protocol.revision import Revision, compose
from broker.runtimes.founding import engine_files, schema_files
from tests.broker.protocol.county import county
from tests.support.opa import loaded


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a server listens that has Eastshire's revision."""
    with loaded(county()) as found:
        yield found


@pytest.fixture
def server(address: str) -> Iterator[ServerPoint]:
    """What asks it."""
    made = ServerPoint(address, county().digest)
    yield made
    made.close()


@pytest.fixture(scope="session")
def other() -> Revision:
    """Another revision of Eastshire's, without its clause 4.1."""
    clauses = [one for one in county().clauses if one.id != "4.1"]
    return compose(county().agreement, clauses, (), schema_files(), engine_files())
