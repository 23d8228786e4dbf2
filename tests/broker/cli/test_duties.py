"""`duties` and `respond`: what is owed, by when, whom to ring, and how a question is answered."""

from pathlib import Path
from typing import Any

from tests.support.commands import Commands

COUNCIL, SURGERY, SCHOOL = "eastshire-council", "millbrook-surgery", "st-brannocks-school"
CHILD = """child: {nhsNumber: "9990000018", dateOfBirth: 2011-09-25, firstName: Robin,
        lastName: Sample}"""

REQUEST = f"""
form: information-request
{CHILD}
purpose: section-47-enquiry
gateway: Children Act 1989 s.47(9)
neededBy: "2026-03-04T16:00:00Z"
urgency: immediate
question: Has anybody seen her since Friday?
addressedTo: [millbrook-surgery/safeguarding-lead]
"""


def publish(commands: Commands, folder: Path, agency: str, text: str) -> None:
    file = folder / "form.yaml"
    file.write_text(text, encoding="utf-8")
    commands("publish", agency, file)
    commands("route")


def owed(commands: Commands, agency: str, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = commands.json("duties", agency, *more)["duties"]
    return found


def test_a_question_is_owed_escalates_is_answered_and_heard(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a question of the hub's to the surgery, for an enquiry
    publish(eastshire, tmp_path, COUNCIL, REQUEST)

    # then the surgery owes an acknowledgement and an answer, and the council waits for it
    mine = owed(eastshire, SURGERY)
    assert sorted(one["owed"] for one in mine) == ["acknowledge", "answer"]
    (waits,) = owed(eastshire, COUNCIL)
    assert (waits["owed"], waits["desk"]) == ("chase", f"{SURGERY}/safeguarding-lead")
    assert owed(eastshire, SURGERY, "--desk", "reception") == []

    # when nobody answers until the evening, then it names the manager and who answers now
    eastshire.later(8)
    (late, *_) = [one for one in owed(eastshire, SURGERY) if one["owed"] == "answer"]
    assert (late["level"], late["manager"]) == ("escalated", "Practice manager")
    assert late["telephone"] == "01632 960301"
    shown = eastshire("duties", SURGERY).out
    assert "OVERDUE" in shown
    assert "Practice manager" in shown
    assert "past their time" in shown

    # when the answer lacks what makes it one, then it is not sent
    delivery = late["delivery"]
    lacking = ("respond", SURGERY, delivery, "--result")
    assert eastshire(*lacking, "content", "--json", code=2).error == "usage.response"
    assert eastshire(*lacking, "refused", "--json", code=2).error == "usage.response"

    # when it is answered, then the surgery owes nothing more, and the hub has the answer
    said = eastshire(*lacking, "content", "--text", "Seen on Saturday.", "--role", "GP").out
    assert "It goes to whoever asked" in said
    eastshire("route")
    assert owed(eastshire, SURGERY) == []
    assert [one["owed"] for one in owed(eastshire, COUNCIL)] == ["acknowledge"]
    inbox = eastshire.json("inbox", COUNCIL)["deliveries"]
    (answer,) = [one for one in inbox if one["type"] == "information-response"]
    assert answer["clauses"] == ["2.7"]
    opened = eastshire("inbox", COUNCIL, "--open", answer["delivery"]).out
    assert "Seen on Saturday." in opened

    # and nobody else heard of question or answer
    assert eastshire.json("inbox", SCHOOL)["deliveries"] == []
    eastshire("log", "verify")


def test_an_answer_may_be_that_nothing_is_held(eastshire: Commands, tmp_path: Path) -> None:
    publish(eastshire, tmp_path, COUNCIL, REQUEST)
    (_, asked) = sorted(owed(eastshire, SURGERY), key=lambda one: str(one["owed"]))
    document = eastshire.json("respond", SURGERY, asked["delivery"], "--result", "nothing-held")
    assert document == {"delivery": asked["delivery"], "result": "nothing-held"}
    eastshire("route")
    assert [one["owed"] for one in owed(eastshire, COUNCIL)] == ["acknowledge"]


def test_only_a_request_can_be_answered(eastshire: Commands) -> None:
    answer = eastshire("respond", SURGERY, "00", "--result", "nothing-held", "--json", code=2)
    assert answer.error == "inbox.absent"


def test_a_silent_handover_is_nobody_s_and_a_told_one_somebody_s(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a social worker who hands over to the hospital at the end of yesterday
    publish(
        eastshire,
        tmp_path,
        COUNCIL,
        f"""
form: named-professional
{CHILD}
role: social worker
from: 2026-01-01
until: 2026-03-03
handedTo: eastshire-hospitals/ward-safeguarding
""",
    )

    # then the hospital owes somebody, and so does the council until it hears of somebody
    (theirs,) = [
        one for one in owed(eastshire, "eastshire-hospitals") if one["owed"] != "acknowledge"
    ]
    assert (theirs["owed"], theirs["desk"]) == (
        "take-over",
        "eastshire-hospitals/ward-safeguarding",
    )
    assert [one["owed"] for one in owed(eastshire, COUNCIL)] == ["name"]

    # when the hospital names a nurse, then nobody owes it any more
    publish(
        eastshire,
        tmp_path,
        "eastshire-hospitals",
        f"""
form: named-professional
{CHILD}
role: named nurse
from: 2026-03-04
addressedTo: [eastshire-council/mash]
""",
    )
    assert not [one for one in owed(eastshire, "eastshire-hospitals") if one["owed"] == "take-over"]
    assert not [one for one in owed(eastshire, COUNCIL) if one["owed"] == "name"]


def test_nothing_owed_is_said_so(eastshire: Commands) -> None:
    assert "Nothing is owed." in eastshire("duties", SCHOOL).out


def test_a_child_s_own_words_come_first(eastshire: Commands, tmp_path: Path) -> None:
    # given what a girl told her school, which may be shared
    publish(
        eastshire,
        tmp_path,
        SCHOOL,
        f"""
form: voice
{CHILD}
on: 2026-03-03
ownWords: I don't want to go back there.
wantsNext: To stay with my gran.
barriers: [fear-of-the-person]
wishSharing: agrees
toldOfSharing: true
shareable: true
thirdPartyChecked: true
decidedBy: Designated safeguarding lead
""",
    )

    # when the hub opens it, then her words come before anything else that is said of her
    (delivery,) = eastshire.json("inbox", COUNCIL)["deliveries"]
    shown = eastshire("inbox", COUNCIL, "--open", delivery["delivery"]).out.splitlines()
    assert "I don't want to go back there." in shown[1]
    assert "To stay with my gran." in shown[2]
