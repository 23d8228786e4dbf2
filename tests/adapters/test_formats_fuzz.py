"""Every format against what nobody foresaw: read = mapped + rejected + context, in bounded time.

`CONCORDAT_FUZZ=10000 python -m pytest -s tests/adapters/test_formats_fuzz.py` tries that many of
each kind and format, and says at its end how many it has tried.
"""

import json
import sys
from collections.abc import Iterator
from xml.etree import ElementTree as ET  # our own samples, never what came from outside

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.fuzzing import (
    CSV,
    JSON,
    RENAMED,
    TRIED,
    XML,
    at,
    damaged,
    documents,
    fuzzed,
    leaves,
    pairs_of,
    parsed,
    settled,
    tables,
    trees,
    without,
)
from tests.adapters.reading_support import SHAPES, Json
from tests.adapters.test_formats import replaced

NAMES = sorted(SHAPES)
CONTEXT = {"School", "LookedAfter", "AREVIEW", "OC2", "PERMANENCE", "AD_PLACED"}
"""Elements that are context as a whole: each is counted, and what is in it is not named."""


@pytest.fixture(scope="module", autouse=True)
def _said() -> Iterator[None]:
    """Say how many inputs were tried."""
    yield
    counts = [*sorted(TRIED.items()), ("in all", TRIED.total())]
    sys.stdout.write("".join(f"\n{count:>8} {name}" for name, count in counts) + "\n")


@pytest.mark.parametrize("name", NAMES)
@fuzzed
@given(seed=st.integers(0, 2**48))
def test_damaged_bytes(name: str, seed: int) -> None:
    # Given a file with bytes flipped, cut out, doubled and put in, when it is read, then it
    # settles.
    settled(damaged(name, seed), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_stops_anywhere(name: str) -> None:
    # Given a file that was cut at each place of some forty, when it is read, then it settles.
    data = SHAPES[name][1]
    for end in range(1, len(data), max(1, len(data) // 40)):
        settled(data[:end], name)


@pytest.mark.parametrize("name", JSON)
@fuzzed
@given(data=st.data())
def test_a_document_of_another_shape(name: str, data: st.DataObject) -> None:
    # Given a document with members removed, renamed, doubled or of another type, when it is read,
    # then it settles.
    settled(data.draw(documents(name)), name)


@pytest.mark.parametrize("name", XML)
@fuzzed
@given(data=st.data())
def test_a_tree_of_another_shape(name: str, data: st.DataObject) -> None:
    # Given a tree with elements removed, renamed, doubled, moved or refilled, when it is read,
    # then it settles.
    settled(data.draw(trees(name)), name)


@pytest.mark.parametrize("name", CSV)
@fuzzed
@given(data=st.data())
def test_a_table_of_another_shape(name: str, data: st.DataObject) -> None:
    # Given a table with cells, rows, columns and separators changed, when it is read, then it
    # settles.
    settled(data.draw(tables(name)), name)


@pytest.mark.parametrize("name", JSON)
def test_no_member_is_lost_silently(name: str) -> None:
    # Given each member in its turn under a name that nobody knows, when the document is read
    document: Json = json.loads(SHAPES[name][1])
    usual = settled(SHAPES[name][1], name).accounting
    whole_parts = {one.rpartition(".")[2] for one in usual.unmapped}  # named already, with all
    for path in leaves(document):
        above = at(document, path[:-1])
        renamed = {**without(above, path[-1]), RENAMED: above[path[-1]]}
        changed = replaced(document, path[:-1], renamed)
        account = settled(json.dumps(changed).encode(), name).accounting
        # Then somebody is told: its name is listed, or what held it is rejected or warned about.
        told = any(RENAMED in one for one in account.unmapped)
        whole = {str(key) for key in path} & whole_parts
        # A resource that gives no record any more is counted as context, with the reason.
        told |= account.context > usual.context
        assert told or whole or account.rejected or account.warnings, path


@pytest.mark.parametrize("name", XML)
def test_no_element_is_lost_silently(name: str) -> None:
    # Given each element in its turn under a name that nobody knows, when the file is read
    for place in range(len(pairs_of(parsed(name)))):
        root = parsed(name)
        _, one = pairs_of(root)[place]
        was, one.tag = one.tag, RENAMED
        says_nothing = not len(one) and not (one.text or "").strip()
        if says_nothing or any(one in each.iter() for each in root.iter() if each.tag in CONTEXT):
            continue
        account = settled(ET.tostring(root), name).accounting
        # Then somebody is told.
        told = any(RENAMED in each for each in account.unmapped)
        assert told or account.rejected or account.warnings, was


@pytest.mark.parametrize("name", CSV)
def test_no_column_is_lost_silently(name: str) -> None:
    # Given each column in its turn under a name that nobody knows, when the table is read
    head, rest = SHAPES[name][1].decode().split("\n", 1)
    columns = head.split(",")
    for place, was in enumerate(columns):
        other = ",".join([*columns[:place], RENAMED, *columns[place + 1 :]])
        account = settled(f"{other}\n{rest}".encode(), name).accounting
        # Then somebody is told.
        assert account.unmapped or account.rejected or account.warnings, was
