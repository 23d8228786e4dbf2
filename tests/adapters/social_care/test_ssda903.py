"""SSDA903 missing.csv with header.csv → missing-episode as history."""

import pytest

from adapters.reading import Reading
from adapters.social_care.ssda903 import MISSING
from broker.records.names import Kind
from tests.adapters.reading_support import (
    HEADER_CSV,
    MISSING_CSV,
    UPN,
    codes,
    content,
    context,
    only,
    read,
)

FORMAT = "social-care-ssda903-missing"


def table(text: str, header: str | bytes = HEADER_CSV) -> Reading:
    data = header.encode() if isinstance(header, str) else header
    return read(text, FORMAT, context("social-care", beside={"header.csv": data}))


def row(text: str) -> Reading:
    return table(MISSING_CSV.splitlines()[0] + "\n" + text + "\n")


def test_rows_join_the_header() -> None:
    # Given two rows and the header module, when they are read
    first, second = table(MISSING_CSV).drafts
    # Then the pupil number is joined, a code for none is no number, and all is history.
    assert first.statement.identifiers.upn == UPN
    assert second.statement.identifiers.upn is None
    assert first.statement.identifiers.council_id == "EC-1"
    assert first.statement.kind is second.statement.kind is Kind.HISTORY
    assert first.statement.labels.facts == ("missing:returned",)
    assert second.statement.labels.facts == ("missing:away",)
    assert content(second)["episode"]["returned"] is None
    assert content(first)["episode"]["start"] == 20120
    assert first.statement.labels.age_band == "13-15"
    assert not first.urgent


def test_without_the_header_rows_are_mapped_all_the_same() -> None:
    # Given no header module, when rows are read, then the council's identifier tells.
    reading = read(MISSING_CSV, FORMAT, context("social-care"))
    assert (reading.accounting.mapped, reading.accounting.warnings) == (2, ())


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (HEADER_CSV.replace(UPN, "A801200001001"), "identity.upn"),
        (HEADER_CSV.replace("25/09/2011", "25/09/2010"), "identity.disagrees"),
        (b"\xff\xff", "input.companion"),
        (b"", "input.companion"),
        ("CHILD,UPN\nEC-1,x\n", "input.companion"),
    ],
)
def test_what_the_header_gets_wrong_is_told(header: str | bytes, code: str) -> None:
    # Given a header that is wrong about a child or cannot be read, when rows are read
    reading = table(MISSING_CSV, header)
    # Then they are mapped without it, and it is told.
    assert reading.accounting.mapped == 2
    assert [one.code for one in reading.accounting.warnings] == [code]
    assert reading.drafts[0].statement.identifiers.upn is None


def test_a_short_header_row_is_passed_over() -> None:
    # Given a broken row in the header, when rows are read, then the others still join.
    reading = table(MISSING_CSV, HEADER_CSV + "EC-3,2\n")
    assert reading.drafts[0].statement.identifiers.upn == UPN


def test_date_of_birth_may_stand_in_the_header_alone() -> None:
    # Given a row without date of birth, when it is read, then the row goes on without it.
    draft = only(row("EC-1,,M,01/02/2025,"))
    assert draft.statement.identifiers.upn == UPN
    assert draft.statement.identifiers.date_of_birth is None


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("EC-1,25/09/2011,M", "input.csv.row", "row"),
        (",25/09/2011,M,01/02/2025,", "field.missing", "CHILD"),
        ("EC-1,25/09/2011,,01/02/2025,", "field.missing", "MISSING"),
        ("EC-1,25/09/2011,X,01/02/2025,", "field.code", "MISSING"),
        ("EC-1,25/09/2011,M,,", "field.missing", "MIS_START"),
        ("EC-1,25/09/2011,M,2025-02-01,", "field.date", "MIS_START"),
        ("EC-1,25/09/2011,M,31/02/2025,", "field.date", "MIS_START"),
        ("EC-1,25/09/2011,M,01/02/2025,31/01/2025", "field.date.order", "MIS_END"),
        ("EC-1,25/09/2011,M,01/02/2027,", "field.date.future", "MIS_START"),
        ("EC-9,25/09/2025,M,01/02/2025,", "field.date.order", "DOB"),
        ("E C,25/09/2011,M,01/02/2025,", "identity.local-id", "council_id"),
    ],
)
def test_refused(text: str, code: str, field: str) -> None:
    # Given a wrong row before a good one, when both are read, then only the wrong is refused.
    reading = row(text + "\nEC-2,25/09/2012,M,01/02/2025,")
    assert [(one.code, one.field) for one in reading.accounting.rejected] == [(code, field)]
    assert reading.accounting.mapped == 1


def test_a_row_exported_twice_is_one_item() -> None:
    # Given a row twice, and another of the same day, when they are read, then names tell.
    same = "EC-1,25/09/2011,M,01/02/2025,03/02/2025"
    names = [
        d.statement.natural_id for d in row(f"{same}\n{same}\n{same.replace('M', 'A')}").drafts
    ]
    assert names[0] == names[1] != names[2]


def test_extra_columns_are_told() -> None:
    # Given a column that the module does not have, when it is read, then it is named by its place.
    account = read(
        "CHILD,DOB,MISSING,MIS_START,MIS_END,NOTE\nEC-1,25/09/2011,M,01/02/2025,,x\n",
        FORMAT,
        context("social-care"),
    ).accounting
    assert account.unmapped == ("column 6",)


@pytest.mark.parametrize(
    ("text", "code"),
    [("CHILD,MIS_START\nx,y\n", "input.csv.columns"), (MISSING_CSV + 'EC-3,"', "input.csv")],
)
def test_no_table(text: str, code: str) -> None:
    # Given missing columns or an open quote, when it is read, then what came before stays.
    assert codes(table(text)) == {code: 1}


def test_header_alone_is_context() -> None:
    # Given the header module alone, when it is read, then each row is context.
    account = read(HEADER_CSV, "social-care-ssda903-header", context("social-care")).accounting
    assert (account.read, account.context) == (2, 2)
    assert "ETHNIC" in account.unmapped


def test_companions() -> None:
    # Given names of the module, when its twin is asked for, then it is looked for under both.
    assert MISSING.companions("missing.csv") == ("header.csv",)
    assert MISSING.companions("la999_Missing.csv") == ("header.csv", "la999_Header.csv")
