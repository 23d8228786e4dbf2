"""The difference of two texts, in words, and what it does to the reach."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.clock import DAY, HOUR, Instant
from broker.protocol.clauses import Clause, Condition, Effect, Kind, Stated, Test
from broker.protocol.difference import Change, What, clause_changes
from broker.protocol.reach import Reach
from tests.broker.protocol.county import SCHEMAS, county

CLAUSES = county().clauses


def clause(effect: Effect) -> Clause:
    """Return the county's first clause of an effect that asks for something."""
    return next(one for one in CLAUSES if one.effect is effect and one.when)


def changes(after: tuple[Clause, ...]) -> tuple[Change, ...]:
    return clause_changes(CLAUSES, after, SCHEMAS.types())


def changed(before: Clause, after: Clause) -> Change:
    """Return what is said of one clause that became another one."""
    (found,) = clause_changes([before], [after], SCHEMAS.types())
    return found


def test_the_same_text_has_no_difference() -> None:
    assert changes(CLAUSES) == ()
    assert changes(tuple(reversed(CLAUSES))) == ()


def test_a_clause_that_comes_or_goes_is_told_whole() -> None:
    first, second, *rest = CLAUSES
    (gone,) = changes((first, *rest))
    assert (gone.about, gone.what, gone.reach) == (second.id, What.REMOVED, Reach.LESS)
    assert gone.lines[0] == f"“{second.title}”: {second.text}"
    assert any(line.startswith("It asks: ") for line in gone.lines)
    (come,) = clause_changes((first, *rest), CLAUSES, SCHEMAS.types())
    assert (come.about, come.what, come.reach) == (second.id, What.ADDED, Reach.MORE)
    assert come.lines == gone.lines


def test_a_clause_with_another_number_is_told_as_that() -> None:
    first, second, *rest = CLAUSES
    (found,) = changes((first, replace(second, id="99.1"), *rest))
    assert (found.about, found.was, found.what) == ("99.1", second.id, What.RENUMBERED)
    assert found.reach is Reach.SAME


def test_a_clause_whose_number_another_one_takes_is_told_as_gone() -> None:
    # given two clauses, of which the second gets the number of the first, which is gone
    first, one, other, *rest = CLAUSES
    found = changes((first, replace(other, id=one.id), *rest))
    # then nobody may think that the first is still there
    assert [(each.about, each.what) for each in found] == [
        (one.id, What.RENUMBERED),
        (one.id, What.REMOVED),
    ]
    # nor that of two which change places, one is changed
    swapped = changes((first, replace(other, id=one.id), replace(one, id=other.id), *rest))
    assert {each.what for each in swapped} == {What.RENUMBERED}
    # and a new one under the number of one that moved is new
    new = replace(clause(Effect.REFUSE), id=one.id)
    found = changes((first, new, replace(one, id="99.1"), other, *rest))
    assert [(each.about, each.what) for each in found] == [
        (one.id, What.ADDED),
        ("99.1", What.RENUMBERED),
    ]


GRANT, REFUSE, REFER = clause(Effect.CONTENT), clause(Effect.REFUSE), clause(Effect.REFER)
OBLIGE = next(one for one in CLAUSES if one.effect is Effect.OBLIGE)
ASKS = Condition("consumer.staff", Test.IN, ("match",))


def without_condition(one: Clause) -> Clause:
    return replace(one, when=one.when[1:])


def with_condition(one: Clause) -> Clause:
    return replace(one, when=(*one.when, ASKS))


@pytest.mark.parametrize(
    ("before", "change", "reach", "said"),
    [
        (GRANT, without_condition, Reach.MORE, "It asks no longer: "),
        (GRANT, with_condition, Reach.LESS, "It asks now, too: "),
        (REFUSE, without_condition, Reach.LESS, "It asks no longer: "),
        (REFUSE, with_condition, Reach.MORE, "It asks now, too: "),
        (REFER, with_condition, Reach.EITHER, "It asks now, too: "),
        (OBLIGE, with_condition, Reach.MORE, "It asks now, too: "),
        (GRANT, lambda one: replace(one, slots=("contact",)), Reach.LESS, "It opens no longer: "),
        (
            GRANT,
            lambda one: replace(one, slots=(*one.slots, "all")),
            Reach.MORE,
            "It opens now, too: everything.",
        ),
        (
            replace(REFUSE, slots=("contact",)),
            lambda one: replace(one, slots=("all", "tag:place")),
            Reach.LESS,
            "It keeps closed now, too: everything and place.",
        ),
        (
            REFER,
            lambda one: replace(one, slots=(*one.slots, "identity", "all")),
            Reach.MORE,
            "It names now, too: ",
        ),
        (GRANT, lambda one: replace(one, text="Other words."), Reach.SAME, "Its text was “"),
        (
            GRANT,
            lambda one: replace(one, floor=not one.floor),
            Reach.LESS if GRANT.floor else Reach.MORE,
            "Narrowings ",
        ),
        (GRANT, lambda one: replace(one, outranks=True), Reach.MORE, "No refusal closes"),
        (replace(GRANT, outranks=True), lambda _: GRANT, Reach.LESS, "Refusals can close"),
        (
            replace(REFER, within=HOUR),
            lambda one: replace(one, within=4 * HOUR),
            Reach.SAME,
            "A person has 4 hours to answer, not 1 hour.",
        ),
        (
            replace(GRANT, obligations=()),
            lambda one: replace(one, obligations=(Stated(Kind.ACKNOWLEDGE_BY, "PT4H"),)),
            Reach.LESS,
            "The recipient must now acknowledge it within 4 hours.",
        ),
        (
            replace(GRANT, obligations=(Stated(Kind.NOT_VISIBLE_TO, of="not_visible_to"),)),
            lambda one: replace(one, obligations=()),
            Reach.MORE,
            "The recipient need not keep it out of sight of the people who are named there any",
        ),
        (
            GRANT,
            lambda one: replace(one, first=Instant(20_454 * DAY)),
            Reach.LESS,
            "Its first day is now 1 January 2026.",
        ),
        (
            replace(REFUSE, first=Instant(20_454 * DAY)),
            lambda _: REFUSE,
            Reach.LESS,
            "Its first day is now from the first day of the protocol.",
        ),
        (
            GRANT,
            lambda one: replace(one, until=Instant(20_454 * DAY)),
            Reach.LESS,
            "Its last day is now 31 December 2025.",
        ),
        (
            replace(REFUSE, until=Instant(20_454 * DAY)),
            lambda _: REFUSE,
            Reach.LESS,
            "Its last day is now that of the protocol.",
        ),
        (
            GRANT,
            lambda one: replace(one, effect=Effect.EXISTENCE),
            Reach.LESS,
            "It opens parts of a record no longer; now it tells that there is something",
        ),
        (
            GRANT,
            lambda one: replace(one, effect=Effect.REFUSE),
            Reach.LESS,
            "It opens parts of a record no longer; now it keeps parts of a record closed.",
        ),
    ],
)
def test_a_part_that_is_different_is_said_with_its_reach(
    before: Clause, change: Callable[[Clause], Clause], reach: Reach, said: str
) -> None:
    found = changed(before, change(before))
    assert any(line.startswith(said) for line in found.lines), found.lines
    assert (found.what, found.reach) == (What.CHANGED, reach)


def test_a_condition_with_other_values_is_told_beside_the_old_one() -> None:
    before = replace(GRANT, when=(Condition("consumer.type", Test.IN, ("health",)),))
    after = replace(GRANT, when=(Condition("consumer.type", Test.IN, ("health", "police")),))
    found = changed(before, after)
    assert found.reach is Reach.MORE
    (line,) = found.lines
    assert line.startswith("It asked: the recipient must be health. It asks now: ")
    assert line.endswith("the recipient must be health or police.")


def test_a_widening_among_narrowings_is_seen() -> None:
    # given a clause to which a condition is added, while another one quietly goes
    found = changed(GRANT, with_condition(without_condition(GRANT)))
    assert found.reach is Reach.EITHER
