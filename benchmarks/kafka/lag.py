"""Whether an installation's broker is through with what lies in Kafka: positions of its groups."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.kafka.services import end_of
from broker.access_log.releaser import GROUP as RELEASER
from broker.access_log.sequencer import DECIDED
from broker.runtimes.tidying import ROUTER, URGENT

ANSWER_S = 30.0
UNKNOWN = -1
"""Position of a group that Kafka does not tell now: less than any."""

BACK = 100
"""How far before a topic's end its last message is looked for; markers of transactions follow."""


class Positions:
    """How far the groups of one installation are."""

    def __init__(self, address: str, prefix: str, agencies: Sequence[str]) -> None:
        """Connect.

        Args:
            address: of Kafka.
            prefix: of the installation.
            agencies: those whose records are routed.
        """
        self._prefix = prefix
        self._topics = {
            group: [f"{prefix}{kind}.{agency}" for agency in agencies]
            for group, kind in ((ROUTER, "records"), (URGENT, "urgent"))
        }
        self._consumers = {
            group: Consumer(
                {
                    "bootstrap.servers": address,
                    "group.id": prefix + group,
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    "log_level": 3,
                }
            )
            for group in (ROUTER, URGENT, RELEASER)
        }

    def close(self) -> None:
        """Disconnect."""
        for one in self._consumers.values():
            one.close()

    def ends(self) -> dict[str, int]:
        """Return where each topic of records ends."""
        return {topic: self.end(topic) for topics in self._topics.values() for topic in topics}

    def end(self, topic: str) -> int:
        """Return where a topic ends, markers included."""
        return end_of(self._consumers[ROUTER], topic)

    def routed(self, ends: Mapping[str, int]) -> bool:
        """Tell whether the router has come to some ends of topics of records."""
        return all(
            at >= ends[topic]
            for group, topics in self._topics.items()
            for topic, at in self._committed(group, topics).items()
        )

    def released(self) -> bool:
        """Tell whether all that was decided is released."""
        decided = self._prefix + DECIDED
        return self._committed(RELEASER, [decided])[decided] >= self._behind_last(decided)

    def _committed(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        partitions = [TopicPartition(topic, 0) for topic in topics]
        try:
            found = self._consumers[group].committed(partitions, timeout=ANSWER_S)
        except KafkaException:
            # Who keeps a group's positions may be about to change; it is asked again.
            return dict.fromkeys(topics, UNKNOWN)
        return {one.topic: max(0, one.offset) for one in found}

    def _behind_last(self, topic: str) -> int:
        """Return the offset behind a topic's last committed message."""
        end = self.end(topic)
        reader = self._consumers[RELEASER]
        reader.assign([TopicPartition(topic, 0, max(0, end - BACK))])
        last = 0
        while found := reader.consume(BACK, timeout=0.5):
            last = max(last, *(1 + (one.offset() or 0) for one in found))
            if last >= end - 1:
                break
        reader.unassign()
        return last
