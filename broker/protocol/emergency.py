"""What a protocol lets people send past the broker when it does not answer: the emergency's list.

It holds on when the revision has lapsed: an emergency asks the last verified one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.protocol.clauses import TAGS, slots_of
from broker.protocol.documents import Spot
from broker.protocol.errors import REFERENCE
from broker.protocol.roster import Roster
from broker.records.names import FIRST_TYPE_SLOT, SLOT_LABELS, ConsumerId
from broker.records.schemas import RecordSchema


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who may send what to whom when the broker does not answer.

    Attributes:
        clause: id of the clause that says so in words.
        roles: of the people who may.
        to: desks that may get it.
        never: words that name slots which never go.
        lasts: ms after which the recipient must have deleted it.
        review: ms within which a second person looks at it.
    """

    clause: str
    roles: tuple[str, ...]
    to: tuple[ConsumerId, ...]
    never: tuple[str, ...]
    lasts: int
    review: int

    def opens(self, schema: RecordSchema) -> tuple[int, ...]:
        """Return which slots of a record go: all that its schema has, but those that never do."""
        closed = {slot for word in self.never for slot in slots_of(word, schema)} | {SLOT_LABELS}
        has = {*range(FIRST_TYPE_SLOT), *schema.slots}
        return tuple(sorted(has - closed))


def read_emergency(spot: Spot, roster: Roster) -> Emergency:
    """Read the section `emergency` of a protocol.

    Raises:
        ProtocolTextError: with file, line, what and what to do.
    """
    given = spot.fields(("clause", "roles", "to", "never", "lasts", "review"))
    to = []
    for one in given["to"].items():
        consumer = one.text()
        if not roster.has(consumer) or "/" not in consumer:
            one.refuse(REFERENCE, f"no desk {consumer}")
        to.append(ConsumerId(consumer))
    return Emergency(
        given["clause"].text(),
        tuple(given["roles"].texts()),
        tuple(to),
        tuple(
            "tag:" + one.fields(("tag",))["tag"].one_of(TAGS)
            if isinstance(one.value, dict)
            else one.text()
            for one in given["never"].items()
        ),
        given["lasts"].duration(),
        given["review"].duration(),
    )


def emergency_plain(emergency: Emergency | None) -> dict[str, Any] | None:
    """Return the section as plain JSON values."""
    if emergency is None:
        return None
    return {
        "clause": emergency.clause,
        "roles": list(emergency.roles),
        "to": list(emergency.to),
        "never": list(emergency.never),
        "lasts": emergency.lasts,
        "review": emergency.review,
    }


def emergency_of(plain: Mapping[str, Any] | None) -> Emergency | None:
    """Return the section from plain values that `emergency_plain` made.

    Raises:
        KeyError, TypeError: it did not make them.
    """
    if plain is None:
        return None
    return Emergency(
        plain["clause"],
        tuple(plain["roles"]),
        tuple(ConsumerId(one) for one in plain["to"]),
        tuple(plain["never"]),
        plain["lasts"],
        plain["review"],
    )
