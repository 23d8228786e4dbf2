"""What register records state: links, alerts, orders of courts, and who works where."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Involvement:
    """An agency's own link to a child.

    Attributes:
        kind: on-roll, registered, allocated, placed or open-case.
        first: first day, days since 1970-01-01.
        last: last day; None if it goes on.
        own_id: the agency's own identifier of the child.
    """

    kind: str
    first: int
    last: int | None
    own_id: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """What protects a child, whoever holds a record about her.

    Attributes:
        kind: protected-address, safe-contact, court-order or not-visible-to.
        first: first day, days since 1970-01-01.
        last: last day; None if it goes on.
        who: for not-visible-to: parent, carer, subject or relative.
    """

    kind: str
    first: int
    last: int | None
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What a court has ordered about a child.

    Attributes:
        says: of sharing: forbids, requires or nothing.
        addressed: agency, or agency/desk, that it names for that; None: everybody.
        first: first day, days since 1970-01-01.
        last: last day; None if it goes on.
    """

    says: str
    addressed: str | None
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Staff:
    """Who works at an agency, as tokens: about no child.

    Attributes:
        members: (token of the name, token of the date of birth or None), sorted.
    """

    members: tuple[tuple[bytes, bytes | None], ...]
    _born: Mapping[bytes, frozenset[bytes | None]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look the members up by name from now on: it is asked of every record."""
        born: dict[bytes, set[bytes | None]] = {}
        for name, of_birth in self.members:
            born.setdefault(name, set()).add(of_birth)
        found = {name: frozenset(dates) for name, dates in born.items()}
        object.__setattr__(self, "_born", found)

    def has(self, name: bytes, born: bytes | None) -> bool:
        """Tell whether somebody of that name works there; a date counts where both have one."""
        dates = self._born.get(name)
        return dates is not None and (born is None or None in dates or born in dates)


States = Involvement | Alert | Order | Staff
"""What a register record may state."""
