"""The inbox: what an agency has received and verified, and what its people did with it.

Two rows a delivery, both sealed under the agency's own key: what came (written once, with the lane
position), and what was done (opened, acknowledged, action taken, task answered, un-filed).
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from broker.access_log.codec import Codec, record
from broker.access_log.parts import TAKEN_BACK, Told
from broker.access_log.ports import DeliveryId
from broker.clock import Instant
from broker.protocol.clauses import span_ms
from broker.receipts.delivery import Verified
from broker.records.digests import tag
from broker.records.envelope import Minimised, decode_minimised
from broker.records.names import Kind

INBOX = "inbox"
DONE = "inbox-done"

PART = "inbox"
"""What the rows are sealed as."""

STORE_TAG = tag("agency-store")
"""Derives the agency's own sealing key from its id key."""

_ROW = Codec(record("InboxRow", at_ms="long", index="long", minimised="bytes", told="bytes"))

ACKNOWLEDGE_BY = "acknowledge-by"
DELETE_AFTER = "delete-after"


@dataclass(frozen=True, slots=True)
class InboxRow:
    """What came.

    Attributes:
        id: delivery id.
        at: when it was consumed.
        index: its entry in the log.
        minimised: bytes of the record as released; of a quarantined message as it came.
        told: the decision as told.
    """

    id: DeliveryId
    at: Instant
    index: int
    minimised: bytes
    told: Told

    @classmethod
    def of(cls, verified: Verified, at: Instant) -> Self:
        """Return the row of a verified delivery."""
        return cls(verified.id, at, verified.index, verified.body, verified.told)

    def encode(self) -> bytes:
        """Return the row's bytes, to be sealed."""
        return _ROW.encode(
            {
                "at_ms": self.at,
                "index": self.index,
                "minimised": self.minimised,
                "told": self.told.encode(),
            }
        )

    @classmethod
    def decode(cls, delivery: DeliveryId, data: bytes) -> Self:
        """Return the row in bytes that this agency wrote and sealed."""
        fields = _ROW.decode_trusted(data)
        told = Told.decode(fields["told"])
        return cls(delivery, Instant(fields["at_ms"]), fields["index"], fields["minimised"], told)

    @property
    def record(self) -> Minimised | None:
        """The minimised record; None for a quarantined message."""
        if self.told.kind == "quarantine":
            return None
        return decode_minimised(self.minimised)

    @property
    def past_the_broker(self) -> bool:
        """Whether it came in an emergency, and no log entry stands behind it yet."""
        return self.index < 0

    def expired(self, at: Instant) -> bool:
        """Tell whether it came in an emergency, and its hours have passed."""
        spans = [span_ms(one.detail) for one in self.told.obligations if one.kind == DELETE_AFTER]
        return self.past_the_broker and any(self.at + span <= at for span in spans)

    def acknowledge_by(self) -> Instant | None:
        """Return when it must be acknowledged, None if no obligation says so."""
        spans = [span_ms(one.detail) for one in self.told.obligations if one.kind == ACKNOWLEDGE_BY]
        return Instant(self.at + min(spans)) if spans else None


@dataclass(frozen=True, slots=True)
class Done:
    """What people did with a delivery.

    Attributes:
        opened: when it was first opened.
        acknowledged: when somebody took it on.
        actions: (code, when) of each action taken.
        answered: share or refuse, for a task.
        retried: for a quarantined message: when it was sent again.
        unfiled: for a retraction: when what it takes back was un-filed.
    """

    opened: Instant | None = None
    acknowledged: Instant | None = None
    actions: tuple[tuple[str, Instant], ...] = ()
    answered: str | None = None
    retried: Instant | None = None
    unfiled: Instant | None = None

    def encode(self) -> bytes:
        """Return the row's bytes, to be sealed."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the row in bytes that this agency wrote and sealed."""
        fields: dict[str, Any] = json.loads(data)
        actions = tuple((code, Instant(at)) for code, at in fields.pop("actions"))
        return cls(actions=actions, **fields)


NOTHING_DONE = Done()


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery with what was done."""

    row: InboxRow
    done: Done = field(default=NOTHING_DONE)

    @property
    def takes_back(self) -> bool:
        """Whether it is a retraction of something that was delivered before."""
        record = self.row.record if self.row.told.holds else None
        return record is not None and record.head.kind is Kind.RETRACTION

    @property
    def asks(self) -> bool:
        """Whether it is a task that a person must answer; who holds what is no question."""
        task = self.row.told.task
        return task is not None and task.why != TAKEN_BACK

    def overdue(self, at: Instant) -> bool:
        """Tell whether it should have been acknowledged, un-filed or answered, before `at`."""
        task = self.row.told.task
        if task is not None:
            return self.asks and self.done.answered is None and task.deadline < at
        due = self.row.acknowledge_by()
        if due is None or due >= at:
            return False
        return (self.done.unfiled if self.takes_back else self.done.acknowledged) is None

    def opened(self, at: Instant) -> "Item":
        """Return it opened; the first time stands."""
        first = at if self.done.opened is None else self.done.opened
        return replace(self, done=replace(self.done, opened=first))
