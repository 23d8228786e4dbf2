"""What a verification makes of an outage: it is believed, and is no way to decide otherwise."""

from dataclasses import replace

import pytest

from broker.access_log.decided import Handed
from broker.clock import Instant
from broker.protocol.decision_codec import decode_decision, encode_decision
from broker.protocol.decisions import Decision, Outcome, without_answer
from tests.broker.routing.outage import Server, acquainted, install, missing
from tests.broker.routing.rig import Rig
from tests.support.county import POLICE, County
from tests.support.statements import later


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return install(monkeypatch)


@pytest.fixture
def rig(server: Server) -> Rig:  # noqa: ARG001 - in place before a core is made
    """A core with a server, which knows who works with the girl; nothing is owed so far."""
    return acquainted(County())


def forged(rig: Rig, change: Decision | None = None, *, drop: bool = False) -> set[str]:
    """Return what is found if the last message's first decision were another."""
    log = [rig.opened(Handed.decode(value).kept) for value in rig.decided]
    if drop:
        log = log[:-1]
    elif change is not None:
        entry = log[-1].entries[0]
        assert entry.facts is not None
        facts = replace(entry.facts, decision=encode_decision(change))
        log[-1] = replace(log[-1], entries=(replace(entry, facts=facts), *log[-1].entries[1:]))
    replay = rig.county.replay()
    return {one.code.name for one in (*replay(log), *replay(()))}


def last_decision(rig: Rig) -> Decision:
    entry = rig.opened(Handed.decode(rig.decided[-1]).kept).entries[0]
    assert entry.facts is not None
    return decode_decision(entry.facts.decision)


def test_to_claim_an_outage_is_no_way_to_withhold_the_floor(rig: Rig, server: Server) -> None:
    # given a decision of an outage that gives the floor
    server.away = True
    rig.tell(POLICE, missing(rig))
    true = last_decision(rig)
    assert true.grants
    assert forged(rig, true) == set()

    # when it says less, or more, or something else, then it is found
    less = replace(true, outcome=Outcome.WITHHOLD, slots=(), grants=())
    more = replace(true, slots=tuple(sorted({*true.slots, 2})))
    longer = replace(true, valid_until=Instant(true.valid_until - 1))
    for one in (less, more, longer):
        assert "log.replay.decision" in forged(rig, one)


def test_to_claim_an_outage_afterwards_is_found(rig: Rig) -> None:
    # given a decision that was answered, when it is made to say that it was not
    rig.tell(POLICE, missing(rig))
    claimed = without_answer(last_decision(rig))
    assert forged(rig, claimed)


def test_a_decision_that_nobody_can_read_is_found(rig: Rig) -> None:
    rig.tell(POLICE, missing(rig))
    log = [rig.opened(Handed.decode(value).kept) for value in rig.decided]
    entry = log[-1].entries[0]
    assert entry.facts is not None
    facts = replace(entry.facts, decision=b"\0")
    log[-1] = replace(log[-1], entries=(replace(entry, facts=facts), *log[-1].entries[1:]))
    replay = rig.county.replay()
    assert "log.replay.decision" in {one.code.name for one in (*replay(log), *replay(()))}


def test_what_was_decided_later_is_decided_again(rig: Rig, server: Server) -> None:
    # given what the server has answered after an outage, when it is made to say something else
    server.away = True
    rig.tell(POLICE, missing(rig))
    server.away = False
    rig.sweep(later(300))
    true = last_decision(rig)
    assert "log.replay.decision" in forged(rig, replace(true, reasons=("1.1",)))
    assert forged(rig, drop=True) == set()
