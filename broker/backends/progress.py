"""What a lane has taken, and which of it may be committed next: the order of rules 1 and 2.

>>> progress = Progress({"records.police": 7})
>>> progress.next("records.police")
7
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from broker.lanes import Batch


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch in work, and where its topics were read from before it."""

    batch: Batch
    starts: dict[str, int]


class Progress:
    """The read positions of one lane and its batches in work.

    Attributes:
        rewinds: how often the read positions went back. Who reads while a commit runs looks at it
            before and after, and drops what it read from positions that no longer hold.
    """

    def __init__(self, committed: Mapping[str, int]) -> None:
        """Start behind what is committed, by topic."""
        self._next = dict(committed)
        self._taken: deque[_Taken] = deque()
        self.rewinds = 0

    def next(self, topic: str) -> int:
        """Return the offset that the next take of this topic starts from."""
        return self._next.get(topic, 0)

    def took(self, batch: Batch) -> None:
        """Note a batch that was read from the present positions."""
        if not batch.messages:
            return
        ends = batch.positions()
        self._taken.append(_Taken(batch, {topic: self.next(topic) for topic in ends}))
        self._next.update(ends)

    def check(self, batch: Batch) -> None:
        """Refuse a batch that is not the next one to commit.

        Raises:
            ValueError: it is neither empty, nor the oldest batch in work, nor a prefix of the only
                one in work.
        """
        if not batch.messages:
            return
        if not self._taken:
            raise ValueError("there is no batch in work that could be committed")
        oldest = self._taken[0].batch.messages
        length = len(batch.messages)
        if oldest[:length] != batch.messages:
            raise ValueError("batches are committed in the order in which they were taken")
        if length < len(oldest) and len(self._taken) > 1:
            raise ValueError("only of the last batch taken may a prefix be committed")

    def committed(self, batch: Batch) -> None:
        """Note that a batch which `check` let pass is committed."""
        if not batch.messages:
            return
        oldest = self._taken.popleft()
        if len(batch.messages) < len(oldest.batch.messages):
            self._next.update(oldest.starts)
            self._next.update(batch.positions())
            self.rewinds += 1
