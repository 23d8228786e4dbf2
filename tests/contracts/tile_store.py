"""What every tile store keeps: subclass, and give an empty `store`.

Override `reopened` where another process can look at the same store.
"""

import asyncio

import pytest

from broker.access_log.errors import StoreConflict, SwapLost
from broker.access_log.ports import TileStore

PATH = "tile/0/x001/234"


class TileStoreContract:
    """The contract."""

    def reopened(self, store: TileStore) -> TileStore:
        """Return the store as another process sees it."""
        return store

    async def test_a_file_is_read_as_it_was_written(self, store: TileStore) -> None:
        # given a file
        await store.create(PATH, b"bytes")
        # then it is read, here and elsewhere
        assert await store.read(PATH) == b"bytes"
        assert await self.reopened(store).read(PATH) == b"bytes"

    async def test_a_file_that_was_never_written_is_none(self, store: TileStore) -> None:
        assert await store.read(PATH) is None
        # also where its name is the beginning of another one's
        await store.create(f"{PATH}/567", b"")
        assert await store.read("tile/0/x001") is None
        assert await store.read(f"{PATH}/567/8") is None

    @pytest.mark.parametrize("data", [b"", b"\x00", bytes(range(256)) * 5_000])
    async def test_any_bytes_are_kept(self, store: TileStore, data: bytes) -> None:
        await store.create("openings/aa", data)
        assert await self.reopened(store).read("openings/aa") == data

    async def test_the_same_bytes_again_change_nothing(self, store: TileStore) -> None:
        await store.create(PATH, b"bytes")
        await store.create(PATH, b"bytes")
        await self.reopened(store).create(PATH, b"bytes")
        assert await store.read(PATH) == b"bytes"

    async def test_other_bytes_are_refused_and_the_first_are_kept(self, store: TileStore) -> None:
        await store.create(PATH, b"bytes")
        for other in (store, self.reopened(store)):
            with pytest.raises(StoreConflict):
                await other.create(PATH, b"others")
        assert await self.reopened(store).read(PATH) == b"bytes"

    async def test_of_two_that_write_at_once_one_is_refused(self, store: TileStore) -> None:
        writing = [self.reopened(store).create(PATH, bytes((n,))) for n in range(8)]
        done = await asyncio.gather(*writing, return_exceptions=True)
        assert [type(one) for one in done if one is not None] == [StoreConflict] * 7
        written = await store.read(PATH)
        assert written == bytes((done.index(None),))

    async def test_many_files_are_written_at_once(self, store: TileStore) -> None:
        paths = [f"tile/{level}/x00{n}/00{n}" for level in range(3) for n in range(5)]
        await asyncio.gather(*(store.create(path, path.encode()) for path in paths))
        for path in paths:
            assert await self.reopened(store).read(path) == path.encode()

    async def test_the_commit_record_begins_with_none(self, store: TileStore) -> None:
        assert await store.current() is None

    async def test_the_commit_record_is_swapped(self, store: TileStore) -> None:
        # given a first record
        await store.swap(None, b"one")
        assert await self.reopened(store).current() == b"one"
        # when it is replaced by whoever knows it
        await store.swap(b"one", b"two")
        # then the new one stands
        assert await self.reopened(store).current() == b"two"

    async def test_a_swap_from_another_record_is_lost(self, store: TileStore) -> None:
        for old in (b"", b"zero"):
            with pytest.raises(SwapLost):
                await store.swap(old, b"one")
        assert await store.current() is None
        await store.swap(None, b"one")
        for known in (None, b"zero"):
            with pytest.raises(SwapLost):
                await self.reopened(store).swap(known, b"two")
        assert await store.current() == b"one"

    async def test_of_many_swaps_at_once_one_succeeds(self, store: TileStore) -> None:
        await store.swap(None, b"old")
        swapping = [self.reopened(store).swap(b"old", bytes((n,))) for n in range(8)]
        done = await asyncio.gather(*swapping, return_exceptions=True)
        assert [type(one) for one in done if one is not None] == [SwapLost] * 7
        assert await store.current() == bytes((done.index(None),))
