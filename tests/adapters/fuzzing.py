"""Files that nobody foresaw, made from the shapes of every format, and what each reading owes.

Three sources: bytes damaged, documents some of whose nodes are changed, and whole new nodes in
their place. `CONCORDAT_FUZZ=10000` tries as many of each kind and format; `TRIED` counts them.
"""

import csv
import gc
import io
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from xml.etree import ElementTree as ET  # our own samples, never what came from outside

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import adapters.reading
from adapters.format import ReadContext
from adapters.reading import Reading, read_bytes, read_file
from adapters.registry import named
from tests.adapters.reading_support import HEADER_CSV, NHS, SHAPES, Json, context, drafts
from tests.adapters.test_formats import damage, fits, places, replaced

EXAMPLES = int(os.environ.get("CONCORDAT_FUZZ", "12"))
"""Inputs of each kind and format."""

SLOWEST_S = 5
"""Seconds of processor time for one input: each is below 100 kB, and none needs a tenth of it."""

TRIED: Counter[str] = Counter()
"""Inputs read so far, by format."""

RENAMED = "zzOtherName"

fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

JSON = sorted(name for name, (_, data) in SHAPES.items() if data[:1] in b"[{")
XML = sorted(name for name, (_, data) in SHAPES.items() if data[:1] == b"<")
CSV = sorted(set(SHAPES) - set(JSON) - set(XML) - {"health-hl7-adt"})

ODD = (
    *("", " ", "2026-02-30", "2026-03-03", "31/02/2026", "03/03/2026", "45999", "45999.5"),
    *("9990000019", NHS, "999 000 0018", "x" * 11_000, "high", "UN3", "é", "\u2028", "\ufeff"),
    *("\u0660\u0661/02/2025", "=1+1", "'01", "-1", "1e400", "NaN", "null", "\x0b", "%s", "&amp;"),
)
SAID = st.sampled_from(ODD) | st.text(max_size=12)
NODES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | SAID
    | st.sampled_from(["\ud800", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Anything that may stand in a document."""


def around(name: str) -> ReadContext:
    """What a format is given besides the file."""
    beside = {"header.csv": HEADER_CSV.encode()} if "ssda903" in name else {}
    return context(SHAPES[name][0], beside=beside)


def settled(data: bytes, name: str) -> Reading:
    """Read, and hold what was read to what every reading owes.

    Closing the account has checked, item by item, that each one that was announced has ended once.
    What can be read in portions is, too.
    """
    TRIED[name] += 1
    reading, took = _timed(data, name)
    if took > SLOWEST_S:
        # The collector may have swept what the runs before have left: only the input counts.
        gc.collect()
        reading, took = _timed(data, name)
    assert took < SLOWEST_S
    account = reading.accounting
    assert account.read == account.mapped + len(account.rejected) + account.context
    assert account.read > 0 or not account.records
    assert account.records == len(reading.drafts)
    for draft in reading.drafts:
        fits(draft)
    if named(name).streams and data:
        _settled_in_portions(data, name, reading)
    return reading


def _settled_in_portions(data: bytes, name: str, whole: Reading) -> None:
    """Read as a large file, which must give what the whole one gave."""
    with NamedTemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapters.reading, "LARGE", 0)
        patch.setattr(adapters.reading, "PORTION", 2)
        patch.setattr(adapters.reading, "load_beside", lambda *_: around(name).beside)
        Path(file.name).write_bytes(data)
        large = read_file(Path(file.name), around(name), name)
        assert replace(large.accounting, file="") == replace(whole.accounting, file="")
        assert large.children == whole.children
        assert sorted(drafts(large), key=repr) == sorted(whole.drafts, key=repr)


def _timed(data: bytes, name: str) -> tuple[Reading, float]:
    before = time.process_time()
    reading = read_bytes(data, "export", around(name), named(name))
    return reading, time.process_time() - before


def damaged(name: str, seed: int) -> bytes:
    """Return the sample with bytes flipped, cut out, doubled and put in."""
    return damage(bytearray(SHAPES[name][1]), Random(seed))


@st.composite
def documents(draw: st.DrawFn, name: str) -> bytes:
    """The sample of a JSON format with members removed, renamed, doubled or of another type."""
    document: Json = json.loads(SHAPES[name][1])
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(places(document))))
        above, last = path[:-1], path[-1:]
        holder = at(document, above)
        match draw(st.sampled_from(["remove", "rename", "double", "other", "swap"])):
            case "remove" if last:
                holder = without(holder, last[0])
            case "rename" if last and isinstance(holder, dict):
                holder = {(draw(SAID) if key == last[0] else key): holder[key] for key in holder}
            case "double" if last and isinstance(holder, list):
                holder = [*holder, holder[last[0]]]
            case "swap" if last:
                other = draw(st.sampled_from(list(places(document))))
                holder = replaced(holder, last, at(document, other))
            case _:
                above, holder = path, draw(NODES)
        document = replaced(document, above, holder)
    return json.dumps(document).encode()


@st.composite
def trees(draw: st.DrawFn, name: str) -> bytes:
    """The sample of an XML format with elements removed, renamed, doubled, moved or refilled."""
    root = parsed(name)
    for _ in range(draw(st.integers(1, 4))):
        pairs = pairs_of(root)
        if not pairs:
            break
        above, one = draw(st.sampled_from(pairs))
        match draw(st.sampled_from(["remove", "rename", "double", "text", "tail", "move"])):
            case "remove":
                above.remove(one)
            case "rename":
                one.tag = draw(st.sampled_from([RENAMED, *{each.tag for _, each in pairs}]))
            case "double":
                above.append(one)
            case "text":
                one.text = printable(draw(SAID))
            case "tail":
                one.tail = printable(draw(SAID))
            case _:
                above.remove(one)
                root.append(one)
    return bytes(ET.tostring(root, encoding="utf-8"))


@st.composite
def tables(draw: st.DrawFn, name: str) -> bytes:
    """The sample of a table with cells, rows and columns changed, and another separator."""
    rows = list(csv.reader(io.StringIO(SHAPES[name][1].decode())))
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        match draw(st.sampled_from(["cell", "row", "column", "twice", "short", "long", "order"])):
            case "cell" if rows[row]:
                rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(SAID)
            case "row" if len(rows) > 1:
                del rows[row]
            case "column":
                place = draw(st.integers(0, 12))
                rows = [one[:place] + one[place + 1 :] for one in rows]
            case "twice":
                rows.append(list(rows[row]))
            case "short":
                rows[row] = rows[row][: draw(st.integers(0, len(rows[row])))]
            case "order":
                rows = [rows[0], *draw(st.permutations(rows[1:]))]
            case _:
                rows[row].append(draw(SAID))
    out = io.StringIO()
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from([",", ";", "\t", "|"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=ends,
    )
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def at(document: Json, path: tuple[Json, ...]) -> Json:
    """Return what stands at a place."""
    for key in path:
        document = document[key]
    return document


def without(holder: Json, key: Json) -> Json:
    """Return a copy of a list or an object that lacks one member."""
    pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
    left = {each: value for each, value in pairs if each != key}
    return left if isinstance(holder, dict) else list(left.values())


def parsed(name: str) -> ET.Element:
    """Return the sample of an XML format as a tree."""
    return ET.fromstring(SHAPES[name][1])  # noqa: S314 - our own


def pairs_of(root: ET.Element) -> list[tuple[ET.Element, ET.Element]]:
    """Return every element but the first with the one that holds it."""
    return [(above, one) for above in root.iter() for one in above]


def printable(text: str) -> str:
    """Return text that may stand in XML 1.0; what may not is tried by damaged bytes."""
    return "".join(each for each in text if each in "\t\n\r" or "\x20" <= each < "\ud800")


def leaves(document: Json) -> Iterator[tuple[Json, ...]]:
    """Yield the places of members that say something."""
    for path in places(document):
        value = at(document, path)
        if path and isinstance(path[-1], str) and value not in (None, "", [], {}):
            yield path
