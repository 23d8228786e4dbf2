"""A small installation in memory: messages that a router decided, a log, and what must come out."""

import random
from collections.abc import AsyncIterator, Sequence

from broker.access_log.deliveries import Delivery
from broker.access_log.proofs import Proof
from broker.access_log.published import CHECKPOINTS, SHOWN, Followed, Published, follow
from broker.access_log.reader import LogView, read_state
from broker.access_log.releaser import LAST, Released, Releaser
from broker.access_log.sequencer import Sequencer
from broker.access_log.tree import hash_leaf, root_of
from broker.access_log.verify import Checks, verify_log
from broker.access_log.verify_deliveries import verify_deliveries
from broker.lanes import Bound, Received
from tests.broker.access_log.county import ORIGIN, SIGNER, County
from tests.broker.access_log.stores import MemoryLogIndex, MemoryTileStore, Topic

KEYS = (SIGNER.key,)
CHECKS = Checks(ORIGIN, KEYS)
STEP = Bound(count=3)


class Crash(BaseException):
    """Stands for the death of the process."""


class World:
    """A topic with messages on it, a store, an index, and what must come out."""

    def __init__(self, messages: int, shards: int = 1, seed: int = 1) -> None:
        self.county = County(seed)
        self.random = random.Random(seed)
        self.topic = Topic("decided", shards)
        self.store = MemoryTileStore()
        self.index = MemoryLogIndex()
        self.sent: list[list[bytes]] = [[] for _ in range(shards)]
        self.released: dict[bytes, str] = {}
        self.put(messages)

    def put(self, messages: int) -> None:
        for _ in range(messages):
            shard = self.random.randrange(len(self.sent))
            decided = self.county.decided(self.random.randint(1, 4))
            self.topic.put(decided.encode(), shard)
            self.sent[shard] += [leaf.leaf for leaf in decided.leaves]
            self.released |= {
                leaf.leaf: leaf.release.topic for leaf in decided.leaves if leaf.release
            }

    async def open(self, shards: Sequence[int] | None = None) -> Sequencer:
        lanes = self.topic.lanes("sequencer", shards)
        return await Sequencer.open(lanes, self.store, self.index, SIGNER)

    def releaser(self, shards: Sequence[int] | None = None) -> Releaser:
        return Releaser(self.topic.lanes("releaser", shards), self.store)

    async def view(self) -> LogView:
        state = await read_state(self.store)
        assert state is not None
        return LogView(self.store, state)

    async def published(self) -> AsyncIterator[Received]:
        """Return everything that was released, as a reader of all topics sees it."""
        for received in self.topic.published:
            yield received

    async def leaves(self) -> list[bytes]:
        """Return the leaves of the log by reading all of it."""
        view = await self.view()
        full = range(view.state.tree.size // 256)
        bundles = [await view.bundle(number) for number in full]
        return [leaf for bundle in bundles for leaf in bundle] + list(view.state.entries)

    async def check(self) -> None:
        """Check that the log holds every message once, in the order of its lane, and is sound."""
        leaves = await self.leaves()
        for sent in self.sent:
            wanted = set(sent)
            assert [leaf for leaf in leaves if leaf in wanted] == sent
        assert len(leaves) == sum(len(sent) for sent in self.sent)
        report = await verify_log(self.store, CHECKS)
        assert report.findings == ()
        assert (report.size, report.root) == (
            len(leaves),
            root_of([hash_leaf(leaf) for leaf in leaves]),
        )
        assert [row.index for row in self.index.rows] == list(range(len(leaves)))
        assert [row.delivery for row in self.index.rows] == [
            hash_leaf(leaf)[:16] for leaf in leaves
        ]


async def check_released(world: World) -> None:
    """Check that everything was released once, where it belongs, and can be verified."""
    report = await verify_log(world.store, CHECKS)
    assert report.findings == ()
    deliveries = await verify_deliveries(
        world.published(), await world.view(), report.ledger, ORIGIN, KEYS
    )
    assert deliveries.findings == ()
    assert (deliveries.deliveries, deliveries.absent) == (len(world.released), 0)
    await check_published(world)


async def check_published(world: World) -> None:
    """Check the published checkpoints as whoever follows the log sees them.

    Each follows on the one before, none comes twice, each is of this log's history, and before each
    delivery stands the checkpoint that it rests on. What the releaser remembers is the last one.
    """
    report = await verify_log(world.store, CHECKS)
    assert report.findings == ()
    last = Followed()
    notes: set[bytes] = set()
    for output in world.topic.outputs:
        if output.topic != CHECKPOINTS:
            assert Proof.parse(Delivery.decode(output.value).proof).checkpoint in notes
            continue
        step = Published.decode(output.value)
        checkpoint = follow(last, step, ORIGIN, KEYS)
        assert report.ledger.roots[checkpoint.size] == checkpoint.root
        last = Followed(checkpoint.size, checkpoint.root)
        notes.add(step.checkpoint)
    assert len(notes) == len(world.topic.steps)
    assert Followed.decode(world.topic.tables.get((SHOWN, LAST), b"")) == last


async def drain(sequencer: Sequencer, bound: Bound = STEP) -> None:
    while (await sequencer.run_once(bound)).messages:
        pass


async def release(releaser: Releaser, bound: Bound = STEP) -> Released:
    """Release all that can be; return the last run's report."""
    while (done := await releaser.run_once(bound)).messages:
        pass
    return done
