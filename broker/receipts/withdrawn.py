"""What was taken back, from both sides: who must un-file it, and the source that waits for them.

Rules:

1. A retraction that was delivered says itself which records it takes back (`holds` of the told
   decision); only its own source's. Whatever an agency holds of such a record is withdrawn, at
   every desk.
2. Each desk that was told un-files for itself, once; by when, the clause says that granted it.
3. Who held a record when it was taken back, its source learns in a task from the broker. Each of
   them stays on the source's list; un-filed is who has said so in a receipt that its own agency
   signed, and that names the retraction. The first word stands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.access_log.parts import TAKEN_BACK
from broker.access_log.ports import DeliveryId
from broker.clock import DAY, Instant
from broker.receipts.inbox import Item
from broker.records.envelope import Minimised
from broker.records.names import AgencyId, ConsumerId, RecordId, agency_of

Content = Callable[[Minimised], Mapping[str, Any]]
"""The open slots of a record by name, decoded as JSON holds them: bytes in hex."""

UNFILE, DESTROY, MARK = "un-file", "un-file-and-destroy", "mark-as-corrected"

TELL: Mapping[str, str] = {
    "wrong-person": DESTROY,
    "factually-wrong": UNFILE,
    "unsubstantiated": UNFILE,
    "unfounded": UNFILE,
    "false": DESTROY,
    "malicious": DESTROY,
    "superseded": MARK,
    "sent-to-wrong-recipient": DESTROY,
}
"""What recipients must do, by the coded reason: what should never have been there is destroyed."""

DONE: Mapping[str, str] = {UNFILE: "un-filed", DESTROY: "destroyed", MARK: "marked"}
"""What a receipt says that was done, by what recipients had to do."""

WITHIN = DAY
"""How long there is to un-file where no obligation says it."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A retraction as an inbox holds it.

    Attributes:
        item: its delivery.
        source: the agency that takes back.
        records: what it takes back.
        reason: coded; None: taken back without a reason.
        tell: what must be done.
        note: what was wrong, if the source says it.
        due: by when it must be un-filed.
    """

    item: Item
    source: AgencyId
    records: tuple[RecordId, ...]
    reason: str | None
    tell: str
    note: str | None
    due: Instant

    @property
    def unfiled(self) -> Instant | None:
        """When a person here said that it is un-filed."""
        return self.item.done.unfiled

    def overdue(self, at: Instant) -> bool:
        """Tell whether it should have been un-filed before `at`."""
        return self.unfiled is None and self.due < at


def withdrawal_of(item: Item, content: Content) -> Withdrawal | None:
    """Return the retraction that was delivered; None for any other delivery."""
    record = item.row.record if item.takes_back else None
    if record is None:
        return None
    said = content(record)
    main = said.get("retraction") or {}
    due = item.row.acknowledge_by()
    return Withdrawal(
        item,
        record.head.agency,
        item.row.told.holds,
        main.get("reason"),
        main.get("tell", UNFILE),
        said.get("note") if main else None,
        Instant(item.row.at + WITHIN) if due is None else due,
    )


def withdrawals(items: Iterable[Item], content: Content) -> tuple[Withdrawal, ...]:
    """Return every retraction in an inbox, in its order."""
    found = (withdrawal_of(one, content) for one in items)
    return tuple(one for one in found if one is not None)


def withdrawn(items: Sequence[Item], content: Content) -> dict[DeliveryId, Withdrawal]:
    """Return which deliveries hold a record that was taken back, and by what.

    Of several retractions it is the one told to the same desk, or else the first.
    """
    by_record: dict[tuple[AgencyId, RecordId], list[Withdrawal]] = {}
    for one in withdrawals(items, content):
        for record_id in one.records:
            by_record.setdefault((one.source, record_id), []).append(one)
    found: dict[DeliveryId, Withdrawal] = {}
    for item in items if by_record else ():
        record = item.row.record
        if record is None or item.row.told.kind != "delivery":
            continue
        taken = by_record.get((record.head.agency, record.head.record_id), [])
        same = [one for one in taken if one.item.row.told.consumer == item.row.told.consumer]
        if taken:
            found[item.row.id] = (same or taken)[0]
    return found


@dataclass(frozen=True, slots=True)
class Recipient:
    """One who held a record when it was taken back.

    Attributes:
        consumer: agency, or agency/desk.
        told: when the source learnt that it holds the record.
        due: by when it must have un-filed it.
        unfiled: when it did; None while it has not said so.
        how: un-filed, destroyed or marked.
        role: of the person who said so.
        note: what that person added.
    """

    consumer: ConsumerId
    told: Instant
    due: Instant
    unfiled: Instant | None = None
    how: str = ""
    role: str = ""
    note: str | None = None

    def overdue(self, at: Instant) -> bool:
        """Tell whether it should have un-filed the record before `at`."""
        return self.unfiled is None and self.due < at


def recipients(items: Iterable[Item], content: Content) -> dict[RecordId, tuple[Recipient, ...]]:
    """Return for each of this agency's retractions who holds what it takes back.

    Args:
        items: the inbox of the agency that took back.
        content: decodes what is open.
    """
    found: dict[RecordId, dict[ConsumerId, Recipient]] = {}
    said: dict[tuple[str, str], Mapping[str, Any]] = {}
    for item in items:
        record, told = item.row.record, item.row.told
        if record is None:
            continue
        if told.task is not None and told.task.why == TAKEN_BACK:
            of_one = found.setdefault(record.head.record_id, {})
            for name in told.task.consumers:
                consumer = ConsumerId(name)
                of_one.setdefault(consumer, Recipient(consumer, item.row.at, told.task.deadline))
        elif told.kind == "delivery":
            receipt = content(record).get("receipt") or {}
            name = str(receipt.get("consumer") or "")
            # Nobody says for another agency that it has un-filed something.
            if receipt.get("unfiled") and agency_of(name) == record.head.agency:
                said.setdefault((receipt["record_id"], name), receipt)
    return {
        retraction: tuple(
            _confirmed(one, said.get((retraction.hex(), one.consumer)))
            for _, one in sorted(of_one.items())
        )
        for retraction, of_one in found.items()
    }


def _confirmed(one: Recipient, said: Mapping[str, Any] | None) -> Recipient:
    if said is None:
        return one
    at = Instant(said["at"])
    return Recipient(
        one.consumer, one.told, one.due, at, said["unfiled"], said["role"], said["note"]
    )
