"""An agency's own copy of the published protocol, for the hour in which the stream is away.

Over Kafka every command reads the protocol anew; without Kafka nobody could break the glass. Each
time an agency reads the topic it keeps the entries as they are. A copy is believed no more than the
topic: whoever opens it folds it from the first root on. It can be old; it cannot be forged.

The file: `MAGIC`, then for each entry u64 time, u32 length, bytes; in the end SHA-256 of all that.
"""

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

from broker.clock import Instant
from broker.lanes import Message, Received
from broker.routing.intake import PROTOCOL
from broker.runtimes.layout import DAMAGED, InstallationError, replace_file

MAGIC = b"concordat protocol copy 1\n"
_ENTRY = struct.Struct(">QI")
_DIGEST = hashlib.sha256().digest_size


def keep_protocol(path: Path, entries: Sequence[Received]) -> None:
    """Write a copy, unless what is there has the same length or more.

    Raises:
        OSError: the file cannot be written.
    """
    parts = [MAGIC]
    for one in entries:
        value = one.message.value
        parts += [_ENTRY.pack(one.at, len(value)), value]
    data = b"".join(parts)
    if path.is_file() and path.stat().st_size >= len(data) + _DIGEST:
        return
    replace_file(path, data + hashlib.sha256(data).digest())


def kept_protocol(path: Path) -> list[Received] | None:
    """Return the entries of a copy, None if there is none.

    Raises:
        InstallationError: `installation.damaged`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if not body.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise InstallationError(DAMAGED, path.name)
    entries: list[Received] = []
    place = len(MAGIC)
    while place < len(body):
        at, length = _ENTRY.unpack_from(body, place)
        place += _ENTRY.size
        message = Message(PROTOCOL, b"", body[place : place + length])
        entries.append(Received(message, 0, len(entries), Instant(at)))
        place += length
    return entries
