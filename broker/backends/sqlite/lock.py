"""One living process at a time: a lock that ends with its holder, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from broker.backends.sqlite.filesystem import refuse_network
from broker.lanes import Unavailable

HELD = "Another process holds it: stop that one, or wait until it has ended."


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, or fail at once.

    The kernel's `flock`, so death of any kind releases it, and no stale file can lock anybody out.
    A process that forks hands the lock on to its children: start worker processes by spawning.

    Args:
        path: the lock file; it is made if it is missing and stays behind. Its directory exists.

    Raises:
        Unavailable: another process, or another place in this one, holds it.
        StoreError: the path lies on a network file system.
    """
    refuse_network(path)
    lock = FileLock(path, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise Unavailable(str(path), HELD) from None
    except OSError as error:
        raise Unavailable(str(path), f"It cannot be locked: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
