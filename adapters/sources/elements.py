"""One JSON object while it is mapped: it knows which of its members nobody asked for."""

import re
from collections.abc import Iterator, Mapping

from adapters.dates import iso_instant
from adapters.errors import FIELD_CODE, FIELD_NUMBER, FIELD_TYPE, InputRefused
from adapters.sources.fields import Fields
from adapters.sources.text import NAME_LIMIT, TEXT_LIMIT, clean
from broker.clock import Instant

ITEMS_LIMIT = 10_000
"""Entries of one list: more than any child's history, fewer than a mistake can make."""

_PRINTABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


class Element(Fields):
    """A JSON object; each member that is asked for counts as mapped, the rest is left over."""

    __slots__ = ("_asked", "_members", "place")

    def __init__(self, value: object, place: str) -> None:
        """Take a JSON value that must be an object.

        Raises:
            InputRefused: `field.type`.
        """
        if not isinstance(value, dict):
            raise InputRefused(FIELD_TYPE, place)
        self._members: Mapping[str, object] = value
        self._asked: set[str] = set()
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def raw(self, name: str) -> object:
        """Return a member as it stands; None if it is absent."""
        self._asked.add(name)
        return self._members.get(name)

    def text(self, name: str, limit: int = NAME_LIMIT) -> str | None:
        """Return a member's text; a number is read as its digits. None if absent or blank.

        Raises:
            InputRefused: `field.type`, `field.text`.
        """
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise InputRefused(FIELD_TYPE, name)
        return clean(value, name, limit)

    def narrative(self, name: str) -> str | None:
        """Return a member's free text.

        Raises:
            InputRefused: `field.type`, `field.text`.
        """
        return self.text(name, TEXT_LIMIT)

    def flag(self, name: str) -> bool | None:
        """Return a member that is true, false or null.

        Raises:
            InputRefused: `field.type`.
        """
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        raise InputRefused(FIELD_TYPE, name)

    def number(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number between bounds.

        Raises:
            InputRefused: `field.type`, `field.number`.
        """
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputRefused(FIELD_TYPE, name)
        if not low <= value <= high:
            raise InputRefused(FIELD_NUMBER, name)
        return value

    def decimal(self, name: str, low: float, high: float) -> float | None:
        """Return a number between bounds.

        Raises:
            InputRefused: `field.type`, `field.number`.
        """
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InputRefused(FIELD_TYPE, name)
        if not low <= value <= high:
            raise InputRefused(FIELD_NUMBER, name)
        return float(value)

    def instant(self, name: str) -> Instant | None:
        """Return an instant.

        Raises:
            InputRefused: `field.type`, `field.date`.
        """
        value = self.text(name)
        return None if value is None else iso_instant(value, name)

    def element(self, name: str) -> "Element | None":
        """Return a member that is an object.

        Raises:
            InputRefused: `field.type`.
        """
        value = self.raw(name)
        return None if value is None else Element(value, name)

    def entries(self, name: str) -> tuple[object, ...]:
        """Return the entries of a list; none if it is absent.

        Raises:
            InputRefused: `field.type`, `field.number`: too many.
        """
        value = self.raw(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise InputRefused(FIELD_TYPE, name)
        if len(value) > ITEMS_LIMIT:
            raise InputRefused(FIELD_NUMBER, name)
        return tuple(value)

    def texts(self, name: str) -> list[str]:
        """Return the non-blank texts of a list.

        Raises:
            InputRefused: `field.type`, `field.text`.
        """
        found: list[str] = []
        for entry in self.entries(name):
            if entry is None:
                continue
            if not isinstance(entry, str):
                raise InputRefused(FIELD_TYPE, name)
            text = clean(entry, name)
            if text is not None:
                found.append(text)
        return found

    def codes(self, name: str, codes: Mapping[str, str]) -> list[str]:
        """Return what the codes of a list mean, sorted, each once.

        Raises:
            InputRefused: `field.type`, `field.text`, `field.code`.
        """
        said = self.texts(name)
        if any(text.casefold() not in codes for text in said):
            raise InputRefused(FIELD_CODE, name)
        return sorted({codes[text.casefold()] for text in said})

    def left(self) -> Iterator[str]:
        """Yield names of members that hold something and that nobody asked for."""
        for name, value in self._members.items():
            if name not in self._asked and value not in (None, "", [], {}):
                yield name if _PRINTABLE.fullmatch(name) else "(a name that is not printed)"
