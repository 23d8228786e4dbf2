"""Cores that hang, die or fail when they are asked to: a worker's process imports them by name."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from broker.clock import Instant
from broker.lanes import Message, Received
from broker.routing.host import Needs, Outputs, Recalled

HANG, EXIT, RAISE = b"hang", b"exit", b"raise"
"""Values of messages that make the core do so when it opens them."""


class TroubledCore:
    """Counts what it was taught, and does what a message's value says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._learnt = 0

    def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        self._learnt += len(protocol) + len(registers)

    def open(self, messages: Sequence[Received]) -> Needs:
        for one in messages:
            match one.message.value:
                case b"hang":
                    time.sleep(600)
                case b"exit":
                    os._exit(3)
                case b"raise":
                    raise LookupError(f"a secret of {self._name}")
                case _:
                    pass
        return Needs(rows={"seen": frozenset(one.message.key for one in messages)})

    def decide(self, recalled: Recalled) -> Outputs:
        rows = tuple(Message(topic, key, value) for (topic, key), value in recalled.rows.items())
        return Outputs(rows, counts={"learnt": self._learnt, "process": os.getpid()})

    def give_up(self, message: Received) -> Outputs:
        return Outputs((message.message,))

    def look_back(self) -> Needs:
        return Needs(prefixes={"held": frozenset({b""})})

    def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        return Outputs(counts={"rows": len(recalled.rows), "at": at})


def troubled(name: str = "core") -> Callable[[], TroubledCore]:
    """Return what makes one, here or in another process."""
    return partial(TroubledCore, name)


def never() -> TroubledCore:
    """Stand for a core that cannot be built: its process ends at once, without a word."""
    sys.exit(4)
