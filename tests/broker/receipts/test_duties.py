"""Duties by the clock: there until what they ask for is there, more pressing as time goes on."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, HOUR, MINUTE, Instant
from broker.receipts.duties import Duty, Level, Owed, duties, level_of
from broker.receipts.figures import Figures, figures
from broker.receipts.known import Known, Task, of_one_child
from broker.records.names import AgencyId
from tests.support.county import COUNCIL, HOSPITALS, NOON, POLICE, SCHOOL, SURGERY, TODAY, revision

MASH = f"{COUNCIL}/mash"
GIRL: dict[str, Any] = {
    "nhs_number": "9990000018",
    "identity": {"given": "Robin", "family": "Sample", "date_of_birth": "2011-09-25"},
}


def known(
    record_type: str,
    record: str = "aa",
    source: AgencyId = POLICE,
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    content = {**GIRL, **changes.pop("content", {})}
    base = Known(record, source, record_type, NOON, content)
    return replace(base, **changes)


def received(
    record_type: str,
    to: str = MASH,
    **changes: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    return known(record_type, consumer=to, delivery="dd", **changes)


def owed(
    *records: Known,
    agency: AgencyId = COUNCIL,
    at: Instant = NOON,
    tasks: tuple[Task, ...] = (),
) -> tuple[Duty, ...]:
    return duties(records, tasks, agency, revision().agreement, at)


def later(ms: int) -> Instant:
    return Instant(NOON + ms)


# ------------------------------------------------------------------ what was received


def test_a_delivery_is_acknowledged_then_acted_upon_then_done() -> None:
    # given a concern that must be acknowledged within a day
    concern = received("concern", acknowledge_by=later(DAY))
    (first,) = owed(concern)
    assert (first.owed, first.level, first.due) == (Owed.ACKNOWLEDGE, Level.OPEN, later(DAY))
    assert (first.desk, first.telephone) == (MASH, "01632 960201")

    # when half of that has gone, then it is a reminder; past it, in the night, it names the manager
    assert owed(concern, at=later(DAY // 2))[0].level is Level.REMINDER
    (late,) = owed(concern, at=later(DAY + 10 * HOUR))
    assert (late.level, late.manager) == (Level.ESCALATED, "MASH service manager")
    assert late.telephone == "01632 960202"

    # when somebody takes it on, then what was done is owed within a day
    taken = replace(concern, acknowledged=later(HOUR))
    (act,) = owed(taken, at=later(HOUR))
    assert (act.owed, act.due) == (Owed.ACT, later(HOUR + DAY))

    # when that is told, then nothing is owed
    assert owed(replace(taken, acted=True)) == ()


def test_what_needs_no_answer_asks_for_none() -> None:
    assert owed(received("concern")) == ()
    alert = received("alert", acknowledge_by=later(HOUR), acknowledged=NOON)
    assert owed(alert, at=later(9 * DAY)) == ()


# ------------------------------------------------------------------ asking and answering

REQUEST = {"request": {"needed_by": later(4 * HOUR), "purpose": "section-47-enquiry"}}


def test_a_request_is_owed_an_answer_until_there_is_one() -> None:
    # given a request to the surgery
    desk = f"{SURGERY}/safeguarding-lead"
    asked = received("information-request", desk, source=COUNCIL, content=REQUEST)
    (duty,) = owed(asked, agency=SURGERY)
    assert (duty.owed, duty.desk, duty.due) == (Owed.ANSWER, desk, later(4 * HOUR))
    assert owed(asked, agency=SURGERY, at=later(2 * HOUR))[0].level is Level.REMINDER

    # when it answers another request, then it is still owed; when it answers this one, not
    other = known("information-response", "bb", SURGERY, content={"response": {"request": "ff"}})
    assert len(owed(asked, other, agency=SURGERY)) == 1
    answer = replace(other, content={"response": {"request": "aa", "result": "nothing-held"}})
    assert owed(asked, answer, agency=SURGERY) == ()


def test_who_asked_sees_who_has_not_answered_and_whom_to_ring() -> None:
    # given a request of the council's to a surgery and a hospital
    asked = known(
        "information-request",
        source=COUNCIL,
        content=REQUEST,
        addressed_to=(f"{SURGERY}/safeguarding-lead", f"{HOSPITALS}/ward-safeguarding"),
    )
    both = owed(asked, at=later(5 * HOUR))
    assert [one.owed for one in both] == [Owed.CHASE, Owed.CHASE]
    assert {one.manager for one in both} == {
        "Practice manager",
        "Named nurse for safeguarding children",
    }

    # when one has answered, then the other is left
    answer = received(
        "information-response", source=SURGERY, content={"response": {"request": "aa"}}
    )
    (left,) = owed(asked, answer)
    assert left.desk == f"{HOSPITALS}/ward-safeguarding"


def test_a_task_is_owed_until_it_is_answered() -> None:
    task = Task("cc", NOON, later(DAY))
    (duty,) = owed(tasks=(task,), agency=SCHOOL)
    assert (duty.owed, duty.record, duty.manager) == (Owed.DECIDE, "cc", "Headteacher")
    assert owed(tasks=(replace(task, answer="refuse"),), agency=SCHOOL) == ()


def test_decisions_are_counted_by_reason_and_type() -> None:
    # given decisions about two types of record, for two reasons
    default = Task("c1", NOON, later(DAY), "default-withhold")
    tasks = (
        default,
        replace(default, record="c2", due=later(-1)),
        replace(default, record="c3", answer="share"),
        replace(default, record="c4", answer="refuse"),
        Task("f1", NOON, later(DAY), "refer", "share"),
        Task("unknown", NOON, later(DAY)),
    )
    types = dict.fromkeys(("c1", "c2", "c3", "c4"), "concern") | {"f1": "risk-flags"}

    # then each pair has its figures, and none is left out
    found = figures(tasks, types, NOON)
    assert found == (
        Figures("default-withhold", "concern", 1, 1, 2, 1),
        Figures("refer", "", 0, 0, 1, 0),
        Figures("refer", "risk-flags", 1, 0, 0, 0),
    )
    assert sum(one.shared + one.refused + one.undecided for one in found) == len(tasks)


# ------------------------------------------------------------------ one child


def post(
    record: str,
    first: int,
    last: int | None,
    to: str | None = None,
    **more: Any,  # noqa: ANN401 - fields of `Known`
) -> Known:
    said = {"role": "social worker", "from": first, "until": last, "handed_to": to}
    return known("named-professional", record, content={"post": said}, **more)


def test_no_gap_of_a_named_professional_without_a_duty() -> None:
    # given a social worker whose time ended yesterday
    ended = post("aa", TODAY - 100, TODAY - 1, source=COUNCIL)
    (duty,) = owed(ended)
    assert (duty.owed, duty.since) == (Owed.NAME, Instant((TODAY - 1) * DAY))

    # when another one begins at once, or is there already, then there is no gap
    assert owed(ended, post("bb", TODAY - 1, None, source=COUNCIL)) == ()

    # but one who left before fills none
    assert len(owed(ended, post("bb", TODAY - 300, TODAY - 200, source=COUNCIL))) == 1

    # and the hub knows of it too, but not everybody who was told
    told = replace(ended, consumer=MASH, delivery="dd", source=HOSPITALS)
    assert [one.owed for one in owed(told)] == [Owed.NAME]
    school = replace(told, consumer=SCHOOL)
    assert owed(school, agency=SCHOOL) == ()


def test_a_handover_is_taken_over_or_owed() -> None:
    # given a child who is handed over to the hospital's nurse
    desk = f"{HOSPITALS}/ward-safeguarding"
    ended = post("aa", TODAY - 100, TODAY - 1, desk, consumer=HOSPITALS, delivery="dd")
    (duty,) = owed(ended, agency=HOSPITALS)
    assert (duty.owed, duty.desk) == (Owed.TAKE_OVER, desk)

    # when the hospital names who, then nothing is owed; before the last day nothing either
    assert owed(ended, post("bb", TODAY, None, source=HOSPITALS), agency=HOSPITALS) == ()
    assert owed(post("aa", TODAY - 9, TODAY + 9, desk, source=COUNCIL), agency=HOSPITALS) == ()


def returned(
    record: str = "aa",
    **changes: Any,  # noqa: ANN401 - slots
) -> Known:
    episode = {"start": TODAY - 2, "end_at": later(-HOUR)}
    return received("missing-episode", record=record, content={"episode": episode, **changes})


def test_a_return_interview_is_owed_within_72_hours_once_for_one_return() -> None:
    # given a child who came back an hour ago, as told twice
    (duty,) = owed(returned(), returned("bb"))
    assert (duty.owed, duty.due) == (Owed.INTERVIEW, later(71 * HOUR))

    # when an interview is there, or was offered, then not
    interview = known("return-interview", "cc", COUNCIL)
    assert owed(returned(), interview) == ()
    assert owed(returned(return_interview={"offered": True})) == ()
    early = replace(
        interview, at=later(-DAY), content={**GIRL, "interview": {"returned_at": later(-HOUR)}}
    )
    assert owed(returned(), early) == ()
    assert len(owed(returned(), replace(early, content=dict(GIRL)))) == 1

    # and others than those whom the protocol names owe none, nor is any owed of who is missing yet
    assert owed(returned(), agency=SCHOOL) == ()
    assert owed(received("missing-episode", content={"episode": {"end_at": None}})) == ()


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ({"what_is_shared": True}, 0),
        ({"what_is_shared": False, "why_not": "would-add-risk"}, 0),
        ({"what_is_shared": False, "why_not": "not-yet"}, 1),
        ({"what_is_shared": None, "why_not": None}, 1),
    ],
)
def test_a_child_who_was_not_told_is_told(told: dict[str, Any], count: int) -> None:
    voice = known("voice", source=SCHOOL, content={"told": told})
    assert [one.owed for one in owed(voice, agency=SCHOOL)] == [Owed.TELL] * count


@pytest.mark.parametrize(
    ("born", "since", "birthday"),
    [
        ("2008-09-25", "2026-03-25", "2026-09-25"),
        ("2008-02-29", "2025-09-01", "2026-03-01"),
        ("2008-08-31", "2026-02-28", "2026-08-31"),
    ],
)
def test_eighteen_is_prepared_from_seventeen_and_a_half(
    born: str, since: str, birthday: str
) -> None:
    # given a child with whom the council works
    who = {"identity": {**GIRL["identity"], "date_of_birth": born}}
    link = known("involvement", source=COUNCIL, content={**who, "link": {"until": None}})
    first, last = _day(since), _day(birthday)

    # then it is owed between the two days, and neither before nor after
    assert [one.owed for one in owed(link, at=first)] == [Owed.PREPARE]
    assert owed(link, at=first)[0].due == last
    assert owed(link, at=Instant(first - 1)) == ()
    assert owed(link, at=last) == ()

    # nor by whoever works with her no longer
    ended = replace(link, content={**who, "link": {"until": TODAY - 400}})
    assert owed(ended, at=first) == ()


def _day(said: str) -> Instant:
    return Instant((date.fromisoformat(said) - date(1970, 1, 1)).days * DAY)


def test_records_are_one_child_s_by_any_name_they_share() -> None:
    # given records that share a number, a name, the agency's own number, and one of another child
    by_number = Known("a", POLICE, "concern", NOON, {"nhs_number": "9990000018"})
    by_name = Known("b", POLICE, "concern", NOON, {"identity": GIRL["identity"]})
    both = Known("c", SCHOOL, "concern", NOON, GIRL)
    mine = Known("d", COUNCIL, "involvement", NOON, {**GIRL, "own_id": "EC-1"})
    told = Known("e", POLICE, "missing-episode", NOON, {}, own_identifier="EC-1")
    theirs = Known("f", POLICE, "concern", NOON, {"own_id": "EC-1"})
    nobody = Known("g", POLICE, "concern", NOON, {"identity": {"given": "Robin"}})

    # then they are grouped whatever their order, and who names nobody stands alone
    for order in (
        [by_number, by_name, both, mine, told, theirs, nobody],
        [told, nobody, theirs, mine, both, by_name, by_number],
    ):
        groups = of_one_child(order, COUNCIL)
        named = sorted("".join(sorted(one.record for one in group)) for group in groups)
        assert named == ["abcde", "f"]


# ------------------------------------------------------------------ properties

SPANS = st.integers(1, 90 * DAY // MINUTE).map(lambda minutes: minutes * MINUTE)


@given(SPANS, st.integers(0, 200 * DAY), st.integers(0, 200 * DAY))
def test_pressure_only_grows(span: int, one: int, other: int) -> None:
    order = list(Level)
    first, second = sorted((one, other))
    due = later(span)
    assert order.index(level_of(NOON, due, later(first))) <= order.index(
        level_of(NOON, due, later(second))
    )
    assert (level_of(NOON, due, later(second)) is Level.ESCALATED) is (second >= span)


OF_A_CHILD = (
    post("n1", TODAY - 90, TODAY - 3, source=COUNCIL),
    post("n2", TODAY - 2, TODAY - 1, source=COUNCIL),
    returned("m1"),
    received("concern", record="c1", acknowledge_by=later(HOUR)),
    received("information-request", record="r1", content=REQUEST),
    known("voice", "v1", COUNCIL, content={"told": {"why_not": "not-yet"}}),
)


@given(st.sets(st.sampled_from(range(len(OF_A_CHILD)))), st.integers(0, 30 * DAY))
def test_a_duty_ends_only_by_what_it_asks_for(chosen: set[int], waited: int) -> None:
    # given some records, when time passes and records that answer nothing come, then all stay
    records = [OF_A_CHILD[number] for number in sorted(chosen)]
    before = {(one.owed, one.record) for one in owed(*records)}
    more = known("risk-flags", "x1", content={"nhs_number": "9990000026", "identity": {}})
    after = {(one.owed, one.record) for one in owed(*records, more, at=later(waited))}
    assert before <= after
    assert owed(*reversed(records)) == owed(*records)
