"""One lane over simulated stores."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from broker.backends.progress import Progress
from broker.backends.simulated.clock import CALL_MS, VirtualClock
from broker.backends.simulated.faults import FROZEN_MS, Call, Fault, Faults
from broker.backends.simulated.store import SimulatedStore
from broker.backends.topology import Places, Topology, fair_shares
from broker.lanes import (
    Batch,
    Bound,
    LaneLost,
    Message,
    OutcomeUnknown,
    Received,
    Unavailable,
)

WAIT_FIRST_MS = 5
"""How much virtual time passes at once in a waiting `take`, so that others act in between."""

WAIT_MOST_MS = 1_000
"""The same once it has waited for long: an hour is some thousand steps."""


@dataclass(frozen=True, slots=True)
class Party:
    """One process's view of the simulation: what its streams and its lanes share."""

    places: Places[SimulatedStore]
    sink: SimulatedStore
    clock: VirtualClock
    topology: Topology
    faults: Faults

    async def call(self, call: Call, store: SimulatedStore) -> Fault | None:
        """Let others act and time pass, as any call to a store does; return what strikes it.

        Raises:
            Unavailable: that is what strikes it.
        """
        for _ in range(self.faults.pauses()):
            await asyncio.sleep(0)
        self.clock.advance(CALL_MS)
        fault = self.faults.strike(call)
        if fault is Fault.UNAVAILABLE:
            raise Unavailable(store.name)
        return fault


class SimulatedLane:
    """See `broker.lanes.Lane`; made by `SimulatedStreams.lanes`."""

    def __init__(
        self, party: Party, group: str, shard: int, progress: Progress, topics: Sequence[str]
    ) -> None:
        """Acquire the lane."""
        self._party = party
        self._group = group
        self._shard = shard
        self._progress = progress
        self._topics = list(topics)
        self._epoch = party.sink.acquire(group, shard)
        self._alive = True
        self._awake = asyncio.Event()
        self._awake.set()

    @property
    def shard(self) -> int:
        """The partition number."""
        return self._shard

    def freeze(self) -> None:
        """Let every further call stand still, until `thaw`."""
        self._awake.clear()

    def thaw(self) -> None:
        """Let the calls that stand still go on."""
        self._awake.set()

    def release(self) -> None:
        """Make every further call raise `LaneLost`."""
        self._alive = False

    async def take(self, bound: Bound) -> Batch:
        """Return the next messages; wait in virtual time as long as `bound` says."""
        clock = self._party.clock
        deadline = clock.now() + bound.wait_ms
        step = WAIT_FIRST_MS
        while True:
            await self._owned(Call.TAKE)
            batch = self._next(bound)
            if batch.messages or clock.now() >= deadline:
                return batch
            await asyncio.sleep(0)
            clock.advance(min(step, max(0, deadline - clock.now())))
            step = min(2 * step, WAIT_MOST_MS)

    async def commit(self, batch: Batch, outputs: Sequence[Message]) -> None:
        """Write outputs and position together."""
        self._must_be_alive()
        self._progress.check(batch)
        party = self._party
        for message in outputs:
            if party.places.of(message.topic) is not party.sink:
                raise ValueError(
                    f"{message.topic} lies outside the store that this lane commits to"
                )
        placed = [(party.topology.home(m.topic, self._shard), m) for m in outputs]
        try:
            fault = await self._owned(Call.COMMIT)
        except asyncio.CancelledError:
            self._alive = False
            raise
        if fault is not Fault.UNKNOWN_UNDONE:
            party.sink.append(placed, party.topology, party.clock, party.faults)
            party.sink.advance(self._group, self._shard, batch.positions())
        if fault is not None:
            self._alive = False
            raise OutcomeUnknown(self._name())
        self._progress.committed(batch)

    async def recall(self, topic: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return rows of a compacted topic by key."""
        rows = await self._table(topic)
        return {key: rows[key] for key in keys if key in rows}

    async def rows(
        self, topic: str, after: bytes = b"", limit: int = 1000
    ) -> list[tuple[bytes, bytes]]:
        """Return rows of a compacted topic behind a key."""
        rows = await self._table(topic)
        return [(key, rows[key]) for key in sorted(rows) if key > after][:limit]

    async def _table(self, topic: str) -> dict[bytes, bytes]:
        topology = self._party.topology
        topology.must_be_compacted(topic)
        store = self._party.places.of(topic)
        await self._owned(Call.RECALL)
        return store.rows(topic, topology.home(topic, self._shard))

    def _next(self, bound: Bound) -> Batch:
        """Read from the present positions and move them on; nobody can act in between."""
        count = self._party.faults.shorten(bound.count)
        self._topics = [*self._topics[1:], self._topics[0]]
        waiting = {topic: list(islice(self._visible(topic), count)) for topic in self._topics}
        shares = fair_shares({topic: len(found) for topic, found in waiting.items()}, count)
        fair = (received for topic, share in shares.items() for received in waiting[topic][:share])
        batch = Batch(tuple(_within(fair, bound.octets)))
        self._progress.took(batch)
        return batch

    def _visible(self, topic: str) -> Iterator[Received]:
        party = self._party
        start = self._progress.next(topic)
        return party.places.of(topic).visible(topic, self._shard, start, party.clock.now())

    async def _owned(self, call: Call) -> Fault | None:
        """Make a call as the lane's owner; return what else strikes it.

        Raises:
            LaneLost: the lane is another owner's.
            Unavailable: the store cannot be reached.
        """
        self._must_be_alive()
        party = self._party
        fault = await party.call(call, party.sink)
        if fault in {Fault.LOST, Fault.FROZEN}:
            party.sink.acquire(self._group, self._shard)
        if fault is Fault.FROZEN:
            party.clock.advance(FROZEN_MS)
        await self._awake.wait()
        self._must_be_alive()
        with self._dying():
            party.sink.must_own(self._group, self._shard, self._epoch)
        return fault

    def _name(self) -> str:
        return f"{self._group}, shard {self._shard}"

    def _must_be_alive(self) -> None:
        if not self._alive:
            raise LaneLost(f"{self._name()}, given up before")

    @contextmanager
    def _dying(self) -> Iterator[None]:
        """Rule 3: the lane is dead after this."""
        try:
            yield
        except LaneLost:
            self._alive = False
            raise


def _within(messages: Iterator[Received], octets: int) -> Iterator[Received]:
    """Yield messages while their values fit; the first one whatever its size."""
    first = True
    for received in messages:
        octets -= len(received.message.value)
        if octets < 0 and not first:
            return
        first = False
        yield received
