"""Drafts of clauses from a `dsaPolicy`, the rules on sharing of the national prototype.

The prototype is the Department for Education's for a single unique identifier; its directory
publishes such a policy of each organisation.
Such a rule says which types of record of one organisation may be found (EXISTENCE) or read
(CONTENT) by which types of organisation, for which purposes, from when until when. It says nothing
of a gateway, a condition of data protection law, confidentiality or necessity, and not of which
parts. So what comes of it is a draft that cannot be put in force before people have written that.

Rules:

1. Nothing is drafted wider than its rule. What cannot be said in a clause makes the draft narrower,
   or there is none, and a sentence says so.
2. Three conditions are added that such a rule does not know: the record is linked to one child, it
   is a record or its correction, and the recipient is involved, named or addressed.
3. Content means contact, identity and coded facts; free text is for people to add.
4. A purpose of a rule is that of whoever asks, a purpose of a record that of its source. An
   `allow` is limited to records with one of its purposes; a `deny` closes whatever the purpose.
5. A rule that cannot be read is told with its place; the others are drafted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from adapters.errors import FIELD_MISSING, SHAPE, InputRefused
from adapters.sources.elements import Element
from adapters.sources.json_text import parse
from broker.clock import DAY, SECOND, Instant
from broker.protocol.clause_text import Vocabulary
from broker.protocol.wording import listing
from broker.runtimes.clause_drafts import Draft, Drafts

TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "childrens-services.details": ("referral",),
        "crime-justice.details": ("missing-episode", "risk-flags"),
        "education.details": ("school-absence",),
        "health.details": ("emergency-attendance",),
    }
)
"""Record types that adapters make of those of the prototype."""

IDENTITY = "personal.details"
"""Who the child is: part of every record here."""

AGENCY_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "local_authority": "social-care",
        "education": "education",
        "health": "health",
        "police": "police",
        "housing": "housing",
        "youth_justice": "youth-justice",
        "voluntary": "voluntary",
    }
)
PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "safeguarding": "safeguarding",
        "child_protection": "child-protection",
        "crime_prevention": "prevention-of-crime",
        "direct_care": "direct-care",
    }
)
EFFECTS: Mapping[str, str] = MappingProxyType({"allow": "allow", "deny": "deny"})
MODES: Mapping[str, str] = MappingProxyType({"existence": "existence", "content": "content"})

SLOTS = ("contact", "identity", "coded")
NEVER_ENDS = "9999-"
"""The year with which such rules say that they have no end."""


@dataclass(frozen=True, slots=True)
class _Source:
    """An organisation: its name, and the condition that means it."""

    name: str
    condition: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Rule:
    effect: str
    modes: frozenset[str]
    types: tuple[str, ...]
    to_types: tuple[str, ...]
    to_ids: tuple[str, ...]
    purposes: tuple[str, ...]
    first: Instant | None
    until: Instant | None
    reason: str | None


class _Undraftable(Exception):  # noqa: N818 - no error: there is no clause that says it
    """A rule gives no clause; its text says why."""


def draft_clauses(
    data: bytes, vocabulary: Vocabulary, organisations: Mapping[str, str] = MappingProxyType({})
) -> Drafts:
    """Return drafts of what a directory or a policy says.

    Args:
        data: JSON: `{"organisations": […]}`, one organisation, or its `dsaPolicy` alone.
        vocabulary: of the protocol that the clauses are for.
        organisations: agencies of that protocol by the ids that the policy gives them.

    Raises:
        InputRefused: `input.…`: the file as a whole cannot be read.
    """
    drafts = Drafts()
    for place, element in _organisations(data):
        try:
            source = _source(element, vocabulary, organisations)
            policy = element.element("dsaPolicy")
            rules = () if policy is None else tuple(_rules(policy, f"{place}dsaPolicy."))
        except InputRefused as error:
            drafts.refused.append((place or "file", error))
            continue
        for where, said in rules:
            _draft(drafts, where, said, source, vocabulary, organisations)
    return drafts


def _organisations(data: bytes) -> Iterator[tuple[str, Element]]:
    top = Element(parse(data), "file")
    if "organisations" in top:
        for number, one in enumerate(top.entries("organisations")):
            place = f"organisations[{number}]"
            yield f"{place}.", Element(one, place)
    elif "dsaPolicy" in top:
        yield "", top
    elif "defaults" in top:
        yield "", Element({"dsaPolicy": parse(data)}, "file")
    else:
        raise InputRefused(SHAPE, "file", "Give a directory, an organisation, or its dsaPolicy.")


def _source(
    element: Element, vocabulary: Vocabulary, organisations: Mapping[str, str]
) -> _Source | None:
    """Return whose rules they are; None if nobody of this protocol is meant."""
    said, name = element.text("orgId"), element.text("orgName")
    kind = element.text("orgType")
    if said is None and kind is None:
        return _Source("every agency", {})
    agency = organisations.get(said or "")
    roster = vocabulary.agreement.roster.agencies
    if agency is not None:
        return _Source(roster[agency].name, {"source.agency": agency})  # type: ignore[index] # checked by who calls
    type_ = AGENCY_TYPES.get((kind or "").casefold())
    if type_ is None or type_ not in vocabulary.agreement.agency_types:
        return None
    return _Source(name or type_, {"source.type": type_})


def _rules(policy: Element, place: str) -> Iterator[tuple[str, object]]:
    for name in ("defaults", "exceptions"):
        for number, one in enumerate(policy.entries(name)):
            yield f"{place}{name}[{number}]", one


def _draft(
    drafts: Drafts,
    where: str,
    said: object,
    source: _Source | None,
    vocabulary: Vocabulary,
    organisations: Mapping[str, str],
) -> None:
    try:
        rule = _rule(Element(said, where))
        if source is None:
            drafts.left.append((where, "Its organisation is none of this protocol."))
            return
        number = len(drafts.clauses) + 1
        drafts.clauses.append(_clause(f"D{number}", rule, source, vocabulary, organisations))
    except InputRefused as error:
        drafts.refused.append((where, error))
    except _Undraftable as why:
        drafts.left.append((where, str(why)))


def _rule(element: Element) -> _Rule:
    effect = element.code("effect", EFFECTS)
    modes = element.codes("modes", MODES)
    types = element.texts("recordTypes")
    for name, value in (("effect", effect), ("modes", modes), ("recordTypes", types)):
        if not value:
            raise InputRefused(FIELD_MISSING, name)
    return _Rule(
        effect or "",
        frozenset(modes),
        tuple(types),
        tuple(element.texts("destOrgTypes")),
        tuple(element.texts("destOrgIds")),
        tuple(element.texts("purposes")),
        element.instant("validFrom"),
        _until(element),
        element.text("reason"),
    )


def _until(element: Element) -> Instant | None:
    said = element.text("validUntil") or ""
    return None if said.startswith(NEVER_ENDS) else element.instant("validUntil")


def _days(rule: _Rule) -> tuple[str | None, str | None]:
    """Return first and last day: whole days within an `allow`, all that a `deny` touches."""
    first, until = rule.first, rule.until
    if rule.effect == "allow":
        first = None if first is None else Instant(-(-first // DAY) * DAY)
    last = None if until is None else Instant(until - 1)
    if last is not None and rule.effect == "allow":
        last = Instant((until or 0) // DAY * DAY - DAY)
    return _day(first), _day(last)


def _day(at: Instant | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d")


def _clause(
    name: str,
    rule: _Rule,
    source: _Source,
    vocabulary: Vocabulary,
    organisations: Mapping[str, str],
) -> Draft:
    notes: list[str] = []
    types = _types(rule, vocabulary, notes)
    to_whom = _to_whom(rule, vocabulary, organisations, notes)
    whom = listing([one for held in to_whom.values() for one in held])
    slots: tuple[str, ...]
    when: dict[str, object] = {"labels.type": list(types), **source.condition}
    if rule.effect == "deny":
        effect, slots = "refuse", ("all",)
        if rule.purposes:
            notes.append(
                f"It denies for {', '.join(rule.purposes)}; the draft for every purpose, as the"
                " recipient's purpose is not known here."
            )
        words = f"Nothing of it goes to {whom}."
    else:
        when |= {"kind": ["record", "correction"], "link": "linked"}
        when["labels.purpose"] = {"any": _purposes(rule, notes)}
        effect = "content" if "content" in rule.modes else "existence"
        slots = SLOTS if effect == "content" else ()
        if rule.modes == {"existence", "content"}:
            notes.append("It allows existence too, which content contains.")
        words = (
            f"{whom} get the coded facts, the child's name and whom to ask."
            if effect == "content"
            else f"{whom} are told that there is something, and whom to ask."
        )
    when |= _condition(to_whom)
    if rule.effect == "allow":
        when["consumer.relation"] = ["involved", "named", "addressed"]
    if rule.reason is not None:
        notes.append(f"Its own reason: {rule.reason}")
    title = f"{source.name}: {listing(types)} to {whom}, {effect}"
    text = f"{source.name} holds records of the type {listing(types)}. {words}"
    return Draft(name, title, text, effect, when, slots, *_days(rule), tuple(notes))


def _types(rule: _Rule, vocabulary: Vocabulary, notes: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for said in rule.types:
        known = [one for one in TYPES.get(said, ()) if one in vocabulary.types]
        found += [one for one in known if one not in found]
        if said == IDENTITY:
            notes.append("Who the child is, is part of every record here (personal.details).")
        elif not known:
            notes.append(f"No record type of this protocol is {said}.")
    if not found:
        raise _Undraftable(" ".join(notes) or "It names no type of record.")
    return tuple(found)


def _to_whom(
    rule: _Rule, vocabulary: Vocabulary, organisations: Mapping[str, str], notes: list[str]
) -> Mapping[str, tuple[str, ...]]:
    types: list[str] = []
    for said in rule.to_types:
        type_ = AGENCY_TYPES.get(said.casefold())
        if type_ in vocabulary.agreement.agency_types:
            types.append(str(type_))
        else:
            notes.append(f"Nobody in this protocol is of the type {said}.")
    agencies: list[str] = []
    for said in rule.to_ids:
        if said in organisations:
            agencies.append(organisations[said])
        else:
            notes.append(f"Nobody in this protocol is known as {said}: name who it is.")
    if rule.effect == "deny" and (len(agencies) < len(rule.to_ids) or (rule.to_ids and types)):
        # Left out of a refusal they would get what they must not have.
        notes.append("Write what it denies by hand, or say who these are with --is.")
        raise _Undraftable(" ".join(notes))
    found = {
        name: tuple(dict.fromkeys(held))
        for name, held in (("consumer.type", types), ("consumer.agency", agencies))
        if held
    }
    named = bool(rule.to_types or rule.to_ids)
    if (rule.to_types and not types) or (rule.to_ids and not agencies) or not named:
        raise _Undraftable(" ".join(notes) or "It does not say to whom.")
    return found


def _purposes(rule: _Rule, notes: list[str]) -> list[str]:
    found: list[str] = []
    for said in rule.purposes:
        purpose = PURPOSES.get(said.casefold())
        if purpose is None:
            notes.append(f"No purpose of a record is {said}.")
        elif purpose not in found:
            found.append(purpose)
    if not found:
        raise _Undraftable(" ".join(notes) or "It names no purpose.")
    return found


def _condition(to_whom: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    return {name: list(held) for name, held in to_whom.items()}
