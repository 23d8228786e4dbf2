"""The program of one hop that copies: `python -m benchmarks.kafka.copy_worker PLAN`.

For each message it sends others of the sizes that the plan says; their content is random bytes. It
checks nothing, seals nothing and decides nothing.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.kafka.relay import Hop, Out, Taken, run


class Copier:
    """Sends as many messages of the same sizes as Concordat does."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        """Follow a plan.

        Args:
            plan: `becomes` says for each of some records which messages come of it, topic and
                size; records follow one another in turn.
        """
        self._becomes: list[list[tuple[str, int]]] = plan["becomes"]
        sizes = {size for one in self._becomes for _, size in one}
        content = os.urandom(max(sizes, default=0))
        self._content = {size: content[:size] for size in sizes}

    async def work(self, taken: Taken) -> list[Out]:
        """Return what comes of some messages."""
        becomes, content = self._becomes, self._content
        count = len(becomes)
        return [
            Out(topic, one.key, content[size])
            for one in taken
            for topic, size in becomes[int.from_bytes(one.key, "big") % count]
        ]


if __name__ == "__main__":
    PLAN = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    run(Hop(**PLAN["hop"]), Copier(PLAN).work)
