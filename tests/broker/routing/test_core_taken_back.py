"""What is taken back or said anew, what is erased, and what a router learns of others."""

import pytest

from broker.records.envelope import Envelope
from broker.records.names import Kind
from broker.records.statement import Identifiers
from broker.routing.held import Why, task_id
from broker.routing.knowledge import OTHER_ORDER, RegistersDiffer
from tests.broker.routing.rig import Rig, acquainted, opened, outcomes, released, sign, task, told
from tests.support.county import ACADEMY, COUNCIL, GIRL, HOSPITALS, MASH, POLICE, SCHOOL, SURGERY
from tests.support.statements import (
    MISSING,
    alerted,
    answered,
    high_risk,
    involved,
    later,
    retracted,
)


@pytest.fixture
def rig() -> Rig:
    """A core that knows who works with the girl; another child is at the academy."""
    return acquainted()


def waiting(rig: Rig) -> Envelope:
    """Return an absence that waits for its school's answer."""
    indicators = (MISSING,)
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", indicators=indicators))
    rig.tell(SCHOOL, absence)
    assert rig.held == 1
    return absence


# ------------------------------------------------------------------ retractions


def test_a_retraction_reaches_everybody_who_holds_the_record(rig: Rig) -> None:
    # given a record that many hold, one of whom was told by mistake that it works with the girl
    mistaken = sign(rig, ACADEMY, involved(rig.county, "on-roll"))
    rig.tell(ACADEMY, mistaken)
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    rig.tell(ACADEMY, retracted(rig.county, "involvement", mistaken.head.record_id))
    assert ACADEMY in holders

    # when the police take it back
    entries = rig.tell(POLICE, retracted(rig.county, "missing-episode", episode.head.record_id))

    # then every holder is told which one it holds, also who would not get the record any more
    found = released(entries)
    assert found.keys() == holders.keys()
    for one in found.values():
        assert told(one).holds == (episode.head.record_id,)
        assert told(one).clauses == ("2.3",)
        assert one.record.head.kind is Kind.RETRACTION
    assert rig.verify() == []


def test_a_retraction_need_not_name_the_child_again(rig: Rig) -> None:
    # given a record that a desk holds
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))

    # when it is taken back without a word of whom it was about, then its holders hear of it
    said = retracted(rig.county, "missing-episode", episode.head.record_id, about=Identifiers())
    assert released(rig.tell(POLICE, said)).keys() == holders.keys()
    assert rig.verify() == []


def test_nobody_takes_back_another_agency_s_record(rig: Rig) -> None:
    # given a record of the police
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    rig.tell(POLICE, episode)

    # when the hospital claims to take it back, then nobody is told that
    said = retracted(rig.county, "missing-episode", episode.head.record_id)
    assert released(rig.tell(HOSPITALS, said)) == {}
    assert rig.verify() == []


def test_a_narrowing_does_not_stop_a_retraction(rig: Rig) -> None:
    # given police that send nothing any more
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    rig.route(rig.county.narrow(POLICE, later(100)))

    # when they take a record back, then every holder is told
    said = retracted(rig.county, "missing-episode", episode.head.record_id)
    assert released(rig.tell(POLICE, said)).keys() == holders.keys()
    assert rig.verify() == []


def test_a_record_that_waits_and_is_taken_back_waits_no_more(rig: Rig) -> None:
    # given an absence about which the school was asked
    absence = waiting(rig)
    record = absence.head.record_id

    # when it is taken back, then nothing waits, and an answer comes too late
    rig.tell(SCHOOL, retracted(rig.county, "school-absence", record))
    assert (rig.held, rig.counts["held records withdrawn"]) == (0, 1)
    late = rig.tell(SCHOOL, answered(rig.county, task_id(record, Why.DEFAULT_WITHHOLD), record))
    assert [one.facts.kind for one in late] == ["receipt"]
    assert rig.counts["answers without a task"] == 1
    assert rig.verify() == []


def test_a_record_that_waits_and_is_said_anew_waits_no_more(rig: Rig) -> None:
    # given an absence about which the school was asked
    former = waiting(rig).head.record_id

    # when it is corrected, and the correction is asked about in its place
    said = rig.county.say("school-absence", kind=Kind.CORRECTION, indicators=(MISSING,))
    anew = rig.county.sign(SCHOOL, said, supersedes=former)[0]
    entries = rig.tell(SCHOOL, anew)

    # then one record waits, not two
    assert (rig.held, rig.counts["held records withdrawn"]) == (1, 1)
    assert task(entries).id == task_id(anew.head.record_id, Why.DEFAULT_WITHHOLD)
    assert rig.verify() == []


def test_a_retraction_may_stand_in_the_batch_of_what_it_takes_back(rig: Rig) -> None:
    # given a record and its retraction in one batch
    county = rig.county
    absence = sign(rig, SCHOOL, county.say("school-absence", indicators=(MISSING,)))
    back = retracted(county, "school-absence", absence.head.record_id)

    # when it is decided, then whoever was sent the record is sent the retraction
    entries = rig.tell(SCHOOL, absence, back)
    first = [one for one in entries if one.topic and one.facts.kind == "decision"]
    assert [one.consumer for one in first] == [COUNCIL, MASH, COUNCIL, MASH]
    assert rig.held == 0
    assert rig.verify() == []


@pytest.mark.parametrize("about", [GIRL, Identifiers()], ids=["named", "not named"])
def test_an_involvement_that_is_taken_back_counts_no_more(rig: Rig, about: Identifiers) -> None:
    # given a second school, which said by mistake that the girl is on its roll
    said = sign(rig, ACADEMY, involved(rig.county, "on-roll"))
    rig.tell(ACADEMY, said)
    assert ACADEMY in outcomes(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))

    # when it takes that back, whether it names her again or not
    rig.tell(ACADEMY, retracted(rig.county, "involvement", said.head.record_id, about=about))

    # then it is the wrong school, and gets nothing
    found = outcomes(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert ACADEMY not in found
    assert found[SCHOOL] == "content"
    assert rig.verify() == []


def test_taking_back_what_nobody_has_said_changes_nothing(rig: Rig) -> None:
    # given a retraction of an alert that was never raised, about nobody
    head = rig.core._known.registers.head
    said = retracted(rig.county, "alert", bytes(16), about=Identifiers())

    # when it is decided, then the registers stand as they stood
    assert released(rig.tell(COUNCIL, said)) == {}
    assert rig.core._known.registers.head == head
    assert rig.verify() == []


# ------------------------------------------------------------------ erased, or read late


def test_an_erased_record_is_decided_no_more(rig: Rig) -> None:
    # given a record that waits, and whose key was destroyed
    absence = waiting(rig)
    record = absence.head.record_id
    digest = absence.digest(rig.county.partnership)
    rig.core = rig.county.core()
    rig._read = [0, 0]
    rig.keys.kept.pop(digest)

    # when the answer comes, then there is nothing to decide about
    entries = rig.tell(SCHOOL, answered(rig.county, task_id(record, Why.DEFAULT_WITHHOLD), record))
    assert [one.facts.kind for one in entries] == ["receipt"]
    assert rig.counts["answers without a task"] == 1


def test_a_record_keeps_the_key_that_a_failed_commit_left(rig: Rig) -> None:
    # given a batch whose keys were kept and whose outputs were lost
    sent = rig.say(POLICE, rig.county.say("missing-episode"))
    lost = rig.decide(sent)
    (digest,) = lost.keys
    rig.keys.kept[digest] = lost.keys[digest]
    rig.core = rig.county.core()
    rig._read = [0, 0]

    # when another core decides it, then under the same key
    again = rig.decide(sent)
    assert again.keys == lost.keys
    rig.commit(again)
    assert rig.verify() == []


def test_a_core_that_is_taught_anew_knows_what_the_former_one_knew(rig: Rig) -> None:
    # given an alert, and a core that begins with what is published
    rig.tell(COUNCIL, alerted(rig.county))
    rig.tell(POLICE, rig.county.say("missing-episode"))
    known = rig.core._known.registers.head
    rig.core = rig.county.core()
    rig._read = [0, 0]

    # when a record comes, then its places are hidden, and the registers are the same
    found = released(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert "last_seen" not in opened(found[SCHOOL])
    assert rig.core._known.registers.head == known
    assert rig.verify() == []


def test_registers_that_are_read_back_in_another_order_are_read_anew(rig: Rig) -> None:
    # given a core that has written two entries
    county = rig.county
    rig.tell(SURGERY, involved(county, "registered"), alerted(county))
    first, second = rig.registers[-2:]

    # when another router's entry comes between them, or one is missing, then it is thrown away
    for read in ([second, first], [rig.registers[0], first, second], [first]):
        core = county.core()
        core.learn(county.entries, rig.registers[:-2])
        core._known._own += rig.core._known._own
        with pytest.raises(RegistersDiffer) as failed:
            core.learn([], read)
        assert failed.value.code is OTHER_ORDER


# ------------------------------------------------------------------ entries of the protocol


def test_every_protocol_entry_stands_in_the_log_also_a_refused_one(rig: Rig) -> None:
    # given entries of one agency, of several, and one that nobody has signed
    county = rig.county
    refused_one = county.publish(b"no entry", later(10))
    entries = rig.route([*county.entries])

    # when they are routed, then each has its entry, which names whose it is if it is one agency's
    assert {one.facts.kind for one in entries} == {"protocol"}
    assert len(entries) == len(county.entries)
    sources = [one.facts.source for one in entries]
    assert sources[0] == ""
    assert sources[refused_one.offset] == ""
    assert {POLICE, SCHOOL, "router"} <= set(sources)
    assert {one.told for one in entries} == {None}
    assert rig.counts["protocol entries"] == len(entries)
    assert rig.verify() == []
