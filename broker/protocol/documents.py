"""YAML as a protocol may use it: plain maps, lists and scalars, each knowing its line.

What is signed must be what a person reads, so everything that lets a text say one thing and mean
another is refused: anchors, aliases, tags, duplicate keys, several documents in one file.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from broker.clock import DAY, HOUR, MINUTE, SECOND, Instant
from broker.errors import Code
from broker.protocol.errors import (
    ALIAS,
    DUPLICATE,
    KEY,
    SYNTAX,
    TOO_LARGE,
    VALUE,
    ProtocolTextError,
)

MOST_OCTETS = 1024 * 1024
"""Bytes of one document: a protocol of a thousand clauses has about as many."""

MOST_DEPTH = 16
"""Levels of nesting: the deepest place of a protocol is at the seventh."""

_PLAIN = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})", re.ASCII)
_UNITS: Mapping[str, int] = MappingProxyType(
    {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY}
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A value of a document, with its place.

    Attributes:
        value: a dict of spots, a list of spots, or a scalar.
        file: name of the document.
        line: from 1.
        path: keys from the top, for messages.
    """

    value: Any
    file: str
    line: int
    path: str = ""

    def refuse(self, code: Code, what: str, fix: str | None = None) -> NoReturn:
        """Raise the error of this place.

        Raises:
            ProtocolTextError: always.
        """
        subject = f"{self.path}: " if self.path else ""
        raise ProtocolTextError(code, f"{self.file}:{self.line}: {subject}{what}", fix)

    def fields(
        self, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, "Spot"]:
        """Return a map that has all `required` keys and else only `optional` ones.

        Raises:
            ProtocolTextError: `protocol.text.value` or `protocol.text.key`.
        """
        found = self.map()
        for name, spot in found.items():
            if name not in required and name not in optional:
                known = ", ".join(sorted((*required, *optional)))
                spot.refuse(KEY, "unknown key", f"Use one of: {known}.")
        for name in required:
            if name not in found:
                self.refuse(KEY, f"lacks {name}", f"Add {name}.")
        return found

    def map(self) -> dict[str, "Spot"]:
        """Return a map.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if not isinstance(self.value, dict):
            self.refuse(VALUE, "must be a map of keys and values")
        return self.value

    def items(self) -> list["Spot"]:
        """Return a list; a single value stands for a list of one.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if isinstance(self.value, dict):
            self.refuse(VALUE, "must be a list")
        return self.value if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """Return a text that is not empty.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse(VALUE, "must be a text", "Write a text; put numbers into quotes.")
        return self.value.strip()

    def texts(self) -> list[str]:
        """Return a list of texts.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        return [one.text() for one in self.items()]

    def flag(self) -> bool:
        """Return true or false.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if not isinstance(self.value, bool):
            self.refuse(VALUE, "must be true or false")
        return self.value

    def number(self, least: int, most: int) -> int:
        """Return a whole number within bounds.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.refuse(VALUE, "must be a whole number")
        if not least <= self.value <= most:
            self.refuse(VALUE, f"must lie between {least} and {most}")
        return self.value

    def day(self) -> Instant:
        """Return the first instant of a day, UTC.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        if not isinstance(self.value, date):
            self.refuse(VALUE, "must be a day", "Write it as 2026-01-31.")
        start = datetime(self.value.year, self.value.month, self.value.day, tzinfo=UTC)
        return Instant(int(start.timestamp()) * SECOND)

    def duration(self) -> int:
        """Return a span of time in milliseconds, written as `30 minutes` or `1 day`.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        count, _, unit = self.text().partition(" ")
        size = _UNITS.get(unit.removesuffix("s"))
        if size is None or not count.isascii() or not count.isdigit() or not int(count):
            self.refuse(VALUE, "must be a span of time", "Write it as: 30 minutes, 4 hours, 1 day.")
        return int(count) * size

    def one_of(self, codes: Collection[str]) -> str:
        """Return a text that is one of `codes`.

        Raises:
            ProtocolTextError: `protocol.text.value`.
        """
        found = self.text()
        if found not in codes:
            self.refuse(VALUE, "is not a known code", f"Use one of: {', '.join(sorted(codes))}.")
        return found


def read_document(text: bytes, file: str) -> Spot:
    """Read one YAML document.

    Args:
        text: the file's bytes, UTF-8.
        file: its name, for messages.

    Raises:
        ProtocolTextError: `protocol.text.*`, with file, line and what to do.
    """
    if len(text) > MOST_OCTETS:
        raise ProtocolTextError(TOO_LARGE, f"{file}: more than {MOST_OCTETS} bytes")
    try:
        decoded = text.decode()
        node = _Reader(file).compose(decoded)
    except UnicodeDecodeError as error:
        raise ProtocolTextError(SYNTAX, f"{file}: not UTF-8 at byte {error.start}") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise ProtocolTextError(SYNTAX, f"{file}:{line}") from error
    if node is None:
        raise ProtocolTextError(SYNTAX, f"{file}:1: the document is empty")
    return _spot(node, file, "")


class _Composer(Composer):
    """A composer that refuses what lets a text say one thing and mean another."""

    def compose_node(self, parent: Node | None, index: object) -> Node:
        event = self.parser.peek_event()
        where = f"{self.loader.file}:{event.start_mark.line + 1}"
        if isinstance(event, AliasEvent) or event.anchor is not None or event.tag is not None:
            raise ProtocolTextError(ALIAS, where)
        if isinstance(event, CollectionStartEvent) and self.depth >= MOST_DEPTH:
            raise ProtocolTextError(TOO_LARGE, f"{where}: nested too deeply")
        node: Node = super().compose_node(parent, index)
        return node


class _Reader(YAML):
    """A YAML reader that does not look for plug-ins on disk."""

    def __init__(self, file: str) -> None:
        super().__init__(typ="safe", pure=True)
        self.Composer = _Composer
        self.file = file

    def official_plug_ins(self) -> list[str]:
        return []


def _spot(node: Node, file: str, path: str) -> Spot:
    line = node.start_mark.line + 1
    if isinstance(node, MappingNode):
        return Spot(dict(_pairs(node, file, path)), file, line, path)
    if isinstance(node, SequenceNode):
        held = [_spot(one, file, f"{path}[{i}]") for i, one in enumerate(node.value)]
        return Spot(held, file, line, path)
    return Spot(_scalar(str(node.tag), str(node.value), file, line), file, line, path)


def _pairs(node: MappingNode, file: str, path: str) -> Iterator[tuple[str, Spot]]:
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode) or not isinstance(key.value, str):
            raise ProtocolTextError(VALUE, f"{file}:{line}: a key must be a plain word")
        if key.value in seen:
            raise ProtocolTextError(DUPLICATE, f"{file}:{line}: {key.value}")
        seen.add(key.value)
        inner = f"{path}.{key.value}" if path else key.value
        yield key.value, _spot(value, file, inner)


def _scalar(tag: str, text: str, file: str, line: int) -> str | int | bool | date:
    kind = tag.removeprefix(_PLAIN)
    if kind == "str":
        return text
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int" and _WHOLE.fullmatch(text):
            return int(text)
        if kind == "timestamp":
            return date.fromisoformat(text)
    except ValueError as error:
        raise ProtocolTextError(
            VALUE, f"{file}:{line}: a number or a day is not written out"
        ) from (error)
    raise ProtocolTextError(
        VALUE,
        f"{file}:{line}: neither text, whole number, day, true nor false",
        "Write it out, or put it into quotes if it is a text.",
    )
