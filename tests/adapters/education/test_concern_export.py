"""A log of concerns → concern, as the form of a concern becomes one."""

import csv
import io
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.any_agency.filled import INDICATORS, PROTECTIONS
from adapters.dates import iso_day, iso_instant
from adapters.education.concern_export import CATEGORIES, FORMAT
from adapters.reading import Reading
from broker.protocol.attributes import FACTS
from broker.records.names import Kind
from tests.adapters.reading_support import CONCERN_CSV, codes, content, context, only, read
from tests.adapters.test_formats import damage, fits

NAME = "education-concern-csv"
ROW = {
    "UPN": "C999400120001",
    "Forename": "Ellie",
    "Surname": "Marsh",
    "DOB": "25/09/2011",
    "Incident reference": "INC-7",
    "Incident date": "03/03/2026",
    "Category": "Neglect",
    "Account": "Came without a coat.",
}


def log(*rows: dict[str, str], separator: str = ",") -> Reading:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    table = csv.DictWriter(out, names, delimiter=separator, restval="")
    table.writeheader()
    table.writerows(rows)
    return read(out.getvalue(), NAME, context("education"))


def row(**changes: str) -> dict[str, str]:
    """The row above, columns named with underscores."""
    return {**ROW, **{name.replace("_", " "): value for name, value in changes.items()}}


def test_a_row_is_a_concern() -> None:
    # Given a log of two concerns, when it is read
    reading = read(CONCERN_CSV, NAME, context("education"))
    exploited, hurt = reading.drafts

    # Then the first has all that its writer wrote down and decided
    assert exploited.statement.kind is Kind.RECORD
    assert exploited.statement.identifiers.upn == "C999400120001"
    assert content(exploited) == {
        "concern": {
            "on": iso_day("2026-03-03", "day"),
            "at": None,
            "urgency": "immediate",
            "seen_alone": None,
        },
        "account": "Ellie has a second telephone and will not say whose it is.",
        "shareable_summary": "Ellie may be exploited by people who sell drugs.",
    }
    labels = exploited.statement.labels
    assert labels.facts == ("concern:exploitation", "concern:immediate")
    assert (labels.summary_shareable, labels.third_party_checked) == (True, True)
    assert (exploited.urgent, exploited.decided_by) == (True, "Designated safeguarding lead")

    # and the second claims nothing that nobody said.
    labels = hurt.statement.labels
    assert [(one.code, one.basis) for one in labels.indicators] == [("self-harm", "opinion")]
    assert (labels.summary_shareable, labels.third_party_checked) == (None, None)
    assert (hurt.urgent, hurt.decided_by, labels.facts) == (False, None, ())

    # What has no slot is named.
    assert reading.accounting.unmapped == ("ACTIONS TAKEN", "RECORDED BY ROLE")


def test_time_and_flags() -> None:
    draft = only(log(row(Incident_time="9:05", Seen_alone="y", Third_party_checked="No")))
    assert content(draft)["concern"]["at"] == iso_instant("2026-03-03T09:05:00Z", "at")
    assert content(draft)["concern"]["seen_alone"] is True
    assert draft.statement.labels.third_party_checked is False


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("day", ["2026-03-03", "03/03/2026", "46084"])
def test_separators_and_days_as_spreadsheets_save_them(separator: str, day: str) -> None:
    draft = only(log(row(Incident_date=day), separator=separator))
    assert content(draft)["concern"]["on"] == iso_day("2026-03-03", "day")


def test_an_account_may_have_lines_and_separators() -> None:
    account = 'She said: "later, perhaps";\nthen nothing.'
    assert content(only(log(row(Account=account))))["account"] == account


@pytest.mark.parametrize(
    ("category", "facts", "signs", "protections"),
    [
        ("CSE", ("concern:exploitation",), [], ()),
        ("Missing  from home, County lines", ("concern:exploitation",), ["missing"], ()),
        ("Self-harm | Mental health", (), ["poor-mental-health", "self-harm"], ()),
        ("Child-on-child abuse;Bullying", (), [], ("suspected-child",)),
        ("Pregnancy", (), [], ("sexual-health",)),
        ("Allegation against staff", (), [], ("allegation-against-staff",)),
        ("Neglect\nPhysical abuse", (), [], ()),
    ],
)
def test_categories(
    category: str, facts: tuple[str, ...], signs: list[str], protections: tuple[str, ...]
) -> None:
    labels = only(log(row(Category=category))).statement.labels
    assert labels.facts == facts
    assert [one.code for one in labels.indicators] == signs
    assert labels.protections == protections


def test_a_category_without_a_label_is_named() -> None:
    assert log(row()).accounting.unmapped == ("CATEGORY",)
    assert log(row(Category="CSE")).accounting.unmapped == ()


def test_what_a_category_becomes_is_of_the_lists() -> None:
    assert {one.fact for one in CATEGORIES.values()} - {None} <= set(FACTS)
    assert {one.sign for one in CATEGORIES.values()} - {None} <= set(INDICATORS)
    assert {one.protection for one in CATEGORIES.values()} - {None} <= set(PROTECTIONS.values())
    assert all(name == " ".join(name.casefold().split()) for name in CATEGORIES)


def test_words_of_sexual_health_protect_the_record() -> None:
    labels = only(log(row(Account="She asked about contraception."))).statement.labels
    assert labels.protections == ("sexual-health",)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"Incident_reference": ""}, "field.missing", "INCIDENT REFERENCE"),
        ({"Incident_date": ""}, "field.missing", "INCIDENT DATE"),
        ({"Incident_date": "31/02/2026"}, "field.date", "INCIDENT DATE"),
        ({"Incident_date": "05/03/2026"}, "field.date.future", "INCIDENT DATE"),
        ({"Incident_time": "noon"}, "field.date", "INCIDENT TIME"),
        ({"Incident_time": "24:00"}, "field.date", "INCIDENT TIME"),
        ({"Category": ""}, "field.missing", "CATEGORY"),
        ({"Category": "Pastoral"}, "field.code", "CATEGORY"),
        ({"Category": "CSE, Pastoral"}, "field.code", "CATEGORY"),
        ({"Category": ";"}, "field.code", "CATEGORY"),
        ({"Account": ""}, "field.missing", "account"),
        ({"Account": "x" * 10_001}, "field.text", "ACCOUNT"),
        ({"Urgency": "soon"}, "field.code", "URGENCY"),
        ({"Third_party_checked": "perhaps"}, "field.code", "THIRD PARTY CHECKED"),
        ({"Seen_alone": "?"}, "field.code", "SEEN ALONE"),
        ({"DOB": "25/13/2011"}, "field.date", "DOB"),
        ({"UPN": "", "Forename": ""}, "identity.insufficient", "identity"),
        ({"UPN": "C999400120002", "Surname": ""}, "identity.upn", "upn"),
    ],
)
def test_a_wrong_row_is_refused_and_no_other(
    changes: dict[str, str], code: str, field: str
) -> None:
    reading = log(row(**changes), row(Incident_reference="INC-8"))
    assert codes(reading) == {code: 1}
    assert reading.accounting.rejected[0].field == field
    assert reading.accounting.mapped == 1


def test_a_row_of_another_length_is_refused() -> None:
    reading = read(CONCERN_CSV + "C999400120001,Ellie\n", NAME, context("education"))
    assert codes(reading) == {"input.csv.row": 1}


def test_a_log_without_its_columns_is_refused_whole() -> None:
    reading = read("UPN,Incident reference,Incident date,Account\n", NAME, context("education"))
    assert codes(reading) == {"input.csv.columns": 1}
    assert reading.accounting.rejected[0].field == "FORENAME, SURNAME, DOB, CATEGORY"


def test_a_weak_identity_is_told_for_each_row() -> None:
    reading = log(row(UPN="C999400120002"), row(UPN="C999400120002", Incident_reference="INC-8"))
    assert [(one.item, one.code) for one in reading.accounting.warnings] == [
        ("row 2", "identity.upn"),
        ("row 3", "identity.upn"),
    ]


def test_a_log_that_is_exported_again_has_the_same_ids() -> None:
    # Given a log, and next week's in another order, with a row more and an account that grew
    first = log(row(), row(Incident_reference="INC-8"))
    second = log(
        row(Incident_reference="INC-9"), row(Incident_reference="INC-8"), row(Account="Again.")
    )
    # When both are read, then what was there has the id that it had.
    ids = {one.statement.natural_id for one in first.drafts}
    assert ids == {"concern/INC-7/upn:C999400120001", "concern/INC-8/upn:C999400120001"}
    assert ids < {one.statement.natural_id for one in second.drafts}


def test_one_incident_of_two_children_is_two_records() -> None:
    other = row(UPN="J999400120005", Forename="Robin", Surname="Reed", DOB="01/01/2012")
    reading = log(row(), other)
    assert len({one.statement.natural_id for one in reading.drafts}) == 2


def test_a_row_twice_is_context_and_another_under_its_reference_is_refused() -> None:
    # Given a log with a row for each action, one of which changes the account
    reading = log(
        row(Actions_taken="Rang home"),
        row(Actions_taken="Wrote home"),
        row(Account="Another account."),
        row(Decided_by_role="Head"),
    )
    # When it is read, then the concern is one record, and what contradicts it is told.
    account = reading.accounting
    assert (account.read, account.mapped, account.context) == (4, 1, 1)
    assert codes(reading) == {"field.twice": 2}


def test_more_columns_are_counted_and_not_named() -> None:
    assert log(row(Rex="a dog")).accounting.unmapped == ("1 more columns", "CATEGORY")


def test_another_table_is_not_taken_for_a_log() -> None:
    assert not FORMAT.recognises(b"UPN,Date,Session,Code\n", "log.csv")
    assert FORMAT.recognises(CONCERN_CSV.replace(",", ";").encode(), "x")


@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_a_damaged_log_is_accounted_for(seed: int, times: int) -> None:
    # Given a longer log, damaged anywhere, when it is read (closing the account checks it)
    body = CONCERN_CSV.partition("\n")[2]
    data = bytearray((CONCERN_CSV + body.replace("INC-", "LOG-") * times).encode())
    reading = read(damage(data, Random(seed)), NAME, context("education"))
    # Then every draft fits its schema, and no id stands twice.
    for draft in reading.drafts:
        fits(draft)
    ids = [one.statement.natural_id for one in reading.drafts]
    assert len(ids) == len(set(ids))
