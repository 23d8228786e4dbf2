"""FHIR elements while they are mapped: they know which of their members nobody asked for.

The tree is JSON's, or what `adapters/health/fhir_xml.py` makes of XML: there each member is a list,
since XML does not tell one from several. What is asked for decides: one, or many.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from adapters.dates import day_of, iso_day, iso_instant
from adapters.errors import FIELD_NUMBER, FIELD_TWICE, FIELD_TYPE, InputRefused
from adapters.health.errors import FHIR_MODIFIER
from adapters.sources.elements import ITEMS_LIMIT
from adapters.sources.fields import Fields
from adapters.sources.text import NAME_LIMIT, clean
from broker.clock import Instant

Tree: TypeAlias = Mapping[str, object]

ADDRESS_LIMIT = 2_000
"""Characters of an address: what browsers and servers take."""

SILENT = frozenset({"resourceType", "id"})
MODIFIERS = ("modifierExtension", "implicitRules")
"""What may turn the meaning of all else round (R4B, sections 2.1.5.0.3 and 2.27.4): a reader that
does not know it must not use the resource."""

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)
_EXTENSION = re.compile(r"(?:.*/)?([A-Za-z][A-Za-z-]{0,79})", re.ASCII)


class Branch(Fields):
    """One element or resource; each member that is asked for counts as mapped."""

    __slots__ = ("_asked", "_below", "_known", "_members", "_xml", "path")

    def __init__(self, members: Tree, path: str, *, xml: bool) -> None:
        """Take the members of an element.

        Args:
            members: by name.
            path: of the element, for errors and for what is left: `Flag.period`.
            xml: whether each member is a list.
        """
        self._members = members
        self._xml = xml
        self._asked: set[str] = set()
        self._known: set[str] = set()
        self._below: dict[str, list[Branch]] = {}
        self.path = path

    @property
    def type(self) -> str:
        """The type of a resource; empty if it says none."""
        said = self._members.get("resourceType")
        return said if isinstance(said, str) and _NAME.fullmatch(said) else ""

    def raw(self, name: str) -> object:
        """Return a member as it stands; None if it is absent."""
        self._asked.add(name)
        return self._members.get(name)

    def _values(self, name: str) -> list[object]:
        """Return a member's values, of which there may be none."""
        self._asked.add(name)
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            return [value]
        if len(value) > ITEMS_LIMIT:
            raise InputRefused(FIELD_NUMBER, self.place(name))
        return value

    def place(self, name: str) -> str:
        """Return where a member stands."""
        return f"{self.path}.{name}"

    def _single(self, name: str) -> object:
        values = self._values(name)
        if not self._xml and isinstance(self._members.get(name), list):
            raise InputRefused(FIELD_TYPE, self.place(name))
        if len(values) > 1:
            raise InputRefused(FIELD_TWICE, self.place(name))
        return values[0] if values else None

    def _branches(self, name: str, values: list[object]) -> "list[Branch]":
        if name not in self._below:
            found = []
            for value in values:
                if not isinstance(value, dict):
                    raise InputRefused(FIELD_TYPE, self.place(name))
                found.append(Branch(value, self.place(name), xml=self._xml))
            self._below[name] = found
        return self._below[name]

    def text(self, name: str, limit: int = NAME_LIMIT) -> str | None:
        """Return a primitive's text; None if it is absent or blank.

        Raises:
            InputRefused: `field.type`, `field.twice`, `field.text`.
        """
        value = self._single(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise InputRefused(FIELD_TYPE, self.place(name))
        return clean(value, self.place(name), limit)

    def address(self, name: str) -> str | None:
        """Return a URI.

        Raises:
            InputRefused: as for `text`.
        """
        return self.text(name, ADDRESS_LIMIT)

    def flag(self, name: str) -> bool | None:
        """Return a boolean.

        Raises:
            InputRefused: `field.type`, `field.twice`.
        """
        value = self._single(name)
        if self._xml and value in ("true", "false"):
            return value == "true"
        if value is None or isinstance(value, bool):
            return value
        raise InputRefused(FIELD_TYPE, self.place(name))

    def texts(self, name: str) -> list[str]:
        """Return the texts of a repeating primitive; JSON's null, which holds a place, is nothing.

        Raises:
            InputRefused: `field.type`, `field.text`.
        """
        found = []
        for value in self._several(name):
            if value is not None and not isinstance(value, str):
                raise InputRefused(FIELD_TYPE, self.place(name))
            said = None if value is None else clean(value, self.place(name))
            found += [] if said is None else [said]
        return found

    def _several(self, name: str) -> list[object]:
        values = self._values(name)
        if values and not isinstance(self._members.get(name), list):
            raise InputRefused(FIELD_TYPE, self.place(name))
        return values

    def one(self, name: str) -> "Branch | None":
        """Return an element that can be there once.

        Raises:
            InputRefused: `field.type`, `field.twice`.
        """
        value = self._single(name)
        return None if value is None else self._branches(name, [value])[0]

    def many(self, name: str) -> "list[Branch]":
        """Return an element that can be there several times.

        Raises:
            InputRefused: `field.type`, `field.number`.
        """
        return self._branches(name, self._several(name))

    def extension(self, urls: frozenset[str]) -> "Branch | None":
        """Return the first extension that has one of these addresses.

        Raises:
            InputRefused: `field.…`.
        """
        for one in self.many("extension"):
            url = one.address("url")
            if url in urls:
                self._known.add(url)
                return one
        return None

    def moment(self, name: str) -> tuple[int, Instant | None] | None:
        """Return day, and instant if a time is given, of a date, dateTime or instant.

        Raises:
            InputRefused: `field.date`: no such date, or a year or month alone.
        """
        said = self.text(name)
        if said is None:
            return None
        if "T" not in said:
            return iso_day(said, self.place(name)), None
        at = iso_instant(said, self.place(name))
        return day_of(at), at

    def day(self, name: str) -> int | None:
        """Return a day, in the United Kingdom if a time is given.

        Raises:
            InputRefused: `field.date`.
        """
        found = self.moment(name)
        return None if found is None else found[0]

    def must_not_be_modified(self) -> None:
        """Do nothing if nothing modifies what the element itself means.

        Raises:
            InputRefused: `fhir.modifier`.
        """
        if any(self._members.get(name) for name in MODIFIERS):
            raise InputRefused(FHIR_MODIFIER, self.path)

    def must_be_plain(self) -> None:
        """Do nothing if nothing modifies what the resource means.

        Raises:
            InputRefused: `fhir.modifier`.
        """
        waiting: list[object] = [
            value for name, value in self._members.items() if name != "contained"
        ]
        self.must_not_be_modified()
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting += value
            elif isinstance(value, dict):
                if value.get(MODIFIERS[0]):
                    raise InputRefused(FHIR_MODIFIER, self.path)
                waiting += value.values()

    def others(self, known: frozenset[str]) -> Iterator[str]:
        """Yield names of the element's own members that hold something and are not known."""
        for name, value in self._members.items():
            if name not in known and value not in (None, "", [], {}):
                yield self.place(name) if _NAME.fullmatch(name) else "(a name that is not printed)"

    def left(self) -> Iterator[str]:
        """Yield names of members that hold something and that nobody asked for."""
        for name, value in self._members.items():
            if name in SILENT or value in (None, "", [], {}):
                continue
            if name == "extension":
                yield from self._extensions(value)
            elif name.startswith("_") and _NAME.fullmatch(name):
                yield f"{self.place(name[1:])}.extension"
            elif name not in self._asked:
                yield self.place(name) if _NAME.fullmatch(name) else "(a name that is not printed)"
        for below in self._below.values():
            for one in below:
                if not one.path.endswith(".extension"):
                    yield from one.left()

    def _extensions(self, value: object) -> Iterator[str]:
        for one in value if isinstance(value, list) else [value]:
            url = one.get("url") if isinstance(one, dict) else None
            said = url[0] if isinstance(url, list) and url else url
            if isinstance(said, str) and said in self._known:
                continue
            match = _EXTENSION.fullmatch(said) if isinstance(said, str) else None
            yield f"{self.place('extension')}({match[1] if match else 'not printed'})"
