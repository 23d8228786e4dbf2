"""Published checkpoints: the log shows everybody, in one place, how it grew.

Each message of the topic `checkpoints` holds a checkpoint and the proof that the log of the one
before is its beginning. Whoever follows them from the first one knows every root that a delivery
may rest on, and would notice a log that forgot or rewrote something, or that shows him another
history than others (they compare what they hold).

Rules of `follow`: (1) the checkpoint is signed by the log; (2) it is larger than the last; (3) the
path leads from the last root to the new one (RFC 6962, section 2.1.2).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from broker.access_log.codec import Codec, array, hash_type, record
from broker.access_log.errors import PROOF_CONSISTENCY, LogError
from broker.access_log.notes import Checkpoint, VerifierKey, open_checkpoint
from broker.access_log.tree import check_consistency

CHECKPOINTS = "checkpoints"
"""The public topic; one shard."""

SHOWN = "shown"
"""The releaser's table: which checkpoint it has published last."""

_CODEC = Codec(record("Published", checkpoint="bytes", before="long", path=array(hash_type())))


@dataclass(frozen=True, slots=True)
class Published:
    """One step of the log, as everybody sees it.

    Attributes:
        checkpoint: the signed note.
        before: size of the log at the step before; 0 for the first.
        path: consistency path from there; empty from 0.
    """

    checkpoint: bytes
    before: int
    path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the message's value."""
        return _CODEC.encode(
            {"checkpoint": self.checkpoint, "before": self.before, "path": self.path}
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the step in a message's value.

        Raises:
            LogError: `log.shape`.
        """
        fields = _CODEC.decode(data)
        return cls(fields["checkpoint"], fields["before"], tuple(fields["path"]))


@dataclass(frozen=True, slots=True)
class Followed:
    """How far somebody has followed the log."""

    size: int = 0
    root: bytes = b""


def follow(
    last: Followed, step: Published, origin: str, keys: Collection[VerifierKey]
) -> Checkpoint:
    """Return the step's checkpoint if it follows on the last one.

    Raises:
        LogError: `log.note.*`, or `log.proof.consistency`.
    """
    # (1) signed by the log
    checkpoint = open_checkpoint(step.checkpoint, origin, keys)
    # (2) larger than the last
    if step.before != last.size or checkpoint.size <= last.size:
        raise LogError(PROOF_CONSISTENCY, "checkpoints")
    # (3) its beginning is the last one
    if last.size:
        check_consistency(last.size, last.root, checkpoint.size, checkpoint.root, step.path)
    elif step.path:
        raise LogError(PROOF_CONSISTENCY, "checkpoints")
    return checkpoint
