"""The log's store in a directory.

    <root>/commit            the commit record, replaced by rename
    <root>/commit.lock       held (flock) while the record is compared and replaced
    <root>/new/              files on their way; left over ones are removed at the start
    <root>/<path>            everything else, written once

A file is written beside its place, synced, and linked into place: a link fails if the name is taken
and never shows half a file. Folders are synced before a call returns, so that the name lasts too.
The locks need a local file system: on a network one they may not exclude another host, so that one
is refused.
"""

import asyncio
import errno
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from broker.access_log.errors import StoreConflict, SwapLost
from broker.backends.files.errors import NETWORK, FileStoreError
from broker.backends.filesystem import FULL_DISK, network_type
from broker.lanes import Unavailable

CACHE_BYTES = 32 * 1024 * 1024
"""Bytes of files kept in memory: 4,000 tiles, or the openings of some batches."""

CACHED_FILE_BYTES = 1024 * 1024
"""Size up to which a file is kept: tiles, bundles, descriptors; not large openings."""

LOCK_S = 5.0
"""How long to wait for the lock, in seconds: a swap holds it for some milliseconds."""

LOCK_STEP_S = 0.005
"""How often to try, in seconds."""

STALE_S = 3_600.0
"""Age in seconds from which a file on its way is left over: a write takes milliseconds."""

_PART = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_COMMIT = "commit"
_NEW = "new"


class FileTileStore:
    """A `TileStore` in a directory; any number of processes may use it at once."""

    def __init__(self, root: Path, *, cache_bytes: int = CACHE_BYTES) -> None:
        """Use `root`, which is made if it does not exist.

        Args:
            root: the directory, on a local file system.
            cache_bytes: how much to keep in memory; 0 reads everything from disk, for verification.

        Raises:
            FileStoreError: the directory lies on a network file system.
            Unavailable: the directory cannot be made or written.
        """
        kind = network_type(root)
        if kind:
            raise FileStoreError(NETWORK, f"{root}, {kind}")
        self._root = root
        self._most = cache_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._guard = Lock()
        with _reachable("log store"):
            self._folder(root / _NEW)
            self._sweep()

    async def create(self, path: str, data: bytes) -> None:
        """Write a file once; see `broker.access_log.ports.TileStore`."""
        await asyncio.to_thread(self._create, path, data)

    async def read(self, path: str) -> bytes | None:
        """Return a file's bytes; see `broker.access_log.ports.TileStore`."""
        kept = self._recall(path)
        return kept if kept is not None else await asyncio.to_thread(self._read, path)

    async def current(self) -> bytes | None:
        """Return the commit record; see `broker.access_log.ports.TileStore`."""
        return await asyncio.to_thread(self._current)

    async def swap(self, old: bytes | None, new: bytes) -> None:
        """Replace the commit record; see `broker.access_log.ports.TileStore`."""
        await asyncio.to_thread(self._swap, old, new)

    def _create(self, path: str, data: bytes) -> None:
        place = self._place(path)
        with _reachable(path):
            self._folder(place.parent)
            new = self._write(data)
            try:
                os.link(new, place)
            except FileExistsError:
                if place.read_bytes() != data:
                    raise StoreConflict(path) from None
            finally:
                new.unlink()
            # Also when the file stood already: whoever linked it may not have come to this.
            _sync(place.parent)
        self._keep(path, data)

    def _read(self, path: str) -> bytes | None:
        with _reachable(path):
            try:
                data = self._place(path).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None
        self._keep(path, data)
        return data

    def _current(self) -> bytes | None:
        with _reachable(_COMMIT):
            try:
                return (self._root / _COMMIT).read_bytes()
            except FileNotFoundError:
                return None

    def _swap(self, old: bytes | None, new: bytes) -> None:
        with _reachable(_COMMIT):
            # Written before the lock: a process that freezes with it holds up all others.
            written = self._write(new)
            try:
                with self._locked():
                    if self._current() != old:
                        raise SwapLost(_COMMIT)
                    written.replace(self._root / _COMMIT)
                    _sync(self._root)
            finally:
                written.unlink(missing_ok=True)

    def _write(self, data: bytes) -> Path:
        """Write and sync a file on its way; return where it is."""
        path = self._root / _NEW / secrets.token_hex(8)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The kernel's flock: it ends with the process, however that ends. One object a call: it
        # keeps out other threads of this process as well.
        lock = FileLock(self._root / f"{_COMMIT}.lock", timeout=LOCK_S, fallback_to_soft=False)
        try:
            lock.acquire(poll_interval=LOCK_STEP_S)
        except Timeout:
            raise Unavailable(_COMMIT, "Another process holds its lock: stop that one.") from None
        try:
            yield
        finally:
            lock.release()

    def _place(self, path: str) -> Path:
        parts = path.split("/")
        reserved = len(parts) == 1 or parts[0] == _NEW
        if reserved or not all(_PART.fullmatch(part) for part in parts):
            message = "a path of the log's store is two or more plain names"
            raise ValueError(message)
        return self._root.joinpath(*parts)

    def _folder(self, folder: Path) -> None:
        """Make a folder and those above it last, if they do not exist."""
        if folder.is_dir():
            return
        self._folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        _sync(folder.parent)

    def _sweep(self) -> None:
        """Remove files on their way that a process left when it died."""
        now = time.time()
        for path in (self._root / _NEW).iterdir():
            with suppress(FileNotFoundError):
                if now - path.stat().st_mtime > STALE_S:
                    path.unlink()

    def _recall(self, path: str) -> bytes | None:
        with self._guard:
            data = self._kept.get(path)
            if data is not None:
                self._kept.move_to_end(path)
            return data

    def _keep(self, path: str, data: bytes) -> None:
        if len(data) > min(CACHED_FILE_BYTES, self._most):
            return
        with self._guard:
            self._size += len(data) - len(self._kept.pop(path, b""))
            self._kept[path] = data
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])


@contextmanager
def _reachable(where: str) -> Iterator[None]:
    """Turn what the operating system refuses into `Unavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Unavailable(f"log store, {where}", FULL_DISK) from error
        reason = error.strerror or "unknown error"
        raise Unavailable(
            where, f"The file system said: {reason}. Mend that, then go on."
        ) from error


def _sync(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
