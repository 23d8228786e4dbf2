"""What an agency stops stays stopped, in whichever order messages come to be read."""

import pytest

from broker.records.names import AgencyId
from tests.broker.routing.rig import Rig, outcomes
from tests.support.statements import MISSING, involved, later

SCHOOL, COUNCIL = AgencyId("st-brannocks-school"), AgencyId("eastshire-council")


@pytest.fixture
def rig() -> Rig:
    """A core that knows that school and council work with the girl."""
    made = Rig()
    made.tell(SCHOOL, involved(made.county, "on-roll"))
    made.tell(COUNCIL, involved(made.county, "allocated"))
    return made


def test_a_narrowing_stops_what_is_still_on_its_way(rig: Rig) -> None:
    # given a record that has arrived, and is not decided yet when its source stops sending
    sent = rig.say(SCHOOL, rig.county.say("school-absence", indicators=(MISSING,)), at=later(100))
    narrowing = rig.county.narrow(SCHOOL, later(200), counterpart=COUNCIL)

    # when it is decided, then nothing of it goes to the council
    found = outcomes(rig.route(sent))
    assert found[COUNCIL] == "withhold"
    assert found[f"{COUNCIL}/mash"] == "withhold"

    # when that is lifted, then it does
    lifted = rig.county.lift(narrowing, SCHOOL, later(300))
    freed = rig.route(lifted)
    assert outcomes(freed)[COUNCIL] == "content"
    assert {one.facts.at for one in freed} == {later(300)}
    assert rig.verify() == []


def test_an_older_entry_that_is_read_later_frees_nothing(rig: Rig) -> None:
    # given a narrowing that was lifted, and another one, all before a record arrived
    first = rig.county.narrow(SCHOOL, later(50), counterpart=COUNCIL)
    lifted = rig.county.lift(first, SCHOOL, later(60))
    second = rig.county.narrow(SCHOOL, later(70), counterpart=COUNCIL)
    found = outcomes(
        rig.route(
            rig.say(SCHOOL, rig.county.say("school-absence", indicators=(MISSING,)), at=later(100))
        )
    )
    assert found[COUNCIL] == "withhold"

    # when the older lift is read after the record, then the record goes on waiting
    assert outcomes(rig.route(lifted)) == {}

    # and when the second narrowing ends, it is released, as of then
    freed = rig.route(rig.county.lift(second, SCHOOL, later(200)))
    assert outcomes(freed)[COUNCIL] == "content"
    assert rig.verify() == []


def test_nothing_is_decided_as_of_before_it_arrived(rig: Rig) -> None:
    # given a record that waits for a lift, which the store gave an earlier time than the record
    narrowing = rig.county.narrow(SCHOOL, later(50), counterpart=COUNCIL)
    rig.route(
        rig.say(SCHOOL, rig.county.say("school-absence", indicators=(MISSING,)), at=later(100))
    )
    lifted = rig.county.lift(narrowing, SCHOOL, later(90))

    # when it is decided afresh, then as of its own arrival
    freed = [one for one in rig.route(lifted) if one.facts.kind == "decision"]
    assert {one.facts.at for one in freed} == {later(100)}
    assert outcomes(freed)[COUNCIL] == "content"
    assert rig.verify() == []
