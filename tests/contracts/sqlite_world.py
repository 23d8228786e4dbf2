"""The contract's installation in three SQLite files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from broker.backends.sqlite.store import Store
from broker.backends.sqlite.streams import SqliteStreams
from broker.backends.topology import Topology
from broker.clock import Instant
from tests.contracts.worlds import AGENCY, BROKER, START, STREAM, topology

FILES = {"stream": STREAM, "broker": BROKER, "agency": AGENCY}


class TickingClock:
    """A clock that moves by a millisecond each time it is asked."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> Instant:
        self.time = Instant(self.time + 1)
        return self.time


class SqliteWorld:
    """Three files in a directory; each `streams` opens them anew, as another process would."""

    def __init__(self, directory: Path, shards: int, stack: ExitStack) -> None:
        self.directory = directory
        self.shards = shards
        self.clock = TickingClock()
        self._stack = stack

    def store(self, name: str) -> Store:
        return self._stack.enter_context(Store.open(self.directory / f"{name}.sqlite"))

    def streams(self, sink: str, shape: Topology | None = None) -> SqliteStreams:
        stores = {name: self.store(name) for name in FILES}
        places = {topic: stores[name] for name, topics in FILES.items() for topic in topics}
        return SqliteStreams(places, stores[sink], self.clock, shape or topology(self.shards))


@contextmanager
def sqlite_world(directory: Path, shards: int) -> Iterator[SqliteWorld]:
    """Make the files, and close whatever was opened at the end."""
    with ExitStack() as stack:
        for name in FILES:
            Store.open(directory / f"{name}.sqlite", create=True, checkpoints=True).close()
        yield SqliteWorld(directory, shards, stack)
