"""The stores that this folder's tests stand on keep the contracts of the real ones."""

import pytest

from tests.broker.access_log.stores import MemoryLogIndex, MemoryTileStore
from tests.contracts.log_index import LogIndexContract
from tests.contracts.tile_store import TileStoreContract


class TestMemoryTileStore(TileStoreContract):
    @pytest.fixture
    def store(self) -> MemoryTileStore:
        return MemoryTileStore()


class TestMemoryLogIndex(LogIndexContract):
    @pytest.fixture
    def index(self) -> MemoryLogIndex:
        return MemoryLogIndex()
