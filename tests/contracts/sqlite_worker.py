"""Another process on the contract's SQLite files; run as a module.

    python -m tests.contracts.sqlite_worker DIRECTORY publish NAME COUNT
    python -m tests.contracts.sqlite_worker DIRECTORY copy TOTAL [POINT NTH]
    python -m tests.contracts.sqlite_worker DIRECTORY hold LOCK-FILE

`copy` dies (SIGKILL) at the n-th write transaction: `inside` it, in its `commit` before anything is
durable, or right `after` it, before the caller has heard.
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random

from broker.backends.sqlite.lock import exclusive
from broker.backends.sqlite.streams import SqliteStreams
from broker.clock import Instant
from tests.contracts.lane_restarts import copy_all
from tests.contracts.sqlite_world import SqliteWorld, TickingClock
from tests.contracts.worlds import BOTH, record

SHARDS = 3
PER_CALL = 5


class Fuse:
    """Kills this process when it has burnt down."""

    def __init__(self, length: int) -> None:
        self._left = length

    def burn(self) -> int:
        """Return 0, which tells SQLite to go on; or do not return."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


class DeadlyClock(TickingClock):
    """Burns a fuse whenever it is asked: within a transaction, before the first row."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def now(self) -> Instant:
        self._fuse.burn()
        return super().now()


def arm(world: SqliteWorld, point: str, fuse: Fuse) -> SqliteStreams:
    """Return the router's streams, set to die at a point."""
    if point == "inside":
        world.clock = DeadlyClock(fuse)
    streams = world.streams("broker")
    connection = streams._party.sink.database._connection
    if point == "commit":
        connection.set_commit_hook(lambda: bool(fuse.burn()))
    if point == "after":
        connection.set_wal_hook(lambda *_: fuse.burn())
    return streams


async def publish(world: SqliteWorld, name: str, count: int) -> None:
    """Publish numbered messages, some a call, to two topics and all shards."""
    streams = world.streams("agency")
    for start in range(0, count, PER_CALL):
        await streams.publish(
            [
                record(f"{name}-{number}", BOTH[number % 2], shard=number % SHARDS)
                for number in range(start, start + PER_CALL)
            ]
        )


def main() -> None:
    """Do what the command line says."""
    directory, task, *rest = sys.argv[1:]
    with ExitStack() as stack:
        world = SqliteWorld(Path(directory), SHARDS, stack)
        match task, rest:
            case "publish", [name, count]:
                asyncio.run(publish(world, name, int(count)))
            case "copy", [total, *when]:
                point, nth = when or ("never", "0")
                streams = arm(world, point, Fuse(int(nth)))
                asyncio.run(copy_all(streams, Random(1), int(total)))
            case "hold", [path]:
                stack.enter_context(exclusive(Path(path)))
                sys.stdout.write("held\n")
                sys.stdout.flush()
                sys.stdin.read()
            case _:
                sys.exit(__doc__)


if __name__ == "__main__":
    main()
