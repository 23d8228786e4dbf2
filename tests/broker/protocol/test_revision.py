"""A revision is its files: one digest, one packed form a reader accepts, parts that agree."""

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.bundle import MAGIC, MOST_FILES, MOST_OCTETS, bundle_digest, pack, unpack
from broker.protocol.errors import EntryRefused
from broker.protocol.policy_data import canonical
from broker.protocol.revision import (
    AGREEMENT,
    CASES,
    CLAUSES,
    DATA,
    MODULE,
    MOST_INTEGER,
    compact,
    open_revision,
    revision_of,
)
from tests.broker.protocol.county import county

paths = st.from_regex(r"[a-z]{1,3}(/[a-z_]{1,4}){0,2}\.[a-z]{1,4}", fullmatch=True)
bundles = st.dictionaries(paths, st.binary(max_size=40), max_size=5)


@given(bundles)
def test_files_survive_packing(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files
    assert pack(files) == pack(dict(reversed(files.items())))


@given(bundles, bundles)
def test_other_files_have_another_digest(some: dict[str, bytes], others: dict[str, bytes]) -> None:
    assert (bundle_digest(some) == bundle_digest(others)) is (some == others)


def raw(*parts: tuple[bytes, bytes]) -> bytes:
    return MAGIC + b"".join(
        len(path).to_bytes(2, "big") + path + len(data).to_bytes(4, "big") + data
        for path, data in parts
    )


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"not zlib",
        zlib.compress(b"something else"),
        zlib.compress(MAGIC)[:-1],
        zlib.compress(MAGIC) + b"more",
        zlib.compress(raw((b"b", b""), (b"a", b""))),
        zlib.compress(raw((b"a", b""), (b"a", b""))),
        zlib.compress(raw((b"../a", b""))),
        zlib.compress(raw((b"/a", b""))),
        zlib.compress(raw((b"a/", b""))),
        zlib.compress(raw((b"\xff", b""))),
        zlib.compress(raw((b"a", b"1"))[:-1]),
        zlib.compress(raw((b"a", b"1")) + b"\x00"),
        zlib.compress(MAGIC + b"\x00"),
        zlib.compress(bytes(MOST_OCTETS + 2)),
        zlib.compress(raw((b"a", bytes(MOST_OCTETS)))),
    ],
)
def test_what_is_not_one_piece_is_refused(packed: bytes) -> None:
    with pytest.raises(EntryRefused, match=r"protocol\.revision\.bundle"):
        unpack(packed)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(EntryRefused):
        pack({f"a{n}": b"" for n in range(MOST_FILES + 1)})


def test_a_revision_is_opened_from_its_bundle() -> None:
    # given Eastshire's revision, when it is packed and opened by somebody else
    again = open_revision(county().packed())

    # then it is the same in every part
    assert again == county()
    assert again.agreement.roster == county().agreement.roster
    assert again.data == county().data


def test_of_the_same_bytes_the_same_revision_is_opened() -> None:
    # given one read before, when others read it, then nobody checks and compiles it again
    packed = county().packed()
    assert open_revision(packed) is open_revision(bytes(bytearray(packed)))


texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.text(st.characters(max_codepoint=127), max_size=6)
plains = st.recursive(
    st.none() | st.booleans() | st.integers(-MOST_INTEGER, MOST_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(plains)
def test_what_is_canonical_is_told_as_the_standard_tells_it(plain: object) -> None:
    # given any value that a part may hold, when its one form is asked for, then it is RFC 8785's
    assert compact(plain) == canonical(plain)


def rewritten(path: str, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    return {**county().files, path: change(county().files[path])}


def without(path: str) -> dict[str, bytes]:
    return {name: data for name, data in county().files.items() if name != path}


def with_name(said: str) -> dict[str, bytes]:
    """Return the files with something said first in the agreement's object."""
    return rewritten(AGREEMENT, lambda data: said.encode() + b"," + data[1:])


@pytest.mark.parametrize(
    ("files", "where"),
    [
        (without(MODULE), "lacks module.wasm"),
        (without(DATA), "lacks data.json"),
        ({**county().files, "readme.txt": b""}, "readme.txt"),
        ({**county().files, "engine/readme.txt": b""}, "engine/readme.txt"),
        (rewritten(CLAUSES, lambda data: data + b" "), "not canonical"),
        (rewritten(CLAUSES, lambda _: b"{"), "cannot be read"),
        (rewritten(AGREEMENT, lambda _: b"[]"), "cannot be read"),
        (rewritten(CASES, lambda data: data.replace(b'"at":', b'"ad":')), "cannot be read"),
        (rewritten(CLAUSES, lambda data: data.replace(b'"effect":"refuse"', b'"effect":"bless"')),
         "cannot be read"),
        (rewritten(CLAUSES, lambda data: data.replace(b'"mash"', b'"maps"')), "compile"),
        (rewritten(DATA, lambda data: data.replace(b'"mash"', b'"maps"')), "compile"),
        (rewritten("schemas/alert/1.0.avsc", lambda data: data + b" "), "compile"),
        (with_name('{"\u00e9":1'), "cannot be read"),
        (with_name('{"":1.5'), "cannot be read"),
        (with_name('{"":NaN'), "cannot be read"),
        (with_name('{"":9007199254740992'), "cannot be read"),
        (with_name('{"":1,"":1'), "not canonical"),
    ],
)  # fmt: skip
def test_parts_that_disagree_are_refused(files: dict[str, bytes], where: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        revision_of(files)
    assert where in caught.value.where


def test_words_are_signed_too() -> None:
    # given a clause whose text alone is changed, which policy never reads
    files = rewritten(
        CLAUSES, lambda data: data.replace(b"Someone is looking", b"Nobody is looking")
    )

    # then it is another revision
    assert files[CLAUSES] != county().files[CLAUSES]
    assert revision_of(files).digest != county().digest


def test_json_is_canonical() -> None:
    for path in (AGREEMENT, CLAUSES, CASES, DATA):
        assert county().files[path].startswith((b"[", b"{"))
    assert canonical({"b": 1, "a": [2]}) == b'{"a":[2],"b":1}'
