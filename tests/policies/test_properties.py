"""What must hold for any protocol and any question, tried on the module.

Protocols are made of small clauses over a few attributes, so that they meet; questions are made of
the same few codes, or do not know.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.backends.opa_module import ModulePoint
from broker.clock import FOREVER, Instant
from broker.protocol.checks import check_text
from broker.protocol.clauses import Clause, Condition, Effect, Kind, Stated, Test
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.difference import clause_changes
from broker.protocol.policy_data import policy_data
from broker.protocol.questions import Question
from broker.protocol.reach import Reach, together
from tests.broker.protocol.county import COUNCIL, SCHEMAS, county, question

EXAMPLES = 40
"""Protocols tried for each property: each loads the module's data anew, 60 ms on a busy machine."""

QUESTIONS = 12
"""Questions asked of each protocol, in one call."""

IN_FORCE = county().agreement.in_force
UNTIL = county().agreement.until
DAYS = [IN_FORCE, IN_FORCE + 1_000, IN_FORCE + 2_000, IN_FORCE + 3_000]
INSTANTS = st.sampled_from(
    [Instant(day + step) for day in [*DAYS, UNTIL] for step in (-1, 0, 1, 500)]
)

FEW: Mapping[str, tuple[Any, ...]] = {
    "labels.facts": ("missing:current", "missing:high-risk"),
    "labels.protections": ("sexual-health",),
    "alerts": ("protected-address", "safe-contact"),
    "consumer.involvement": ("on-roll", "allocated"),
    "consumer.type": ("education", "social-care"),
    "consumer.relation": ("involved", "named"),
    "consumer.order": ("none", "forbids", "requires"),
    "consumer.staff": ("match", "none-found", "not-checked"),
    "consumer.addressed": (True, False),
    "labels.handling": ("none", "C"),
    "kind": ("record", "history"),
    "labels.third_party_checked": (True, False),
}
SETS = ("labels.facts", "labels.protections", "alerts", "consumer.involvement")
SLOTS = ("contact", "identity", "episode", "last_seen", "coded", "tag:place", "all")


def conditions() -> st.SearchStrategy[Condition]:
    def of(name: str) -> st.SearchStrategy[Condition]:
        some = st.sets(st.sampled_from(FEW[name]), min_size=1).map(lambda v: tuple(sorted(v)))
        if name not in SETS:
            return st.builds(
                Condition, st.just(name), st.sampled_from([Test.IN, Test.NOT_IN]), some
            )
        compared = st.builds(
            Condition, st.just(name), st.sampled_from([Test.ANY, Test.ALL, Test.NONE]), some
        )
        bare = st.builds(Condition, st.just(name), st.sampled_from([Test.SOME, Test.EMPTY]))
        return st.one_of(compared, bare)

    special = st.sampled_from([True, False]).map(
        lambda value: Condition("special.source_tells_place", Test.IN, (value,))
    )
    return st.one_of(*(of(name) for name in FEW), special)


EFFECTS = st.sampled_from([Effect.CONTENT, Effect.EXISTENCE, Effect.REFER, Effect.REFUSE])


@st.composite
def clauses(draw: st.DrawFn, name: str) -> Clause:
    effect = draw(EFFECTS)
    words = st.lists(st.sampled_from(SLOTS), min_size=1, max_size=3).map(tuple)
    first, until = sorted(
        draw(st.lists(st.sampled_from([0, *DAYS, FOREVER]), min_size=2, max_size=2))
    )
    floor = effect.grants and draw(st.booleans())
    return Clause(
        id=name,
        title="-",
        text="-",
        gateway="-",
        condition="-",
        confidentiality="-",
        necessity="-",
        effect=effect,
        floor=floor,
        outranks=floor and effect is Effect.CONTENT and draw(st.booleans()),
        within=1_000 if effect is Effect.REFER else None,
        when=tuple(draw(st.lists(conditions(), max_size=2, unique_by=lambda one: one.attribute))),
        slots=("contact",) if effect is Effect.EXISTENCE else draw(words),
        obligations=(Stated(Kind.DO_NOT_FORWARD),) if effect.grants else (),
        first=Instant(first),
        until=Instant(until),
    )


@st.composite
def protocols(draw: st.DrawFn) -> tuple[Clause, ...]:
    count = draw(st.integers(1, 6))
    default = replace(county().clauses[0], id="0")
    return (default, *(draw(clauses(str(number + 1))) for number in range(count)))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    changes: dict[str, Any] = {}
    for name, codes in FEW.items():
        if draw(st.integers(0, 4)) == 0:
            changes[name] = None
        elif name in SETS:
            changes[name] = sorted(draw(st.sets(st.sampled_from(codes))))
        else:
            changes[name] = draw(st.sampled_from(codes))
    changes["answer"] = draw(st.sampled_from(["none", "none", "share", "refuse"]))
    changes["consumer.agency"] = COUNCIL
    changes["source.type"] = draw(st.sampled_from(["police", "education", None]))
    return question(changes)


asked = st.lists(questions(), min_size=QUESTIONS, max_size=QUESTIONS)


@contextmanager
def engine() -> Iterator["Engine"]:
    with ModulePoint(county().module, county().data, county().digest) as module:
        yield Engine(module)


class Engine:
    """The module, given one protocol after another without being compiled each time."""

    def __init__(self, module: ModulePoint) -> None:
        self._module = module

    def decide(
        self,
        protocol: Sequence[Clause],
        about: Sequence[Question],
        at: Instant,
        guests: Sequence[str] = (),
    ) -> tuple[Decision, ...]:
        data = policy_data(county().agreement, protocol, SCHEMAS.types())
        data["guests"] = dict.fromkeys(guests, True)
        self._module._policy.set_data({"protocol": data, "revision": county().digest.hex()})
        return self._module.decide_now(about, at).decisions


@pytest.fixture(scope="module")
def module() -> Iterator[Engine]:
    """One compiled module for all properties."""
    with engine() as made:
        yield made


def opens_no_more(less: Decision, more: Decision) -> bool:
    order = list(Outcome)
    released = [Outcome.EXISTENCE, Outcome.CONTENT]
    return set(less.slots) <= set(more.slots) and (
        less.outcome not in released or order.index(less.outcome) <= order.index(more.outcome)
    )


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS, which=st.integers(0, 5))
def test_fewer_grants_never_release_more(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant, which: int
) -> None:
    # given a protocol, when one of its granting clauses is taken out
    granting = [clause for clause in protocol if clause.effect.grants]
    if not granting:
        return
    gone = granting[which % len(granting)]
    left = [clause for clause in protocol if clause is not gone]

    # then no slot is opened that was not, whoever asks
    before, after = module.decide(protocol, about, at), module.decide(left, about, at)
    assert all(opens_no_more(less, more) for less, more in zip(after, before, strict=True))


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS, which=st.integers(0, 5))
def test_more_refusals_and_referrals_never_release_more(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant, which: int
) -> None:
    # given a protocol, when a clause that closes or waits is taken out; an answer by a person may
    # open what a referral names, so only questions that nobody has answered are asked
    closing = [clause for clause in protocol if clause.effect in {Effect.REFUSE, Effect.REFER}]
    open_questions = [one for one in about if one.answer == "none"]
    if not closing or not open_questions:
        return
    gone = closing[which % len(closing)]
    left = [clause for clause in protocol if clause is not gone]

    # then nothing is closed that was open
    with_it = module.decide(protocol, open_questions, at)
    without = module.decide(left, open_questions, at)
    assert all(opens_no_more(less, more) for less, more in zip(with_it, without, strict=True))


@settings(max_examples=EXAMPLES)
@given(
    protocol=protocols(), about=asked, at=INSTANTS, forgotten=st.sampled_from([*FEW, "source.type"])
)
def test_an_unknown_never_releases_more_than_a_known(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant, forgotten: str
) -> None:
    # given questions, when one attribute of each is forgotten
    blind = [_forget(one, forgotten) for one in about]

    # then no slot is opened that was not
    seen, unseen = module.decide(protocol, about, at), module.decide(protocol, blind, at)
    assert all(opens_no_more(less, more) for less, more in zip(unseen, seen, strict=True))


def _forget(one: Question, name: str) -> Question:
    group, _, leaf = name.rpartition(".")
    if not group:
        return replace(one, **{leaf: None})  # type: ignore[arg-type]  # fields by name
    return replace(one, **{group: replace(getattr(one, group), **{leaf: None})})


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS, order=st.randoms(use_true_random=False))
def test_the_order_of_clauses_does_not_matter(
    module: Engine,
    protocol: tuple[Clause, ...],
    about: list[Question],
    at: Instant,
    order: Any,  # noqa: ANN401 - hypothesis' own
) -> None:
    shuffled = list(protocol)
    order.shuffle(shuffled)
    turned = [replace(clause, when=tuple(reversed(clause.when))) for clause in shuffled]
    assert module.decide(turned, about, at) == module.decide(protocol, about, at)


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS, other=INSTANTS)
def test_validity_is_honest(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant, other: Instant
) -> None:
    # given decisions with the span in which they hold
    now = module.decide(protocol, about, at)
    assert all(one.valid_from <= at < one.valid_until for one in now)

    # then at any instant of that span they are the same
    if now[0].valid_from <= other < now[0].valid_until:
        assert module.decide(protocol, about, other) == now


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS)
def test_the_floor_is_part_of_the_whole(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant
) -> None:
    for one in module.decide(protocol, about, at):
        assert set(one.floor_slots) <= set(one.slots)
        assert 1 not in one.slots
        assert (0 in one.slots) is (one.outcome is Outcome.CONTENT)
        assert bool(one.obligations) <= one.outcome.releases
        assert one.task is None or not one.outcome.releases or one.referrals or not one.grants


@settings(max_examples=EXAMPLES)
@given(about=asked, at=INSTANTS)
def test_eastshire_tells_no_place_that_is_protected(
    module: Engine, about: list[Question], at: Instant
) -> None:
    # given Eastshire's own clauses and children whose address is or may be protected
    protected = [one for one in about if one.alerts is None or "protected-address" in one.alerts]
    schema = SCHEMAS.named("missing-episode", "1.0")

    # then no slot that reveals a place is open to anybody
    for one in module.decide(county().clauses, protected, at) if protected else ():
        assert not set(schema.tagged("place")) & set(one.slots)


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS)
def test_a_guest_sees_only_its_own_child(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant
) -> None:
    # given the same recipient as a member and as a guest
    member = module.decide(protocol, about, at)
    guest = module.decide(protocol, about, at, guests=[COUNCIL])

    # then about a child that it works with it is told the same, about any other nothing
    for one, before, after in zip(about, member, guest, strict=True):
        if one.consumer.involvement:
            assert (after.outcome, after.slots) == (before.outcome, before.slots)
        elif one.consumer.relation not in {"holder", "sender"}:
            assert not after.outcome.releases


@st.composite
def changed(draw: st.DrawFn) -> tuple[tuple[Clause, ...], tuple[Clause, ...]]:
    """A protocol, and one in which a clause is another one, has another part, is gone or new."""
    protocol = draw(protocols())
    place = draw(st.integers(1, len(protocol) - 1))
    other = draw(clauses(protocol[place].id))
    part = draw(st.sampled_from(["effect", "when", "slots", "obligations", "first", "until", ""]))
    if part and not (part == "effect" and Effect.REFER in {other.effect, protocol[place].effect}):
        other = replace(protocol[place], **{part: getattr(other, part)})
    left, right = protocol[:place], protocol[place + 1 :]
    after = draw(st.sampled_from([(*left, other, *right), (*left, *right)]))
    return (protocol, after) if draw(st.booleans()) else (after, protocol)


@settings(max_examples=3 * EXAMPLES)
@given(both=changed(), about=asked, at=INSTANTS)
def test_what_is_said_of_a_change_is_so(
    module: Engine,
    both: tuple[tuple[Clause, ...], tuple[Clause, ...]],
    about: list[Question],
    at: Instant,
) -> None:
    # given two protocols, of which the difference says what can be released
    before, after = both
    reach = together(one.reach for one in clause_changes(before, after, SCHEMAS.types()))
    # then it is so, whoever asks
    was, now = module.decide(before, about, at), module.decide(after, about, at)
    if reach in {Reach.SAME, Reach.LESS}:
        assert all(opens_no_more(less, more) for less, more in zip(now, was, strict=True))
    if reach in {Reach.SAME, Reach.MORE}:
        assert all(opens_no_more(less, more) for less, more in zip(was, now, strict=True))


@settings(max_examples=EXAMPLES)
@given(protocol=protocols(), about=asked, at=INSTANTS)
def test_what_the_checks_say_of_a_clause_is_so(
    module: Engine, protocol: tuple[Clause, ...], about: list[Question], at: Instant
) -> None:
    # given what is found in a protocol's text
    found = check_text(county().agreement, protocol, (), SCHEMAS.types())
    kinds = {kind: {one.clause for one in found if one.kind == kind} for kind in KINDS}
    # then a clause that can never apply, is never in force or is always closed opens nothing
    decisions = module.decide(protocol, about, at)
    dead = kinds["never-applies"] | kinds["never-in-force"] | kinds["always-closed"]
    assert not dead & {name for one in decisions for name in one.clauses}
    # and without one that adds nothing the same is open
    for name in kinds["adds-nothing"]:
        left = [clause for clause in protocol if clause.id != name]
        for one, without in zip(decisions, module.decide(left, about, at), strict=True):
            assert (one.outcome, one.slots) == (without.outcome, without.slots)


KINDS = ("never-applies", "never-in-force", "always-closed", "adds-nothing")
