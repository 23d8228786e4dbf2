"""The router when something fails: a message that breaks the core, a crash, a store's fault."""

from collections.abc import Sequence

import pytest

from broker import faults
from broker.access_log.errors import KeyConflict
from broker.backends.simulated.faults import ROUGH, STRIKES, Call, Fault, Faults
from broker.lanes import Bound, LaneError, Message, Received
from broker.records.keys import Change
from broker.records.names import RecordDigest
from broker.records.statement import Statement
from broker.routing import router as routing
from broker.routing.host import CoreFailed
from broker.routing.intake import PROTOCOL
from tests.broker.routing.rig import quarantined
from tests.broker.routing.town import TOPICS, Before, Host, Town
from tests.support.county import COUNCIL, POLICE, SCHOOL, SURGERY, child
from tests.support.statements import alerted, high_risk, involved

SMALL = Bound(count=3)

SOURCE_AT = {0: SCHOOL, 4: POLICE, 8: POLICE}
"""Whose records of `busy` lie at these places."""


@pytest.fixture
async def town() -> Town:
    """A town at noon, nothing said yet."""
    return await Town.founded()


async def busy(town: Town) -> None:
    """Publish nine records, some of which change the registers."""
    for agency, kind in ((SCHOOL, "on-roll"), (SURGERY, "registered"), (COUNCIL, "allocated")):
        await town.say(agency, involved(town.county, kind))
    await town.say(POLICE, *(episode(town, number) for number in (1, 2, 3)))
    await town.say(SURGERY, alerted(town.county))
    await town.say(POLICE, *(episode(town, number) for number in (1, 2)))


def episode(town: Town, number: int) -> Statement:
    return town.county.say("missing-episode", child(number), **high_risk())


def poisoned(where: str, values: Sequence[bytes]) -> Before:
    """Return a core's fault: it fails at this step whenever one of these values is in work."""

    async def before(name: str, batch: Sequence[Received]) -> None:
        if name == where and any(one.message.value in values for one in batch):
            raise CoreFailed(name)

    return before


# ------------------------------------------------------------------ a message that breaks the core


@pytest.mark.parametrize("where", ["open", "decide"], ids=["it crashes", "it hangs"])
@pytest.mark.parametrize("place", [0, 4, 8])
async def test_the_one_message_that_breaks_the_core_is_found(
    town: Town, where: str, place: int
) -> None:
    # given nine records, one of which ends every core that looks at it
    await busy(town)
    bad = town.published[place]
    host = Host(town.county, poisoned(where, [bad]))

    # when they are routed
    counts = await town.run(town.router(host))

    # then it alone is quarantined, told to its source, and all the others are decided
    entries = [one for one in await town.entries() if one.facts.kind == "quarantine"]
    source = SOURCE_AT[place]
    assert quarantined(entries, "router.internal", source).topic == f"quarantine.{source}"
    assert (counts["accepted"], counts["quarantined router.internal"]) == (8, 1)
    await town.all_decided_once()

    # and the batch was halved: it failed with all nine, with fewer and fewer, and last alone
    failing = [len(batch) for batch in host.batches if bad in batch]
    assert (failing[0], failing[-1]) == (9, 1)
    assert failing == sorted(failing, reverse=True)
    assert len(failing) <= 4
    assert host.restarts == len(failing)


async def test_two_bad_messages_are_both_found(town: Town) -> None:
    await busy(town)
    bad = [town.published[2], town.published[5]]
    counts = await town.run(town.router(Host(town.county, poisoned("decide", bad))))
    assert (counts["accepted"], counts["quarantined router.internal"]) == (7, 2)
    await town.all_decided_once()


async def test_a_core_that_died_by_itself_quarantines_nothing(town: Town) -> None:
    # given a process that dies once, whatever it works on
    await busy(town)

    async def dies(name: str, _: Sequence[Received]) -> None:
        if name == "decide" and not host.restarts:
            raise CoreFailed(name)

    host = Host(town.county, dies)
    counts = await town.run(town.router(host))

    # then the batch is done again, in halves
    assert counts["accepted"] == 9
    assert [len(batch) for batch in host.batches][:2] == [9, 4]
    await town.all_decided_once()


async def test_a_lone_message_is_tried_twice_before_it_is_given_up(town: Town) -> None:
    # given one record, on which the core dies once
    await town.say(POLICE, town.county.say("missing-episode"))

    async def dies(name: str, _: Sequence[Received]) -> None:
        if name == "open" and not host.restarts:
            raise CoreFailed(name)

    host = Host(town.county, dies)
    assert (await town.run(town.router(host)))["accepted"] == 1
    await town.all_decided_once()


async def test_a_core_that_dies_while_it_learns_is_taught_again(town: Town) -> None:
    await busy(town)

    async def dies(name: str, _: Sequence[Received]) -> None:
        if name == "learn" and not host.restarts:
            raise CoreFailed(name)

    host = Host(town.county, dies)
    assert (await town.run(town.router(host)))["accepted"] == 9
    assert host.restarts == 1
    await town.all_decided_once()


async def test_no_core_can_learn(town: Town) -> None:
    # given an entry of the protocol on which every core fails, when a record is to be routed
    await town.say(POLICE, town.county.say("missing-episode"))

    async def dies(name: str, _: Sequence[Received]) -> None:
        if name == "learn":
            raise CoreFailed(name)

    host = Host(town.county, dies)
    router = town.router(host)
    with pytest.raises(CoreFailed) as raised:
        await town.run(router)

    # then the router stops, quarantines nothing, and goes on once a core can learn it
    assert raised.value.code.name == "router.core"
    assert await town.entries() == []
    host.before = None
    await town.run(router)
    await town.all_decided_once()


async def test_a_protocol_entry_that_breaks_the_core_is_found_too(town: Town) -> None:
    # given an entry that ends the core when it is logged, but not when it is learnt
    lost = town.county.change_key(SCHOOL, Change.RETIRE, town.clock.now())
    await town.enter()
    await busy(town)
    host = Host(town.county, poisoned("open", [lost.message.value]))

    # when everything is routed, then the records are decided, and the entry is quarantined
    counts = await town.run(town.router(host), TOPICS)
    assert counts["quarantined router.internal"] == 1
    assert counts["protocol entries"] == len(await town.read(PROTOCOL)) - 1


# ------------------------------------------------------------------ crashes


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", [one for one in faults.POINTS if one.startswith("router.")])
async def test_a_process_that_dies_loses_and_doubles_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, point: str, nth: int
) -> None:
    # given a process that ends at this step of its first, second or third batch
    await busy(town)
    left = {point: nth}

    def reach(here: str) -> None:
        if here in left:
            left[here] -= 1
            if not left[here]:
                raise Died

    monkeypatch.setattr(routing, "reach", reach)
    with pytest.raises(Died):
        await town.run(town.router(bound=SMALL))

    # when another takes over, then each record is decided exactly once
    await town.run(town.router(bound=SMALL))
    await town.all_decided_once()


# ------------------------------------------------------------------ the stores' faults


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (call, fault)
        for call in (Call.TAKE, Call.RECALL, Call.COMMIT, Call.READ)
        for fault in STRIKES[call]
    ],
)
async def test_a_store_that_fails_loses_and_doubles_nothing(
    town: Town, call: Call, fault: Fault, nth: int
) -> None:
    # given a store whose n-th call of this kind fails
    await busy(town)
    town.strike({(call, nth): fault})
    host = Host(town.county)
    router = town.router(host, SMALL)

    # when the router meets it, then it throws its core away and says so
    with pytest.raises(LaneError):
        await town.run(router)
    assert host.restarts > 0

    # and once the lane is acquired again, each record is decided exactly once
    await town.run(router)
    await town.all_decided_once()


async def test_a_commit_that_fails_is_told_when_it_is_waited_for(town: Town) -> None:
    # given the one commit of a router, whose answer is lost
    await town.say(POLICE, episode(town, 1))
    town.strike({(Call.COMMIT, 1): Fault.UNKNOWN_DONE})
    host = Host(town.county)
    router = town.router(host)
    async with town.lanes() as (lane,):
        assert await router.step(lane) == 1
        with pytest.raises(LaneError) as raised:
            await router.settle()
    assert raised.value.code.name == "lane.outcome-unknown"
    assert host.restarts == 1

    # when the lane is acquired again, then nothing is left to do
    assert await town.run(router) == {}
    await town.all_decided_once()


async def test_keys_that_another_router_has_kept_stop_this_one(town: Town) -> None:
    # given another router that decided the same record, and kept its key, at the same time
    await town.say(POLICE, episode(town, 1))

    class Rival:
        """Keys that another router keeps first, once."""

        def __init__(self) -> None:
            self.left = 1

        async def __call__(self, name: str, _: Sequence[Received]) -> None:
            if name == "decide" and self.left:
                self.left -= 1
                town.rig.keys.kept.update(dict.fromkeys(await digests(town), bytes(32)))

    router = town.router(Host(town.county, Rival()))
    with pytest.raises(KeyConflict):
        await town.run(router)
    assert await town.entries() == []

    # when the lane is acquired again, then the other's key is used
    await town.run(router)
    await town.all_decided_once()
    assert set(town.rig.keys.kept.values()) == {bytes(32)}


async def digests(town: Town) -> list[RecordDigest]:
    """Return the digests under which keys of the published records are kept."""
    core = town.county.core()
    core.learn(town.county.entries, ())
    found: list[RecordDigest] = []
    for number, value in enumerate(town.published):
        message = Message(f"records.{POLICE}", bytes(8), value)
        found += core.open([Received(message, 0, number, town.clock.now())]).records
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_goes_wrong_everything_is_decided_once(seed: int) -> None:
    # given stores on which everything goes wrong now and then, outputs being seen late
    town = await Town.founded()
    await busy(town)
    town.faults = Faults(seed, ROUGH)

    # when one router works on them until nothing is left
    router = town.router(bound=SMALL)
    for _ in range(3):
        await town.run(router, tries=200)
        town.clock.advance(ROUGH.delay_ms)

    # then each record is decided exactly once
    await town.all_decided_once()
