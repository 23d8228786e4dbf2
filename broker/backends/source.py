"""Where a lane's messages come from, if that is not where its outputs go.

An agency's consuming lane keeps inbox and position in the agency's own store, whatever holds the
topics that it consumes.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from broker.lanes import Bound, Received


class Source(Protocol):
    """Topics that somebody else writes to."""

    async def fetch(self, shard: int, starts: Mapping[str, int], bound: Bound) -> list[Received]:
        """Return waiting messages, topic by topic, each topic with its fair share.

        Args:
            shard: of every topic.
            starts: topic → offset to begin at, in the order in which they have their turn.
            bound: how much; nothing is waited for.

        Raises:
            Unavailable: the source cannot be reached.
        """
        ...

    async def state(self, shard: int, topics: Collection[str]) -> object:
        """Return what changes with everything that these topics get, to be compared with `==`.

        Raises:
            Unavailable: the source cannot be reached.
        """
        ...
