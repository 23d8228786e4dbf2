"""One HL7 v2 message: split by a library, read and unescaped here.

The library's own access to fields unescapes, and writes what it cannot unescape into the process's
log, values and all. So fields are taken from its containers, and escapes are undone below (HL7
v2.4, section 2.10): separators, line breaks and hexadecimal bytes; highlighting and whatever else
there is stands for no text and goes.
"""

import re
from collections import Counter

import hl7

from adapters.errors import HL7_MESSAGE, InputRefused
from adapters.sources.text import TEXT_LIMIT, clean

MOST_REPEATS = 50
"""Repeats of one field that are looked at: identifiers of one patient are fewer."""

NULL = '""'
"""What stands in a field to say that it holds nothing any more (HL7 v2.5.1, section 2.5.3)."""

_SIGNS = "|^~\\&"
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+", re.ASCII)


class Message:
    """One parsed message; every access gives text, empty where the message has nothing."""

    __slots__ = ("_escape", "_meanings", "_nothing", "_parsed")

    def __init__(self, text: str) -> None:
        """Parse.

        Raises:
            InputRefused: `hl7.message`.
        """
        signs = text[len("MSH") : len("MSH") + len(_SIGNS)]
        if len(set(signs)) != len(_SIGNS) or any(sign.isalnum() for sign in signs):
            raise InputRefused(HL7_MESSAGE, "MSH-2")
        field, component, repeat, escape, part = tuple(signs)
        self._nothing = f'{field}{component}{repeat}{part}" '
        mark = re.escape(escape)
        self._escape = re.compile(f"{mark}([^{mark}]*){mark}")
        self._meanings = {
            "F": field,
            "S": component,
            "R": repeat,
            "E": escape,
            "T": part,
            ".br": "\n",
        }
        try:
            self._parsed = hl7.parse(text)
        except (hl7.HL7Exception, ValueError, LookupError, AssertionError):
            # Without its cause: the library's messages quote what they could not parse.
            raise InputRefused(HL7_MESSAGE, "message") from None

    def get(self, segment: str, field: int, repeat: int = 1, component: int = 1) -> str:
        """Return a component's text, of its first part.

        Raises:
            InputRefused: `field.text`.
        """
        repeats = self._repeats(segment, field)
        value = repeats[repeat - 1] if repeat <= len(repeats) else ""
        parts = [value] if isinstance(value, str) else value
        first = parts[component - 1] if component <= len(parts) else ""
        found = first if isinstance(first, str) else first[0]
        if found == NULL:
            return ""
        return clean(self._plain(found), f"{segment}-{field}", TEXT_LIMIT) or ""

    def repeats(self, segment: str, field: int) -> range:
        """Return the numbers of a field's repeats."""
        return range(1, min(len(self._repeats(segment, field)), MOST_REPEATS) + 1)

    def segments(self) -> Counter[str]:
        """Return the names of its segments, and how often each is there."""
        return Counter(str(segment[0]) for segment in self._parsed)

    def filled(self, segment: str) -> list[int]:
        """Return the numbers of a segment's fields that hold something, in any repeat."""
        for one in self._parsed:
            if str(one[0]) == segment:
                return [
                    number for number in range(1, len(one)) if str(one[number]).strip(self._nothing)
                ]
        return []

    def _repeats(self, segment: str, field: int) -> list[str | list[str | list[str]]]:
        for one in self._parsed:
            if str(one[0]) == segment:
                return list(one[field]) if field < len(one) else []
        return []

    def _plain(self, text: str) -> str:
        return self._escape.sub(self._meaning, text)

    def _meaning(self, match: re.Match[str]) -> str:
        code = match[1]
        if _HEX.fullmatch(code):
            return bytes.fromhex(code[1:]).decode("utf-8", errors="replace")
        return self._meanings.get(code, "")
