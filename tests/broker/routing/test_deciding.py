"""What follows from a decision: remembered, told, put to the source, or not made at all."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from broker.clock import DAY, FOREVER, HOUR, Instant
from broker.protocol.decision_point import Answers, DecisionPoint
from broker.protocol.decisions import Decision, Grant, Obligation, Outcome, Refusal
from broker.protocol.errors import ANSWER, AnswerRefused
from broker.protocol.questions import Question, question_of
from broker.records.keys import Change, Use
from broker.records.names import SLOT_CONTACT, SLOT_IDENTITY, SLOT_SCHEMA
from broker.records.statement import Identifiers
from broker.routing.deciding import waits_for
from broker.routing.handling import Decide
from broker.routing.held import Why
from broker.runtimes.policy import Policy
from tests.broker.routing.rig import (
    Entry,
    Rig,
    by_consumer,
    opened,
    quarantined,
    released,
    sign,
    task,
    told,
)
from tests.broker.routing.town import Host, Town
from tests.support.county import COUNCIL, MASH, POLICE, SCHOOL, SURGERY, County, child, revision
from tests.support.county import shared_point as engine
from tests.support.statements import high_risk, involved, later

PLAIN = Decision(
    Outcome.WITHHOLD,
    (),
    (),
    (),
    (),
    (),
    ("1.1",),
    None,
    Outcome.WITHHOLD,
    (),
    revision().digest,
    Instant(0),
    FOREVER,
)
"""A decision that withholds, and puts nothing to anybody."""

ASKED = replace(PLAIN, outcome=Outcome.REFER, referrals=("3.3",), reasons=("3.3",), task=HOUR)


class Counting:
    """The engine, counting what it is asked.

    Attributes:
        asked: questions in the order in which they came.
    """

    def __init__(self) -> None:
        self._point = engine(revision())
        self.asked: list[Question] = []

    @property
    def revision(self) -> bytes:
        return self._point.revision

    async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
        self.asked += questions
        return await self._point.decide(questions, at)


def rig_with(make: Callable[[County], Decide]) -> Rig:
    """Return a rig whose core asks this, knowing who works with the girl."""
    county = County()
    decide = make(county)
    rig = Rig(county, lambda: county.core(decide))
    for agency, kind in ((SCHOOL, "on-roll"), (SURGERY, "registered"), (COUNCIL, "allocated")):
        rig.tell(agency, involved(county, kind))
    return rig


def policy(point: DecisionPoint, size: int) -> Callable[[County], Decide]:
    """Return policy that asks `point`, and remembers `size` decisions."""
    return lambda county: Policy(county.protocol(), lambda _: point, size)


def given_out(**by_consumer_: Decision) -> Callable[[County], Decide]:
    """Return policy that gives these decisions to agencies, and `PLAIN` to all others."""

    def decide(questions: Sequence[Question], _: Sequence[Instant]) -> Sequence[Decision]:
        return [
            by_consumer_.get(f"{one.consumer.agency}".partition("-")[2], PLAIN)
            if not one.consumer.desk and one.labels.type == "missing-episode"
            else PLAIN
            for one in questions
        ]

    return lambda _: decide


# ------------------------------------------------------------------ memory


def comparable(entries: Sequence[Entry]) -> list[tuple[str, str, bytes, object]]:
    return [(one.consumer, one.topic, one.facts.decision, one.told) for one in entries]


def test_what_is_remembered_is_what_would_be_answered_again() -> None:
    # given a core that remembers decisions, and one that never does
    remembering, forgetting = Counting(), Counting()
    first, second = rig_with(policy(remembering, 100)), rig_with(policy(forgetting, 0))
    found: list[list[str]] = []
    for rig, point in ((first, remembering), (second, forgetting)):
        # when the police say twice that she is missing, in the same words
        once = rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))
        before = len(point.asked)
        again = rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))

        # then the one asks nothing, the other everything, and the answers are the same
        assert len(point.asked) - before == (0 if point is remembering else len(once))
        assert [one[:2] for one in comparable(once)] == [one[:2] for one in comparable(again)]
        assert [one.facts.decision for one in once] == [one.facts.decision for one in again]
        assert [one.question for one in once] == [one.question for one in again]
        found.append([f"{one.consumer} {one.decision}" for one in again])
        assert rig.verify() == []
    assert found[0] == found[1]


def test_other_labels_are_asked_about_afresh() -> None:
    # given decisions on an episode that are remembered
    point = Counting()
    rig = rig_with(policy(point, 100))
    high = released(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    before = len(point.asked)

    # when the next one says less, then it is asked about, and the answers differ
    low = released(rig.tell(POLICE, rig.county.say("missing-episode")))
    assert len(point.asked) > before
    assert "2.2" in told(high[SCHOOL]).clauses
    assert SCHOOL not in low or "2.2" not in told(low[SCHOOL]).clauses


# ------------------------------------------------------------------ what is not known


def test_of_a_child_whom_nobody_can_name_alerts_are_unknown() -> None:
    # given an absence of a child without a name, when it is decided
    rig = Rig()
    entries = rig.tell(SCHOOL, rig.county.say("school-absence", Identifiers()))

    # then the question tells no alert and no involvement, and the answer is no
    (entry,) = by_consumer(entries).values()
    question = question_of(entry.question)
    assert (question.link, question.alerts, question.not_visible_to) == ("unlinked", None, None)
    assert question.consumer.involvement is None
    assert (entry.consumer, entry.outcome) == (MASH, "withhold")


# ------------------------------------------------------------------ what is told


def test_obligations_travel_with_the_release() -> None:
    # given a decision that releases under two obligations, although a clause closed something
    duties = (Obligation("acknowledge-by", "PT4H"), Obligation("named-desk-only", ""))
    decision = replace(
        PLAIN,
        outcome=Outcome.CONTENT,
        slots=(SLOT_SCHEMA, SLOT_IDENTITY, SLOT_CONTACT),
        grants=(Grant("3.1", (SLOT_IDENTITY, SLOT_CONTACT), floor=False),),
        refusals=(Refusal("4.1", (SLOT_IDENTITY + 1,)),),
        obligations=duties,
        reasons=(),
    )
    rig = rig_with(given_out(surgery=decision))

    # when it is carried out
    entries = rig.tell(POLICE, rig.county.say("missing-episode"))
    found = released(entries)

    # then the surgery alone is told, of its duties and of what was granted, not of what was closed
    assert found.keys() == {SURGERY}
    said = told(found[SURGERY])
    assert [(one.kind, one.detail) for one in said.obligations] == [tuple(d) for d in duties]
    assert said.clauses == ("3.1",)
    assert opened(found[SURGERY]) == {"identity"}

    # and the log keeps the whole decision, while nothing waits
    assert found[SURGERY].decision == decision
    assert rig.held == 0


def test_existence_names_no_clause() -> None:
    # given a decision that tells the surgery whom to ring, and no more
    decision = replace(
        PLAIN,
        outcome=Outcome.EXISTENCE,
        slots=(SLOT_CONTACT,),
        grants=(Grant("3.2", (SLOT_CONTACT,), floor=False),),
    )
    rig = rig_with(given_out(surgery=decision))
    found = released(rig.tell(POLICE, rig.county.say("missing-episode")))[SURGERY]
    assert (told(found).outcome, told(found).clauses) == ("existence", ())
    assert found.record.opened() == (SLOT_CONTACT,)


def test_one_task_for_all_who_wait_for_the_same() -> None:
    # given two consumers that wait for an answer, within an hour and within a day
    later_one = replace(ASKED, referrals=("3.4",), reasons=("3.4",), task=DAY)
    rig = rig_with(given_out(surgery=ASKED, council=later_one))
    episode = sign(rig, POLICE, rig.county.say("missing-episode"))

    # when that is put to the police, then they are asked once, in time for both
    entries = rig.tell(POLICE, episode)
    asked = task(entries)
    assert asked.deadline == entries[0].facts.at + HOUR
    assert asked.consumers == (COUNCIL, SURGERY)
    assert asked.clauses == ("3.3", "3.4")
    assert (asked.why, rig.held, rig.counts["task"]) == ("refer", 1, 1)


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (PLAIN, None),
        (ASKED, Why.REFER),
        (replace(ASKED, task=None), None),
        (replace(PLAIN, task=DAY), Why.DEFAULT_WITHHOLD),
        (replace(PLAIN, reasons=("lapsed",)), Why.LAPSED),
        (replace(PLAIN, reasons=("not-in-force",)), Why.LAPSED),
        (replace(PLAIN, narrowings=("N7",)), Why.NARROWED),
        (replace(PLAIN, narrowings=("N7",), reasons=("lapsed",)), Why.LAPSED),
        (replace(PLAIN, narrowings=("N7",), task=DAY), Why.NARROWED),
        (replace(ASKED, narrowings=("N7",)), Why.REFER),
    ],
)
def test_what_a_consumer_waits_for(decision: Decision, why: Why | None) -> None:
    assert waits_for(decision) is why


# ------------------------------------------------------------------ no decision at all


def test_without_an_answer_nothing_is_decided() -> None:
    # given an engine whose answer cannot be used
    broken = [False]
    real = engine(revision())

    class Broken:
        revision = real.revision

        async def decide(self, questions: Sequence[Question], at: Instant) -> Answers:
            if broken[0]:
                raise AnswerRefused(ANSWER, "shape")
            return await real.decide(questions, at)

    rig = rig_with(policy(Broken(), 100))
    before, rows = len(rig.decided), dict(rig.rows)
    broken[0] = True

    # when a record is decided, then this fails as a whole
    messages = rig.say(POLICE, rig.county.say("missing-episode"))
    with pytest.raises(AnswerRefused) as raised:
        rig.decide(messages)
    assert raised.value.code is ANSWER
    assert (len(rig.decided), rig.rows) == (before, rows)


async def test_a_record_that_the_engine_cannot_answer_is_quarantined_alone() -> None:
    # given an engine that fails on whatever is said of a missing child
    town = await Town.founded()
    real = Policy(town.county.protocol(), engine, 100)

    def decide(questions: Sequence[Question], at: Sequence[Instant]) -> Sequence[Decision]:
        if any(one.labels.type == "missing-episode" for one in questions):
            raise AnswerRefused(ANSWER, "shape")
        return real(questions, at)

    await town.say(SCHOOL, involved(town.county, "on-roll"))
    await town.say(POLICE, town.county.say("missing-episode"))
    await town.say(SURGERY, involved(town.county, "registered"))

    # when three records are routed, then two are decided, and it is told to the police alone
    counts = await town.run(town.router(Host(town.county, decide=decide)))
    assert counts["accepted"] == 2
    quarantined(
        [one for one in await town.entries() if one.facts.kind == "quarantine"], "router.internal"
    )
    await town.all_decided_once()


def test_a_record_that_nobody_is_asked_about_stands_in_the_log_alone() -> None:
    # given flags of the only agency that would be asked about them, when they are decided
    rig = Rig()
    (entry,) = rig.tell(COUNCIL, rig.county.say("risk-flags", child(3)))

    # then they are accepted, without a consumer, a decision or a question
    assert (entry.consumer, entry.decision, entry.told, entry.topic) == ("", None, None, "")
    assert entry.personal is not None
    assert (entry.personal.question, entry.personal.link) == (None, "linked")


def test_a_source_that_cannot_be_sealed_to_finds_its_task_in_the_log() -> None:
    # given police whose sealing key was revoked, and a decision that asks them
    rig = rig_with(given_out(surgery=ASKED))
    rig.county.change_key(POLICE, Change.REVOKE, later(50), Use.SEAL)
    entries = rig.tell(POLICE, rig.county.say("missing-episode"))

    # then the task stands in the log, and nothing is sent
    (put,) = (one for one in entries if one.facts.kind == "task")
    assert told(put).task is not None
    assert put.topic == ""
