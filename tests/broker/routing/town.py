"""A router over simulated stores: what its tests publish, strike, and read of the outcome."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from hashlib import sha256

from broker.access_log.decided import Handed, Kept
from broker.backends.simulated.clock import VirtualClock
from broker.backends.simulated.faults import Call, Fault, Faults
from broker.backends.simulated.store import SimulatedStore
from broker.backends.simulated.streams import SimulatedStreams
from broker.backends.topology import Topology
from broker.clock import SECOND, Instant
from broker.lanes import Bound, Lane, LaneError, Message, Received
from broker.records.envelope import Envelope
from broker.records.names import AgencyId
from broker.records.statement import Statement
from broker.routing.handling import Decide
from broker.routing.host import Needs, Outputs, Recalled
from broker.routing.intake import HELD, PROTOCOL, SEEN
from broker.routing.knowledge import REGISTERS
from broker.routing.router import Router
from broker.routing.work import DECIDED
from broker.runtimes.worker import InlineHost
from tests.broker.routing.rig import Entry, Rig
from tests.support.county import (
    ACADEMY,
    COUNCIL,
    FOUNDED,
    HOSPITALS,
    NOON,
    POLICE,
    SCHOOL,
    SURGERY,
    County,
)

SOURCES = (POLICE, COUNCIL, HOSPITALS, SURGERY, SCHOOL, ACADEMY)
RECORDS = tuple(f"records.{agency}" for agency in SOURCES)
TOPICS = (PROTOCOL, *RECORDS)
STREAM = ("records.", "urgent.", PROTOCOL)
TABLES = (SEEN, HELD, "holders")
BROKER = (DECIDED, REGISTERS, *TABLES)

Before = Callable[[str, Sequence[Received]], Awaitable[None]]
"""Called before each call of a core: its name, and the messages of the batch in work."""


class Host(InlineHost):
    """A core in this process that can be made to fail, and remembers how it was used.

    Attributes:
        batches: values of the messages that it was asked to open.
        restarts: how often it was thrown away.
        before: what happens before each call.
    """

    def __init__(
        self, county: County, before: Before | None = None, decide: Decide | None = None
    ) -> None:
        super().__init__(partial(county.core, decide))
        self.batches: list[tuple[bytes, ...]] = []
        self.restarts = 0
        self.before = before
        self._open: Sequence[Received] = ()

    async def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        await self._call("learn")
        await super().learn(protocol, registers)

    async def open(self, messages: Sequence[Received]) -> Needs:
        self.batches.append(tuple(one.message.value for one in messages))
        self._open = messages
        await self._call("open")
        return await super().open(messages)

    async def decide(self, recalled: Recalled) -> Outputs:
        await self._call("decide")
        return await super().decide(recalled)

    async def give_up(self, message: Received) -> Outputs:
        await self._call("give_up")
        return await super().give_up(message)

    async def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        await self._call("sweep")
        return await super().sweep(recalled, at)

    async def restart(self) -> None:
        self.restarts += 1
        self._open = ()
        await super().restart()

    async def _call(self, name: str) -> None:
        if self.before is not None:
            await self.before(name, self._open)


class Town:
    """One installation of a county's broker, its router's lanes in memory.

    Attributes:
        county: whose.
        rig: opens what was decided; holds the record keys.
        clock: of the stores.
        published: values of the records that were published.
    """

    def __init__(self, shards: int = 1) -> None:
        self.county = County()
        self.rig = Rig(self.county)
        self.clock = VirtualClock(FOUNDED)
        self.published: list[bytes] = []
        stream, broker = SimulatedStore("stream"), SimulatedStore("broker")
        self._places = {**dict.fromkeys(STREAM, stream), **dict.fromkeys(BROKER, broker)}
        self._sink = broker
        self._shape = Topology(shards, compacted=TABLES, single_shard=(PROTOCOL, REGISTERS))
        self._entered = 0
        self._calm = self._streams(Faults(0))
        self.faults = Faults(0)

    def _streams(self, faults: Faults) -> SimulatedStreams:
        return SimulatedStreams(self._places, self._sink, self.clock, self._shape, faults)

    @classmethod
    async def founded(cls, shards: int = 1) -> "Town":
        """Return a town at noon, its protocol published."""
        town = cls(shards)
        await town.enter()
        town.clock.advance(NOON - town.clock.now())
        return town

    # ------------------------------------------------------------------ in

    async def enter(self) -> None:
        """Publish what the county's officers have signed since."""
        fresh = self.county.entries[self._entered :]
        await self._calm.publish([one.message for one in fresh])
        self.clock.advance(SECOND)
        self.county.entries[:] = await self._calm.read(PROTOCOL, 0)
        self._entered = len(self.county.entries)

    async def say(self, agency: AgencyId, *said: Statement | Envelope) -> list[bytes]:
        """Publish an agency's records, a second after each other."""
        return await self.send(
            *(self.county.message(agency, one, self.clock.now()) for one in said)
        )

    async def send(self, *messages: Message) -> list[bytes]:
        """Publish messages, a second after each other."""
        for message in messages:
            await self._calm.publish([message])
            self.clock.advance(SECOND)
        values = [message.value for message in messages]
        self.published += values
        return values

    # ------------------------------------------------------------------ through

    def strike(self, script: Mapping[tuple[Call, int], Fault]) -> None:
        """Let faults happen to the calls of routers that are made from now on."""
        self.faults = Faults(0, script=script)

    def router(self, host: Host | None = None, bound: Bound | None = None) -> Router:
        """Return a router, as a fresh process has it."""
        streams = self._streams(self.faults)
        return Router(
            streams=streams,
            registers=streams,
            host=host or Host(self.county),
            keys=self.rig.keys,
            bound=bound or Bound(),
        )

    def lanes(
        self, topics: Sequence[str] = RECORDS
    ) -> AbstractAsyncContextManager[tuple[Lane, ...]]:
        """Acquire the router's lanes."""
        return self._streams(self.faults).lanes(topics, "router")

    async def run(
        self, router: Router | None = None, topics: Sequence[str] = RECORDS, tries: int = 1
    ) -> Counter[str]:
        """Route whatever there is; acquire the lanes anew when they are lost, as a process does."""
        router = router or self.router()
        for left in reversed(range(tries)):
            try:
                async with self.lanes(topics) as (lane,):
                    while await router.step(lane):
                        pass
                    await router.settle()
                    return router.take_counts()
            except LaneError:
                if not left:
                    raise
                self.clock.advance(SECOND)
        raise AssertionError

    # ------------------------------------------------------------------ out

    async def read(self, topic: str) -> list[bytes]:
        """Return the values on a topic of one shard."""
        self.clock.advance(SECOND)
        return [one.message.value for one in await self._calm.read(topic, 0)]

    async def entries(self) -> list[Entry]:
        """Return the log so far; whatever is in it is verified."""
        self.rig.decided = await self.read(DECIDED)
        found = self.rig.opened_entries(self.rig.decided)
        assert self.rig.verify() == []
        return found

    async def causes(self) -> Counter[bytes]:
        """Return how often each message was decided, by its digest."""
        return Counter(
            Kept.decode(Handed.decode(value).kept).cause for value in await self.read(DECIDED)
        )

    async def all_decided_once(self) -> None:
        """Make sure that each published record was decided, and none twice."""
        expected = Counter(sha256(value).digest() for value in self.published)
        assert await self.causes() == expected
        assert set(expected.values()) == {1}
        await self.entries()
