"""The lane contract on SQLite files, with one shard and with three."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest

from tests.contracts.lane_machine import SHORT, LaneMachine
from tests.contracts.lane_restarts import RestartContract
from tests.contracts.lanes import LaneContract
from tests.contracts.sqlite_world import SqliteWorld, sqlite_world


@pytest.fixture(params=[1, 3])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SqliteWorld]:
    with sqlite_world(tmp_path, request.param) as made:
        yield made


class TestSqliteLanes(LaneContract, RestartContract):
    """See `tests.contracts.lanes`."""


class SqliteMachine(LaneMachine):
    def make_world(self) -> SqliteWorld:
        self.files = ExitStack()
        directory = Path(tempfile.mkdtemp())
        self.files.callback(shutil.rmtree, directory)
        return self.files.enter_context(sqlite_world(directory, self.shards))

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "files"):
            self.files.close()


class SqliteMachineOfThree(SqliteMachine):
    shards: ClassVar[int] = 3


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = SHORT
TestSqliteMachineOfThree = SqliteMachineOfThree.TestCase
TestSqliteMachineOfThree.settings = SHORT
