"""SSDA903 in XML: the same records as the tables, and what is wrong in it."""

from io import BytesIO

import pytest

from adapters.format import Draft
from adapters.reading import Reading
from adapters.social_care.ssda903_xml import FORMAT
from broker.records.statement import Statement
from tests.adapters.reading_support import HEADER_CSV, MISSING_CSV, codes, context, only, read
from tests.adapters.ssda903_support import EPISODES_CSV, SSDA903_XML

NAME = "social-care-ssda903-xml"

HEADER = "<HEADER><CHILDID>EC-1</CHILDID><DOB>25/09/2011</DOB>{}</HEADER>"
EPISODE = "<EPISODE><DECOM>01/02/2025</DECOM><LS>V2</LS><PL>U6</PL>{}</EPISODE>"
MISSING = "<AMISSING><MISSING>M</MISSING><MIS_START>01/02/2025</MIS_START></AMISSING>"
CHILD = f"<CHILD>{HEADER.format(MISSING)}{EPISODE.format('')}</CHILD>"


def returned(text: str | bytes) -> Reading:
    return read(text, NAME, context("social-care"))


def whole(*children: str) -> str:
    return f"<EXPSSDA903>{''.join(children)}</EXPSSDA903>"


def tables() -> list[Statement]:
    """What the tables of the same return give."""
    beside = context("social-care", beside={"header.csv": HEADER_CSV.encode()})
    episodes = read(EPISODES_CSV, "social-care-ssda903-episodes", beside)
    missing = read(MISSING_CSV, "social-care-ssda903-missing", beside)
    return [one.statement for one in (*episodes.drafts, *missing.drafts)]


def test_one_fact_is_one_record_whichever_form_it_came_in() -> None:
    # Given one return as tables and as XML, when both are read
    reading = returned(SSDA903_XML)
    said = [one.statement for one in reading.drafts]
    # Then system, natural id, content, labels and identifiers are the same, record by record.
    assert sorted(said, key=lambda one: one.natural_id) == sorted(
        tables(), key=lambda one: one.natural_id
    )
    account = reading.accounting
    assert (account.read, account.mapped, account.context, account.rejected) == (7, 5, 2, ())


def test_several_facts_of_one_day_are_numbered_alike() -> None:
    # Given two episodes of one day and one of them twice, when both forms are read
    lines = EPISODES_CSV.splitlines()
    other = lines[1].replace("01/02/2025,X1", "05/02/2025,X1")
    text = "\n".join([*lines[:2], other, lines[1]]) + "\n"
    table = read(text, "social-care-ssda903-episodes", context("social-care"))
    one, two = (
        EPISODE.format(f"<DEC>{day}</DEC><REC>X1</REC>").replace("01/02/2025<", "01/02/2024<", 1)
        for day in ("01/02/2025", "05/02/2025")
    )
    xml = returned(whole(f"<CHILD>{HEADER.format('')}{one}{two}{one}</CHILD>"))
    # Then they have the same three names, two of which are one.
    names = [draft.statement.natural_id for draft in xml.drafts]
    assert names == [draft.statement.natural_id for draft in table.drafts]
    assert names[0] == names[2] != names[1]


def test_what_is_not_mapped_is_named_and_goes_nowhere() -> None:
    # Given a return with postcodes and codes, when it is read, then no record holds them.
    reading = returned(SSDA903_XML)
    assert not any(word in repr(reading.drafts) for word in ("ZZ1", "SC999999", "PR1", "CARPL"))
    assert {"HOME_POST", "PL_POST", "URN", "PLACE", "HEADER.SEX"} <= set(
        reading.accounting.unmapped
    )


def test_groups_of_other_modules_are_context() -> None:
    # Given reviews, outcomes, adoption and what nobody knows in the header, when it is read
    groups = (
        "<AREVIEW><REVIEW>01/06/2024</REVIEW></AREVIEW><AREVIEW/><OC2><CONVICTED>1</CONVICTED></OC2>"
        "<AD_PLACED><DATE_PLACED>01/06/2024</DATE_PLACED></AD_PLACED><PERMANENCE/>"
        "<IN_TOUCH>YES</IN_TOUCH><DATE_MATCH>01/06/2024</DATE_MATCH><BUS>1</BUS>"
    )
    account = returned(whole(f"<CHILD>{HEADER.format(groups)}</CHILD>")).accounting
    # Then each group is an item, and elements of the header are named.
    assert (account.read, account.context) == (5, 5)
    assert {"HEADER.IN_TOUCH", "HEADER.DATE_MATCH", "HEADER.BUS"} <= set(account.unmapped)


def test_a_child_without_anything_is_context() -> None:
    account = returned(whole(f"<CHILD>{HEADER.format('')}</CHILD>", CHILD)).accounting
    assert (account.read, account.context, account.mapped) == (3, 1, 2)


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("<DECOM>01/02/2025", "<DECOM>2025-02-01", "field.date", "DECOM"),
        ("<DECOM>01/02/2025</DECOM>", "", "field.missing", "DECOM"),
        ("<PL>U6", "<PL>XX", "field.code", "PL"),
        ("<PL>U6", "<PL>F1", "field.code.withdrawn", "PL"),
        ("<LS>V2</LS>", "<LS>V2</LS><LS>C1</LS>", "field.twice", "LS"),
        ("<MISSING>M", "<MISSING>X", "field.code", "MISSING"),
        ("<MIS_START>01/02/2025", "<MIS_START>01/02/2027", "field.date.future", "MIS_START"),
    ],
)
def test_one_bad_part_does_not_take_the_others_with_it(
    old: str, new: str, code: str, field: str
) -> None:
    # Given a child one of whose parts is wrong, when it is read, then the other goes through.
    account = returned(whole(CHILD.replace(old, new))).accounting
    assert [(one.code, one.field) for one in account.rejected] == [(code, field)]
    assert account.mapped == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("<CHILDID>EC-1</CHILDID>", "", "field.missing", "CHILDID"),
        ("<CHILDID>EC-1", "<CHILDID>E C", "identity.local-id", "council_id"),
        ("</CHILDID>", "</CHILDID><CHILDID>EC-2</CHILDID>", "field.twice", "CHILDID"),
        ("<CHILD>", "<CHILD><HEADER/>", "field.twice", "HEADER"),
        ("HEADER>", "HEADING>", "field.missing", "HEADER"),
    ],
)
def test_a_child_whom_nobody_can_name_loses_no_item_silently(
    old: str, new: str, code: str, field: str
) -> None:
    # Given a header that does not tell whom it is about, when the child is read
    account = returned(whole(CHILD.replace(old, new), CHILD)).accounting
    # Then each of its items is refused, and the next child goes through.
    assert {(one.code, one.field) for one in account.rejected} == {(code, field)}
    assert account.read == account.mapped + len(account.rejected)
    assert account.mapped == 2


def test_a_child_without_header_or_parts_is_refused() -> None:
    assert codes(returned(whole("<CHILD/>"))) == {"field.missing": 1}


def test_a_birth_that_is_none_is_told_as_with_the_tables() -> None:
    # Given an impossible date of birth, when it is read
    account = returned(whole(CHILD.replace("25/09/2011", "31/02/2011"))).accounting
    # Then the row of the missing module would be refused; the episode would do without.
    assert [(one.code, one.item) for one in account.rejected] == [
        ("field.date", "CHILD[1].AMISSING[1]")
    ]
    assert [one.code for one in account.warnings] == ["field.date", "identity.no-date-of-birth"]


def test_a_child_that_stands_twice_is_told() -> None:
    account = returned(whole(CHILD, CHILD)).accounting
    assert [(one.code, one.field) for one in account.warnings] == [("field.twice", "CHILDID")]
    assert (account.mapped, account.records) == (4, 4)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (whole(CHILD)[:-20], "input.xml"),
        (whole(CHILD, CHILD).replace("</CHILD>", "</CHILT>"), "input.xml"),
        ('<!DOCTYPE EXPSSDA903 [<!ENTITY a "b">]>' + whole(CHILD), "input.xml.dtd"),
        (whole(), "input.shape"),
        (whole("<Child/>"), "input.shape"),
    ],
)
def test_what_is_no_return_ends_the_file_with_its_place(text: str, code: str) -> None:
    assert code in codes(returned(text))


@pytest.mark.parametrize("root", ["EXPSSDA903", "SSDA903", "r:EXPSSDA903"])
def test_recognised_by_its_root(root: str) -> None:
    # Given the return under a root that councils use, with a namespace or none, when it is read
    text = f"<{root} xmlns:r='urn:made-up' xmlns='urn:made-up'>{CHILD}</{root}>"
    # Then it is known, and its elements are found by name.
    assert FORMAT.recognises(text.encode(), "export")
    assert returned(text).accounting.mapped == 2


def test_another_file_is_not_taken_for_it() -> None:
    assert not FORMAT.recognises(b"<Message><Collection>CIN</Collection></Message>", "a.xml")
    assert not FORMAT.recognises(b"CHILD,<SSDA903>\n", "a.csv")
    assert FORMAT.companions("a.xml") == ()


def test_records_come_before_the_file_has_been_read() -> None:
    # Given a return far longer than one read of the parser
    text = whole(*(CHILD.replace("EC-1", f"EC-{number}") for number in range(5_000))).encode()
    source = BytesIO(text)
    # When the first record has come
    outcomes = FORMAT.read(source, "export", context("social-care"))
    next(one for one in outcomes if isinstance(one, Draft))
    # Then the rest still waits; and to its end nothing is lost.
    assert source.tell() < len(text) / 4
    assert sum(isinstance(one, Draft) for one in outcomes) == 9_999


def test_the_fix_of_a_refusal_names_no_attendance() -> None:
    # Given a withdrawn code, when it is refused, then the way on fits every list.
    (refused,) = returned(whole(CHILD.replace("U6", "F1"))).accounting.rejected
    assert "docs/mappings.md" in refused.fix
    assert only(returned(whole(CHILD.replace("U6", "F1")))).statement.type == "missing-episode"
