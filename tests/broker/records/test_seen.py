"""Step (7): what is a repeat, and what is a conflict."""

from dataclasses import replace

import pytest

from broker.clock import Instant
from broker.records import errors
from broker.records.check import Accepted, Seen, compare_seen
from broker.records.envelope import Envelope
from broker.records.names import Kind, RecordId
from broker.records.statement import Labels
from tests.broker.records.altered import ALONE, SOURCE, WORLD, with_head
from tests.broker.records.sources import AT, PARTNERSHIP, TYPE, statement


def accepted(envelope: Envelope) -> Accepted:
    return WORLD.checker().check(WORLD.message(envelope), 1)


def memory(envelope: Envelope) -> bytes:
    return WORLD.checker().memory(accepted(envelope))


def test_7_a_record_that_is_new() -> None:
    assert compare_seen(memory(ALONE), None) is Seen.NEW


def test_7_a_repeat_has_fresh_salts_another_batch_and_another_time() -> None:
    # given the same statement, signed again in another batch a day later
    again = SOURCE.sign(statement("alone"), statement("other"), at=Instant(AT + 1))[0]
    assert again.digest(PARTNERSHIP) != ALONE.digest(PARTNERSHIP)

    # when it is compared with what is remembered, then it is a repeat
    assert compare_seen(memory(again), memory(ALONE)) is Seen.REPEAT


@pytest.mark.parametrize(
    "other",
    [
        {"content": {}},
        {"kind": Kind.CORRECTION},
        {"labels": Labels(TYPE)},
        {"contact": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_7_other_values_under_the_same_id_conflict(other: dict[str, object]) -> None:
    changed = SOURCE.sign(statement("alone", **other))[0]
    assert changed.head.record_id == ALONE.head.record_id
    with pytest.raises(errors.RecordRefused) as caught:
        compare_seen(memory(changed), memory(ALONE))
    assert (caught.value.code, caught.value.where) == (errors.CONFLICT, "record_id")


def test_7_another_predecessor_conflicts() -> None:
    with pytest.raises(errors.RecordRefused):
        compare_seen(memory(with_head(supersedes=RecordId(b"2" * 16))), memory(ALONE))


def test_7_the_memory_says_nothing_without_the_router_s_key() -> None:
    other = replace(WORLD.checker(), seen_key=b"1" * 32)
    assert other.memory(accepted(ALONE)) != memory(ALONE)
