"""Identifiers and codes that everything else speaks in."""

import pytest

from broker.errors import Code
from broker.records import errors
from broker.records.batches import MOST_RECORDS, ROOTS_REMEMBERED
from broker.records.digests import LP_LIMIT, lp
from broker.records.envelope import ENVELOPE_HEADER, MINIMISED_HEADER
from broker.records.head import MOST_CHARACTERS
from broker.records.names import SLOTS, Kind, agency_of, desk_of, is_agency_id, is_version
from broker.records.sealing import KEYS_CACHED, LEAST_SEALED, MOST_CARRIED, MOST_SEALED
from tests.support.tree import ROOT


@pytest.mark.parametrize("name", ["a", "eastshire-police", "9", "-", "x" * 63])
def test_an_agency_may_be_called(name: str) -> None:
    assert is_agency_id(name)


@pytest.mark.parametrize(
    "name", ["", "x" * 64, "A", "a/b", "a.b", "a b", "é", "a\n", "router", "log", "a_b"]
)
def test_an_agency_may_not_be_called(name: str) -> None:
    assert not is_agency_id(name)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("1.0", True), ("12.345", True), ("0.0", True), ("1", False), ("1.00", False), ("٢.0", False)],
)
def test_versions(text: str, *, fits: bool) -> None:
    assert is_version(text) is fits


def test_a_consumer_is_an_agency_or_a_desk_of_one() -> None:
    assert (agency_of("council/mash"), desk_of("council/mash")) == ("council", "mash")
    assert (agency_of("council"), desk_of("council")) == ("council", "")


def test_kinds_have_words() -> None:
    assert [kind.word for kind in Kind] == [
        "record",
        "correction",
        "retraction",
        "register",
        "history",
    ]


def test_what_is_too_long_has_no_length() -> None:
    assert lp(bytes(LP_LIMIT))[:2] == b"\xff\xff"
    with pytest.raises(ValueError, match="65,535"):
        lp(bytes(LP_LIMIT + 1))


CODES = sorted(code.name for code in vars(errors).values() if isinstance(code, Code))


def test_codes_are_unique_and_say_what_to_do() -> None:
    assert len(set(CODES)) == len(CODES)
    for code in vars(errors).values():
        if isinstance(code, Code):
            assert code.sentence.endswith(".")
            assert code.fix.endswith(".")


PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "said",
    [
        f"{MOST_SEALED:,} bytes",
        f"at most {MOST_CARRIED:,}",
        f"The least is {LEAST_SEALED:,}",
        f"up to {KEYS_CACHED:,} data keys",
        f"bounded ({ROOTS_REMEMBERED:,})",
        f"up to {MOST_RECORDS:,} records",
        f"at most {MOST_CHARACTERS} characters",
        f"has {SLOTS} slots",
        f"`{ENVELOPE_HEADER.hex()}`",
        f"`{MINIMISED_HEADER.hex()}`",
    ],
)
def test_the_page_of_formats_gives_the_bounds_that_the_code_has(said: str) -> None:
    assert said in PAGE


def test_the_page_of_formats_names_every_code_of_the_check() -> None:
    # given the codes that a record can be refused with, when section 7 is read
    section = PAGE.partition("## 7 ")[2].partition("## 8 ")[0]

    # then it names each: in full, or by its end beside its siblings
    for code in CODES:
        if code.startswith("record."):
            assert f"`{code}`" in section or f"`…{code.rpartition('.')[2]}`" in section, code
