"""The router over lanes: order, bounds, what it learns, and a core that fails on a message."""

from collections.abc import Sequence

import pytest

from broker.backends.simulated.faults import Call, Fault
from broker.clock import HOUR, Instant
from broker.lanes import Bound, OutcomeUnknown, Received
from broker.protocol.narrowing import Direction
from broker.records.keys import Change
from broker.records.statement import Statement
from broker.routing import router as routing
from broker.routing.host import CoreFailed
from broker.routing.intake import PROTOCOL
from tests.broker.routing.rig import (
    Entry,
    opened,
    outcomes,
    quarantined,
    released,
    sign,
    told,
)
from tests.broker.routing.town import RECORDS, TOPICS, Host, Town
from tests.support.county import COUNCIL, GIRL, POLICE, SCHOOL, SURGERY, child
from tests.support.statements import alerted, high_risk, involved


@pytest.fixture
async def town() -> Town:
    """A town at noon, nothing said yet."""
    return await Town.founded()


def absence(town: Town) -> Statement:
    """Return an absence that goes to the council, unless that is narrowed."""
    return town.county.say("school-absence", facts=("absence:unauthorised",))


def episode(town: Town) -> Statement:
    return town.county.say("missing-episode", **high_risk())


async def acquainted(town: Town) -> None:
    """Let school, surgery and council say that they work with the girl."""
    for agency, kind in ((SCHOOL, "on-roll"), (SURGERY, "registered"), (COUNCIL, "allocated")):
        await town.say(agency, involved(town.county, kind))


def of(entries: Sequence[Entry], source: str) -> list[Entry]:
    return [one for one in entries if one.facts.source == source]


# ------------------------------------------------------------------ taking


async def test_everything_is_decided_in_the_order_in_which_it_arrived(town: Town) -> None:
    # given a school's roll that was published before a record of the police
    await acquainted(town)
    await town.say(POLICE, episode(town))

    # when they are taken in one batch, topic by topic, then the school is told
    counts = await town.run()
    found = released(of(await town.entries(), POLICE))
    assert "last_seen" in opened(found[SCHOOL])
    assert told(found[SCHOOL]).own_identifier == GIRL.own_id
    assert counts["accepted"] == 4
    await town.all_decided_once()


@pytest.mark.parametrize("bound", [Bound(count=2), Bound(octets=1)], ids=["count", "octets"])
async def test_a_batch_is_no_larger_than_its_bound(town: Town, bound: Bound) -> None:
    # given five records, when batches are bound by number, or by less than one record's size
    await acquainted(town)
    await town.say(POLICE, episode(town), town.county.say("missing-episode", child(2)))
    host = Host(town.county)
    await town.run(town.router(host, bound))

    # then every batch keeps to it, and all are decided
    assert [len(one) for one in host.batches] == ([2, 2, 1] if bound.count == 2 else [1] * 5)
    await town.all_decided_once()


async def test_an_idle_router_commits_nothing(town: Town) -> None:
    router = town.router()
    async with town.lanes() as (lane,):
        assert await router.step(lane) == 0
        await router.settle()
    assert await town.entries() == []
    assert router.take_counts() == {}


async def test_counts_are_told_once(town: Town) -> None:
    await town.say(POLICE, episode(town), episode(town))
    router = town.router()
    first = await town.run(router)
    assert first["accepted"] == 2
    assert first["content"] > 0
    assert router.take_counts() == {}


async def test_the_next_batch_is_decided_while_one_is_being_committed(town: Town) -> None:
    # given a repeated record in the second batch, when both are in work at once
    said = sign(town.rig, POLICE, episode(town))
    await town.say(POLICE, said, said)
    counts = await town.run(town.router(bound=Bound(count=1)))

    # then it is known as a repeat although the first may not have been committed yet
    assert (counts["accepted"], counts["repeats"]) == (1, 1)
    town.published.pop()
    await town.all_decided_once()


# ------------------------------------------------------------------ the protocol


@pytest.mark.parametrize("topics", [TOPICS, (*RECORDS[:4], PROTOCOL, *RECORDS[4:])])
async def test_a_protocol_entry_is_worked_on_alone(town: Town, topics: tuple[str, ...]) -> None:
    # given a school that narrows what it sends, and an absence that waits for that
    narrowing = town.county.narrow(SCHOOL, town.clock.now())
    await town.enter()
    await acquainted(town)
    await town.say(SCHOOL, absence(town))
    host = Host(town.county)
    router = town.router(host)
    await town.run(router, topics)
    assert outcomes(of(await town.entries(), SCHOOL))[COUNCIL] == "withhold"
    host.batches.clear()

    # when it is lifted between two records
    before = await town.say(POLICE, town.county.say("missing-episode"))
    lift = town.county.lift(narrowing, SCHOOL, town.clock.now())
    await town.enter()
    after = await town.say(SCHOOL, absence(town))
    await town.run(router, topics)

    # then its entry was a batch of its own, and what waited goes out, once
    assert (lift.message.value,) in host.batches
    assert sum(host.batches, ()).count(before[0]) == 1
    assert sum(host.batches, ()).count(after[0]) == 1
    released_to = [
        one for one in of(await town.entries(), SCHOOL) if one.topic and one.consumer == COUNCIL
    ]
    assert len(released_to) == 2


async def test_a_change_of_the_protocol_binds_what_is_decided_but_not_committed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a slow core, while which the police's key is revoked
    monkeypatch.setattr(routing, "FRESH_S", -1.0)
    await town.say(POLICE, episode(town))

    async def meanwhile(name: str, _: Sequence[Received]) -> None:
        if name == "decide" and not host.restarts:
            town.county.change_key(POLICE, Change.REVOKE, town.clock.now())
            await town.enter()

    host = Host(town.county, meanwhile)
    await town.run(town.router(host))

    # then the batch is decided again, and the record is not accepted any more
    assert host.restarts == 1
    assert len(host.batches) == 2
    quarantined(await town.entries(), "record.signature.revoked-key")


async def test_a_reading_that_is_old_but_still_the_newest_is_good_enough(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "FRESH_S", -1.0)
    await town.say(POLICE, episode(town))
    host = Host(town.county)
    await town.run(town.router(host))
    assert (host.restarts, len(host.batches)) == (0, 1)
    await town.all_decided_once()


# ------------------------------------------------------------------ registers and rows


async def test_registers_are_learnt_by_whoever_comes_next(town: Town) -> None:
    # given a roll that one router has taken in, when another decides a record
    await acquainted(town)
    await town.run()
    await town.say(POLICE, episode(town))
    await town.run()

    # then it knows the school, by the school's own name of the girl
    assert {SCHOOL, SURGERY, COUNCIL} <= released(of(await town.entries(), POLICE)).keys()
    await town.all_decided_once()


async def test_every_holder_is_found_however_many_rows_come_at_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given places of two children
    await acquainted(town)
    girl = sign(town.rig, POLICE, episode(town))
    await town.say(POLICE, girl, town.county.say("missing-episode", child(2)))
    await town.run()
    entries = of(await town.entries(), POLICE)
    holders = {
        consumer
        for consumer, one in released(entries[: len(entries) // 2]).items()
        if "last_seen" in opened(one)
    }
    assert len(holders) > 2

    # when the girl's address is protected, and rows are read one by one
    monkeypatch.setattr(routing, "ROWS_AT_ONCE", 1)
    before = len(await town.entries())
    await town.say(SURGERY, alerted(town.county))
    await town.run()

    # then those who hold a place of hers are told which record holds it
    found = released((await town.entries())[before:])
    holding = {consumer for consumer, one in found.items() if told(one).holds}
    assert holders - {SURGERY} <= holding
    assert {told(found[one]).holds for one in holding} == {(girl.head.record_id,)}
    await town.all_decided_once()


async def test_two_routers_learn_from_each_other(town: Town) -> None:
    # given two shards, and registers that both write
    town = await Town.founded(2)
    for number in range(1, 13):
        await town.say(SCHOOL, involved(town.county, "on-roll", about=child(number)))
        await town.say(SURGERY, involved(town.county, "registered", about=child(number)))

    # when a router works on each, turn by turn
    routers = (town.router(bound=Bound(count=2)), town.router(bound=Bound(count=2)))
    async with town.lanes() as lanes:
        while sum([await r.step(lane) for r, lane in zip(routers, lanes, strict=True)]):
            pass
        for router in routers:
            await router.settle()

    # then each statement stands in the registers once
    counts = routers[0].take_counts() + routers[1].take_counts()
    assert counts["accepted"] == 24
    assert len(await town.read("registers")) == 24


# ------------------------------------------------------------------ time


async def narrowed_for_an_hour(town: Town, topics: tuple[str, ...] = RECORDS) -> Instant:
    """Let an absence wait for a narrowing that ends an hour later; return when it does."""
    until = Instant(town.clock.now() + HOUR)
    town.county.narrow(SCHOOL, town.clock.now(), until=until, direction=Direction.SENDING)
    await town.enter()
    await acquainted(town)
    await town.say(SCHOOL, absence(town))
    await town.run(topics=topics)
    return until


async def test_what_time_frees_goes_out_once(town: Town) -> None:
    # given a record that waits for the end of a narrowing
    until = await narrowed_for_an_hour(town)
    router = town.router()
    async with town.lanes() as (lane,):
        # when the router looks too early, then nothing happens
        assert await router.sweep(lane, Instant(until - 1)) == 0
        # and in time, then it is decided afresh, once
        assert await router.sweep(lane, until) > 0
        assert await router.sweep(lane, Instant(until + 1)) == 0
    absences = [one for one in await town.entries() if one.topic and one.facts.at == until]
    assert [one.consumer for one in absences if one.facts.kind == "decision"].count(COUNCIL) == 1
    assert len({(one.consumer, one.facts.kind) for one in absences}) == len(absences)
    assert await town.read("held") == []


async def test_without_anything_that_ends_nobody_looks(town: Town) -> None:
    router = town.router()
    async with town.lanes() as (lane,):
        assert await router.sweep(lane, town.clock.now()) == 0


async def test_a_core_that_fails_while_it_looks_back_loses_nothing(town: Town) -> None:
    # given a core that fails once when it looks at what waits
    until = await narrowed_for_an_hour(town)

    async def fails(name: str, _: Sequence[Received]) -> None:
        if name == "sweep" and not host.restarts:
            raise CoreFailed(name)

    host = Host(town.county, fails)
    router = town.router(host)
    async with town.lanes() as (lane,):
        # when it fails, then this is counted, and the next look frees what waits
        assert await router.sweep(lane, until) == 0
        assert router.take_counts() == {"sweeps failed": 1}
        assert await router.sweep(lane, until) > 0


async def test_a_store_that_fails_while_the_router_looks_back(town: Town) -> None:
    # given a commit of which nobody knows whether it took effect
    until = await narrowed_for_an_hour(town)
    town.strike({(Call.COMMIT, 1): Fault.UNKNOWN_DONE})
    host = Host(town.county)
    router = town.router(host)
    async with town.lanes() as (lane,):
        with pytest.raises(OutcomeUnknown):
            await router.sweep(lane, until)
    assert host.restarts == 1

    # when the lane is acquired again, then the stores tell that it did
    async with town.lanes() as (lane,):
        assert await router.sweep(lane, until) == 0
    assert len([one for one in await town.entries() if one.facts.at == until and one.topic]) > 0
