"""A county in which a school and the police have something to verify."""

from dataclasses import replace

import pytest

from tests.broker.receipts.logged import TOPIC, Logged
from tests.support.county import POLICE, SCHOOL
from tests.support.statements import high_risk, involved


@pytest.fixture
async def logged() -> Logged:
    """A missing child at high risk, of whom her school is told; and a message spoilt on its way."""
    made = Logged()
    county = made.rig.county
    made.rig.tell(SCHOOL, involved(county))
    made.rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    message = county.message(POLICE, county.say("missing-episode"))
    spoilt = replace(message, value=message.value[:-1] + bytes([message.value[-1] ^ 1]))
    made.rig.route(made.rig.sent(spoilt))
    await made.log()
    return made


@pytest.fixture
def true(logged: Logged) -> bytes:
    """The school's delivery as it was released."""
    (value,) = logged.deliveries[TOPIC]
    return value
