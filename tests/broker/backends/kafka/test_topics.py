"""How topics come to be in a cluster, and what it tells of itself; it answers as a test wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from broker.backends.kafka.cluster import OWNERS, Cluster, Topics, memory_of_positions
from broker.clock import DAY, MINUTE, Clock
from broker.lanes import Unavailable
from broker.runtimes.clock import SetClock
from tests.contracts.worlds import POLICE, START, topology

EXISTS, REFUSED, LOST = 36, TopicAuthorizationFailedError.errno, -1


def described(name: str, leader: int = 1, *, behind: bool = False, code: int = 0) -> dict[str, Any]:
    """Return what a cluster says of a topic of one partition with two copies."""
    partition = {
        "error_code": code,
        "leader": leader,
        "replicas": [1, 2],
        "isr": [1] if behind else [1, 2],
    }
    return {"name": name, "error_code": 0, "partitions": [partition]}


@dataclass
class Admin:
    """A cluster.

    Attributes:
        there: topics that exist.
        codes: what it answers when a topic is to be made, 0 where nothing is said.
        looks: what it says of new topics, look by look; ready after that.
        made: topics it was asked for.
        settings: of its brokers, by name.
    """

    there: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    looks: list[list[dict[str, Any]]] = field(default_factory=list)
    made: list[NewTopic] = field(default_factory=list)
    settings: Sequence[tuple[str, str]] = ()

    async def list_topics(self) -> list[str]:
        return self.there

    async def create_topics(self, topics: list[NewTopic]) -> object:
        self.made += topics
        errors = [(one.name, self.codes.get(one.name, 0), None) for one in topics]
        return type("Response", (), {"topic_errors": errors})

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return self.looks.pop(0) if self.looks else [described(name) for name in names]

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"node_id": 4}]}

    async def describe_configs(self, wanted: list[Any]) -> list[object]:
        assert [one.name for one in wanted] == ["4"]
        entries = [(name, value, True) for name, value in self.settings]
        return [type("Response", (), {"resources": [(0, None, 4, "4", entries)]})]


def topics(
    admin: Admin, replicas: int = 1, told: Clock | None = None, deadline_s: float = 15.0
) -> Topics:
    """Return the topics of a process that has just started."""
    made = Cluster("127.0.0.1:9", "east.", replicas, deadline_s, told)
    return Topics(made, topology(3), admin)


async def test_what_is_missing_is_made_once_in_its_shape() -> None:
    # given a cluster of three brokers with one of our topics, and one of somebody else's
    admin = Admin(there=[f"east.{POLICE}", "west.seen"])
    ours = topics(admin, replicas=3)

    # when topics are asked for, twice, then those that are missing are made, once
    for _ in range(2):
        await ours.make([POLICE, "seen", "protocol", OWNERS])
    made = {one.name: one for one in admin.made}
    assert list(made) == ["east.owners", "east.protocol", "east.seen"]
    assert [one.num_partitions for one in made.values()] == [1, 1, 3]
    assert {one.replication_factor for one in made.values()} == {3}

    # and only tables may lose a message; a write is safe with two of the three copies
    policies = [one.topic_configs["cleanup.policy"] for one in made.values()]
    assert policies == ["compact", "delete", "compact"]
    for one in made.values():
        assert one.topic_configs["retention.ms"] == "-1"
        assert one.topic_configs["min.insync.replicas"] == "2"
        assert one.topic_configs["message.timestamp.type"] == "LogAppendTime"


async def test_the_time_of_a_demonstration_is_its_own() -> None:
    admin = Admin()
    await topics(admin, told=SetClock(START)).make([POLICE])
    assert admin.made[0].topic_configs["message.timestamp.type"] == "CreateTime"
    assert admin.made[0].topic_configs["min.insync.replicas"] == "1"


async def test_a_topic_that_another_process_makes_meanwhile_will_do() -> None:
    admin = Admin(codes={f"east.{POLICE}": EXISTS})
    ours = topics(admin)
    await ours.make([POLICE])
    await ours.make([POLICE])
    assert len(admin.made) == 1


async def test_a_topic_that_may_not_be_made_is_told_by_its_name() -> None:
    # given a cluster that does not let us make a topic, when it is asked for, then that is an
    # error, which names topic and code, and it is asked for again the next time
    admin = Admin(codes={"east.seen": REFUSED})
    ours = topics(admin)
    for _ in range(2):
        with pytest.raises(KafkaError, match=f"east.seen: error {REFUSED}"):
            await ours.make([POLICE, "seen"])
    assert len(admin.made) == 4


@pytest.mark.parametrize(
    "not_yet",
    [
        [{"name": "east.seen", "error_code": 3, "partitions": []}],
        [{"name": "east.seen", "error_code": 0, "partitions": []}],
        [described("east.seen", LOST)],
        [described("east.seen", code=5)],
        [described("east.seen", behind=True)],
        [described("east.seen"), described("east.protocol", LOST)],
    ],
    ids=["unknown", "without partitions", "no leader", "refused", "copies behind", "one of two"],
)
async def test_a_new_topic_is_waited_for_until_it_can_be_written(
    not_yet: list[dict[str, Any]],
) -> None:
    # given a topic that is not ready for two looks, when it is made, then all three were taken
    admin = Admin(looks=[not_yet, not_yet])
    await topics(admin).make(["seen"])
    assert admin.looks == []


async def test_a_topic_that_never_gets_a_leader_is_given_up() -> None:
    admin = Admin(looks=[[described("east.seen", LOST)]] * 1000)
    with pytest.raises(Unavailable, match="TimeoutError"), Cluster("").meaning("seen"):
        await topics(admin, deadline_s=0.05).make(["seen"])


@pytest.mark.parametrize(
    ("settings", "memory"),
    [
        ((("offsets.retention.minutes", "10080"),), 7 * DAY),
        ((("log.dirs", "data"), ("offsets.retention.minutes", "1")), MINUTE),
        ((("log.dirs", "data"),), None),
        ((), None),
    ],
)
async def test_how_long_positions_are_remembered_is_told_where_it_may_be_asked(
    settings: Sequence[tuple[str, str]], memory: int | None
) -> None:
    assert await memory_of_positions(Admin(settings=settings)) == memory
