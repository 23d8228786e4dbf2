"""The impact of another text: what turns out otherwise, counted, and small numbers kept."""

from dataclasses import replace

import pytest

from broker.protocol.decisions import Decision, Grant, Obligation, Outcome
from broker.protocol.impact import FEW, Impact, Turn, impact, turn_of
from tests.broker.protocol.county import POLICE, SCHOOL, during, point, question

USUAL = question()
NAMES = {USUAL.schema or "": {"10": "episode"}}


def decision(outcome: Outcome, *slots: int, clause: str = "1.1") -> Decision:
    with point() as module:
        (plain,) = module.decide_now([USUAL], during()).decisions
    return replace(
        plain,
        outcome=outcome,
        slots=slots,
        grants=(Grant(clause, slots, floor=False),) if slots else (),
        referrals=(),
        obligations=(),
    )


CONTENT = decision(Outcome.CONTENT, 7, 10)
EXISTENCE = decision(Outcome.EXISTENCE, 7)
NOTHING = decision(Outcome.WITHHOLD)
REFER = replace(NOTHING, outcome=Outcome.REFER, referrals=("5.1",))
OBLIGED = replace(CONTENT, obligations=(Obligation("do-not-forward", ""),))


@pytest.mark.parametrize(
    ("before", "after", "turn"),
    [
        (NOTHING, CONTENT, Turn.RELEASED),
        (REFER, EXISTENCE, Turn.RELEASED),
        (CONTENT, NOTHING, Turn.STOPPED),
        (CONTENT, REFER, Turn.STOPPED),
        (EXISTENCE, CONTENT, Turn.OPENED),
        (CONTENT, EXISTENCE, Turn.CLOSED),
        (NOTHING, REFER, Turn.WAITS),
        (REFER, NOTHING, Turn.FREED),
        (CONTENT, replace(CONTENT, slots=(7,)), Turn.SLOTS),
        (CONTENT, OBLIGED, Turn.OBLIGED),
        (CONTENT, CONTENT, None),
        (NOTHING, replace(NOTHING, reasons=("other",)), None),
    ],
)
def test_how_a_decision_turns_out_otherwise(
    before: Decision, after: Decision, turn: Turn | None
) -> None:
    assert turn_of(before, after) is turn


def test_equal_turns_are_counted_together_the_most_frequent_first() -> None:
    at_desk = question({"consumer.desk": "safeguarding"})
    found = impact(
        [
            (USUAL, 3, EXISTENCE, CONTENT),
            (question({"labels.age_band": "16-17"}), 4, EXISTENCE, CONTENT),
            (at_desk, 9, CONTENT, REFER),
            (USUAL, 100, CONTENT, CONTENT),
            (question({"source.agency": None}), 0, NOTHING, CONTENT),
        ],
        NAMES,
    )
    first, second, third = found
    assert (first.consumer, first.turn, first.asked) == (f"{SCHOOL}/safeguarding", Turn.STOPPED, 9)
    assert (first.shown, first.hidden) == ((), ("whom to ask", "episode"))
    assert (first.before, first.after) == (("1.1",), ("5.1",))
    assert (second.source, second.asked, second.shown) == (POLICE, 7, ("episode",))
    assert (third.source, third.asked) == ("", 0)


def test_small_numbers_are_counted_out_to_those_alone_whose_they_are() -> None:
    few = Impact("referral", POLICE, f"{SCHOOL}/safeguarding", Turn.RELEASED, (), (), (), (), 3)
    assert few.count_for(None) is None
    assert few.count_for(POLICE) == few.count_for(SCHOOL) == 3
    assert replace(few, asked=FEW).count_for(None) == FEW
    assert replace(few, asked=0).count_for(None) == 0
