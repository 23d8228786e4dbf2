"""RFC 6962 trees: published examples, and the verifiers against everything that is not a proof."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access_log.errors import PROOF_CONSISTENCY, PROOF_INCLUSION, LogError
from broker.access_log.tree import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    consistency_path,
    hash_leaf,
    inclusion_path,
    root_from_inclusion,
    root_of,
    split,
)

# Known answers of Certificate Transparency's own tests, as data: kInputs, kSHA256Roots,
# kSHA256Paths and kSHA256Proofs of github.com/google/certificate-transparency,
# cpp/merkletree/merkle_tree_test.cc at 0e901cacd138 (Apache-2.0). Leaves are numbered from 1
# there, from 0 here.
PUBLISHED_LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
PUBLISHED_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

PUBLISHED_PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
"""(leaf, size) → inclusion path."""

PUBLISHED_PROOFS = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
"""(old size, size) → consistency path."""

trees = st.integers(1, 70).map(lambda n: [hash_leaf(n.to_bytes(2, "big")) for n in range(n)])


def published_tree(size: int) -> list[bytes]:
    return [hash_leaf(bytes.fromhex(leaf)) for leaf in PUBLISHED_LEAVES[:size]]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_of(published_tree(size)).hex() == PUBLISHED_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), PUBLISHED_PATHS)
def test_inclusion_paths_are_the_published_ones(index: int, size: int) -> None:
    leaves = published_tree(size)
    path = tuple(bytes.fromhex(node) for node in PUBLISHED_PATHS[index, size])
    assert inclusion_path(index, leaves) == path
    check_inclusion(leaves[index], index, size, bytes.fromhex(PUBLISHED_ROOTS[size]), path)


@pytest.mark.parametrize(("old", "size"), PUBLISHED_PROOFS)
def test_consistency_paths_are_the_published_ones(old: int, size: int) -> None:
    path = tuple(bytes.fromhex(node) for node in PUBLISHED_PROOFS[old, size])
    assert consistency_path(old, published_tree(size)) == path
    before, after = (bytes.fromhex(PUBLISHED_ROOTS[number]) for number in (old, size))
    check_consistency(old, before, size, after, path)


def test_the_empty_root_is_the_hash_of_nothing() -> None:
    assert sha256(b"").digest() == EMPTY_ROOT


@pytest.mark.parametrize(("size", "middle"), [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)])
def test_trees_are_split_at_the_largest_power_of_two_below(size: int, middle: int) -> None:
    assert split(size) == middle


@given(trees, st.data())
def test_every_leaf_is_included_and_no_other_hash_is(
    leaves: list[bytes], data: st.DataObject
) -> None:
    # given a leaf of a tree and its path
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, leaves)
    root = root_of(leaves)
    check_inclusion(leaves[index], index, size, root, path)
    # when any one thing about it is changed, then it shows nothing
    with pytest.raises(LogError, match="root"):
        check_inclusion(hash_leaf(b"another"), index, size, root, path)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        changed = (*path[:at], hash_leaf(path[at]), *path[at + 1 :])
        with pytest.raises(LogError, match="root"):
            check_inclusion(leaves[index], index, size, root, changed)
        with pytest.raises(LogError, match="path too short"):
            check_inclusion(leaves[index], index, size, root, path[:-1])
    with pytest.raises(LogError, match="path too long"):
        check_inclusion(leaves[index], index, size, root, (*path, root))


@given(trees, st.data())
def test_a_leaf_is_included_nowhere_else(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: size == 1 or i != index))
    path = inclusion_path(index, leaves)
    if other != index:
        with pytest.raises(LogError):
            check_inclusion(leaves[index], other, size, root_of(leaves), path)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_leaf_outside_the_tree_is_refused(index: int) -> None:
    leaves = [hash_leaf(b"a"), hash_leaf(b"b"), hash_leaf(b"c")]
    with pytest.raises(LogError) as refused:
        root_from_inclusion(leaves[0], index, 3, ())
    assert refused.value.code is PROOF_INCLUSION
    with pytest.raises(LogError):
        inclusion_path(index, leaves)


@given(trees, st.data())
def test_a_tree_continues_every_one_it_grew_from(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    old = data.draw(st.integers(0, size))
    path = consistency_path(old, leaves)
    check_consistency(old, root_of(leaves[:old]), size, root_of(leaves), path)


@given(trees, st.data())
def test_no_tree_continues_another_one(leaves: list[bytes], data: st.DataObject) -> None:
    # given an old tree and its continuation
    size = len(leaves)
    old = data.draw(st.integers(0, size))
    path = consistency_path(old, leaves)
    before, after = root_of(leaves[:old]), root_of(leaves)
    # when a root or the path is another one, then the proof fails
    with pytest.raises(LogError):
        check_consistency(old, hash_leaf(before), size, after, path)
    if old:
        with pytest.raises(LogError):
            check_consistency(old, before, size, hash_leaf(after), path)
    with pytest.raises(LogError):
        check_consistency(old, before, size, after, (*path, after))
    if path:
        with pytest.raises(LogError):
            check_consistency(old, before, size, after, path[:-1])
        at = data.draw(st.integers(0, len(path) - 1))
        changed = (*path[:at], hash_leaf(path[at]), *path[at + 1 :])
        with pytest.raises(LogError):
            check_consistency(old, before, size, after, changed)


@pytest.mark.parametrize(("old", "size"), [(-1, 2), (3, 2)])
def test_sizes_that_cannot_be_are_refused(old: int, size: int) -> None:
    with pytest.raises(LogError) as refused:
        check_consistency(old, EMPTY_ROOT, size, EMPTY_ROOT, ())
    assert refused.value.code is PROOF_CONSISTENCY
    with pytest.raises(LogError):
        consistency_path(old, [hash_leaf(b"a"), hash_leaf(b"b")])


def test_an_empty_path_shows_nothing_of_a_tree_that_is_no_subtree() -> None:
    leaves = [hash_leaf(bytes((i,))) for i in range(7)]
    with pytest.raises(LogError, match="path too short"):
        check_consistency(3, root_of(leaves[:3]), 7, root_of(leaves), ())
