"""A revision's files as one piece: what is digested, signed, sent on the topic and archived.

Form, before compression: a magic line, then the files by rising path, each as u16 length ‖ path ‖
u32 length ‖ bytes. The digest is over paths and contents, not over the compressed form, so that no
version of zlib can change it: H(T("revision") ‖ for each file lp(path) ‖ H(bytes)).
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256

from broker.protocol.errors import BUNDLE, EntryRefused
from broker.records.digests import lp, tag

MAGIC = b"concordat/revision/1\n"
MOST_OCTETS = 16 * 1024 * 1024
"""Bytes of a bundle when opened: forty times those of a small county's."""

MOST_FILES = 1_000
"""Files of a bundle: policies and schemas of a large partnership are some hundred."""

_PATH = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(/[a-z0-9_-]+(\.[a-z0-9_-]+)*)*", re.ASCII)
_TAG = tag("revision")
_LEVEL = 9


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files as one compressed piece.

    Raises:
        EntryRefused: a path that no bundle may hold, or too much.
    """
    parts = [MAGIC]
    for path, data in sorted(files.items()):
        parts += [lp(path.encode()), len(data).to_bytes(4, "big"), data]
    plain = b"".join(parts)
    _must_be_files(files, len(plain))
    return zlib.compress(plain, _LEVEL)


def unpack(packed: bytes) -> dict[str, bytes]:
    """Return the files of a piece.

    Raises:
        EntryRefused: `protocol.revision.bundle`; not one piece in its one form.
    """
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(packed, MOST_OCTETS + 1)
    except zlib.error as error:
        raise EntryRefused(BUNDLE, "compression") from error
    if not inflate.eof or inflate.unused_data or not plain.startswith(MAGIC):
        raise EntryRefused(BUNDLE, "form")
    files: dict[str, bytes] = {}
    last = ""
    for path, data in _parts(plain):
        if path <= last:
            raise EntryRefused(BUNDLE, "order of files")
        files[path] = data
        last = path
    _must_be_files(files, len(plain))
    return files


def _parts(plain: bytes) -> Iterator[tuple[str, bytes]]:
    place = len(MAGIC)
    while place < len(plain):
        name, place = _part(plain, place, 2)
        data, place = _part(plain, place, 4)
        try:
            yield name.decode("ascii"), data
        except UnicodeDecodeError as error:
            raise EntryRefused(BUNDLE, "path") from error


def _part(plain: bytes, place: int, width: int) -> tuple[bytes, int]:
    start = place + width
    end = start + int.from_bytes(plain[place:start], "big")
    if start > len(plain) or end > len(plain):
        raise EntryRefused(BUNDLE, "length")
    return plain[start:end], end


def _must_be_files(files: Mapping[str, bytes], octets: int) -> None:
    if octets > MOST_OCTETS or len(files) > MOST_FILES:
        raise EntryRefused(BUNDLE, "size")
    if not all(_PATH.fullmatch(path) for path in files):
        raise EntryRefused(BUNDLE, "path")


def bundle_digest(files: Mapping[str, bytes]) -> bytes:
    """Return the digest of a revision's files, 32 bytes."""
    whole = sha256(_TAG)
    for path, data in sorted(files.items()):
        whole.update(lp(path.encode()) + sha256(data).digest())
    return whole.digest()
