"""The Merkle tree of RFC 6962: hashes, roots, paths from a plain list, and their verification.

Everything that a proof rests on stands here, small enough to read beside the RFC. The functions
that make roots and paths from a list of leaf hashes follow the RFC's recursive definitions word for
word and are the reference for `growth` and `prover`, which do the same without a list.

Source: RFC 6962, section 2.1; verification as in RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Sequence
from hashlib import sha256

from broker.access_log.errors import PROOF_CONSISTENCY, PROOF_INCLUSION, LogError

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""

MOST_LEAVES = 2**63 - 1
"""Leaves of a tree at most: what a 64-bit integer of Avro and SQL holds."""


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf's data, H(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees, H(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below `size`: where the RFC divides a tree of two or more."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, MTH(D[n])."""
    size = len(leaves)
    if size == 0:
        return EMPTY_ROOT
    if size == 1:
        return leaves[0]
    k = split(size)
    return hash_node(root_of(leaves[:k]), root_of(leaves[k:]))


def inclusion_path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return PATH(m, D[n]) over leaf hashes, from the leaf's sibling to the root's child."""
    size = len(leaves)
    if not 0 <= index < size:
        raise LogError(PROOF_INCLUSION, "no such leaf")
    if size == 1:
        return ()
    k = split(size)
    if index < k:
        return (*inclusion_path(index, leaves[:k]), root_of(leaves[k:]))
    return (*inclusion_path(index - k, leaves[k:]), root_of(leaves[:k]))


def consistency_path(old: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return PROOF(m, D[n]) over leaf hashes; empty when the old tree is empty or the same."""
    if not 0 <= old <= len(leaves):
        raise LogError(PROOF_CONSISTENCY, "no such tree")
    return _subproof(old, leaves, whole=True) if old else ()


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> tuple[bytes, ...]:
    size = len(leaves)
    if old == size:
        return () if whole else (root_of(leaves),)
    k = split(size)
    if old <= k:
        return (*_subproof(old, leaves[:k], whole=whole), root_of(leaves[k:]))
    return (*_subproof(old - k, leaves[k:], whole=False), root_of(leaves[:k]))


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion path leads to from a leaf hash.

    Args:
        leaf: the leaf's hash.
        index: its place, from 0.
        size: leaves of the tree.
        path: as `inclusion_path` returns it.

    Raises:
        LogError: `log.proof.inclusion`; the path has not the length that index and size call for.
    """
    if not 0 <= index < size:
        raise LogError(PROOF_INCLUSION, "no such leaf")
    at, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise LogError(PROOF_INCLUSION, "path too long")
        if at & 1 or at == last:
            root = hash_node(sibling, root)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            root = hash_node(root, sibling)
        at >>= 1
        last >>= 1
    if last != 0:
        raise LogError(PROOF_INCLUSION, "path too short")
    return root


def check_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """Check that a leaf hash stands at `index` in the tree of this size and root.

    Raises:
        LogError: `log.proof.inclusion`; it does not, or the path is not the right one.
    """
    if root_from_inclusion(leaf, index, size, path) != root:
        raise LogError(PROOF_INCLUSION, "root")


def check_consistency(
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `size` leaves continues the tree of `old` leaves.

    Raises:
        LogError: `log.proof.consistency`; it does not, or the path is not the right one.
    """
    if not 0 <= old <= size:
        raise LogError(PROOF_CONSISTENCY, "sizes")
    if old in {0, size}:
        same = old_root == (root if old == size else EMPTY_ROOT)
        if path or not same:
            raise LogError(PROOF_CONSISTENCY, "root")
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        # The old tree is a subtree of the new one, so its root is known and left out of the path.
        hashes.insert(0, old_root)
    if not hashes:
        raise LogError(PROOF_CONSISTENCY, "path too short")
    if _fold_consistency(old, size, hashes) != (old_root, root):
        raise LogError(PROOF_CONSISTENCY, "root")


def _fold_consistency(old: int, size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    at, last = old - 1, size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise LogError(PROOF_CONSISTENCY, "path too long")
        if at & 1 or at == last:
            before = hash_node(sibling, before)
            after = hash_node(sibling, after)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            after = hash_node(after, sibling)
        at >>= 1
        last >>= 1
    if last != 0:
        raise LogError(PROOF_CONSISTENCY, "path too short")
    return before, after
