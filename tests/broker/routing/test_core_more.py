"""What a person at the source answers, what agencies stop, and what is taken back."""

from dataclasses import replace
from typing import Any

import pytest

from broker import shipped
from broker.clock import DAY, HOUR, Instant
from broker.protocol.agreement import read_agreement
from broker.protocol.bodies import RevisionBody
from broker.protocol.cases import read_cases
from broker.protocol.clause_text import Vocabulary, read_clauses
from broker.protocol.narrowing import Direction
from broker.protocol.revision import Revision, compose
from broker.records.names import SLOT_CONTACT, Kind
from broker.records.schemas import SchemaSet
from broker.records.statement import Identifiers, Indicator, Statement
from broker.routing.held import Why, task_id
from broker.routing.host import Needs
from broker.runtimes.founding import COUNTY, engine_files, schema_files
from tests.broker.routing.rig import (
    Rig,
    acquainted,
    by_consumer,
    opened,
    outcomes,
    released,
    sign,
    task,
    told,
)
from tests.support.county import (
    COUNCIL,
    HOSPITALS,
    MASH,
    POLICE,
    SCHOOL,
    SURGERY,
    TODAY,
    revision,
)
from tests.support.statements import (
    MISSING,
    answered,
    high_risk,
    later,
    receipt,
)

EDT = f"{COUNCIL}/edt"
WORRYING: dict[str, Any] = {"indicators": (MISSING,)}
"""Labels of an absence that no clause speaks of, with a sign of risk."""

UNDER_CONDITIONS: dict[str, Any] = {
    "handling": "C",
    "indicators": (Indicator("unexplained-gifts", TODAY - 3, "fact"),),
}
"""Labels of intelligence that may be shared only after asking."""


@pytest.fixture
def rig() -> Rig:
    """A core that knows who works with the girl; another child is at the academy."""
    return acquainted()


# ------------------------------------------------------------------ a person at the source


def test_a_sign_of_risk_that_no_clause_speaks_of_is_put_to_its_source(rig: Rig) -> None:
    # given an absence that was allowed, of a child with a sign of risk
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", **WORRYING))

    # when it is decided, then children's services get what their own clause opens, nobody else
    entries = rig.tell(SCHOOL, absence)
    assert released(entries).keys() == {COUNCIL, MASH}

    # and the school is asked about the others, once, within a day
    asked = task(entries)
    assert asked.why == "default-withhold"
    assert asked.id == task_id(absence.head.record_id, Why.DEFAULT_WITHHOLD)
    assert asked.deadline == entries[0].facts.at + DAY
    assert asked.consumers == (HOSPITALS, SURGERY)
    assert asked.clauses == ("1.1",)
    assert rig.verify() == []


def test_no_sign_of_risk_and_no_clause_is_no_task(rig: Rig) -> None:
    # given an absence that was allowed, without any sign, when it is decided
    entries = rig.tell(SCHOOL, rig.county.say("school-absence"))

    # then it is withheld from those who treat the girl, and nobody is asked
    assert outcomes(entries)[SURGERY] == "withhold"
    assert "task" not in {one.facts.kind for one in entries}


@pytest.mark.parametrize("answer", ["share", "refuse"])
def test_the_source_s_answer_decides(rig: Rig, answer: str) -> None:
    # given a school that was asked
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", **WORRYING))
    asked = task(rig.tell(SCHOOL, absence))

    # when its lead answers, then whoever waited is decided afresh, and nobody else
    said = answered(rig.county, asked.id, absence.head.record_id, answer)
    entries = rig.tell(SCHOOL, said)
    found = by_consumer(entries)
    assert tuple(sorted(found)) == asked.consumers
    for one in found.values():
        assert one.decision is not None
        if answer == "share":
            assert one.decision.clauses == ("1.2",)
            assert opened(one) == {"identity", "absence", "year_summary", "plans", "setting"}
        else:
            assert one.outcome == "withhold"
            assert "refused-by-source" in one.decision.reasons

    # and the answer itself stands in the log, told to nobody
    (own,) = (one for one in entries if one.facts.kind == "receipt")
    assert (own.consumer, own.told) == ("", None)

    # and nothing is held any more: a second answer comes too late
    assert rig.held == 0
    rig.tell(SCHOOL, replace(said, natural_id="again"))
    assert rig.counts["answers without a task"] == 1
    assert rig.verify() == []


@pytest.mark.parametrize(("answer", "outcome"), [("share", "content"), ("refuse", "withhold")])
def test_intelligence_under_conditions_waits_for_the_officer(
    rig: Rig, answer: str, outcome: str
) -> None:
    # given flags with handling code C
    flags = sign(rig, POLICE, rig.county.say("risk-flags", **UNDER_CONDITIONS))

    # when they are decided, then nobody gets anything, and the police are asked within four hours
    entries = rig.tell(POLICE, flags)
    assert set(outcomes(entries).values()) == {"refer"}
    assert released(entries) == {}
    asked = task(entries)
    assert (asked.why, asked.deadline) == ("refer", entries[0].facts.at + 4 * HOUR)
    assert asked.clauses == ("5.1",)
    assert MASH in asked.consumers

    # and when the officer has answered, then the flags go where other clauses allow, or nowhere
    said = answered(rig.county, asked.id, flags.head.record_id, answer)
    found = by_consumer(rig.tell(POLICE, said))
    assert found[MASH].outcome == outcome
    if answer == "share":
        assert "flags" in opened(found[MASH])
        assert "marker" not in opened(found[MASH])
        assert found[SCHOOL].outcome == "existence"
        assert found[SCHOOL].record.opened() == (SLOT_CONTACT,)
        assert told(found[SCHOOL]).clauses == ()
    else:
        assert {one.topic for one in found.values()} == {""}
    assert rig.verify() == []


@pytest.mark.parametrize("wrong", ["another task", "another record", "another agency"])
def test_an_answer_ends_the_task_that_it_names_and_no_other(rig: Rig, wrong: str) -> None:
    # given flags that wait for the police
    flags = sign(rig, POLICE, rig.county.say("risk-flags", **UNDER_CONDITIONS))
    rig.tell(POLICE, flags)
    record = flags.head.record_id
    why = Why.DEFAULT_WITHHOLD if wrong == "another task" else Why.REFER
    about = bytes(16) if wrong == "another record" else record
    who = COUNCIL if wrong == "another agency" else POLICE

    # when an answer comes that is not one to that task, then nothing is released
    entries = rig.tell(who, answered(rig.county, task_id(record, why), about))
    assert [one.facts.kind for one in entries] == ["receipt"]
    assert rig.counts["answers without a task"] == 1

    # and the right one still counts
    said = answered(rig.county, task_id(record, Why.REFER), record)
    assert outcomes(rig.tell(POLICE, said))[MASH] == "content"
    assert rig.verify() == []


def test_the_sender_hears_what_became_of_its_record(rig: Rig) -> None:
    # given a record of the police that her school has acknowledged
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    rig.tell(POLICE, episode)

    # when the school says so, then the police are told, and they alone
    entries = rig.tell(SCHOOL, receipt(rig.county, POLICE, episode.head.record_id))
    assert outcomes(entries, "receipt") == {POLICE: "content"}
    assert opened(released(entries)[POLICE]) == {"receipt"}
    assert {one.facts.kind for one in entries} == {"receipt"}

    # and of what was done just so
    said = receipt(rig.county, POLICE, episode.head.record_id)
    happened: dict[str, Any] = dict(said.content)["receipt"]  # type: ignore[assignment]  # a JSON object
    acted = {**happened, "event": "action", "action": "section-47"}
    entries = rig.tell(SCHOOL, replace(said, content={"receipt": acted}))
    assert outcomes(entries, "receipt") == {POLICE: "content"}
    assert rig.verify() == []


def test_a_correction_goes_where_the_record_went(rig: Rig) -> None:
    # given a missing episode, when it is corrected
    first = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    before = released(rig.tell(POLICE, first))
    said = rig.county.say("missing-episode", kind=Kind.CORRECTION, **high_risk())
    second = rig.county.sign(POLICE, said, supersedes=first.head.record_id)[0]

    # then the same consumers get the correction, which names what it replaces
    after = released(rig.tell(POLICE, second))
    assert after.keys() == before.keys()
    assert {one.record.head.supersedes for one in after.values()} == {first.head.record_id}
    assert rig.verify() == []


# ------------------------------------------------------------------ narrowings, and time


def allowed(rig: Rig) -> Statement:
    """Return an absence that children's services get."""
    return rig.county.say("school-absence", facts=("absence:unauthorised",))


@pytest.mark.parametrize(
    "to",
    [
        {},
        {"counterpart": COUNCIL},
        {"type": "school-absence"},
        {"clause": "4.2", "counterpart": COUNCIL},
    ],
    ids=["everything", "one agency", "one type", "one clause"],
)
def test_a_narrowing_takes_effect_at_once_and_ends_when_it_is_lifted(
    rig: Rig, to: dict[str, Any]
) -> None:
    # given a school that narrows what it sends
    narrowing = rig.county.narrow(SCHOOL, later(100), **to)
    (entry,) = rig.route(narrowing)
    assert (entry.facts.kind, entry.facts.source) == ("protocol", SCHOOL)

    # when it sends an absence, then it is withheld, and the decision names the narrowing
    absence = rig.say(SCHOOL, allowed(rig), at=later(110))
    found = by_consumer(rig.route(absence))[COUNCIL]
    assert found.decision is not None
    assert (found.outcome, found.decision.narrowings) == ("withhold", (f"N{narrowing.offset}",))
    assert found.topic == ""
    assert rig.held == 1

    # and when it is lifted, then what waited goes out, and nothing waits
    entries = rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    assert outcomes(entries)[COUNCIL] == "content"
    assert [one.facts.kind for one in entries].count("protocol") == 1
    assert rig.held == 0
    assert rig.verify() == []


def test_a_receiver_may_narrow_what_it_takes(rig: Rig) -> None:
    rig.route(rig.county.narrow(COUNCIL, later(100), direction=Direction.RECEIVING))
    entries = rig.tell(SCHOOL, allowed(rig))
    assert outcomes(entries)[COUNCIL] == "withhold"
    assert released(entries) == {}
    assert rig.verify() == []


def test_no_narrowing_stops_what_is_said_of_a_child_in_danger(rig: Rig) -> None:
    # given police that send nothing any more
    rig.route(rig.county.narrow(POLICE, later(100)))

    # when a girl at high risk is missing, then the duty desks and her school know all the same
    found = released(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert {"last_seen", "episode"} <= opened(found[EDT])
    assert {"last_seen", "episode"} <= opened(found[SCHOOL])
    assert rig.verify() == []


def test_a_narrowing_for_a_time_ends_by_the_clock(rig: Rig) -> None:
    # given a school that sends nothing until an hour later
    until = later(3600)
    rig.route(rig.county.narrow(SCHOOL, later(100), until=until))
    assert outcomes(rig.tell(SCHOOL, allowed(rig)))[COUNCIL] == "withhold"

    # when the router looks too early, then nothing is said again
    assert rig.sweep(Instant(until - 1)) == []
    assert rig.held == 1

    # and when the time has come, then what waited goes out, once
    entries = rig.sweep(until)
    assert outcomes(entries)[COUNCIL] == "content"
    assert {one.facts.at for one in entries} == {until}
    assert rig.held == 0
    assert rig.sweep(later(7200)) == []
    assert rig.verify() == []


def test_without_anything_that_ends_by_time_nobody_looks(rig: Rig) -> None:
    rig.route(rig.county.narrow(SCHOOL, later(100)))
    rig.tell(SCHOOL, allowed(rig))
    assert rig.core.look_back() == Needs()
    assert rig.sweep(later(7200)) == []
    assert rig.held == 1


def test_some_are_freed_while_others_go_on_waiting(rig: Rig) -> None:
    # given a school that stops sending to the council and, apart from that, to one desk of it
    county = rig.county
    whole = county.narrow(SCHOOL, later(100), counterpart=COUNCIL)
    county.narrow(SCHOOL, later(101), counterpart=MASH)
    found = outcomes(rig.route(rig.say(SCHOOL, allowed(rig), at=later(110))))
    assert (found[COUNCIL], found[MASH]) == ("withhold", "withhold")

    # when the first is lifted, then the council is told, and its desk waits on
    freed = outcomes(rig.route(county.lift(whole, SCHOOL, later(200))))
    assert freed == {COUNCIL: "content"}
    assert rig.held == 1
    assert rig.verify() == []


def test_an_answer_stands_when_its_record_is_stopped_meanwhile(rig: Rig) -> None:
    # given a school that was asked, and stops sending before its lead answers
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", **WORRYING))
    asked = task(rig.tell(SCHOOL, absence))
    narrowing = rig.county.narrow(SCHOOL, later(100))
    said = answered(rig.county, asked.id, absence.head.record_id)
    stopped = rig.route(rig.say(SCHOOL, said, at=later(110)))
    assert set(outcomes(stopped).values()) == {"withhold"}
    assert released(stopped) == {}

    # when the narrowing is lifted, then the answer counts, and nobody is asked again
    entries = rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    assert outcomes(entries) == dict.fromkeys(asked.consumers, "content")
    assert "task" not in {one.facts.kind for one in entries}
    assert rig.held == 0
    assert rig.verify() == []


@pytest.mark.parametrize("subject", ["child", "place"])
def test_what_is_about_no_known_child_is_decided_when_it_is_answered(
    rig: Rig, subject: str
) -> None:
    # given intelligence under conditions about a place, or about a child whom nobody can name
    labels = {**UNDER_CONDITIONS, "subject": subject}
    flags = sign(rig, POLICE, rig.county.say("risk-flags", Identifiers(), **labels))
    entries = rig.tell(POLICE, flags)
    assert outcomes(entries) == {MASH: "refer"}

    # when the officer lets it go, then the MASH gets the flags
    said = answered(rig.county, task(entries).id, flags.head.record_id)
    found = released(rig.tell(POLICE, said))
    assert found.keys() == {MASH}
    assert "flags" in opened(found[MASH])
    assert rig.verify() == []


def renewed() -> Revision:
    """Return the shipped protocol, agreed on for two years more."""
    folder = shipped.policies() / "protocols" / COUNTY
    text = (folder / "protocol.yaml").read_bytes()
    files = schema_files()
    known = SchemaSet(files).types()
    longer = text.replace(b"last_day: 2028-12-29", b"last_day: 2030-12-27")
    agreement = read_agreement(longer, frozenset(schema.type for schema in known))
    vocabulary = Vocabulary(agreement, known)
    clauses = read_clauses((folder / "clauses.yaml").read_bytes(), vocabulary)
    cases = read_cases((folder / "cases.yaml").read_bytes(), clauses, vocabulary)
    return compose(agreement, clauses, cases, files, engine_files())


def test_when_the_protocol_lapses_the_floor_stands_and_the_rest_waits(rig: Rig) -> None:
    # given a protocol whose last day has passed, and nobody has agreed on another
    county = rig.county
    late = Instant(revision().agreement.until + DAY)
    episode = county.sign(POLICE, county.say("missing-episode", **high_risk()), at=late)[0]

    # when a girl at high risk is missing, then whoever looks for her knows, by the floor alone
    found = released(rig.route(rig.say(POLICE, episode, at=late)))
    assert told(found[MASH]).clauses == ("2.1", "2.2")
    assert "circumstances" not in opened(found[MASH])
    assert rig.held == 1
    assert rig.sweep(Instant(late + DAY)) == []

    # and when the signatories renew it, then the rest goes out
    other = renewed()
    assert other.digest != revision().digest
    body = RevisionBody(2, revision().digest, other.digest, other.packed())
    anew = released(rig.route(county.enter(body, county.quorum(), Instant(late + 2 * DAY))))
    assert set(told(anew[MASH]).clauses) >= {"2.1", "2.2", "3.1"}
    assert told(anew[MASH]).revision == other.digest
    assert rig.held == 0
    assert rig.verify() == []
