"""How far the agencies have witnessed the log, and what they warn of: read from the stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker.access_log.alarms import ALARMS, Raised, read_alarm, standing_alarms
from broker.access_log.cosignatures import WitnessKey, witness_name
from broker.access_log.errors import LogError
from broker.access_log.notes import Checkpoint, Note
from broker.access_log.published import CHECKPOINTS, Published
from broker.access_log.witness import COSIGNATURES, Cosigned, Standing, policy_text, read_cosigned
from broker.clock import Instant
from broker.lanes import Received, Streams
from broker.protocol.published import PublishedProtocol
from broker.records.names import AgencyId, KeyId
from broker.runtimes.protocol import log_keys

ROWS_AT_ONCE = 1000
_KEY_BYTES = 8


def row_key(agency: AgencyId) -> bytes:
    """Return the key of an agency's row in the table of cosignatures."""
    return sha256(agency.encode()).digest()[:_KEY_BYTES]


@dataclass(slots=True)
class Steps:
    """Published checkpoints as they were read, their signatures not looked at.

    Attributes:
        roots: size → root.
        at: size → when it was published, and its offset; by rising offset.
    """

    roots: dict[int, bytes] = field(default_factory=dict)
    at: dict[int, tuple[Instant, int]] = field(default_factory=dict)

    def add(self, received: Received) -> None:
        """Take one message of the topic; one that is no step is passed over."""
        try:
            note = Published.decode(received.message.value).checkpoint
            checkpoint = Checkpoint.parse(Note.parse(note).text)
        except LogError:
            return
        self.roots.setdefault(checkpoint.size, checkpoint.root)
        self.at.setdefault(checkpoint.size, (received.at, received.offset))


async def read_steps(streams: Streams, offset: int = 0) -> Steps:
    """Return the checkpoints that were published from an offset on.

    Raises:
        Unavailable: the store cannot be reached.
    """
    steps = Steps()
    while found := await streams.read(CHECKPOINTS, offset, ROWS_AT_ONCE):
        for one in found:
            steps.add(one)
        offset = found[-1].offset + 1
    return steps


def agencies_of(protocol: PublishedProtocol, at: Instant) -> tuple[AgencyId, ...]:
    """Return the agencies that have a vote: those of the revision in force; none before one is."""
    agreement = protocol.agreement_at(at)
    return () if agreement is None else tuple(agreement.roster.agencies)


async def read_cosignatures(
    streams: Streams, protocol: PublishedProtocol
) -> dict[AgencyId, Cosigned]:
    """Return what each agency of any revision has cosigned last, by a key that counts.

    Raises:
        Unavailable: the store cannot be reached.
    """
    rows: dict[bytes, Received] = {}
    offset = 0
    while found := await streams.read(COSIGNATURES, offset, ROWS_AT_ONCE):
        rows |= {one.message.key: one for one in found}
        offset = found[-1].offset + 1
    cosigned: dict[AgencyId, Cosigned] = {}
    trust = protocol.trust
    for agency in protocol.agencies():
        row = rows.get(row_key(agency))
        if row is None:
            continue
        keys = protocol.registry.witness_keys(agency, row.at)
        try:
            cosigned[agency] = read_cosigned(
                row.message.value, agency, trust.origin, log_keys(trust), keys
            )
        except LogError:  # somebody else's: it counts for nothing, and its owner writes it anew
            continue
    return cosigned


def standing_of(
    agencies: tuple[AgencyId, ...],
    cosigned: Mapping[AgencyId, Cosigned],
    roots: Mapping[int, bytes],
    steps: Steps,
) -> Standing:
    """Return how it stands.

    Args:
        agencies: of the revision in force.
        cosigned: what each has cosigned.
        roots: size → root of the log as its reader knows it; what another root or an unknown size
            was cosigned with shows him nothing.
        steps: published, from the first that may lack its quorum on.
    """
    agree = {
        agency: one
        for agency, one in cosigned.items()
        if agency in agencies and roots.get(one.size) == one.root
    }
    newest = max(roots, default=0)
    enough = Standing(agencies, agree).witnessed
    waits = [place for size, place in steps.at.items() if size > enough]
    waiting, offset = min(waits, key=lambda one: one[1]) if waits else (None, 0)
    if not waits and steps.at:
        offset = max(place for _, place in steps.at.values()) + 1
    return Standing(agencies, agree, newest, waiting, offset)


async def read_standing(streams: Streams, protocol: PublishedProtocol, at: Instant) -> Standing:
    """Return how far the log is witnessed, for somebody who remembers nothing of it.

    Raises:
        Unavailable: the store cannot be reached.
    """
    steps = await read_steps(streams)
    cosigned = await read_cosignatures(streams, protocol)
    return standing_of(agencies_of(protocol, at), cosigned, steps.roots, steps)


async def read_alarms(streams: Streams, protocol: PublishedProtocol) -> tuple[Raised, ...]:
    """Return the alarms that stand; what is no alarm counts for nothing.

    Raises:
        Unavailable: the store cannot be reached.
    """

    def key_of(agency: AgencyId, key_id: KeyId, at: Instant) -> Ed25519PublicKey:
        return protocol.registry.signing_key(
            agency, key_id, position=protocol.position, arrived=at, issued=at
        )

    raised: list[Raised] = []
    offset = 0
    while found := await streams.read(ALARMS, offset, ROWS_AT_ONCE):
        for one in found:
            try:
                raised.append(read_alarm(one, protocol.partnership, key_of))
            except LogError:
                continue
        offset = found[-1].offset + 1
    return standing_alarms(raised)


def policy_of(protocol: PublishedProtocol, at: Instant) -> str:
    """Return the quorum as other tools read it (C2SP tlog-policy)."""
    trust = protocol.trust
    witnesses = {
        agency: [
            WitnessKey(witness_name(trust.origin, agency), public)
            for public in protocol.registry.witness_keys(agency, at)
        ]
        for agency in agencies_of(protocol, at)
    }
    return policy_text(log_keys(trust)[0], witnesses)
