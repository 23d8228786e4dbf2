"""FHIR's XML, made the tree that JSON gives (R4B, sections 2.6.1 and 2.6.2).

What XML has and JSON has not is little: values are attributes, a resource inside another one has an
element around it, and nothing tells one element from several, so each member is a list here.
Refused are a document type of its own, and what nests deeper than any resource does. Nothing is
loaded from anywhere.
"""

from io import BytesIO

from lxml import etree

from adapters.errors import BAD_XML, XML_DTD, InputRefused
from adapters.health.errors import FHIR_SIZE, FHIR_TYPE
from adapters.sources.text import VOUCHED, decode, glance
from adapters.sources.xml import local

NAMESPACE = "http://hl7.org/fhir"

MOST_DEPTH = 64
"""Elements inside each other: a Bundle's resources, with all that may be contained, need 20."""

MOST_ELEMENTS = 500_000
"""Elements of one file: of ten thousand entries each has fifty. A million take a gigabyte."""

_TAG = f"{{{NAMESPACE}}}"

STRAY = "strayText"
"""What is named where words stand between elements: FHIR has them in attributes only."""


def parse_xml(data: bytes, encoding: str | None = None) -> dict[str, object]:
    """Return the resource that an XML file holds.

    Raises:
        InputRefused: `input.xml`, `input.xml.dtd`, `input.encoding`, `fhir.resource`,
            `fhir.too-large`.
    """
    root = _root(data, encoding)
    if not root.tag.startswith(_TAG):
        raise InputRefused(FHIR_TYPE, "file")
    return _resource(root, 0)


def _root(data: bytes, encoding: str | None) -> etree._Element:
    codec = None if encoding is None else VOUCHED.get(encoding.casefold(), encoding)
    if not glance(data[:4]).startswith("<"):
        decode(data, encoding)
    try:
        events = etree.iterparse(
            BytesIO(data),
            events=("start",),
            # libxml2 takes a byte order mark by itself, and does not know Python's name for it.
            encoding="utf-8" if codec == "utf-8-sig" else codec,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for number, (_, element) in enumerate(events):
            if number == 0 and element.getroottree().docinfo.internalDTD is not None:
                raise InputRefused(XML_DTD, "file")
            if number >= MOST_ELEMENTS:
                raise InputRefused(FHIR_SIZE, "file")
    except etree.XMLSyntaxError as error:
        # Without its cause, which quotes what it could not read.
        raise InputRefused(BAD_XML, f"line {error.lineno or 1}") from None
    except (LookupError, UnicodeDecodeError):
        raise InputRefused(BAD_XML, "file") from None
    return events.root


def _resource(element: etree._Element, depth: int) -> dict[str, object]:
    return {**_members(element, depth), "resourceType": local(element.tag)}


def _members(element: etree._Element, depth: int) -> dict[str, object]:
    if depth > MOST_DEPTH:
        raise InputRefused(BAD_XML, f"line {element.sourceline or 1}")
    found: dict[str, list[object]] = {}
    for name in ("url", "id"):
        if element.get(name) is not None:
            found[name] = [element.get(name)]
    if any((text or "").strip() for text in (element.text, *(one.tail for one in element))):
        found[STRAY] = ["(text)"]
    for child in element:
        name = local(child.tag)
        if not isinstance(child.tag, str) or not child.tag.startswith(_TAG):
            # The narrative, in HTML: all that is said of it is that it is there.
            found.setdefault(name or "entity", []).append("(another namespace)")
            continue
        value = child.get("value")
        if value is None:
            found.setdefault(name, []).append(_nested(child, depth + 1))
            continue
        found.setdefault(name, []).append(value)
        if len(child):
            found.setdefault(f"_{name}", []).append(_members(child, depth + 1))
    return dict(found)


def _nested(element: etree._Element, depth: int) -> dict[str, object]:
    if len(element) == 1 and local(element[0].tag)[:1].isupper():
        return _resource(element[0], depth)
    return _members(element, depth)
