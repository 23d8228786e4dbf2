"""How an inbox shows what was taken back: what must be done, by when; not what it said."""

from collections.abc import Iterator, Mapping
from typing import Any

from broker.access_log.ports import DeliveryId
from broker.cli.show import iso, when
from broker.clock import Instant
from broker.receipts.inbox import Item
from broker.receipts.withdrawn import Withdrawal
from broker.runtimes.agency import AgencySide
from broker.runtimes.reading import delivery_document, readable
from broker.runtimes.withdrawing import withdrawal_here

Taken = Mapping[DeliveryId, Withdrawal]
"""Which deliveries hold a record that was taken back, and by what."""

DO = {
    "un-file": "take it out of the child's file",
    "un-file-and-destroy": "take it out of the file, and destroy every copy",
    "mark-as-corrected": "mark it as corrected; what is right comes as a record of its own",
}
"""What recipients must do, in words."""


def waits(item: Item, taken: Taken) -> bool:
    """Tell whether somebody has yet to do something about a delivery."""
    if item.takes_back:
        return item.done.unfiled is None
    gone = taken.get(item.row.id)
    return item.done.acknowledged is None and (gone is None or gone.unfiled is None)


def lines_of(side: AgencySide, item: Item, taken: Taken, *, content: bool) -> Iterator[str]:
    """Yield a delivery as a person reads it; of a withdrawn one what it said only on demand."""
    now = side.clock.now()
    gone, takes_back = taken.get(item.row.id), withdrawal_here(side, item)
    if gone is not None:
        yield from _lines(gone, now)
    if gone is None or content:
        yield from readable(side, item)
    if takes_back is not None:
        yield from _lines(takes_back, now)


def document_of(side: AgencySide, item: Item, taken: Taken, *, content: bool) -> dict[str, Any]:
    """Return a delivery as JSON shows it, with what was taken back by it, or of it."""
    now = side.clock.now()
    gone, takes_back = taken.get(item.row.id), withdrawal_here(side, item)
    return {
        **delivery_document(side, item, content=content),
        "withdrawn": None if gone is None else _document(gone, now),
        "takes_back": None if takes_back is None else _document(takes_back, now),
    }


def _lines(one: Withdrawal, now: Instant) -> Iterator[str]:
    yield f"WITHDRAWN by {one.source}: {one.reason or 'no reason given'}"
    yield f"You must: {DO[one.tell]}"
    if one.note:
        yield f"They say: {one.note}"
    if one.unfiled is not None:
        yield f"Un-filed here: {when(one.unfiled)}"
    else:
        late = " OVERDUE" if one.overdue(now) else ""
        yield f"By: {when(one.due)}{late}, then say so: concordat unfile"


def _document(one: Withdrawal, now: Instant) -> dict[str, Any]:
    return {
        "retraction": one.item.row.id.hex(),
        "source": one.source,
        "records": [record.hex() for record in one.records],
        "reason": one.reason,
        "tell": one.tell,
        "note": one.note,
        "unfile_by": iso(one.due),
        "unfiled": None if one.unfiled is None else iso(one.unfiled),
        "overdue": one.overdue(now),
    }
