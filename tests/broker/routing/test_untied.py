"""What a wrong record has tied together comes apart again; all of it can be derived again."""

from dataclasses import replace

import pytest

from broker.records.envelope import Envelope
from broker.records.names import Kind
from broker.records.statement import Identifiers
from broker.runtimes.policy import run_ready
from tests.broker.routing.rig import Rig, acquainted, opened, outcomes, released, sign
from tests.broker.routing.test_withdrawn import withdrawn
from tests.support.county import ACADEMY, COUNCIL, GIRL, HOSPITALS, POLICE, SCHOOL, child
from tests.support.statements import alerted, high_risk, involved, later, retracted

NEW = child(3, council_id="C-3")
NUMBER = Identifiers(nhs_number=NEW.nhs_number, date_of_birth=NEW.date_of_birth)
PUPIL = Identifiers(council_id=NEW.council_id, date_of_birth=NEW.date_of_birth)


@pytest.fixture
def rig() -> Rig:
    """A core that knows a child by NHS number at a hospital, one by council id at an academy."""
    made = acquainted()
    made.tell(HOSPITALS, involved(made.county, "open-case", about=NUMBER))
    made.tell(ACADEMY, involved(made.county, "on-roll", about=PUPIL))
    return made


def mixed(rig: Rig) -> Envelope:
    """Return a record of the police that carries both numbers."""
    both = replace(NUMBER, council_id=NEW.council_id)
    return sign(rig, POLICE, rig.county.say("missing-episode", both, **high_risk()))


def asked_about(rig: Rig, about: Identifiers) -> set[str]:
    """Return who is asked about a record of a child."""
    said = rig.county.say("missing-episode", about, **high_risk())
    return set(outcomes(rig.tell(POLICE, said)))


@pytest.mark.parametrize("how", ["withdrawn", "retracted", "retracted with the same numbers"])
def test_children_whom_a_wrong_record_joined_are_apart_once_it_is_taken_back(
    rig: Rig, how: str
) -> None:
    # given a record that joins two children: the school of one hears of the other
    wrong = mixed(rig)
    rig.tell(POLICE, wrong)
    assert {ACADEMY, HOSPITALS} <= asked_about(rig, NUMBER)

    # when the police take it back
    record = wrong.head.record_id
    about = replace(NUMBER, council_id=NEW.council_id) if "same" in how else Identifiers()
    rig.tell(
        POLICE,
        withdrawn(rig.county, record)
        if how == "withdrawn"
        else retracted(rig.county, "missing-episode", record, about=about),
    )

    # then nobody hears of the other's child any more, and all that was decided can be derived
    assert ACADEMY not in asked_about(rig, NUMBER)
    assert HOSPITALS not in asked_about(rig, PUPIL)
    assert rig.verify() == []


def test_another_agency_s_withdrawal_does_not_part_them(rig: Rig) -> None:
    wrong = mixed(rig)
    rig.tell(POLICE, wrong)
    rig.tell(SCHOOL, withdrawn(rig.county, wrong.head.record_id))
    assert {ACADEMY, HOSPITALS} <= asked_about(rig, NUMBER)
    assert rig.verify() == []


def test_a_corrected_record_parts_them_too(rig: Rig) -> None:
    # given a record that joins two children, when it is corrected
    wrong = mixed(rig)
    rig.tell(POLICE, wrong)
    said = rig.county.say("missing-episode", NUMBER, kind=Kind.CORRECTION, **high_risk())
    right = rig.county.sign(POLICE, said, supersedes=wrong.head.record_id)[0]

    # then the corrected one is about one child alone, and so is what comes later
    assert ACADEMY not in outcomes(rig.tell(POLICE, right))
    assert HOSPITALS not in asked_about(rig, PUPIL)
    assert rig.verify() == []


def test_a_correction_that_is_about_no_child_parts_them(rig: Rig) -> None:
    wrong = mixed(rig)
    rig.tell(POLICE, wrong)
    said = rig.county.say("missing-episode", None, kind=Kind.CORRECTION, subject="place")
    rig.tell(POLICE, rig.county.sign(POLICE, said, supersedes=wrong.head.record_id)[0])
    assert ACADEMY not in asked_about(rig, NUMBER)
    assert rig.verify() == []


def test_a_wrong_date_of_birth_is_mended_with_its_record(rig: Rig) -> None:
    # given a child whose first record has a wrong date of birth: her school does not link
    fourth = child(4)
    wrong = sign(
        rig, COUNCIL, rig.county.say("concern", replace(fourth, date_of_birth="2001-01-01"))
    )
    rig.tell(COUNCIL, wrong)
    rig.tell(ACADEMY, involved(rig.county, "on-roll", about=fourth))
    assert ACADEMY not in asked_about(rig, fourth)

    # when the council withdraws it, then the school's roll counts, and nobody needs to send again
    rig.tell(COUNCIL, withdrawn(rig.county, wrong.head.record_id, "factually-wrong"))
    assert ACADEMY in asked_about(rig, fourth)
    assert rig.verify() == []


def test_a_late_alert_reaches_the_places_of_its_child_also_if_they_were_released_under_both(
    rig: Rig,
) -> None:
    # given a record of one child, released while she was joined to another
    wrong = mixed(rig)
    rig.tell(POLICE, wrong)
    episode = sign(rig, POLICE, rig.county.say("missing-episode", PUPIL, **high_risk()))
    holders = {
        consumer
        for consumer, one in released(rig.tell(POLICE, episode)).items()
        if "last_seen" in opened(one)
    }
    assert ACADEMY in holders
    rig.tell(POLICE, withdrawn(rig.county, wrong.head.record_id))

    # when they are two again and her address is to be hidden, then its holders hear of it
    told = released(rig.tell(COUNCIL, alerted(rig.county, about=PUPIL)))
    concerned = {name: one.told.holds for name, one in told.items() if one.told is not None}
    assert episode.head.record_id in concerned[ACADEMY]
    assert rig.verify() == []


def test_what_is_behind_an_erased_record_can_still_be_derived(rig: Rig) -> None:
    # given records of which one tied identifiers and was erased
    first = sign(rig, POLICE, rig.county.say("missing-episode", GIRL, **high_risk()))
    rig.tell(POLICE, first)
    for _ in range(3):
        asked_about(rig, GIRL)
    run_ready(rig.keys.destroy({first.digest(rig.county.partnership)}, later(900)))

    # when the log is looked through, then nothing else is blamed
    assert rig.verify() == []
