"""Reach: whether after a change more can be released than before, or less.

It is told from the text alone, without asking a question, and errs to the safe side: what cannot be
told is *either*. It says what is possible, not how often it happens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from broker.protocol.clauses import Clause, Condition, Effect, Test, slots_of
from broker.records.schemas import RecordSchema


class Reach(StrEnum):
    """What can be released after a change, beside what could be before."""

    SAME = "same"
    MORE = "more"
    LESS = "less"
    EITHER = "either"

    @property
    def other_way(self) -> "Reach":
        """What the change means where it is made to something that keeps back."""
        return _OTHER_WAY.get(self, self)


_OTHER_WAY: Mapping[Reach, Reach] = MappingProxyType(
    {Reach.MORE: Reach.LESS, Reach.LESS: Reach.MORE}
)

_GROWS = frozenset({Test.IN, Test.ANY})
"""Tests that more values hold for more questions."""

_SHRINKS = frozenset({Test.NOT_IN, Test.NONE, Test.ALL})
"""Tests that more values hold for fewer questions."""


def together(several: Iterable[Reach]) -> Reach:
    """Return the reach of several changes at once."""
    found = set(several) - {Reach.SAME}
    if len(found) > 1:
        return Reach.EITHER
    return found.pop() if found else Reach.SAME


def of_sets(before: frozenset[object], after: frozenset[object]) -> Reach:
    """Return the reach where what is held opens something."""
    return together(
        (
            Reach.MORE if after - before else Reach.SAME,
            Reach.LESS if before - after else Reach.SAME,
        )
    )


def of_conditions(before: Sequence[Condition], after: Sequence[Condition]) -> Reach:
    """Return whether more questions meet all conditions, or fewer."""
    gone = [one for one in before if one not in after]
    come = [one for one in after if one not in before]
    found: list[Reach] = []
    for one in gone:
        twin = next((new for new in come if _alike(one, new)), None)
        if twin is None:
            found.append(Reach.MORE)
        else:
            come.remove(twin)
            found.append(_of_values(one, twin))
    return together((*found, *(Reach.LESS for _ in come)))


def _alike(one: Condition, other: Condition) -> bool:
    return (one.attribute, one.test) == (other.attribute, other.test)


def _of_values(before: Condition, after: Condition) -> Reach:
    grown = of_sets(frozenset(before.values), frozenset(after.values))
    if before.test in _GROWS:
        return grown
    return grown.other_way if before.test in _SHRINKS else Reach.EITHER


def of_slots(before: Clause, after: Clause, schemas: Sequence[RecordSchema]) -> Reach:
    """Return whether more slots are meant, or fewer, in any schema that both may concern."""
    return together(
        of_sets(meant(before, schema), meant(after, schema))
        for schema in schemas
        if before.may_concern(schema.type) and after.may_concern(schema.type)
    )


def meant(clause: Clause, schema: RecordSchema) -> frozenset[int]:
    """Return the slots that a clause means in a schema."""
    return frozenset(slot for word in clause.slots for slot in slots_of(word, schema))


def of_one(clause: Clause) -> Reach:
    """Return what it means that a clause is there, beside its absence."""
    if clause.effect.grants:
        return Reach.MORE
    if clause.effect in {Effect.REFUSE, Effect.OBLIGE}:
        return Reach.LESS
    # A referral stops what others open until a person has answered; then it opens its own slots.
    return Reach.EITHER if clause.effect is Effect.REFER else Reach.SAME


_Values: TypeAlias = frozenset[str | bool]


def _meets(held: _Values, wanted: _Values) -> bool:
    return not held.isdisjoint(wanted)


def _always(_held: _Values, _wanted: _Values) -> bool:
    return True


_FOLLOWS: Mapping[tuple[Test, Test], Callable[[_Values, _Values], bool]] = MappingProxyType(
    {
        (Test.IN, Test.IN): _Values.issubset,
        (Test.IN, Test.NOT_IN): _Values.isdisjoint,
        (Test.NOT_IN, Test.NOT_IN): _Values.issuperset,
        (Test.ANY, Test.ANY): _Values.issubset,
        (Test.ANY, Test.SOME): _always,
        (Test.ALL, Test.ALL): _Values.issuperset,
        (Test.ALL, Test.ANY): _meets,
        (Test.ALL, Test.SOME): _always,
        (Test.SOME, Test.SOME): _always,
        (Test.NONE, Test.NONE): _Values.issuperset,
        (Test.EMPTY, Test.NONE): _always,
        (Test.EMPTY, Test.EMPTY): _always,
    }
)
"""When the second test holds wherever the first does, by the values of both."""

_EXCLUDES: Mapping[tuple[Test, Test], Callable[[_Values, _Values], bool]] = MappingProxyType(
    {
        (Test.IN, Test.IN): _Values.isdisjoint,
        (Test.IN, Test.NOT_IN): _Values.issubset,
        (Test.ANY, Test.NONE): _Values.issubset,
        (Test.ALL, Test.NONE): _meets,
        (Test.EMPTY, Test.ANY): _always,
        (Test.EMPTY, Test.ALL): _always,
        (Test.EMPTY, Test.SOME): _always,
    }
)
"""When two tests can't hold together, by the values of both."""


def holds_whenever(one: Condition, other: Condition) -> bool:
    """Tell whether `other` certainly holds wherever `one` does."""
    return _compared(_FOLLOWS, one, other)


def never_both(one: Condition, other: Condition) -> bool:
    """Tell whether two conditions can certainly not hold together."""
    return _compared(_EXCLUDES, one, other) or _compared(_EXCLUDES, other, one)


def _compared(
    table: Mapping[tuple[Test, Test], Callable[[_Values, _Values], bool]],
    one: Condition,
    other: Condition,
) -> bool:
    compare = table.get((one.test, other.test))
    if compare is None or one.attribute != other.attribute:
        return False
    return compare(frozenset(one.values), frozenset(other.values))
