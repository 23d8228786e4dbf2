"""Breaking the glass while Kafka is away: by each side's own copy of the protocol."""

from dataclasses import replace
from pathlib import Path

import pytest

from broker.lanes import Unavailable
from broker.runtimes import emergency, publishing
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from tests.support.parts import COUNCIL, SCHOOL, County, concerns

pytestmark = pytest.mark.slow

EDT = f"{COUNCIL}/edt"
NOWHERE = "127.0.0.1:1"
"""An address at which nothing listens."""


async def test_a_child_in_danger_does_not_wait_for_kafka(
    kafka_address: str, tmp_path: Path
) -> None:
    # given a school and a council that have used the broker, and a concern of the school
    clock = SystemClock()
    county = await County.found(tmp_path, kafka_address)
    await county.publish(SCHOOL, *concerns(0, 1))
    async with agency_side(county.layout, SCHOOL, clock) as side:
        record = (await side.outbox.from_system("form", ""))[-1].record_id.hex()

    # when Kafka is away
    addresses = replace(county.layout.addresses, kafka=NOWHERE)
    layout = replace(county.layout, addresses=addresses)

    # then nothing is published as usual
    with pytest.raises(Unavailable):
        async with agency_side(layout, SCHOOL, clock):
            pass

    # but the school breaks the glass, and the duty team takes what it is brought
    async with agency_side(layout, SCHOOL, clock, by_copy=True) as side:
        sent = await emergency.break_glass(
            side,
            record,
            EDT,
            role="designated safeguarding lead",
            person="Dana Price",
            reason="In a car with him.",
        )
    assert (sent.waits, sent.from_copy) == (True, True)
    async with agency_side(layout, COUNCIL, clock, by_copy=True) as side:
        row = await emergency.take(side, sent.file)
    assert row.told.consumer == EDT

    # and when Kafka is there again, the entry goes out
    async with agency_side(county.layout, SCHOOL, clock) as side:
        assert not side.from_copy
        assert await publishing.send_waiting(side) == 1
