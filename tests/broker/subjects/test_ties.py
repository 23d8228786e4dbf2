"""A tie that a wrong record made is undone with it: the registers are as if it had never come."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, Instant
from broker.records.names import AgencyId
from broker.subjects.registers import Entry, Link, Registers
from broker.subjects.standing import standing
from broker.subjects.states import Alert, Involvement
from broker.subjects.ties import ENOUGH
from broker.subjects.tokens import Tokens
from tests.broker.subjects.children import (
    COUNCIL,
    ON_ROLL,
    OTHER_SCHOOL,
    SCHOOL,
    entry,
    folded,
    record_id,
    tokens,
)

NOW = Instant(20_500 * DAY)
GIRL, OTHER = tokens(nhs="1"), tokens(upn="2")
BOTH = tokens(nhs="1", upn="2")
SECRET = Alert("protected-address", 20_400, None)


def whose(registers: Registers, of: Tokens) -> object:
    """Return how identifiers link, and all that is known of whom they name."""
    found = registers.find(of)
    if found.subject is None:
        return found.link
    return found.link, found.subject.id, found.subject.strong, standing(found.subject, NOW)


def everything(registers: Registers) -> object:
    """Return how all identifiers of these tests link, alone and in pairs, and what is known."""
    births = ("2011-09-25", "2013-01-02")
    singles = [{system: value} for system in ("nhs", "upn", "council") for value in "123"]
    pairs = [a | b for a in singles for b in singles if a.keys() != b.keys()]
    return [whose(registers, tokens(born, **one)) for born in births for one in singles + pairs]


# ------------------------------------------------------------------ joined wrongly


def test_two_children_whom_a_wrong_record_joined_are_two_again() -> None:
    # given two children, each with what protects her, and a record that carries a number of each
    registers = folded(
        entry("a", GIRL, SECRET, by=COUNCIL), entry("b", OTHER, ON_ROLL), entry("wrong", BOTH)
    )
    assert whose(registers, GIRL) == whose(registers, OTHER)

    # when its source takes it back
    registers.apply(entry("no", tokens(None), retracts="wrong"))

    # then each is known by her own number, with her own
    one, other = registers.find(GIRL).subject, registers.find(OTHER).subject
    assert one is not None
    assert other is not None
    assert standing(one, NOW).alerts == ("protected-address",)
    assert standing(one, NOW).involved == {}
    assert standing(other, NOW).alerts == ()
    assert standing(other, NOW).involved == {SCHOOL: ("on-roll",)}


def test_the_retraction_ties_nothing_even_if_it_repeats_the_identifiers() -> None:
    registers = folded(entry("a", GIRL, ON_ROLL), entry("wrong", BOTH, SECRET))
    registers.apply(entry("no", BOTH, retracts="wrong"))
    assert whose(registers, OTHER) == whose(Registers(), OTHER)


def test_a_corrected_record_takes_the_place_of_the_wrong_one_also_if_it_clashed_with_it() -> None:
    # given a record with another child's pupil number
    right = tokens(nhs="1", upn="1")
    registers = folded(entry("b", OTHER, ON_ROLL), entry("wrong", BOTH))
    assert registers.find(right).link is Link.AMBIGUOUS
    assert registers.only_ties(SCHOOL, record_id("wrong"))

    # when it is corrected, then the right number is hers, and the other child is alone
    registers.apply(entry("right", right, supersedes="wrong"))
    assert whose(registers, tokens(upn="1")) == whose(registers, GIRL)
    found = registers.find(OTHER).subject
    assert found is not None
    assert found.strong == dict(OTHER.strong)


def test_another_record_that_carries_the_pair_keeps_it() -> None:
    registers = folded(entry("one", BOTH), entry("two", BOTH, by=COUNCIL))
    registers.apply(entry("no", tokens(None), retracts="one"))
    assert whose(registers, GIRL) == whose(registers, OTHER)
    registers.apply(entry("no", tokens(None), by=COUNCIL, retracts="two"))
    assert whose(registers, GIRL) == whose(Registers(), GIRL)


def test_a_tie_outlives_all_but_the_last_of_those_that_keep_it() -> None:
    registers = folded(*(entry(f"{number}", BOTH) for number in range(ENOUGH)))
    for number in range(ENOUGH):
        assert registers.find(GIRL).subject is registers.find(OTHER).subject
        registers.apply(entry(f"no {number}", tokens(None), retracts=f"{number}"))
    assert registers.find(GIRL).subject is not registers.find(OTHER).subject


def test_a_stranger_s_retraction_unties_nothing() -> None:
    registers = folded(entry("a", GIRL, ON_ROLL), entry("wrong", BOTH))
    before = everything(registers)
    registers.apply(entry("x", GIRL, by=OTHER_SCHOOL, retracts="wrong"))
    assert everything(registers) == before


# ------------------------------------------------------------------ a wrong date of birth


def test_a_wrong_date_of_birth_holds_up_later_records_until_it_is_taken_back() -> None:
    # given a child whose first record has a wrong date of birth: the school's roll is ambiguous
    wrong = tokens("2012-01-01", nhs="1")
    registers = folded(entry("wrong", wrong, by=COUNCIL))
    assert registers.apply(entry("roll", GIRL, ON_ROLL)) is None

    # when the council takes it back, then the roll holds, though the school says nothing new
    registers.apply(entry("no", tokens(None), by=COUNCIL, retracts="wrong"))
    found = registers.find(GIRL).subject
    assert found is not None
    assert standing(found, NOW).involved == {SCHOOL: ("on-roll",)}
    assert registers.find(wrong).link is Link.AMBIGUOUS


def test_a_wrong_date_of_birth_that_is_corrected_holds_up_nothing() -> None:
    wrong = tokens("2012-01-01", nhs="1")
    registers = folded(entry("wrong", wrong, ON_ROLL), entry("alert", GIRL, SECRET, by=COUNCIL))
    registers.apply(entry("right", GIRL, ON_ROLL, supersedes="wrong"))
    found = registers.find(GIRL).subject
    assert found is not None
    held = standing(found, NOW)
    assert (held.involved, held.alerts) == ({SCHOOL: ("on-roll",)}, ("protected-address",))


def test_a_version_that_finds_nobody_does_not_end_what_protects() -> None:
    # given an alert, when its next version comes with a number that is another child's
    registers = folded(
        entry("alert", tokens(nhs="1", upn="1"), SECRET), entry("b", OTHER, ON_ROLL, by=COUNCIL)
    )
    registers.apply(entry("c", tokens(upn="2", council="2"), by=COUNCIL))
    registers.apply(entry("d", tokens(nhs="1", council="1"), by=COUNCIL))
    registers.apply(entry("next", BOTH, replace(SECRET, first=20_450), supersedes="alert"))

    # then the former one goes on protecting
    found = registers.find(GIRL).subject
    assert found is not None
    assert standing(found, NOW).alerts == ("protected-address",)


# ------------------------------------------------------------------ whatever comes

SYSTEMS = st.dictionaries(
    st.sampled_from(["nhs", "upn", "council"]), st.sampled_from("123"), min_size=1
)
AGENCIES = st.sampled_from([SCHOOL, COUNCIL])
STATES = st.sampled_from([None, None, ON_ROLL, SECRET, Involvement("placed", 20_490, None, None)])


@st.composite
def statements(draw: st.DrawFn) -> list[Entry]:
    """Return records without versions or retractions, each with an id of its own."""
    return [
        entry(
            f"{number}",
            tokens(draw(st.sampled_from(["2011-09-25", "2013-01-02"])), **draw(SYSTEMS)),
            draw(STATES),
            by=draw(AGENCIES),
        )
        for number in range(draw(st.integers(1, 8)))
    ]


def takes_back(said: Entry, by: AgencyId) -> Entry:
    made = entry(f"no {by}", tokens(None), by=by)
    return replace(made, retracts=said.record_id)


@given(statements(), st.data())
def test_what_is_taken_back_might_never_have_come(said: list[Entry], data: st.DataObject) -> None:
    # given any records, when one is taken back at any time after it, perhaps once more
    gone = data.draw(st.integers(0, len(said) - 1))
    when = data.draw(st.integers(gone + 1, len(said)))
    no = takes_back(said[gone], said[gone].agency)
    registers = folded(*said[:when], no, *said[when:])

    # then everybody links, and everything holds, as if it had not been there
    assert everything(registers) == everything(folded(*said[:gone], *said[gone + 1 :]))


@given(statements(), st.data())
def test_several_that_are_taken_back_might_never_have_come(
    said: list[Entry], data: st.DataObject
) -> None:
    gone = data.draw(st.lists(st.sampled_from(said), unique_by=lambda one: one.record_id))
    noes = [replace(takes_back(one, one.agency), digest=one.digest) for one in gone]
    left = [one for one in said if one not in gone]
    assert everything(folded(*said, *noes)) == everything(folded(*left))


@given(statements(), st.data())
def test_a_stranger_s_retraction_changes_nothing(said: list[Entry], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(said))
    stranger = takes_back(one, OTHER_SCHOOL)
    named = replace(stranger, tokens=one.tokens)
    assert everything(folded(*said, named)) == everything(folded(*said))


@given(statements(), st.data())
def test_the_order_of_records_about_others_does_not_matter(
    said: list[Entry], data: st.DataObject
) -> None:
    # given records, and others that share no identifier with them, in between anywhere
    places = data.draw(st.lists(st.integers(0, len(said)), min_size=1, max_size=3))
    mixed = list(said)
    for number, place in enumerate(places):
        other = entry(f"other {number}", tokens(nhs=f"9{number}"), ON_ROLL)
        mixed.insert(min(place, len(mixed)), other)
    assert everything(folded(*mixed)) == everything(folded(*said))


@given(statements())
def test_few_records_keep_what_many_say(said: list[Entry]) -> None:
    # given many records, when only those that are wanted become entries, as the router does it
    registers = Registers()
    for one in said:
        if one.states is not None or registers.wants(one.agency, one.tokens):
            registers.apply(one)

    # then everybody links as by all of them
    everyone = folded(*said)
    assert [link_of(registers, one) for one in said] == [link_of(everyone, one) for one in said]


def link_of(registers: Registers, of: Entry) -> Link:
    return registers.find(of.tokens).link
