"""A coded retraction: whom it reaches, what it ends, and what its source is told."""

from typing import Any

import pytest

from broker.access_log.parts import TAKEN_BACK
from broker.clock import DAY, Instant
from broker.errors import Code
from broker.records.errors import LABELS, VALUE
from broker.records.names import Kind
from broker.records.statement import Statement
from broker.routing.held import Why, task_id
from tests.broker.routing.rig import (
    Entry,
    Rig,
    acquainted,
    opened,
    outcomes,
    quarantined,
    released,
    sign,
    task,
    told,
)
from tests.support.county import (
    ACADEMY,
    COUNCIL,
    HOSPITALS,
    MASH,
    POLICE,
    SCHOOL,
    SURGERY,
    TODAY,
    County,
)
from tests.support.statements import MISSING, alerted, high_risk, involved, retracted


@pytest.fixture
def rig() -> Rig:
    """A core that knows who works with the girl; another child is at the academy."""
    return acquainted()


def withdrawn(
    county: County,
    record_id: bytes | None,
    reason: str = "wrong-person",
    **changes: Any,  # noqa: ANN401 - as `County.say`
) -> Statement:
    """Return a coded retraction of a record."""
    main = {"reason": reason, "on": TODAY, "role": "lead", "tell": "un-file-and-destroy"}
    content = {"retraction": main, "note": "Another girl's."}
    labels = {"subject": "record", "concerns": record_id}
    said = {"kind": Kind.RETRACTION, "content": content, **labels, **changes}
    return county.say("retraction", None, **said)


def last_at(entries: list[Entry]) -> Instant:
    """Return when the last of some entries was decided."""
    return entries[-1].facts.at


def test_a_coded_retraction_reaches_everybody_who_holds_the_record(rig: Rig) -> None:
    # given a record that many hold, one of whom works with the girl no more
    mistaken = sign(rig, ACADEMY, involved(rig.county, "on-roll"))
    rig.tell(ACADEMY, mistaken)
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    rig.tell(ACADEMY, withdrawn(rig.county, mistaken.head.record_id))
    assert ACADEMY in holders

    # when the police withdraw it, with a coded reason
    entries = rig.tell(POLICE, withdrawn(rig.county, episode.head.record_id))

    # then every holder reads the reason, what to do and whom to ring, and nobody else is told
    found = released(entries)
    assert found.keys() == holders.keys()
    for one in found.values():
        assert told(one).holds == (episode.head.record_id,)
        assert told(one).clauses == ("2.3",)
        assert opened(one) == {"retraction", "note"}
        assert 7 in told(one).slots
    assert rig.verify() == []


def test_the_source_is_told_who_holds_what_it_takes_back(rig: Rig) -> None:
    # given a record that many hold
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))

    # when it is withdrawn
    retraction = sign(rig, POLICE, withdrawn(rig.county, episode.head.record_id))
    entries = rig.tell(POLICE, retraction)

    # then the police have a task: the names of all who must un-file it, and by when
    found = task(entries)
    assert found.why == TAKEN_BACK
    assert found.id == task_id(retraction.head.record_id, TAKEN_BACK)
    assert list(found.consumers) == sorted(holders)
    assert found.deadline == last_at(entries) + DAY
    assert found.clauses == ("2.3",)
    assert rig.verify() == []


def test_the_source_is_told_of_holders_of_an_old_style_retraction_too(rig: Rig) -> None:
    # given a record that some hold, when it is taken back without a reason
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    entries = rig.tell(POLICE, retracted(rig.county, "missing-episode", episode.head.record_id))

    # then its source is told of them as well
    assert list(task(entries).consumers) == sorted(holders)
    assert rig.verify() == []


def test_what_nobody_holds_is_withdrawn_without_a_word(rig: Rig) -> None:
    # given a record that nobody has, when it is withdrawn, then nobody is told, nor is its source
    entries = rig.tell(POLICE, withdrawn(rig.county, bytes(15) + b"1"))
    assert [(one.facts.kind, one.consumer) for one in entries] == [("decision", "")]
    assert released(entries) == {}

    # and another agency's record is not withdrawn by whoever names it
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    rig.tell(POLICE, episode)
    assert released(rig.tell(HOSPITALS, withdrawn(rig.county, episode.head.record_id))) == {}
    assert rig.verify() == []


def test_a_record_that_waits_and_is_withdrawn_waits_no_more(rig: Rig) -> None:
    # given an absence about which the school was asked
    said = rig.county.say("school-absence", indicators=(MISSING,))
    absence = sign(rig, SCHOOL, said)
    rig.tell(SCHOOL, absence)
    assert rig.held == 1

    # when it is withdrawn, then nothing waits
    entries = rig.tell(SCHOOL, withdrawn(rig.county, absence.head.record_id, "unfounded"))
    assert (rig.held, rig.counts["held records withdrawn"]) == (0, 1)
    tasks = {one.told.task.why for one in entries if one.told is not None and one.told.task}
    assert Why.DEFAULT_WITHHOLD not in tasks
    assert rig.verify() == []


def test_an_involvement_that_is_withdrawn_counts_no_more(rig: Rig) -> None:
    # given a school that said by mistake that the girl is on its roll, and withdraws that
    said = sign(rig, ACADEMY, involved(rig.county, "on-roll"))
    rig.tell(ACADEMY, said)
    assert ACADEMY in outcomes(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    rig.tell(ACADEMY, withdrawn(rig.county, said.head.record_id))

    # when a record about her comes, then it is the wrong school, and gets nothing
    found = outcomes(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert ACADEMY not in found
    assert found[SCHOOL] == "content"
    assert rig.verify() == []


def test_an_alert_that_is_withdrawn_protects_no_more(rig: Rig) -> None:
    # given an alert by which places are hidden
    alert = sign(rig, COUNCIL, alerted(rig.county))
    holders = released(rig.tell(COUNCIL, alert))
    episode = rig.county.say("missing-episode", **high_risk())
    assert "last_seen" not in opened(released(rig.tell(POLICE, episode))[SCHOOL])

    # when the council withdraws it, then whoever holds the alert is told, and places show again
    told_of = released(rig.tell(COUNCIL, withdrawn(rig.county, alert.head.record_id, "false")))
    assert told_of.keys() == holders.keys()
    found = released(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert "last_seen" in opened(found[SCHOOL])
    assert rig.verify() == []


def test_a_retraction_is_linked_to_no_child(rig: Rig) -> None:
    # given a retraction that names a child, and says that it is about one
    county = rig.county
    episode = sign(rig, POLICE, county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    said = withdrawn(county, episode.head.record_id, subject="child")

    # when it is decided, then those who work with her are not asked, but who holds the record
    rig.tell(SURGERY, involved(county, "open-case"))
    entries = rig.tell(POLICE, said)
    decided = {one.consumer for one in entries if one.facts.kind == "decision"}
    assert decided == holders.keys()
    assert {one.personal.link for one in entries if one.personal} == {""}
    assert rig.verify() == []


@pytest.mark.parametrize(
    ("record_type", "content", "concerns", "code"),
    [
        ("retraction", {}, b"r" * 16, VALUE),
        ("retraction", None, None, LABELS),
        ("correction", {}, b"r" * 16, VALUE),
        ("correction", None, None, LABELS),
    ],
)
def test_a_notice_that_says_nothing_of_any_record_is_refused(
    rig: Rig, record_type: str, content: dict[str, str] | None, concerns: bytes | None, code: Code
) -> None:
    # given a retraction or correction without its reason, or without the record that it is about
    kind = Kind.RETRACTION if record_type == "retraction" else Kind.RECORD
    given = {} if content is None else {"content": content}
    said = rig.county.say(
        record_type, None, kind=kind, subject="record", concerns=concerns, **given
    )

    # when it comes, then its source finds it in quarantine
    quarantined(rig.tell(POLICE, said), code.name)
    assert rig.verify() == []


def test_a_desk_and_its_agency_are_each_told(rig: Rig) -> None:
    # given a record that the council holds twice, as a whole and at its hub
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    holders = released(rig.tell(POLICE, episode))
    assert {COUNCIL, MASH} <= holders.keys()

    # when it is withdrawn, then both stand on the source's list, for either may have filed it
    entries = rig.tell(POLICE, withdrawn(rig.county, episode.head.record_id))
    assert {COUNCIL, MASH} <= set(task(entries).consumers)
