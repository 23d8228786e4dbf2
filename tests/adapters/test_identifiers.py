"""Identifiers are checked, never trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhs_number.validate import calculate_checksum

from adapters.dates import iso_day
from adapters.errors import InputRefused
from adapters.identifiers import Child, Said, age_band, check, local_id, nhs_number, upn
from broker.subjects.identifiers import is_nhs_number
from tests.adapters.reading_support import AT, NHS, UPN

BORN = iso_day("2011-09-25", "d")


@pytest.mark.parametrize("text", [NHS, "999 000 0018", " 999-000-0018 ", "9449303223"])
def test_valid_nhs_numbers(text: str) -> None:
    # Given a valid number in a usual notation, when it is checked, then ten digits are left.
    found = nhs_number(text)
    assert found is not None
    assert len(found) == 10


@pytest.mark.parametrize(
    "text",
    [
        "9990000019",
        "999000001",
        "",
        "٩٩٩٠٠٠٠٠١٨",
        "5000000000",
        "0101010101",
        "4444444444",
        "99900000l8",
    ],
)
def test_invalid_nhs_numbers(text: str) -> None:
    # Given a wrong digit, length, alphabet or range, when it is checked, then it does not pass.
    assert nhs_number(text) is None


@given(st.integers(400_000_000, 999_999_999))
def test_adapter_and_router_agree_on_check_digits(nine: int) -> None:
    # Given any nine digits and each last one, when both check, then what passes here links there.
    for digit in range(10):
        text = f"{nine}{digit}"
        if nhs_number(text):
            assert is_nhs_number(text)
            assert calculate_checksum(text[:9]) == digit


def test_unique_pupil_numbers() -> None:
    # Given permanent, temporary, altered and malformed numbers, when they are checked
    assert upn(f" {UPN.lower()} ") == UPN
    # Then only those with a true check letter pass; O, I and S never end a temporary one.
    temporary = [upn(f"{letter}80120000100A") for letter in "ABCDEFGHJKLMNPQRTUVWXYZ"]
    assert sum(one is not None for one in temporary) == 1
    for wrong in ("A801200001001", "H80120000100", "H80120000100S", "UN3", "Ⅷ801200001001"):
        assert upn(wrong) is None


def test_local_identifiers() -> None:
    # Given identifiers of councils and systems, when they are checked, then odd ones do not pass.
    assert local_id(" EC-104/2_a.b ") == "EC-104/2_a.b"
    for wrong in ("", "-1", "a b", "x" * 41, "é1"):
        assert local_id(wrong) is None


def test_all_that_is_valid_is_kept() -> None:
    # Given all identifiers, when they are checked, then all are there and nothing is warned of.
    child = check(Said(NHS, UPN, "EC-1", "L-1", "Ellie", "Marsh", BORN), "row 1", AT)
    assert child.identifiers.nhs_number == NHS
    assert child.identifiers.upn == UPN
    assert child.identifiers.date_of_birth == "2011-09-25"
    assert child.warnings == ()


def test_an_invalid_one_beside_enough_is_left_out_and_told() -> None:
    # Given an invalid NHS number and pupil number beside a council's identifier
    said = Said("9990000019", "A801200001001", "EC-1", "a b", born=BORN)
    child = check(said, "row 1", AT)
    # When it is checked, then the record goes on without them, and each is told by name.
    ids = child.identifiers
    assert (ids.nhs_number, ids.upn, ids.own_id, ids.council_id) == (None, None, None, "EC-1")
    assert [(one.code, one.field) for one in child.warnings] == [
        ("identity.nhs-number", "nhs_number"),
        ("identity.upn", "upn"),
        ("identity.local-id", "own_id"),
    ]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(), "identity.insufficient"),
        (Said(own_id="L-1", born=BORN), "identity.insufficient"),
        (Said(given="Ellie", born=BORN), "identity.insufficient"),
        (Said(given="Ellie", family="Marsh"), "identity.insufficient"),
        (Said(nhs_number="1", born=BORN), "identity.nhs-number"),
        (Said(upn="UN1", born=BORN), "identity.insufficient"),
        (Said(given="Ellie", family="Marsh", born=10**6), "identity.date-of-birth"),
    ],
)
def test_nothing_tells(said: Said, code: str) -> None:
    # Given too little, when it is checked, then the item is refused with the first fault's code.
    with pytest.raises(InputRefused) as caught:
        check(said, "row 1", AT)
    assert caught.value.code.name == code


def test_name_and_date_of_birth_are_enough() -> None:
    # Given a name and a date of birth alone, when they are checked, then they tell (unlinked).
    child = check(Said(given="Ellie", family="Marsh", born=BORN), "row 1", AT)
    assert child.local_subject == "name:Marsh:Ellie:2011-09-25"


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        (Said(NHS, UPN, "EC-1", "L-1"), "own:L-1"),
        (Said(NHS, UPN, "EC-1"), "council:EC-1"),
        (Said(NHS, UPN), f"nhs:{NHS}"),
        (Said(upn=UPN), f"upn:{UPN}"),
    ],
)
def test_local_subject_is_the_agency_s_own_name_first(said: Said, subject: str) -> None:
    # Given identifiers, when a key is wanted, then the agency's own comes first.
    child: Child = check(said, "row 1", AT)
    assert child.local_subject == subject
    assert [one.code for one in child.warnings] == ["identity.no-date-of-birth"]


@pytest.mark.parametrize(
    ("on", "band"),
    [
        ("2011-09-24", "unborn"),
        ("2024-09-24", "under-13"),
        ("2024-09-25", "13-15"),
        ("2027-09-25", "16-17"),
        ("2029-09-24", "16-17"),
        ("2029-09-25", "18-25"),
        ("2037-09-25", "adult"),
    ],
)
def test_age_bands_change_on_birthdays(on: str, band: str) -> None:
    # Given a child of 25 September 2011, when the day comes, then the band changes.
    assert age_band(BORN, iso_day(on, "d")) == band
    assert age_band(None, 0) == "unknown"
