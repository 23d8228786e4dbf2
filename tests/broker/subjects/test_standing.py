"""What the registers say of a child at one instant: days, ends, and how long it stays so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, FOREVER, Instant
from broker.subjects.registers import Subject
from broker.subjects.standing import NOBODY, Standing, standing
from broker.subjects.states import Alert, Involvement
from tests.broker.subjects.children import (
    COUNCIL,
    ON_ROLL,
    OTHER_SCHOOL,
    SCHOOL,
    entry,
    folded,
    tokens,
)

GIRL = tokens(nhs="1")
FIRST, LAST = 20_500, 20_510


def child(*states: Involvement | Alert) -> Subject:
    said = [entry(f"{number}", GIRL, one) for number, one in enumerate(states)]
    found = folded(*said).find(GIRL).subject
    assert found is not None
    return found


SPAN = child(replace(ON_ROLL, first=FIRST, last=LAST))


@pytest.mark.parametrize(
    ("at", "holds", "until"),
    [
        (0, False, FIRST * DAY),
        (FIRST * DAY - 1, False, FIRST * DAY),
        (FIRST * DAY, True, (LAST + 1) * DAY),
        ((LAST + 1) * DAY - 1, True, (LAST + 1) * DAY),
        ((LAST + 1) * DAY, False, FOREVER),
    ],
    ids=["long before", "the moment before", "first moment", "last moment", "the moment after"],
)
def test_it_holds_from_its_first_day_to_the_end_of_its_last(
    at: int, *, holds: bool, until: int
) -> None:
    found = standing(SPAN, Instant(at))
    assert bool(found.involved) is holds
    assert bool(found.used) is holds
    assert found.until == until


def test_without_a_last_day_it_goes_on() -> None:
    assert standing(child(ON_ROLL), Instant(FOREVER - 1)).until == FOREVER
    assert standing(child(ON_ROLL), Instant(FOREVER - 1)).involved == {SCHOOL: ("on-roll",)}


def test_an_end_before_its_beginning_never_holds() -> None:
    backwards = child(replace(ON_ROLL, first=LAST, last=FIRST))
    for day in range(FIRST - 1, LAST + 2):
        assert standing(backwards, Instant(day * DAY)).involved == {}


def test_days_that_no_calendar_has_do_no_harm() -> None:
    far = child(
        replace(ON_ROLL, first=-(2**31), last=2**31 - 1),
        replace(ON_ROLL, first=2**31 - 1, last=None),
    )
    found = standing(far, Instant(0))
    assert found.involved == {SCHOOL: ("on-roll",)}
    assert found.until == FOREVER


def test_what_several_agencies_say_is_put_together() -> None:
    # given a girl on roll, placed, and with alerts of two agencies
    said = [
        entry("a", GIRL, ON_ROLL),
        entry("b", GIRL, replace(ON_ROLL, kind="allocated", own_id=None)),
        entry("c", GIRL, replace(ON_ROLL, kind="placed", own_id="C-7"), by=COUNCIL),
        entry("d", GIRL, Alert("not-visible-to", 20_000, None, ("parent", "carer")), by=COUNCIL),
        entry("e", GIRL, Alert("not-visible-to", 20_000, None, ("relative",)), by=OTHER_SCHOOL),
        entry("f", GIRL, Alert("court-order", 20_000, FIRST), by=COUNCIL),
        entry("g", GIRL, Alert("safe-contact", LAST, None), by=COUNCIL),
    ]
    subject = folded(*said).find(GIRL).subject
    assert subject is not None

    # when it is asked what holds, then all of it does, in one order, with its grounds
    found = standing(subject, Instant(FIRST * DAY))
    assert found == Standing(
        involved={COUNCIL: ("placed",), SCHOOL: ("allocated", "on-roll")},
        own_ids={SCHOOL: "P-1", COUNCIL: "C-7"},
        alerts=("court-order", "not-visible-to"),
        not_visible_to=("carer", "parent", "relative"),
        used=tuple(sorted(one.digest for one in said[:6])),
        until=Instant((FIRST + 1) * DAY),
    )
    assert list(found.involved) == sorted(found.involved)


def test_nobody_is_known_by_nothing() -> None:
    assert standing(Subject(b"", b""), Instant(0)) == NOBODY


DAYS = st.integers(-5, 30)
STATES = st.one_of(
    st.builds(
        Involvement, st.sampled_from(["on-roll", "placed"]), DAYS, st.none() | DAYS, st.none()
    ),
    st.builds(Alert, st.sampled_from(["safe-contact", "court-order"]), DAYS, st.none() | DAYS),
)


@given(st.lists(STATES, max_size=5), st.integers(-6 * DAY, 32 * DAY), st.floats(0, 1))
def test_nothing_changes_before_until(
    states: list[Involvement | Alert], at: int, part: float
) -> None:
    # given any involvement and alerts, at any instant
    subject = child(*states) if states else Subject(b"", b"")
    now = standing(subject, Instant(at))
    assert now.until > at

    # when any later instant before `until` is asked for, then the answer is the same
    last = min(now.until, 40 * DAY) - 1
    later = standing(subject, Instant(max(at, int(at + part * (last - at)))))
    assert later == now

    # and at `until` something begins or ends
    if now.until < FOREVER:
        bounds = [bound for held in subject.holds.values() for bound in held.boundaries()]
        assert now.until in bounds
