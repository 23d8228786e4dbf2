"""The loop that drives a lane: take, decide, keep keys, commit. The one place that catches.

Order of every step, and why:

1. Take a batch. A `protocol` entry is worked on alone: it may bring held records back.
2. Read `protocol` and `registers` to their ends and teach the core: a change binds every batch
   that is decided after it.
3. Let the core open the batch, recall what it asks for, let it decide.
4. Make new record keys durable. A key without its record is harmless; the other way it is lost.
5. Commit outputs and position together, if what was read in 2 is still the newest or was read
   within the last half second; else decide again.

While commit n runs, batch n+1 is taken and decided, but never sent; not if n changes the
registers, which n+1 must read first.

A core that crashes or hangs is started anew and the batch halved, until the message that does it
stands alone and is quarantined: a message that has failed twice, the last time alone, since once
may be the process's own death. A commit that fails leaves the core knowing what never was: it is
started anew too, and the lane is to be acquired again by the caller.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from broker.access_log.ports import RecordKeys
from broker.clock import Instant
from broker.faults import reach
from broker.lanes import Batch, Bound, Lane, Received, Streams
from broker.records.names import RecordDigest
from broker.routing.host import CoreFailed, CoreHost, Needs, Outputs, Recalled

PROTOCOL = "protocol"
REGISTERS = "registers"

ROWS_AT_ONCE = 1000
"""Rows or messages read in one call: some megabytes at most."""

FRESH_S = 0.5
"""How old the reading of `protocol` and `registers` may be at a commit, in seconds."""

READ_BACK_S = 0.001
"""Pause before this router looks again for register entries that it has committed, in seconds."""

DIGEST_BYTES = 32

Place = tuple[str, int, int]
"""Topic, shard and offset of a message."""


class Router:
    """Routes the messages of one lane. The core's state is this router's alone."""

    def __init__(
        self,
        *,
        streams: Streams,
        registers: Streams,
        host: CoreHost,
        keys: RecordKeys,
        bound: Bound,
    ) -> None:
        """Wire the ports: `streams` holds `protocol`, `registers` the topic of that name."""
        self._sources = {PROTOCOL: streams, REGISTERS: registers}
        self._host = host
        self._keys = keys
        self._bound = bound
        self._suspects: set[Place] = set()
        self._read = {PROTOCOL: 0, REGISTERS: 0}
        self._read_at = 0.0
        self._pending: asyncio.Task[None] | None = None
        self._registers_pending = False
        self._unread: set[bytes] = set()
        self._counts: Counter[str] = Counter()

    async def step(self, lane: Lane) -> int:
        """Take and decide one batch; return how many of its messages are on their way.

        Its commit may still be running: the next step, or `settle`, waits for it.

        Raises:
            LaneError: from the lane; the core was thrown away, acquire the lane again.
            KeyConflict: another router has decided the same records; acquire the lane again.
            CoreFailed: no core can learn what lies on `protocol` and `registers`.
        """
        try:
            batch = await lane.take(Bound(self._most(), self._bound.octets, self._bound.wait_ms))
            if not batch.messages:
                await self._settled()
                return 0
            reach("router.after-take")
            routed = await self._route(lane, _alone(batch))
            if routed < len(batch.messages):
                # The rest is taken again, behind a prefix that must be committed by then.
                await self._settled()
        except BaseException:
            await self._forget()
            raise
        return routed

    async def sweep(self, lane: Lane, at: Instant) -> int:
        """Release what no message frees: what time has ended, what was left unanswered.

        Returns:
            How many messages were committed.

        Raises:
            LaneError: from the lane; the core was thrown away, acquire the lane again.
        """
        await self.settle()
        try:
            await self._learn()
            needs = await self._host.look_back()
            if not needs.prefixes:
                return 0
            outputs = await self._host.sweep(await self._recall(lane, needs), at)
            if outputs.messages:
                await self._commit(lane, Batch(()), outputs)
        except CoreFailed:
            # Nothing is lost by it: what is held stays held, and is looked at again.
            self._counts["sweeps failed"] += 1
            await self._restart()
            return 0
        except BaseException:
            await self._forget()
            raise
        return len(outputs.messages)

    async def note(self, lane: Lane, messages: Sequence[Received]) -> bool:
        """Log what comes by no lane: searches of the log for a person.

        Returns:
            Whether it was committed; the same again is logged once.

        Raises:
            LaneError: from the lane; the core was thrown away, acquire the lane again.
        """
        await self.settle()
        try:
            await self._learn()
            outputs = await self._decide(lane, Batch(tuple(messages)))
            await self._commit(lane, Batch(()), outputs)
        except CoreFailed:
            self._counts["looks failed"] += 1
            await self._restart()
            return False
        except BaseException:
            await self._forget()
            raise
        return True

    def take_counts(self) -> Counter[str]:
        """Return what was committed since this was last asked, by name."""
        counts, self._counts = self._counts, Counter()
        return counts

    async def settle(self) -> None:
        """Wait for the commit that is under way, if any.

        Raises:
            LaneError, KeyConflict: it failed; the core was thrown away, acquire the lane again.
        """
        try:
            await self._settled()
        except BaseException:
            await self._forget()
            raise

    async def _settled(self) -> None:
        if self._pending is not None:
            await self._pending
            self._pending = None

    def _most(self) -> int:
        """Return how many messages to take: half of those among which one makes the core fail."""
        return max(1, len(self._suspects) // 2) if self._suspects else self._bound.count

    async def _route(self, lane: Lane, batch: Batch) -> int:
        while True:
            if self._registers_pending:
                await self._settled()
                self._registers_pending = False
            await self._learn()
            outputs = await self._outputs(lane, batch)
            if outputs is None:
                batch = batch.first(self._most())
                continue
            await self._settled()
            if await self._stale():
                await self._restart()
                continue
            self._suspects -= _places(batch)
            self._registers_pending = outputs.registers_changed
            self._pending = asyncio.create_task(self._commit(lane, batch, outputs))
            return len(batch.messages)

    async def _outputs(self, lane: Lane, batch: Batch) -> Outputs | None:
        """Return what a batch becomes, None if it made the core fail and is to be halved."""
        try:
            return await self._decide(lane, batch)
        except CoreFailed:
            await self._restart()
        places = _places(batch)
        if len(places) > 1 or not places <= self._suspects:
            self._suspects = places
            return None
        await self._learn()
        return await self._host.give_up(batch.messages[0])

    async def _learn(self) -> None:
        try:
            await self._teach()
        except CoreFailed:
            # No message of a batch did that: other routers' entries, or the process's death.
            await self._restart()
            await self._teach()

    async def _teach(self) -> None:
        news: dict[str, list[Received]] = {topic: [] for topic in self._sources}
        while True:
            for topic, streams in self._sources.items():
                while found := await streams.read(topic, self._read[topic], ROWS_AT_ONCE):
                    news[topic] += found
                    self._read[topic] = found[-1].offset + 1
            self._unread.difference_update(one.message.value for one in news[REGISTERS])
            if not self._unread:
                break
            # A store may show late what it has committed. To decide without an entry of one's own
            # would be to forget an alert, so this waits for as long as it takes.
            await asyncio.sleep(READ_BACK_S)
        self._read_at = time.monotonic()
        if news[PROTOCOL] or news[REGISTERS]:
            await self._host.learn(news[PROTOCOL], news[REGISTERS])

    async def _stale(self) -> bool:
        if time.monotonic() - self._read_at <= FRESH_S:
            return False
        for topic, streams in self._sources.items():
            if await streams.end(topic) > self._read[topic]:
                return True
        return False

    async def _decide(self, lane: Lane, batch: Batch) -> Outputs:
        # A batch lies topic by topic; what arrived first is decided first, as far as one batch
        # goes: a school's roll that was published before a police record is known to it.
        in_order = sorted(batch.messages, key=lambda received: received.at)
        needs = await self._host.open(in_order)
        return await self._host.decide(await self._recall(lane, needs))

    async def _recall(self, lane: Lane, needs: Needs) -> Recalled:
        rows: dict[tuple[str, bytes], bytes] = {}
        for topic, keys in needs.rows.items():
            found = await lane.recall(topic, keys)
            rows.update({(topic, key): value for key, value in found.items()})
        for topic, prefixes in needs.prefixes.items():
            for prefix in prefixes:
                rows.update(await _rows_of(lane, topic, prefix))
        held = {
            RecordDigest(value[:DIGEST_BYTES])
            for (topic, _), value in rows.items()
            if topic in needs.keys_of and value
        }
        # A crash between keeping keys and the commit leaves keys behind: they are used, not made
        # anew, for a router that was only frozen may have sealed under them.
        records = held | needs.records
        return Recalled(rows, await self._keys.get(records) if records else {})

    async def _commit(self, lane: Lane, batch: Batch, outputs: Outputs) -> None:
        reach("router.before-keys")
        if outputs.keys:
            await self._keys.keep(outputs.keys)
        reach("router.before-commit")
        await lane.commit(batch, outputs.messages)
        reach("router.after-commit")
        self._counts.update(outputs.counts)
        self._unread.update(one.value for one in outputs.messages if one.topic == REGISTERS)

    async def _restart(self) -> None:
        await self._settled()
        await self._host.restart()
        self._read = dict.fromkeys(self._read, 0)

    async def _forget(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            # Whatever comes of it: the committed position tells whoever acquires the lane.
            await asyncio.gather(pending, return_exceptions=True)
        self._registers_pending = False
        self._unread.clear()
        self._suspects.clear()
        await self._host.restart()
        self._read = dict.fromkeys(self._read, 0)


def _places(batch: Batch) -> set[Place]:
    return {(one.message.topic, one.shard, one.offset) for one in batch.messages}


def _alone(batch: Batch) -> Batch:
    """Return the part of a batch before its first `protocol` entry, or that entry alone."""
    topics = [received.message.topic for received in batch.messages]
    if PROTOCOL not in topics:
        return batch
    return batch.first(max(1, topics.index(PROTOCOL)))


async def _rows_of(lane: Lane, topic: str, prefix: bytes) -> dict[tuple[str, bytes], bytes]:
    rows: dict[tuple[str, bytes], bytes] = {}
    after = prefix
    while True:
        found = await lane.rows(topic, after, ROWS_AT_ONCE)
        for key, value in found:
            if not key.startswith(prefix):
                return rows
            rows[topic, key] = value
        if len(found) < ROWS_AT_ONCE:
            return rows
        after = found[-1][0]
