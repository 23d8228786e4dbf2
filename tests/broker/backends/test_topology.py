"""Shards, places and fair shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.backends.topology import Places, Topology, fair_shares

SHAPE = Topology(4, compacted={"seen"}, single_shard={"protocol"})


def test_the_first_eight_octets_of_a_key_choose_the_shard() -> None:
    assert SHAPE.shard_of("records.police", (7).to_bytes(8)) == 3
    assert SHAPE.shard_of("records.police", (7).to_bytes(8) + b"rest") == 3
    assert SHAPE.shard_of("records.police", b"") == 0
    assert SHAPE.shard_of("protocol", (7).to_bytes(8)) == 0


def test_a_lane_writes_to_its_own_shard_or_to_the_only_one() -> None:
    assert [SHAPE.home("decided", lane) for lane in range(4)] == [0, 1, 2, 3]
    assert [SHAPE.home("protocol", lane) for lane in range(4)] == [0, 0, 0, 0]


def test_a_topic_belongs_to_the_lanes_that_it_reaches() -> None:
    reach = SHAPE.reach(["records.police", "protocol"])
    assert reach == (("records.police", "protocol"), *[("records.police",)] * 3)
    assert SHAPE.reach(["protocol"]) == (("protocol",),)


def test_there_is_at_least_one_shard() -> None:
    with pytest.raises(ValueError, match="one shard"):
        Topology(0)


def test_a_topic_lies_where_its_name_or_its_prefix_says() -> None:
    places = Places({"records.": 1, "records.special": 2, "decided": 3})
    assert [places.of(topic) for topic in ("records.a", "records.special", "decided")] == [1, 2, 3]
    for topic in ("record", "decided.a", "recordsa"):
        with pytest.raises(ValueError, match="no place"):
            places.of(topic)


@given(
    backlogs=st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 50)),
    count=st.integers(1, 60),
)
def test_shares_are_fair_and_leave_nothing_unused(backlogs: dict[str, int], count: int) -> None:
    """Given any backlogs, then all is used, and nobody who gets less than another wants more."""
    shares = fair_shares(backlogs, count)
    assert sum(shares.values()) == min(count, sum(backlogs.values()))
    assert all(0 < share <= backlogs[topic] for topic, share in shares.items())
    assert list(shares) == [topic for topic in backlogs if topic in shares]
    most = max(shares.values(), default=0)
    for topic, backlog in backlogs.items():
        share = shares.get(topic, 0)
        assert share == backlog or share + 1 >= most - len(backlogs)
        if count >= sum(1 for waiting in backlogs.values() if waiting) and backlog:
            assert share > 0
