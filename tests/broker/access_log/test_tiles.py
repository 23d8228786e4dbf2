"""Paths and bytes of tiles and bundles, as C2SP tlog-tiles has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.tiles import (
    ENTRY_BYTES,
    WIDTH,
    Tile,
    bundle_path,
    decode_bundle,
    decode_tile,
    encode_bundle,
    number_path,
    subtrees,
    tile_path,
)
from broker.access_log.tree import hash_leaf, root_of


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1_000, "x001/000"),
        (1_234_067, "x001/x234/067"),  # the example of C2SP tlog-tiles
        (1_000_000, "x001/x000/000"),
    ],
)
def test_numbers_become_paths(number: int, path: str) -> None:
    assert number_path(number) == path


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_no_number_is_a_folder_of_another_one(one: int, other: int) -> None:
    if one != other:
        assert not number_path(other).startswith(number_path(one) + "/")
        assert number_path(one) != number_path(other)


def test_tiles_and_bundles_have_their_places() -> None:
    assert tile_path(0, 5) == "tile/0/005"
    assert tile_path(1, 1_234, 17) == "tile/1/x001/234.p/17"
    assert bundle_path(5) == "tile/entries/005"
    assert bundle_path(5, 3) == "tile/entries/005.p/3"
    tile = Tile(1, 1_234, tuple(hash_leaf(bytes((n,))) for n in range(WIDTH)))
    assert tile.path == "tile/1/x001/234"
    assert decode_tile(tile.data, tile.path) == tile.hashes


def test_a_bundle_is_its_entries_behind_their_lengths() -> None:
    entries = [bytes((n,)) * ENTRY_BYTES for n in range(3)]
    data = encode_bundle(entries)
    assert data[:3] == b"\x00\x60\x00"
    assert decode_bundle(data, "here") == entries


@pytest.mark.parametrize("change", ["cut", "more", "length"])
def test_what_is_no_bundle_is_refused(change: str) -> None:
    data = encode_bundle([bytes(ENTRY_BYTES), bytes(ENTRY_BYTES)])
    damaged = {"cut": data[:-1], "more": data + b"\x00", "length": b"\x00\x5f" + data[2:]}[change]
    with pytest.raises(LogError) as refused:
        decode_bundle(damaged, "here")
    assert (refused.value.code, refused.value.where) == (SHAPE, "here")


def test_what_is_no_tile_is_refused() -> None:
    with pytest.raises(LogError):
        decode_tile(bytes(31), "here", 1)


@given(st.integers(1, 40))
def test_subtrees_are_the_roots_of_complete_subtrees(count: int) -> None:
    hashes = [hash_leaf(bytes((n,))) for n in range(count)]
    for height, row in enumerate(subtrees(hashes)):
        width = 1 << height
        assert row == [root_of(hashes[n : n + width]) for n in range(0, count - width + 1, width)]
