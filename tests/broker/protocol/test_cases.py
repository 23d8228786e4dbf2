"""Decision cases: read, checked against what comes, and none missing."""

import pytest

from broker.protocol.cases import (
    Kind,
    case_of,
    case_plain,
    check_case,
    missing_cases,
    read_cases,
)
from broker.protocol.errors import ProtocolTextError
from tests.broker.protocol.county import county, point, vocabulary

GOOD = """
cases:
  - clause: "4.1"
    case: applies
    name: her school
    at: 2026-05-01
    asked:
      labels.type: missing-episode
      source: eastshire-police
      consumer: st-brannocks-school
      consumer.involvement: [on-roll]
    comes:
      outcome: content
      slots: [contact, episode]
      clauses: ["4.1"]
      reasons: []
      obligations: [acknowledge-by P1D]
"""


def read(text: str) -> object:
    return read_cases(text.encode(), county().clauses, vocabulary())


def test_a_case_is_read() -> None:
    (case,) = read_cases(GOOD.encode(), county().clauses, vocabulary())
    assert case.at == 1_777_593_600_000
    assert case.slots == (0, 7, 8)
    assert case.question.consumer.type == "education"
    assert case.question.labels.third_party_checked is None
    assert case.question.labels.facts == ()


def test_cases_survive_plain_json() -> None:
    assert tuple(case_of(case_plain(case)) for case in county().cases) == county().cases


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('clause: "4.1"', 'clause: "4.99"', "no clause 4.99"),
        ("case: applies", "case: sometimes", "case"),
        ("source: eastshire-police", "source: westshire-police", "westshire-police"),
        ("consumer: st-brannocks-school", "consumer: st-brannocks-school/dean", "dean"),
        ("labels.type: missing-episode", "labels.type: rumour", "labels.type"),
        ("consumer.involvement: [on-roll]", "consumer.involvement: [friends]", "involvement"),
        ("consumer.involvement: [on-roll]", "consumer.mood: good", "consumer.mood"),
        ("consumer.involvement: [on-roll]", "special.source_tells_place: true", "special"),
        ("consumer.involvement: [on-roll]", "labels.third_party_checked: 1", "third_party"),
        ("consumer.involvement: [on-roll]", "link: perhaps", "link"),
        ("outcome: content", "outcome: maybe", "outcome"),
        ("slots: [contact, episode]", "slots: [contact, shoes]", "no slot shoes"),
        ("reasons: []", "because: []", "because"),
        ("    name: her school\n", "", "lacks name"),
    ],
)
def test_bad_cases_are_refused(old: str, new: str, what: str) -> None:
    assert old in GOOD
    with pytest.raises(ProtocolTextError) as caught:
        read(GOOD.replace(old, new))
    assert what in caught.value.where
    assert caught.value.where.startswith("cases.yaml:")


def test_a_case_twice_is_refused() -> None:
    with pytest.raises(ProtocolTextError, match=r"protocol\.twice"):
        read(GOOD + GOOD.partition("cases:\n")[2])


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("outcome: content", "outcome: existence", "outcome"),
        ("slots: [contact, episode]", "slots: [contact]", "slots"),
        ('clauses: ["4.1"]', 'clauses: ["4.2"]', "clauses"),
        ("reasons: []", 'reasons: ["1.1"]', "reasons"),
        ("[acknowledge-by P1D]", "[acknowledge-by P2D]", "acknowledge-by P2D"),
        ("case: applies", "case: does-not", "clause 4.1 applies"),
        ("case: applies", "case: unknown", "clause 4.1 applies"),
        ('clause: "4.1"', 'clause: "2.2"', "clause 2.2 does not apply"),
        ('clause: "4.1"', 'clause: "6.3"', "clause 6.3 does not apply"),
        ('clause: "4.1"', 'clause: "7.3"', "clause 7.3 does not apply"),
    ],
)
def test_what_comes_otherwise_is_named(old: str, new: str, wrong: str) -> None:
    # given a case that says the wrong thing
    (case,) = read_cases(GOOD.replace(old, new).encode(), county().clauses, vocabulary())
    clause = county().clause(case.clause)
    assert clause is not None

    # when it is checked, then what is wrong is named
    with point() as module:
        (decision,) = module.decide_now([case.question], case.at).decisions
    assert any(wrong in found for found in check_case(case, clause, decision))


def test_clauses_without_cases_are_named() -> None:
    # given cases for all clauses but one
    cases = [case for case in county().cases if case.clause != "4.1"]
    assert missing_cases(county().clauses, county().cases) == ()
    assert missing_cases(county().clauses, cases) == (
        "4.1 applies",
        "4.1 does-not",
        "4.1 unknown",
    )


def test_a_clause_without_conditions_needs_one_case() -> None:
    cases = [case for case in county().cases if case.clause != "7.2"]
    assert missing_cases(county().clauses, cases) == ("7.2 applies",)
    assert Kind.APPLIES.value == "applies"
