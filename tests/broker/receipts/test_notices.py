"""What people are told of their duties: each stage once, to whom it concerns, and nothing more."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, HOUR, Instant
from broker.receipts.duties import DO, Duty, Level, Owed, duties, level_of
from broker.receipts.known import Known
from broker.receipts.notices import (
    MOST_LINES,
    Notice,
    Stage,
    To,
    document_of,
    line_key,
    notices,
    stages_of,
    still_owed,
    subject_of,
    text_of,
)
from tests.support.county import COUNCIL, NOON, POLICE, SURGERY, TODAY, revision

MASH, HOME = f"{COUNCIL}/mash", f"{COUNCIL}/edt"


def duty(number: int = 0, due: int = DAY, **changes: Any) -> Duty:  # noqa: ANN401 - fields of `Duty`
    base = Duty(
        Instant(NOON + due),
        Owed.ACKNOWLEDGE,
        f"{number:032x}",
        NOON,
        Level.OPEN,
        f"{number:064x}",
        MASH,
        "MASH service manager",
        "01632 960201",
        DO[Owed.ACKNOWLEDGE],
        "missing-episode",
    )
    return replace(base, **changes)


def at_level(one: Duty, at: Instant) -> Duty:
    return replace(one, level=level_of(one.since, one.due, at))


def made(*owed: Duty, noted: frozenset[str] = frozenset()) -> tuple[Notice, ...]:
    return notices(owed, COUNCIL, HOME, noted)


def keys(*told: Notice) -> frozenset[str]:
    return frozenset(line.key for one in told for line in one.lines)


# ------------------------------------------------------------------ when, and to whom


def test_a_desk_hears_when_a_duty_arises_and_before_it_is_due_and_its_manager_when_it_is_late() -> (
    None
):
    # given a duty of a day
    one = duty()
    (new,) = made(one)
    assert (new.desk, new.to, new.lines[0].stage) == (MASH, To.DESK, Stage.NEW)

    # when half of it has gone, then its desk is reminded, once
    soon = at_level(one, Instant(NOON + 12 * HOUR))
    (reminder,) = made(soon, noted=keys(new))
    assert (reminder.to, reminder.lines[0].stage) == (To.DESK, Stage.REMINDER)
    assert made(soon, noted=keys(new, reminder)) == ()

    # when its time is over, then the manager hears of it, once
    late = at_level(one, Instant(NOON + DAY))
    (overdue,) = made(late, noted=keys(new, reminder))
    assert (overdue.to, overdue.lines[0].stage) == (To.MANAGER, Stage.OVERDUE)
    assert made(late, noted=keys(new, reminder, overdue)) == ()


def test_who_was_never_told_hears_before_or_with_the_manager() -> None:
    # given a duty that nobody was told of in time, when it is late, then desk and manager hear
    late = at_level(duty(), Instant(NOON + DAY))
    desk, manager = made(late)
    assert (desk.to, manager.to) == (To.DESK, To.MANAGER)
    # and when only half of its time has gone, then one notice is enough
    (soon,) = made(at_level(duty(), Instant(NOON + DAY // 2)))
    assert soon.lines[0].stage is Stage.REMINDER


def test_many_duties_are_one_notice_a_desk() -> None:
    (one,) = made(*(duty(number) for number in range(MOST_LINES + 5)))
    assert len(one.lines) == MOST_LINES + 5
    assert "And 5 more." in text_of(one)
    assert subject_of(one) == f"Concordat: 25 duties, {MASH}"
    assert len({notice.desk for notice in made(duty(1), duty(2, desk=HOME))}) == 2


def test_what_another_agency_owes_is_told_to_ones_own_desk() -> None:
    chase = duty(owed=Owed.CHASE, desk=f"{SURGERY}/safeguarding-lead")
    (one,) = made(chase)
    assert one.desk == HOME
    assert f"Ring {SURGERY}/safeguarding-lead: 01632 960201." in text_of(one)


def test_what_is_owed_no_more_is_left_out() -> None:
    (one,) = made(duty(1), duty(2))
    assert [line.key for line in still_owed(one, [duty(2)])] == [line_key(duty(2), Stage.NEW)]
    assert still_owed(one, []) == ()


def test_a_notice_is_named_by_what_it_says() -> None:
    assert made(duty(1))[0].id == made(replace(duty(1), telephone="another"))[0].id
    assert made(duty(1))[0].id != made(duty(2))[0].id
    assert made(duty(1))[0].id != made(duty(1), duty(2))[0].id


# ------------------------------------------------------------------ what it says


def test_it_says_what_is_owed_by_when_and_whom_to_ring_as_a_clock_in_england_shows_it() -> None:
    (one,) = made(at_level(duty(7), Instant(NOON + DAY // 2)))
    text = text_of(one, "https://concordat.example/duties")
    assert "REMINDER - acknowledge: missing-episode, delivery 000000000000" in text
    assert "By Thursday 5 March 2026, 12:00." in text
    assert f"Ring {MASH}: 01632 960201. Manager: MASH service manager." in text
    assert "concordat duties eastshire-council --desk mash" in text
    assert "https://concordat.example/duties" in text
    assert f"{7:064x}" not in text
    assert subject_of(one) == f"Concordat: 1 duty, {MASH}"
    assert document_of(one)["notice"] == one.id


GIRL = {
    "nhs_number": "9990000018",
    "upn": "A123456789012",
    "council_id": "C-77-SECRET",
    "identity": {"given": "Wilhelmina", "family": "Canary", "date_of_birth": "2008-09-04"},
    "note": "told in confidence",
}


@pytest.mark.parametrize("days", [0, 30, 150, 183])
def test_no_word_of_a_record_is_in_a_notice(days: int) -> None:
    # given records full of a child, by which everything is owed that records can make owed
    at = Instant(NOON + days * DAY)
    spans = {"post": {"from": TODAY - 9, "until": TODAY - 2, "handed_to": None}}
    parts: dict[str, dict[str, Any]] = {
        "named-professional": {"post": spans["post"]},
        "missing-episode": {"episode": {"end_at": NOON}},
        "information-request": {"request": {"needed_by": NOON + HOUR, "question": "Wilhelmina?"}},
        "voice": {"told": {"what_is_shared": False, "why_not": "not-yet"}},
        "involvement": {"link": {"from": TODAY, "until": None}},
        "concern": {},
    }
    known = [
        Known(
            f"{number:032x}",
            COUNCIL if record_type in {"voice", "involvement"} else POLICE,
            record_type,
            NOON,
            {**GIRL, **part},
            consumer=MASH,
            delivery="" if record_type in {"voice", "involvement"} else f"{number:064x}",
            acknowledge_by=Instant(NOON + HOUR),
        )
        for number, (record_type, part) in enumerate(parts.items())
    ]
    owed = duties(known, (), COUNCIL, revision().agreement, at)
    assert {Owed.ACKNOWLEDGE, Owed.ANSWER, Owed.NAME, Owed.TELL} <= {one.owed for one in owed}
    assert (Owed.PREPARE in {one.owed for one in owed}) is (0 <= days < 184)

    # when notices of it are made, then no value of the child is in them, nor her birthday
    for one in notices(owed, COUNCIL, HOME, ()):
        said = subject_of(one) + text_of(one) + json.dumps(document_of(one))
        for value in ("9990000018", "A123456789012", "C-77", "Wilhelmina", "Canary", "2008"):
            assert value not in said
        assert "confidence" not in said
        assert "4 September" not in said
        assert all(line.due is None for line in one.lines if line.owed is Owed.PREPARE)


# ------------------------------------------------------------------ whatever comes

DUTIES = st.lists(
    st.builds(
        duty,
        st.integers(0, 5),
        st.sampled_from([HOUR, DAY, 3 * DAY]),
        owed=st.sampled_from([Owed.ACKNOWLEDGE, Owed.ACT, Owed.DECIDE]),
        desk=st.sampled_from([MASH, HOME]),
    ),
    max_size=6,
    unique_by=lambda one: (one.owed, one.record, one.desk),
)


@given(DUTIES, st.lists(st.integers(0, 4 * DAY), min_size=1, max_size=8).map(sorted))
def test_each_stage_is_told_once_and_none_is_left_out(owed: list[Duty], looks: list[int]) -> None:
    # given any duties, when they are looked at at any times
    noted: set[str] = set()
    told: list[tuple[str, To]] = []
    for look in looks:
        at = Instant(NOON + look)
        now = [at_level(one, at) for one in owed]
        for notice in notices(now, COUNCIL, HOME, noted):
            told += [(line.key, notice.to) for line in notice.lines]
            noted |= keys(notice)

        # then after each look everybody has heard what there is to hear, and hears no more
        assert notices(now, COUNCIL, HOME, noted) == ()
        for one in now:
            desk = {line_key(one, Stage.NEW), line_key(one, Stage.REMINDER)} & noted
            assert desk
            late = line_key(one, Stage.OVERDUE) in noted
            assert late is (one.level is Level.ESCALATED)

    # and nothing was told twice, and to managers only what is late
    assert len({key for key, _ in told}) == len(told)
    overdue = {line_key(one, Stage.OVERDUE) for one in owed}
    assert all((key in overdue) is (to is To.MANAGER) for key, to in told)


@given(DUTIES, st.data())
def test_what_was_told_of_some_changes_nothing_for_others(
    owed: list[Duty], data: st.DataObject
) -> None:
    some = data.draw(st.sets(st.sampled_from(owed)) if owed else st.just(set()))
    noted = {line_key(one, Stage.NEW) for one in some}
    told = keys(*made(*owed, noted=frozenset(noted)))
    assert told == {line_key(one, Stage.NEW) for one in owed if one not in some}


def test_a_deadline_that_was_moved_tells_nothing_again() -> None:
    late = at_level(duty(), Instant(NOON + DAY))
    noted = keys(*made(late))
    for level in Level:
        assert stages_of(replace(late, level=level), noted) == ()
