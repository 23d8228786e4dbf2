"""Paths from tiles, against the reference that knows every leaf."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import PROOF_CONSISTENCY, PROOF_INCLUSION, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.prover import Prover, TileCache, TileId
from broker.access_log.tiles import WIDTH, Tile
from broker.access_log.tree import (
    check_consistency,
    check_inclusion,
    consistency_path,
    hash_leaf,
    inclusion_path,
    root_of,
)

MOST = WIDTH * WIDTH + 2 * WIDTH
"""More leaves than a tile of level 1 spans."""

# Sizes around everything that the layout of tiles turns on.
EDGES = (1, 2, 255, 256, 257, 511, 512, 513, WIDTH**2 - 1, WIDTH**2, WIDTH**2 + 1, MOST)
sizes = st.sampled_from(EDGES) | st.integers(1, 1_200)


@cache
def leaves() -> list[bytes]:
    return [hash_leaf(number.to_bytes(3, "big")) for number in range(MOST)]


@cache
def grown(size: int) -> tuple[GrowingTree, dict[TileId, Tile]]:
    """Return a tree and the tiles that a store would hold."""
    tree = GrowingTree()
    tiles = tree.append(leaves()[:size])
    return tree, {TileId(tile.level, tile.number): tile for tile in tiles}


@cache
def root(size: int) -> bytes:
    return grown(size)[0].root()


def prover(size: int) -> tuple[Prover, TileCache, dict[TileId, Tile]]:
    tree, tiles = grown(size)
    kept = TileCache()
    return Prover(tree, kept), kept, tiles


def load(kept: TileCache, tiles: dict[TileId, Tile], wanted: set[TileId]) -> None:
    for tile in wanted:
        kept.add(tile, tiles[tile].hashes)


@given(sizes, st.data())
def test_inclusion_paths_verify_with_the_tiles_that_were_asked_for(
    size: int, data: st.DataObject
) -> None:
    # given a prover without any full tile
    proving, kept, tiles = prover(size)
    index = data.draw(st.integers(0, size - 1))
    # when it gets those that it says are missing
    load(kept, tiles, proving.missing(index))
    # then its path leads to the root
    check_inclusion(leaves()[index], index, size, root(size), proving.inclusion(index))


@pytest.mark.parametrize("size", EDGES)
def test_the_first_and_the_last_leaf_have_paths_at_every_edge(size: int) -> None:
    proving, kept, tiles = prover(size)
    for index in (0, size - 1):
        load(kept, tiles, proving.missing(index))
        check_inclusion(leaves()[index], index, size, root(size), proving.inclusion(index))


@given(st.integers(1, 700), st.data())
def test_inclusion_paths_are_the_reference_ones(size: int, data: st.DataObject) -> None:
    proving, kept, tiles = prover(size)
    indices = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=5))
    load(kept, tiles, proving.missing(*indices))
    for index in indices:
        assert proving.inclusion(index) == inclusion_path(index, leaves()[:size])


@given(sizes, st.data())
def test_consistency_paths_verify_with_the_tiles_that_were_asked_for(
    size: int, data: st.DataObject
) -> None:
    proving, kept, tiles = prover(size)
    old = data.draw(st.sampled_from([n for n in EDGES if n <= size]) | st.integers(0, size))
    load(kept, tiles, proving.missing_for_consistency(old))
    before = root(old) if old else root_of([])
    check_consistency(old, before, size, root(size), proving.consistency(old))


@given(st.integers(1, 700), st.data())
def test_consistency_paths_are_the_reference_ones(size: int, data: st.DataObject) -> None:
    proving, kept, tiles = prover(size)
    old = data.draw(st.integers(0, size))
    load(kept, tiles, proving.missing_for_consistency(old))
    assert proving.consistency(old) == consistency_path(old, leaves()[:size])


def test_few_tiles_are_read_for_a_path_whatever_the_size() -> None:
    proving, _, _ = prover(MOST)
    assert len(proving.missing(0, 1, 2)) <= 3


def test_tiles_that_no_store_holds_yet_are_taken_from_the_tree_that_grew() -> None:
    # given a tree that has just completed a tile
    tree = GrowingTree()
    full = tree.append(leaves()[:300])
    proving = Prover(tree, TileCache(), full)
    # then nothing is missing for its leaves
    assert proving.missing(0, 299) == set()
    check_inclusion(leaves()[0], 0, 300, tree.root(), proving.inclusion(0))


def test_the_cache_drops_what_was_used_least_recently() -> None:
    # given a full cache whose oldest tile was used again
    kept = TileCache(kept=2)
    ids = [TileId(0, number) for number in range(3)]
    for tile in ids[:2]:
        kept.add(tile, leaves()[:WIDTH])
    assert kept.has(ids[0])
    # when another one comes
    kept.add(ids[2], leaves()[:WIDTH])
    kept.trim()
    # then the other old one is gone
    assert [kept.has(tile) for tile in ids] == [True, False, True]


@pytest.mark.parametrize("index", [-1, 5])
def test_there_is_no_path_for_a_leaf_outside_the_tree(index: int) -> None:
    with pytest.raises(LogError) as refused:
        prover(5)[0].inclusion(index)
    assert refused.value.code is PROOF_INCLUSION


def test_there_is_no_path_from_a_larger_tree() -> None:
    with pytest.raises(LogError) as refused:
        prover(5)[0].consistency(6)
    assert refused.value.code is PROOF_CONSISTENCY
