"""What elements of JSON and of XML have in common while they are mapped: days and codes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from adapters.dates import iso_day
from adapters.errors import FIELD_CODE, FIELD_MISSING, InputRefused
from adapters.sources.text import NAME_LIMIT


class Fields(ABC):
    """Members by name, each of which says something in a text."""

    __slots__ = ()

    @abstractmethod
    def text(self, name: str, limit: int = NAME_LIMIT) -> str | None:
        """Return a member's text, None if it is absent or blank.

        Raises:
            InputRefused: `field.…`.
        """

    def day(self, name: str) -> int | None:
        """Return a day.

        Raises:
            InputRefused: `field.date`, and as for `text`.
        """
        value = self.text(name)
        return None if value is None else iso_day(value, name)

    def need_day(self, name: str) -> int:
        """Return a day that must be there.

        Raises:
            InputRefused: `field.missing`, and as for `day`.
        """
        value = self.day(name)
        if value is None:
            raise InputRefused(FIELD_MISSING, name)
        return value

    def code(self, name: str, codes: Mapping[str, str]) -> str | None:
        """Return what a code stands for, whatever its case; `codes` by their folded case.

        Raises:
            InputRefused: `field.code`, and as for `text`.
        """
        value = self.text(name)
        if value is None:
            return None
        if value.casefold() not in codes:
            raise InputRefused(FIELD_CODE, name)
        return codes[value.casefold()]
