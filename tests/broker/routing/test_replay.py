"""Replay: it accepts what the core wrote, and names what was altered later, or done wrongly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from broker.access_log.decided import Handed
from broker.access_log.findings import Finding
from broker.access_log.opened import OpenedEntry, OpenedMessage
from broker.clock import HOUR, Instant
from broker.protocol.decision_codec import decode_decision, encode_decision
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.questions import Question
from broker.records.names import ConsumerId
from broker.routing import consumers, handling
from broker.routing.consumers import Asked
from broker.routing.replay import (
    FACTS_DIFFER,
    NUMBER,
    PROTOCOL_DIFFERS,
    QUESTION_DIFFERS,
    RECORD_MISSING,
    RECORD_REFUSED,
    TOLD_DIFFERS,
)
from broker.runtimes.policy import Policy, run_ready
from tests.broker.routing.rig import Rig, acquainted, released, sign, task
from tests.support.county import ACADEMY, COUNCIL, POLICE, SCHOOL, County, shared_point
from tests.support.statements import MISSING, answered, high_risk, later, receipt, retracted

Tamper = Callable[[OpenedMessage], OpenedMessage]
ROLLS = 5
"""Messages of `acquainted`; the next one is what the tests tamper with."""


@pytest.fixture
def rig() -> Rig:
    """A log with the girl's rolls, and an episode that the police told many of."""
    made = acquainted()
    made.tell(POLICE, made.county.say("missing-episode", **high_risk()))
    return made


def log_of(rig: Rig) -> list[OpenedMessage]:
    return [rig.opened(Handed.decode(value).kept) for value in rig.decided]


def found(rig: Rig, log: Sequence[OpenedMessage]) -> list[Finding]:
    replay = rig.county.replay()
    return [*replay(log), *replay(())]


def codes(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(one.code.name, one.where) for one in findings}


def released_place(message: OpenedMessage) -> int:
    """Return which entry released something."""
    return next(n for n, one in enumerate(message.entries) if one.kept.topic)


def in_entry(change: Callable[[OpenedEntry], OpenedEntry], place: int | None = None) -> Tamper:
    """Return what alters one entry: by default the first that released something."""

    def tamper(message: OpenedMessage) -> OpenedMessage:
        at = released_place(message) if place is None else place
        entries = list(message.entries)
        entries[at] = change(entries[at])
        return replace(message, entries=tuple(entries))

    return tamper


# ------------------------------------------------------------------ what is right


def test_a_log_with_everything_in_it_is_accepted(rig: Rig) -> None:
    # given a record that was asked about, answered, acknowledged and taken back
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", indicators=(MISSING,)))
    asked = task(rig.tell(SCHOOL, absence))
    rig.tell(SCHOOL, answered(rig.county, asked.id, absence.head.record_id))
    rig.tell(COUNCIL, receipt(rig.county, SCHOOL, absence.head.record_id))
    rig.tell(SCHOOL, retracted(rig.county, "school-absence", absence.head.record_id))

    # and one that waited for a narrowing to be lifted, another for one to end
    narrowing = rig.county.narrow(SCHOOL, later(100))
    rig.route(narrowing)
    rig.tell(SCHOOL, rig.county.say("school-absence", facts=("absence:unauthorised",)))
    rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    until = later(200 + HOUR // 1000)
    rig.route(rig.county.narrow(SCHOOL, later(210), until=until))
    rig.tell(SCHOOL, rig.county.say("school-absence", facts=("absence:unauthorised",)))
    rig.sweep(until)

    # when it is replayed, then every decision was made again, and all is as it should be
    replay = rig.county.replay()
    assert rig.verify(replay) == []
    entries = [one for message in log_of(rig) for one in message.entries]
    assert replay.decisions == sum(
        one.facts is not None and one.facts.decision != b"" for one in entries
    )
    assert rig.held == 0


def test_it_goes_on_where_it_stopped(rig: Rig) -> None:
    replay = rig.county.replay()
    for message in log_of(rig):
        assert replay([message]) == []
    assert replay(()) == []


# ------------------------------------------------------------------ what was altered


def facts(change: Callable[..., object]) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        assert entry.facts is not None
        return replace(entry, facts=change(entry.facts))  # type: ignore[arg-type] # by the caller

    return altered


def decision(**changes: object) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        assert entry.facts is not None
        other = replace(decode_decision(entry.facts.decision), **changes)  # type: ignore[arg-type] # by name
        return replace(entry, facts=replace(entry.facts, decision=encode_decision(other)))

    return altered


def personal(**changes: object) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        assert entry.personal is not None
        return replace(entry, personal=replace(entry.personal, **changes))  # type: ignore[arg-type] # by name

    return altered


def row(**changes: object) -> Callable[[OpenedEntry], OpenedEntry]:
    def altered(entry: OpenedEntry) -> OpenedEntry:
        other = replace(entry.kept.row, **changes)  # type: ignore[arg-type] # by name
        return replace(entry, kept=replace(entry.kept, row=other))

    return altered


def told_bytes(entry: OpenedEntry) -> OpenedEntry:
    assert entry.told is not None
    return replace(entry, told=replace(entry.told, data=entry.told.data + b"\0"))


def place_of(**changes: object) -> Callable[..., object]:
    return lambda one: replace(one, protocol=replace(one.protocol, **changes))


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (in_entry(facts(place_of(head=bytes(32))), 0), (PROTOCOL_DIFFERS, "")),
        (in_entry(facts(place_of(position=3)), 0), (PROTOCOL_DIFFERS, "")),
        (in_entry(facts(place_of(position=999)), 0), (PROTOCOL_DIFFERS, "")),
        (in_entry(decision(outcome=Outcome.WITHHOLD)), (FACTS_DIFFER, "")),
        (in_entry(decision(slots=(0,))), (FACTS_DIFFER, "")),
        (in_entry(decision(revision=bytes(32))), (FACTS_DIFFER, "")),
        (in_entry(decision(narrowings=("N1",))), (FACTS_DIFFER, "")),
        (in_entry(decision(task=HOUR)), (FACTS_DIFFER, "")),
        (in_entry(facts(lambda f: replace(f, revision=bytes(32)))), (FACTS_DIFFER, "")),
        (in_entry(facts(lambda f: replace(f, consumer=ACADEMY))), (FACTS_DIFFER, "")),
        (
            in_entry(
                facts(lambda f: replace(f, registers=replace(f.registers, head=bytes(32)))), 1
            ),
            (FACTS_DIFFER, ""),
        ),
        (in_entry(row(outcome="withhold")), (FACTS_DIFFER, "row")),
        (in_entry(row(clauses=())), (FACTS_DIFFER, "row")),
        (in_entry(row(tokens=())), (FACTS_DIFFER, "row")),
        (in_entry(personal(question=b"{}")), (QUESTION_DIFFERS, "")),
        (in_entry(personal(registers=())), (QUESTION_DIFFERS, "")),
        (in_entry(personal(link="unlinked")), (QUESTION_DIFFERS, "")),
        (in_entry(personal(tokens=())), (QUESTION_DIFFERS, "")),
        (in_entry(personal(holds=(bytes(16),))), (QUESTION_DIFFERS, "")),
        (in_entry(lambda one: replace(one, personal=None)), (QUESTION_DIFFERS, "")),
        (in_entry(told_bytes), (TOLD_DIFFERS, "")),
        (
            in_entry(lambda one: replace(one, leaf=replace(one.leaf, told=bytes(32)))),
            (TOLD_DIFFERS, ""),
        ),
        (
            in_entry(lambda one: replace(one, kept=replace(one.kept, topic=""))),
            (TOLD_DIFFERS, "release"),
        ),
        (
            in_entry(
                lambda one: replace(one, kept=replace(one.kept, topic=f"deliveries.{ACADEMY}"))
            ),
            (TOLD_DIFFERS, "release"),
        ),
        (lambda m: replace(m, entries=m.entries[1:]), (NUMBER, "")),
        (lambda m: replace(m, entries=(*m.entries, m.entries[-1])), (NUMBER, "")),
        (lambda m: replace(m, archive=None), (RECORD_MISSING, "")),
        (
            lambda m: replace(m, archive=m.archive[:-1] + bytes([m.archive[-1] ^ 1])),
            (RECORD_REFUSED, "record.signature.invalid"),
        ),
        (lambda m: replace(m, archive=b"no record"), (RECORD_REFUSED, "record.shape")),
    ],
)
def test_what_was_altered_is_named(rig: Rig, tamper: Tamper, expected: tuple[Any, str]) -> None:
    # given a log in which one thing of the episode's entries is altered
    log = log_of(rig)
    log[ROLLS] = tamper(log[ROLLS])

    # when it is replayed, then that is the one thing found, at a leaf of that message
    findings = found(rig, log)
    code, where = expected
    assert codes(findings) == {(code.name, where)}
    leaves = {one.index for one in log[ROLLS].entries}
    assert {one.index for one in findings} <= leaves


def test_a_record_that_was_accepted_twice_is_found(rig: Rig) -> None:
    log = log_of(rig)
    assert codes(found(rig, [*log, log[ROLLS]])) == {(RECORD_MISSING.name, "")}


def test_a_message_that_was_left_out_is_missed_by_what_rests_on_it(rig: Rig) -> None:
    # given a log from which a roll was taken out, when it is replayed
    log = log_of(rig)
    findings = found(rig, log[1:])

    # then who is asked about the episode, or under which registers, is not what it was
    assert {one.code for one in findings} & {NUMBER, FACTS_DIFFER}


def test_a_protocol_entry_that_was_never_published_is_found(rig: Rig) -> None:
    # given an entry of the protocol in the log, when it names another cause
    rig.route(rig.county.narrow(SCHOOL, later(100)))
    log = log_of(rig)
    log[-1] = replace(log[-1], cause=bytes(32))
    assert codes(found(rig, log)) == {(RECORD_MISSING.name, "")}


def test_what_had_to_go_out_when_a_narrowing_was_lifted(rig: Rig) -> None:
    # given a record that was freed by a lift, when that is missing from the log
    narrowing = rig.county.narrow(SCHOOL, later(100))
    rig.route(narrowing)
    rig.tell(SCHOOL, rig.county.say("school-absence", facts=("absence:unauthorised",)))
    rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    log = log_of(rig)
    del log[-1]
    rig.decided.pop()
    rig.tell(POLICE, rig.county.say("missing-episode"))

    # then whatever stands in its place is not what had to follow
    findings = found(rig, log_of(rig))
    assert findings
    assert {one.code for one in findings} <= {NUMBER, FACTS_DIFFER, QUESTION_DIFFERS, TOLD_DIFFERS}


# ------------------------------------------------------------------ what is closed


def test_what_is_closed_is_not_judged(rig: Rig) -> None:
    # given somebody who may not see what was told, nor a message's facts
    log = log_of(rig)
    closed = in_entry(lambda one: replace(one, personal=None, told=None))(log[ROLLS])
    silent = in_entry(lambda one: replace(one, facts=None), 1)(log[ROLLS])
    hidden = in_entry(lambda one: replace(one, facts=None), 0)(log[ROLLS])
    for one in (closed, silent, hidden):
        assert found(rig, [*log[:ROLLS], one]) == []


def test_of_what_is_closed_the_facts_are_still_judged(rig: Rig) -> None:
    log = log_of(rig)
    closed = in_entry(lambda one: replace(one, personal=None, told=None))(log[ROLLS])
    log[ROLLS] = in_entry(decision(outcome=Outcome.WITHHOLD))(closed)
    assert codes(found(rig, log)) == {(FACTS_DIFFER.name, "")}


def test_a_message_that_was_not_accepted_needs_no_cause(rig: Rig) -> None:
    message = rig.county.message(POLICE, rig.county.say("missing-episode"))
    rig.route(rig.sent(replace(message, value=message.value[:-1])))
    assert rig.verify() == []


# ------------------------------------------------------------------ a router that does wrong


def test_a_router_that_ignores_a_narrowing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a school that stops sending, and a router that does not care
    rig = acquainted()
    rig.route(rig.county.narrow(SCHOOL, later(100)))
    with monkeypatch.context() as patched:
        patched.setattr(handling, "narrow", lambda decision, *_: decision)
        said = rig.county.say("school-absence", facts=("absence:unauthorised",))
        assert COUNCIL in released(rig.tell(SCHOOL, said))

    # when it is replayed, then the decisions, and what was told, are found
    findings = rig.verify()
    assert {FACTS_DIFFER, TOLD_DIFFERS} <= {one.code for one in findings}


def test_a_router_that_asks_about_nobody_s_school_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a router that also tells a school which does not know the girl
    rig = acquainted()
    real = consumers.asked
    with monkeypatch.context() as patched:
        other = Asked(ConsumerId(ACADEMY), "on-roll", ())
        patched.setattr(handling, "asked", lambda *one: (*real(*one), other))
        rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))
    assert codes(rig.verify()) == {(NUMBER.name, "")}


def test_a_router_that_decides_by_its_own_will_is_found() -> None:
    # given a router that withholds from everybody what the protocol gives
    county = County()
    honest = Policy(county.protocol(), shared_point, 100)

    def decide(questions: Sequence[Question], at: Sequence[Instant]) -> Sequence[Decision]:
        return [
            replace(one, outcome=Outcome.WITHHOLD, slots=(), grants=(), task=None)
            for one in honest(questions, at)
        ]

    rig = Rig(county, lambda: county.core(decide))
    rig.tell(POLICE, county.say("missing-episode", **high_risk()))
    assert FACTS_DIFFER in {one.code for one in rig.verify()}


# ------------------------------------------------------------------ what was erased


def erase(rig: Rig, log: Sequence[OpenedMessage], place: int) -> None:
    """Destroy the key of the record that one message of the log is about."""
    record = log[place].entries[0].kept.record
    assert record is not None
    run_ready(rig.keys.destroy({record}, later(900)))


def test_the_entries_of_an_erased_record_stand(rig: Rig) -> None:
    # given an episode that was erased, and another record behind it
    rig.tell(POLICE, rig.county.say("missing-episode"))
    erase(rig, log_of(rig), ROLLS)

    # when the log is replayed, then what cannot be made again is no finding
    log = log_of(rig)
    assert log[ROLLS].erased
    assert found(rig, log) == []

    # but what stands behind it is judged as ever
    log[-1] = in_entry(decision(outcome=Outcome.WITHHOLD), 0)(log[-1])
    assert codes(found(rig, log)) == {(FACTS_DIFFER.name, "")}


@pytest.mark.parametrize("how", ["answered", "freed"])
def test_what_was_decided_later_of_an_erased_record_stands_too(rig: Rig, how: str) -> None:
    # given a record that was decided twice: when it came, and when somebody answered or lifted
    narrowing = None
    if how == "freed":
        narrowing = rig.county.narrow(SCHOOL, later(100))
        rig.route(narrowing)
    labels: dict[str, Any] = (
        {"indicators": (MISSING,)} if narrowing is None else {"facts": ("absence:unauthorised",)}
    )
    absence = sign(rig, SCHOOL, rig.county.say("school-absence", **labels))
    place = len(rig.decided)
    entries = rig.tell(SCHOOL, absence)
    if narrowing is None:
        rig.tell(SCHOOL, answered(rig.county, task(entries).id, absence.head.record_id))
    else:
        rig.route(rig.county.lift(narrowing, SCHOOL, later(200)))
    assert rig.verify() == []

    # when it is erased, then none of its entries is blamed
    erase(rig, log_of(rig), place)
    assert rig.verify() == []
