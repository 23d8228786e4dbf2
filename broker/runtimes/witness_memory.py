"""What an agency keeps to witness the log: its key, and what it cosigned last.

The memory is a file of the agency's own folder, written in one step and on disk before anybody sees
the cosignature. An agency that has a key and no memory has lost it: so the two are made together,
the memory first.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.access_log.tree import HASH_BYTES
from broker.access_log.witness import Memory
from broker.protocol.bodies import KeyBody
from broker.protocol.entries import sign_entry
from broker.records.batches import key_id_of
from broker.records.keys import Change, Use
from broker.records.names import AgencyId, Partnership
from broker.runtimes.keystore import load_witness_key, save_witness_key
from broker.runtimes.layout import Layout, replace_file


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies in the file.

    Attributes:
        memory: the checkpoint cosigned last.
        offset: behind its step on the topic of checkpoints.
        note: it, with the cosignature; empty before the first.
    """

    memory: Memory = field(default_factory=Memory)
    offset: int = 0
    note: bytes = b""

    def save(self, path: Path) -> None:
        """Write the file; when it returns, it is on disk."""
        plain = {
            "size": self.memory.size,
            "root": self.memory.root.hex(),
            "offset": self.offset,
            "note": b64encode(self.note).decode(),
        }
        replace_file(path, json.dumps(plain, indent=1).encode())

    @classmethod
    def load(cls, path: Path) -> "Kept | None":
        """Read the file; None if there is none, or if it cannot be what was written: it is lost."""
        try:
            plain = json.loads(path.read_bytes())
            root = bytes.fromhex(plain["root"])
            found = cls(
                Memory(int(plain["size"]), root),
                int(plain["offset"]),
                b64decode(plain["note"], validate=True),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return found if len(root) == HASH_BYTES and found.memory.size >= 0 else None


def begin_to_witness(
    layout: Layout, agency: AgencyId, key: Ed25519PrivateKey | None = None
) -> Ed25519PrivateKey:
    """Give an agency an empty memory and a key, but what an interrupted run has made already.

    Args:
        layout: where; the agency's folder is there.
        agency: who.
        key: which; by default a fresh one.

    Returns:
        The key that it has now.
    """
    held = load_witness_key(layout.witness_key(agency))
    if held is not None:
        return held
    Kept().save(layout.witness_memory(agency))
    made = key or Ed25519PrivateKey.generate()
    save_witness_key(layout.witness_key(agency), made)
    return made


def witness_entry(
    partnership: Partnership, agency: AgencyId, key: Ed25519PrivateKey, by: Ed25519PrivateKey
) -> bytes:
    """Return the entry that names an agency's key for witnessing.

    Args:
        partnership: P.
        agency: whose.
        key: which.
        by: of an officer of the agency, or one of its signing keys.
    """
    public = key.public_key().public_bytes_raw()
    body = KeyBody(agency, Change.ADD, Use.WITNESS, key_id_of(public), public)
    return sign_entry(partnership, body.plain(), [by, key])
