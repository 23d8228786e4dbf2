"""Whom an HL7 v2 message is about: repeats, kinds of names, numbers in doubt."""

import pytest

from adapters.reading import Reading
from tests.adapters.reading_support import ADT, NHS, codes, context, only, read

IDS = f"H-77^^^EGH^MR~{NHS}^^^NHS^NH"


def changed(old: str, new: str) -> Reading:
    assert old in ADT
    return read(ADT.replace(old, new), "health-hl7-adt", context("health"))


def traced(status: str) -> Reading:
    """A message whose PID-32 is `status`."""
    line = next(one for one in ADT.split("\r") if one.startswith("PID"))
    missing = 32 - line.count("|")
    return changed(line, line + "|" * missing + status)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("MARSH^ELLIE", ("MARSH", "ELLIE")),
        ("SMITH^EL^^^^^M~MARSH^ELLIE^^^^^L", ("MARSH", "ELLIE")),
        ("SMITH^EL^^^^^A~MARSH^ELLIE", ("MARSH", "ELLIE")),
        ("~MARSH^ELLIE^^^^^B~SMITH^EL^^^^^M", ("MARSH", "ELLIE")),
        ("MARSH^ELLIE~SMITH^EL", ("MARSH", "ELLIE")),
        ("^ELLIE", (None, "ELLIE")),
        ("O\\T\\MARSH^ELLIE", ("O&MARSH", "ELLIE")),
        ("", (None, None)),
        ('""', (None, None)),
    ],
)
def test_names(names: str, expected: tuple[str | None, str | None]) -> None:
    # Given names of several kinds, when they are read, then the legal one counts, else the first.
    ids = only(changed("MARSH^ELLIE", names)).statement.identifiers
    assert (ids.family, ids.given) == expected


@pytest.mark.parametrize(
    ("ids", "nhs", "own"),
    [
        (f"{NHS}^^^NHS^NH~H-77^^^EGH^MR~H-78^^^EGH^MR", NHS, "H-77"),
        (f"H-1^^^X^DL~H-77^^^EGH^PI~{NHS}^^^NHS", NHS, "H-77"),
        (f"~~{NHS}^^^NHS^nh", NHS, None),
        (f'""^^^NHS^NH~{NHS}^^^NHS^NH', NHS, None),
    ],
)
def test_identifiers(ids: str, nhs: str, own: str | None) -> None:
    # Given several identifiers, when they are read, then each is taken by its kind.
    found = only(changed(IDS, ids)).statement.identifiers
    assert (found.nhs_number, found.own_id) == (nhs, own)


@pytest.mark.parametrize("place", ["|{}|||MARSH", "|||{}|MARSH"])
def test_where_older_versions_keep_numbers(place: str) -> None:
    # Given the NHS number in PID-2 or PID-4, when it is read, then it counts if it says what it is.
    old = f"|{IDS}||MARSH"
    number = f"{NHS}^^^NHS^NH"
    if place.startswith("|{}"):
        old, new = f"PID|1||{IDS}||MARSH", f"PID|1|{number}|||MARSH"
    else:
        new = f"||{number}|MARSH"
    assert only(changed(old, new)).statement.identifiers.nhs_number == NHS
    plain = only(changed(old, new.replace(number, "EXT-1"))).statement.identifiers
    assert (plain.nhs_number, plain.own_id) == (None, None)


@pytest.mark.parametrize(
    ("status", "believed", "code"),
    [
        ("NSTS01", True, None),
        ("AL~NSTS01", True, None),
        ("AL", True, None),
        ("NSTS02", True, "identity.nhs-number.unverified"),
        ("NSTS99", True, "identity.nhs-number.unverified"),
        ("NSTS04", False, "identity.nhs-number.conflict"),
        ("nsts05", False, "identity.nhs-number.conflict"),
    ],
)
def test_trace_status(status: str, code: str | None, *, believed: bool) -> None:
    # Given how far the trust has traced the number, when it is read
    reading = traced(status)
    # Then a number in conflict is left out, an untraced one told.
    assert (only(reading).statement.identifiers.nhs_number == NHS) is believed
    assert [one.code for one in reading.accounting.warnings] == ([] if code is None else [code])


def test_a_status_without_a_number_says_nothing() -> None:
    # Given a trace status and no number, when it is read, then nothing is told of it.
    line = next(one for one in ADT.split("\r") if one.startswith("PID"))
    bare = line.replace(f"~{NHS}^^^NHS^NH", "") + "|" * (32 - line.count("|")) + "NSTS05"
    assert changed(line, bare).accounting.warnings == ()


def test_a_conflict_leaves_nobody() -> None:
    # Given a number in conflict and neither name nor date, when it is read, then it is rejected.
    reading = traced("NSTS05")
    assert reading.accounting.mapped == 1
    line = next(one for one in ADT.split("\r") if one.startswith("PID"))
    bare = f"PID|1||{NHS}^^^NHS^NH" + "|" * 29 + "NSTS05"
    assert codes(changed(line, bare)) == {"identity.insufficient": 1}
