"""Who in a record works where: found by name and date of birth, and who is asked instead."""

from dataclasses import replace

import pytest

from broker.records.names import ConsumerId, Kind
from broker.records.statement import Statement
from broker.routing.consumers import Asked
from broker.routing.people import MATCH, NONE_FOUND, with_seniors, works_at
from broker.subjects.registers import Registers
from broker.subjects.states import Staff
from broker.subjects.tokens import NO_TOKENS
from tests.broker.routing.rig import Rig, acquainted, outcomes
from tests.broker.subjects.children import entry
from tests.support.county import COUNCIL, HOSPITALS, POLICE, SCHOOL, SURGERY, revision, sample
from tests.support.statements import high_risk, retracted

NAME, OTHER = b"name" * 4, b"othr" * 4
BORN, LATER = b"born" * 4, b"latr" * 4


@pytest.mark.parametrize(
    ("members", "person", "found"),
    [
        (((NAME, BORN),), (NAME, BORN), MATCH),
        (((NAME, BORN),), (NAME, None), MATCH),
        (((NAME, None),), (NAME, BORN), MATCH),
        (((NAME, BORN),), (NAME, LATER), NONE_FOUND),
        (((NAME, BORN),), (OTHER, BORN), NONE_FOUND),
        ((), (NAME, BORN), NONE_FOUND),
    ],
)
def test_a_date_of_birth_counts_where_both_have_one(
    members: tuple[tuple[bytes, bytes | None], ...],
    person: tuple[bytes, bytes | None],
    found: str,
) -> None:
    registers = Registers()
    assert works_at((person,), SURGERY, registers) == "not-checked"
    registers.apply(entry("staff", NO_TOKENS, Staff(members), by=SURGERY))
    assert works_at((person,), SURGERY, registers) == found
    assert works_at((person,), SCHOOL, registers) == "not-checked"


def test_seniors_are_asked_in_place_of_an_agency_with_a_match() -> None:
    # given a hospital and a surgery where somebody works, and a school where nobody does
    agreement = revision().agreement
    match = [Asked(ConsumerId(one), "involved", staff=MATCH) for one in (HOSPITALS, SURGERY)]
    school = Asked(ConsumerId(SCHOOL), "involved", staff=NONE_FOUND)

    # then the hospital's named senior is asked, and the LADO; the surgery has no such desk
    found = with_seniors([*match, school], POLICE, agreement)
    senior, lado = ConsumerId(f"{HOSPITALS}/named-senior"), ConsumerId(f"{COUNCIL}/lado")
    assert {one.consumer for one in found} == {HOSPITALS, SURGERY, SCHOOL, senior, lado}
    assert [one.consumer for one in found] == sorted(one.consumer for one in found)
    assert {one.staff for one in found if one.consumer in (senior, lado)} == {MATCH}

    # but nobody is asked about what the own agency has sent, nor where there is no match
    own = with_seniors(match, COUNCIL, agreement)
    assert lado not in {one.consumer for one in own}
    assert with_seniors([school], POLICE, agreement) == (school,)

    # and a protocol that names nobody leaves it at the agency's own senior
    nobody = replace(agreement, staff_match=None)
    assert lado not in {one.consumer for one in with_seniors(match, POLICE, nobody)}


def staff(rig: Rig, *names: tuple[str, str]) -> Statement:
    members = [{"given": given, "family": family, "date_of_birth": None} for given, family in names]
    content = {"staff": members}
    return rig.county.say("staff", None, kind=Kind.REGISTER, subject="record", content=content)


def episode(rig: Rig) -> dict[str, str]:
    """Return what each consumer gets of another high-risk episode of the girl."""
    entries = rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))
    return {one.consumer: one.outcome for one in entries}


def test_a_register_of_staff_closes_and_its_withdrawal_opens_again() -> None:
    # given a girl at whose surgery nobody was checked
    rig = acquainted()
    assert episode(rig)[SURGERY] == "content"

    # when the surgery says that somebody of her name works there
    said = staff(rig, ("Robin", "Sample1"), ("Pat", "Example"))
    (envelope,) = rig.county.sign(SURGERY, said)
    assert outcomes(rig.tell(SURGERY, envelope)) == {}

    # then it gets nothing of the next episode, and the LADO hears of it instead
    now = episode(rig)
    assert now[SURGERY] == "withhold"
    assert now[f"{COUNCIL}/lado"] == "content"

    # when the register is taken back, then it is as before
    rig.tell(SURGERY, retracted(rig.county, "staff", envelope.head.record_id, subject="record"))
    assert episode(rig)[SURGERY] == "content"

    # and a withdrawal of a register that nobody knows changes nothing
    rig.tell(SURGERY, retracted(rig.county, "staff", bytes(16), subject="record"))
    assert episode(rig)[SURGERY] == "content"


def test_whoever_is_named_in_a_record_counts_but_colleagues() -> None:
    # given a surgery where Lee Sample works
    rig = acquainted()
    rig.tell(SURGERY, staff(rig, ("Lee", "Sample")))

    def concern(role: str) -> str:
        content = {
            **sample("concern"),
            "third_party": [{"role": role, "name": "SAMPLE, Lee"}, {"role": role, "name": None}],
        }
        said = rig.county.say(
            "concern", content=content, summary_shareable=True, third_party_checked=True
        )
        return outcomes(rig.tell(SCHOOL, said))[SURGERY]

    # then a relative closes it, a colleague does not
    assert concern("relative") == "withhold"
    assert concern("professional") == "content"
