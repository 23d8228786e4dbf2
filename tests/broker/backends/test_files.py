"""The log's store in a directory: the contract, and what only a directory can show."""

import asyncio
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from broker.access_log.errors import StoreConflict, SwapLost
from broker.access_log.ports import TileStore
from broker.backends import filesystem
from broker.backends.files import FileTileStore
from broker.backends.files import store as module
from broker.backends.files.errors import NETWORK, FileStoreError
from broker.lanes import Unavailable
from tests.contracts.tile_store import PATH, TileStoreContract


@pytest.fixture
def store(tmp_path: Path) -> FileTileStore:
    return FileTileStore(tmp_path / "log")


class TestFileTileStore(TileStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FileTileStore:
        return FileTileStore(tmp_path / "log")

    def reopened(self, store: TileStore) -> TileStore:
        assert isinstance(store, FileTileStore)
        return FileTileStore(store._root)


async def test_files_lie_where_their_paths_say(store: FileTileStore, tmp_path: Path) -> None:
    await store.create(PATH, b"bytes")
    await store.swap(None, b"record")
    assert (tmp_path / "log" / PATH).read_bytes() == b"bytes"
    assert (tmp_path / "log" / "commit").read_bytes() == b"record"
    # and nothing is left on its way
    assert list((tmp_path / "log" / "new").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "commit",
        "new/file",
        "/tile/0",
        "tile//0",
        "tile/../commit",
        "tile/./0",
        "tile/.hidden",
        "tile/0/",
        "tile\\0/1",
        "tile/é",
        "tile/A",
    ],
)
async def test_no_path_leads_elsewhere(store: FileTileStore, path: str) -> None:
    with pytest.raises(ValueError, match="plain names"):
        await store.create(path, b"")
    with pytest.raises(ValueError, match="plain names"):
        await store.read(path)


async def test_names_are_synced_before_a_call_returns(
    store: FileTileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a look at what is synced
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    root = tmp_path / "log"
    # when a file is written into new folders
    await store.create("tile/0/000", b"bytes")
    # then the file, every new name above it, and its own name are synced, in an order that lasts
    file = [name for name in synced if name not in {"log", "tile", "0"}]
    assert [name for name in synced if name in {"log", "tile", "0"}] == ["log", "tile", "0"]
    assert len(file) == 1
    assert synced.index(file[0]) < synced.index("0")
    # and so is a record, with its name
    synced.clear()
    await store.swap(None, b"record")
    assert synced[-1] == root.name
    assert len(synced) == 2


async def test_a_file_that_another_process_has_linked_is_synced_all_the_same(
    store: FileTileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file whose writer died before its folder was synced
    await store.create(PATH, b"bytes")
    synced: list[Path] = []
    monkeypatch.setattr(module, "_sync", synced.append)
    # when it is written again, then its name is made to last
    await store.create(PATH, b"bytes")
    assert synced == [store._place(PATH).parent]


async def test_half_written_files_are_never_seen_and_swept_when_old(tmp_path: Path) -> None:
    # given files on their way whose writers died, one long ago
    root = tmp_path / "log"
    FileTileStore(root)
    old, young = root / "new" / "old", root / "new" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    then = time.time() - module.STALE_S - 1
    os.utime(old, (then, then))
    # when the store is opened, then only that one is removed
    store = FileTileStore(root)
    assert (old.exists(), young.exists()) == (False, True)
    with pytest.raises(ValueError, match="plain names"):
        await store.read("new/young")


async def test_a_sweep_at_the_same_time_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "log"
    FileTileStore(root)
    (root / "new" / "gone").write_bytes(b"half")
    real = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "gone":
            raise FileNotFoundError
        return real(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    FileTileStore(root)


async def test_reads_come_from_memory_and_not_without_one(
    store: FileTileStore, tmp_path: Path
) -> None:
    # given a file that was read, and changes on disk
    await store.create(PATH, b"bytes")
    (tmp_path / "log" / PATH).write_bytes(b"decayed")
    # then memory hides that, and a store without memory does not
    assert await store.read(PATH) == b"bytes"
    bare = FileTileStore(tmp_path / "log", cache_bytes=0)
    assert await bare.read(PATH) == b"decayed"
    assert await bare.read(PATH) == b"decayed"
    with pytest.raises(StoreConflict):
        await bare.create(PATH, b"bytes")


async def test_memory_is_bounded(tmp_path: Path) -> None:
    # given a store that keeps 100 bytes
    store = FileTileStore(tmp_path / "log", cache_bytes=100)
    for number in range(5):
        await store.create(f"tile/0/00{number}", bytes(40))
    await store.read("tile/0/003")
    await store.create("tile/0/005", bytes(40))
    # then it holds those used last, and nothing that is larger
    assert list(store._kept) == ["tile/0/003", "tile/0/005"]
    await store.create("tile/0/006", bytes(101))
    assert "tile/0/006" not in store._kept
    assert await store.read("tile/0/000") == bytes(40)


async def test_what_the_file_system_refuses_is_told(tmp_path: Path) -> None:
    # given a store whose place is taken by a file
    (tmp_path / "log").write_bytes(b"")
    with pytest.raises(Unavailable) as refused:
        FileTileStore(tmp_path / "log")
    assert "Not a directory" in refused.value.fix or "exists" in refused.value.fix
    # or in which a folder's place is
    store = FileTileStore(tmp_path / "other")
    (tmp_path / "other" / "tile").write_bytes(b"")
    with pytest.raises(Unavailable):
        await store.create(PATH, b"bytes")
    assert await store.read(PATH) is None


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a directory that is mounted from another machine, and a link to it
    mounts = tmp_path / "mountinfo"
    share = tmp_path / "share"
    share.mkdir()
    mounts.write_text(f"30 27 0:40 / {share} rw - nfs4 server:/export rw\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    link = tmp_path / "link"
    link.symlink_to(share)
    # when a log is to lie there, then it is refused and nothing is made
    for root in (share, share / "log", link / "log"):
        with pytest.raises(FileStoreError, match="nfs4") as refused:
            FileTileStore(root)
        assert refused.value.code is NETWORK
    assert list(share.iterdir()) == []
    # beside it, and where no mounts are listed, it is not
    FileTileStore(tmp_path / "log")
    mounts.unlink()
    FileTileStore(share / "log")


async def test_a_swap_does_not_wait_for_ever(
    store: FileTileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given somebody who holds the lock and does not let go
    monkeypatch.setattr(module, "LOCK_S", 0.02)
    # then a swap gives up, and nothing has changed
    with store._locked(), pytest.raises(Unavailable, match="holds its lock"):
        await store.swap(None, b"record")
    assert await store.current() is None
    await store.swap(None, b"record")


def _swap_many(root: Path, name: int, count: int) -> None:
    """Swap the record `count` times, whatever it holds: the work of one process."""

    async def work() -> None:
        store = FileTileStore(root)
        done = 0
        while done < count:
            old = await store.current()
            try:
                await store.swap(old, (old or b"") + bytes((name,)))
            except SwapLost:
                continue
            done += 1

    asyncio.run(work())


async def test_processes_that_swap_at_once_lose_none_of_each_others(tmp_path: Path) -> None:
    # given processes that each add to the record many times
    spawn = multiprocessing.get_context("spawn")
    root = tmp_path / "log"
    processes = [spawn.Process(target=_swap_many, args=(root, name, 40)) for name in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    # then the record holds everything that any of them has added
    assert [process.exitcode for process in processes] == [0, 0, 0]
    record = await FileTileStore(root).current()
    assert record is not None
    assert sorted(record) == [0] * 40 + [1] * 40 + [2] * 40
