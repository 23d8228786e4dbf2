"""Looks into the log: each is an entry once; a verification finds one that says more."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.access_log.decided import Handed
from broker.access_log.looks import LOOKS, Look
from broker.access_log.opened import OpenedEntry
from broker.clock import Instant
from broker.lanes import Message, Received
from broker.routing.host import CoreFailed
from tests.broker.routing.rig import Rig, acquainted
from tests.broker.routing.town import Host, Town
from tests.support.county import SCHOOL
from tests.support.statements import later

TOKEN = bytes(range(16))
LOOK = Look(bytes(16), later(50), SCHOOL, "auditor", "A complaint", ("nhs_number",), (TOKEN,))
REPLAY = "log.replay."


def coming(look: Look = LOOK) -> Received:
    """Return a look as the router takes it."""
    return Received(Message(LOOKS, bytes(8), look.encode()), 0, 0, look.at)


@pytest.fixture
def rig() -> Rig:
    """A log in which somebody has looked for a child."""
    made = acquainted()
    made.route(coming())
    return made


def test_a_look_is_an_entry_that_tells_nobody_anything(rig: Rig) -> None:
    # given a look, when it is routed, then the entry holds who, why and whom, and releases nothing
    (entry,) = rig.opened_entries(rig.decided[-1:])
    assert (entry.facts.kind, entry.facts.source, entry.consumer) == ("look", SCHOOL, "")
    assert (entry.decision, entry.told, entry.topic) == (None, None, "")
    assert entry.personal is not None
    assert Look.decode(entry.question) == LOOK
    assert entry.personal.tokens == (TOKEN,)
    assert rig.verify() == []

    # and neither reason nor token stands in what is not sealed, but for the row
    kept = Handed.decode(rig.decided[-1]).kept
    assert LOOK.because.encode() not in kept
    assert TOKEN.hex().encode() not in kept


def test_the_same_look_is_logged_once(rig: Rig) -> None:
    # given a router that died before it could note that a look is logged
    before = len(rig.decided)
    assert rig.route(coming()) == []
    assert len(rig.decided) == before

    # and the scrutineer's look, which is another one
    rig.route(coming(replace(LOOK, agency="")), coming(replace(LOOK, agency="")))
    assert len(rig.decided) == before + 1
    assert rig.verify() == []


def facts(**change: object) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        assert entry.facts is not None
        made = replace(entry.facts, **change)  # type: ignore[arg-type] # by the caller
        return replace(entry, facts=made)

    return altered


def question(data: bytes | None) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        assert entry.personal is not None
        return replace(entry, personal=replace(entry.personal, question=data))

    return altered


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (facts(consumer="eastshire-police"), "decision"),
        (facts(decision=b"x"), "decision"),
        (facts(revision=bytes(32)), "decision"),
        (facts(source="eastshire-police"), "decision"),
        (facts(at=Instant(1)), "decision"),
        (question(replace(LOOK, because="Another").encode()), "unbacked"),
        (question(b"{}"), "record"),
        (question(None), "record"),
        (lambda one: replace(one, kept=replace(one.kept, topic="deliveries.x")), "told"),
    ],
)
def test_a_look_that_says_something_else_is_found(
    rig: Rig, tamper: Callable[[OpenedEntry], OpenedEntry], code: str
) -> None:
    # given a look of which somebody who holds all keys has altered a part
    log = [rig.opened(Handed.decode(value).kept) for value in rig.decided]
    (entry,) = log[-1].entries
    log[-1] = replace(log[-1], entries=(tamper(entry),))

    # when it is replayed, then it is found
    replay = rig.county.replay()
    assert {one.code.name for one in [*replay(log), *replay(())]} == {REPLAY + code}


async def test_a_look_that_was_erased_stands(rig: Rig) -> None:
    # given a look whose key is destroyed, when it is replayed, then its form is all that is held
    await rig.keys.destroy([LOOK.digest], later(60))
    assert rig.verify() == []


async def test_a_core_that_fails_on_a_look_leaves_it_waiting() -> None:
    # given a core that fails once when it is given a look
    town = await Town.founded()

    async def fails(name: str, _: object) -> None:
        if name == "open" and not host.restarts:
            raise CoreFailed(name)

    host = Host(town.county, fails)
    router = town.router(host)
    async with town.lanes() as (lane,):
        # when it fails, then that is said and counted, and the next time it is logged
        assert not await router.note(lane, [coming()])
        assert router.take_counts() == {"looks failed": 1}
        assert await router.note(lane, [coming()])
        assert router.take_counts()["looks"] == 1

        # and one that fails otherwise is thrown away with all that it knows
        host.before = _breaks
        with pytest.raises(RuntimeError):
            await router.note(lane, [coming()])


async def _breaks(name: str, _: object) -> None:
    if name == "open":
        raise RuntimeError
