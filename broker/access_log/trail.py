"""The trail: which leaves the messages of `decided` became, read from the batches' descriptors.

After a start the descriptors are walked backwards, from the last batch to the one that holds the
oldest message still wanted; only where each batch begins is remembered of that. From there on,
descriptors are read forwards, a few at a time, whatever the log's size.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from broker.access_log.errors import ORIGIN, LogError
from broker.access_log.openings import Batch, Origin, Positions
from broker.access_log.ports import LeafIndex
from broker.access_log.reader import LogView

BATCHES_KEPT = 16
"""Descriptors kept in memory: what a few lanes read at once; 16 of 500 messages are 2 MB."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One batch: its first leaf, and where the lanes stood before it."""

    start: LeafIndex
    before: Positions


class Trail:
    """Finds the leaves of messages that the log holds."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._steps: list[_Step] = []
        self._origins: OrderedDict[LeafIndex, dict[tuple[int, int], Origin]] = OrderedDict()

    async def reach(self, view: LogView, oldest: Mapping[int, int]) -> None:
        """Learn where every batch begins that may hold a message from `oldest` on.

        Args:
            view: the log as it stands.
            oldest: shard → offset of the oldest message still wanted.

        Raises:
            LogError: a descriptor is missing or not what the format says.
            Unavailable: the store cannot be reached.
        """
        if self._steps and not _behind(self._steps[0].before, oldest):
            # A message has come into sight that is older than all that were wanted before.
            self._steps.clear()
        known = self._steps[-1].start if self._steps else -1
        news: list[_Step] = []
        async for batch in view.batches_back():
            if batch.start <= known:
                break
            self._keep(batch)
            news.append(_Step(batch.start, batch.before))
            if _behind(batch.before, oldest):
                break
        self._steps += reversed(news)
        wanted = [number for number, one in enumerate(self._steps) if _behind(one.before, oldest)]
        # The last step that has everything wanted behind it is the first one needed.
        del self._steps[: wanted[-1] if wanted else 0]

    async def origin(self, view: LogView, shard: int, offset: int) -> Origin:
        """Return which leaves a message became.

        Raises:
            LogError: `log.origin`; no batch holds it. Else as `reach`.
        """
        place = bisect_right(self._steps, offset, key=lambda step: step.before.get(shard, 0))
        if place == 0:
            raise LogError(ORIGIN, f"shard {shard}")
        start = self._steps[place - 1].start
        if start not in self._origins:
            self._keep(await view.batch(start))
        self._origins.move_to_end(start)
        origin = self._origins[start].get((shard, offset))
        if origin is None:
            raise LogError(ORIGIN, f"shard {shard}, batch {start}")
        return origin

    def _keep(self, batch: Batch) -> None:
        self._origins[batch.start] = {(one.shard, one.offset): one for one in batch.origins}
        if len(self._origins) > BATCHES_KEPT:
            self._origins.popitem(last=False)


def _behind(before: Positions, oldest: Mapping[int, int]) -> bool:
    """Tell whether every message from `oldest` on lies behind these positions."""
    return all(before.get(shard, 0) <= offset for shard, offset in oldest.items())
