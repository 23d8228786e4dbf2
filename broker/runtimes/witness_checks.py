"""What `doctor` says of the witnesses: whether enough have looked, and what they warn of."""

from collections.abc import AsyncIterator

from broker.clock import MINUTE, Clock
from broker.protocol.published import PublishedProtocol
from broker.protocol.wording import span_words
from broker.runtimes.catalogue import sentence_of
from broker.runtimes.exchange import exchange_of
from broker.runtimes.layout import Layout
from broker.runtimes.servers import Check
from broker.runtimes.witnessed import read_alarms, read_standing


async def witness_checks(
    layout: Layout, clock: Clock, protocol: PublishedProtocol
) -> AsyncIterator[Check]:
    """Yield a check of the quorum, and one for each alarm that stands.

    Raises:
        Unavailable: the stream cannot be reached.
    """
    now = clock.now()
    async with exchange_of(layout).public(clock) as streams:
        standing = await read_standing(streams, protocol, now)
        alarms = await read_alarms(streams, protocol)
    have = len(standing.by(standing.newest - 1)) if standing.newest else 0
    said = (
        f"{have} of {len(standing.agencies)} agencies have witnessed {standing.newest} entries"
        if standing.newest
        else "nothing to witness yet"
    )
    late = standing.late(now)
    if standing.waiting is not None:
        waits = span_words((now - standing.waiting) // MINUTE * MINUTE)
        said += f"; not enough, for {waits}" if late else "; not enough yet"
    yield Check(
        "witnesses",
        good=not late,
        said=said,
        fix="Start the agencies' adapters, or let each run `concordat log witness AGENCY`.",
    )
    for one in alarms:
        sentence, fix = sentence_of(one.alarm.code)
        yield Check(
            f"alarm of {one.alarm.agency}",
            good=False,
            said=f"{sentence} [{one.alarm.code}]",
            fix=fix,
        )
