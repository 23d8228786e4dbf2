"""Linking and the fold of the registers: each rule, and what tries to get round it."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import DAY, Instant
from broker.records.names import AgencyId
from broker.subjects.registers import Entry, Link, Registers, Subject, chain
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
    mark,
    record_id,
    tokens,
)

NOW = Instant(20_500 * DAY)
GIRL = tokens(nhs="1", upn="1")
SECRET = Alert("protected-address", 20_400, None)


def subject(registers: Registers, of: Tokens) -> Subject:
    found = registers.find(of)
    assert found.link is Link.LINKED
    assert found.subject is not None
    return found.subject


def kinds(registers: Registers, of: Tokens = GIRL) -> dict[AgencyId, tuple[str, ...]]:
    return standing(subject(registers, of), NOW).involved


# Rule 1


@pytest.mark.parametrize(
    "of", [tokens(), tokens(None, nhs="1"), Tokens((), mark("born"), mark("weak"))]
)
def test_1_without_a_strong_identifier_and_a_birth_nobody_is_found(of: Tokens) -> None:
    # given a child that is known, when a record lacks one of the two
    found = folded(entry("a", GIRL)).find(of)

    # then it is unlinked, also if name and birth would fit
    assert (found.link, found.subject) == (Link.UNLINKED, None)


@pytest.mark.parametrize("of", [tokens(nhs="1"), tokens(upn="1"), tokens(nhs="1", council="9")])
def test_1_any_one_strong_identifier_with_the_birth_finds_the_child(of: Tokens) -> None:
    registers = folded(entry("a", GIRL, ON_ROLL))
    assert kinds(registers, of) == {SCHOOL: ("on-roll",)}


def test_1_a_child_that_nobody_knew_is_new() -> None:
    # given empty registers, when a record links, then it names a subject without changing anything
    registers = Registers()
    found = registers.find(GIRL)
    assert found.link is Link.LINKED
    assert found.subject is not None
    assert found.subject.ids() == (GIRL.strong[0][1],)
    assert registers.head.position == 0
    assert registers.wants(SCHOOL, GIRL)


def test_1_enough_records_keep_identifiers_together_and_one_of_each_agency() -> None:
    # given as many records of one school as are kept, when more come, then they are not needed
    registers = Registers()
    for number in range(ENOUGH):
        assert registers.wants(SCHOOL, GIRL)
        registers.apply(entry(f"{number}", GIRL))
    assert not registers.wants(SCHOOL, GIRL)
    assert not registers.wants(SCHOOL, tokens(nhs="1"))

    # but another agency's first is, and one that carries more, or another day of birth
    assert registers.wants(COUNCIL, GIRL)
    assert registers.wants(SCHOOL, tokens(nhs="1", council="9"))
    assert registers.wants(SCHOOL, tokens("2012-01-01", nhs="1"))


# Rule 2


def test_2_identifiers_that_a_record_carries_together_are_one_child_s() -> None:
    # given a school that knows a girl by her pupil number, and a hospital by her NHS number
    school, hospital = tokens(upn="1"), tokens(nhs="1")
    registers = folded(entry("a", school, ON_ROLL), entry("b", hospital, SECRET, by=COUNCIL))
    assert subject(registers, school) is not subject(registers, hospital)
    former = {subject(registers, one).id for one in (school, hospital)}

    # when a record carries both
    joined = registers.apply(entry("c", GIRL, by=COUNCIL))

    # then they are one child with all that was said of both, found by every identifier and old id
    assert subject(registers, school) is subject(registers, hospital) is joined
    assert set(joined.ids()) == former
    held = standing(joined, NOW)
    assert (held.involved, held.alerts) == ({SCHOOL: ("on-roll",)}, ("protected-address",))

    # and what was said before can still be taken back
    registers.apply(entry("d", school, retracts="a"))
    registers.apply(entry("e", hospital, retracts="b", by=COUNCIL))
    assert not subject(registers, GIRL).holds


def test_2_three_children_may_turn_out_to_be_one() -> None:
    ones = [tokens(nhs="1"), tokens(upn="1"), tokens(council="1")]
    registers = folded(*(entry(f"{number}", one, ON_ROLL) for number, one in enumerate(ones)))
    joined = registers.apply(entry("all", tokens(nhs="1", upn="1", council="1")))
    assert joined is not None
    assert len(joined.holds) == len(joined.ids()) == 3
    assert all(subject(registers, one) is joined for one in ones)


def test_2_twins_are_not_joined() -> None:
    # given twins: one birth, each with its own numbers
    one, other = tokens(nhs="1", upn="1"), tokens(nhs="2", upn="2")
    registers = folded(entry("a", one, ON_ROLL), entry("b", other, by=COUNCIL))

    # when a record carries an identifier of each, then it is ambiguous, and neither is changed
    found = registers.find(tokens(nhs="1", upn="2"))
    assert (found.link, found.subject) == (Link.AMBIGUOUS, None)
    assert kinds(registers, one) == {SCHOOL: ("on-roll",)}
    assert kinds(registers, other) == {}


def test_2_children_born_on_other_days_are_not_joined() -> None:
    registers = folded(
        entry("a", tokens("2011-09-25", nhs="1")), entry("b", tokens("2013-01-02", upn="2"))
    )
    for born in ("2011-09-25", "2013-01-02"):
        assert registers.find(tokens(born, nhs="1", upn="2")).link is Link.AMBIGUOUS


# Rule 3


@pytest.mark.parametrize(
    "of",
    [
        tokens("2012-01-01", nhs="1"),
        tokens(nhs="1", upn="9"),
        tokens(nhs="9", upn="1"),
        tokens("2012-01-01", nhs="1", upn="1"),
    ],
    ids=["birth", "pupil number", "NHS number", "birth, all else right"],
)
def test_3_anything_that_does_not_fit_is_ambiguous(of: Tokens) -> None:
    # given a girl with two numbers, when a record gives one of them and something else
    registers = folded(entry("a", GIRL))
    assert registers.find(of).link is Link.AMBIGUOUS

    # then it waits, and has no effect
    assert registers.apply(entry("b", of, ON_ROLL)) is None
    assert registers.knows(SCHOOL, record_id("b"))
    assert kinds(registers) == {}
    assert registers.find(of).link is Link.AMBIGUOUS


def test_3_a_clash_between_two_children_is_found_even_if_the_record_fits_both() -> None:
    # given two children known by one number each, and council ids that differ
    registers = folded(
        entry("a", tokens(nhs="1", council="1")), entry("b", tokens(upn="1", council="2"))
    )

    # when a record carries the two numbers, then the council ids tell that they are two
    assert registers.find(GIRL).link is Link.AMBIGUOUS


def test_3_which_record_comes_first_decides_what_clashes() -> None:
    # given three records, two of which cannot both be right
    one, other = entry("a", tokens(nhs="1", upn="1")), entry("b", tokens(nhs="1", upn="2"))

    # when either comes first, then it stands, and the other is ambiguous
    for first, second in ((one, other), (other, one)):
        registers = folded(first)
        assert registers.find(first.tokens).link is Link.LINKED
        assert registers.find(second.tokens).link is Link.AMBIGUOUS


# Rule 4


def test_4_a_later_version_takes_the_place_of_the_one_before() -> None:
    # given a girl on roll, when the school says that she left
    left = replace(ON_ROLL, last=20_499)
    registers = folded(entry("v1", GIRL, ON_ROLL), entry("v2", GIRL, left, supersedes="v1"))
    # then she is not on roll any more: her old school gets nothing
    assert kinds(registers) == {}


def test_4_a_source_takes_back_what_it_said() -> None:
    registers = folded(entry("v1", GIRL, ON_ROLL), entry("no", GIRL, retracts="v1"))
    assert kinds(registers) == {}


@pytest.mark.parametrize("how", ["retracts", "supersedes", "the same id"])
def test_4_nobody_ends_or_replaces_another_agency_s_record(how: str) -> None:
    # given an alert of the council, whose record id another agency has seen in a delivery
    alert = entry("alert", GIRL, SECRET, by=COUNCIL)
    registers = folded(alert)
    attack = {
        "retracts": entry("x", GIRL, by=OTHER_SCHOOL, retracts="alert"),
        "supersedes": entry("x", GIRL, ON_ROLL, by=OTHER_SCHOOL, supersedes="alert"),
        "the same id": entry("alert", GIRL, ON_ROLL, by=OTHER_SCHOOL),
    }[how]

    # when that agency tries to end it, then it stands
    registers.apply(attack)
    assert standing(subject(registers, GIRL), NOW).alerts == ("protected-address",)

    # and the council can end it still
    registers.apply(entry("no", GIRL, by=COUNCIL, retracts="alert"))
    assert standing(subject(registers, GIRL), NOW).alerts == ()


def test_4_another_agency_cannot_end_in_advance_what_is_not_there_yet() -> None:
    registers = folded(
        entry("x", GIRL, by=OTHER_SCHOOL, retracts="alert"),
        entry("alert", GIRL, SECRET, by=COUNCIL),
    )
    assert standing(subject(registers, GIRL), NOW).alerts == ("protected-address",)


VERSIONS = [
    entry("v1", GIRL, ON_ROLL),
    entry("v2", GIRL, replace(ON_ROLL, own_id="P-2"), supersedes="v1"),
    entry("v3", GIRL, replace(ON_ROLL, own_id="P-3"), supersedes="v2"),
    entry("alert", GIRL, SECRET),
    entry("no", GIRL, retracts="alert"),
]


@pytest.mark.parametrize("order", list(permutations(range(len(VERSIONS)))))
def test_4_what_was_ended_stays_ended_in_whatever_order_it_comes(order: tuple[int, ...]) -> None:
    # given versions and a retraction, some of which were held up in quarantine, when all are there
    registers = folded(*(VERSIONS[place] for place in order))
    held = standing(subject(registers, GIRL), NOW)

    # then the last version holds, and nothing that was ended
    assert held.involved == {SCHOOL: ("on-roll",)}
    assert held.own_ids == {SCHOOL: "P-3"}
    assert held.alerts == ()
    assert held.used == (VERSIONS[2].digest,)


def test_4_a_record_that_only_ties_identifiers_ends_nothing() -> None:
    # given a corrected record that states nothing for the registers
    registers = folded(entry("v1", GIRL, ON_ROLL), entry("x", GIRL, supersedes="v1"))
    assert kinds(registers) == {SCHOOL: ("on-roll",)}


def test_4_the_same_record_again_takes_its_own_place() -> None:
    # given a record that comes again, and now names another child
    other = tokens(nhs="2")
    registers = folded(entry("v1", GIRL, ON_ROLL), entry("v1", other, ON_ROLL))
    assert kinds(registers) == {}
    assert kinds(registers, other) == {SCHOOL: ("on-roll",)}


@pytest.mark.parametrize(
    "of", [tokens(None), tokens("2012-01-01", nhs="1")], ids=["unlinked", "ambiguous"]
)
def test_4_a_retraction_need_not_link(of: Tokens) -> None:
    # given an alert on the wrong child, when its source takes it back and names nobody, or wrongly
    registers = folded(entry("alert", GIRL, SECRET))
    assert registers.stated(SCHOOL, record_id("alert")) is subject(registers, GIRL)
    found = registers.apply(entry("no", of, retracts="alert"))

    # then it is gone, and so is the tie that it made; the retraction ties nothing itself
    assert found is not None
    assert found.holds == {}
    assert registers.stated(SCHOOL, record_id("alert")) is None
    assert subject(registers, GIRL).strong == {}


def test_4_an_entry_that_neither_names_nor_ends_anybody_cannot_be_written() -> None:
    registers = folded(entry("alert", GIRL, SECRET), entry("no", tokens(None), retracts="alert"))
    with pytest.raises(ValueError, match="end another one"):
        registers.apply(entry("no-2", tokens(None), retracts="alert"))


# Rule 5


def test_5_the_head_is_the_chain_over_digests() -> None:
    # given some entries, when they are folded, then the head follows from their digests alone
    registers = folded(*VERSIONS)
    assert registers.head == chain([one.digest for one in VERSIONS])
    assert registers.head.position == len(VERSIONS)
    assert Registers().head == chain([])

    # and another order, or one left out, is another head
    assert registers.head != chain([one.digest for one in VERSIONS[::-1]])
    assert registers.head != chain([one.digest for one in VERSIONS[1:]])


# What holds whatever comes

SYSTEMS = st.fixed_dictionaries(
    {}, optional={system: st.sampled_from("123") for system in ("nhs", "upn", "council")}
)
AGENCIES = st.sampled_from([SCHOOL, OTHER_SCHOOL, COUNCIL])
NAMES = st.sampled_from("abcdef")
STATES = st.none() | st.builds(
    Involvement,
    st.sampled_from(["on-roll", "placed"]),
    st.integers(20_490, 20_510),
    st.none() | st.integers(20_490, 20_510),
    st.none(),
)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    return [
        entry(
            draw(NAMES),
            tokens(draw(st.sampled_from(["2011-09-25", "2013-01-02"])), **draw(SYSTEMS)),
            draw(STATES),
            by=draw(AGENCIES),
            supersedes=draw(st.none() | NAMES),
            retracts=draw(st.none() | NAMES),
        )
        for _ in range(draw(st.integers(1, 12)))
    ]


@given(entries())
def test_no_subject_ever_has_two_identifiers_of_one_system(said: list[Entry]) -> None:
    # given any entries, when those that can be are folded
    registers = Registers()
    taken = [one for one in said if _took(registers, one)]

    # then each identifier names one child, and that child has it as the only one of its system
    for token, found in registers._by_token.items():
        assert token in found.strong.values()
        assert all(registers._by_token[other] is found for other in found.strong.values())
    for one in registers._stands.values():
        for system, token in one.tokens.strong:
            placed = registers._by_token.get(token)
            assert placed is None or placed.strong[system] == token

    # and every record that holds stands with the one subject that the index names for it
    for source, found in registers._of_record.items():
        assert source in found.holds
    subjects = {id(one): one for one in registers._by_token.values()}.values()
    assert sum(len(one.holds) for one in subjects) == len(registers._of_record)

    # and the head is that of the entries taken, also when they are folded again
    assert registers.head == chain([one.digest for one in taken])
    again = folded(*taken)
    assert again.head == registers.head
    assert again._of_record.keys() == registers._of_record.keys()
    assert {t: s.id for t, s in again._by_token.items()} == {
        t: s.id for t, s in registers._by_token.items()
    }


def _took(registers: Registers, one: Entry) -> bool:
    try:
        registers.apply(one)
    except ValueError:
        return False
    return True


@given(entries(), SYSTEMS)
def test_looking_changes_nothing(said: list[Entry], systems: dict[str, str]) -> None:
    registers = Registers()
    for one in said:
        _took(registers, one)
    before = (registers.head, {token: one.id for token, one in registers._by_token.items()})
    first, second = (registers.find(tokens(**systems)) for _ in range(2))
    assert (first.link, first.subject) == (second.link, second.subject)
    after = (registers.head, {token: one.id for token, one in registers._by_token.items()})
    assert before == after
