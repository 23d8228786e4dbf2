"""What `doctor` asks the servers that an installation works with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from broker.access_log.reader import read_state
from broker.backends.files.store import FileTileStore
from broker.clock import MINUTE, Clock, Instant
from broker.errors import ConcordatError
from broker.protocol.revision import Revision
from broker.runtimes.exchange import exchange_of
from broker.runtimes.indexing import index_to_read
from broker.runtimes.layout import Layout
from broker.runtimes.points import server_point
from broker.runtimes.policy import run_ready
from broker.runtimes.tidying import KEPT

AWAY_IS = "Until it answers only the floor is released, and the rest waits. Start it."
LAGS = "It catches up by itself when the log runs and it can be reached; until then searches miss."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        good: whether it is as it should be.
        said: what was found.
        fix: what to do if it is not.
    """

    name: str
    good: bool
    said: str
    fix: str = ""


def bad(name: str, error: ConcordatError, fix: str = "") -> Check:
    """Return the check that an error ends."""
    where = f" ({error.where})" if error.where else ""
    return Check(name, good=False, said=f"{error.code.sentence}{where}", fix=fix or error.fix)


async def servers(layout: Layout, clock: Clock, revision: Revision) -> AsyncIterator[Check]:
    """Yield a check for each server that the installation works with.

    Args:
        layout: the installation.
        clock: the time.
        revision: in force.
    """
    if layout.cluster.exists():
        yield await _kafka(layout, clock)
    if layout.addresses.postgres:
        yield await _postgres(layout)
    if layout.addresses.opa_server:
        yield _opa(layout.addresses.opa_server, revision, clock.now())


async def _kafka(layout: Layout, clock: Clock) -> Check:
    name = "Kafka"
    try:
        said, memory = await exchange_of(layout).described(clock)
    except ConcordatError as error:
        return bad(name, error)
    if memory is not None and memory < KEPT:
        return Check(
            name,
            good=False,
            said=f"{said}; it forgets positions after {memory // MINUTE} minutes",
            fix="Set offsets.retention.minutes to 21600 or more: a part that rests for longer"
            " would begin at the first message.",
        )
    return Check(name, good=True, said=said)


async def _postgres(layout: Layout) -> Check:
    name = "PostgreSQL"
    try:
        state = await read_state(FileTileStore(layout.log))
        size = 0 if state is None else state.tree.size
        async with index_to_read(layout) as index:
            held = await index.size()
    except ConcordatError as error:
        return bad(name, error)
    return Check(name, good=held >= size, said=f"{held} of {size} entries are indexed", fix=LAGS)


def _opa(address: str, revision: Revision, at: Instant) -> Check:
    name = "OPA server"
    try:
        run_ready(server_point(address)(revision.digest).decide((), at))
    except ConcordatError as error:
        return bad(name, error, AWAY_IS)
    return Check(name, good=True, said="decides by the revision in force")
