"""Checks of a protocol's text before anybody signs it: what can be told without asking a question.

A *fault* is something that its authors cannot have meant; a *note* is something to look at. Dates,
codes, slots and agencies that do not exist are refused when the text is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations

from broker.clock import DAY, SECOND, Instant
from broker.protocol.agreement import Agreement
from broker.protocol.attributes import ATTRIBUTES
from broker.protocol.cases import Case, check_case, missing_cases
from broker.protocol.clauses import Clause, Condition, Effect, Test
from broker.protocol.decisions import Decision
from broker.protocol.difference import day
from broker.protocol.reach import holds_whenever, meant, never_both
from broker.protocol.wording import listing, wanted_words
from broker.records.names import AgencyId
from broker.records.schemas import RecordSchema

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        fault: whether it must be mended; else it is a note.
        kind: stable name of the check.
        clause: number of the clause; empty for the agreement as a whole.
        text: what was found.
        fix: what to do.
    """

    fault: bool
    kind: str
    clause: str
    text: str
    fix: str


def check_text(
    agreement: Agreement,
    clauses: Sequence[Clause],
    cases: Sequence[Case],
    schemas: Sequence[RecordSchema],
) -> tuple[Finding, ...]:
    """Return what is wrong in a text, or looks so: faults first, each in the order of clauses."""
    found = [
        *_without_cases(clauses, cases),
        *(finding for clause in clauses for finding in _alone(clause, agreement)),
        *_closed(clauses, schemas),
        *_needless(clauses, schemas),
        *_unopened(clauses, schemas),
        *_rules(clauses),
        *_dates(agreement),
    ]
    return tuple(sorted(found, key=lambda one: not one.fault))


def check_cases(
    clauses: Sequence[Clause], answered: Iterable[tuple[Case, Decision]]
) -> tuple[Finding, ...]:
    """Return where a decision is another one than its case says.

    Args:
        clauses: of the protocol.
        answered: each case with what policy answers to its question.
    """
    by_id = {clause.id: clause for clause in clauses}
    return tuple(
        _fault(
            "case-fails",
            case.clause,
            f"The case “{case.name}” comes out otherwise: {'; '.join(wrong)}.",
            "Mend the clause, or say in the case what shall come.",
        )
        for case, decision in answered
        if (wrong := check_case(case, by_id[case.clause], decision))
    )


def _fault(kind: str, clause: str, text: str, fix: str) -> Finding:
    return Finding(True, kind, clause, text, fix)  # noqa: FBT003 - what the name says


def _note(kind: str, clause: str, text: str, fix: str) -> Finding:
    return Finding(False, kind, clause, text, fix)  # noqa: FBT003 - what the name says


def _without_cases(clauses: Sequence[Clause], cases: Sequence[Case]) -> Iterator[Finding]:
    for missing in missing_cases(clauses, cases):
        clause, _, kind = missing.partition(" ")
        yield _fault(
            "case-missing",
            clause,
            f"No decision case shows it where it {_KINDS[kind]}.",
            "Write one: those who sign read what a clause does in its cases.",
        )


_KINDS: Mapping[str, str] = {
    "applies": "applies",
    "does-not": "does not apply",
    "unknown": "meets something that is not known",
}


def _alone(clause: Clause, agreement: Agreement) -> Iterator[Finding]:
    for one, other in combinations(clause.when, 2):
        if never_both(one, other):
            yield _never(clause, f"{wanted_words(one)}, and {wanted_words(other)}")
    for end in ("source", "consumer"):
        agencies = _wanted(clause, f"{end}.agency")
        types = _wanted(clause, f"{end}.type")
        said = {agreement.roster.type_of(AgencyId(one)) for one in agencies or ()}
        if agencies and types and not said & types:
            yield _never(clause, f"{listing(sorted(agencies))} is none of {listing(sorted(types))}")
    source, consumer = _wanted(clause, "source.agency"), _wanted(clause, "consumer.agency")
    if source and source == consumer and len(source) == 1:
        yield _never(clause, "nobody is asked about a record of her own agency")
    there = {agency.type for agency in agreement.roster.agencies.values()}
    types = _wanted(clause, "consumer.type")
    if types and not types & there:
        yield _note(
            "nobody",
            clause.id,
            f"No agency takes part that is of the type {listing(sorted(types), 'or')}.",
            "Leave it if one will join; else remove the clause.",
        )
    if clause.first >= agreement.until or clause.until <= agreement.in_force:
        yield _fault(
            "never-in-force",
            clause.id,
            "Its days lie outside those of the protocol, so it is never in force.",
            "Mend first_day and last_day.",
        )


def _never(clause: Clause, why: str) -> Finding:
    return _fault(
        "never-applies",
        clause.id,
        f"It can never apply: {why}.",
        "Mend its conditions.",
    )


def _wanted(clause: Clause, attribute: str) -> frozenset[str] | None:
    """Return the codes that a clause asks for, None if it does not ask."""
    for one in clause.when:
        if one.attribute == attribute and one.test is Test.IN:
            return frozenset(str(value) for value in one.values)
    return None


def _closed(clauses: Sequence[Clause], schemas: Sequence[RecordSchema]) -> Iterator[Finding]:
    """Find clauses that open nothing, because a refusal stands wherever they apply."""
    refusals = [one for one in clauses if one.effect is Effect.REFUSE]
    for clause in clauses:
        if clause.effect is not Effect.CONTENT or clause.outranks:
            continue
        for refusal in refusals:
            if _covers(clause, refusal) and _all_slots(clause, refusal, schemas):
                yield _fault(
                    "always-closed",
                    clause.id,
                    f"It never opens anything: wherever it applies, {refusal.id} keeps all of"
                    " that closed.",
                    "Mend one of the two, or remove this one.",
                )


def _needless(clauses: Sequence[Clause], schemas: Sequence[RecordSchema]) -> Iterator[Finding]:
    """Find clauses beside which another one opens the same and more, and asks no more."""
    grants = [one for one in clauses if one.effect is Effect.CONTENT]
    for clause in grants:
        for other in grants:
            if (
                other is not clause
                and other.outranks is clause.outranks
                and (other.floor or not clause.floor)
                and set(clause.obligations) <= set(other.obligations)
                and _covers(clause, other)
                and _all_slots(clause, other, schemas)
            ):
                yield _note(
                    "adds-nothing",
                    clause.id,
                    f"It opens nothing that {other.id} does not open wherever it applies.",
                    "Leave it if it stands there for its gateway; else remove it.",
                )
                break


def _covers(clause: Clause, other: Clause) -> bool:
    """Tell whether `other` applies wherever and whenever `clause` does."""
    return (
        other.first <= clause.first
        and clause.until <= other.until
        and all(any(holds_whenever(mine, its) for mine in clause.when) for its in other.when)
    )


def _all_slots(clause: Clause, other: Clause, schemas: Sequence[RecordSchema]) -> bool:
    return all(
        meant(clause, schema) <= meant(other, schema)
        for schema in schemas
        if clause.may_concern(schema.type)
    )


def _unopened(clauses: Sequence[Clause], schemas: Sequence[RecordSchema]) -> Iterator[Finding]:
    grants = [clause for clause in clauses if clause.effect.grants]
    types = {schema.type for schema in schemas}
    closed = sorted(one for one in types if not any(each.may_concern(one) for each in grants))
    if closed:
        yield _note(
            "type-unopened",
            "",
            f"No clause lets anybody have a {listing(closed, 'or')}.",
            "Leave it if that is meant.",
        )


def _rules(clauses: Sequence[Clause]) -> Iterator[Finding]:
    asked = {one.attribute for clause in clauses for one in clause.when}
    for attribute in ATTRIBUTES:
        if attribute.group == "special" and attribute.name not in asked:
            words = wanted_words(Condition(attribute.name, Test.IN, (True,)))
            yield _note(
                "rule-unused",
                "",
                f"No clause uses the special rule {attribute.name}: {words}.",
                "Refuse by it what would give the child's place or her matter away.",
            )


def _dates(agreement: Agreement) -> Iterator[Finding]:
    last = Instant(agreement.until - DAY)
    if datetime.fromtimestamp(last // SECOND, UTC).weekday() >= _SATURDAY:
        yield _fault(
            "last-day",
            "",
            f"The last day, {day(last)}, is no working day: nobody could sign the next one.",
            "Choose a day on which every office is open; look for bank holidays, too.",
        )
