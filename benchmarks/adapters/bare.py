"""What one would pay without mapping: the parser alone, on the same file; each counts what it met.

Values are made and thrown away, row by row where the parser can: so much of a format's cost is the
file's.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import hl7
from lxml import etree

_MESSAGE = re.compile(r"\r(?=MSH\|)")
PIECE = 1 << 20


def rows(path: Path) -> int:
    """Count rows: the `csv` module, each row as a dictionary."""
    with path.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.DictReader(stream))


def elements(path: Path) -> int:
    """Count elements: lxml, each thrown away at its end."""
    count = 0
    for _, element in etree.iterparse(str(path), events=("end",)):
        count += 1
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]
    return count


def document(path: Path) -> int:
    """Count a document's own members: `json.loads` of the whole."""
    return len(json.loads(path.read_bytes()))


def messages(path: Path) -> int:
    """Count messages: the package `hl7`, each parsed by itself."""
    count, held = 0, ""
    with path.open(encoding="utf-8", newline="") as stream:
        while piece := stream.read(PIECE):
            *whole, held = _MESSAGE.split(held + piece)
            for one in whole:
                hl7.parse(one)
            count += len(whole)
    if held:
        hl7.parse(held)
        count += 1
    return count


PARSERS: Mapping[str, Callable[[Path], int]] = {
    "csv": rows,
    "xml": elements,
    "json": document,
    "hl7": messages,
}

TOLD: Mapping[str, str] = {
    "csv": "csv.DictReader",
    "xml": "lxml iterparse",
    "json": "json.loads",
    "hl7": "hl7.parse",
}
"""What each is, for people."""
