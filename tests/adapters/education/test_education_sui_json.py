"""School export → school-absence."""

import pytest

from adapters.education import codes as attendance
from tests.adapters.reading_support import (
    EDUCATION,
    Json,
    child,
    codes,
    content,
    context,
    only,
    read,
)

FORMAT = "education-sui-json"


def absence(**members: Json) -> Json:
    entry = {"firstDay": "2026-03-03", "code": "O", **members}
    return read([child({"absences": [entry]})], FORMAT, context("education"))


def test_year_and_absence() -> None:
    # Given a year's figures and a stretch of absence, when they are read
    year, days = read([child(EDUCATION)], FORMAT, context("education")).drafts
    # Then both carry the setting, each its own slot.
    assert content(year)["year_summary"]["attendance"] == 70.0
    assert "absence" not in content(year)
    assert year.statement.labels.facts == ("absence:persistent",)
    assert content(days)["absence"] == {
        "first_day": 20515,
        "last_day": 20516,
        "code": "O",
        "sessions": 4,
    }
    assert content(days)["setting"]["address"] == "1 Quay Street, Eastmouth"
    assert content(days)["setting"]["postcode"] == "ZZ2"
    assert days.statement.labels.facts == ("absence:unauthorised",)
    assert days.statement.labels.indicators[0].code == "absent-from-school"


def test_codes_of_absence_are_each_of_one_kind() -> None:
    # Given every code, when it is looked up, then it is absence of one kind, or none.
    kinds = [attendance.AUTHORISED, attendance.UNAUTHORISED, attendance.UNEXPLAINED,
             attendance.SUSPENDED, attendance.NO_ABSENCE, attendance.WITHDRAWN]  # fmt: skip
    everything = [code for kind in kinds for code in kind]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("code", "fact", "signs"),
    [
        ("o", "absence:unauthorised", 1),
        ("N", "absence:unexplained", 1),
        ("E", "absence:suspended", 0),
        ("I", "absence:authorised", 0),
        ("Y3", "absence:authorised", 0),
    ],
)
def test_codes(code: str, fact: str, signs: int) -> None:
    # Given a code, when it is read, then the fact is its kind; not yet explained is no truancy.
    labels = only(absence(code=code)).statement.labels
    assert labels.facts == (fact,)
    assert len(labels.indicators) == signs


def test_presence_is_context() -> None:
    # Given a code that says that the child was there, when it is read, then it is context.
    account = absence(code="/").accounting
    assert (account.context, account.mapped) == (1, 0)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"code": "H"}, "field.code.withdrawn"),
        ({"code": "?"}, "field.code"),
        ({"code": None}, "field.missing"),
        ({"firstDay": None}, "field.missing"),
        ({"firstDay": "2026-03-05"}, "field.date.future"),
        ({"lastDay": "2026-03-02"}, "field.date.order"),
        ({"sessions": 0}, "field.number"),
    ],
)
def test_refused(members: Json, code: str) -> None:
    # Given a wrong field, when the absence is read, then it is refused.
    assert codes(absence(**members)) == {code: 1}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"academicTermYearStart": None}, "field.missing"),
        ({"academicTermYearStart": 1990}, "field.number"),
        ({"academicTermYearEnd": 2027}, "field.date.order"),
        ({"attendancePercentage": 101}, "field.number"),
        ({"attendancePercentage": "70"}, "field.type"),
        ({"suspensions": -1}, "field.number"),
    ],
)
def test_years_refused(members: Json, code: str) -> None:
    # Given a wrong figure, when the year is read, then it is refused.
    year = {**EDUCATION["yearlyEducationAttendances"][0], **members}
    reading = read([child({"yearlyEducationAttendances": [year]})], FORMAT, context("education"))
    assert codes(reading) == {code: 1}


def test_a_good_year_without_figures() -> None:
    # Given a year with nothing but its name, when it is read, then nothing is made up.
    year = {"academicTermYearStart": 2024, "academicTermYearEnd": 2025}
    data = [child({"yearlyEducationAttendances": [year]})]
    draft = only(read(data, FORMAT, context("education")))
    assert draft.statement.labels.facts == ()
    assert content(draft).keys() == {"year_summary"}


@pytest.mark.parametrize(
    "members", [{"educationActiveStatusesAndPlans": [1]}, {"educationSettingAddress": []}]
)
def test_a_wrong_setting_refuses_the_record(members: Json) -> None:
    # Given a setting or plans of another shape, when the child is read, then it is refused whole.
    reading = read([child({**EDUCATION, **members})], FORMAT, context("education"))
    assert codes(reading) == {"field.type": 1}
    assert reading.accounting.read == 1
