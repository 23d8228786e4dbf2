"""From what a mapping found to a draft: labels, identifiers, contact and content put together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.dates import day_of
from adapters.format import Draft, ReadContext
from adapters.identifiers import Child, age_band
from broker.records.names import Kind
from broker.records.statement import Indicator, Labels, Statement

VERSION = "1.0"
"""The schema version that these mappings write, of every type."""

PURPOSES: Mapping[str, tuple[str, ...]] = {
    "police": ("prevention-of-crime", "safeguarding"),
    "health": ("direct-care", "safeguarding"),
    "education": ("safeguarding",),
    "social-care": ("child-protection", "safeguarding"),
}
"""Why each type of agency shares what its systems export."""

USUAL_PURPOSE = ("safeguarding",)
"""Why every other type of agency does: a protocol may have more."""

RELATIVES = (
    "mother",
    "father",
    "parent",
    "brother",
    "sister",
    "sibling",
    "aunt",
    "uncle",
    "cousin",
)
CARERS = ("carer", "foster", "guardian", "residential")
PROFESSIONALS = ("officer", "worker", "teacher", "nurse", "doctor", "paramedic")


@dataclass(frozen=True, slots=True)
class Saying:
    """What a mapping found in one item.

    Attributes:
        type: record type.
        natural_id: the source's own id of this fact, the same in every export.
        content: slot name → value; None for a slot that stays empty.
        on: day of the event, for the age band; None: the state of today.
        kind: record, register or history.
        indicators: coded signs.
        facts: coded facts.
        roles: roles of other persons in it.
        protections: what calls for special care.
        handling: none, P or C.
        addressed_to: consumers that the source names.
        summary_shareable: the writer wrote a summary to be shared.
        third_party_checked: the writer checked the text for other people's details.
        urgent: goes by the lanes that no bulk load delays.
        subject: child, unborn, person, place, business or group.
        concerns: record id of the record that it is about; None if of none.
    """

    type: str
    natural_id: str
    content: Mapping[str, object]
    on: int | None = None
    kind: Kind = Kind.RECORD
    indicators: tuple[Indicator, ...] = ()
    facts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    protections: tuple[str, ...] = ()
    handling: str = "none"
    addressed_to: tuple[str, ...] = ()
    summary_shareable: bool | None = None
    third_party_checked: bool | None = None
    urgent: bool = False
    subject: str = "child"
    concerns: bytes | None = None


@dataclass(slots=True)
class Naming:
    """Natural ids where the source has none: a key, and a number if one key names several things.

    An equal item gets the name that its twin has, so that a row exported twice is one record. What
    was named is kept as 64-bit hashes: files may name millions.
    """

    _first: dict[int, int] = field(default_factory=dict)
    _others: dict[int, list[int]] = field(default_factory=dict)

    def name(self, key: str, item: object) -> str:
        """Return the natural id of an item under `key`."""
        place = hash(key)
        said = hash(json.dumps(item, sort_keys=True, default=str))
        if self._first.setdefault(place, said) == said:
            return key
        others = self._others.setdefault(place, [])
        if said not in others:
            others.append(said)
        return f"{key}#{others.index(said) + 2}"


def draft(child: Child, saying: Saying, item: str, system: str, context: ReadContext) -> Draft:
    """Return the draft of one record."""
    on = day_of(context.at) if saying.on is None else saying.on
    labels = Labels(
        type=saying.type,
        subject=saying.subject,
        concerns=saying.concerns,
        indicators=tuple(sorted(saying.indicators, key=lambda one: (one.code, one.on))),
        age_band=age_band(child.born, on),
        handling=saying.handling,
        protections=tuple(sorted(set(saying.protections))),
        purpose=PURPOSES.get(context.agency_type, USUAL_PURPOSE),
        roles=tuple(sorted(set(saying.roles))),
        facts=tuple(sorted(set(saying.facts))),
        addressed_to=tuple(sorted(set(saying.addressed_to))),
        summary_shareable=saying.summary_shareable,
        third_party_checked=saying.third_party_checked,
    )
    statement = Statement(
        type=saying.type,
        version=VERSION,
        kind=saying.kind,
        system=system,
        natural_id=saying.natural_id,
        source_version=None,
        labels=labels,
        identifiers=child.identifiers,
        contact=context.contact,
        content={name: value for name, value in saying.content.items() if value is not None},
    )
    return Draft(statement, item, saying.urgent)


def role_of(relationship: str | None) -> tuple[str, ...]:
    """Return the coded role of a relationship in words; none if it says nothing that is coded."""
    said = (relationship or "").casefold()
    for role, words in (
        ("carer", CARERS),
        ("relative", RELATIVES),
        ("professional", PROFESSIONALS),
    ):
        if any(word in said for word in words):
            return (role,)
    return ()
