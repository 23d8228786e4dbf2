"""FHIR Flag, CareTeam, CarePlan → protection-status: what the national service says of a child.

Child Protection - Information Sharing tells that a child has a protection plan or is looked after,
or that an unborn child has a plan (then on the mother's NHS number): since when, until when, and
which council to ring. Its FHIR API gives a CareTeam; flags and care plans of other systems say the
same. Source: NHS England, value set England-ChildProtectionPlan (SNOMED CT UK).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from adapters.dates import day_of, in_order, not_future
from adapters.drafting import Saying
from adapters.errors import FIELD_MISSING, InputRefused
from adapters.format import Context, Draft, Outcome
from adapters.health.errors import FHIR_STATUS
from adapters.health.fhir_item import Item, codes_of
from adapters.health.fhir_people import Office, telephones
from adapters.health.fhir_tree import Branch

SNOMED = "http://snomed.info/sct"
UNBORN = "unborn-child-plan"
KINDS: Mapping[str, str] = {
    "342191000000101": "child-protection-plan",
    "764841000000100": "looked-after",
    "818901000000100": UNBORN,
}
"""What holds, by its SNOMED CT code."""

FACTS = {
    "child-protection-plan": "status:protection-plan",
    "looked-after": "status:looked-after",
    UNBORN: "status:unborn-plan",
}
ENDED = "status:ended"

CATEGORIES = ("NEG", "PHY", "SAB", "EMO", "MUL")
"""Categories of abuse as the children in need census codes them; the national service has none."""

HOLDS, IS_OVER, IS_NOT = "holds", "is over", "is not in force"
STATUSES: Mapping[str, Mapping[str, str]] = {
    "Flag": {"active": HOLDS, "inactive": IS_OVER},
    "CareTeam": {
        "active": HOLDS,
        "inactive": IS_OVER,
        "proposed": IS_NOT,
        "suspended": IS_NOT,
    },
    "CarePlan": {
        "active": HOLDS,
        "completed": IS_OVER,
        "revoked": IS_OVER,
        "draft": IS_NOT,
        "on-hold": IS_NOT,
        "unknown": IS_NOT,
    },
}
INTENTS = frozenset({"plan", "order"})
"""Care plans that say what is done; a proposal or an option says what might be."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a resource says: first day, last day (None while it goes on), and whether it is over."""

    first: int
    last: int | None
    over: bool


def protection_status(item: Item) -> Iterator[Outcome]:
    """Map one resource.

    Raises:
        InputRefused: a part is missing or wrong.
    """
    resource, place = item.resource, item.place
    state = _state(resource)
    concepts = [resource.one("code")] if item.type == "Flag" else resource.many("category")
    codes = [code for one in concepts if one is not None for code in codes_of(one)]
    kinds = sorted({KINDS[code] for system, code in codes if system == SNOMED and code in KINDS})
    if not kinds:
        yield Context(place, "about something else than a protection plan or care")
        return
    if state == IS_NOT:
        yield Context(place, "a plan that is not in force, or not known to be")
        return
    found = item.whose()
    if found is None:
        yield Context(place, "about something else than a patient")
        return
    yield from found.child.warnings
    holding = _holding(item, state)
    category = next((code for _, code in codes if code in CATEGORIES), None)
    authority = _authority(item)
    for kind in kinds:
        own = item.natural_id("protection-status", found, f"{kind}/{holding.first}")
        saying = Saying(
            type="protection-status",
            natural_id=own if len(kinds) == 1 else f"{own}/{kind}",
            content={
                "status": {
                    "kind": kind,
                    "from": holding.first,
                    "until": holding.last,
                    "category": category,
                },
                "authority": authority,
            },
            facts=(ENDED if holding.over else FACTS[kind],),
            subject="unborn" if kind == UNBORN else "child",
        )
        yield _for(kind, item.draft(found, saying))


def _for(kind: str, said: Draft) -> Draft:
    """The mother's number stands for her unborn child: her age band says nothing of that."""
    if kind != UNBORN:
        return said
    labels = replace(said.statement.labels, age_band="unborn")
    return replace(said, statement=replace(said.statement, labels=labels))


def _state(resource: Branch) -> str:
    """Return what the status means; a team of the national service says none, and is in force."""
    said = resource.text("status")
    if said is None and resource.type == "CareTeam":
        return HOLDS
    state = STATUSES[resource.type].get(said or "")
    if state is None:
        raise InputRefused(FHIR_STATUS, resource.place("status"))
    if resource.type == "CarePlan" and resource.text("intent") not in INTENTS:
        return IS_NOT
    return state


def _holding(item: Item, state: str) -> Holding:
    resource, at = item.resource, item.context.at
    where = resource.place("period")
    period = resource.one("period")
    first = None if period is None else period.day("start")
    if period is None or first is None:
        raise InputRefused(FIELD_MISSING, f"{where}.start")
    last = period.day("end")
    not_future(first, at, f"{where}.start")
    if state == IS_OVER:
        # Over since the resource was changed, if the period does not say it.
        last = item.changed_on() if last is None else last
        if last is None:
            raise InputRefused(FIELD_MISSING, f"{where}.end")
        not_future(last, at, f"{where}.end")
    in_order(first, last, f"{where}.end")
    return Holding(first, last, state == IS_OVER or (last is not None and last < day_of(at)))


def _authority(item: Item) -> dict[str, str | None] | None:
    resource = item.resource
    if item.type == "CareTeam":
        day, night = telephones(resource)
        return _telephones(Office(resource.text("name"), None, day, night))
    author = item.office(resource.one("author"))
    if author is None and item.type == "CarePlan":
        found = map(item.office, resource.many("contributor"))
        author = next((one for one in found if one is not None), None)
    return None if author is None else _telephones(author)


def _telephones(found: Office) -> dict[str, str | None] | None:
    if found.name is None:
        return None
    return {
        "name": found.name,
        "team": None,
        "telephone": found.telephone,
        "out_of_hours": found.out_of_hours,
    }
