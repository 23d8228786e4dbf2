"""Who is asked about a record. Nobody else gets a question: the wrong school is never told.

One consumer is asked once a record, in the first of these relations that it has to it:

- *holder*: for a retraction, who holds the record; for an alert, who holds a slot it now protects;
- *sender*: for a receipt, the source of the delivered record;
- *involved*: an agency with current involvement with the child;
- *addressed*: whom the record itself names;
- *named*: whom the protocol names for the record's type; for a record without a known subject, whom
  it names for those, alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.protocol.agreement import Agreement
from broker.protocol.questions import NOT_CHECKED
from broker.records.names import AgencyId, ConsumerId, RecordId, agency_of
from broker.subjects.registers import Link
from broker.subjects.standing import Standing


@dataclass(frozen=True, slots=True)
class Asked:
    """One consumer of one record.

    Attributes:
        consumer: agency, or agency/desk.
        relation: involved, holder, sender, addressed or named.
        involvement: kinds of its current involvement, sorted.
        holds: records that an alert or retraction is about, which this consumer holds.
        addressed: whether the record names it.
        staff: whether somebody in the record works there: match, none-found or not-checked.
    """

    consumer: ConsumerId
    relation: str
    involvement: tuple[str, ...] = ()
    holds: tuple[RecordId, ...] = ()
    addressed: bool = False
    staff: str = NOT_CHECKED


@dataclass(frozen=True, slots=True)
class About:
    """What decides who is asked about a record.

    Attributes:
        source: its agency.
        type: its record type.
        linked: how it was linked; None for records that are about no child.
        standing: what the registers say of its subject.
        addressed_to: consumers that the record names.
        sender: for receipts: source of the delivered record; else None.
        holders: consumer → records it holds that this one concerns.
    """

    source: AgencyId
    type: str
    linked: Link | None
    standing: Standing
    addressed_to: tuple[str, ...] = ()
    sender: AgencyId | None = None
    holders: Mapping[ConsumerId, tuple[RecordId, ...]] | None = None


def asked(about: About, agreement: Agreement) -> tuple[Asked, ...]:
    """Return everybody who is asked, by rising consumer id."""
    found: dict[ConsumerId, Asked] = {}

    def add(consumer: str, relation: str) -> None:
        agency = agency_of(consumer)
        one = ConsumerId(consumer)
        if agency == about.source or one in found or not agreement.roster.has(consumer):
            return
        involvement = about.standing.involved.get(agency, ())
        holds = (about.holders or {}).get(one, ())
        addressed = consumer in about.addressed_to
        found[one] = Asked(one, relation, involvement, holds, addressed=addressed)

    for consumer in about.holders or {}:
        add(consumer, "holder")
    if about.sender is not None:
        add(about.sender, "sender")
    for agency in about.standing.involved:
        add(agency, "involved")
    for name in about.addressed_to:
        add(name, "addressed")
    if about.linked in (Link.UNLINKED, Link.AMBIGUOUS):
        add(agreement.unlinked, "named")
    else:
        for consumer in agreement.named.get(about.type, ()):
            add(consumer, "named")
    return tuple(found[one] for one in sorted(found))
