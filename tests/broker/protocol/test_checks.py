"""Checks of a text: what its authors cannot have meant, and what they should look at."""

from dataclasses import replace
from typing import Any

import pytest

from broker.clock import DAY, Instant
from broker.protocol.agreement import Agreement
from broker.protocol.checks import Finding, check_cases, check_text
from broker.protocol.clauses import Clause, Condition, Effect, Test
from broker.protocol.decisions import Outcome
from tests.broker.protocol.county import SCHEMAS, county, point

CLAUSES, CASES, AGREEMENT = county().clauses, county().cases, county().agreement
GRANT = next(one for one in CLAUSES if one.effect is Effect.CONTENT and not one.floor)


def found(*more: Clause, agreement: Agreement = AGREEMENT) -> list[Finding]:
    """Return what is found of clauses that are put beside the county's."""
    ids = {one.id for one in more}
    findings = check_text(agreement, (*CLAUSES, *more), CASES, SCHEMAS.types())
    return [one for one in findings if one.kind != "case-missing" and one.clause in {"", *ids}]


def grant(*when: Condition, **parts: Any) -> Clause:  # noqa: ANN401 - parts of a clause
    return replace(GRANT, id="9.9", when=when, **parts)


def is_in(name: str, *values: str) -> Condition:
    return Condition(name, Test.IN, values)


TYPE, HEALTH = is_in("labels.type", "referral"), is_in("consumer.type", "health")


def test_a_shipped_county_has_no_faults() -> None:
    assert check_text(AGREEMENT, CLAUSES, CASES, SCHEMAS.types()) == ()


def test_each_kind_of_case_that_is_missing_is_a_fault() -> None:
    findings = check_text(AGREEMENT, (*CLAUSES, grant(TYPE)), CASES, SCHEMAS.types())
    missing = [one for one in findings if one.kind == "case-missing"]
    assert {one.clause for one in missing} == {"9.9"}
    assert len(missing) == 3
    assert all(one.fault for one in missing)


@pytest.mark.parametrize(
    "when",
    [
        (TYPE, HEALTH, Condition("consumer.type", Test.NOT_IN, ("health",))),
        (TYPE, Condition("alerts", Test.EMPTY), Condition("alerts", Test.SOME)),
        (is_in("source.agency", "eastshire-police"), is_in("source.type", "health")),
        (is_in("consumer.agency", "eastshire-police"), HEALTH),
        (is_in("source.agency", "eastshire-police"), is_in("consumer.agency", "eastshire-police")),
    ],
)  # fmt: skip
def test_a_clause_that_can_never_apply_is_a_fault(when: tuple[Condition, ...]) -> None:
    (one,) = found(grant(*when))
    assert (one.fault, one.kind) == (True, "never-applies")


def test_a_clause_outside_the_protocol_s_days_is_a_fault() -> None:
    for days in ({"first": AGREEMENT.until}, {"until": AGREEMENT.in_force}):
        (one,) = found(grant(TYPE, is_in("consumer.order", "requires"), **days))
        assert (one.fault, one.kind) == (True, "never-in-force")


def test_a_clause_that_a_refusal_closes_wherever_it_applies_is_a_fault() -> None:
    when = (TYPE, is_in("consumer.order", "requires"))
    refusal = replace(
        grant(when[0]), id="9.8", effect=Effect.REFUSE, slots=("all",), obligations=()
    )
    kinds = {one.kind: one for one in found(grant(*when), refusal) if one.clause == "9.9"}
    assert kinds["always-closed"].fault
    # but not if it is closed elsewhere, in part, at other times, or outranks what refuses
    elsewhere = replace(refusal, when=(TYPE, HEALTH))
    in_part = replace(refusal, slots=("contact",))
    sometimes = replace(refusal, until=Instant(AGREEMENT.in_force + DAY))
    for other in (elsewhere, in_part, sometimes):
        assert "always-closed" not in {one.kind for one in found(grant(*when), other)}
    assert "always-closed" not in {one.kind for one in found(grant(*when, outranks=True), refusal)}


def test_a_clause_that_adds_nothing_is_a_note() -> None:
    wide = replace(grant(TYPE), id="9.8", slots=("all",))
    notes = found(grant(TYPE, HEALTH), wide)
    assert ("9.9", "adds-nothing", False) in {(one.clause, one.kind, one.fault) for one in notes}


def test_a_type_of_agency_that_nobody_is_of_is_a_note() -> None:
    agreement = replace(AGREEMENT, agency_types={**AGREEMENT.agency_types, "housing": {}})
    order = is_in("consumer.order", "requires")
    (one,) = found(grant(TYPE, order, is_in("consumer.type", "housing")), agreement=agreement)
    assert (one.kind, one.fault) == ("nobody", False)


def test_what_no_clause_speaks_of_is_a_note() -> None:
    # given a text without clauses that open, and without those that use special rules
    default = CLAUSES[0]
    findings = check_text(AGREEMENT, (default,), CASES, SCHEMAS.types())
    kinds = [one.kind for one in findings if one.kind != "case-missing"]
    assert kinds == ["type-unopened", "rule-unused", "rule-unused"]


def test_a_last_day_on_which_nobody_signs_is_a_fault() -> None:
    (one,) = found(agreement=replace(AGREEMENT, until=Instant(AGREEMENT.until + DAY)))
    assert (one.kind, one.fault) == ("last-day", True)
    assert "30 December 2028" in one.text


def test_a_case_that_comes_out_otherwise_is_a_fault() -> None:
    case = CASES[0]
    wrong = replace(case, outcome=next(one for one in Outcome if one is not case.outcome))
    with point() as module:
        (decision,) = module.decide_now([case.question], case.at).decisions
    assert check_cases(CLAUSES, [(case, decision)]) == ()
    (one,) = check_cases(CLAUSES, [(wrong, decision)])
    assert (one.kind, one.clause) == ("case-fails", case.clause)
    assert case.name in one.text
