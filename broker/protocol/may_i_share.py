"""May I share this? Asked before there is a record: what the protocol says, and on what terms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from broker.clock import Instant
from broker.errors import Code
from broker.protocol.attributes import BY_NAME, Attribute, Shape
from broker.protocol.decision_point import DecisionPoint, Explainer, Explanation
from broker.protocol.decisions import Decision, Outcome
from broker.protocol.errors import ProtocolError
from broker.protocol.explain import Line, Mark, explain, named, unknown_conditions
from broker.protocol.policy_data import canonical
from broker.protocol.questions import Question, question_of
from broker.protocol.revision import Revision
from broker.protocol.wording import listing, wanted_words
from broker.records.names import AgencyId, agency_of, desk_of

WHO = Code(
    "protocol.may-i-share.who",
    "This is neither an agency, nor a desk, nor a type of agency in the protocol.",
    "Name one of those that the protocol lists.",
)
WHAT = Code(
    "protocol.may-i-share.what",
    "The protocol knows no such type of record.",
    "Name one of the types that have a schema.",
)
LABEL = Code(
    "protocol.may-i-share.label",
    "This label, or its value, is not one that a record can have.",
    "docs/attributes.md lists them: --label facts=missing:high-risk.",
)

_ASSUMED: Mapping[str, Any] = {
    "kind": "record",
    "link": "linked",
    "answer": "none",
    "alerts": [],
    "not_visible_to": [],
    "consumer.addressed": False,
    "consumer.order": "none",
    "consumer.staff": "not-checked",
    "labels.subject": "child",
    "labels.indicators": [],
    "labels.protections": [],
}
ASSUMPTIONS = (
    "Assumed: the record is about one child who is known to the hub, no alert or court order is in"
    " force for her, nothing in the record calls for special care, and nobody in it works there."
)


class Verdict(StrEnum):
    """The short answer."""

    YES = "yes"
    EXISTENCE = "existence"
    ASK_FIRST = "ask-first"
    DEPENDS = "depends"
    NO = "no"


_SHORT: Mapping[Verdict, str] = {
    Verdict.YES: "Yes, you may share this under clause {}.",
    Verdict.EXISTENCE: "Under clause {} you may tell them whom to ask, and nothing more.",
    Verdict.ASK_FIRST: "Not before the person whom the protocol names has answered.",
    Verdict.DEPENDS: "It depends.",
    Verdict.NO: (
        "No clause lets this go to them by itself. If it carries a sign of risk, your safeguarding"
        " lead decides whether to share it."
    ),
}


@dataclass(frozen=True, slots=True)
class MayIShare:
    """The answer.

    Attributes:
        verdict: in a word.
        question: what was asked; what was not given in it is unknown.
        decision: what policy answers to that.
        lines: why, in plain words.
    """

    verdict: Verdict
    question: Question
    decision: Decision
    lines: tuple[Line, ...]


def hypothetical(
    revision: Revision, sender: str, to: str, record_type: str, labels: Mapping[str, str]
) -> Question:
    """Return the question about a record that is only thought of.

    Args:
        revision: whose words are used.
        sender: an agency, or a type of agency.
        to: an agency, a desk (`agency/desk`), or a type of agency.
        record_type: of the record.
        labels: attribute (its short name will do) → value, several with commas between.

    Raises:
        ProtocolError: `protocol.may-i-share.*`.
    """
    schemas = [
        digest for digest, one in revision.data["schemas"].items() if one["type"] == record_type
    ]
    if not schemas:
        raise ProtocolError(WHAT, record_type)
    values: dict[str, Any] = {name: None for name in BY_NAME if not name.startswith("special.")}
    values |= {**_ASSUMED, "labels.type": record_type}
    newest = max(schemas, key=lambda digest: _version(revision.data["schemas"][digest]["version"]))
    values["schema"] = newest
    values["source.agency"], values["source.type"] = _who(revision, sender)
    values["consumer.agency"], values["consumer.type"] = _who(revision, to)
    values["consumer.desk"] = None if values["consumer.agency"] is None else desk_of(to)
    asked = revision.agreement.named.get(record_type, ())
    values["consumer.relation"] = "named" if to in asked else "involved"
    for name, said in labels.items():
        attribute = _attribute(name)
        values[attribute.name] = _value(attribute, said)
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, leaf = name.rpartition(".")
        (nested.setdefault(group, {}) if dot else nested)[leaf] = value
    return question_of(canonical(nested))


def _version(said: str) -> tuple[int, ...]:
    return tuple(int(part) for part in said.split("."))


def _who(revision: Revision, said: str) -> tuple[str | None, str]:
    agreement = revision.agreement
    if said in agreement.agency_types:
        return None, said
    agency = agreement.roster.agencies.get(AgencyId(agency_of(said)))
    if agency is None or not agreement.roster.has(said):
        raise ProtocolError(WHO, said)
    return agency.id, agency.type


def _attribute(name: str) -> Attribute:
    found = BY_NAME.get(name) or BY_NAME.get(f"labels.{name}") or BY_NAME.get(f"consumer.{name}")
    if found is None or found.group == "special":
        raise ProtocolError(LABEL, name)
    return found


def _value(attribute: Attribute, said: str) -> str | bool | list[str]:
    if attribute.shape is Shape.FLAG:
        if said not in {"true", "false"}:
            raise ProtocolError(LABEL, f"{attribute.name}: true or false")
        return said == "true"
    codes = sorted({part.strip() for part in said.split(",") if part.strip()})
    known = attribute.codes
    if known and not set(codes) <= set(known):
        raise ProtocolError(LABEL, attribute.name, f"Use: {', '.join(known)}.")
    if attribute.shape is Shape.CODES:
        return codes
    if len(codes) != 1:
        raise ProtocolError(LABEL, f"{attribute.name}: one value")
    return codes[0]


def answer(
    revision: Revision, question: Question, decision: Decision, explanation: Explanation
) -> MayIShare:
    """Return the answer in words. Pure: decision and explanation are given."""
    would = tuple(_would(revision, decision, explanation))
    if decision.outcome is Outcome.CONTENT:
        would = ()
    verdict = _verdict(decision, explanation, depends=bool(would))
    shown = {line.clause for line in would}
    why = [
        line
        for line in explain(revision, question, decision, explanation)
        if not (line.mark is Mark.DOES_NOT and line.clause in shown)
    ]
    return MayIShare(
        verdict,
        question,
        decision,
        (
            Line(Mark.OUTCOME, "", _SHORT[verdict].format(listing(decision.clauses))),
            *would,
            *why,
            Line(Mark.OUTCOME, "", ASSUMPTIONS),
        ),
    )


def _verdict(decision: Decision, explanation: Explanation, *, depends: bool) -> Verdict:
    if decision.outcome is Outcome.CONTENT:
        return Verdict.YES
    if decision.outcome is Outcome.EXISTENCE:
        return Verdict.DEPENDS if depends else Verdict.EXISTENCE
    certain = any("unknown" not in explanation[one].verdicts for one in decision.referrals)
    if decision.referrals and certain:
        return Verdict.ASK_FIRST
    return Verdict.DEPENDS if depends or decision.referrals else Verdict.NO


def _would(revision: Revision, decision: Decision, explanation: Explanation) -> Iterator[Line]:
    """Yield grants that only something unknown keeps from applying, with what they need."""
    for clause in revision.clauses:
        if not clause.effect.grants or clause.id in decision.clauses:
            continue
        needs = [
            wanted_words(condition)
            for condition in unknown_conditions(clause, explanation[clause.id])
        ]
        if needs:
            text = f"{named(clause)} would let something go, if this holds: {'; '.join(needs)}."
            yield Line(Mark.DEPENDS, clause.id, text)


class Asked(DecisionPoint, Explainer, Protocol):
    """A decision point that explains, too."""


async def may_i_share(
    revision: Revision,
    point: Asked,
    question: Question,
    at: Instant,
) -> MayIShare:
    """Ask a decision point and put its answer into words.

    Args:
        revision: by which `point` answers.
        point: what decides and explains.
        question: from `hypothetical`.
        at: when it would be shared.

    Raises:
        AnswerRefused: the decision point cannot be relied on.
    """
    (decision,) = (await point.decide((question,), at)).decisions
    return answer(revision, question, decision, await point.explain(question, at))
