"""Streams over simulated stores."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import islice

from broker.backends.progress import Progress
from broker.backends.simulated.clock import VirtualClock
from broker.backends.simulated.faults import Call, Fault, Faults
from broker.backends.simulated.lane import Party, SimulatedLane
from broker.backends.simulated.store import SimulatedStore
from broker.backends.topology import Places, Topology
from broker.lanes import Lane, Message, OutcomeUnknown, Received


class SimulatedStreams:
    """Topics in memory, as one process sees them; see `broker.lanes.Streams`."""

    def __init__(
        self,
        places: Mapping[str, SimulatedStore],
        sink: SimulatedStore,
        clock: VirtualClock,
        topology: Topology,
        faults: Faults | None = None,
    ) -> None:
        """Say what lies where, as for SQLite, and what goes wrong: nothing, if nothing is said.

        Args:
            places: store of each topic, by name or by prefix (`records.`).
            sink: holds this process's positions; all outputs of its lanes lie there.
            clock: the simulation's time; every call moves it on.
            topology: shards and tables.
            faults: shared by all streams of the simulation.
        """
        self._party = Party(Places(places), sink, clock, topology, faults or Faults(0))

    def lanes(
        self, topics: Sequence[str], group: str
    ) -> AbstractAsyncContextManager[tuple[Lane, ...]]:
        """Acquire the lanes of a group."""
        return self._lanes(topics, group)

    @asynccontextmanager
    async def _lanes(self, topics: Sequence[str], group: str) -> AsyncIterator[tuple[Lane, ...]]:
        party = self._party
        reach = party.topology.reach(topics)
        for topic in topics:
            party.places.of(topic)
        await party.call(Call.ACQUIRE, party.sink)
        lanes = tuple(
            SimulatedLane(
                party,
                group,
                shard,
                Progress(party.sink.positions(group, shard)),
                party.faults.order(reached),
            )
            for shard, reached in enumerate(reach)
        )
        try:
            yield lanes
        finally:
            for lane in lanes:
                lane.release()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append messages of one store."""
        party = self._party
        stores = {id(store): store for store in (party.places.of(m.topic) for m in messages)}
        if len(stores) > 1:
            raise ValueError("messages that are published together lie in one store")
        placed = [(party.topology.shard_of(m.topic, m.key), m) for m in messages]
        for store in stores.values():
            fault = await party.call(Call.PUBLISH, store)
            if fault is not Fault.UNKNOWN_UNDONE:
                store.append(placed, party.topology, party.clock, party.faults)
            if fault is not None:
                raise OutcomeUnknown(store.name)

    async def read(self, topic: str, after: int, limit: int = 1000) -> list[Received]:
        """Return messages of shard 0, or a table's rows, from an offset on."""
        store = self._party.places.of(topic)
        await self._party.call(Call.READ, store)
        return list(islice(store.visible(topic, 0, after, self._party.clock.now()), limit))

    async def end(self, topic: str) -> int:
        """Return the offset behind shard 0's last message that readers see."""
        store = self._party.places.of(topic)
        await self._party.call(Call.READ, store)
        return store.end(topic, 0, self._party.clock.now())
