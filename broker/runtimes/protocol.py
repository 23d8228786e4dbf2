"""Reading the published protocol: from the first root on, every entry verified."""

from broker.access_log.notes import VerifierKey
from broker.lanes import Received, Streams
from broker.protocol.published import PublishedProtocol, read_all
from broker.protocol.root import Trust, read_root
from broker.routing.intake import PROTOCOL

READ_AT_ONCE = 1000


def log_keys(trust: Trust) -> tuple[VerifierKey, ...]:
    """Return the keys that may sign the log's checkpoints."""
    return (VerifierKey(trust.origin, trust.log_key),)


async def protocol_entries(streams: Streams) -> list[Received]:
    """Return every entry of the `protocol` topic, in order.

    Raises:
        Unavailable: the store cannot be reached.
    """
    entries: list[Received] = []
    offset = 0
    while found := await streams.read(PROTOCOL, offset, READ_AT_ONCE):
        entries += found
        offset = found[-1].offset + 1
    return entries


async def read_protocol(streams: Streams, first_root: bytes) -> PublishedProtocol:
    """Return the protocol as it is published now.

    Raises:
        EntryRefused: the first root does not stand.
        Unavailable: the store cannot be reached.
    """
    return read_all(read_root(first_root).digest, await protocol_entries(streams))
