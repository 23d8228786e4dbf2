"""Who gets what of a record, and what an alert hides in everybody's."""

from dataclasses import replace
from typing import Any

import pytest

from broker.lanes import Message
from broker.records.keys import Change, Use
from broker.records.statement import Identifiers
from tests.broker.routing.rig import (
    Rig,
    acquainted,
    opened,
    outcomes,
    released,
    sign,
    task,
    told,
)
from tests.support.county import (
    ACADEMY,
    COUNCIL,
    GIRL,
    HOSPITALS,
    MASH,
    POLICE,
    SCHOOL,
    SURGERY,
    TODAY,
    child,
)
from tests.support.statements import (
    MISSING,
    alerted,
    high_risk,
    involved,
    later,
    retracted,
)

EDT, MISSING_DESK = f"{COUNCIL}/edt", f"{COUNCIL}/missing"
WORRYING: dict[str, Any] = {"indicators": (MISSING,)}
"""Labels of an absence that no clause speaks of, with a sign of risk."""


@pytest.fixture
def rig() -> Rig:
    """A core that knows who works with the girl; another child is at the academy."""
    return acquainted()


# ------------------------------------------------------------------ who is told


def test_the_wrong_school_gets_nothing_and_hers_gets_what_it_needs(rig: Rig) -> None:
    # given a girl at high risk who is missing, when the police say so
    entries = rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))

    # then her school is told where she was last seen, and finds her by its own identifier
    found = released(entries)
    assert {"identity", "episode", "last_seen", "found"} == opened(found[SCHOOL])
    assert told(found[SCHOOL]).own_identifier == GIRL.own_id
    assert {SURGERY, HOSPITALS, COUNCIL, MASH, EDT, MISSING_DESK} < found.keys()

    # and the other school is neither told nor even asked about
    assert ACADEMY not in {one.consumer for one in entries}
    assert f"deliveries.{ACADEMY}" not in {one.topic for one in entries}
    assert rig.verify() == []


@pytest.mark.parametrize(
    "about",
    [
        Identifiers(given="Robin", family="Sample1", date_of_birth="2011-09-25"),
        replace(GIRL, date_of_birth=None),
        child(1, nhs_number=child(2).nhs_number, own_id="OWN-1"),
    ],
    ids=["no number", "no date of birth", "two children at once"],
)
def test_a_record_of_nobody_known_goes_to_the_mash_alone(rig: Rig, about: Identifiers) -> None:
    # given a second agency's number for the girl, so that her numbers may contradict each other
    council = replace(GIRL, council_id="C-1")
    rig.tell(COUNCIL, involved(rig.county, "open-case", about=council))
    both = replace(about, council_id="C-1") if about.date_of_birth and about.nhs_number else about

    # when a record comes that cannot be linked to one child
    entries = rig.tell(POLICE, rig.county.say("missing-episode", both, **high_risk()))

    # then the MASH gets it, to find out who she is, within a day
    assert set(outcomes(entries)) == {MASH}
    found = released(entries)[MASH]
    assert found.personal is not None
    assert found.personal.link in {"unlinked", "ambiguous"}
    assert ("named-desk-only", "") in {(one.kind, one.detail) for one in told(found).obligations}
    assert rig.verify() == []


def test_an_unlinked_record_that_nobody_may_have_becomes_a_task(rig: Rig) -> None:
    # given an absence with a sign of risk that names nobody, when it is decided
    entries = rig.tell(SCHOOL, rig.county.say("school-absence", Identifiers(), **WORRYING))

    # then the MASH alone is asked about, and the school must say whether it may have it
    assert outcomes(entries) == {MASH: "withhold"}
    assert task(entries).consumers == (MASH,)
    assert rig.verify() == []


def test_a_record_that_concerns_nobody_is_accepted_and_told_to_no_one(rig: Rig) -> None:
    # given a record of the only agency that would be asked about it
    (entry,) = rig.tell(COUNCIL, rig.county.say("risk-flags", child(3)))

    # then it stands in the log, without a consumer
    assert (entry.facts.kind, entry.consumer, entry.decision) == ("decision", "", None)
    assert (entry.told, entry.topic) == (None, "")
    assert rig.verify() == []


def test_whoever_cannot_be_sealed_to_is_counted_and_left_out(rig: Rig) -> None:
    # given a school whose sealing key was revoked
    rig.county.change_key(SCHOOL, Change.REVOKE, later(50), Use.SEAL)

    # when the police report the girl missing, then the others are told
    found = outcomes(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert SCHOOL not in found
    assert found[SURGERY] == "content"
    assert rig.counts["consumers without a sealing key"] == 1

    # and a task for the school stands in the log alone
    entries = rig.tell(SCHOOL, rig.county.say("school-absence", **WORRYING))
    (put,) = (one for one in entries if one.facts.kind == "task")
    assert put.topic == ""
    assert rig.verify() == []


# ------------------------------------------------------------------ protected addresses

PLACES = {"last_seen", "found", "setting", "site"}


def shown(rig: Rig) -> dict[str, set[str]]:
    """Let four agencies speak of the girl; return the slots that anybody sees, by source."""
    said = {
        POLICE: rig.county.say("missing-episode", **high_risk()),
        HOSPITALS: rig.county.say("emergency-attendance"),
        SCHOOL: rig.county.say("school-absence", facts=("absence:unauthorised",)),
        SURGERY: involved(rig.county, "registered"),
    }
    found: dict[str, set[str]] = {}
    for agency, one in said.items():
        for entry in released(rig.tell(agency, one)).values():
            found.setdefault(agency, set()).update(opened(entry))
    return found


def test_a_protected_address_hides_the_places_in_everybody_s_records(rig: Rig) -> None:
    # given four agencies whose records tell a place
    before = shown(rig)
    assert set[str]().union(*before.values()) >= {"last_seen", "found", "setting", "site"}

    # when the council protects the girl's address
    alert = sign(rig, COUNCIL, alerted(rig.county))
    rig.tell(COUNCIL, alert)

    # then nobody sees a place any more, whoever writes; what tells none is shown as before
    after = shown(rig)
    assert PLACES.isdisjoint(set[str]().union(*after.values()))
    assert after[POLICE] == before[POLICE] - PLACES
    assert "attendance" in after[HOSPITALS]

    # and when the alert is taken back, places are seen again
    rig.tell(COUNCIL, retracted(rig.county, "alert", alert.head.record_id))
    assert shown(rig) == before
    assert rig.verify() == []


def test_a_source_whose_name_tells_the_place_is_told_to_children_s_services_alone(
    rig: Rig,
) -> None:
    # given a protected address, when school and hospital write about the girl
    rig.tell(COUNCIL, alerted(rig.county))
    for agency, said in (
        (SCHOOL, rig.county.say("school-absence", facts=("absence:unauthorised",))),
        (HOSPITALS, rig.county.say("emergency-attendance")),
    ):
        # then the council alone hears of it
        found = released(rig.tell(agency, said))
        assert {one.partition("/")[0] for one in found} == {COUNCIL}
    assert rig.verify() == []


def test_an_alert_binds_the_very_next_record(rig: Rig) -> None:
    # given an alert and a record that come in one batch, in this order, among other messages
    county = rig.county
    batch = [
        *rig.sent(Message("records.nobody", bytes(8), b"garbage")),
        *rig.say(COUNCIL, alerted(county)),
        *rig.say(POLICE, county.say("missing-episode", **high_risk())),
    ]

    # when they are decided, then the record's places are hidden
    entries = rig.route(batch)
    found = [one for one in released(entries).values() if one.facts.source == POLICE]
    assert found
    assert all(PLACES.isdisjoint(opened(one)) for one in found)
    assert rig.verify() == []


def test_an_alert_ends_with_its_last_day(rig: Rig) -> None:
    # given an alert that ended yesterday, and one that begins tomorrow
    rig.tell(COUNCIL, alerted(rig.county, first=TODAY - 9, last=TODAY - 1))
    rig.tell(COUNCIL, alerted(rig.county, first=TODAY + 1))

    # when the police report her missing, then her school learns where she was last seen
    found = released(rig.tell(POLICE, rig.county.say("missing-episode", **high_risk())))
    assert "last_seen" in opened(found[SCHOOL])


def test_a_late_alert_reaches_whoever_holds_a_place(rig: Rig) -> None:
    # given a desk that works with nobody, and holds where the girl was last seen
    episode = sign(rig, POLICE, rig.county.say("missing-episode", **high_risk()))
    rig.tell(POLICE, episode)

    # when her address is protected
    found = released(rig.tell(HOSPITALS, alerted(rig.county)))

    # then it hears of the alert, and of what it must lock away
    for holder in (EDT, MISSING_DESK, MASH, SCHOOL, SURGERY):
        assert told(found[holder]).holds == (episode.head.record_id,)
        assert opened(found[holder]) == {"identity", "alert"}
    # and the police, who hold nothing and do not work with her, are not told
    assert POLICE not in found
    assert rig.verify() == []


def test_an_alert_finds_places_of_a_child_whose_numbers_meet_in_the_same_batch(rig: Rig) -> None:
    # given two numbers, each with a date of birth, that were thought to be two children
    county = rig.county
    other = Identifiers(council_id="C-9", date_of_birth=GIRL.date_of_birth)
    both = replace(GIRL, council_id="C-9")
    rig.tell(POLICE, county.say("missing-episode", other, **high_risk()))

    # when one batch joins them, and protects the address under the other number
    batch = [
        *rig.say(COUNCIL, involved(county, "open-case", about=both)),
        *rig.say(HOSPITALS, alerted(county)),
    ]
    found = released([one for one in rig.route(batch) if one.facts.source == HOSPITALS])

    # then the desks that hold her places under the former one are told
    assert len(told(found[EDT]).holds) == 1
    assert rig.verify() == []


def test_who_must_not_see_a_record_travels_with_it(rig: Rig) -> None:
    # given an alert that names who must not see what is recorded
    rig.tell(COUNCIL, alerted(rig.county, "not-visible-to", who=["parent", "carer"]))

    # when anything is released, then it carries that
    for entry in released(rig.tell(POLICE, rig.county.say("missing-episode"))).values():
        kept = {one.detail for one in told(entry).obligations if one.kind == "not-visible-to"}
        assert kept == {"carer", "parent"}
