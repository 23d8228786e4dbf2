"""A decision point that is away: the floor goes out, the rest waits and is decided afterwards."""

from collections.abc import Sequence

import pytest

from broker.protocol.decisions import Outcome
from broker.routing.host import Needs
from tests.broker.routing.outage import (
    EDT,
    Server,
    absence,
    acquainted,
    core,
    install,
    missing,
)
from tests.broker.routing.rig import (
    Entry,
    Rig,
    by_consumer,
    opened,
    outcomes,
    released,
    sign,
    task,
    told,
)
from tests.support.county import HOSPITALS, MASH, MEMO_SIZE, POLICE, SCHOOL, County
from tests.support.statements import MISSING, alerted, answered, later, retracted


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return install(monkeypatch)


@pytest.fixture
def rig(server: Server) -> Rig:  # noqa: ARG001 - in place before a core is made
    """A core with a server, which knows who works with the girl; nothing is owed so far."""
    return acquainted(County())


def released_pairs(entries: Sequence[Entry]) -> set[tuple[str, str]]:
    """Return source and consumer of whatever was delivered."""
    return {(one.facts.source, one.consumer) for one in entries if one.topic}


def test_the_floor_goes_out_at_once_and_the_rest_waits(rig: Rig, server: Server) -> None:
    # given that the server is away, when a child is missing at high risk
    server.away = True
    entries = rig.tell(POLICE, missing(rig))

    # then those whom the floor names have it at once
    found = by_consumer(entries)
    assert found[EDT].outcome == "content"
    assert "last_seen" in opened(found[EDT])
    assert found[SCHOOL].outcome == "content"

    # and each decision says that it was left unanswered; nobody is asked, nothing is quarantined
    decisions = [one.decision for one in entries if one.decision is not None]
    assert all(one.unanswered and one.outcome == one.floor_outcome for one in decisions)
    assert {one.facts.kind for one in entries} == {"decision"}
    assert not any("quarantined" in name or name == "task" for name in rig.counts)
    assert rig.held == 1

    # and where there is no floor, nothing goes out
    nothing = rig.tell(SCHOOL, absence(rig))
    assert released(nothing) == {}
    assert outcomes(nothing)[MASH] == "withhold"
    assert rig.held == 2
    assert rig.verify() == []


def test_back_it_decides_the_rest_once(rig: Rig, server: Server) -> None:
    server.away = True
    before = rig.tell(POLICE, missing(rig))

    # when the router looks while it is still away, then nothing is written
    assert rig.sweep(later(120)) == []
    assert rig.core.look_back() == Needs()

    # when it is back, then everybody who waited is decided as if nothing had been
    server.away = False
    after = rig.sweep(later(180))
    found = by_consumer(after)
    assert found.keys() == by_consumer(before).keys()
    assert found[MASH].outcome == "content"
    assert {"episode", "last_seen"} <= opened(found[SCHOOL])
    assert not any(one.decision.unanswered for one in after if one.decision is not None)
    assert {one.facts.at for one in after} == {later(180)}
    assert rig.held == 0

    # and nobody looks again, and all of it is what had to be
    asked = server.asked
    assert rig.core.look_back() == Needs()
    assert rig.sweep(later(240)) == []
    assert server.asked == asked
    assert rig.verify() == []


def test_what_a_person_must_decide_is_asked_when_the_server_has_answered(
    rig: Rig, server: Server
) -> None:
    # given an absence with an indicator that no clause speaks of, while the server is away
    server.away = True
    unclear = sign(rig, SCHOOL, rig.county.say("school-absence", indicators=(MISSING,)))
    entries = rig.tell(SCHOOL, unclear)
    assert {one.facts.kind for one in entries} == {"decision"}

    # when it is back, then the school's lead is asked
    server.away = False
    asked = task(rig.sweep(later(120)))
    assert asked.why == "default-withhold"

    # when she answers while it is away again, then that waits, and her answer is not forgotten
    server.away = True
    said = rig.tell(SCHOOL, answered(rig.county, asked.id, unclear.head.record_id))
    assert not released(said)
    assert rig.held == 1
    server.away = False
    shared = rig.sweep(later(180))
    assert released(shared).keys() == set(asked.consumers)
    assert {one.facts.kind for one in shared} == {"decision"}
    assert rig.held == 0
    assert rig.verify() == []


def test_a_lift_in_an_outage_frees_once_the_server_answers(rig: Rig, server: Server) -> None:
    # given a record that waits for the end of a narrowing
    narrowing = rig.county.narrow(SCHOOL, later(100))
    rig.route(narrowing)
    assert outcomes(rig.tell(SCHOOL, absence(rig)))[MASH] == "withhold"

    # when that is lifted in an outage, then it says so once, and waits for the server
    server.away = True
    freed = rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    left = by_consumer(freed)[MASH].decision
    assert left is not None
    assert (left.outcome, left.unanswered, left.narrowings) == (Outcome.WITHHOLD, True, ())
    assert rig.route(rig.county.narrow(SCHOOL, later(210), type="concern"))
    assert rig.sweep(later(220)) == []

    # and then it goes out
    server.away = False
    assert outcomes(rig.sweep(later(300)))[MASH] == "content"
    assert rig.held == 0
    assert rig.verify() == []


def test_what_is_remembered_is_decided_in_an_outage_too(server: Server) -> None:
    # given a question that the server has answered before, and a lift of what stopped the record
    rig = acquainted(County(), MEMO_SIZE)
    narrowing = rig.county.narrow(SCHOOL, later(100))
    rig.route(narrowing)
    rig.tell(SCHOOL, absence(rig))
    server.away = True

    # when it is lifted in an outage, then nothing has to be asked
    assert outcomes(rig.route(rig.county.lift(narrowing, SCHOOL, later(200))))[MASH] == "content"
    assert rig.held == 0

    # and of two records, the one that is known goes out, the other one waits
    rig.route(
        rig.say(SCHOOL, absence(rig), at=later(300)), rig.say(POLICE, missing(rig), at=later(300))
    )
    assert rig.held == 1
    assert rig.verify() == []


def test_a_narrowing_that_began_in_the_outage_stops_what_is_decided_after_it(
    rig: Rig, server: Server
) -> None:
    server.away = True
    rig.tell(SCHOOL, absence(rig))
    narrowing = rig.county.narrow(SCHOOL, later(200))
    rig.route(narrowing)

    # when the server answers, then that is written, and the record waits for the narrowing's end
    server.away = False
    answered_now = by_consumer(rig.sweep(later(300)))[MASH].decision
    assert answered_now is not None
    assert (answered_now.unanswered, len(answered_now.narrowings)) == (False, 1)
    assert rig.held == 1
    assert outcomes(rig.route(rig.county.lift(narrowing, SCHOOL, later(400))))[MASH] == "content"
    assert rig.verify() == []


def test_who_holds_a_place_is_told_of_the_alert_once_the_server_answers(
    rig: Rig, server: Server
) -> None:
    # given desks that hold where she was seen, and a server that is away
    rig.tell(POLICE, missing(rig))
    server.away = True
    first = by_consumer(rig.tell(HOSPITALS, alerted(rig.county)), "register")

    # when it is back, then whoever held something is asked as its holder once more
    server.away = False
    after = by_consumer(rig.sweep(later(200)), "register")
    holders = {name for name, one in first.items() if one.told is not None and told(one).holds}
    assert holders
    for name in holders:
        assert told(after[name]).holds == told(first[name]).holds
    assert rig.verify() == []


def test_a_retraction_is_not_held_up(rig: Rig, server: Server) -> None:
    # given a record that was released, and is taken back in an outage
    episode = sign(rig, POLICE, missing(rig))
    had = released(rig.tell(POLICE, episode)).keys()
    server.away = True
    taken = rig.tell(POLICE, retracted(rig.county, "missing-episode", episode.head.record_id))

    # then everybody who has it hears of it at once, for that is the floor
    assert released(taken).keys() == had
    server.away = False
    rig.sweep(later(200))
    assert rig.verify() == []


def test_one_that_is_taken_back_before_the_server_answers_is_let_go(
    rig: Rig, server: Server
) -> None:
    server.away = True
    wrong = sign(rig, SCHOOL, absence(rig))
    rig.tell(SCHOOL, wrong)
    rig.tell(SCHOOL, retracted(rig.county, "school-absence", wrong.head.record_id))
    server.away = False
    assert released(rig.sweep(later(200))) == {}
    assert (rig.held, rig.counts["held records withdrawn"]) == (0, 1)
    assert rig.verify() == []


def test_a_server_that_goes_away_in_between_is_waited_for(rig: Rig, server: Server) -> None:
    # given two records that were left unanswered
    server.away = True
    rig.tell(SCHOOL, absence(rig))
    rig.tell(POLICE, missing(rig))
    assert rig.held == 2

    # when the server answers the look, and is away again for what is asked then
    server.away = False
    needs = rig.core.look_back()
    assert needs.prefixes
    recalled = rig.recalled(needs)
    server.away = True
    assert rig.commit(rig.core.sweep(recalled, later(200))) == []
    assert rig.held == 2

    # then the core goes on looking
    server.away = False
    assert len(released_pairs(rig.sweep(later(300)))) > 2
    assert rig.held == 0
    assert rig.verify() == []


def test_a_new_core_looks_for_what_a_former_one_has_left(rig: Rig, server: Server) -> None:
    server.away = True
    rig.tell(POLICE, missing(rig))

    # when the router is started anew, with the server there, or without one from now on
    for opa_server in ("http://127.0.0.1:8181", ""):
        anew = Rig(rig.county, lambda given=opa_server: core(rig.county, given))  # type: ignore[misc]  # bound at once, for the loop
        anew.rows, anew.keys = dict(rig.rows), rig.keys
        anew.registers, anew.decided = list(rig.registers), list(rig.decided)
        server.away = False
        assert outcomes(anew.sweep(later(300)))[MASH] == "content"
        assert anew.verify() == []


def test_what_arrived_after_the_clock_waits_for_the_next_look(rig: Rig, server: Server) -> None:
    # given a store whose clock is ahead
    server.away = True
    rig.route(rig.say(POLICE, missing(rig), at=later(500)))
    server.away = False

    # when the router looks before that, then it is not decided as of a time when it was not there
    assert rig.sweep(later(400)) == []
    assert rig.held == 1
