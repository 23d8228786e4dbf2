"""Duties by the clock: there until what they ask for is there, more pressing as time goes on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, HOUR, MINUTE
from broker.receipts.figures import Figures, figures
from broker.receipts.known import Known, Task, of_one_child
from broker.receipts.owed import Level, Owed, level_of
from tests.broker.receipts.owing import GIRL, MASH, known, later, owed, received
from tests.support.county import COUNCIL, HOSPITALS, NOON, POLICE, SCHOOL, SURGERY

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


def test_what_somebody_took_on_unasked_is_owed_an_action_too() -> None:
    taken = received("concern", acknowledged=NOON)
    assert [one.owed for one in owed(taken)] == [Owed.ACT]
    assert owed(taken, at=later(DAY))[0].level is Level.ESCALATED


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

    # and the answer that must be taken on says which request it answers
    due = replace(answer, record="bb", acknowledge_by=later(DAY))
    (first, second) = owed(asked, due)
    assert (first.owed, second.owed) == (Owed.CHASE, Owed.ACKNOWLEDGE)
    assert (second.record, second.answers) == ("bb", "aa")


def test_a_request_whose_time_is_not_told_is_owed_no_answer_by_the_clock() -> None:
    assert owed(received("information-request", SURGERY), agency=SURGERY) == ()


def test_a_broken_glass_is_reviewed_by_a_second_person() -> None:
    # given what the council sent past the broker, and an emergency that it only heard of
    broken = known("break-glass", source=COUNCIL, content={"emergency": {"role": "EDT manager"}})
    assert [one.owed for one in owed(broken)] == [Owed.REVIEW]
    assert owed(replace(broken, delivery="dd", consumer=MASH)) == ()

    # when a second person has written a review of it, then nothing is owed
    review = known(
        "break-glass", "bb", COUNCIL, concerns="aa", content={"review": {"justified": True}}
    )
    assert owed(broken, review) == ()


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
