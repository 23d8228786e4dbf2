"""Proofs that travel: an entry's place in the log as text that anyone can check offline.

    c2sp.org/tlog-proof@v1
    index 73894
    <one line of base64 a hash, from the leaf's sibling to the root's child>

    <the checkpoint, a signed note>

Rules of `Proof.verify`: (1) the checkpoint is a note of this log, signed by one of its keys, and no
line that names such a key is false; (2) the path has the length that index and size call for;
(3) it leads from the entry's leaf hash to the checkpoint's root.

Source: C2SP tlog-proof.
"""

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from broker.access_log.errors import PROOF_SHAPE, LogError
from broker.access_log.notes import (
    MOST_NOTE_BYTES,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    read_base64,
    read_number,
)
from broker.access_log.prover import Prover
from broker.access_log.tiles import HEIGHT, WIDTH
from broker.access_log.tree import HASH_BYTES, check_inclusion

HEADER = "c2sp.org/tlog-proof@v1"

MOST_HASHES = 63
"""Hashes of a path at most: the height of the largest tree."""

MOST_EXTRA_BYTES = 16 * 1024
"""Opaque extra data that is read at most; Concordat itself sends none."""

MOST_PROOF_BYTES = MOST_NOTE_BYTES + 2 * MOST_EXTRA_BYTES
"""Size of a proof at most: a note, extra data in base64, 63 hashes."""

PATHS_KEPT = 1_024
"""Upper parts of paths that a writer keeps as text: one for each 256 neighbouring leaves."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as read; it shows nothing before `verify`.

    Attributes:
        index: the entry's place in the log.
        path: hashes from the leaf's sibling to the root's child.
        checkpoint: the signed note, as it came.
        extra: opaque data that nobody vouches for; None if there is none.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the proof's text."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines.extend(b64encode(node).decode() for node in self.path)
        return "\n".join((*lines, "", "")).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the proof in `data`.

        Raises:
            LogError: `log.proof.shape`.
        """
        if len(data) > MOST_PROOF_BYTES:
            raise LogError(PROOF_SHAPE, "size")
        head, gap, checkpoint = data.partition(b"\n\n")
        if not gap or not head.isascii():
            raise LogError(PROOF_SHAPE, "text")
        header, *lines = head.decode("ascii").split("\n")
        if header != HEADER:
            raise LogError(PROOF_SHAPE, "header")
        extra: bytes | None = None
        if lines and lines[0].startswith("extra "):
            extra = read_base64(lines.pop(0).removeprefix("extra "))
            if extra is None or len(extra) > MOST_EXTRA_BYTES:
                raise LogError(PROOF_SHAPE, "extra")
        named, space, number = lines.pop(0).partition(" ") if lines else ("", "", "")
        index = read_number(number)
        if named != "index" or not space or index is None:
            raise LogError(PROOF_SHAPE, "index")
        path = [node for line in lines if (node := read_base64(line)) is not None]
        sound = len(path) == len(lines) <= MOST_HASHES
        if not sound or any(len(node) != HASH_BYTES for node in path):
            raise LogError(PROOF_SHAPE, "path")
        return cls(index, tuple(path), checkpoint, extra)

    def verify(self, leaf: bytes, origin: str, keys: Collection[VerifierKey]) -> Checkpoint:
        """Return the checkpoint of the log `origin` that vouches for this leaf hash.

        Args:
            leaf: the entry's leaf hash, made by the verifier from the entry.
            origin: which log.
            keys: the log's keys, from a source that the verifier trusts.

        Raises:
            LogError: `log.note.*` or `log.proof.inclusion`.
        """
        checkpoint = open_checkpoint(self.checkpoint, origin, keys)
        check_inclusion(leaf, self.index, checkpoint.size, checkpoint.root, self.path)
        return checkpoint


class ProofWriter:
    """Writes the proofs of many entries against one checkpoint.

    Leaves of one tile share their path from height 8 on, so that part is kept as text.
    """

    def __init__(self, prover: Prover, checkpoint: bytes) -> None:
        """Write against the signed note `checkpoint`, whose size is the prover's."""
        self.prover = prover
        self._end = b"\n" + checkpoint
        self._uppers: OrderedDict[int, bytes] = OrderedDict()

    def write(self, index: int) -> bytes:
        """Return the proof of one entry; the prover must hold the tiles that this path needs."""
        number = index // WIDTH
        upper = self._uppers.get(number)
        if upper is None:
            # height 64 is above any tree: what remains of the path
            upper = _lines(self.prover.siblings(index, HEIGHT, MOST_HASHES + 1))
            self._uppers[number] = upper
            if len(self._uppers) > PATHS_KEPT:
                self._uppers.popitem(last=False)
        lower = _lines(self.prover.siblings(index, 0, HEIGHT))
        return f"{HEADER}\nindex {index}\n".encode() + lower + upper + self._end


def _lines(nodes: list[bytes]) -> bytes:
    return b"".join([b64encode(node) + b"\n" for node in nodes])
