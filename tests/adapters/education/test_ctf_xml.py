"""Common transfer files: what becomes of a pupil's years, and of what is wrong in them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.education.ctf_xml import FORMAT
from adapters.reading import Reading
from broker.records.names import Kind
from tests.adapters.reading_support import CTF_XML, codes, content, context, only, read
from tests.adapters.test_formats import damage, fits

NAME = "education-ctf-xml"

HEADER = """
<Header>
  <DocumentName>Common Transfer File</DocumentName>
  <SourceSchool>
    <LEA>999</LEA><Estab>4001</Estab><URN>999401</URN><SchoolName>St Brannock's</SchoolName>
  </SourceSchool>
  <DestSchool><LEA>999</LEA><Estab>4002</Estab></DestSchool>
</Header>
"""

YEAR = """
<YearData>
  <Year>2024</Year><LEA>999</LEA><Estab>4001</Estab>
  <SessionsPossible>380</SessionsPossible><SessionsAuthorised>20</SessionsAuthorised>
  <SessionsAttended>355</SessionsAttended><SessionsUnauthorised>5</SessionsUnauthorised>
  <AttendSessions>
    <AttendanceStartDate>2024-09-03</AttendanceStartDate><AttendanceMarks>/\\/\\</AttendanceMarks>
  </AttendSessions>
</YearData>
"""

SEN = """
<SENhistory>
  <SEN><StartDate>2023-01-09</StartDate><EndDate>2024-08-31</EndDate>
    <SENprovision>K</SENprovision></SEN>
  <SEN><StartDate>2024-11-04</StartDate><SENprovision>E</SENprovision></SEN>
</SENhistory>
"""

SCHOOLS = """
<SchoolHistory>
  <School><LEA>999</LEA><Estab>2001</Estab><EntryDate>2018-09-03</EntryDate></School>
  <School><LEA>999</LEA><Estab>4001</Estab><EntryDate>2023-09-04</EntryDate></School>
</SchoolHistory>
"""


def pupil(*years: str, more: str = "", upn: str = "C999400120001") -> str:
    return (
        f"<Pupil><UPN>{upn}</UPN><Surname>Marsh</Surname><Forename>Ellie</Forename>"
        f"<DOB>2011-09-25</DOB><Gender>F</Gender>{more}"
        f"<Attendance>{''.join(years)}</Attendance></Pupil>"
    )


def transfer(*pupils: str, header: str = HEADER) -> str:
    return f"<CTfile>{header}<CTFpupilData>{''.join(pupils)}</CTFpupilData></CTfile>"


def returned(text: str | bytes) -> Reading:
    return read(text, NAME, context("education", own_codes=frozenset({"999401"})))


def test_a_pupil_s_year_is_history() -> None:
    # Given a pupil with a year, support, schools and care, when the file is read
    care = "<LookedAfter><InCare>true</InCare><CareAuthority>999</CareAuthority></LookedAfter>"
    basic = f"<BasicDetails><FormerUPN>X</FormerUPN>{care}</BasicDetails>"
    reading = returned(transfer(pupil(YEAR, more=basic + SEN + SCHOOLS)))
    draft = only(reading)

    # Then the year is a record that wakes nobody
    assert (draft.statement.kind, draft.urgent) == (Kind.HISTORY, False)
    assert draft.statement.identifiers.upn == "C999400120001"
    assert draft.statement.identifiers.date_of_birth == "2011-09-25"
    assert content(draft) == {
        "setting": {"name": "St Brannock's", "address": None, "postcode": None, "telephone": None},
        "plans": [{"status": "SEND", "plan": "education, health and care plan"}],
        "year_summary": {
            "year_start": 2024,
            "year_end": 2025,
            "attendance": 93.4,
            "unauthorised_absence": 1.3,
            "suspensions": None,
            "exclusions": None,
            "moves": None,
            "school_average": None,
        },
    }
    assert draft.statement.labels.facts == ()

    # and what is no record of its own is counted, or named.
    account = reading.accounting
    assert (account.read, account.mapped, account.context, account.rejected) == (4, 1, 3, ())
    assert account.unmapped == (
        "AttendSessions.AttendanceMarks",
        "BasicDetails.FormerUPN",
        "Gender",
    )


@pytest.mark.parametrize(
    ("possible", "authorised", "attendance", "facts"),
    [
        ("379", "33", 90.0, ("absence:persistent",)),  # 89.97 per cent
        ("380", "33", 90.0, ("absence:persistent",)),
        ("261", "21", 90.0, ()),  # 90.04 per cent
        ("379", "32", 90.2, ()),
    ],
)
def test_a_tenth_missed_is_persistent_before_rounding(
    possible: str, authorised: str, attendance: float, facts: tuple[str, ...]
) -> None:
    year = YEAR.replace(">380<", f">{possible}<").replace(">20<", f">{authorised}<")
    draft = only(returned(transfer(pupil(year.replace(">355<", "><")))))
    assert content(draft)["year_summary"]["attendance"] == attendance
    assert draft.statement.labels.facts == facts


def test_attendance_comes_from_absence_else_from_sessions_attended() -> None:
    year = YEAR.replace("<SessionsAuthorised>20</SessionsAuthorised>", "")
    summary = content(only(returned(transfer(pupil(year)))))["year_summary"]
    assert summary["attendance"] == 93.4
    bare = "<YearData><Year>2023</Year><SessionsPossible>100</SessionsPossible></YearData>"
    draft = only(returned(transfer(pupil(bare))))
    assert content(draft).keys() == {"year_summary"}
    assert content(draft)["year_summary"]["attendance"] is None
    assert draft.statement.natural_id == "school-absence/upn:C999400120001/year-2023/-"


def test_a_year_at_another_school_has_that_school_s_name_or_none() -> None:
    named = YEAR.replace("4001", "2001").replace("</Estab>", "</Estab><SchoolName>Old</SchoolName>")
    unnamed = YEAR.replace("4001", "2002")
    first, second = returned(transfer(pupil(named, unnamed))).drafts
    assert content(first)["setting"]["name"] == "Old"
    assert "setting" not in content(second)


def test_a_year_without_sessions_and_a_pupil_without_years_are_context() -> None:
    nothing = YEAR.replace(">380<", ">0<").replace(">20<", "><").replace(">355<", "><")
    nothing = nothing.replace(">5<", ">0<")
    account = returned(transfer(pupil(nothing), pupil(upn="J999400120005"))).accounting
    assert (account.read, account.context, account.rejected) == (2, 2, ())


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<Year>2024</Year>", "", "field.missing"),
        ("<Year>2024", "<Year>24", "field.number"),
        ("<Year>2024", "<Year>2024/25", "field.number"),
        ("<Year>2024", "<Year>2026", "field.date.future"),
        ("<Year>2024", "<Year>2025", "field.date.order"),
        ("<Year>2024", "<Year>2023", "field.date.order"),
        ("2024-09-03", "2024-09-31", "field.date"),
        ("<SessionsPossible>380</SessionsPossible>", "", "field.missing"),
        ("<SessionsPossible>380", "<SessionsPossible>3800", "field.number"),
        ("<SessionsPossible>380", "<SessionsPossible>-1", "field.number"),
        ("<SessionsPossible>380", "<SessionsPossible>three", "field.number"),
        ("<SessionsAttended>355", "<SessionsAttended>381", "field.number"),
        ("<SessionsAuthorised>20", "<SessionsAuthorised>376", "field.number"),
        ("<Year>2024", "<Year>2024</Year><Year>2024", "field.twice"),
        ("<Estab>4001", f"<Estab>{'4' * 201}", "field.text"),
    ],
)
def test_a_wrong_year_is_refused_and_no_other(old: str, new: str, code: str) -> None:
    other = YEAR.replace("2024", "2023")
    reading = returned(transfer(pupil(YEAR.replace(old, new), other)))
    assert codes(reading) == {code: 1}
    assert reading.accounting.rejected[0].item == "Pupil[1].YearData[1]"
    assert content(only(reading))["year_summary"]["year_start"] == 2023


def test_a_year_may_begin_in_august() -> None:
    reading = returned(transfer(pupil(YEAR.replace("2024-09-03", "2024-08-27"))))
    assert reading.accounting.mapped == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("<StartDate>2023-01-09</StartDate>", "", "field.missing", "StartDate"),
        ("2023-01-09", "soon", "field.date", "StartDate"),
        ("2024-08-31", "2022-08-31", "field.date.order", "EndDate"),
        (">K<", ">Z<", "field.code", "SENprovision"),
        (">K<", "><", "field.missing", "SENprovision"),
    ],
)
def test_wrong_support_is_told_and_the_figures_go_on(
    old: str, new: str, code: str, field: str
) -> None:
    reading = returned(transfer(pupil(YEAR, more=SEN.replace(old, new))))
    assert [(one.code, one.field) for one in reading.accounting.warnings] == [
        (code, f"SENhistory.{field}")
    ]
    assert len(content(only(reading))["plans"]) == 1


def test_no_support_is_no_plan() -> None:
    more = SEN.replace(">E<", ">N<").replace("</SEN>", "<SENtype>SPLD</SENtype></SEN>")
    reading = returned(transfer(pupil(YEAR, more=more)))
    assert "plans" not in content(only(reading))
    assert "SEN.SENtype" in reading.accounting.unmapped


def test_a_pupil_whom_nobody_can_name_loses_no_item_silently() -> None:
    # Given a pupil without identifiers, one with an impossible birth, and one with neither
    nameless = pupil(YEAR, YEAR, more=SCHOOLS, upn="").replace("<Surname>Marsh</Surname>", "")
    unborn = pupil(YEAR).replace("2011-09-25", "2011-13-25")
    reading = returned(transfer(nameless, unborn, "<Pupil/>", pupil(YEAR)))
    # When the file is read, then each of their items is rejected, and the next pupil goes through.
    assert codes(reading) == {"identity.insufficient": 5, "field.date": 1}
    assert reading.accounting.mapped == 1


def test_an_invalid_pupil_number_is_told_once() -> None:
    reading = returned(transfer(pupil(YEAR, YEAR.replace("2024", "2023"), upn="A999400120001")))
    assert [one.code for one in reading.accounting.warnings] == ["identity.upn"]
    assert {one.statement.identifiers.upn for one in reading.drafts} == {None}
    assert reading.accounting.mapped == 2


def test_a_file_that_is_exported_again_has_the_same_ids() -> None:
    # Given a file, and a later one in which the year has grown and stands behind another
    first = only(returned(transfer(pupil(YEAR)))).statement
    grown = YEAR.replace(">20<", ">22<")
    later = returned(transfer(pupil(YEAR.replace("2024", "2023"), grown))).drafts[1].statement
    # When both are read, then it is the same item, with other figures.
    assert first.natural_id == later.natural_id
    assert first.natural_id == "school-absence/upn:C999400120001/year-2024/9994001"
    assert first.content != later.content


def test_a_year_twice_is_context_and_one_that_contradicts_is_refused() -> None:
    other = YEAR.replace(">20<", ">22<")
    reading = returned(transfer(pupil(YEAR, YEAR, other), pupil(YEAR)))
    account = reading.accounting
    assert (account.read, account.mapped, account.context) == (4, 1, 2)
    assert codes(reading) == {"field.twice": 1}


@pytest.mark.parametrize("code", ["999401", "9994001", "St Brannock's"])
def test_the_source_school_is_the_agency(code: str) -> None:
    ours = context("education", own_codes=frozenset({code}))
    assert read(transfer(pupil(YEAR)), NAME, ours).accounting.mapped == 1


def test_a_file_of_another_school_is_refused_whole() -> None:
    # Given a file that the agency has received, with pupils and without
    for text in (transfer(pupil(YEAR)), transfer()):
        received = context("education", own_codes=frozenset({"9994002"}))
        reading = read(text, NAME, received)
        # When it is read, then nothing of it is.
        assert (codes(reading), reading.drafts) == ({"input.other-agency": 1}, ())


def test_a_file_that_does_not_say_whose_it_is_is_refused_whole() -> None:
    for text in (transfer(pupil(YEAR), header=""), transfer(header="<Header/>")):
        reading = returned(text)
        assert (codes(reading), reading.drafts) == ({"field.missing": 1}, ())
        assert reading.accounting.rejected[0].field == "SourceSchool"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (transfer(pupil(YEAR))[:-20], "input.xml"),
        (transfer(pupil(YEAR)).replace("</Pupil>", "</Pup>"), "input.xml"),
        ('<!DOCTYPE CTfile [<!ENTITY a "b">]>' + transfer(pupil(YEAR)), "input.xml.dtd"),
        (transfer(pupil(YEAR)).replace("CTfile>", "ATfile>"), "input.shape"),
        ("<CTfile/>", "field.missing"),
    ],
)
def test_what_is_no_such_file_ends_it(text: str, code: str) -> None:
    assert list(codes(returned(text)))[-1] == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_namespaces(encoding: str) -> None:
    text = transfer(pupil(YEAR)).replace("<CTfile>", "<CTfile xmlns='urn:made-up'>")
    assert returned(text.encode(encoding)).accounting.mapped == 1
    assert FORMAT.recognises(text.encode(encoding), "a.xml")


def test_another_file_is_not_taken_for_one() -> None:
    assert not FORMAT.recognises(b"<Message><Collection>CIN</Collection></Message>", "a.xml")
    assert not FORMAT.recognises(b"<CTfiles></CTfiles>", "a.xml")
    assert not FORMAT.recognises(b'{"CTfile": 1}', "CTfile.json")


PARTS = ("</YearData>", "<Pupil>", "</Pupil>", "<Year>", "2024", "380", "999", "<SEN>", "UPN")


@given(
    seed=st.integers(0, 2**32),
    swaps=st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(PARTS)), max_size=3),
    whole=st.booleans(),
)
def test_a_damaged_file_is_accounted_for(
    seed: int, swaps: list[tuple[str, str]], whole: bool
) -> None:
    # Given a file some of whose parts are others, or whose bytes are damaged
    text = transfer(pupil(YEAR, YEAR.replace("2024", "2023"), more=SEN + SCHOOLS), pupil(YEAR))
    for old, new in swaps:
        text = text.replace(old, new, 1)
    data = text.encode() if whole else damage(bytearray(text.encode()), Random(seed))
    # When it is read (closing the account checks it), then every draft is history, fits its schema,
    # and no id stands twice.
    reading = returned(data)
    for draft in reading.drafts:
        assert draft.statement.kind is Kind.HISTORY
        fits(draft)
    ids = [one.statement.natural_id for one in reading.drafts]
    assert len(ids) == len(set(ids))


def test_the_shape_of_all_formats_is_persistent_absence() -> None:
    draft = only(read(CTF_XML, NAME, context("education")))
    assert draft.statement.labels.facts == ("absence:persistent",)
    assert content(draft)["year_summary"]["attendance"] == 85.0
