"""Plain words for conditions, slots, obligations and spans of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from broker.clock import DAY, HOUR, MINUTE
from broker.protocol.attributes import FACTS, Shape
from broker.protocol.clauses import (
    CODED_KINDS,
    HEAD_SLOTS,
    SPANS,
    Condition,
    Kind,
    Test,
    span_ms,
)
from broker.protocol.decisions import Obligation
from broker.protocol.questions import Question
from broker.records.names import SLOT_SCHEMA


@dataclass(frozen=True, slots=True)
class Phrase:
    """How people speak of an attribute.

    Attributes:
        wants: what a clause asks for; `{must}` becomes must or must not, `{}` the values.
        is_: what the record or the recipient is; `{}` becomes the values.
        nothing: what it is when there is no value.
        unknown: the subject of `… is not known`.
        some: what a clause asks for that wants anything at all; `{must}` as above.
        words: code → words; a code without words speaks for itself.
    """

    wants: str
    is_: str
    nothing: str
    unknown: str
    some: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "kind": Phrase(
            "it {must} be {}",
            "it is {}",
            "it is nothing in particular",
            "what kind of record it is",
            words={
                "record": "a record",
                "correction": "a correction",
                "retraction": "a withdrawal",
                "register": "an entry of a register",
                "history": "history",
            },
        ),
        "link": Phrase(
            "the record {must} be {}",
            "it is {}",
            "it is not",
            "whether the record is linked to one child",
            words={
                "linked": "linked to one child",
                "unlinked": "not linked to a child",
                "ambiguous": "linked to two possible children",
            },
        ),
        "answer": Phrase(
            "somebody at the source {must} have decided {}",
            "{}",
            "nobody has decided",
            "what the source has decided",
            words={
                "none": "nobody has decided yet",
                "share": "to share it",
                "refuse": "not to share it",
            },
        ),
        "alerts": Phrase(
            "an alert for the child {must} be in force: {}",
            "alerts in force for the child: {}",
            "no alert is in force for the child",
            "whether an alert is in force for the child",
            "an alert for the child {must} be in force",
        ),
        "not_visible_to": Phrase(
            "it {must} be kept from the {}",
            "it is kept from the {}",
            "nobody is named who must not see it",
            "who must not see it",
            "somebody {must} be named who may not see it",
        ),
        "source.agency": Phrase(
            "the sender {must} be {}", "the sender is {}", "there is none", "who sent it"
        ),
        "source.type": Phrase(
            "the sender {must} be {}", "the sender is {}", "it is none", "what the sender is"
        ),
        "consumer.agency": Phrase(
            "the recipient {must} be {}", "the recipient is {}", "there is none", "who receives it"
        ),
        "consumer.desk": Phrase(
            "the desk {must} be {}",
            "it goes to the desk {}",
            "it goes to no desk in particular",
            "which desk receives it",
        ),
        "consumer.type": Phrase(
            "the recipient {must} be {}",
            "the recipient is {}",
            "it is none",
            "what the recipient is",
        ),
        "consumer.involvement": Phrase(
            "the recipient {must} have the child {}",
            "the recipient has the child {}",
            "the recipient has no current link to the child",
            "whether the recipient works with the child",
            "the recipient {must} work with the child",
            {
                "on-roll": "on roll",
                "registered": "as a registered patient",
                "allocated": "allocated to a worker",
                "placed": "placed with it",
                "open-case": "as an open case",
            },
        ),
        "consumer.relation": Phrase(
            "the recipient {must} be {}",
            "the recipient is {}",
            "the recipient is asked for no reason",
            "why the recipient is asked",
            words={
                "involved": "asked as one that works with the child",
                "named": "named by the protocol for such records",
                "holder": "asked as one that holds the record already",
                "addressed": "addressed by the sender",
                "sender": "asked as the sender of what this is about",
            },
        ),
        "consumer.addressed": Phrase(
            "it needs that {}",
            "{}",
            "there is no word of it",
            "whether the sender names the recipient",
            words={
                "yes": "the sender names the recipient",
                "no": "the sender does not name the recipient",
            },
        ),
        "consumer.order": Phrase(
            "it {must} be that {}",
            "{}",
            "there is no word of it",
            "what a court order says of the recipient",
            words={
                "none": "no court order speaks of the recipient",
                "forbids": "a court order forbids to tell the recipient",
                "requires": "a court order requires to tell the recipient",
            },
        ),
        "consumer.staff": Phrase(
            "it {must} be that {}",
            "{}",
            "there is no word of it",
            "whether somebody in the record works at the recipient",
            words={
                "match": "somebody in the record works at the recipient",
                "none-found": "nobody in the record was found among the recipient's staff",
                "not-checked": "the recipient's staff was not checked",
            },
        ),
        "labels.type": Phrase(
            "the type {must} be {}", "the type is {}", "it has none", "the type of the record"
        ),
        "labels.subject": Phrase(
            "it {must} be about a {}", "it is about a {}", "it is about nobody", "whom it is about"
        ),
        "labels.indicators": Phrase(
            "the record {must} carry the sign {}",
            "the record carries the sign {}",
            "the record carries no sign of risk",
            "whether the record carries signs of risk",
            "the record {must} carry a sign of risk",
        ),
        "labels.age_band": Phrase(
            "the child's age {must} be {}",
            "the child's age is {}",
            "it is not given",
            "the child's age",
        ),
        "labels.handling": Phrase(
            "the handling code {must} be {}",
            "the handling code is {}",
            "there is no handling code",
            "the handling code",
        ),
        "labels.protections": Phrase(
            "the record {must} be marked {}",
            "the record is marked {}",
            "the record is not marked for special care",
            "whether the record calls for special care",
            "the record {must} be marked for special care",
        ),
        "labels.purpose": Phrase(
            "the purpose {must} be {}",
            "the purpose is {}",
            "no purpose is given",
            "the purpose",
            "a purpose {must} be given",
        ),
        "labels.roles": Phrase(
            "another person in the record {must} be a {}",
            "other people in the record are: {}",
            "no other person is in the record",
            "who else is in the record",
            "another person {must} be in the record",
        ),
        "labels.facts": Phrase(
            "the record {must} say: {}",
            "the record says: {}",
            "the record says nothing of the kind",
            "what the record says in codes",
            "the record {must} say something in codes",
            FACTS,
        ),
        "labels.summary_shareable": Phrase(
            "it needs that {}",
            "{}",
            "there is no word of a summary",
            "whether there is a summary to be shared",
            words={
                "yes": "the sender wrote a summary to be shared",
                "no": "the sender wrote no summary to be shared",
            },
        ),
        "labels.third_party_checked": Phrase(
            "it needs that {}",
            "{}",
            "there is no word of a check",
            "whether it was checked for other people's details",
            words={
                "yes": "the sender checked it for other people's details",
                "no": "the sender did not check it for other people's details",
            },
        ),
        "special.source_tells_place": Phrase(
            "it needs that {}",
            "{}",
            "there is no word of it",
            "whether the sender's name tells a protected place",
            words={
                "yes": "the sender's name tells a protected place",
                "no": "the sender's name tells no protected place",
            },
        ),
        "special.existence_tells": Phrase(
            "it needs that {}",
            "{}",
            "there is no word of it",
            "whether the sender's name tells what it is about",
            words={
                "yes": "the sender's name tells what it is about",
                "no": "the sender's name does not tell what it is about",
            },
        ),
    }
)
"""Every attribute, by name."""

_HEAD_WORDS: Mapping[int, str] = MappingProxyType(
    {
        SLOT_SCHEMA: "",
        HEAD_SLOTS["nhs_number"]: "NHS number",
        HEAD_SLOTS["upn"]: "unique pupil number",
        HEAD_SLOTS["council_id"]: "council id",
        HEAD_SLOTS["own_id"]: "the source's own id",
        HEAD_SLOTS["identity"]: "name and date of birth",
        HEAD_SLOTS["contact"]: "whom to ask",
    }
)

_OBLIGATIONS: Mapping[str, str] = MappingProxyType(
    {
        Kind.ACKNOWLEDGE_BY: "acknowledge it within {}",
        Kind.DELETE_AFTER: "delete it after {}",
        Kind.DO_NOT_FORWARD: "not pass it on",
        Kind.EMBARGO_UNTIL: "not act on it openly before the day that the source has named",
        Kind.NAMED_DESK_ONLY: "keep it at the named desk",
        Kind.NOT_VISIBLE_TO: "keep it out of sight of the {}",
        Kind.SAFE_CONTACT: "use only the safe way of contact",
    }
)

_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


def listing(words: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    if len(words) < 2:  # noqa: PLR2004 - one word, or none
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def span_words(ms: int) -> str:
    """Return `4 hours`, in the largest unit that divides the span; else in seconds."""
    for size, unit in _UNITS:
        if ms % size == 0:
            count = ms // size
            return f"{count} {unit}" + ("s" if count != 1 else "")
    return f"{ms // 1000} seconds"


def slot_words(slots: Sequence[int], names: Mapping[str, str]) -> str:
    """Return the names of slots in a sentence; the schema's own slot goes without saying.

    Args:
        slots: numbers.
        names: number as text → name, of the record's schema.
    """
    words = [_HEAD_WORDS.get(slot, names.get(str(slot), "")) for slot in slots]
    said = [word.replace("_", " ") for word in words if word]
    return listing(said) if said else "nothing"


def obligation_words(obligation: Obligation) -> str:
    """Return what the recipient must do, as the end of `The recipient must …`."""
    form = _OBLIGATIONS.get(obligation.kind)
    if form is None:
        return obligation.kind
    if obligation.kind in SPANS:
        return form.format(span_words(span_ms(obligation.detail)))
    return form.format(obligation.detail) if obligation.kind in CODED_KINDS else form


def value_of(question: Question, attribute: str) -> Any:  # noqa: ANN401 - a code, codes or a flag
    """Return what a question holds of an attribute that is not a special one."""
    group, dot, name = attribute.rpartition(".")
    return getattr(getattr(question, group) if dot else question, name)


def _word(phrase: Phrase, value: str | bool) -> str:  # noqa: FBT001 - a value that is a flag
    code = ("yes" if value else "no") if isinstance(value, bool) else value
    return phrase.words.get(code, code)


def _is(condition: Condition, question: Question, *, met: bool) -> str:
    phrase = PHRASES[condition.attribute]
    if condition.about.group == "special":
        value: Any = (met is (condition.test is Test.IN)) is condition.values[0]
    else:
        value = value_of(question, condition.attribute)
    if isinstance(value, tuple):
        if not value:
            return phrase.nothing
        return phrase.is_.format(listing([_word(phrase, one) for one in sorted(value)]))
    return phrase.nothing if value == "" else phrase.is_.format(_word(phrase, value))


def wanted_words(condition: Condition) -> str:
    """Return what a condition asks for: `the recipient must be health`."""
    phrase = PHRASES[condition.attribute]
    must = "must not" if condition.test in {Test.NOT_IN, Test.NONE, Test.EMPTY} else "must"
    if condition.test in {Test.SOME, Test.EMPTY}:
        return phrase.some.format(must=must)
    last = "and" if condition.test is Test.ALL else "or"
    flags = [value is (condition.test is Test.IN) for value in condition.values]
    said = flags if condition.about.shape is Shape.FLAG else condition.values
    return phrase.wants.format(listing([_word(phrase, value) for value in said], last), must=must)


def met_words(condition: Condition, question: Question) -> str:
    """Return how a condition is met: `the recipient is health`."""
    return _is(condition, question, met=True)


def failed_words(condition: Condition, question: Question) -> str:
    """Return how a condition fails: `the recipient must be health, but the recipient is police`."""
    return f"{wanted_words(condition)}, but {_is(condition, question, met=False)}"


def unknown_words(condition: Condition) -> str:
    """Return what is not known: `whether the recipient works with the child is not known`."""
    return f"{PHRASES[condition.attribute].unknown} is not known"
