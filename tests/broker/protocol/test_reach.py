"""Reach: what is said of two conditions, and of changed ones, holds for every value there is."""

from collections.abc import Iterator
from itertools import chain, combinations, product

import pytest

from broker.protocol.clauses import Condition, Effect, Test
from broker.protocol.reach import (
    Reach,
    holds_whenever,
    never_both,
    of_conditions,
    of_one,
    of_sets,
    together,
)
from tests.broker.protocol.county import county

CODES = ("a", "b", "c")
ONE, SEVERAL = "consumer.type", "alerts"


def subsets(least: int = 0) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(CODES, n) for n in range(least, 4)))


def conditions(name: str) -> list[Condition]:
    if name == ONE:
        return [Condition(ONE, test, v) for test in (Test.IN, Test.NOT_IN) for v in subsets(1)]
    tests = (Test.ANY, Test.ALL, Test.NONE)
    compared = [Condition(SEVERAL, test, v) for test in tests for v in subsets(1)]
    return [*compared, Condition(SEVERAL, Test.SOME), Condition(SEVERAL, Test.EMPTY)]


def values(name: str) -> list[set[str]]:
    """Every value that an attribute may have; of a single code, as a set of one."""
    return [{one} for one in (*CODES, "other")] if name == ONE else [set(one) for one in subsets()]


def met(condition: Condition, value: set[str]) -> bool:
    wanted = set(condition.values)
    return {
        Test.IN: bool(value & wanted),
        Test.NOT_IN: not value & wanted,
        Test.ANY: bool(value & wanted),
        Test.ALL: wanted <= value,
        Test.NONE: not value & wanted,
        Test.SOME: bool(value),
        Test.EMPTY: not value,
    }[condition.test]


def pairs() -> Iterator[tuple[str, Condition, Condition]]:
    for name in (ONE, SEVERAL):
        for one, other in product(conditions(name), repeat=2):
            yield name, one, other


def test_one_condition_follows_from_another() -> None:
    # given any two conditions of one attribute, when one is said to hold wherever the other does,
    # or never beside it, then it is so for every value
    followed = excluded = 0
    for name, one, other in pairs():
        if holds_whenever(one, other):
            followed += 1
            assert all(met(other, value) for value in values(name) if met(one, value))
        if never_both(one, other):
            excluded += 1
            assert not any(met(one, value) and met(other, value) for value in values(name))
    # and little is left out: what holds only because there are three codes in all
    assert (followed, excluded) == (172 - 5, 194 - 2)


def test_of_two_attributes_nothing_is_said() -> None:
    one, other = Condition(ONE, Test.IN, ("a",)), Condition("source.type", Test.IN, ("a",))
    assert not holds_whenever(one, other)
    assert not never_both(one, Condition("source.type", Test.IN, ("b",)))


def test_changed_conditions_are_met_more_often_or_less() -> None:
    # given any change of one condition, when it is said to be met no less or no more often
    for name, one, other in pairs():
        reach = of_conditions([one], [other])
        # then it is so for every value
        for value in values(name):
            if reach in {Reach.SAME, Reach.MORE}:
                assert met(other, value) or not met(one, value)
            if reach in {Reach.SAME, Reach.LESS}:
                assert met(one, value) or not met(other, value)


def test_a_condition_that_comes_or_goes() -> None:
    one, other = Condition(ONE, Test.IN, ("a",)), Condition(SEVERAL, Test.SOME)
    assert of_conditions([one], [one, other]) is Reach.LESS
    assert of_conditions([one, other], [other]) is Reach.MORE
    assert of_conditions([one], [other]) is Reach.EITHER
    assert of_conditions([one, other], [other, one]) is Reach.SAME


@pytest.mark.parametrize(
    ("several", "reach"),
    [
        ([], Reach.SAME),
        ([Reach.SAME, Reach.LESS], Reach.LESS),
        ([Reach.MORE, Reach.MORE], Reach.MORE),
        ([Reach.MORE, Reach.LESS], Reach.EITHER),
        ([Reach.EITHER, Reach.LESS], Reach.EITHER),
    ],
)
def test_changes_together(several: list[Reach], reach: Reach) -> None:
    assert together(several) is reach
    assert together(one.other_way for one in several) is reach.other_way


def test_sets_and_clauses() -> None:
    assert of_sets(frozenset("ab"), frozenset("abc")) is Reach.MORE
    assert of_sets(frozenset("ab"), frozenset("bc")) is Reach.EITHER
    assert {clause.effect: of_one(clause) for clause in county().clauses} == {
        Effect.DEFAULT: Reach.SAME,
        Effect.CONTENT: Reach.MORE,
        Effect.EXISTENCE: Reach.MORE,
        Effect.REFER: Reach.EITHER,
        Effect.REFUSE: Reach.LESS,
        Effect.OBLIGE: Reach.LESS,
    }
