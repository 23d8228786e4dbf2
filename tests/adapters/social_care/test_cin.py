"""The children in need census: what becomes of each part, and of what is wrong in it."""

from io import BytesIO

import pytest

from adapters.reading import Reading
from adapters.social_care.cin import FORMAT
from adapters.sources.xml import stream
from broker.records.names import Kind
from tests.adapters.reading_support import content, context, read

NAME = "social-care-cin-census"

CHILD = """
<Child>
  <ChildIdentifiers>
    <LAchildID>EC-1</LAchildID><PersonBirthDate>2011-09-25</PersonBirthDate><Sex>F</Sex>
  </ChildIdentifiers>
  <ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics>
  <CINdetails>
    <CINreferralDate>2025-02-03</CINreferralDate>
    <ReferralSource>3E</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>
    <CINclosureDate>2025-06-01</CINclosureDate><ReasonForClosure>RC1</ReasonForClosure>
    <ReferralNFA>0</ReferralNFA>
    <Assessments>
      <AssessmentActualStartDate>2025-02-04</AssessmentActualStartDate>
      <AssessmentAuthorisationDate>2025-03-01</AssessmentAuthorisationDate>
      <FactorsIdentifiedAtAssessment>
        <AssessmentFactors>11A</AssessmentFactors><AssessmentFactors>19C</AssessmentFactors>
      </FactorsIdentifiedAtAssessment>
    </Assessments>
    <CINPlanDates><CINPlanStartDate>2025-03-02</CINPlanStartDate></CINPlanDates>
    <Section47><S47ActualStartDate>2025-02-05</S47ActualStartDate></Section47>
    <ChildProtectionPlans>
      <CPPstartDate>2025-03-10</CPPstartDate>
      <InitialCategoryOfAbuse>NEG</InitialCategoryOfAbuse>
      <LatestCategoryOfAbuse>SAB</LatestCategoryOfAbuse>
    </ChildProtectionPlans>
  </CINdetails>
</Child>
"""


def census(*children: str, year: str = "2025") -> str:
    return (
        "<Message><Header><CollectionDetails><Collection>CIN</Collection>"
        f"<Year>{year}</Year><ReferenceDate>2025-03-31</ReferenceDate></CollectionDetails></Header>"
        f"<Children>{''.join(children)}</Children></Message>"
    )


def returned(text: str | bytes) -> Reading:
    return read(text, NAME, context("social-care"))


def codes(reading: Reading) -> list[str]:
    return [one.code for one in reading.accounting.rejected]


def test_one_child_gives_a_referral_an_assessment_and_a_plan() -> None:
    # given a child with everything, when the census is read
    reading = returned(census(CHILD))
    referral, assessment, plan = reading.drafts

    # then each part is a record of its own, as history
    assert (reading.accounting.read, reading.accounting.mapped) == (3, 3)
    assert {one.statement.kind for one in reading.drafts} == {Kind.HISTORY}
    assert content(referral) == {
        "referral": {"on": 20122, "kind": "social-care", "source": "emergency-department"},
        "needs": ["N1"],
        "plan": [
            {"status": "closed RC1", "plan": None},
            {"status": "open", "plan": "child in need plan"},
        ],
    }
    assert referral.statement.labels.facts == (
        "referral:child-in-need",
        "referral:protection-plan",
        "referral:section-47",
    )
    assert content(assessment)["factors"] == ["11A", "19C"]
    assert [one.code for one in assessment.statement.labels.indicators] == [
        "risk-of-sexual-exploitation"
    ]
    assert assessment.statement.labels.indicators[0].basis == "opinion"
    assert assessment.statement.labels.facts == ("assessment:exploitation",)
    assert content(plan)["plan"]["category"] == "SAB"
    assert content(plan)["plan"]["first_category"] == "NEG"

    # and what has no place is named
    assert reading.accounting.unmapped == ("ChildCharacteristics",)


def test_one_bad_part_does_not_take_the_others_with_it() -> None:
    # given an assessment that begins in the future, and a plan of an unknown category
    text = CHILD.replace("2025-02-04", "2035-02-04").replace("SAB", "XXX")
    reading = returned(census(text))

    # then both are rejected with their place, and the referral goes through
    assert codes(reading) == ["field.date.future", "field.code"]
    assert [one.item for one in reading.accounting.rejected] == [
        "Child[1].CINdetails[1].Assessments[1]",
        "Child[1].CINdetails[1].ChildProtectionPlans[1]",
    ]
    assert [one.statement.type for one in reading.drafts] == ["referral"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<ReferralSource>3E", "<ReferralSource>77", "field.code"),
        ("<CINreferralDate>2025-02-03", "<CINreferralDate>2025-02-30", "field.date"),
        ("<CINreferralDate>2025-02-03</CINreferralDate>", "", "field.missing"),
        ("<CINclosureDate>2025-06-01", "<CINclosureDate>2024-06-01", "field.date.order"),
        ("<ReferralNFA>0", "<ReferralNFA>perhaps", "field.code"),
        ("<S47ActualStartDate>2025-02-05", "<S47ActualStartDate>soon", "field.date"),
        ("<ReferralNFA>0", "<ReferralNFA>0</ReferralNFA><ReferralNFA>1", "field.twice"),
    ],
)
def test_a_wrong_referral_is_told(old: str, new: str, code: str) -> None:
    reading = returned(census(CHILD.replace(old, new)))
    assert codes(reading)[0] == code
    assert {"assessment", "protection-plan"} <= {one.statement.type for one in reading.drafts}


def test_a_child_whom_nobody_can_name_loses_no_item_silently() -> None:
    # given children without an identifier, without any part for them, and with an impossible birth
    nameless = CHILD.replace("<LAchildID>EC-1</LAchildID>", "")
    bare = "<Child><CINdetails/><CINdetails/></Child>"
    unborn = CHILD.replace("2011-09-25", "2011-13-25").replace("EC-1", "EC-2")
    reading = returned(census(nameless, bare, unborn, "<Child/>"))

    # then each of their details is rejected with a place
    assert reading.accounting.mapped == 0
    assert [one.item for one in reading.accounting.rejected] == [
        "Child[1].CINdetails[1]",
        "Child[2].CINdetails[1]",
        "Child[2].CINdetails[2]",
        "Child[3].CINdetails[1]",
        "Child[4]",
    ]


def test_an_unborn_child_is_one() -> None:
    text = CHILD.replace("PersonBirthDate>", "ExpectedPersonBirthDate>")
    (referral, *_) = returned(census(text)).drafts
    assert referral.statement.labels.subject == "unborn"


def test_what_is_odd_but_harmless_is_told() -> None:
    # given a year that disagrees, stray text, a factor that there is not, a child twice, one alone
    stray = CHILD.replace("</LAchildID>", "</LAchildID>PersonBirthDate")
    odd = stray.replace(">19C<", ">RB<")
    alone = CHILD[: CHILD.index("<CINdetails>")].replace("EC-1", "EC-9") + "</Child>"
    reading = returned(census(odd, CHILD, alone, year="2024"))

    # then all that can be mapped is, and each oddity is named
    assert (reading.accounting.mapped, reading.accounting.context) == (6, 1)
    assert [one.code for one in reading.accounting.warnings] == [
        "field.code",
        "field.twice",
        "identity.disagrees",
    ]
    assert "ChildIdentifiers.text between elements" in reading.accounting.unmapped


def test_plans_that_have_ended_are_not_in_force() -> None:
    text = CHILD.replace(
        "</CPPstartDate>", "</CPPstartDate><CPPendDate>2025-05-01</CPPendDate>"
    ).replace(
        "</CINPlanStartDate>", "</CINPlanStartDate><CINPlanEndDate>2025-05-01</CINPlanEndDate>"
    )
    referral, _, plan = returned(census(text.replace(">0<", ">true<"))).drafts
    assert referral.statement.labels.facts == ("referral:section-47",)
    assert content(referral)["plan"][0] == {"status": "no further action", "plan": None}
    assert content(plan)["plan"]["until"] == 20209


def test_a_plan_needs_a_category() -> None:
    text = CHILD.replace("<LatestCategoryOfAbuse>SAB</LatestCategoryOfAbuse>", "")
    assert content(returned(census(text)).drafts[2])["plan"]["category"] == "NEG"
    text = text.replace("<InitialCategoryOfAbuse>NEG</InitialCategoryOfAbuse>", "")
    assert codes(returned(census(text))) == ["field.missing"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (census(CHILD)[:-20], "input.xml"),
        (census(CHILD).replace("</Child>", "</Chil>"), "input.xml"),
        ('<!DOCTYPE Message [<!ENTITY a "b">]>' + census(CHILD), "input.xml.dtd"),
        ("<?xml version='1.0' encoding='no-such'?>" + census(CHILD), "input.xml"),
    ],
)
def test_what_is_no_xml_ends_the_file_with_its_place(text: str, code: str) -> None:
    reading = returned(text)
    assert codes(reading)[-1] == code


def test_a_bomb_is_refused_before_it_grows() -> None:
    lines = ['<!ENTITY a0 "aaaaaaaaaa">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    bomb = f"<!DOCTYPE Message [{''.join(lines)}]><Message>&a11;</Message>"
    assert codes(returned(bomb)) == ["input.xml.dtd"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_namespaces(encoding: str) -> None:
    text = census(CHILD).replace("<Message>", "<Message xmlns='urn:made-up'>")
    reading = returned(text.encode(encoding))
    assert reading.accounting.mapped == 3
    assert FORMAT.recognises(text.encode(encoding), "cin.xml")


def test_another_file_is_not_taken_for_a_census() -> None:
    assert not FORMAT.recognises(b"<Message><Collection>SCHOOL</Collection></Message>", "a.xml")
    assert not FORMAT.recognises(b'{"Collection": "CIN"}', "a.json")
    assert FORMAT.companions("a.xml") == ()


def test_children_are_forgotten_once_they_are_read() -> None:
    # given a long census, when its children are taken one by one
    text = census(*(CHILD.replace("EC-1", f"EC-{number}") for number in range(50)))
    left = []
    for node in stream(BytesIO(text.encode()), "Child"):
        assert node.node("ChildIdentifiers") is not None
        left.append(len(list(node._element.itersiblings(preceding=True))))

    # then at most the one before is still there, whatever came before that
    assert len(left) == 50
    assert max(left) <= 1
