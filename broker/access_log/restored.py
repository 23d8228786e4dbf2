"""Whether log and topics are of one moment: a copy that was put back may be older than the rest.

The log says how far it has taken in `decided`, and the sequencer's position on that topic says so
again. In every state that a crash can leave, (1) the position is not beyond the log's, and (2) the
topic reaches as far as the log's. A log's store that was restored from an older copy breaks the
first, topics that were break the second, for as long as nothing new was decided; once it was, (3)
other messages stand where the log took in those that it holds.

Whoever went on all the same would sign a second history, or release under another entry's proof.
"""

from collections.abc import Sequence

from broker.access_log.decided import Handed
from broker.access_log.errors import LOG_OLDER, TOPICS_OLDER, LogError
from broker.access_log.openings import Positions
from broker.access_log.reader import LogView
from broker.lanes import Received


def check_moment(log: Positions, sequenced: Positions, ends: Positions) -> None:
    """Refuse a log and a topic that are of different moments, rules (1) and (2).

    Args:
        log: shard → how far the log has taken in `decided`, by its commit record.
        sequenced: shard → the position that the sequencer has committed, read before that.
        ends: shard → offset behind the topic's last message.

    Raises:
        LogError: `log.older` or `log.topics-older`.
    """
    for shard, position in sequenced.items():
        if position > log.get(shard, 0):
            raise LogError(LOG_OLDER, _where(shard, position, log.get(shard, 0)))
    for shard, position in log.items():
        if position > ends.get(shard, 0):
            raise LogError(TOPICS_OLDER, _where(shard, ends.get(shard, 0), position))


async def check_held(view: LogView, held: Sequence[Received]) -> None:
    """Refuse messages that come again, but are not those that the log took in there, rule (3).

    Args:
        view: the log.
        held: messages before the log's position, some of each shard.

    Raises:
        LogError: `log.topics-older`; or what is stored does not add up.
        Unavailable: the store cannot be reached.
    """
    wanted = {(one.shard, one.offset): one.message.value for one in held}
    async for batch in view.batches_back():
        if any((origin.shard, origin.offset) in wanted for origin in batch.origins):
            for kept in (await view.openings(batch)).messages:
                value = wanted.pop((kept.shard, kept.offset), None)
                if value is not None and Handed.decode(value).kept != kept.kept:
                    raise LogError(TOPICS_OLDER, f"shard {kept.shard}, offset {kept.offset}")
        if all(batch.before.get(shard, 0) <= offset for shard, offset in wanted):
            break
    for shard, offset in wanted:
        raise LogError(TOPICS_OLDER, f"shard {shard}, offset {offset}")


def _where(shard: int, topic: int, log: int) -> str:
    return f"shard {shard}: topic {topic}, log {log}"
