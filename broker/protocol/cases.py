"""Decision cases: what each clause must and must not do, as examples that are signed with it.

A case asks one question and says what must come of it. For each clause there are three: it applies;
one condition certainly fails; something is not known. `missing_cases` names what is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from broker.clock import DAY, Instant
from broker.protocol.attributes import ATTRIBUTES, BY_NAME, Shape
from broker.protocol.clause_text import Vocabulary
from broker.protocol.clauses import Clause, Effect, slots_of
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import REFERENCE, TWICE, VALUE
from broker.protocol.policy_data import canonical
from broker.protocol.questions import Question, question_of
from broker.records.names import FIRST_TYPE_SLOT, SLOT_SCHEMA, AgencyId, agency_of, desk_of
from broker.records.schemas import RecordSchema

UNKNOWN = "unknown"

_USUAL: Mapping[str, Any] = MappingProxyType(
    {
        "kind": "record",
        "link": "linked",
        "answer": "none",
        "alerts": [],
        "not_visible_to": [],
        "consumer.involvement": [],
        "consumer.relation": "involved",
        "consumer.addressed": False,
        "consumer.order": "none",
        "consumer.staff": "not-checked",
        "labels.subject": "child",
        "labels.indicators": [],
        "labels.age_band": "13-15",
        "labels.handling": "none",
        "labels.protections": [],
        "labels.purpose": ["safeguarding"],
        "labels.roles": [],
        "labels.facts": [],
        "labels.summary_shareable": None,
        "labels.third_party_checked": None,
    }
)
"""What a case's question holds unless the case says otherwise."""

_SAID = ("labels.type", "source", "consumer")
_DERIVED = frozenset({"source.agency", "consumer.agency", "labels.type"})


class Kind(StrEnum):
    """What a case shows of its clause."""

    APPLIES = "applies"
    DOES_NOT = "does-not"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Case:
    """One example.

    Attributes:
        clause: id of the clause that it is about.
        kind: what it shows.
        name: in a line.
        at: the instant of the question.
        question: what is asked.
        outcome: what must come.
        slots: which slots must be open; None if the case does not say.
        clauses: which clauses must grant; None if the case does not say.
        reasons: which reasons must be given; None if the case does not say.
        obligations: which obligations must be among those that come, `kind` or `kind detail`.
    """

    clause: str
    kind: Kind
    name: str
    at: Instant
    question: Question
    outcome: Outcome
    slots: tuple[int, ...] | None
    clauses: tuple[str, ...] | None
    reasons: tuple[str, ...] | None
    obligations: tuple[str, ...]


def read_cases(
    text: bytes, clauses: Sequence[Clause], vocabulary: Vocabulary, file: str = "cases.yaml"
) -> tuple[Case, ...]:
    """Read `cases.yaml`.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    ids = {clause.id for clause in clauses}
    cases: dict[tuple[str, str], Case] = {}
    for spot in read_document(text, file).fields(("cases",))["cases"].items():
        case = _case(spot, ids, vocabulary)
        if (case.clause, case.name) in cases:
            spot.refuse(TWICE, f"case {case.name} of clause {case.clause}")
        cases[case.clause, case.name] = case
    return tuple(cases.values())


def _case(spot: Spot, ids: set[str], vocabulary: Vocabulary) -> Case:
    given = spot.fields(("clause", "case", "name", "asked", "comes"), ("at",))
    clause = given["clause"].text()
    if clause not in ids:
        given["clause"].refuse(REFERENCE, f"no clause {clause}")
    question, schema = _question(given["asked"], vocabulary)
    comes = given["comes"].fields(("outcome",), ("slots", "clauses", "reasons", "obligations"))
    at = given["at"].day() if "at" in given else Instant(vocabulary.agreement.in_force + DAY)
    return Case(
        clause,
        Kind(given["case"].one_of([one.value for one in Kind])),
        given["name"].text(),
        at,
        question,
        Outcome(comes["outcome"].one_of([one.value for one in Outcome])),
        _slots(comes["slots"], schema) if "slots" in comes else None,
        _sorted(comes.get("clauses")),
        _sorted(comes.get("reasons")),
        _sorted(comes.get("obligations")) or (),
    )


def _sorted(spot: Spot | None) -> tuple[str, ...] | None:
    return None if spot is None else tuple(sorted(spot.texts()))


def _slots(spot: Spot, schema: RecordSchema) -> tuple[int, ...]:
    found: set[int] = set()
    for one in spot.items():
        meant = slots_of(one.text(), schema)
        if not meant:
            one.refuse(REFERENCE, f"no slot {one.text()}")
        found |= meant
    if any(slot >= FIRST_TYPE_SLOT or slot < FIRST_TYPE_SLOT - 1 for slot in found):
        found.add(SLOT_SCHEMA)
    return tuple(sorted(found))


def _question(spot: Spot, vocabulary: Vocabulary) -> tuple[Question, RecordSchema]:
    settable = [
        one.name for one in ATTRIBUTES if one.name not in _DERIVED and one.group != "special"
    ]
    given = spot.fields(_SAID, settable)
    record_type = given["labels.type"].one_of(vocabulary.types)
    schema = [one for one in vocabulary.schemas if one.type == record_type][-1]
    values: dict[str, Any] = dict(_USUAL)
    values["labels.type"] = record_type
    values["schema"] = schema.digest.hex()
    for end in ("source", "consumer"):
        consumer = given[end].text()
        agency = vocabulary.agreement.roster.agencies.get(AgencyId(agency_of(consumer)))
        if agency is None or not vocabulary.agreement.roster.has(consumer):
            given[end].refuse(REFERENCE, f"no agency or desk {consumer}")
        values[f"{end}.agency"], values[f"{end}.type"] = agency.id, agency.type
        if end == "consumer":
            values["consumer.desk"] = desk_of(consumer)
    for name in given.keys() - set(_SAID):
        values[name] = _value(given[name], vocabulary)
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, leaf = name.rpartition(".")
        (nested.setdefault(group, {}) if dot else nested)[leaf] = value
    return question_of(canonical(nested)), schema


def _value(spot: Spot, vocabulary: Vocabulary) -> str | bool | list[str] | None:
    if spot.value == UNKNOWN:
        return None
    attribute = BY_NAME[spot.path.partition(".asked.")[2]]
    if attribute.shape is Shape.FLAG:
        return spot.flag()
    codes = vocabulary.codes(attribute)
    if attribute.shape is Shape.CODE:
        return spot.text() if codes is None else spot.one_of(codes)
    values = spot.texts()
    if codes is not None and not set(values) <= codes:
        spot.refuse(VALUE, "names a code that there is not", f"Use: {', '.join(sorted(codes))}.")
    return sorted(set(values))


def check_case(case: Case, clause: Clause, decision: Decision) -> tuple[str, ...]:
    """Return what comes out otherwise than the case says; nothing if all is well.

    Args:
        case: the example.
        clause: the clause that it is about.
        decision: what policy answers to the case's question.
    """
    wrong: list[str] = []
    stands = case.kind is Kind.APPLIES
    if case.kind is Kind.UNKNOWN:
        stands = not clause.effect.grants
    if _acts(clause, decision) is not stands:
        wrong.append(f"clause {clause.id} {'does not apply' if stands else 'applies'}")
    comes: tuple[tuple[str, object, object], ...] = (
        ("outcome", case.outcome, decision.outcome),
        ("slots", case.slots, decision.slots),
        ("clauses", case.clauses, decision.clauses),
        ("reasons", case.reasons, decision.reasons),
    )
    wrong += [
        f"{name}: {given} instead of {expected}"
        for name, expected, given in comes
        if expected is not None and expected != given
    ]
    obliged = {f"{one.kind} {one.detail}".strip() for one in decision.obligations}
    wrong += [f"lacks obligation {one}" for one in case.obligations if one not in obliged]
    return tuple(wrong)


def _acts(clause: Clause, decision: Decision) -> bool:
    if clause.effect.grants:
        return clause.id in decision.clauses
    if clause.effect is Effect.OBLIGE:
        held = {(one.kind, one.detail) for one in decision.obligations}
        kinds = {one.kind for one in decision.obligations}
        return all(
            one.kind in kinds if one.of else (one.kind, one.detail) in held
            for one in clause.obligations
        )
    return clause.id in decision.reasons


def missing_cases(clauses: Iterable[Clause], cases: Iterable[Case]) -> tuple[str, ...]:
    """Return which clause lacks which kind of case, as `2.1 unknown`.

    A clause without conditions needs but one case: there is nothing that could fail or be unknown.
    """
    there = {(case.clause, case.kind) for case in cases}
    return tuple(
        f"{clause.id} {kind.value}"
        for clause in clauses
        for kind in Kind
        if (clause.id, kind) not in there and (clause.when or kind is Kind.APPLIES)
    )


def case_plain(case: Case) -> dict[str, Any]:
    """Return a case as plain JSON values; the question as its canonical text."""
    return {
        "clause": case.clause,
        "case": case.kind.value,
        "name": case.name,
        "at": case.at,
        "question": case.question.canonical.decode(),
        "outcome": case.outcome.value,
        "slots": None if case.slots is None else list(case.slots),
        "clauses": None if case.clauses is None else list(case.clauses),
        "reasons": None if case.reasons is None else list(case.reasons),
        "obligations": list(case.obligations),
    }


def case_of(plain: Mapping[str, Any]) -> Case:
    """Return a case from plain values that `case_plain` made.

    Raises:
        KeyError, TypeError, ValueError, ProtocolError: it did not make them.
    """
    slots, clauses, reasons = plain["slots"], plain["clauses"], plain["reasons"]
    return Case(
        plain["clause"],
        Kind(plain["case"]),
        plain["name"],
        Instant(plain["at"]),
        question_of(plain["question"].encode()),
        Outcome(plain["outcome"]),
        None if slots is None else tuple(slots),
        None if clauses is None else tuple(clauses),
        None if reasons is None else tuple(reasons),
        tuple(plain["obligations"]),
    )
