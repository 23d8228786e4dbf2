"""XML, read as a stream of one kind of element, so that memory does not grow with the file.

Refused: a document type (entities are nothing that an export needs, and can be a bomb). Refused
from there on: what is not well formed, and more than `MOST_HELD` or `MOST_BYTES` before the next
element of that kind ends, for it is held until then. Namespaces are dropped: exports
disagree on them. Nothing is loaded from anywhere.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from lxml import etree

from adapters.errors import BAD_XML, FIELD_NUMBER, FIELD_TWICE, XML_DTD, XML_HELD, InputRefused
from adapters.sources.fields import Fields
from adapters.sources.files import HEAD_BYTES
from adapters.sources.text import NAME_LIMIT, VOUCHED, clean, decode, glance

STRAY = "text between elements"
"""What is told where words stand where only elements should."""

MOST_HELD = 100_000
"""Elements that are held together: some 40 MiB. A child's whole history has hundreds."""

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a file that are held together."""

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_FLAGS = {"true": "true", "1": "true", "false": "false", "0": "false"}


def local(tag: object) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class Node(Fields):
    """One XML element while it is mapped; each child that is asked for counts as mapped."""

    __slots__ = ("_asked", "_element")

    def __init__(self, element: etree._Element) -> None:
        """Take an element."""
        self._element = element
        self._asked: set[str] = set()

    def _children(self, name: str) -> list[etree._Element]:
        self._asked.add(name)
        return [one for one in self._element if local(one.tag) == name]

    def nodes(self, name: str) -> list["Node"]:
        """Return the children of a name."""
        return [Node(one) for one in self._children(name)]

    def node(self, name: str) -> "Node | None":
        """Return the one child of a name, None if there is none.

        Raises:
            InputRefused: `field.twice`.
        """
        found = self.nodes(name)
        if len(found) > 1:
            raise InputRefused(FIELD_TWICE, name)
        return found[0] if found else None

    def texts(self, name: str, limit: int = NAME_LIMIT) -> list[str]:
        """Return the texts of all children of a name that say something.

        Raises:
            InputRefused: `field.text`.
        """
        said = (clean(one.text or "", name, limit) for one in self._children(name))
        return [one for one in said if one is not None]

    def text(self, name: str, limit: int = NAME_LIMIT) -> str | None:
        """Return the text of the one child of a name; None if absent or blank.

        Raises:
            InputRefused: `field.text`, `field.twice`.
        """
        said = self.texts(name, limit)
        if len(said) > 1:
            raise InputRefused(FIELD_TWICE, name)
        return said[0] if said else None

    def flag(self, name: str) -> bool | None:
        """Return true or false, also written 1 or 0.

        Raises:
            InputRefused: `field.code`, `field.text`, `field.twice`.
        """
        said = self.code(name, _FLAGS)
        return None if said is None else said == "true"

    def number(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number between bounds.

        Raises:
            InputRefused: `field.number`, `field.text`, `field.twice`.
        """
        said = self.text(name)
        if said is None:
            return None
        if _WHOLE.fullmatch(said) is None or not low <= int(said) <= high:
            raise InputRefused(FIELD_NUMBER, name)
        return int(said)

    def left(self) -> Iterator[str]:
        """Yield names of children that hold something and nobody asked for, and stray text."""
        if any((one.tail or "").strip() for one in self._element):
            yield STRAY
        for one in self._element:
            name = local(one.tag)
            if name and name not in self._asked and (len(one) or (one.text or "").strip()):
                yield name


def stream(
    source: BinaryIO,
    name: str,
    encoding: str | None = None,
    head: Callable[[str, Node], None] | None = None,
) -> Iterator[Node]:
    """Yield each element of a name, and forget it when the next one is asked for.

    Args:
        source: the file.
        name: of the elements, without namespace.
        encoding: a text encoding that somebody has vouched for; None: what the file says.
        head: called with the name of each other element that ends outside of those, with it; and
            with `STRAY` for words that stand between elements there.

    Raises:
        InputRefused: `input.xml`, `input.xml.dtd`, `input.xml.too-large`, `input.empty`,
            `input.encoding`.
    """
    codec = None if encoding is None else VOUCHED.get(encoding.casefold(), encoding)
    # libxml2 takes a byte order mark by itself, and does not know Python's name for it.
    declared = "utf-8" if codec == "utf-8-sig" else codec
    _must_begin_as_xml(source, encoding)
    depth = 0
    held = _Held(source)
    try:
        events = etree.iterparse(
            source,
            events=("start", "end"),
            encoding=declared,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for number, (event, element) in enumerate(events):
            if number == 0 and element.getroottree().docinfo.internalDTD is not None:
                raise InputRefused(XML_DTD, "file")
            inside = local(element.tag) == name
            if depth == 0 and head is not None and _words_before(element, event):
                head(STRAY, Node(element))
            if event == "start":
                depth += inside
                held.add(element)
            elif inside:
                depth -= 1
                yield Node(element)
                held.forget(element, depth)
            elif depth == 0 and head is not None:
                head(local(element.tag), Node(element))
    except etree.XMLSyntaxError as error:
        raise InputRefused(BAD_XML, f"line {error.lineno or 1}") from error
    except (LookupError, UnicodeDecodeError) as error:
        raise InputRefused(BAD_XML, "file") from error


def _must_begin_as_xml(source: BinaryIO, encoding: str | None) -> None:
    """Refuse what is empty or no text at all with its own code; leave the rest to the parser."""
    head = source.read(HEAD_BYTES)
    source.seek(0)
    if not glance(head).startswith("<"):
        decode(head, encoding)


def _words_before(element: etree._Element, event: str) -> bool:
    """Tell whether words stand between an element's tag and the tag before it."""
    if event == "end":
        said = element[-1].tail if len(element) else None
    elif (before := element.getprevious()) is not None:
        said = before.tail
    else:
        parent = element.getparent()
        said = None if parent is None else parent.text
    return bool((said or "").strip())


class _Held:
    """What the parser holds since the last element that was forgotten."""

    __slots__ = ("_elements", "_since", "_source")

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._elements = 0
        self._since = 0

    def add(self, element: etree._Element) -> None:
        """Count an element that begins.

        Raises:
            InputRefused: `input.xml.too-large`.
        """
        self._elements += 1
        if self._elements > MOST_HELD or self._source.tell() - self._since > MOST_BYTES:
            raise InputRefused(XML_HELD, f"line {element.sourceline or 1}")

    def forget(self, element: etree._Element, depth: int) -> None:
        """Drop what an element holds, and all that stands before it at any level.

        One that lies within another of its kind goes with that one.
        """
        if depth:
            return
        element.clear(keep_tail=True)  # what stands behind it is looked at with the next tag
        last: etree._Element | None = element
        while last is not None and (parent := last.getparent()) is not None:
            while last.getprevious() is not None:
                del parent[0]
            last = parent
        self._elements = 0
        self._since = self._source.tell()
