r"""MLLP release 1 (HL7, ANSI/HL7 V3 TRMLLP): `VT … FS CR` around each message of a stream.

    >>> framer = Framer(100)
    >>> list(framer.feed(framed(b"MSH|one") + b"\x0bMSH|t"))
    [b'MSH|one']
    >>> list(framer.feed(b"wo\x1c\r"))
    [b'MSH|two']

The reader takes what is at hand, in any pieces. What breaks the framing is told as a `Fault`, and
nothing of a broken frame is ever returned as a message.
"""

from collections.abc import Iterator
from enum import Enum

VT = b"\x0b"
FS = b"\x1c"
CR = b"\r"

_ENDS = b"\r\n"
"""What may stand behind FS: CR, or LF as some senders have it."""


class Fault(Enum):
    """What was wrong on the wire."""

    STRAY = "bytes outside a frame"
    RESTARTED = "a frame that begins inside another one, which was cut short"
    UNENDED = "FS that is not followed by CR"
    TOO_LARGE = "a frame longer than the limit"


def framed(content: bytes) -> bytes:
    """Return a message in its frame."""
    return VT + content + FS + CR


class Framer:
    """Cuts a stream of bytes into messages; holds one frame's beginning at most."""

    def __init__(self, limit: int) -> None:
        """Take the most bytes that a message may have."""
        self._limit = limit
        self._held = bytearray()
        self._inside = False
        self._looked = 0

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> Iterator[bytes | Fault]:
        """Yield the messages that end in `data`, and what is wrong, in the order of the stream."""
        self._held += data
        more = True
        while more:
            found, more = self._frame() if self._inside else self._gap()
            if found is not None:
                yield found

    def _gap(self) -> tuple[Fault | None, bool]:
        """Pass over what stands before the next frame."""
        begin = self._held.find(VT)
        stray = self._held[: begin if begin >= 0 else len(self._held)].strip(_ENDS)
        del self._held[: begin + 1 if begin >= 0 else len(self._held)]
        self._inside, self._looked = begin >= 0, 0
        return (Fault.STRAY if stray else None), self._inside

    def _frame(self) -> tuple[bytes | Fault | None, bool]:
        """Look for the end of the frame that has begun; whether there is more to look at."""
        end = self._held.find(FS, self._looked)
        again = self._held.find(VT, self._looked, end if end >= 0 else len(self._held))
        if again >= 0:
            return self._drop(again + 1, Fault.RESTARTED, inside=True)
        if (end if end >= 0 else len(self._held)) > self._limit:
            return self._drop(len(self._held), Fault.TOO_LARGE, inside=False)
        if end < 0 or end + 1 == len(self._held):
            self._looked = end if end >= 0 else len(self._held)
            return None, False
        if self._held[end + 1] not in _ENDS:
            return self._drop(end + 1, Fault.UNENDED, inside=False)
        message = bytes(self._held[:end])
        del self._held[: end + 2]
        self._inside, self._looked = False, 0
        return message, True

    def _drop(self, count: int, fault: Fault, *, inside: bool) -> tuple[Fault, bool]:
        del self._held[:count]
        self._inside, self._looked = inside, 0
        return fault, True
