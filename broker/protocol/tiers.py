"""Two tiers: a protocol that takes over another one's clauses, and may only narrow them.

A region's partners agree on the clauses once; each area signs them with its own parties, and may
keep more back than the region does. In the area's `clauses.yaml` stands `inherits`, and then what
is different. What is signed is what comes out: whole clauses, in whole words.

Rules, each of which can only remove:

1. A clause that opens something may be dropped, unless it belongs to the floor.
2. To its conditions others may be added; its slots may be fewer; its obligations may be more.
3. Clauses may be added that refuse, refer (opening nothing of their own) or oblige.
4. Nothing else changes: the floor, refusals, referrals, obligations and the default stay.

A refusal that is added closes slots of the floor too, as refusals do everywhere; its decision cases
show that to those who sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from broker.protocol.clause_text import Vocabulary, read_clause, read_narrower
from broker.protocol.clauses import Clause, Effect, slots_of
from broker.protocol.documents import Spot, read_document
from broker.protocol.errors import EFFECT, REFERENCE, TIER, TWICE, ProtocolTextError

INHERITS = "inherits"
_ADDED = frozenset({Effect.REFUSE, Effect.REFER, Effect.OBLIGE})


def inherited(text: bytes, file: str = "clauses.yaml") -> str | None:
    """Return the name of the protocol that a text takes over, None if it stands alone.

    Raises:
        ProtocolTextError: it is not YAML as a protocol may use it.
    """
    top = read_document(text, file).map()
    return top[INHERITS].text() if INHERITS in top else None


def read_tier(
    text: bytes, upper: Sequence[Clause], vocabulary: Vocabulary, file: str = "clauses.yaml"
) -> tuple[Clause, ...]:
    """Read an area's `clauses.yaml` on top of the clauses that it takes over.

    Args:
        text: its bytes.
        upper: clauses of the protocol above.
        vocabulary: what clauses may refer to here.
        file: its name, for messages.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    top = read_document(text, file).fields((INHERITS,), ("narrows", "adds"))
    clauses = {clause.id: clause for clause in upper}
    seen: set[str] = set()
    for spot in top["narrows"].items() if "narrows" in top else ():
        name, narrower = _narrowed(spot, clauses, vocabulary)
        if name in seen:
            spot.refuse(TWICE, f"clause {name}")
        seen.add(name)
        if narrower is None:
            del clauses[name]
        else:
            clauses[name] = narrower
    for spot in top["adds"].items() if "adds" in top else ():
        clause = read_clause(spot, vocabulary)
        if clause.id in clauses or clause.id in seen:
            spot.refuse(TWICE, f"clause {clause.id}")
        if clause.effect not in _ADDED or (clause.effect is Effect.REFER and clause.slots):
            spot.refuse(TIER, f"clause {clause.id} opens something")
        clauses[clause.id] = clause
    found = tuple(clauses.values())
    must_only_narrow(upper, found, vocabulary, file)
    return found


def _narrowed(
    spot: Spot, clauses: Mapping[str, Clause], vocabulary: Vocabulary
) -> tuple[str, Clause | None]:
    given = spot.fields(("clause", "because"), ("drop", "when", "slots", "obligations"))
    name, because = given["clause"].text(), given["because"].text()
    clause = clauses.get(name)
    if clause is None:
        spot.refuse(REFERENCE, f"no clause {name} above")
    if not clause.effect.grants or clause.floor:
        spot.refuse(TIER, f"clause {name} is not to be changed")
    if "drop" in given and given["drop"].flag():
        if len(given) > len({"clause", "because", "drop"}):
            spot.refuse(EFFECT, f"clause {name} is dropped", "Remove what else stands beside it.")
        return name, None
    return name, replace(
        read_narrower(clause, given, vocabulary), text=f"{clause.text} Here, {because}"
    )


def must_only_narrow(
    upper: Sequence[Clause], lower: Sequence[Clause], vocabulary: Vocabulary, file: str
) -> None:
    """Refuse clauses that could release what those above them do not.

    Raises:
        ProtocolTextError: `protocol.text.tier`, naming the first clause.
    """
    above = {clause.id: clause for clause in upper}
    below = {clause.id for clause in lower}
    for clause in lower:
        if not _within(clause, above.get(clause.id), vocabulary):
            raise ProtocolTextError(TIER, f"{file}: clause {clause.id}")
    for clause in upper:
        if clause.id not in below and (clause.floor or not clause.effect.grants):
            raise ProtocolTextError(TIER, f"{file}: clause {clause.id}")


def _within(clause: Clause, upper: Clause | None, vocabulary: Vocabulary) -> bool:
    if upper is None:
        return clause.effect in _ADDED and (clause.effect is not Effect.REFER or not clause.slots)
    if not clause.effect.grants or clause.floor:
        return replace(clause, text=upper.text) == upper
    same = replace(
        clause, text=upper.text, when=upper.when, slots=upper.slots, obligations=upper.obligations
    )
    return (
        same == upper
        and set(upper.when) <= set(clause.when)
        and set(upper.obligations) <= set(clause.obligations)
        and all(
            {slot for word in clause.slots for slot in slots_of(word, schema)}
            <= {slot for word in upper.slots for slot in slots_of(word, schema)}
            for schema in vocabulary.schemas
        )
    )
