"""How good a file was: counts and codes for those who keep the system it came from. No value of it.

Rules:

1. Only items that give a record about a child count for identifiers and links: a register of staff
   has none.
2. An identifier of such an item is *valid* if one of its records bears it, *invalid* if the file
   gave one that did not pass, else *absent*. An item that was rejected for an identifier counts as
   one with that identifier invalid.
3. An item *cannot link* if no record of it bears both a strong identifier (NHS number, unique pupil
   number, council's identifier) and a date of birth: the hub links by both, and not by names
   (`docs/formats.md`, section 9).
4. Numbers in a field's name are left out (`episodes[3].start` is `episodes[].start`), so that one
   fault of a system is one line, with the first places where it was found.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.accounting import Accounting
from adapters.errors import LOCAL_ID, NHS_NUMBER, UPN
from adapters.format import Draft, Outcome, Rejected, Warned
from broker.records.statement import Identifiers
from broker.routing.meaning import is_about_a_child

IDENTIFIERS = ("nhs_number", "upn", "council_id", "own_id")
STRONG = ("nhs_number", "upn", "council_id")
PLACES = 3
"""Places named for one fault: enough to find what is wrong, few enough to read."""

_INVALID = frozenset(code.name for code in (NHS_NUMBER, UPN, LOCAL_ID))
_NUMBER = re.compile(r"\[\d+\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identified:
    """How many items had an identifier: valid, invalid, or none."""

    valid: int = 0
    invalid: int = 0
    absent: int = 0

    def __add__(self, other: "Identified") -> "Identified":
        """Return both together."""
        return Identified(
            self.valid + other.valid, self.invalid + other.invalid, self.absent + other.absent
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as often as it was found.

    Attributes:
        rejects: whether the item was rejected for it; else it went through without that part.
        code: stable code of the reason.
        field: in which field.
        count: how often.
        places: the first items where it was found.
    """

    rejects: bool
    code: str
    field: str
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good one file was, or several together.

    Attributes:
        file: its name, long runs of digits masked; or of the listener that was brought it.
        format: that read it; empty if none did.
        contents: how many files or messages it stands for.
        read: items.
        mapped: items that gave records.
        context: items that give none by design.
        rejected: items that were not mapped, or whose record was refused.
        records: that they gave.
        kept_back: records that the publication rule kept back.
        children: items with a record about a child.
        cannot_link: of those, items that the hub cannot link.
        identifiers: by name.
        faults: most frequent first, those that reject before others.
        unmapped: names of elements that hold something and are not mapped, sorted.
    """

    file: str
    format: str
    contents: int = 1
    read: int = 0
    mapped: int = 0
    context: int = 0
    rejected: int = 0
    records: int = 0
    kept_back: int = 0
    children: int = 0
    cannot_link: int = 0
    identifiers: Mapping[str, Identified] = field(
        default_factory=lambda: dict.fromkeys(IDENTIFIERS, Identified())
    )
    faults: tuple[Fault, ...] = ()
    unmapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Children:
    """Items with a record about a child.

    Attributes:
        items: how many.
        cannot_link: of those, items that the hub cannot link.
        identifiers: by name.
    """

    items: int = 0
    cannot_link: int = 0
    identifiers: Mapping[str, Identified] = field(
        default_factory=lambda: dict.fromkeys(IDENTIFIERS, Identified())
    )


@dataclass(slots=True)
class Tally:
    """Counts children while a file is read, so that its drafts need not be kept for it."""

    _items: int = 0
    _cannot_link: int = 0
    _identifiers: dict[str, Identified] = field(
        default_factory=lambda: dict.fromkeys(IDENTIFIERS, Identified())
    )
    _invalid: set[tuple[str, str]] = field(default_factory=set)
    _item: str = ""
    _held: list[Identifiers] = field(default_factory=list)

    def enter(self, outcome: Outcome) -> None:
        """Take one outcome into account; records of one item follow each other."""
        if isinstance(outcome, Warned) and outcome.code in _INVALID:
            self._invalid.add((outcome.item, outcome.field))
        elif isinstance(outcome, Draft) and is_about_a_child(outcome.statement.labels):
            if outcome.item != self._item:
                self._end()
                self._item = outcome.item
            self._held.append(outcome.statement.identifiers)

    def close(self) -> Children:
        """Return what was counted."""
        self._end()
        return Children(self._items, self._cannot_link, self._identifiers)

    def _end(self) -> None:
        held = self._held
        if held:
            self._items += 1
            self._cannot_link += not any(map(_links, held))
            for name in IDENTIFIERS:
                self._identifiers[name] += _identified(name, self._item, held, self._invalid)
            self._held = []


def quality_of(
    account: Accounting,
    children: Children,
    refused: Sequence[Rejected] = (),
    kept_back: int = 0,
) -> Quality:
    """Return how good a file was.

    Args:
        account: of the file.
        children: that its items are about.
        refused: records that do not fit their schema, or contradict what was signed before.
        kept_back: records that the publication rule kept back.
    """
    rejected = (*account.rejected, *refused)
    dropped = [one.field for one in account.rejected if one.code in _INVALID]
    return Quality(
        file=account.file,
        format=account.format,
        read=account.read,
        mapped=account.mapped,
        context=account.context,
        rejected=len({one.item for one in rejected}),
        records=account.records,
        kept_back=kept_back,
        children=children.items,
        cannot_link=children.cannot_link,
        identifiers={
            name: children.identifiers[name] + Identified(invalid=dropped.count(name))
            for name in IDENTIFIERS
        },
        faults=_faults(rejected, account.warnings),
        unmapped=account.unmapped,
    )


def together(several: Iterable[Quality], file: str = "", format_name: str = "") -> Quality:
    """Return several as one; the order does not matter, but for the places that are named."""
    found = tuple(several)
    return Quality(
        file=file,
        format=format_name,
        contents=sum(one.contents for one in found),
        read=sum(one.read for one in found),
        mapped=sum(one.mapped for one in found),
        context=sum(one.context for one in found),
        rejected=sum(one.rejected for one in found),
        records=sum(one.records for one in found),
        kept_back=sum(one.kept_back for one in found),
        children=sum(one.children for one in found),
        cannot_link=sum(one.cannot_link for one in found),
        identifiers={
            name: sum((one.identifiers[name] for one in found), Identified())
            for name in IDENTIFIERS
        },
        faults=_summed(fault for one in found for fault in one.faults),
        unmapped=tuple(sorted({name for one in found for name in one.unmapped})),
    )


def _links(held: Identifiers) -> bool:
    return held.date_of_birth is not None and any(getattr(held, name) for name in STRONG)


def _identified(
    name: str, item: str, held: Sequence[Identifiers], invalid: set[tuple[str, str]]
) -> Identified:
    if any(getattr(one, name) for one in held):
        return Identified(valid=1)
    return Identified(invalid=1) if (item, name) in invalid else Identified(absent=1)


def _faults(rejected: Sequence[Rejected], warnings: Sequence[Warned]) -> tuple[Fault, ...]:
    def faults() -> Iterator[Fault]:
        for rejects, several in ((True, rejected), (False, warnings)):
            for one in several:
                yield Fault(rejects, one.code, _NUMBER.sub("[]", one.field), 1, (one.item,))

    return _summed(faults())


def _summed(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    counts: dict[tuple[bool, str, str], int] = {}
    places: dict[tuple[bool, str, str], dict[str, None]] = {}
    for one in faults:
        key = (one.rejects, one.code, one.field)
        counts[key] = counts.get(key, 0) + one.count
        named = places.setdefault(key, {})
        for place in one.places[: PLACES - len(named)]:
            named[place] = None
    found = [Fault(*key, counts[key], tuple(places[key])) for key in counts]
    return tuple(sorted(found, key=lambda one: (not one.rejects, -one.count, one.code, one.field)))
