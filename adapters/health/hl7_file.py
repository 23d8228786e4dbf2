"""A file of HL7 v2 messages, taken apart so that a damaged message harms no other.

Rules:

1. A message begins at MSH with its separators, wherever that stands: at the beginning of a line, or
   inside one when the message before was cut off there. That one is then known to be cut.
2. MLLP's framing bytes end a line. What was begun with the first and not ended with the second was
   cut. One frame holds one message, or one batch of several.
3. Segments end in CR, LF or both (HL7 says CR; files that people handle say otherwise).
4. Batch headers and trailers (HL7 v2.5.1, section 2.10.3) are no messages. What a trailer says of
   the number of messages is compared; a batch that was begun and not ended is told, and if the
   file's last line has no end, its last message was cut.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

BEGIN, END = "\x0b", "\x1c"
"""MLLP's framing: VT before a message, FS and CR after it."""

HEADERS = ("FHS", "BHS")
TRAILERS = ("BTS", "FTS")
STRAY = "\ufeff \t"

_SPLIT = re.compile(r"(\x0b|\x1c|\r\n|\r|\n)")
_HEADER = re.compile(r"MSH([^A-Za-z0-9\s])[^A-Za-z0-9\s]{4}\1")
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message, or what stands where a message should.

    Attributes:
        text: its segments between CRs.
        cut: whether it was cut short.
    """

    text: str
    cut: bool = False


@dataclass(slots=True)
class HL7File:
    """Takes a file apart; what it says of itself is known at its end.

    Attributes:
        batches: batches and files of batches that were begun and not ended.
        miscounted: a trailer says another number of messages than there were.
    """

    batches: list[str] = field(default_factory=list)
    miscounted: bool = False
    _lines: list[str] = field(default_factory=list)
    _framed: bool = False
    _begun: bool = False
    _seen: int = 0

    @property
    def sound(self) -> bool:
        """Whether batches are ended and counts are right."""
        return not self.batches and not self.miscounted

    def pieces(self, text: str) -> Iterator[Piece]:
        """Yield each message; what stands before the first one is yielded too: it won't parse."""
        parts = _SPLIT.split(text)
        for number, part in enumerate(parts):
            if number % 2:
                yield from self._sign(part)
                continue
            last = number == len(parts) - 1
            yield from self._line(part, unended=last and bool(part.strip()))
        yield from self._end(cut=self._framed or bool(self.batches and parts[-1].strip()))

    def _sign(self, sign: str) -> Iterator[Piece]:
        if sign == BEGIN:
            yield from self._end(cut=self._framed)
            self._framed, self._begun = True, False
        elif sign == END:
            yield from self._end(cut=False)
            self._framed = False

    def _line(self, part: str, *, unended: bool) -> Iterator[Piece]:
        line = part.strip(STRAY)
        starts = [match.start() for match in _HEADER.finditer(line)]
        if line[:3] == "MSH" and starts[:1] != [0]:
            # A header that is wrong begins a message all the same: one that will be refused.
            starts.insert(0, 0)
        if not starts:
            if line[:3] in HEADERS or line[:3] in TRAILERS:
                yield from self._end(cut=False)
                self._batch(line, counted=not unended)
            elif line:
                self._lines.append(line)
            return
        if starts[0]:
            self._lines.append(line[: starts[0]])
        for start, end in pairwise((*starts, len(line))):
            ran_on = self._framed and not self.batches and (self._begun or bool(self._lines))
            yield from self._end(cut=start > 0 or (ran_on and self._begun))
            self._framed, self._begun = self._framed and not ran_on, True
            self._lines.append(line[start:end])
            self._seen += 1

    def _end(self, *, cut: bool) -> Iterator[Piece]:
        if self._lines:
            yield Piece("\r".join(self._lines), cut)
            self._lines = []

    def _batch(self, line: str, *, counted: bool) -> None:
        name = line[:3]
        if name in HEADERS:
            self.batches.append(name)
            if name == "BHS":
                self._seen = 0
            return
        header = HEADERS[1 - TRAILERS.index(name)]
        if header in self.batches:
            self.batches.remove(header)
        said = re.split(r"[^A-Za-z0-9]", line[4:], maxsplit=1)[0]
        if name == "BTS" and counted and _COUNT.fullmatch(said) and int(said) != self._seen:
            self.miscounted = True
