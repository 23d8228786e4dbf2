"""The difference of two revisions, clause by clause, in the words that people sign.

Each change says what it does to the reach: whether more can be released after it, or less
(`broker.protocol.reach`). A clause that only got another number is told as that; one that is gone
is told, whatever now bears its number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from broker.clock import FOREVER, SECOND, Instant
from broker.protocol.clauses import START, Clause, Condition, Effect, Stated
from broker.protocol.decisions import Obligation
from broker.protocol.reach import Reach, of_conditions, of_one, of_slots, together
from broker.protocol.wording import listing, obligation_words, span_words, wanted_words
from broker.records.schemas import RecordSchema

_TEXTS = ("title", "text", "gateway", "condition", "confidentiality", "necessity")

EFFECTS = {
    Effect.DEFAULT: "is the default",
    Effect.CONTENT: "opens parts of a record",
    Effect.EXISTENCE: "tells that there is something, and whom to ask",
    Effect.REFER: "makes everything wait for a person at the source",
    Effect.REFUSE: "keeps parts of a record closed",
    Effect.OBLIGE: "obliges the recipient",
}
"""What a clause does, in words that go on after its number."""


class What(StrEnum):
    """What became of a clause."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENUMBERED = "renumbered"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one clause, or of one part of the agreement.

    Attributes:
        about: number of the clause, as it is now; or the part of the agreement.
        was: its number before, if it had another one; else empty.
        what: what became of it.
        reach: whether more can be released after it.
        lines: sentences.
    """

    about: str
    was: str
    what: What
    reach: Reach
    lines: tuple[str, ...]


def clause_changes(
    before: Sequence[Clause], after: Sequence[Clause], schemas: Sequence[RecordSchema]
) -> tuple[Change, ...]:
    """Return what became of clauses: in the order of the new text, then those that are gone."""
    old = {clause.id: clause for clause in before}
    moved = dict(_moved(before, after))
    found: list[Change] = []
    told = set(moved.values())
    for clause in after:
        former = old.get(clause.id)
        if former == clause:
            told.add(clause.id)
        elif clause.id in moved:
            line = f"It was {moved[clause.id]} before, and says the same."
            change = Change(clause.id, moved[clause.id], What.RENUMBERED, Reach.SAME, (line,))
            found.append(change)
        elif former is None or former.id in told:
            whole = tuple(_whole(clause))
            found.append(Change(clause.id, "", What.ADDED, of_one(clause), whole))
        else:
            told.add(clause.id)
            lines, reaches = zip(*_parts(former, clause, schemas), strict=True)
            found.append(Change(clause.id, "", What.CHANGED, together(reaches), lines))
    return (
        *found,
        *(
            Change(one.id, "", What.REMOVED, of_one(one).other_way, tuple(_whole(one)))
            for one in before
            if one.id not in told
        ),
    )


def _moved(before: Sequence[Clause], after: Sequence[Clause]) -> Iterator[tuple[str, str]]:
    """Yield the new and the old number of each clause that says the same under another one."""
    left = [one for one in before if one not in after]
    for clause in after:
        if clause in before:
            continue
        twin = next((one for one in left if replace(one, id=clause.id) == clause), None)
        if twin is not None:
            left.remove(twin)
            yield clause.id, twin.id


def _whole(clause: Clause) -> Iterator[str]:
    yield f"“{clause.title}”: {clause.text}"
    yield f"It {EFFECTS[clause.effect]}" + (
        f": {listing(_words(clause.slots))}." if clause.slots else "."
    )
    if clause.when:
        yield f"It asks: {'; '.join(wanted_words(one) for one in clause.when)}."
    if clause.obligations:
        yield f"The recipient must {listing([_stated(one) for one in clause.obligations])}."
    if clause.floor:
        yield "It is for immediate risk: narrowings leave it in force."
    yield f"Gateway: {clause.gateway}."


def _parts(
    before: Clause, after: Clause, schemas: Sequence[RecordSchema]
) -> Iterator[tuple[str, Reach]]:
    """Yield what is different in a clause, with its reach."""
    for name in _TEXTS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"Its {name} was “{old}”, and is now “{new}”.", Reach.SAME
    if before.effect is not after.effect:
        yield (
            f"It {EFFECTS[before.effect]} no longer; now it {EFFECTS[after.effect]}.",
            _of_effects(before, after),
        )
    if set(before.when) != set(after.when):
        reach = _turned(after, of_conditions(before.when, after.when))
        yield from ((line, reach) for line in _asked(before.when, after.when))
    if set(before.slots) != set(after.slots):
        reach = of_slots(before, after, schemas)
        lessens = Effect.REFUSE in {before.effect, after.effect}
        yield from (
            (line, reach.other_way if lessens else reach) for line in _opened(before, after)
        )
    yield from _marks(before, after)
    yield from _times(before, after)


def _of_effects(before: Clause, after: Clause) -> Reach:
    """Return the reach of another effect: to open is more than to tell that there is something."""
    if {before.effect, after.effect} == {Effect.EXISTENCE, Effect.CONTENT}:
        return Reach.MORE if after.effect is Effect.CONTENT else Reach.LESS
    return together((of_one(before).other_way, of_one(after)))


def _turned(clause: Clause, reach: Reach) -> Reach:
    """Return what it means that a clause applies more often, or less."""
    if clause.effect.grants:
        return reach
    return Reach.EITHER if clause.effect is Effect.REFER else reach.other_way


def _asked(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[str]:
    gone = [one for one in before if one not in after]
    for one in after:
        if one in before:
            continue
        twin = next((old for old in gone if old.attribute == one.attribute), None)
        if twin is None:
            yield f"It asks now, too: {wanted_words(one)}."
        else:
            gone.remove(twin)
            yield f"It asked: {wanted_words(twin)}. It asks now: {wanted_words(one)}."
    for one in gone:
        yield f"It asks no longer: {wanted_words(one)}."


def _opened(before: Clause, after: Clause) -> Iterator[str]:
    names = "It names now, too", "It names no longer"
    if before.effect.grants and after.effect.grants:
        names = "It opens now, too", "It opens no longer"
    elif before.effect is after.effect is Effect.REFUSE:
        names = "It keeps closed now, too", "It keeps closed no longer"
    pairs = ((after.slots, before.slots), (before.slots, after.slots))
    for name, (these, those) in zip(names, pairs, strict=True):
        if words := [one for one in these if one not in those]:
            yield f"{name}: {listing(_words(words))}."


def _words(slots: Iterable[str]) -> list[str]:
    said = {"all": "everything", "coded": "all that is coded"}
    return [said.get(one, one.removeprefix("tag:").replace("_", " ")) for one in slots]


def _marks(before: Clause, after: Clause) -> Iterator[tuple[str, Reach]]:
    if before.floor != after.floor:
        yield (
            ("Narrowings leave it in force now: it is for immediate risk.", Reach.MORE)
            if after.floor
            else ("Narrowings can suspend it now.", Reach.LESS)
        )
    if before.outranks != after.outranks:
        yield (
            ("No refusal closes what it opens, from now on.", Reach.MORE)
            if after.outranks
            else ("Refusals can close what it opens, from now on.", Reach.LESS)
        )
    if before.within != after.within:
        yield (
            f"A person has {_span(after.within)} to answer, not {_span(before.within)}.",
            Reach.SAME,
        )
    for one in after.obligations:
        if one not in before.obligations:
            yield f"The recipient must now {_stated(one)}.", Reach.LESS
    for one in before.obligations:
        if one not in after.obligations:
            yield f"The recipient need not {_stated(one)} any longer.", Reach.MORE


def _times(before: Clause, after: Clause) -> Iterator[tuple[str, Reach]]:
    if before.first != after.first:
        reach = Reach.MORE if after.first < before.first else Reach.LESS
        began = "from the first day of the protocol" if after.first == START else day(after.first)
        yield f"Its first day is now {began}.", _turned(after, reach)
    if before.until != after.until:
        reach = Reach.MORE if after.until > before.until else Reach.LESS
        ends = "that of the protocol" if after.until == FOREVER else day(Instant(after.until - 1))
        yield f"Its last day is now {ends}.", _turned(after, reach)


def _span(ms: int | None) -> str:
    return "no time" if ms is None else span_words(ms)


def _stated(one: Stated) -> str:
    detail = "people who are named there" if one.of else one.detail
    return obligation_words(Obligation(one.kind.value, detail))


def day(at: Instant) -> str:
    """Return the day of an instant, UTC: `1 January 2026`."""
    found = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{found.day} {found:%B %Y}"
