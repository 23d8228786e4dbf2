"""SSDA903 episodes.csv with header.csv → protection-status as history."""

import pytest

from adapters.reading import Reading
from adapters.social_care.ssda903_codes import CODES, WITHDRAWN
from adapters.social_care.ssda903_episodes import FORMAT
from broker.records.names import Kind
from tests.adapters.reading_support import HEADER_CSV, UPN, codes, content, context, only, read
from tests.adapters.ssda903_support import EPISODES_CSV

NAME = "social-care-ssda903-episodes"
HEADS = EPISODES_CSV.splitlines()[0]


def table(text: str, header: str | bytes = HEADER_CSV) -> Reading:
    data = header.encode() if isinstance(header, str) else header
    return read(text, NAME, context("social-care", beside={"header.csv": data}))


def row(**changes: str) -> str:
    """A table of one episode that is good but for the changes."""
    good = {
        **dict.fromkeys(HEADS.split(","), ""),
        "CHILD": "EC-1",
        "DECOM": "01/02/2025",
        "RNE": "S",
        "LS": "V2",
        "CIN": "N1",
        "PLACE": "U6",
        "PLACE_PROVIDER": "PR1",
    }
    return HEADS + "\n" + ",".join({**good, **changes}.values()) + "\n"


def test_each_episode_is_a_stretch_of_being_looked_after() -> None:
    # Given two children's episodes and the header module, when they are read
    reading = table(EPISODES_CSV)
    first, second, third = reading.drafts
    # Then each gives its days; only the end of the care is an end, only what goes on is in force.
    assert content(first)["status"] == {
        "kind": "looked-after",
        "from": 19754,
        "until": 20120,
        "category": None,
    }
    assert content(second)["status"]["until"] is None
    assert [one.statement.labels.facts for one in (first, second, third)] == [
        (),
        ("status:looked-after",),
        ("status:ended",),
    ]
    # And all is history, with what the header adds.
    assert {one.statement.kind for one in reading.drafts} == {Kind.HISTORY}
    assert first.statement.identifiers.upn == UPN
    assert first.statement.identifiers.date_of_birth == "2011-09-25"
    assert first.statement.labels.age_band == "under-13"
    assert third.statement.identifiers.upn is None
    assert not first.urgent
    # And an agreement on short breaks gives no day.
    account = reading.accounting
    assert (account.read, account.mapped, account.context, account.rejected) == (4, 3, 1, ())


def test_nothing_of_where_or_with_whom_leaves() -> None:
    # Given episodes with postcodes, provider and registration, when they are read
    reading = table(EPISODES_CSV)
    said = repr(reading.drafts)
    # Then no record holds them, nor a code, and each is named as unmapped.
    assert not any(word in said for word in ("ZZ1", "SC999999", "PR1", "U6", "K2", "CARPL", "E4A"))
    assert {tuple(one.statement.content) for one in reading.drafts} == {("status",)}
    assert set(reading.accounting.unmapped) == set(HEADS.split(",")) - {"CHILD", "DECOM", "DEC"}


def test_the_next_return_names_the_same_episode_alike() -> None:
    # Given an open episode, and the same one a year later among others, ended, in another order
    before = only(table(row())).statement
    lines = row(DEC="01/09/2025", REC="E4A") + row(DECOM="01/02/2024").splitlines()[1] + "\n"
    after = table(lines).drafts[0].statement
    # Then it is a new version of one record.
    assert (before.system, before.natural_id) == (after.system, after.natural_id)
    assert before.content != after.content


def test_a_row_exported_twice_is_one_record() -> None:
    # Given a row twice, and another of the same day that ended, when read, then names tell.
    lines = row() + row().splitlines()[1] + "\n"
    lines += row(DEC="02/02/2025", REC="X1").splitlines()[1] + "\n"
    names = [one.statement.natural_id for one in table(lines).drafts]
    assert names[0] == names[1] != names[2]


def test_without_the_header_the_council_s_identifier_tells() -> None:
    # Given no header module, when rows are read, then they are mapped, and told of for each.
    reading = read(EPISODES_CSV, NAME, context("social-care"))
    assert reading.accounting.mapped == 3
    assert {one.code for one in reading.accounting.warnings} == {"identity.no-date-of-birth"}


@pytest.mark.parametrize(
    ("header", "warnings"),
    [
        (HEADER_CSV.replace(UPN, "A801200001001"), ["identity.upn"]),
        (
            HEADER_CSV.replace("25/09/2011", "31/02/2011"),
            ["field.date", "identity.no-date-of-birth"],
        ),
        (b"\xff\xff", ["input.companion", "identity.no-date-of-birth"]),
        (b"", ["input.companion", "identity.no-date-of-birth"]),
    ],
)
def test_what_the_header_gets_wrong_is_told(header: str | bytes, warnings: list[str]) -> None:
    # Given a header that is wrong or cannot be read, when a row is read, then it is mapped without.
    account = table(row(), header).accounting
    assert account.mapped == 1
    assert [one.code for one in account.warnings] == warnings


def test_an_end_without_a_day_is_told_where_the_care_goes_on() -> None:
    # Given a reason that says that another episode follows, but no day, when it is read
    reading = table(row(REC="X1"))
    # Then the episode goes on, and that is told.
    assert content(only(reading))["status"]["until"] is None
    assert [(one.code, one.field) for one in reading.accounting.warnings] == [
        ("identity.disagrees", "REC without DEC")
    ]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"URN": "1,2"}, "input.csv.row", "row"),
        ({"CHILD": ""}, "field.missing", "CHILD"),
        ({"CHILD": "E C"}, "identity.local-id", "council_id"),
        ({"DECOM": ""}, "field.missing", "DECOM"),
        ({"DECOM": "2025-02-01"}, "field.date", "DECOM"),
        ({"DECOM": "31/02/2025"}, "field.date", "DECOM"),
        ({"DECOM": "01/02/2027"}, "field.date.future", "DECOM"),
        ({"DECOM": "01/02/2011"}, "field.date.order", "DOB in header.csv"),
        ({"DEC": "31/01/2025", "REC": "X1"}, "field.date.order", "DEC"),
        ({"DEC": "01/02/2027", "REC": "X1"}, "field.date.future", "DEC"),
        ({"DEC": "01/03/2025"}, "field.missing", "REC"),
        ({"REC": "E4A"}, "field.missing", "DEC"),
        ({"LS": ""}, "field.missing", "LS"),
        ({"LS": "X9"}, "field.code", "LS"),
        ({"LS": "V1"}, "field.code.withdrawn", "LS"),
        ({"RNE": "X"}, "field.code", "RNE"),
        ({"CIN": "N9"}, "field.code", "CIN"),
        ({"PLACE": "R9"}, "field.code", "PLACE"),
        ({"PLACE": "Q1"}, "field.code.withdrawn", "PLACE"),
        ({"PLACE": "M3"}, "field.code.withdrawn", "PLACE"),
        ({"DEC": "01/03/2025", "REC": "E99"}, "field.code", "REC"),
        ({"DEC": "01/03/2025", "REC": "E43"}, "field.code.withdrawn", "REC"),
        ({"PL_POST": "x" * 201}, "field.text", "PL_POST"),
    ],
)
def test_refused(changes: dict[str, str], code: str, field: str) -> None:
    # Given a wrong row before a good one, when both are read, then only the wrong is refused.
    reading = table(row(**changes) + row(DECOM="01/05/2025").splitlines()[1] + "\n")
    account = reading.accounting
    assert [(one.code, one.field) for one in account.rejected] == [(code, field)]
    assert (account.read, account.mapped) == (2, 1)


@pytest.mark.parametrize(("name", "code"), [(n, c) for n in CODES for c in sorted(CODES[n])])
def test_every_code_of_the_lists_is_read_in_either_case(name: str, code: str) -> None:
    # Given a code of a list, in small letters, when it is read, then the row is not refused.
    changes = {name: code.lower()} | ({"DEC": "01/03/2025"} if name == "REC" else {})
    assert table(row(**changes)).accounting.rejected == ()


def test_no_code_is_both_in_force_and_withdrawn() -> None:
    assert all(not CODES[name] & gone for name, gone in WITHDRAWN.items())


def test_extra_columns_are_named_by_their_place() -> None:
    # Given columns that the module does not have, when it is read, heads aren't repeated.
    heads, line = row().splitlines()
    account = table(f"NOTE,{heads},LA\nx,{line},ES\n").accounting
    assert {"column 1", "column 15"} <= set(account.unmapped)
    assert account.mapped == 1


def test_columns_that_no_record_needs_may_be_absent() -> None:
    # Given the module without postcodes, when it is read, then it is mapped.
    text = "CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC\nEC-1,01/02/2025,S,V2,N1,U6,,\n"
    assert table(text).accounting.mapped == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [("CHILD,DECOM,RNE\nx,y,z\n", "input.csv.columns"), (row() + 'EC-3,"', "input.csv")],
)
def test_no_table(text: str, code: str) -> None:
    # Given missing columns or an open quote, when it is read, then what came before stays.
    assert codes(table(text)) == {code: 1}


def test_companions() -> None:
    # Given names of the module, when its twin is asked for, then it is looked for under both.
    assert FORMAT.companions("episodes.csv") == ("header.csv",)
    assert FORMAT.companions("la999_Episodes.csv") == ("header.csv", "la999_Header.csv")
