"""Several processes on the same SQLite files, some of which are killed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.backends.sqlite.lock import exclusive
from broker.lanes import Bound, Unavailable
from tests.contracts.lane_restarts import assert_copied_once, publish_numbers
from tests.contracts.sqlite_worker import PER_CALL, SHARDS
from tests.contracts.sqlite_world import SqliteWorld, sqlite_world
from tests.contracts.worlds import BOTH, drain, first_lane

DEATHS = (
    ("inside", 3),
    ("commit", 2),
    ("after", 2),
    ("after", 3),
    ("commit", 5),
    ("inside", 7),
    ("after", 4),
)
"""Where in which write transaction a worker dies; its first one acquires the lanes."""

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SqliteWorld]:
    with sqlite_world(tmp_path, SHARDS) as made:
        yield made


def start(world: SqliteWorld, *arguments: str) -> subprocess.Popen[str]:
    """Start a worker on the world's files."""
    module = [sys.executable, "-m", "tests.contracts.sqlite_worker", str(world.directory)]
    return subprocess.Popen(
        [*module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(worker: subprocess.Popen[str]) -> int:
    """Wait for a worker; return its exit code, negative if a signal ended it."""
    _, errors = worker.communicate(timeout=60)
    assert not errors, errors
    return worker.returncode


async def test_a_worker_killed_in_any_step_of_a_commit_copies_once(world: SqliteWorld) -> None:
    """Given a worker, when it dies in, before and after commits, then each message is once."""
    total = 120
    await publish_numbers(world, total)
    for point, nth in DEATHS:
        worker = await asyncio.to_thread(start, world, "copy", str(total), point, str(nth))
        assert await asyncio.to_thread(finish, worker) == -signal.SIGKILL
    last = await asyncio.to_thread(start, world, "copy", str(total))
    assert await asyncio.to_thread(finish, last) == 0
    await assert_copied_once(world, total)


async def test_two_processes_publish_at_once(world: SqliteWorld) -> None:
    """Given two publishers at once, then every call's messages are there, in order, undivided."""
    count = 200
    workers = [await asyncio.to_thread(start, world, "publish", n, str(count)) for n in "ab"]
    codes = await asyncio.gather(*(asyncio.to_thread(finish, worker) for worker in workers))
    assert codes == [0, 0]
    found = await drain(world.streams("broker"), BOTH)
    for topic in BOTH:
        for shard, received in found.items():
            mine = [r for r in received if r.message.topic == topic]
            assert [r.offset for r in mine] == list(range(len(mine)))
            assert [r.at for r in mine] == sorted(r.at for r in mine)
            for name in "ab":
                numbers = [
                    int(number)
                    for who, _, number in (r.message.value.decode().partition("-") for r in mine)
                    if who == name
                ]
                expected = [
                    number
                    for number in range(count)
                    if BOTH[number % 2] == topic and number % SHARDS == shard
                ]
                assert numbers == expected
    assert count % PER_CALL == 0


async def test_a_waiting_lane_wakes_up_when_another_process_publishes(world: SqliteWorld) -> None:
    async with first_lane(world.streams("broker"), BOTH) as lane:
        taking = asyncio.create_task(lane.take(Bound(wait_ms=60_000)))
        await asyncio.sleep(0)
        worker = await asyncio.to_thread(start, world, "publish", "a", str(PER_CALL))
        assert await asyncio.to_thread(finish, worker) == 0
        assert (await taking).messages


def test_death_of_any_kind_releases_the_lock(world: SqliteWorld) -> None:
    """Given a process that holds the lock, when it is killed, then the next one gets it."""
    path = world.directory / "lock"
    worker = start(world, "hold", str(path))
    assert worker.stdout is not None
    assert worker.stdout.readline() == "held\n"
    with pytest.raises(Unavailable, match="Another process holds it"), exclusive(path):
        pass
    worker.kill()
    assert finish(worker) == -signal.SIGKILL
    with exclusive(path), pytest.raises(Unavailable), exclusive(path):
        pass
    with exclusive(path):
        pass


def test_a_lock_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(Unavailable, match="cannot be locked"),
        exclusive(tmp_path / "file" / "lock"),
    ):
        pass
