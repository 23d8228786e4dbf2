"""Published checkpoints: the log shows everybody, in one place, how it grew.

Each message of the topic `checkpoints` holds a checkpoint and the proof that the log of the one
before is its beginning. Whoever follows them from the first one knows every root that a delivery
may rest on, and would notice a log that forgot or rewrote something, or that shows him another
history than others (they compare what they hold).

Rules of `follow`: (1) the checkpoint is signed by the log; (2) the step begins where the last one
ended, and the log has grown; (3) the path leads from the last root to the new one (RFC 6962,
section 2.1.2). See `docs/log-format.md`, section 12.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from broker.access_log.codec import Codec, array, hash_type, record
from broker.access_log.errors import PROOF_CONSISTENCY, SHAPE, LogError
from broker.access_log.notes import Checkpoint, VerifierKey, open_checkpoint
from broker.access_log.tree import HASH_BYTES, check_consistency

CHECKPOINTS = "checkpoints"
"""The public topic; one shard."""

SHOWN = "shown"
"""The releaser's table: which checkpoint it has published last."""

SIZE_BYTES = 8

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
    """How far somebody has followed the log: its size there, and its root."""

    size: int = 0
    root: bytes = b""

    def encode(self) -> bytes:
        """Return size and root as bytes: u64 ‖ root."""
        return self.size.to_bytes(SIZE_BYTES, "big") + self.root

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what `encode` has written; nothing stands for the beginning.

        Raises:
            LogError: `log.shape`.
        """
        if not data:
            return cls()
        if len(data) != SIZE_BYTES + HASH_BYTES:
            raise LogError(SHAPE, "checkpoint followed")
        return cls(int.from_bytes(data[:SIZE_BYTES], "big"), data[SIZE_BYTES:])

    def check(self, step: Published, now: "Followed") -> None:
        """Check that `step` leads from here to `now`, rules (2) and (3).

        Raises:
            LogError: `log.proof.consistency`.
        """
        # (2) it begins here, and the log has grown
        if step.before != self.size or now.size <= self.size:
            raise LogError(PROOF_CONSISTENCY, CHECKPOINTS)
        # (3) its beginning is what stood here
        if self.size:
            check_consistency(self.size, self.root, now.size, now.root, step.path)
        elif step.path:
            raise LogError(PROOF_CONSISTENCY, CHECKPOINTS)


def follow(
    last: Followed, step: Published, origin: str, keys: Collection[VerifierKey]
) -> Checkpoint:
    """Return the step's checkpoint if it follows on the last one.

    Raises:
        LogError: `log.note.*`, or `log.proof.consistency`.
    """
    # (1) signed by the log
    checkpoint = open_checkpoint(step.checkpoint, origin, keys)
    # (2) and (3) from the last step to this one
    last.check(step, Followed(checkpoint.size, checkpoint.root))
    return checkpoint
