"""Tiles and entry bundles: the tree as files that are written once (C2SP tlog-tiles).

A tile holds 256 neighbouring hashes of one level; a hash of level l + 1 is the root over a full
tile of level l. An entry bundle holds the 256 leaves that a tile of level 0 holds the hashes of.
Partial tiles and bundles are the right edge; Concordat derives them from its commit record when
asked and keeps none (`docs/log-format.md`, section 3).

Source: C2SP tlog-tiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.tree import HASH_BYTES, hash_node

HEIGHT = 8
"""Levels of the tree that one tile spans (C2SP tlog-tiles)."""

WIDTH = 1 << HEIGHT
"""Hashes of a full tile, entries of a full bundle."""

ENTRY_BYTES = 96
"""Size of each entry of this log: three commitments."""

_ENTRY_HEAD = ENTRY_BYTES.to_bytes(2, "big")
_STEP = 1_000


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile that growing the tree has completed.

    Attributes:
        level: 0 for leaf hashes.
        number: place within its level, from 0.
        hashes: 256 hashes.
    """

    level: int
    number: int
    hashes: tuple[bytes, ...]

    @property
    def path(self) -> str:
        """Where the tile lies."""
        return tile_path(self.level, self.number)

    @property
    def data(self) -> bytes:
        """The tile's file."""
        return b"".join(self.hashes)


def number_path(number: int) -> str:
    """Return a number as path: three digits a part, all but the last behind an x.

    1234067 is `x001/x234/067`, so that no folder grows past 1,000 names of each form.
    """
    parts = [f"{number % _STEP:03d}"]
    while number >= _STEP:
        number //= _STEP
        parts.append(f"x{number % _STEP:03d}")
    return "/".join(reversed(parts))


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """Return where a tile lies; a `width` below 256 names a partial one."""
    return f"tile/{level}/{number_path(number)}{_partial(width)}"


def bundle_path(number: int, width: int = WIDTH) -> str:
    """Return where an entry bundle lies; a `width` below 256 names a partial one."""
    return f"tile/entries/{number_path(number)}{_partial(width)}"


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries, each behind its 16-bit length."""
    return b"".join([_ENTRY_HEAD + entry for entry in entries])


def decode_bundle(data: bytes, where: str) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        LogError: `log.shape`; the bytes are no bundle of 96-byte entries.
    """
    step = len(_ENTRY_HEAD) + ENTRY_BYTES
    starts = range(0, len(data), step)
    if len(data) % step or any(data[at : at + 2] != _ENTRY_HEAD for at in starts):
        raise LogError(SHAPE, where)
    return [data[at + 2 : at + step] for at in starts]


def decode_tile(data: bytes, where: str, width: int = WIDTH) -> tuple[bytes, ...]:
    """Return the hashes of a tile.

    Raises:
        LogError: `log.shape`; the bytes are not `width` hashes.
    """
    if len(data) != width * HASH_BYTES:
        raise LogError(SHAPE, where)
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def subtrees(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the roots of all complete subtrees over `hashes`, by height from 0.

    Item h holds the roots over 2^h hashes each; a right edge that fills no subtree of that height
    has none there.
    """
    rows = [list(hashes)]
    while len(rows[-1]) > 1:
        below = rows[-1]
        # An odd one at the end is the right edge's: it has no complete subtree above it.
        pairs = zip(below[::2], below[1::2], strict=False)
        rows.append([hash_node(left, right) for left, right in pairs])
    return rows
