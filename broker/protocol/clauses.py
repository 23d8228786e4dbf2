"""Clauses as values: the signed text, and the conditions that a machine checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from broker.clock import DAY, FOREVER, HOUR, MINUTE, SECOND, Instant
from broker.protocol.attributes import BY_NAME, Attribute
from broker.records.names import (
    SLOT_CONTACT,
    SLOT_COUNCIL_ID,
    SLOT_IDENTITY,
    SLOT_NHS_NUMBER,
    SLOT_OWN_ID,
    SLOT_UPN,
    SLOTS,
)
from broker.records.schemas import RecordSchema

CONTACT = "contact"
ALL = "all"
CODED = "coded"
IDENTIFIERS = "identifiers"

HEAD_SLOTS: Mapping[str, int] = MappingProxyType(
    {
        "nhs_number": SLOT_NHS_NUMBER,
        "upn": SLOT_UPN,
        "council_id": SLOT_COUNCIL_ID,
        "own_id": SLOT_OWN_ID,
        "identity": SLOT_IDENTITY,
        CONTACT: SLOT_CONTACT,
    }
)
"""Slots that every type has and that a clause may open; never schema and labels, 0 and 1."""

TAGS = ("place", "narrative", "third-party")
"""What a schema may say of a slot, and a clause may ask for."""


START = Instant(0)
"""Before every protocol."""


class Effect(StrEnum):
    """What a clause does when it applies."""

    DEFAULT = "default"
    CONTENT = "content"
    EXISTENCE = "existence"
    REFER = "refer"
    REFUSE = "refuse"
    OBLIGE = "oblige"

    @property
    def grants(self) -> bool:
        """Whether it opens slots by itself."""
        return self in {Effect.CONTENT, Effect.EXISTENCE}


class Test(StrEnum):
    """How a condition compares."""

    __test__ = False  # not a test case, whatever its name begins with

    IN = "in"
    NOT_IN = "not_in"
    ANY = "any"
    ALL = "all"
    NONE = "none"
    SOME = "some"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold.

    Attributes:
        attribute: name, of the table of attributes.
        test: how it is compared.
        values: with what; empty for `some` and `empty`.
    """

    attribute: str
    test: Test
    values: tuple[str | bool, ...] = ()

    @property
    def about(self) -> Attribute:
        """The attribute's row in the table."""
        return BY_NAME[self.attribute]


class Kind(StrEnum):
    """What travels with a release."""

    ACKNOWLEDGE_BY = "acknowledge-by"
    DELETE_AFTER = "delete-after"
    DO_NOT_FORWARD = "do-not-forward"
    EMBARGO_UNTIL = "embargo-until"
    NAMED_DESK_ONLY = "named-desk-only"
    NOT_VISIBLE_TO = "not-visible-to"
    SAFE_CONTACT = "safe-contact"


SPANS = frozenset({Kind.ACKNOWLEDGE_BY, Kind.DELETE_AFTER})
"""Obligations whose detail is a span of time, ISO 8601 (`PT4H`), from the release."""

CODED_KINDS = frozenset({Kind.NOT_VISIBLE_TO})
"""Obligations whose detail is a code."""


@dataclass(frozen=True, slots=True)
class Stated:
    """An obligation as a clause states it.

    Attributes:
        kind: what must be done.
        detail: a span, an instant in milliseconds, a code, or nothing.
        of: name of the attribute whose codes are the details; empty if `detail` is it.
    """

    kind: Kind
    detail: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered statement of a protocol.

    Attributes:
        id: for example `2.1`.
        title: in a line.
        text: in plain words.
        gateway: the power or duty to share.
        condition: UK GDPR condition, or DPA 2018 Part 3 route.
        confidentiality: why confidence is kept or may be set aside.
        necessity: why it is needed.
        effect: what it does.
        floor: whether it survives narrowing, lapse and referral.
        outranks: whether no refusal closes what it opens; for what a court has ordered.
        within: milliseconds in which a person must answer; None where nobody is asked.
        when: conditions, all of which must hold.
        slots: words that name slots.
        obligations: what travels with it.
        first: in force from this instant.
        until: no longer in force from this instant.
    """

    id: str
    title: str
    text: str
    gateway: str
    condition: str
    confidentiality: str
    necessity: str
    effect: Effect
    floor: bool = False
    outranks: bool = False
    within: int | None = None
    when: tuple[Condition, ...] = ()
    slots: tuple[str, ...] = ()
    obligations: tuple[Stated, ...] = ()
    first: Instant = START
    until: Instant = FOREVER

    def types(self) -> frozenset[str] | None:
        """Return the record types that it asks for; None if it asks for none."""
        for one in self.when:
            if one.attribute == "labels.type" and one.test is Test.IN:
                return frozenset(str(value) for value in one.values)
        return None

    def may_concern(self, record_type: str) -> bool:
        """Tell whether its conditions leave room for records of a type."""
        for one in self.when:
            if one.attribute != "labels.type":
                continue
            if (record_type in one.values) is not (one.test is Test.IN):
                return False
        return True


def slots_of(word: str, schema: RecordSchema) -> frozenset[int]:
    """Return the slots that a word of a clause means in one schema; none if it has none of them."""
    if word in HEAD_SLOTS:
        return frozenset((HEAD_SLOTS[word],))
    if word == IDENTIFIERS:
        return frozenset(range(SLOT_NHS_NUMBER, SLOT_IDENTITY + 1))
    if word == ALL:
        # What clauses speak of begins after schema and labels: labels are never released.
        return frozenset(range(SLOT_NHS_NUMBER, SLOTS))
    if word == CODED:
        return frozenset(
            spec.number
            for spec in schema.slots.values()
            if not spec.narrative and not spec.third_party
        )
    tag = word.removeprefix("tag:")
    if tag != word:
        return frozenset(n for n, spec in schema.slots.items() if tag in _tags(spec))
    named = schema.by_name.get(word)
    return frozenset() if named is None else frozenset((named.number,))


def _tags(spec: Any) -> set[str]:  # noqa: ANN401 - a SlotSpec; named so in records.schemas
    tags = {spec.reveals} if spec.reveals else set()
    if spec.narrative:
        tags.add("narrative")
    if spec.third_party:
        tags.add("third-party")
    return tags


_SPANS = ((DAY, "P{}D"), (HOUR, "PT{}H"), (MINUTE, "PT{}M"), (SECOND, "PT{}S"))


def span_text(ms: int) -> str:
    """Return a span of whole seconds as ISO 8601 writes it, in its largest whole unit: `PT4H`."""
    for size, form in _SPANS:
        if ms % size == 0:
            return form.format(ms // size)
    raise ValueError("a span of time is a whole number of seconds")


def span_ms(text: str) -> int:
    """Return the milliseconds of a span that `span_text` wrote.

    Raises:
        ValueError: it did not write it.
    """
    for size, form in _SPANS:
        head, tail = form.split("{}")
        count = text.removeprefix(head).removesuffix(tail)
        if count.isascii() and count.isdigit() and form.format(count) == text:
            return int(count) * size
    raise ValueError("not a span of time")


def clause_plain(clause: Clause) -> dict[str, Any]:
    """Return a clause as plain JSON values."""
    plain: dict[str, Any] = {
        name: getattr(clause, name)
        for name in ("id", "title", "text", "gateway", "condition", "confidentiality", "necessity")
    }
    return plain | {
        "effect": clause.effect.value,
        "floor": clause.floor,
        "outranks": clause.outranks,
        "within": clause.within,
        "when": [
            {"attribute": one.attribute, "test": one.test.value, "values": list(one.values)}
            for one in clause.when
        ],
        "slots": list(clause.slots),
        "obligations": [
            {"kind": one.kind.value, "detail": one.detail, "of": one.of}
            for one in clause.obligations
        ],
        "first": clause.first,
        "until": clause.until,
    }


def clause_of(plain: Mapping[str, Any]) -> Clause:
    """Return a clause from plain values that `clause_plain` made.

    Raises:
        KeyError, TypeError, ValueError: it did not make them.
    """
    return Clause(
        **{
            **plain,
            "effect": Effect(plain["effect"]),
            "when": tuple(
                Condition(one["attribute"], Test(one["test"]), tuple(one["values"]))
                for one in plain["when"]
            ),
            "slots": tuple(plain["slots"]),
            "obligations": tuple(
                Stated(Kind(one["kind"]), one["detail"], one["of"]) for one in plain["obligations"]
            ),
            "first": Instant(plain["first"]),
            "until": Instant(plain["until"]),
        }
    )
