"""The memory of taken messages that forgets with its process."""

import pytest

from adapters.listening.seen import SeenInMemory
from tests.contracts.seen import SeenContract


@pytest.fixture
def seen() -> SeenInMemory:
    return SeenInMemory()


class TestSeenInMemory(SeenContract):
    """See `tests.contracts.seen`."""
