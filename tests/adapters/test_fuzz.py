"""Tables and XML with cells, elements and rows that hold anything, read whole and in portions.

Whatever is read ends as an account that adds up (closing it checks), each draft fits its schema, no
input takes long, and a large file gives what a small one gives. `CONCORDAT_FUZZ=10000` tries as
many of each kind.
"""

import gc
import os
import re
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import reading
from adapters.reading import AnyReading, read_file
from adapters.registry import named
from tests.adapters.reading_support import NHS, SHAPES, context, drafts
from tests.adapters.test_formats import damage, fits

EXAMPLES = int(os.environ.get("CONCORDAT_FUZZ", "15"))
SLOWEST_S = 20
"""Seconds of processor time for one input: each is below 100 kB, and none needs a tenth of it."""

fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

STREAMS = sorted(name for name in SHAPES if named(name).streams)
TABLES = [name for name in STREAMS if SHAPES[name][1][:1] != b"<"]
DOCUMENTS = [name for name in STREAMS if name not in TABLES]

SAID = st.text(max_size=20) | st.sampled_from(
    [
        "", NHS, "9990000019", "C999400120001", "01/01/2012", "31/02/2025", "2026-13-04", "45717",
        "1e5", "=1+1", "'", '"', '"a""b"', ",", ";", "\t", "\r", "\n", "\x00", "\x1b", "é",
        "\u0661", "\ufeff", "<", "&a;", "]]>", "x" * 10_001, "AM", "/", "\\", "N", "#", "V4",
        "X1", "E11", "Yes", "Immediate", "true", "1A", "9", "12/10/1492", "01/02/2127",
    ]
)  # fmt: skip
TEXTS = re.compile(r"(?<=>)[^<>\n]+(?=</)")
LEAVES = re.compile(r"<(\w+)>[^<>]*</\1>")


def settled(data: bytes, name: str, folder: Path) -> AnyReading:
    """Read whole and in portions, and hold what was read to what every reading owes."""
    path = folder / "export"
    path.write_bytes(data)
    agency = context(SHAPES[name][0])
    usual = reading.LARGE, reading.PORTION
    small, took = timed(path, name)
    if took > SLOWEST_S:
        # The collector may have swept what the runs before have left: only the input counts.
        gc.collect()
        small, took = timed(path, name)
    assert took < SLOWEST_S
    reading.LARGE, reading.PORTION = 0, 2
    try:
        large = read_file(path, agency, name)
        assert large.accounting == small.accounting
        assert large.children == small.children
        given_by = drafts(small)
        assert sorted(drafts(large), key=repr) == sorted(given_by, key=repr)
    finally:
        reading.LARGE, reading.PORTION = usual
    account = small.accounting
    assert account.read == account.mapped + account.context + len(account.rejected)
    for draft in given_by:
        fits(draft)
    return small


def timed(path: Path, name: str) -> tuple[AnyReading, float]:
    """Read, and return the seconds of processor time that it took."""
    before = time.process_time()
    found = read_file(path, context(SHAPES[name][0]), name)
    return found, time.process_time() - before


@pytest.mark.parametrize("name", TABLES)
@fuzzed
@given(data=st.data())
def test_a_table_with_cells_of_any_kind(name: str, data: st.DataObject) -> None:
    # Given a table some of whose cells, heads among them, hold anything, and rows come twice
    cells = [line.split(",") for line in SHAPES[name][1].decode().splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(cells))
        said = data.draw(SAID)
        quoted = data.draw(st.booleans())
        place = data.draw(st.integers(0, len(row) - 1))
        row[place] = '"' + said.replace('"', '""') + '"' if quoted else said
    cells += data.draw(st.lists(st.sampled_from(cells), max_size=3))
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    separator = data.draw(st.sampled_from([",", ";", "\t"]))
    text = end.join(separator.join(row) for row in cells)
    # When it is read, then it all adds up, whole and in portions.
    with TemporaryDirectory() as folder:
        settled(text.encode("utf-8", "replace"), name, Path(folder))


@pytest.mark.parametrize("name", DOCUMENTS)
@fuzzed
@given(data=st.data())
def test_a_document_with_elements_of_any_kind(name: str, data: st.DataObject) -> None:
    # Given a document some of whose elements hold anything, are gone, come twice, have another name
    # or stand beside stray text
    text = SHAPES[name][1].decode()
    for _ in range(data.draw(st.integers(1, 3))):
        said = data.draw(SAID)
        change = data.draw(st.sampled_from(["raw", "text", "gone", "twice", "name", "stray"]))
        pattern = TEXTS if change in {"raw", "text"} else LEAVES
        found = list(pattern.finditer(text))
        if not found:
            continue
        place = found[data.draw(st.integers(0, len(found) - 1))]
        old = place.group()
        new = {
            "raw": said,
            "text": escape(said),
            "gone": "",
            "twice": old + old,
            "name": re.sub(r"(?<=[</])\w+", "Other", old),
            "stray": old + escape(said),
        }[change]
        text = text[: place.start()] + new + text[place.end() :]
    # When it is read, then it all adds up, whole and in portions.
    with TemporaryDirectory() as folder:
        settled(text.encode("utf-8", "replace"), name, Path(folder))


@pytest.mark.parametrize("name", STREAMS)
@fuzzed
@given(seed=st.integers(0, 2**32))
def test_damaged_bytes_give_the_same_whole_and_in_portions(name: str, seed: int) -> None:
    with TemporaryDirectory() as folder:
        settled(damage(bytearray(SHAPES[name][1]), Random(seed)), name, Path(folder))
