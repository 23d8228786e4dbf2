"""Named crash points, so that tests can kill a process at every step that matters.

A point costs one dictionary look-up and does nothing unless the environment arms it:
`CONCORDAT_CRASH_AT=router.before-commit` kills this process (SIGKILL, as a power cut would) the
first time that the point is reached, `…:3` the third time.
"""

import os
import signal

POINTS = {
    "outbox.before-store": "records are signed, nothing is kept yet",
    "outbox.after-store": "records are kept, nothing is published yet",
    "outbox.after-publish": "records are published, the outbox does not know it yet",
    "router.after-take": "a batch is taken, nothing is decided yet",
    "router.before-keys": "a batch is decided, its record keys are not kept yet",
    "router.before-commit": "record keys are kept, the batch is not committed yet",
    "router.after-commit": "the batch is committed",
    "sequencer.before-openings": "a batch of entries is taken, nothing is written yet",
    "sequencer.before-checkpoint": "openings are written, the checkpoint is not",
    "sequencer.after-checkpoint": "the checkpoint is written, tiles are not",
    "sequencer.before-index": "tiles are written, the index is not",
    "sequencer.before-commit": "the index is written, the lane's position is not",
    "releaser.before-commit": "proofs are made, nothing is released yet",
    "releaser.after-commit": "deliveries are released",
    "consumer.before-commit": "deliveries are verified, the inbox does not hold them yet",
    "consumer.after-commit": "the inbox holds the deliveries",
}
"""Every point by name, with what is and is not durable there."""

ADAPTER_POINTS = {
    "adapter.after-work": "a file is in work, nothing of it is read",
    "adapter.after-keep": "a file's records are in the outbox, the file is still in work",
    "adapter.after-move": "a file is where it belongs, its records may not be published yet",
}
"""The same of an agency's watched folders, which no other process reaches."""

SINK_POINTS = {
    "sink.before-hand": "a delivery is noted for a sink, the other system does not have it yet",
    "sink.after-hand": "the other system has the delivery, it is not struck off yet",
}
"""The same of an agency's sinks."""

NOTICE_POINTS = {
    "notice.before-send": "a notice is kept for a channel, nobody has it yet",
    "notice.after-send": "the other side has the notice, it is not struck off yet",
}
"""The same of the notices to an agency's people."""


_left: dict[str, int] = {}


def arm(said: str) -> None:
    """Arm one point: `NAME` or `NAME:3` for the third time; nothing where `said` is empty.

    Raises:
        ValueError: no such point.
    """
    name, _, nth = said.partition(":")
    known = POINTS | ADAPTER_POINTS | SINK_POINTS | NOTICE_POINTS
    if name and name not in known:
        message = f"CONCORDAT_CRASH_AT: no point {name}; there are {', '.join(known)}"
        raise ValueError(message)
    _left.clear()
    if name:
        _left[name] = int(nth or 1)


def reach(point: str) -> None:
    """Die here if this point is armed and its count is up."""
    if point in _left:
        _left[point] -= 1
        if _left[point] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("CONCORDAT_CRASH_AT", ""))
