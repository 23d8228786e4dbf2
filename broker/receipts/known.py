"""What an agency knows: records that it sent or received, its tasks, and which are one child's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.clock import Instant
from broker.records.names import AgencyId


@dataclass(frozen=True, slots=True)
class Known:
    """One record as an agency knows it: sent by itself, or received with the slots that are open.

    Attributes:
        record: its id in hex.
        source: who sent it.
        type: record type; empty where only its existence is told.
        at: when it was sent or received.
        content: open slots by name, as plain values.
        consumer: to whom it was delivered; empty for an own one.
        delivery: id of the delivery in hex; empty for an own one.
        own_identifier: the agency's own number of the child, as the delivery tells it.
        acknowledge_by: when it must be acknowledged, if an obligation says so.
        acknowledged: when somebody took it on.
        acted: whether an action was told.
        addressed_to: of an own one: whom it names.
        concerns: of an own one: id in hex of the record that it is about; empty if of none.
    """

    record: str
    source: AgencyId
    type: str
    at: Instant
    content: Mapping[str, Any]
    consumer: str = ""
    delivery: str = ""
    own_identifier: str | None = None
    acknowledge_by: Instant | None = None
    acknowledged: Instant | None = None
    acted: bool = False
    addressed_to: tuple[str, ...] = ()
    concerns: str = ""

    def part(self, slot: str) -> Mapping[str, Any]:
        """Return a slot that holds an object; an empty one if it is not open."""
        value = self.content.get(slot)
        return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Task:
    """A decision that a person owes, or has made.

    Attributes:
        record: id of the record that it is about, in hex.
        since: since when.
        due: until when.
        why: code of the reason: refer, default-withhold.
        answer: share or refuse; None while nobody has decided.
    """

    record: str
    since: Instant
    due: Instant
    why: str = "refer"
    answer: str | None = None


def of_one_child(known: Sequence[Known], agency: AgencyId) -> list[list[Known]]:
    """Return the records that name somebody, grouped by child.

    Two records are one child's if they share a number, or name and date of birth; numbers of a
    source's own system count for that source alone.
    """
    leader: dict[tuple[str, ...], tuple[str, ...]] = {}

    def first(name: tuple[str, ...]) -> tuple[str, ...]:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    named = [(names, one) for one in known if (names := sorted(_names(one, agency)))]
    for names, _ in named:
        for name in names:
            leader.setdefault(name, name)
            leader[first(name)] = first(names[0])
    groups: dict[tuple[str, ...], list[Known]] = {}
    for names, one in named:
        groups.setdefault(first(names[0]), []).append(one)
    return list(groups.values())


def _names(one: Known, agency: AgencyId) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for system in ("nhs_number", "upn", "council_id"):
        if one.content.get(system):
            found.add((system, str(one.content[system])))
    if one.content.get("own_id"):
        found.add(("own", one.source, str(one.content["own_id"])))
    if one.own_identifier:
        found.add(("own", agency, one.own_identifier))
    who = one.part("identity")
    parts = tuple(str(who.get(name) or "") for name in ("given", "family", "date_of_birth"))
    if all(parts):
        found.add(("name", *(part.casefold() for part in parts)))
    return found
