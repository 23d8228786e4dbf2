"""What a FHIR notification is, before anybody maps it: a resource, an event, a sign of life.

Read is the outermost only: type and id, and of a Bundle whether it begins with the status of a
subscription (R4B SubscriptionStatus; in R4 the Parameters of the Subscriptions R5 Backport guide).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from lxml import etree

from adapters.errors import BAD_XML, SHAPE, XML_DTD, InputRefused
from adapters.sources.json_text import parse
from adapters.sources.xml import local

Tree = Mapping[str, object]


class Sort(Enum):
    """What a notification is; the value is how it is named in answers."""

    CONTENT = "content"
    EMPTY = "empty"
    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"


SIGNS_OF_LIFE = {"handshake": Sort.HANDSHAKE, "heartbeat": Sort.HEARTBEAT}
EVENT = "event-notification"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification.

    Attributes:
        sort: what it is.
        type: of the resource.
        id: of the resource; empty if it has none.
    """

    sort: Sort
    type: str
    id: str


@dataclass(frozen=True, slots=True)
class _Outline:
    """The outermost of a resource; `of` gives the resources of a Bundle's entries."""

    type: str
    id: str
    status: str | None
    of: tuple["_Outline", ...] = ()


def read_notice(content: bytes, *, xml: bool) -> Notice:
    """Return what a body is.

    Raises:
        InputRefused: it is no resource: `input.shape`, `input.json`, `input.xml`, ….
    """
    outline = _outline_of_xml(_root(content)) if xml else _outline_of_json(parse(content))
    if outline is None:
        raise InputRefused(SHAPE, "resourceType")
    return Notice(_sort(outline), outline.type, outline.id)


def _sort(outline: _Outline) -> Sort:
    if outline.type != "Bundle":
        return Sort.CONTENT
    if not outline.of:
        return Sort.EMPTY
    status = outline.of[0].status
    if status is None:
        return Sort.CONTENT
    if status in SIGNS_OF_LIFE:
        return SIGNS_OF_LIFE[status]
    if status != EVENT:
        raise InputRefused(SHAPE, "type of the subscription's status")
    return Sort.CONTENT if len(outline.of) > 1 else Sort.EMPTY


def _outline_of_json(value: object, *, inner: bool = False) -> _Outline | None:
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        return None
    type_ = value["resourceType"]
    entries = value.get("entry") if type_ == "Bundle" and not inner else None
    found = (
        _outline_of_json(one["resource"], inner=True)
        for one in (entries if isinstance(entries, list) else ())
        if isinstance(one, dict) and "resource" in one
    )
    id_ = value.get("id")
    return _Outline(
        type_,
        id_ if isinstance(id_, str) else "",
        _status_of_json(type_, value),
        tuple(one for one in found if one is not None),
    )


def _status_of_json(type_: str, value: Tree) -> str | None:
    if type_ == "SubscriptionStatus":
        return str(value.get("type", ""))
    parameters = value.get("parameter")
    if type_ != "Parameters" or not isinstance(parameters, list):
        return None
    for one in parameters:
        if isinstance(one, dict) and one.get("name") == "type":
            return str(one.get("valueCode", ""))
    return None


def _root(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line = error.lineno if isinstance(error, etree.XMLSyntaxError) else 1
        # Without its cause, which quotes what it could not read.
        raise InputRefused(BAD_XML, f"line {line or 1}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InputRefused(XML_DTD, "file")
    return root


def _outline_of_xml(element: etree._Element, *, inner: bool = False) -> _Outline:
    type_ = local(element.tag)
    entries = "entry" if type_ == "Bundle" and not inner else ""
    found = (
        _outline_of_xml(one, inner=True)
        for entry in _named(element, entries)
        for resource in _named(entry, "resource")
        for one in resource
    )
    return _Outline(type_, _value(element, "id"), _status_of_xml(type_, element), tuple(found))


def _status_of_xml(type_: str, element: etree._Element) -> str | None:
    if type_ == "SubscriptionStatus":
        return _value(element, "type")
    for one in _named(element, "parameter" if type_ == "Parameters" else ""):
        if _value(one, "name") == "type":
            return _value(one, "valueCode")
    return None


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (one for one in element if local(one.tag) == name)


def _value(element: etree._Element, name: str) -> str:
    return next((str(one.get("value", "")) for one in _named(element, name)), "")
