"""Narrowings only ever remove, and never the floor."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Instant
from broker.protocol.decisions import Decision, Grant, Obligation, Outcome, Refusal, settle
from broker.protocol.narrowing import Direction, Narrowing, narrow
from broker.protocol.questions import Question
from broker.records.names import AgencyId
from tests.broker.protocol.county import COUNCIL, POLICE, SCHOOL, question

AT = Instant(1_500)
BASE = Narrowing(
    "N7", POLICE, POLICE, Direction.SENDING, "", "", "", Instant(1_000), Instant(2_000), "", ""
)


def decided(*grants: Grant, referrals: tuple[str, ...] = ()) -> Decision:
    outcome, slots = settle(grants, referred=bool(referrals))
    floor, floor_slots = settle(grant for grant in grants if grant.floor)
    return Decision(
        outcome,
        slots,
        grants,
        (Refusal("6.3", (9,)),),
        referrals,
        (Obligation("do-not-forward", ""),),
        ("6.3",),
        None,
        floor,
        floor_slots,
        bytes(32),
        Instant(0),
        Instant(10_000),
    )


CONTENT = Grant("4.1", (7, 8), False)
FLOOR = Grant("2.2", (6, 7), True)


def test_an_agency_stops_its_own_sending() -> None:
    # given a release by a floor clause and another one
    decision = decided(FLOOR, CONTENT)

    # when the source has narrowed its sending
    left = narrow(decision, question(), [BASE], AT)

    # then the floor is left, with all refusals and obligations, and the narrowing is named
    assert left.grants == (FLOOR,)
    assert (left.outcome, left.slots) == (Outcome.CONTENT, (0, 6, 7))
    assert (left.refusals, left.obligations) == (decision.refusals, decision.obligations)
    assert left.narrowings == ("N7",)
    assert (left.valid_from, left.valid_until) == (0, 2_000)


def test_nothing_is_left_without_a_floor() -> None:
    left = narrow(decided(CONTENT), question(), [BASE], AT)
    assert (left.outcome, left.slots, left.narrowings) == (Outcome.WITHHOLD, (), ("N7",))


def test_a_referral_goes_on_waiting() -> None:
    left = narrow(decided(referrals=("5.1",)), question(), [BASE], AT)
    assert left.outcome is Outcome.REFER
    assert left.narrowings == ()


@pytest.mark.parametrize(
    ("changes", "stops"),
    [
        ({}, True),
        ({"agency": SCHOOL}, False),
        ({"agency": SCHOOL, "direction": Direction.RECEIVING}, True),
        ({"agency": COUNCIL, "direction": Direction.RECEIVING}, False),
        ({"counterpart": SCHOOL}, True),
        ({"counterpart": COUNCIL}, False),
        ({"agency": SCHOOL, "direction": Direction.RECEIVING, "counterpart": POLICE}, True),
        ({"agency": SCHOOL, "direction": Direction.RECEIVING, "counterpart": COUNCIL}, False),
        ({"type": "missing-episode"}, True),
        ({"type": "concern"}, False),
        ({"clause": "4.1"}, True),
        ({"clause": "4.2"}, False),
        ({"since": Instant(1_501)}, True),
        ({"until": Instant(1_500)}, False),
    ],
)
def test_what_a_narrowing_is_about(changes: dict[str, object], stops: bool) -> None:
    narrowing = replace(BASE, **changes)  # type: ignore[arg-type]  # fields by name
    left = narrow(decided(CONTENT), question(), [narrowing], AT)
    assert (left.outcome is Outcome.WITHHOLD) is stops
    assert left.narrowings == (("N7",) if stops else ())


def test_a_desk_can_be_the_counterpart() -> None:
    narrowing = replace(BASE, counterpart="eastshire-council/mash")
    mash = question({"consumer.agency": COUNCIL, "consumer.desk": "mash"})
    edt = question({"consumer.agency": COUNCIL, "consumer.desk": "edt"})
    assert narrowing.concerns(mash)
    assert not narrowing.concerns(edt)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels.type": None},
        {"source.agency": None},
        {"consumer.agency": None},
    ],
)
def test_what_is_not_known_does_not_escape(changes: dict[str, object]) -> None:
    narrowing = replace(BASE, type="missing-episode", counterpart=SCHOOL)
    assert narrowing.concerns(question(changes))


def test_a_withdrawal_is_never_narrowed() -> None:
    decision = decided(CONTENT)
    assert narrow(decision, question({"kind": "retraction"}), [BASE], AT) is decision


def test_a_narrowing_binds_what_arrived_before_it() -> None:
    # given a narrowing that was published after the record arrived, before it was decided
    later = replace(BASE, since=Instant(1_700))

    # then nothing is released, and the decision holds as long as the narrowing does
    left = narrow(decided(CONTENT), question(), [later], AT)
    assert left.outcome is Outcome.WITHHOLD
    assert left.valid_until == BASE.until


agencies = st.sampled_from([POLICE, COUNCIL, SCHOOL])
bounds = st.integers(1_000, 2_000).map(Instant)
narrowings = st.builds(
    Narrowing,
    st.sampled_from(["N1", "N2", "N3"]),
    agencies,
    agencies,
    st.sampled_from(Direction),
    st.sampled_from(["", POLICE, SCHOOL, "eastshire-council/mash"]),
    st.sampled_from(["", "missing-episode", "concern"]),
    st.sampled_from(["", "4.1", "2.2", "4.4"]),
    bounds,
    bounds,
    st.just(""),
    st.just(""),
)
grants = st.lists(
    st.builds(
        Grant,
        st.sampled_from(["4.1", "2.2", "4.4", "3.1"]),
        st.sets(st.integers(2, 31), min_size=1, max_size=4).map(lambda some: tuple(sorted(some))),
        st.booleans(),
    ),
    max_size=4,
)
asked = st.builds(
    lambda source, consumer, record_type: question(
        {"source.agency": source, "consumer.agency": consumer, "labels.type": record_type}
    ),
    st.one_of(st.none(), agencies),
    st.one_of(st.none(), agencies),
    st.sampled_from(["missing-episode", "concern", None]),
)


@given(grants, asked, st.lists(narrowings, max_size=3), st.lists(narrowings, max_size=2), bounds)
def test_narrowing_only_removes(
    given_grants: list[Grant],
    about: Question,
    some: list[Narrowing],
    more: list[Narrowing],
    at: Instant,
) -> None:
    # given any decision and any narrowings
    decision = decided(*given_grants)
    less = narrow(decision, about, some, at)

    # then no slot is opened, no floor is lost, no refusal or obligation goes
    assert set(less.slots) <= set(decision.slots)
    assert set(less.grants) <= set(decision.grants)
    assert [one for one in less.grants if one.floor] == [
        one for one in decision.grants if one.floor
    ]
    assert (less.refusals, less.obligations) == (decision.refusals, decision.obligations)
    assert list(Outcome).index(less.outcome) <= list(Outcome).index(decision.outcome)

    # and more of them never open more
    assert set(narrow(decision, about, [*some, *more], at).slots) <= set(less.slots)


@given(grants, asked, st.lists(narrowings, max_size=3), bounds, bounds)
def test_validity_is_honest(
    given_grants: list[Grant], about: Question, some: list[Narrowing], at: Instant, later: Instant
) -> None:
    # given a narrowed decision, when it is made again at an instant within its validity
    decision = decided(*given_grants)
    now = narrow(decision, about, some, at)
    assert now.valid_from <= at < now.valid_until

    # then it comes out the same
    if now.valid_from <= later < now.valid_until:
        assert narrow(decision, about, some, later) == now


def test_the_ends_of_an_unknown_consumer() -> None:
    narrowing = replace(BASE, agency=AgencyId("harbour-academy"), direction=Direction.RECEIVING)
    assert narrowing.concerns(question({"consumer.agency": None}))
    assert not narrowing.concerns(question())
