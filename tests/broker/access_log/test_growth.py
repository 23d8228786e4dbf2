"""Growing trees and their tiles, against the reference that knows every leaf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.growth import GrowingTree, widths
from broker.access_log.tiles import WIDTH, Tile
from broker.access_log.tree import EMPTY_ROOT, hash_leaf, root_of

MOST = 3 * WIDTH
LEAVES = [hash_leaf(number.to_bytes(3, "big")) for number in range(MOST)]


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_grown_in_steps_has_the_root_over_all_its_leaves(steps: list[int]) -> None:
    # given a tree
    tree = GrowingTree()
    tiles: list[Tile] = []
    for step in steps:
        # when it grows by some leaves
        tiles += tree.append(LEAVES[tree.size : tree.size + step])
        # then its root is the one over all of them
        assert tree.root() == root_of(LEAVES[: tree.size])
    # and it has handed out each full tile once
    full = tree.size // WIDTH
    assert [(tile.level, tile.number) for tile in tiles] == [(0, n) for n in range(full)]
    assert [node for tile in tiles for node in tile.hashes] == LEAVES[: full * WIDTH]
    assert tree.partial[0] == tuple(LEAVES[full * WIDTH : tree.size])


@given(st.integers(0, MOST), st.integers(0, 300))
def test_a_tree_restored_from_its_partial_tiles_goes_on_as_before(size: int, more: int) -> None:
    # given a tree, and one restored from its partial tiles
    tree = GrowingTree()
    tree.append(LEAVES[:size])
    restored = GrowingTree.restored(size, tree.partial)
    assert (restored.size, restored.root()) == (size, tree.root())
    # when both grow, then both are the same
    news = LEAVES[size : size + more]
    assert restored.append(news) == tree.append(news)
    assert (restored.root(), restored.partial) == (tree.root(), tree.partial)


def test_a_tile_of_the_next_level_holds_roots_of_full_tiles() -> None:
    # given as many leaves as fill 256 tiles, and one more
    leaves = [hash_leaf(number.to_bytes(3, "big")) for number in range(WIDTH * WIDTH + 1)]
    tree = GrowingTree()
    # when they are appended
    tiles = tree.append(leaves)
    # then the last tile completed is of level 1, over the roots of all of level 0
    assert (tiles[-1].level, tiles[-1].number) == (1, 0)
    assert tiles[-1].hashes[3] == root_of(leaves[3 * WIDTH : 4 * WIDTH])
    assert tree.partial == ((leaves[-1],), (), (root_of(tiles[-1].hashes),))


def test_a_copy_grows_on_its_own() -> None:
    tree = GrowingTree()
    tree.append(LEAVES[:5])
    before = tree.root()
    other = tree.copy()
    other.append(LEAVES[5:300])
    assert (tree.size, tree.root()) == (5, before)
    assert other.root() == root_of(LEAVES[:300])


def test_an_empty_tree_has_the_empty_root() -> None:
    assert GrowingTree().root() == EMPTY_ROOT


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, [0]), (255, [255]), (256, [0, 1]), (70_000, [112, 17, 1]), (65_536, [0, 0, 1])],
)
def test_widths_of_partial_tiles(size: int, expected: list[int]) -> None:
    assert widths(size) == expected


@pytest.mark.parametrize("tiles", [[], [LEAVES[:4]], [LEAVES[:5], LEAVES[:1]]])
def test_partial_tiles_of_another_size_are_refused(tiles: list[list[bytes]]) -> None:
    with pytest.raises(LogError) as refused:
        GrowingTree.restored(5, tiles)
    assert refused.value.code is SHAPE
