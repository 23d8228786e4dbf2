"""Bytes to text, and text to text that may stand in a record."""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import BinaryIO

from adapters.errors import EMPTY, ENCODING, ENCODING_UNKNOWN, FIELD_TEXT, InputRefused

VOUCHED = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "cp1252": "cp1252"}
"""Encodings that a person may vouch for. Nothing tells cp1252 from its neighbours, so it is never
guessed: a wrong guess turns a name into another name."""

NAME_LIMIT = 200
"""Characters of a name, code or line of an address."""

TEXT_LIMIT = 10_000
"""Characters of a narrative: some four pages; 32 slots of it still fit a message."""

CHUNK = 1024 * 1024
"""Bytes that are decoded at once."""

_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters but for line ends and tabs; halves of surrogate pairs (Unicode, section 23.6).
"""


def decode(data: bytes, encoding: str | None = None) -> str:
    """Return a file's text: UTF-8, UTF-16 with a mark, or what somebody has vouched for.

    Raises:
        InputRefused: `input.encoding`, `input.encoding.unknown`, `input.empty`.
    """
    try:
        text = data.decode(_codec(data, encoding))
    except UnicodeDecodeError as error:
        raise InputRefused(ENCODING, "file") from error
    if "\x00" in text:
        # UTF-16 without a mark decodes as UTF-8 with a NUL beside each letter.
        raise InputRefused(ENCODING, "file")
    if not text.strip():
        raise InputRefused(EMPTY, "file")
    return text


@contextmanager
def decoded(stream: BinaryIO, encoding: str | None = None) -> Iterator[TextIOWrapper]:
    """Give a file's text as `decode` returns it, line ends as they are, without holding it whole.

    It is read to its end first: a fault anywhere in it is found before any of it is used.

    Raises:
        InputRefused: as `decode`.
    """
    head = stream.read(CHUNK)
    codec = _codec(head, encoding)
    decoder = codecs.getincrementaldecoder(codec)()
    blank = True
    try:
        while head:
            blank = _holds_nothing(decoder.decode(head)) and blank
            head = stream.read(CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InputRefused(ENCODING, "file") from error
    if blank:
        raise InputRefused(EMPTY, "file")
    stream.seek(0)
    text = TextIOWrapper(stream, codec, newline="")
    try:
        yield text
    finally:
        if not stream.closed:
            text.detach()  # the stream is its opener's to close


def _codec(head: bytes, encoding: str | None) -> str:
    if encoding is None:
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return "utf-16" if head.startswith(marks) else "utf-8-sig"
    codec = VOUCHED.get(encoding.casefold())
    if codec is None:
        raise InputRefused(ENCODING_UNKNOWN, "file")
    return codec


def _holds_nothing(text: str) -> bool:
    if "\x00" in text:
        raise InputRefused(ENCODING, "file")
    return not text.strip()


def glance(head: bytes) -> str:
    """Return the beginning of a file as text, whatever its encoding, for recognising it."""
    codec = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    return head.decode(codec, errors="replace").lstrip("\ufeff \t\r\n\x0b")


def clean(text: str, field: str, limit: int = NAME_LIMIT) -> str | None:
    """Return text without blanks around it; None if nothing is left.

    Raises:
        InputRefused: `field.text`: too long, control characters, half a surrogate pair.
    """
    stripped = text.strip()
    if len(stripped) > limit:
        raise InputRefused(FIELD_TEXT, field)
    if _UNFIT.search(stripped) is not None:
        raise InputRefused(FIELD_TEXT, field)
    return stripped or None
