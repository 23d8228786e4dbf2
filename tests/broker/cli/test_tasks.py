"""`tasks`: what an agency's people must answer, and by when."""

from pathlib import Path

from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands

HOSPITALS, SCHOOL, COUNCIL = "eastshire-hospitals", "st-brannocks-school", "eastshire-council"


def test_a_refer_is_listed_and_ends_with_an_answer(own_week: Commands) -> None:
    # given a clinician's concern that the protocol refers back to her
    tasks = own_week.json("tasks", HOSPITALS)["tasks"]
    asked = next(one for one in tasks if one["why"] == "refer")
    assert asked["consumers"]
    assert asked["answer_by"].endswith("Z")
    before = len(own_week.json("inbox", COUNCIL, "--all")["deliveries"])

    # when she decides to share it, and all is routed
    said = own_week.json("tasks", "answer", HOSPITALS, asked["task"], "share", "--reason", "agreed")
    assert said["answered"] == "share"
    own_week("route")

    # then those who waited get it, and the task is no longer open
    assert len(own_week.json("inbox", COUNCIL, "--all")["deliveries"]) > before
    left = own_week.json("tasks", HOSPITALS)["tasks"]
    assert asked["task"] not in {one["task"] for one in left}
    everything = own_week.json("tasks", "list", HOSPITALS, "--all")["tasks"]
    assert asked["task"] in {one["task"] for one in everything}


def test_a_refusal_keeps_it_and_needs_a_reason(own_week: Commands) -> None:
    # given a task
    task = own_week.json("tasks", HOSPITALS)["tasks"][0]["task"]

    # when it is refused without a reason, then that is wrong usage
    own_week("tasks", "answer", HOSPITALS, task, "refuse", code=2)

    # and with one, it is answered; a second answer is not taken
    answer = own_week("tasks", "answer", HOSPITALS, task, "refuse", "--reason", "harm to her")
    assert "Answered: refuse." in answer.out
    again = own_week("tasks", "answer", HOSPITALS, task, "share", "--reason", "x", "--json", code=1)
    assert again.error == "task.answered"


def test_people_see_tasks_within_their_screen(week: Commands) -> None:
    # given tasks, when a person lists them, then id, reason and deadline are there
    out = week("tasks", HOSPITALS).out
    assert "answer by" in out
    assert "must answer" in " ".join(out.split())
    assert "tasks answer AGENCY TASK" in out
    assert max(map(len, out.splitlines())) <= COLUMNS


def test_an_agency_without_tasks_is_told_so(eastshire: Commands) -> None:
    # given a county where nothing happened, when tasks are listed, then there are none
    out = eastshire("tasks", SCHOOL).out
    assert "No open tasks." in out
    assert "Nobody owed a decision." in eastshire("tasks", SCHOOL, "--figures").out
    assert "Every delivery was acknowledged in time." in out


def test_what_nobody_acknowledged_in_time_names_a_person_to_ring(own_week: Commands) -> None:
    # given deliveries that nobody took on, a month later
    own_week.later(24 * 40)
    late = [
        (agency, one)
        for agency in (COUNCIL, SCHOOL, HOSPITALS, "eastshire-police", "millbrook-surgery")
        for one in own_week.json("tasks", agency)["overdue"]
    ]
    tasks = own_week.json("tasks", HOSPITALS)["tasks"]

    # then open tasks are overdue, and each late delivery has a desk, a manager and a telephone
    assert all(one["overdue"] for one in tasks)
    assert "OVERDUE" in own_week("tasks", HOSPITALS).out
    for _, one in late:
        assert one["telephone"]
        assert one["due_at"].endswith("Z")


def test_a_task_that_is_not_there_is_wrong_usage(week: Commands) -> None:
    # given no such task, when it is answered, then it says so
    words = ("tasks", "answer", SCHOOL, "ffffffff", "share", "--reason", "x", "--json")
    assert week(*words, code=2).error == "inbox.absent"


def test_a_late_delivery_names_desk_manager_and_telephone(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a concern that the council's hub must acknowledge within a day, and did not
    eastshire("publish", COUNCIL, written(tmp_path, "l.json", involvement(COUNCIL, "allocated")))
    eastshire("publish", SCHOOL, written(tmp_path, "c.json", concern()))
    eastshire("route")
    assert eastshire.json("tasks", COUNCIL)["overdue"] == []
    eastshire.later(25)

    # when tasks are listed, then a program gets whom to ring here, and whom to ask at the source
    (late,) = eastshire.json("tasks", COUNCIL)["overdue"]
    assert late["consumer"] == f"{COUNCIL}/mash"
    assert late["due"] == "2026-03-05T12:00:00Z"
    assert late["manager"] == "MASH service manager"
    assert late["contact_at_source"]["desk"] == "dsl"

    # and a person reads the same within a screen
    out = eastshire("tasks", COUNCIL).out
    assert late["delivery"][:12] in out
    assert late["telephone"] in out
    assert max(map(len, out.splitlines())) <= COLUMNS

    # and nothing is late any more once somebody has taken it on
    eastshire("ack", COUNCIL, late["delivery"][:12])
    assert eastshire.json("tasks", COUNCIL)["overdue"] == []


def test_an_answer_is_shown_with_its_task(own_week: Commands) -> None:
    # given a task that was refused, when all tasks are listed, then the answer stands beside it
    task = own_week.json("tasks", HOSPITALS)["tasks"][0]["task"]
    own_week("tasks", "answer", HOSPITALS, task, "refuse", "--reason", "harm to her")
    listed = own_week.json("tasks", HOSPITALS, "--all")["tasks"]
    assert {one["answered"] for one in listed if one["task"] == task} == {"refuse"}
    assert "refuse" in own_week("tasks", HOSPITALS, "--all").out

    # and an answer that there is not, or another agency's task, is wrong usage
    own_week("tasks", "answer", HOSPITALS, task, "perhaps", "--reason", "x", code=2)
    own_week("tasks", "answer", COUNCIL, task, "share", "--reason", "x", code=2)


def test_decisions_are_counted(own_week: Commands) -> None:
    # given a week in which people owed decisions, and one that is made
    task = own_week.json("tasks", HOSPITALS)["tasks"][0]["task"]
    before = own_week.json("tasks", HOSPITALS, "--figures")["figures"]
    own_week("tasks", "answer", HOSPITALS, task, "refuse", "--reason", "harm to her")

    # then the figures say one refused more, and one undecided less
    after = own_week.json("tasks", HOSPITALS, "--figures")["figures"]
    assert sum(one["refused"] for one in after) == sum(one["refused"] for one in before) + 1
    assert sum(one["undecided"] for one in after) == sum(one["undecided"] for one in before) - 1
    assert all(one["type"] for one in after)
    assert "undecided" in own_week("tasks", HOSPITALS, "--figures").out
