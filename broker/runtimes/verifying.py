"""Verifying an installation from its stored bytes: log, decisions, deliveries.

Everything is read from disk and derived anew, from the partnership's first root on. The record
keys and the log's key are needed to look into entries; without them the tree alone is verified.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from broker.access_log.alarms import Raised
from broker.access_log.errors import WITNESS_SPLIT
from broker.access_log.findings import Finding, LogReport
from broker.access_log.reader import LogView, read_state
from broker.access_log.verify import Checks, verify_log
from broker.access_log.verify_deliveries import DeliveriesReport, verify_deliveries
from broker.access_log.witness import Cosigned, Standing
from broker.backends.files.store import FileTileStore
from broker.backends.sqlite.record_keys import SqliteRecordKeys
from broker.clock import Clock
from broker.lanes import Received, Streams
from broker.records.names import AgencyId
from broker.runtimes.core import CoreParts, make_replay
from broker.runtimes.exchange import exchange_of
from broker.runtimes.keystore import BrokerSecrets
from broker.runtimes.layout import Layout
from broker.runtimes.opening import BrokerOpener
from broker.runtimes.points import Modules
from broker.runtimes.protocol import log_keys, protocol_entries, read_protocol
from broker.runtimes.witnessed import (
    agencies_of,
    read_alarms,
    read_cosignatures,
    read_steps,
    standing_of,
)

READ_AT_ONCE = 1000
MEMO_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified.

    Attributes:
        log: the tree, the openings, the decisions.
        deliveries: what was released; None if the log is not sound.
        decisions: decisions made again.
        logged_late: of each record that was sent past the broker in an emergency: ms from then
            until the log had it.
        standing: how far the log is witnessed; None if the log is not sound.
        forked: findings about cosignatures that are not of this log's history.
        alarms: of witnesses, that stand.
    """

    log: LogReport
    deliveries: DeliveriesReport | None
    decisions: int
    logged_late: tuple[int, ...] = ()
    standing: Standing | None = None
    forked: tuple[Finding, ...] = ()
    alarms: tuple[Raised, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is wrong."""
        delivered = () if self.deliveries is None else self.deliveries.findings
        return self.log.findings + delivered + self.forked

    @property
    def sound(self) -> bool:
        """Whether released ⊆ logged ⊆ allowed was shown."""
        return not self.findings and self.deliveries is not None and not self.log.closed


async def verify(
    layout: Layout,
    clock: Clock,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Verification:
    """Verify everything that an installation holds.

    Raises:
        InstallationError: there is no such installation.
        ProtocolError: the published protocol does not verify.
        Unavailable: a store cannot be reached.
    """
    layout.require()
    async with AsyncExitStack() as stack:
        secrets = BrokerSecrets.load(layout.broker_secrets)
        keys = stack.enter_context(SqliteRecordKeys.open(layout.record_keys, secrets.record_keys))
        streams = await stack.enter_async_context(exchange_of(layout).public(clock))
        first_root = layout.first_root.read_bytes()
        protocol = await read_protocol(streams, first_root)
        trust = protocol.trust
        keys_of_log = log_keys(trust)
        replay = make_replay(
            CoreParts.of(first_root, secrets, MEMO_SIZE),
            await protocol_entries(streams),
            stack.enter_context(Modules()),
        )
        # Before the log: it may grow meanwhile, and nothing is cosigned that is not stored yet.
        cosigned = await read_cosignatures(streams, protocol)
        steps = await read_steps(streams)
        tiles = FileTileStore(layout.log, cache_bytes=0)
        opener = BrokerOpener(protocol.partnership, secrets.facts, keys)
        checks = Checks(trust.origin, keys_of_log, opener, replay, progress)
        report = await verify_log(tiles, checks)
        deliveries = None
        state = await read_state(tiles) if report.sound else None
        if state is not None:
            topics = [
                f"{kind}.{agency}"
                for kind in ("deliveries", "quarantine")
                for agency in protocol.agencies()
            ]
            deliveries = await verify_deliveries(
                _messages(streams, topics),
                LogView(tiles, state),
                report.ledger,
                trust.origin,
                keys_of_log,
            )
        alarms = await read_alarms(streams, protocol)
        late = tuple(replay.logged_late)
        if not report.sound:
            return Verification(report, deliveries, replay.decisions, late, alarms=alarms)
        standing = standing_of(
            agencies_of(protocol, clock.now()), cosigned, report.ledger.roots, steps
        )
        forked = tuple(_forked(cosigned, report.ledger.roots))
        return Verification(report, deliveries, replay.decisions, late, standing, forked, alarms)


def _forked(cosigned: Mapping[AgencyId, Cosigned], roots: Mapping[int, bytes]) -> Iterator[Finding]:
    for agency, one in cosigned.items():
        if roots.get(one.size) != one.root:
            yield Finding(None, WITNESS_SPLIT, f"{agency} has cosigned size {one.size}")


async def _messages(streams: Streams, topics: list[str]) -> AsyncIterator[Received]:
    for topic in topics:
        offset = 0
        while found := await streams.read(topic, offset, READ_AT_ONCE):
            for received in found:
                yield received
            offset = found[-1].offset + 1
