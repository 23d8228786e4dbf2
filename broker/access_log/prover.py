"""Inclusion and consistency paths from tiles: a few look-ups a path, no hashing of the log anew.

A path of RFC 6962 is made of complete subtrees, which lie inside tiles, and of at most one subtree
that the tree's right edge cuts short, which is folded from complete ones.

A `Prover` is synchronous and holds what it was given; `missing` says which full tiles it still
needs for a path, so that whoever drives it reads those and no others.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from broker.access_log.errors import PROOF_CONSISTENCY, PROOF_INCLUSION, LogError
from broker.access_log.growth import GrowingTree
from broker.access_log.tiles import HEIGHT, WIDTH, Tile, subtrees
from broker.access_log.tree import hash_node, split

TILES_KEPT = 256
"""Full tiles that stay expanded in memory: 256 × 511 hashes, about 9 MB; 65,536 leaves."""


class TileId(NamedTuple):
    """Which tile: level, and number within the level."""

    level: int
    number: int


class TileCache:
    """Expanded full tiles, those used last; shared by the provers of one process."""

    def __init__(self, kept: int = TILES_KEPT) -> None:
        """Keep at most `kept` tiles between proofs."""
        self._kept = kept
        self._tiles: OrderedDict[TileId, list[list[bytes]]] = OrderedDict()

    def add(self, tile: TileId, hashes: Sequence[bytes]) -> None:
        """Keep a full tile's 256 hashes and all nodes over them."""
        self._tiles[tile] = subtrees(hashes)

    def has(self, tile: TileId) -> bool:
        """Tell whether the tile is here, and count it as used."""
        if tile not in self._tiles:
            return False
        self._tiles.move_to_end(tile)
        return True

    def rows(self, tile: TileId) -> list[list[bytes]]:
        """Return the nodes of a tile by height; it must be here."""
        return self._tiles[tile]

    def trim(self) -> None:
        """Drop the tiles used least recently; call between proofs, never within one."""
        while len(self._tiles) > self._kept:
            self._tiles.popitem(last=False)


class Prover:
    """Paths in the tree of one size."""

    def __init__(self, tree: GrowingTree, cache: TileCache, full: Iterable[Tile] = ()) -> None:
        """Prove in `tree` as it stands now; `full` are tiles that no store may hold yet."""
        self.size = tree.size
        self._cache = cache
        for tile in full:
            cache.add(TileId(tile.level, tile.number), tile.hashes)
        self._open = {
            TileId(level, tree.size >> HEIGHT * (level + 1)): subtrees(hashes)
            for level, hashes in enumerate(tree.partial)
            if hashes
        }
        self._cut: dict[int, bytes] = {}

    def missing(self, *indices: int) -> set[TileId]:
        """Return the full tiles that the inclusion paths of these leaves need and that lack."""
        needed = set(self._edge_tiles())
        for number in {index // WIDTH for index in indices}:
            at, level = number, 0
            while nodes := self.size >> HEIGHT * level:
                # Where the right edge has not reached this tile, paths go past it to the left.
                if at * WIDTH < nodes:
                    needed.add(TileId(level, at))
                at //= WIDTH
                level += 1
        return self._lacking(needed)

    def missing_for_consistency(self, old: int) -> set[TileId]:
        """Return the full tiles that the path from the tree of `old` leaves needs and that lack."""
        needed = set(self._edge_tiles())
        for low, high in self._ranges(old):
            if high - low & (high - low - 1) == 0:
                needed.add(_place((high - low).bit_length() - 1, low)[0])
        return self._lacking(needed)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the inclusion path of a leaf; every tile of `missing` must have been added.

        Raises:
            LogError: `log.proof.inclusion`; the tree has no such leaf.
        """
        if not 0 <= index < self.size:
            raise LogError(PROOF_INCLUSION, "no such leaf")
        return (*self.siblings(index, 0, HEIGHT), *self.siblings(index, HEIGHT, 64))

    def siblings(self, index: int, first: int, end: int) -> list[bytes]:
        """Return the part of a leaf's path at heights from `first` up to `end`.

        The part from height 8 on is the same for all leaves of one tile.
        """
        last = self.size - 1
        # Below `inner` the leaf and the last leaf lie in different subtrees, so that every height
        # has a sibling, and only the uppermost can be cut short; above, only left ones exist.
        inner = (index ^ last).bit_length()
        path: list[bytes] = []
        for height in range(first, min(end, last.bit_length())):
            at = index >> height
            if height < inner:
                path.append(self._subtree(height, (at ^ 1) << height))
            elif at & 1:
                path.append(self._node(height, (at ^ 1) << height))
        return path

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """Return the path from the tree of `old` leaves to this one.

        Raises:
            LogError: `log.proof.consistency`; the old tree is larger than this one.
        """
        return tuple(
            self._subtree((high - low - 1).bit_length(), low) for low, high in self._ranges(old)
        )

    def _ranges(self, old: int) -> list[tuple[int, int]]:
        """Return the ranges of leaves whose roots the consistency path is made of, in order."""
        if not 0 <= old <= self.size:
            raise LogError(PROOF_CONSISTENCY, "no such tree")
        ranges: list[tuple[int, int]] = []
        low, high = 0, self.size
        if old in {0, self.size}:
            return ranges
        whole = True
        while old != high:
            middle = low + split(high - low)
            if old <= middle:
                ranges.append((middle, high))
                high = middle
            else:
                ranges.append((low, middle))
                low = middle
                whole = False
        if not whole:
            ranges.append((low, high))
        ranges.reverse()
        return ranges

    def _subtree(self, height: int, low: int) -> bytes:
        """Return the root over 2^height leaves from `low`, or over those that there are."""
        if low + (1 << height) <= self.size:
            return self._node(height, low)
        if low not in self._cut:
            self._cut[low] = self._fold(low)
        return self._cut[low]

    def _fold(self, low: int) -> bytes:
        """Return the root over the leaves from `low` to the right edge."""
        root, high = self._last_before(self.size)
        while high > low:
            node, high = self._last_before(high)
            root = hash_node(node, root)
        return root

    def _last_before(self, high: int) -> tuple[bytes, int]:
        """Return root and beginning of the largest complete subtree that ends at `high`."""
        height = (high & -high).bit_length() - 1
        low = high - (1 << height)
        return self._node(height, low), low

    def _node(self, height: int, low: int) -> bytes:
        tile, row, at = _place(height, low)
        rows = self._open.get(tile)
        if rows is None:
            rows = self._cache.rows(tile)
        return rows[row][at]

    def _edge_tiles(self) -> Iterable[TileId]:
        """Return the tiles that hold the complete subtrees of the right edge."""
        high = self.size
        while high:
            height = (high & -high).bit_length() - 1
            high -= 1 << height
            yield _place(height, high)[0]

    def _lacking(self, needed: Iterable[TileId]) -> set[TileId]:
        return {tile for tile in needed if tile not in self._open and not self._cache.has(tile)}


def _place(height: int, low: int) -> tuple[TileId, int, int]:
    """Return where the root over 2^height leaves from `low` lies: tile, height in it, place."""
    level, row = divmod(height, HEIGHT)
    at = low >> height
    per_tile = WIDTH >> row
    return TileId(level, at // per_tile), row, at % per_tile
