"""Decisions: how parts make a whole, and how a decision becomes bytes and back."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Instant
from broker.protocol.decision_codec import decode_decision, encode_decision
from broker.protocol.decisions import Decision, Grant, Obligation, Outcome, Refusal, settle
from broker.protocol.errors import ProtocolError

names = st.text("0123456789.", min_size=1, max_size=4)
slots = st.sets(st.integers(2, 31), max_size=6).map(lambda some: tuple(sorted(some)))
grants = st.lists(st.builds(Grant, names, slots, st.booleans()), max_size=4)
instants = st.integers(0, 2**53 - 1).map(Instant)
texts = st.lists(names, max_size=3).map(lambda some: tuple(sorted(some)))
decisions = st.builds(
    Decision,
    st.sampled_from(Outcome),
    slots,
    grants.map(tuple),
    st.lists(st.builds(Refusal, names, slots), max_size=3).map(tuple),
    texts,
    st.lists(st.builds(Obligation, names, st.text(max_size=5)), max_size=3).map(tuple),
    texts,
    st.one_of(st.none(), st.integers(0, 10**12)),
    st.sampled_from(Outcome),
    slots,
    st.binary(min_size=32, max_size=32),
    instants,
    instants,
    texts,
)


def made(*parts: Grant, outcome: Outcome = Outcome.CONTENT) -> Decision:
    return Decision(
        outcome, (), parts, (), (), (), (), None, Outcome.WITHHOLD, (), bytes(32), Instant(0),
        Instant(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "referred", "outcome", "open_slots"),
    [
        ((), False, Outcome.WITHHOLD, ()),
        ((), True, Outcome.REFER, ()),
        ((Grant("1", (7,), False),), False, Outcome.EXISTENCE, (7,)),
        ((Grant("1", (7,), False),), True, Outcome.EXISTENCE, (7,)),
        ((Grant("1", (8,), False),), False, Outcome.CONTENT, (0, 8)),
        (
            (Grant("1", (7,), False), Grant("2", (9, 11), True)),
            True,
            Outcome.CONTENT,
            (0, 7, 9, 11),
        ),
        ((Grant("1", (2,), False),), False, Outcome.CONTENT, (0, 2)),
    ],
)
def test_what_grants_make_together(
    parts: tuple[Grant, ...], referred: bool, outcome: Outcome, open_slots: tuple[int, ...]
) -> None:
    assert settle(parts, referred=referred) == (outcome, open_slots)


@given(grants, grants)
def test_fewer_grants_never_open_more(few: list[Grant], more: list[Grant]) -> None:
    order = list(Outcome)
    less, some = settle(few), settle([*few, *more])
    assert set(less[1]) <= set(some[1])
    assert order.index(less[0]) <= order.index(some[0])


@given(decisions)
def test_a_decision_survives_its_bytes(decision: Decision) -> None:
    assert decode_decision(encode_decision(decision)) == decision


@given(decisions, st.data())
def test_no_other_bytes_are_a_decision(decision: Decision, data: st.DataObject) -> None:
    # given a decision's bytes with one of them changed, cut or added
    good = encode_decision(decision)
    place = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    bad = data.draw(
        st.sampled_from(
            [
                good[:place],
                good + b"\x00",
                good[:place] + bytes((good[place] ^ flip,)) + good[place + 1 :],
            ]
        )
    )

    # then they are refused, or they are another decision with bytes of its own
    found = None
    with suppress(ProtocolError):
        found = decode_decision(bad)
    assert found != decision
    assert found is None or encode_decision(found) == bad


def test_what_a_consumer_may_know_of_the_clauses() -> None:
    # given a grant, then content names its clause, and existence does not: clauses are about types
    grant = Grant("4.4", (7,), False)
    assert made(grant).told_clauses == ("4.4",)
    assert made(grant, outcome=Outcome.EXISTENCE).told_clauses == ()
    assert made(grant, outcome=Outcome.EXISTENCE).clauses == ("4.4",)


@pytest.mark.parametrize(
    ("outcome", "releases"),
    [
        (Outcome.WITHHOLD, False),
        (Outcome.REFER, False),
        (Outcome.EXISTENCE, True),
        (Outcome.CONTENT, True),
    ],
)
def test_what_releases(outcome: Outcome, *, releases: bool) -> None:
    assert outcome.releases is releases


def test_what_is_still_open() -> None:
    # given a decision with a task, one that a narrowing has stopped, and one that is done
    decision = made()
    fields = {name: getattr(decision, name) for name in Decision.__slots__}
    assert not decision.pending
    assert Decision(**{**fields, "task": 1}).pending
    assert Decision(**{**fields, "narrowings": ("N1",)}).pending
    assert not decision.floor
    assert Decision(**{**fields, "floor_outcome": Outcome.CONTENT}).floor
