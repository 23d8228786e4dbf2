"""Any order of calls to lanes, compared with a model made of plain lists.

Subclass `LaneMachine`, say how many shards, and make a world.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from broker.lanes import Batch, Lane, LaneLost, Message, Received
from tests.contracts.worlds import BOTH, World, at_most, topology

Result = TypeVar("Result")
SHORT = settings(max_examples=30, stateful_step_count=25)
NAMES = st.sampled_from([b"a", b"b", b"c"])
SHARDS = st.integers(0, 2)


@dataclass
class Model:
    """One lane as it must be: what its topics hold, where it reads, what it wrote."""

    topics: dict[str, list[bytes]] = field(default_factory=lambda: {topic: [] for topic in BOTH})
    committed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BOTH, 0))
    reads: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BOTH, 0))
    works: list[tuple[dict[str, int], Batch]] = field(default_factory=list)
    decided: list[bytes] = field(default_factory=list)
    seen: dict[bytes, bytes] = field(default_factory=dict)

    def waiting(self) -> int:
        return sum(len(self.topics[topic]) - self.reads[topic] for topic in BOTH)

    def restart(self) -> None:
        self.reads = dict(self.committed)
        self.works = []

    def take(self, batch: Batch) -> None:
        starts = dict(self.reads)
        for received in batch.messages:
            topic = received.message.topic
            assert received.message.value == self.topics[topic][self.reads[topic]]
            self.reads[topic] += 1
        if batch.messages:
            self.works.append((starts, batch))

    def commit(self, batch: Batch) -> None:
        for received in batch.messages:
            self.committed[received.message.topic] += 1
        if not batch.messages:
            return
        _, whole = self.works.pop(0)
        if len(batch.messages) < len(whole.messages):
            self.reads = dict(self.committed)

    def write(self, outputs: list[Message]) -> None:
        for message in outputs:
            if message.topic == "decided":
                self.decided.append(message.value)
            elif message.value:
                self.seen[message.key] = message.value
            else:
                self.seen.pop(message.key, None)


class LaneMachine(RuleBasedStateMachine):
    """Publish, take, commit, recall, restart and wake up frozen owners, in any order."""

    shards: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.number = 0
        self.fenced: list[tuple[Lane, Batch]] = []

    def make_world(self) -> World:
        raise NotImplementedError

    def run_in_loop(self, work: Coroutine[object, object, Result]) -> Result:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.world = self.make_world()
        self.models = [Model() for _ in range(self.shards)]
        self.acquire()

    def acquire(self) -> None:
        lanes = self.world.streams("broker").lanes(BOTH, "router")
        self.lanes = self.run_in_loop(self.stack.enter_async_context(lanes))
        assert [lane.shard for lane in self.lanes] == list(range(self.shards))

    def one(self, shard: int) -> tuple[Lane, Model]:
        return self.lanes[shard % self.shards], self.models[shard % self.shards]

    @rule(topic=st.sampled_from(BOTH), shard=SHARDS, count=st.integers(1, 4))
    def publish(self, topic: str, shard: int, count: int) -> None:
        _, model = self.one(shard)
        key = (shard % self.shards).to_bytes(8)
        assert topology(self.shards).shard_of(topic, key) == shard % self.shards
        messages = []
        for _ in range(count):
            self.number += 1
            messages.append(Message(topic, key, self.number.to_bytes(4)))
        self.run_in_loop(self.world.streams("agency").publish(messages))
        model.topics[topic].extend(message.value for message in messages)

    @rule(shard=SHARDS, count=st.integers(1, 5))
    def take(self, shard: int, count: int) -> None:
        lane, model = self.one(shard)
        batch = self.run_in_loop(lane.take(at_most(count)))
        assert len(batch.messages) == min(count, model.waiting())
        model.take(batch)

    @rule(
        shard=SHARDS,
        part=st.none() | st.integers(0, 4),
        rows=st.lists(st.tuples(NAMES, st.binary(max_size=2)), max_size=4),
    )
    def commit(self, shard: int, part: int | None, rows: list[tuple[bytes, bytes]]) -> None:
        lane, model = self.one(shard)
        batch = model.works[0][1] if model.works else Batch(())
        if part is not None and len(model.works) == 1:
            batch = batch.first(part)
        outputs = [Message("decided", bytes(8), r.message.value) for r in batch.messages]
        outputs += [Message("seen", name, value) for name, value in rows]
        self.run_in_loop(lane.commit(batch, outputs))
        model.commit(batch)
        model.write(outputs)

    @rule(shard=SHARDS, keys=st.sets(NAMES))
    def recall(self, shard: int, keys: set[bytes]) -> None:
        lane, model = self.one(shard)
        expected = {key: model.seen[key] for key in keys if key in model.seen}
        assert self.run_in_loop(lane.recall("seen", keys)) == expected
        assert self.run_in_loop(lane.rows("seen")) == sorted(model.seen.items())

    @rule()
    def restart(self) -> None:
        for lane, model in zip(self.lanes, self.models, strict=True):
            work = model.works[0][1] if model.works else Batch(())
            self.fenced.append((lane, work))
            model.restart()
        self.acquire()

    @precondition(lambda self: self.fenced)
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        lane, work = data.draw(st.sampled_from(self.fenced))
        with pytest.raises(LaneLost):
            self.run_in_loop(lane.commit(work, [Message("decided", bytes(8), b"woken")]))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            for shard, model in enumerate(self.models):
                assert [r.message.value for r in self.written(shard)] == model.decided
        self.run_in_loop(self.stack.aclose())
        self.runner.close()

    def written(self, shard: int) -> list[Received]:
        async def work() -> list[Received]:
            async with self.world.streams("stream").lanes(["decided"], "checker") as lanes:
                return list((await lanes[shard].take(at_most(10_000))).messages)

        return self.run_in_loop(work())
