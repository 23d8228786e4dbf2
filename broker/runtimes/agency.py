"""One agency's side of an installation: its folder and the stream, nothing else.

The agency reads the published protocol from the first root on and believes nothing else: keys, the
revision in force and the router's sealing key come from there.
"""

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from broker.backends.sqlite.outbox import SqliteOutbox
from broker.backends.sqlite.readings import SqliteReadings
from broker.clock import Clock
from broker.lanes import Streams, Unavailable
from broker.protocol.agreement import Agreement
from broker.protocol.published import PublishedProtocol, read_all
from broker.protocol.root import read_root
from broker.receipts.inbox import PART, STORE_TAG
from broker.records.names import AgencyId, ConsumerId, Partnership
from broker.records.schemas import SchemaSet
from broker.records.sealing import Opener, Sealer, Way, open_under, seal_under
from broker.records.signing import Signer
from broker.records.statement import Contact
from broker.runtimes.exchange import AgencyStreams, exchange_of
from broker.runtimes.kept_protocol import keep_protocol, kept_protocol
from broker.runtimes.keystore import AgencyKeys
from broker.runtimes.layout import Layout
from broker.runtimes.protocol import protocol_entries

OWN_PURPOSE = "own"


@dataclass(frozen=True, slots=True)
class AgencySide:
    """What one agency's commands work with.

    Attributes:
        agency: who.
        layout: where.
        clock: the time.
        keys: its private keys.
        protocol: the published protocol, verified.
        stream: what all parties exchange.
        own: its own store: inbox, positions.
        outbox: what it signed.
        readings: how good the files were that it read.
        sealer: of this process.
        from_copy: whether the stream is away and the protocol is the agency's own copy of it.
        keeping: held from the look at what the outbox has until what is new lies in it.
    """

    agency: AgencyId
    layout: Layout
    clock: Clock
    keys: AgencyKeys
    protocol: PublishedProtocol
    stream: Streams
    own: Streams
    outbox: SqliteOutbox
    readings: SqliteReadings
    sealer: Sealer
    from_copy: bool = False
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)

    @property
    def partnership(self) -> Partnership:
        """P."""
        return self.protocol.partnership

    @property
    def agreement(self) -> Agreement:
        """The agreement in force.

        Raises:
            ProtocolError: no revision is in force.
        """
        return self.protocol.agreement(self.clock.now())

    @property
    def schemas(self) -> SchemaSet:
        """Every schema of every revision."""
        return self.protocol.schemas

    @property
    def signer(self) -> Signer:
        """What signs this agency's records."""
        return Signer(self.partnership, self.agency, self.keys.sign, self.keys.id_key, os.urandom)

    @property
    def opener(self) -> Opener:
        """What opens deliveries and the outbox's own copies."""
        return Opener(self.partnership, (self.keys.seal,))

    @property
    def own_way(self) -> Way:
        """The way of what the agency seals to itself."""
        return Way(OWN_PURPOSE, self.agency, self.agency, "outbox")

    def contact(self, desk: str = "", role: str = "") -> Contact:
        """Return whom to ask at this agency: a desk of the roster, by default the first."""
        name = ConsumerId(f"{self.agency}/{desk}" if desk else self.agency)
        found = self.agreement.roster.desk(name)
        if found is None:
            return Contact(role or "duty officer", desk, "")
        return Contact(role or found.manager, found.id, found.telephone)

    def seal_row(self, data: bytes) -> bytes:
        """Seal a row of the agency's own store."""
        return seal_under(
            self._row_key(),
            data,
            partnership=self.partnership,
            part=PART,
            random_bytes=os.urandom,
        )

    def open_row(self, sealed: bytes) -> bytes:
        """Open a row of the agency's own store."""
        return open_under(self._row_key(), sealed, partnership=self.partnership, part=PART)

    def _row_key(self) -> bytes:
        return hmac.digest(self.keys.id_key, STORE_TAG, "sha256")


@asynccontextmanager
async def agency_side(
    layout: Layout,
    agency: str,
    clock: Clock,
    protocol: PublishedProtocol | None = None,
    *,
    by_copy: bool = False,
) -> AsyncIterator[AgencySide]:
    """Open an agency's folder and the stream.

    Args:
        layout: where.
        agency: who.
        clock: the time.
        protocol: what was read a moment ago from the same first root; by default it is read now.
        by_copy: whether the agency's own copy of the protocol will do while the stream is away.

    Raises:
        InstallationError: there is no such installation or agency.
        ProtocolError: what is published does not verify from the first root.
        Unavailable: a store cannot be reached.
    """
    layout.require(agency)
    name = AgencyId(agency)
    async with (
        exchange_of(layout).agency(name, clock) as streams,
        side_with(layout, name, clock, streams, protocol, by_copy=by_copy) as side,
    ):
        yield side


@asynccontextmanager
async def side_with(
    layout: Layout,
    agency: AgencyId,
    clock: Clock,
    streams: AgencyStreams,
    protocol: PublishedProtocol | None = None,
    *,
    by_copy: bool = False,
) -> AsyncIterator[AgencySide]:
    """Open an agency's folder, with streams that are open already; read the protocol if need be.

    With `by_copy`, the agency's own copy of the protocol will do while the stream is away.

    Raises:
        ProtocolError: what is published does not verify from the first root.
        Unavailable: a store cannot be reached.
    """
    keys = AgencyKeys.load(layout.agency_keys(agency))
    from_copy = False
    with (
        SqliteOutbox.open(layout.outbox(agency), keys.id_key) as outbox,
        SqliteReadings(layout.readings(agency)) as readings,
    ):
        if protocol is None:
            protocol, from_copy = await _protocol(layout, agency, streams.stream, by_copy=by_copy)
        yield AgencySide(
            agency,
            layout,
            clock,
            keys,
            protocol,
            streams.stream,
            streams.own,
            outbox,
            readings,
            Sealer(protocol.partnership, os.urandom),
            from_copy,
        )


async def _protocol(
    layout: Layout, agency: AgencyId, stream: Streams, *, by_copy: bool
) -> tuple[PublishedProtocol, bool]:
    """Return the protocol, and whether it is the agency's copy; keep one of what is far away."""
    partnership = read_root(layout.first_root.read_bytes()).digest
    path = layout.protocol_copy(agency)
    try:
        entries = await protocol_entries(stream)
    except Unavailable:
        kept = kept_protocol(path) if by_copy else None
        if kept is None:
            raise
        return read_all(partnership, kept), True
    if layout.cluster.exists():
        keep_protocol(path, entries)
    return read_all(partnership, entries), False
