"""The formats on real exports' shapes, where those lie beside the project."""

from collections import Counter
from pathlib import Path

import pytest

from adapters.reading import read_file
from tests.adapters.reading_support import context, drafts

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the sample exports do not lie beside this checkout"
)


@pytest.mark.parametrize(
    ("agency_type", "record", "mapped"),
    [
        ("police", "CrimeDataRecordV1", 2),
        ("health", "HealthDataRecordV1", 2),
        ("education", "EducationDetailsRecordV1", 2),
        ("social-care", "ChildrensServicesDetailsRecordV1", 5),
    ],
)
def test_single_unique_identifier_exports(agency_type: str, record: str, mapped: int) -> None:
    # Given one child as an agency holds her, when the file is read
    path = SAMPLES / "sui" / f"{agency_type}-9449303223_{record}.json"
    reading = read_file(path, context(agency_type))
    # Then each entry of its lists is a record, with the NHS number of the file's name.
    assert (reading.accounting.mapped, reading.accounting.rejected) == (mapped, ())
    assert {d.statement.identifiers.nhs_number for d in drafts(reading)} == {"9449303223"}


def test_identity_comes_from_the_agency_s_own_personal_details() -> None:
    # Given social care's file, beside which its own personal details lie, when it is read
    name = "social-care-9449303223_ChildrensServicesDetailsRecordV1.json"
    reading = read_file(SAMPLES / "sui" / name, context("social-care"))
    # Then the date of birth is there; education's own personal details have none.
    born = {d.statement.identifiers.date_of_birth for d in drafts(reading)}
    assert born == {"2011-09-25"}
    other = "education-9449303223_EducationDetailsRecordV1.json"
    reading = read_file(SAMPLES / "sui" / other, context("education"))
    assert {d.statement.identifiers.date_of_birth for d in drafts(reading)} == {None}


def test_missing_episodes_of_the_annual_return() -> None:
    # Given missing.csv with header.csv beside it, when it is read
    reading = read_file(SAMPLES / "ssda903" / "missing.csv", context("social-care"))
    # Then all 43 rows are mapped as history.
    assert (reading.accounting.read, reading.accounting.mapped) == (43, 43)
    assert {d.statement.kind.word for d in drafts(reading)} == {"history"}


def test_episodes_of_the_annual_return() -> None:
    # Given episodes.csv with header.csv beside it, when it is read
    reading = read_file(SAMPLES / "ssda903" / "episodes.csv", context("social-care"))
    account = reading.accounting
    # Then each of its 5,050 rows is accounted for: an end without a day is refused where the care
    # ended (353) and told where it goes on (1,060); agreements on short breaks are context.
    assert account.format == "social-care-ssda903-episodes"
    assert (account.read, account.mapped, account.context) == (5050, 4315, 382)
    assert account.read == account.mapped + account.context + len(account.rejected)
    assert Counter((one.code, one.field) for one in account.rejected) == {
        ("field.missing", "DEC"): 353
    }
    told = Counter(one.code for one in account.warnings)
    assert set(told) == {"identity.disagrees", "identity.upn"}
    # And each is history about a child whose birth the header tells, by an id of its own.
    assert {one.statement.kind.word for one in drafts(reading)} == {"history"}
    assert all(one.statement.identifiers.date_of_birth for one in drafts(reading))
    assert len({one.statement.natural_id for one in drafts(reading)}) == account.mapped


def test_a_directory_of_agreements_is_no_export() -> None:
    # Given a file that no format knows, when it is read, then it is refused with a way on.
    reading = read_file(SAMPLES / "sui" / "org-directory.json", context("police"))
    assert [one.code for one in reading.accounting.rejected] == ["input.format.unknown"]


@pytest.mark.parametrize(
    ("file", "read", "mapped"),
    [("fake_CIN_data.xml", 402, 398), ("CIN_Census_2024.xml", 5, 4), ("CIN2rows.xml", 4, 4)],
)
def test_children_in_need_census(file: str, read: int, mapped: int) -> None:
    # Given a census, when it is read, then each detail is counted, and what lies in the future of
    # its own reading is rejected.
    reading = read_file(SAMPLES / "cin" / file, context("social-care"))
    account = reading.accounting
    assert (account.read, account.mapped + len(account.rejected)) == (read, read)
    assert account.mapped == mapped
    assert {one.code for one in account.rejected} <= {"field.date.future"}
