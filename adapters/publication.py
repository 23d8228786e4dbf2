"""The publication rule: which of its records an agency lets out, and who stands behind that.

Rules:

1. A record is published if a rule of effect `publish` applies to it and none of `keep-back` does.
2. What is not known never helps publication: it makes a condition of `publish` fail, and one of
   `keep-back` hold.
3. Nothing applies: it is kept back.
4. A change of a record that went out goes out too, or a wrong flag would stick where it went.
5. A record under the protection `sexual-health` leaves only by a person's decision on that very
   record, whatever the rules say; no rule can change this.

A rule says that a record may leave the agency's own system, sealed to the broker. Who then gets
what of it, the protocol decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from adapters.errors import RULE_AGENCY, PublicationRuleRefused
from adapters.format import Draft
from adapters.health.protected import SEXUAL_HEALTH
from broker.clock import Instant
from broker.protocol.attributes import BY_NAME, Attribute, Shape
from broker.protocol.clauses import Condition, Test
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import REFERENCE, TWICE, VALUE
from broker.records.names import AgencyId
from broker.records.statement import Statement

PUBLISH = "publish"
KEEP_BACK = "keep-back"
DECIDED = "decided"
"""A condition beside those of the protocol: whether a person decided to share this very record."""

CORE_DEFAULT = "core.default"
CORE_CHANGE = "core.change"
CORE_SEXUAL_HEALTH = "core.sexual-health"

_TEXTS = {
    CORE_DEFAULT: "No rule of the agency publishes such a record.",
    CORE_CHANGE: "An earlier version of this record went out, so what changed goes out too.",
    CORE_SEXUAL_HEALTH: (
        "A record that may be about sexual health leaves only when a clinician has decided so on "
        "this very record."
    ),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One numbered statement.

    Attributes:
        id: stable, for example `EP-1`.
        text: in plain words.
        publishes: whether it lets out or keeps back.
        when: conditions on what the record's labels say; all must hold.
        decided: None if it does not matter whether a person decided, else what must hold.
    """

    id: str
    text: str
    publishes: bool
    when: tuple[Condition, ...]
    decided: bool | None = None


@dataclass(frozen=True, slots=True)
class PublicationRule:
    """All that one agency says about letting its records out.

    Attributes:
        agency: whose.
        text: the whole in plain words.
        role: who stands behind it, and whom recipients ask.
        desk: that person's desk, of the roster.
        review: when it must be looked at again.
        rules: in the order of the file; the order decides nothing.
    """

    agency: AgencyId
    text: str
    role: str
    desk: str
    review: Instant
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says of one draft: published or kept back, by which rule, in plain words."""

    publish: bool
    rule: str
    text: str


def read_publication_rule(
    text: bytes, agency: AgencyId, types: Collection[str], file: str
) -> PublicationRule:
    """Read an agency's rule from YAML.

    Args:
        text: the file's bytes.
        agency: whose rule it must be.
        types: record types that there are.
        file: the file's name, for messages.

    Raises:
        ProtocolTextError: `protocol.text.*`, with file, line and what to do.
        PublicationRuleRefused: `publication.agency`.
    """
    top = read_document(text, file)
    given = top.fields(("agency", "text", "stands_behind", "review", "rules"))
    if given["agency"].text() != agency:
        raise PublicationRuleRefused(RULE_AGENCY, f"{file}:{given['agency'].line}")
    behind = given["stands_behind"].fields(("role", "desk"))
    rules: dict[str, Rule] = {}
    for spot in given["rules"].items():
        rule = _rule(spot, types)
        if rule.id in rules:
            spot.refuse(TWICE, f"rule {rule.id}")
        rules[rule.id] = rule
    return PublicationRule(
        agency,
        given["text"].text(),
        behind["role"].text(),
        behind["desk"].text(),
        given["review"].day(),
        tuple(rules.values()),
    )


def judge(rule: PublicationRule, draft: Draft, *, went_out: bool = False) -> Verdict:
    """Return whether a draft is published, by the rules above.

    Args:
        rule: the agency's.
        draft: the record to be.
        went_out: whether the outbox holds an earlier version of the same item.
    """
    decided = draft.decided_by is not None
    if SEXUAL_HEALTH in draft.statement.labels.protections and not decided:
        return Verdict(publish=False, rule=CORE_SEXUAL_HEALTH, text=_TEXTS[CORE_SEXUAL_HEALTH])
    if went_out:
        return Verdict(publish=True, rule=CORE_CHANGE, text=_TEXTS[CORE_CHANGE])
    published: Rule | None = None
    for one in rule.rules:
        if one.decided not in (None, decided):
            continue
        held = [_holds(condition, draft.statement) for condition in one.when]
        if one.publishes and all(state is True for state in held):
            published = published or one
        elif not one.publishes and all(state is not False for state in held):
            return Verdict(publish=False, rule=one.id, text=one.text)
    if published is None:
        return Verdict(publish=False, rule=CORE_DEFAULT, text=_TEXTS[CORE_DEFAULT])
    return Verdict(publish=True, rule=published.id, text=published.text)


def _holds(condition: Condition, statement: Statement) -> bool | None:
    """Return whether a condition holds; None if what it asks for is not known."""
    value = _value(condition, statement)
    wanted = condition.values
    if isinstance(value, tuple):
        held = [one in value for one in wanted]
        answers = {
            Test.ANY: any(held),
            Test.ALL: all(held),
            Test.NONE: not any(held),
            Test.SOME: bool(value),
            Test.EMPTY: not value,
        }
        return answers[condition.test]
    if value is None or value == "unknown":
        return None
    return (value in wanted) is (condition.test is Test.IN)


def _value(condition: Condition, statement: Statement) -> str | bool | tuple[str, ...] | None:
    if condition.attribute == "kind":
        return statement.kind.word
    if condition.attribute == "labels.indicators":
        return tuple(one.code for one in statement.labels.indicators)
    value: str | bool | tuple[str, ...] | None = getattr(
        statement.labels, condition.attribute.removeprefix("labels.")
    )
    return value


def _rule(spot: Spot, types: Collection[str]) -> Rule:
    given = spot.fields(("id", "text", "effect"), ("when",))
    effect = given["effect"].one_of((PUBLISH, KEEP_BACK))
    decided: bool | None = None
    conditions: list[Condition] = []
    for name, one in given["when"].map().items() if "when" in given else ():
        if name == DECIDED:
            decided = one.flag()
            continue
        attribute = BY_NAME.get(name)
        if attribute is None or (attribute.group != "labels" and name != "kind"):
            one.refuse(REFERENCE, f"no attribute {name}", "Use kind, decided, or one of labels.")
        conditions.append(_condition(one, attribute, types))
    if effect == PUBLISH and not conditions:
        spot.refuse(VALUE, "publishes whatever there is", "Say which records: when.")
    return Rule(
        given["id"].text(), given["text"].text(), effect == PUBLISH, tuple(conditions), decided
    )


def _condition(spot: Spot, attribute: Attribute, types: Collection[str]) -> Condition:
    test = Test.IN
    values = spot
    if attribute.shape is Shape.CODES:
        if not isinstance(spot.value, dict):
            return Condition(attribute.name, Test(spot.one_of((Test.SOME, Test.EMPTY))))
        given = spot.fields((), (Test.ANY.value, Test.ALL.value, Test.NONE.value))
        if len(given) != 1:
            spot.refuse(VALUE, "needs one comparison", "Write one of: any, all, none.")
        ((word, values),) = given.items()
        test = Test(word)
    elif isinstance(spot.value, dict):
        values = spot.fields(("not",))["not"]
        test = Test.NOT_IN
    if attribute.shape is Shape.FLAG:
        return Condition(attribute.name, test, (values.flag(),))
    codes = types if attribute.name == "labels.type" else attribute.codes
    found = [one.one_of(codes) if codes else one.text() for one in values.items()]
    if not found:
        values.refuse(VALUE, "names nothing", "Name at least one code.")
    return Condition(attribute.name, test, tuple(sorted(set(found))))
