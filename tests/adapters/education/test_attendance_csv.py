"""Attendance marks → school-absence, one for each stretch."""

import pytest

from adapters.dates import iso_day
from adapters.reading import Reading
from tests.adapters.reading_support import ATTENDANCE_CSV, codes, content, context, read

HEAD, *MARKS = ATTENDANCE_CSV.splitlines()
PUPIL = "C999400120001,Ellie,Marsh,25/09/2011"


def table(*marks: str, head: str = HEAD) -> Reading:
    return read("\n".join((head, *marks)), "education-attendance-csv", context("education"))


def test_a_stretch_of_one_code_is_one_absence() -> None:
    # Given a day and a half of marks, when they are read
    reading = table(*MARKS)
    unexplained, unauthorised = reading.drafts
    # Then each row is an item, and two stretches give a record each.
    account = reading.accounting
    assert (account.read, account.mapped, account.context) == (4, 2, 2)
    assert content(unexplained)["absence"] == {
        "first_day": iso_day("2026-03-02", "day"),
        "last_day": None,
        "code": "N",
        "sessions": 2,
    }
    assert content(unexplained)["note"] == "No answer"
    assert unexplained.statement.labels.facts == ("absence:unexplained",)
    assert unexplained.statement.identifiers.upn == "C999400120001"
    assert content(unauthorised)["absence"]["code"] == "O"
    assert [one.code for one in unauthorised.statement.labels.indicators] == ["absent-from-school"]


def test_an_absence_that_ended_has_a_last_day() -> None:
    later = f"{PUPIL},04/03/2026,AM,/,"
    draft = table(*MARKS, later).drafts[0]
    assert content(draft)["absence"]["last_day"] == iso_day("2026-03-03", "day")


def test_an_absence_that_grows_is_the_same_item() -> None:
    # Given a file, and the next week's which begins with the same marks
    first = table(f"{PUPIL},02/03/2026,AM,I,")
    second = table(f"{PUPIL},02/03/2026,AM,I,", f"{PUPIL},02/03/2026,PM,I,")
    # When both are read, then it is one absence, of more sessions.
    assert first.drafts[0].statement.natural_id == second.drafts[0].statement.natural_id
    assert content(second.drafts[0])["absence"]["sessions"] == 2
    assert second.drafts[0].statement.labels.indicators == ()


def test_pupils_are_told_apart_and_rows_may_be_mixed() -> None:
    other = "A999400120005,Robin,Reed,01/01/2012"
    reading = table(
        f"{other},03/03/2026,PM,E,", f"{PUPIL},03/03/2026,AM,E,", f"{other},03/03/2026,AM,E,"
    )
    assert sorted(content(one)["absence"]["sessions"] for one in reading.drafts) == [1, 2]
    assert {one.statement.labels.facts for one in reading.drafts} == {("absence:suspended",)}


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(separator: str) -> None:
    text = [line.replace(",", separator) for line in MARKS]
    assert len(table(*text, head=HEAD.replace(",", separator)).drafts) == 2


@pytest.mark.parametrize("day", ["2026-03-03", "03/03/2026", "46084"])
def test_days_as_spreadsheets_save_them(day: str) -> None:
    draft = table(f"{PUPIL},{day},AM,I,").drafts[0]
    assert content(draft)["absence"]["first_day"] == iso_day("2026-03-03", "day")


@pytest.mark.parametrize(
    ("mark", "code"),
    [
        (f"{PUPIL},03/03/2026,AM,,", "field.missing"),
        (f"{PUPIL},03/03/2026,AM,F,", "field.code"),
        (f"{PUPIL},03/03/2026,AM,H,", "field.code.withdrawn"),
        (f"{PUPIL},03/03/2026,,N,", "field.missing"),
        (f"{PUPIL},03/03/2026,EVE,N,", "field.code"),
        (f"{PUPIL},,AM,N,", "field.missing"),
        (f"{PUPIL},31/02/2026,AM,N,", "field.date"),
        (f"{PUPIL},03/03/2030,AM,N,", "field.date.future"),
        (",Ellie,,,03/03/2026,AM,N,", "identity.insufficient"),
        (f"{PUPIL},03/03/2026", "input.csv.row"),
    ],
)
def test_a_wrong_mark_is_refused_and_no_other(mark: str, code: str) -> None:
    reading = table(mark, MARKS[1])
    assert codes(reading) == {code: 1}
    assert reading.accounting.mapped == 1


def test_two_codes_for_one_session_are_refused_and_one_twice_is_not() -> None:
    twice = table(MARKS[1], MARKS[1])
    assert (twice.accounting.rejected, content(twice.drafts[0])["absence"]["sessions"]) == ((), 1)
    assert codes(table(MARKS[1], f"{PUPIL},02/03/2026,PM,/,")) == {"field.code": 1}


def test_more_columns_are_counted_and_not_named() -> None:
    reading = table(f"{PUPIL},03/03/2026,AM,N,,Rex", head=f"{HEAD},Dog")
    assert reading.accounting.unmapped == ("1 more columns",)


def test_where_a_file_stops_being_a_table_what_stands_before_is_still_told() -> None:
    # Given a table that breaks off inside quotes, when it is read
    reading = table(*MARKS, f'{PUPIL},04/03/2026,AM,N,"No answ')
    # Then its marks are records, and the break is told.
    assert reading.accounting.mapped == 2
    assert codes(reading) == {"input.csv": 1}
