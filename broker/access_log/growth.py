"""A tree that grows: it keeps its right edge only, and hands out the tiles that it completes.

Memory and the cost of an entry do not depend on how many entries there are: one hash a level for
the edge, and at most 255 hashes a tile level for the tiles that are not full yet.
"""

from collections.abc import Iterable, Sequence
from typing import Self

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.tiles import HEIGHT, WIDTH, Tile, subtrees
from broker.access_log.tree import EMPTY_ROOT, hash_node


class GrowingTree:
    """The right edge of an RFC 6962 tree.

    Not to be shared: `copy` before growing if the former state may still be wanted.
    """

    __slots__ = ("_edge", "_open", "_size")

    def __init__(
        self,
        size: int = 0,
        edge: Iterable[bytes] = (),
        partial: Iterable[Iterable[bytes]] = ((),),
    ) -> None:
        """Begin with an empty tree; `restored` and `copy` make others."""
        self._size = size
        # Roots of the complete subtrees that the tree is made of, greatest first: one for each bit
        # that is set in its size.
        self._edge = list(edge)
        # For each tile level the hashes of the tile that is not full yet.
        self._open = [list(tile) for tile in partial]

    @classmethod
    def restored(cls, size: int, tiles: Sequence[Sequence[bytes]]) -> Self:
        """Return the tree of `size` leaves whose partial tiles are `tiles`, by level from 0.

        Raises:
            LogError: `log.shape`; the tiles have not the widths that this size calls for.
        """
        if [len(tile) for tile in tiles] != widths(size):
            raise LogError(SHAPE, "partial tiles")
        edge: list[bytes] = []
        for tile in reversed(tiles):
            rows = subtrees(tile)
            # The last complete subtree of each height that is a bit of the width.
            last = [row[-1] for height, row in enumerate(rows) if len(tile) >> height & 1]
            edge += reversed(last)
        return cls(size, edge, tiles)

    def copy(self) -> Self:
        """Return an equal tree that grows on its own."""
        return type(self)(self._size, self._edge, self._open)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def partial(self) -> tuple[tuple[bytes, ...], ...]:
        """The hashes of the tiles that are not full yet, by level from 0; any may be empty."""
        return tuple(tuple(tile) for tile in self._open)

    def append(self, leaves: Sequence[bytes]) -> list[Tile]:
        """Append leaf hashes; return the tiles that became full, in that order."""
        full: list[Tile] = []
        edge = self._edge
        size = self._size
        for leaf in leaves:
            node = leaf
            self._put(0, size, node, full)
            height = 0
            rest = size
            while rest & 1:
                node = hash_node(edge.pop(), node)
                rest >>= 1
                height += 1
                if height % HEIGHT == 0:
                    self._put(height // HEIGHT, size >> height, node, full)
            edge.append(node)
            size += 1
        self._size = size
        return full

    def _put(self, level: int, place: int, node: bytes, full: list[Tile]) -> None:
        if level == len(self._open):
            self._open.append([])
        tile = self._open[level]
        tile.append(node)
        if len(tile) == WIDTH:
            full.append(Tile(level, place // WIDTH, tuple(tile)))
            tile.clear()

    def root(self) -> bytes:
        """Return the root."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1]
        for node in reversed(self._edge[:-1]):
            root = hash_node(node, root)
        return root


def widths(size: int) -> list[int]:
    """Return how many hashes the partial tile of each level holds in a tree of `size` leaves.

    Levels are those that any hash has reached; a level whose tiles are all full counts 0.
    """
    found = [size % WIDTH]
    while size >= WIDTH:
        size //= WIDTH
        found.append(size % WIDTH)
    return found
