"""Reading `clauses.yaml`: text to clauses, or an error that names file, line, what and what to do.

Checked here, beside the shape: every attribute, code, slot and agency that a clause names exists;
a clause says what its effect needs and nothing else; a grant says to whom; dates run forwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from broker.clock import DAY, FOREVER, Instant
from broker.protocol.agreement import Agreement
from broker.protocol.attributes import BY_NAME, Attribute, Shape
from broker.protocol.clauses import (
    ALL,
    CODED,
    CODED_KINDS,
    CONTACT,
    HEAD_SLOTS,
    IDENTIFIERS,
    SPANS,
    TAGS,
    Clause,
    Condition,
    Effect,
    Kind,
    Stated,
    Test,
    slots_of,
    span_text,
)
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import EFFECT, FALLBACK, REFERENCE, TWICE, VALUE
from broker.records.schemas import RecordSchema

_WORDS = ("title", "text", "gateway", "condition", "confidentiality", "necessity")
_OPTIONAL = ("floor", "outranks", "within", "when", "slots", "obligations", "first_day", "last_day")
_NEEDS: Mapping[Effect, frozenset[str]] = {
    Effect.DEFAULT: frozenset({"within"}),
    Effect.CONTENT: frozenset({"when", "slots"}),
    Effect.EXISTENCE: frozenset({"when"}),
    Effect.REFER: frozenset({"when", "within", "slots"}),
    Effect.REFUSE: frozenset({"when", "slots"}),
    Effect.OBLIGE: frozenset({"obligations"}),
}
_DATES = frozenset({"first_day", "last_day"})
_MAY: Mapping[Effect, frozenset[str]] = {
    Effect.DEFAULT: frozenset(),
    Effect.CONTENT: _DATES | {"floor", "outranks", "obligations"},
    Effect.EXISTENCE: _DATES | {"floor", "obligations"},
    Effect.REFER: _DATES | {"obligations"},
    Effect.REFUSE: _DATES,
    Effect.OBLIGE: _DATES | {"when"},
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What clauses may refer to.

    Attributes:
        agreement: agencies, desks and types of agency.
        schemas: every schema of every record type.
    """

    agreement: Agreement
    schemas: tuple[RecordSchema, ...]

    @property
    def types(self) -> frozenset[str]:
        """All record types."""
        return frozenset(schema.type for schema in self.schemas)

    def codes(self, attribute: Attribute) -> frozenset[str] | None:
        """Return the codes that an attribute may have; None if others keep the list."""
        agencies = self.agreement.roster.agencies
        if attribute.codes:
            return frozenset(attribute.codes)
        if attribute.name == "labels.type":
            return self.types
        if attribute.leaf == "agency":
            return frozenset(agencies)
        if attribute.leaf == "type":
            return frozenset(self.agreement.agency_types)
        if attribute.leaf == "desk":
            return frozenset(desk for agency in agencies.values() for desk in agency.desks)
        return None


def read_clauses(
    text: bytes, vocabulary: Vocabulary, file: str = "clauses.yaml"
) -> tuple[Clause, ...]:
    """Read `clauses.yaml`.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    top = read_document(text, file)
    spots = top.fields(("clauses",))["clauses"].items()
    clauses: dict[str, Clause] = {}
    for spot in spots:
        clause = read_clause(spot, vocabulary)
        if clause.id in clauses:
            spot.refuse(TWICE, f"clause {clause.id}")
        clauses[clause.id] = clause
    if sum(clause.effect is Effect.DEFAULT for clause in clauses.values()) != 1:
        top.refuse(FALLBACK, "clauses")
    return tuple(clauses.values())


def read_clause(spot: Spot, vocabulary: Vocabulary) -> Clause:
    """Read one clause.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    given = spot.fields(("id", *_WORDS, "effect"), _OPTIONAL)
    name = given["id"].text()
    effect = Effect(given["effect"].one_of([one.value for one in Effect]))
    _must_suit(spot, name, effect, given.keys())
    when = _conditions(given["when"], vocabulary) if "when" in given else ()
    first, until = _dates(spot, given)
    title, text, gateway, condition, confidentiality, necessity = (
        given[word].text() for word in _WORDS
    )
    clause = Clause(
        name,
        title,
        text,
        gateway,
        condition,
        confidentiality,
        necessity,
        effect,
        floor="floor" in given and given["floor"].flag(),
        outranks="outranks" in given and given["outranks"].flag(),
        within=given["within"].duration() if "within" in given else None,
        when=when,
        slots=(CONTACT,) if effect is Effect.EXISTENCE else (),
        obligations=_obligations(given["obligations"]) if "obligations" in given else (),
        first=first,
        until=until,
    )
    if effect.grants and not any(one.about.group == "consumer" for one in when):
        spot.refuse(EFFECT, f"clause {name} opens slots to whoever asks", "Say who receives it.")
    if clause.outranks and not clause.floor:
        spot.refuse(EFFECT, f"clause {name} outranks others", "Add floor: true beside it.")
    if "slots" not in given:
        return clause
    return _with_slots(clause, given["slots"], vocabulary)


def read_narrower(clause: Clause, given: Mapping[str, Spot], vocabulary: Vocabulary) -> Clause:
    """Return a clause with further conditions and obligations, and other slots, where given.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    when = _conditions(given["when"], vocabulary) if "when" in given else ()
    more = _obligations(given["obligations"]) if "obligations" in given else ()
    narrower = replace(
        clause,
        when=(*clause.when, *(one for one in when if one not in clause.when)),
        obligations=(*clause.obligations, *(one for one in more if one not in clause.obligations)),
    )
    return _with_slots(narrower, given["slots"], vocabulary) if "slots" in given else narrower


def _must_suit(spot: Spot, name: str, effect: Effect, given: Iterable[str]) -> None:
    extra = set(given) & set(_OPTIONAL)
    for key in sorted(_NEEDS[effect] - extra):
        spot.refuse(EFFECT, f"clause {name} lacks {key}", f"Add {key}: {effect.value} needs it.")
    for key in sorted(extra - _NEEDS[effect] - _MAY[effect]):
        spot.refuse(EFFECT, f"clause {name} has {key}", f"Remove {key}: not for {effect.value}.")


def _dates(spot: Spot, given: Mapping[str, Spot]) -> tuple[Instant, Instant]:
    first = given["first_day"].day() if "first_day" in given else Instant(0)
    until = Instant(given["last_day"].day() + DAY) if "last_day" in given else FOREVER
    if first >= until:
        spot.refuse(VALUE, "ends before it begins", "Swap first_day and last_day.")
    return first, until


def _conditions(spot: Spot, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    found = []
    for name, one in spot.map().items():
        attribute = BY_NAME.get(name)
        if attribute is None:
            one.refuse(REFERENCE, f"no attribute {name}", "docs/attributes.md lists them.")
        found.append(_condition(one, attribute, vocabulary))
    return tuple(found)


def _condition(spot: Spot, attribute: Attribute, vocabulary: Vocabulary) -> Condition:
    if attribute.shape is Shape.CODES:
        if not isinstance(spot.value, dict):
            word = spot.one_of((Test.SOME.value, Test.EMPTY.value))
            return Condition(attribute.name, Test(word))
        given = spot.fields((), (Test.ANY.value, Test.ALL.value, Test.NONE.value))
        if len(given) != 1:
            spot.refuse(VALUE, "needs one comparison", "Write one of: any, all, none.")
        ((word, values),) = given.items()
        return Condition(attribute.name, Test(word), _values(values, attribute, vocabulary))
    if isinstance(spot.value, dict):
        values = spot.fields(("not",))["not"]
        return Condition(attribute.name, Test.NOT_IN, _values(values, attribute, vocabulary))
    return Condition(attribute.name, Test.IN, _values(spot, attribute, vocabulary))


def _values(spot: Spot, attribute: Attribute, vocabulary: Vocabulary) -> tuple[str | bool, ...]:
    if attribute.shape is Shape.FLAG:
        return (spot.flag(),)
    codes = vocabulary.codes(attribute)
    found: list[str] = []
    for one in spot.items():
        value = one.text()
        if codes is not None and value not in codes:
            known = ", ".join(sorted(codes))
            one.refuse(REFERENCE, f"{attribute.name} is never {value}", f"Use one of: {known}.")
        if value in found:
            one.refuse(TWICE, value)
        found.append(value)
    if not found:
        spot.refuse(VALUE, "names nothing", "Name at least one code.")
    return tuple(sorted(found))


def _with_slots(clause: Clause, spot: Spot, vocabulary: Vocabulary) -> Clause:
    types = clause.types() or vocabulary.types
    schemas = [schema for schema in vocabulary.schemas if schema.type in types]
    words: list[str] = []
    for one in spot.items():
        word = _slot_word(one)
        if word not in words:
            words.append(word)
        if not any(slots_of(word, schema) for schema in schemas):
            one.refuse(REFERENCE, f"no slot {word}", _slot_fix(schemas))
    if not words and clause.effect is not Effect.REFER:
        spot.refuse(VALUE, "names no slot", _slot_fix(schemas))
    return replace(clause, slots=tuple(words))


def _slot_word(spot: Spot) -> str:
    if isinstance(spot.value, dict):
        return "tag:" + spot.fields(("tag",))["tag"].one_of(TAGS)
    return spot.text()


def _slot_fix(schemas: Iterable[RecordSchema]) -> str:
    names = {name for schema in schemas for name in schema.by_name}
    return f"Use one of: {', '.join(sorted({*HEAD_SLOTS, IDENTIFIERS, CODED, ALL, *names}))}."


def _obligations(spot: Spot) -> tuple[Stated, ...]:
    stated: list[Stated] = []
    for one in spot.items():
        if not isinstance(one.value, dict):
            kind = Kind(one.one_of([each.value for each in Kind]))
            if kind in SPANS or kind in CODED_KINDS or kind is Kind.EMBARGO_UNTIL:
                one.refuse(VALUE, f"{kind.value} needs a detail")
            stated.append(Stated(kind))
            continue
        for name, value in one.fields((), [each.value for each in Kind]).items():
            stated.append(_stated(Kind(name), value))
    return tuple(stated)


def _stated(kind: Kind, spot: Spot) -> Stated:
    if kind in SPANS:
        return Stated(kind, span_text(spot.duration()))
    if kind is Kind.EMBARGO_UNTIL:
        return Stated(kind, str(spot.day()))
    if kind not in CODED_KINDS:
        spot.refuse(VALUE, f"{kind.value} takes no detail")
    if isinstance(spot.value, dict):
        of = spot.fields(("of",))["of"].one_of(("not_visible_to",))
        return Stated(kind, of=of)
    return Stated(kind, spot.one_of(BY_NAME["not_visible_to"].codes))
