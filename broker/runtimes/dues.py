"""All that an agency owes: also what was taken back, and breaches that nobody has decided on."""

from broker.receipts.duties import Asks, Duty, Owed, duty_of
from broker.receipts.withdrawn import withdrawals
from broker.runtimes.agency import AgencySide
from broker.runtimes.owing import owed
from broker.runtimes.receiving import inbox
from broker.runtimes.withdrawing import RETRACTION, content_here, incidents_of


async def all_owed(side: AgencySide) -> tuple[Duty, ...]:
    """Return an agency's duties now, what is due first coming first."""
    found = [*await owed(side)]
    asks = []
    for one in withdrawals(await inbox(side), content_here(side)):
        record, row = one.item.row.record, one.item.row
        if one.unfiled is None and record is not None:
            about = record.head.record_id.hex()
            delivery = row.id.hex()
            asks.append(
                Asks(Owed.UNFILE, about, row.at, one.due, row.told.consumer, delivery, RETRACTION)
            )
    asks += [
        Asks(Owed.REPORT, one.id.hex(), one.retraction.found, one.due, type=RETRACTION)
        for one in await incidents_of(side)
        if one.closing is None
    ]
    at = side.clock.now()
    found += [duty_of(one, side.agency, side.agreement, at) for one in asks]
    return tuple(sorted(found))
