"""The core touches nothing while it works: no file, socket, process or clock."""

import pytest

from broker.records.names import AgencyId
from broker.routing.host import Recalled
from tests.broker.routing.rig import Rig
from tests.support.county import POLICE, SCHOOL
from tests.support.purity import shut_in
from tests.support.statements import MISSING, alerted, high_risk, involved, later, retracted

COUNCIL = AgencyId("eastshire-council")


def test_a_batch_of_everything_is_decided_without_a_look_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a core that has worked before, so that all of it is loaded, and a batch with registers,
    # records, an alert, a retraction, rubbish, and an entry of the protocol
    rig = Rig()
    county = rig.county
    rig.tell(SCHOOL, involved(county))
    rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    first = county.sign(POLICE, county.say("risk-flags", indicators=(MISSING,)))[0]
    narrowing = county.narrow(COUNCIL, later(50))
    messages = [
        *rig.say(COUNCIL, involved(county, "allocated"), alerted(county)),
        *rig.say(POLICE, first, retracted(county, "risk-flags", first.head.record_id)),
        *rig.say(SCHOOL, county.say("school-absence", indicators=(MISSING,))),
    ]
    rubbish = messages[-1].message
    messages += rig.sent(type(rubbish)(rubbish.topic, rubbish.key, rubbish.value[:-1]))
    recalled = Recalled(dict(rig.rows), {})
    rig.learn()

    # when it opens, decides, gives up and sweeps, then nothing outside is touched
    # (the compiled policy computes too, but is called through ctypes)
    with shut_in(monkeypatch, but=("ctypes.",)):
        needs = rig.core.open(messages)
        outputs = rig.core.decide(recalled)
        given_up = rig.core.give_up(messages[0])
        rig.core.look_back()
        swept = rig.core.sweep(recalled, later(100))
        rig.core.learn([narrowing], [])
    assert needs.rows
    assert len(outputs.messages) > len(messages)
    assert given_up.messages
    assert swept.messages == ()
