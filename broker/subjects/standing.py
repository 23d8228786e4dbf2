"""What the registers say of a subject at one instant: who is involved, and what protects."""

from dataclasses import dataclass

from broker.clock import FOREVER, Instant
from broker.records.names import AgencyId, RecordDigest, agency_of
from broker.subjects.registers import Subject
from broker.subjects.states import Alert, Involvement, Order

FORBIDS = "forbids"
REQUIRES = "requires"
NO_ORDER = "none"
COURT_ORDER = "court-order"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registers say of a subject at one instant.

    Attributes:
        involved: agency → kinds of its current involvement, sorted.
        own_ids: agency → its own identifier of the subject.
        alerts: kinds of alerts in force, sorted.
        not_visible_to: persons who must not see it, sorted.
        used: digests of the register records that this rests on, sorted.
        until: the next instant at which any of it changes by itself.
        orders: (what it says, whom it names) of each court order in force, sorted.
    """

    involved: dict[AgencyId, tuple[str, ...]]
    own_ids: dict[AgencyId, str]
    alerts: tuple[str, ...]
    not_visible_to: tuple[str, ...]
    used: tuple[RecordDigest, ...]
    until: Instant
    orders: tuple[tuple[str, str | None], ...] = ()

    def ordered(self, consumer: str) -> str:
        """Return what orders in force say of a consumer: forbids, requires or none.

        One that forbids and names nobody forbids to tell anybody; one that requires must name whom.
        """
        if not self.orders:
            return NO_ORDER
        agency = agency_of(consumer)
        said = {says for says, named in self.orders if named in (consumer, agency)}
        said |= {says for says, named in self.orders if named is None and says == FORBIDS}
        return FORBIDS if FORBIDS in said else REQUIRES if REQUIRES in said else NO_ORDER


NOBODY = Standing({}, {}, (), (), (), FOREVER)
"""What is known of a subject that could not be linked."""


def standing(subject: Subject, at: Instant) -> Standing:
    """Return what holds for a subject at `at`."""
    kinds: dict[AgencyId, set[str]] = {}
    own_ids: dict[AgencyId, str] = {}
    alerts: set[str] = set()
    hidden: set[str] = set()
    used: list[RecordDigest] = []
    orders: list[tuple[str, str | None]] = []
    until = FOREVER
    for held in subject.holds.values():
        begins, ends = held.boundaries()
        until = min((until, *(bound for bound in (begins, ends) if bound > at)))
        if not begins <= at < ends:
            continue
        used.append(held.digest)
        states = held.states
        if isinstance(states, Involvement):
            kinds.setdefault(held.agency, set()).add(states.kind)
            if states.own_id is not None:
                own_ids[held.agency] = states.own_id
        elif isinstance(states, Order):
            alerts.add(COURT_ORDER)
            orders.append((states.says, states.addressed))
        elif isinstance(states, Alert):
            alerts.add(states.kind)
            hidden.update(states.who)
    return Standing(
        {agency: tuple(sorted(found)) for agency, found in sorted(kinds.items())},
        own_ids,
        tuple(sorted(alerts)),
        tuple(sorted(hidden)),
        tuple(sorted(used)),
        until,
        tuple(sorted(orders, key=str)),
    )
