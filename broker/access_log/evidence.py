"""Evidence: chosen entries of the log with all that is needed to check them offline.

A file of evidence is an archive of plain files (`docs/evidence.md`): what the entries commit to,
their proofs under one checkpoint, the first root and the whole published protocol. It has no
signature of its own: each part of it is signed by whoever vouches for it, and a file that somebody
has made or changed by himself fails where it was touched. What is not opened is simply absent: its
commitment stands in the leaf.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from broker.access_log.entry import Opening
from broker.access_log.errors import EVIDENCE, LogError
from broker.access_log.notes import MOST_NOTE_BYTES
from broker.access_log.ports import LeafIndex
from broker.access_log.tiles import ENTRY_BYTES
from broker.clock import Instant

FORM = "concordat evidence 1"
INDEX = "evidence.json"
ROOT = "root.json"
PAGE = "page.html"
READ_ME = "README.txt"

MOST_ENTRIES = 10_000
"""Entries of one file: what is told of a hundred children for years."""

MOST_PROTOCOL = 100_000
"""Entries of the protocol topic that one file may bring."""

MOST_BYTES = 256 * 1024 * 1024
"""Bytes of all files of an archive together: they are held in memory. 10,000 entries take 60 MB."""

_PARTS = {
    "leaf": "leaf.bin",
    "facts": "facts.bin",
    "personal": "personal.bin",
    "told": "told.bin",
    "minimised": "minimised.bin",
    "record": "record.bin",
    "proof": "proof.txt",
}
_ENTRY = re.compile(r"entries/(0|[1-9][0-9]{0,18})/([a-z]+\.(?:bin|txt))", re.ASCII)
_PROTOCOL = re.compile(r"protocol/(0|[1-9][0-9]{0,5})\.json", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """One entry, as far as it is shown.

    Attributes:
        index: its place in the log.
        leaf: its 96 bytes.
        proof: its path under the checkpoint, and the checkpoint (C2SP tlog-proof).
        facts: salt ‖ Facts; None if it is not shown.
        personal: salt ‖ Personal; None if it is not shown.
        told: salt and bytes of what the consumer was told; None if it is not shown.
        minimised: the record as its consumer got it; empty if it got none, or if `told` is None.
        record: the record with every slot closed, for its source's signature, where there is no
            `minimised`; empty if the entry is about none, or if that is gone.
    """

    index: LeafIndex
    leaf: bytes
    proof: bytes
    facts: bytes | None = None
    personal: bytes | None = None
    told: Opening | None = None
    minimised: bytes = b""
    record: bytes = b""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file of evidence holds.

    Attributes:
        partnership: P, 32 bytes.
        origin: of the log.
        made_at: when the file was made.
        asked: which entries were asked for, without any value of a record.
        root: the first root's file; its SHA-256 is P.
        protocol: time and bytes of each entry of the `protocol` topic, from the first.
        entries: by rising index.
    """

    partnership: bytes
    origin: str
    made_at: Instant
    asked: str
    root: bytes
    protocol: tuple[tuple[Instant, bytes], ...]
    entries: tuple[EvidenceEntry, ...]


def pack(evidence: Evidence) -> dict[str, bytes]:
    """Return the files of an archive, by name."""
    index = {
        "form": FORM,
        "partnership": evidence.partnership.hex(),
        "origin": evidence.origin,
        "made_at_ms": evidence.made_at,
        "asked": evidence.asked,
        "protocol_at_ms": [at for at, _ in evidence.protocol],
        "entries": [one.index for one in evidence.entries],
    }
    files = {INDEX: json.dumps(index, indent=1).encode() + b"\n", ROOT: evidence.root}
    files |= {f"protocol/{n}.json": value for n, (_, value) in enumerate(evidence.protocol)}
    for one in evidence.entries:
        files |= {f"entries/{one.index}/{name}": data for name, data in _files_of(one).items()}
    return files


def _files_of(one: EvidenceEntry) -> dict[str, bytes]:
    told = None if one.told is None else one.told.encode()
    parts = {
        "leaf": one.leaf,
        "proof": one.proof,
        "facts": one.facts,
        "personal": one.personal,
        "told": told,
        "minimised": one.minimised or None,
        "record": one.record or None,
    }
    return {_PARTS[name]: data for name, data in parts.items() if data is not None}


def unpack(files: Mapping[str, bytes]) -> Evidence:
    """Return what the files of an archive hold; `page.html` and `README.txt` are passed over.

    Raises:
        LogError: `evidence.shape`; a file is missing, too many, or not what it should be.
    """
    index = _index(files)
    entries: dict[int, dict[str, bytes]] = {number: {} for number in index["entries"]}
    protocol: dict[int, bytes] = {}
    names = {file: name for name, file in _PARTS.items()}
    for path, data in files.items():
        if path in {INDEX, ROOT, PAGE, READ_ME}:
            continue
        if found := _PROTOCOL.fullmatch(path):
            protocol[int(found[1])] = data
        elif (found := _ENTRY.fullmatch(path)) and found[2] in names:
            entries.setdefault(int(found[1]), {})[names[found[2]]] = data
        else:
            raise LogError(EVIDENCE, "a file too many")
    times = index["protocol_at_ms"]
    if ROOT not in files or sorted(protocol) != list(range(len(times))):
        raise LogError(EVIDENCE, "protocol")
    if entries.keys() != set(index["entries"]):
        raise LogError(EVIDENCE, "entries")
    return Evidence(
        bytes.fromhex(index["partnership"]),
        index["origin"],
        Instant(index["made_at_ms"]),
        index["asked"],
        files[ROOT],
        tuple((Instant(at), protocol[n]) for n, at in enumerate(times)),
        tuple(_entry(number, entries[number]) for number in index["entries"]),
    )


def _index(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        index = json.loads(files[INDEX])
        sound = (
            index["form"] == FORM
            and _HEX.fullmatch(index["partnership"]) is not None
            and isinstance(index["origin"], str)
            and isinstance(index["asked"], str)
            and _rising(index["entries"], MOST_ENTRIES)
            and _whole(index["protocol_at_ms"], MOST_PROTOCOL)
            and _whole([index["made_at_ms"]], 1)
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise LogError(EVIDENCE, INDEX) from error
    if not sound:
        raise LogError(EVIDENCE, INDEX)
    found: dict[str, Any] = index
    return found


def _whole(values: Any, most: int) -> bool:  # noqa: ANN401 - a JSON value
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(type(one) is int and 0 <= one < 1 << 63 for one in values)
    )


def _rising(values: Any, most: int) -> bool:  # noqa: ANN401 - a JSON value
    return _whole(values, most) and all(a < b for a, b in pairwise(values))


def _entry(number: int, parts: Mapping[str, bytes]) -> EvidenceEntry:
    where = f"entries/{number}"
    leaf, proof = parts.get("leaf", b""), parts.get("proof", b"")
    if len(leaf) != ENTRY_BYTES or not 0 < len(proof) <= 2 * MOST_NOTE_BYTES:
        raise LogError(EVIDENCE, where)
    if "minimised" in parts and ("told" not in parts or "record" in parts):
        raise LogError(EVIDENCE, where)
    told = parts.get("told")
    return EvidenceEntry(
        LeafIndex(number),
        leaf,
        proof,
        parts.get("facts"),
        parts.get("personal"),
        None if told is None else Opening.decode(told),
        parts.get("minimised", b""),
        parts.get("record", b""),
    )
