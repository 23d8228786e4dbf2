"""Held records as bytes, and the ids of the tasks that they make."""

from hypothesis import given
from hypothesis import strategies as st

from broker.clock import FOREVER, Instant
from broker.records.names import ConsumerId, RecordId
from broker.routing.held import (
    STOPPED,
    HeldRecord,
    Waiting,
    Why,
    decode_held,
    encode_held,
    task_id,
)
from tests.support.county import MASH, SCHOOL

ROUND = st.builds(
    HeldRecord,
    envelope=st.binary(max_size=64),
    topic=st.text(max_size=12),
    arrived=st.integers(0, FOREVER).map(Instant),
    key=st.binary(min_size=8, max_size=8),
    waiting=st.lists(
        st.builds(
            Waiting,
            consumer=st.sampled_from((MASH, ConsumerId(SCHOOL))),
            why=st.sampled_from(Why),
        )
    ).map(tuple),
)


@given(held=ROUND)
def test_a_held_record_comes_back_as_it_was(held: HeldRecord) -> None:
    assert decode_held(encode_held(held)) == held


def test_a_task_s_id_tells_the_record_and_why_and_nothing_else_does() -> None:
    # given the tasks of two records
    first, second = RecordId(b"1" * 16), RecordId(b"2" * 16)
    ids = {task_id(record, why) for record in (first, second) for why in Why}

    # when they are made again, then they are the same, and each is its own
    assert len(ids) == 2 * len(Why)
    assert task_id(first, Why.REFER) in ids
    assert {len(one) for one in ids} == {16}
    assert first not in ids


def test_what_a_person_answers_is_not_what_time_or_the_protocol_ends() -> None:
    assert set(Why) - STOPPED == {Why.REFER, Why.DEFAULT_WITHHOLD}
