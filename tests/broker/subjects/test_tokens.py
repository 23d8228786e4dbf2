"""Tokens and identifiers: equal for equal people, nothing without the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.records.head import MOST_CHARACTERS
from broker.records.names import Partnership
from broker.records.statement import Identifiers
from broker.subjects.identifiers import UPN_LETTERS, is_date, is_nhs_number, is_upn
from broker.subjects.tokens import STRONG, Tokeniser, Tokens, normalise
from tests.broker.records.sources import PARTNERSHIP

KEY = bytes(range(32))
TOKENISER = Tokeniser(KEY, PARTNERSHIP)
NHS = "9990000018"


def upn(digits: str) -> str:
    """Return a pupil number with the check letter of its twelve digits."""
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return UPN_LETTERS[total % 23] + digits


UPN = upn("801200001001")
WHOLE = Identifiers(NHS, UPN, "ES-1001", "P-77", "Zoë", "O'Brien", "2011-09-25")


def test_a_record_gives_a_token_for_each_strong_identifier() -> None:
    # given all identifiers, when tokens are made, then they stand in the fixed order of systems
    tokens = TOKENISER.tokens(WHOLE)
    assert tuple(system for system, _ in tokens.strong) == STRONG
    assert tokens.born is not None
    assert tokens.weak is not None

    # and all differ, the weak one last; the source's own id makes none
    assert tokens.all() == (*(token for _, token in tokens.strong), tokens.weak)
    assert len({*tokens.all(), tokens.born}) == 5
    assert {len(token) for token in tokens.all()} == {16}
    assert TOKENISER.token("own", "P-77") not in tokens.all()


def test_what_is_missing_gives_none() -> None:
    assert TOKENISER.tokens(Identifiers()) == Tokens((), None, None)
    assert TOKENISER.tokens(Identifiers()).all() == ()
    assert TOKENISER.tokens(Identifiers(own_id="P-77")).strong == ()


@pytest.mark.parametrize(
    "missing", [{"given": None}, {"family": ""}, {"date_of_birth": None}, {"given": " "}]
)
def test_the_weak_token_needs_all_three(missing: dict[str, str | None]) -> None:
    said = {"given": "Ann", "family": "Lee", "date_of_birth": "2011-09-25", **missing}
    assert TOKENISER.tokens(Identifiers(**said)).weak is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Identifiers(nhs_number=NHS), Identifiers(nhs_number="999 000 0018")),
        (Identifiers(upn=UPN), Identifiers(upn=UPN.lower())),
        (Identifiers(council_id="ES-1001"), Identifiers(council_id=" es-1001 ")),
        (Identifiers(council_id="ES1"), Identifiers(council_id="\uff25\uff33\uff11")),
        (
            Identifiers(given="ZOË", family="Strauß", date_of_birth="2011-09-25"),
            Identifiers(given="Zoe\u0308", family="STRAUSS", date_of_birth="2011-09-25"),
        ),
        (
            Identifiers(given="Ann Marie", family="Lee", date_of_birth="2011-09-25"),
            Identifiers(given="Annmarie", family="Lee", date_of_birth="2011-09-25"),
        ),
    ],
    ids=["NHS number", "pupil number", "council", "wide letters", "accents", "spaces"],
)
def test_spelling_makes_no_second_person(one: Identifiers, other: Identifiers) -> None:
    assert TOKENISER.tokens(one) == TOKENISER.tokens(other)


def test_names_do_not_run_together() -> None:
    # given two children whose names only read alike when written in one word
    one, other = (
        Identifiers(given=given, family=family, date_of_birth="2011-09-25")
        for given, family in (("Ann", "Marie"), ("Annmar", "ie"))
    )
    assert TOKENISER.tokens(one).weak != TOKENISER.tokens(other).weak
    swapped = Identifiers(given="Marie", family="Ann", date_of_birth="2011-09-25")
    assert TOKENISER.tokens(one).weak != TOKENISER.tokens(swapped).weak


def test_one_value_in_two_systems_is_two_tokens() -> None:
    assert TOKENISER.token("nhs", "1") != TOKENISER.token("council", "1")
    assert TOKENISER.token("a", "bc") != TOKENISER.token("ab", "c")


def test_another_key_or_partnership_gives_other_tokens() -> None:
    # given somebody who knows a child's number, and not the key
    token = TOKENISER.token("nhs", NHS)
    assert Tokeniser(bytes(32), PARTNERSHIP).token("nhs", NHS) != token
    assert Tokeniser(KEY, Partnership(bytes(32))).token("nhs", NHS) != token


@given(st.text())
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    plain = normalise(text)
    assert normalise(plain) == plain
    assert not any(sign.isspace() for sign in plain)


@given(st.builds(Identifiers, *[st.none() | st.text(max_size=MOST_CHARACTERS) for _ in range(7)]))
def test_any_identifiers_that_the_check_lets_through_give_tokens(said: Identifiers) -> None:
    # given any text in place of identifiers, when tokens are made, then that works and is the same
    tokens = TOKENISER.tokens(said)
    assert TOKENISER.tokens(said) == tokens
    assert len(tokens.all()) <= 4


def test_the_longest_names_still_have_a_length() -> None:
    # given letters that become many when they are normalised
    long = "\ufdfa" * MOST_CHARACTERS
    said = Identifiers(given=long, family=long, council_id=long, date_of_birth="2011-09-25")
    assert len(TOKENISER.tokens(said).all()) == 2


@pytest.mark.parametrize("number", ["9990000018", "9990000026", "9990000034"])
def test_an_nhs_number_with_its_check_digit(number: str) -> None:
    assert is_nhs_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "9990000019",
        "0000000000",
        "1111111111",
        "999000001",
        "99900000180",
        "999000001X",
        "",
        "\uff19" * 10,
    ],
)
def test_no_nhs_number(number: str) -> None:
    assert not is_nhs_number(number)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 8))
def test_a_mistyped_nhs_number_is_none(digit: int, other: int, place: int) -> None:
    # given a valid number, when one digit is another, then it is not valid
    number = list(NHS)
    if number[place] == str(digit):
        digit = (digit + 1 + other % 9) % 10
    if number[place] != str(digit):
        number[place] = str(digit)
        assert not is_nhs_number("".join(number))


def test_a_number_whose_check_digit_would_be_ten_is_none() -> None:
    # given a hundred beginnings, when every last digit is tried, then one in eleven has none
    without = [
        base
        for base in range(999_000_000, 999_000_100)
        if not any(is_nhs_number(f"{base}{digit}") for digit in range(10))
    ]
    assert 3 < len(without) < 20


@pytest.mark.parametrize("number", [UPN, upn("999999999999"), "A" + "0" * 12])
def test_a_pupil_number_with_its_check_letter(number: str) -> None:
    assert is_upn(number)


def test_a_temporary_pupil_number_counts_its_letter() -> None:
    # given twelve places of which the last is a letter
    body = "80120000100"
    found = [
        letter + body + last
        for letter in UPN_LETTERS
        for last in "ABC"
        if is_upn(letter + body + last)
    ]
    # then each last letter has exactly one check letter
    assert len(found) == 3


@pytest.mark.parametrize(
    "number",
    [
        "",
        UPN[1:],
        UPN + "0",
        UPN.lower(),
        "I801200001001",
        ("B" if UPN[0] == "A" else "A") + UPN[1:],
        UPN[:-1] + "I",
    ],
)
def test_no_pupil_number(number: str) -> None:
    assert not is_upn(number)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("2011-09-25", True),
        ("2012-02-29", True),
        ("2011-02-29", False),
        ("2011-9-25", False),
        ("25/09/2011", False),
        ("20110925", False),
        ("2011-W39-7", False),
        ("0000-01-01", False),
        ("", False),
    ],
)
def test_dates(text: str, *, fits: bool) -> None:
    assert is_date(text) is fits


@pytest.mark.parametrize(
    "wrong",
    [
        Identifiers(nhs_number="9990000019", date_of_birth="2011-09-25"),
        Identifiers(upn="A123", date_of_birth="2011-09-25"),
        Identifiers(council_id="  ", date_of_birth="2011-09-25"),
    ],
)
def test_an_identifier_that_is_not_valid_links_nobody(wrong: Identifiers) -> None:
    assert TOKENISER.tokens(wrong).strong == ()


def test_a_birth_that_is_no_day_links_nobody() -> None:
    assert TOKENISER.tokens(Identifiers(nhs_number=NHS, date_of_birth="25.9.2011")).born is None
