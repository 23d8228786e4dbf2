"""Handing over: what an agency received goes to its own systems, by sinks.

Rules:

1. A delivery is noted for a sink, durably, before it is handed over, and struck off afterwards. It
   is handed over at least once, with its id.
2. A sink gets deliveries in the order in which they came, but urgent ones before others: those
   that must be acknowledged within hours do not wait behind a bulk load. One that fails does not
   hold up the others: it is tried again, later and later. When several fail one after the other,
   it is the sink that is away, and the sink rests.
3. A sink gets no delivery that bears an obligation it does not declare to honour; such a one, and
   one that the other system will not take, waits for a person.
4. What came in an emergency and may no longer be held is not handed over.

Tasks and quarantined messages are for people: no sink gets them.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from adapters.intake import Heard
from adapters.sinks.errors import OBLIGATION, SINK_FAULT, SinkFailed, SinkRefused
from adapters.sinks.hand_overs import BEGINNING, HandOvers, Position, Waiting
from adapters.sinks.port import HandOver, Sink
from broker.access_log.ports import DeliveryId
from broker.clock import HOUR, SECOND, Instant
from broker.faults import reach
from broker.protocol.clauses import Kind, span_ms
from broker.receipts.inbox import INBOX, InboxRow, Item
from broker.runtimes import backoff
from broker.runtimes.agency import AgencySide
from broker.runtimes.reading import delivery_document

LOOK_S = 0.1
"""Pause between two looks, in seconds."""

NOTED_AT_ONCE = 500
HANDED_AT_ONCE = 50

URGENT_MS = 4 * HOUR
"""Time to acknowledge, in milliseconds, up to which a delivery goes before others."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
"""Pause before a delivery is tried again: twice as long each time, up to five minutes, so that a
system that was away for a night has everything minutes after it is back."""

AWAY_AFTER = 3
"""Failures one after the other from which on it is the sink that is away, not a delivery that is
unfit."""


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures, in seconds: half of it by chance."""
    return backoff.pause_s(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)


@dataclass(slots=True)
class Handing:
    """Hands over to one sink.

    Attributes:
        sink: to whom.
        held: what it has, and what waits.
        heard: told of what changes.
        pause_s: how long to wait after so many failures.
    """

    sink: Sink
    held: HandOvers
    heard: Heard
    pause_s: Callable[[int], float] = pause_s
    _failures: int = 0
    _rests_until: int = 0
    _position: Position | None = None

    async def follow(self, side: AgencySide) -> None:
        """Hand over what comes, until cancelled.

        Raises:
            LaneError: the inbox or what is remembered cannot be read or written.
            StoreError: the same, for good.
        """
        self._position = None
        while True:
            if not await self.look(side):
                await asyncio.sleep(LOOK_S)

    async def look(self, side: AgencySide) -> int:
        """Note what is new and hand over what is due; return how many were handed over."""
        await self._note(side)
        handed = 0
        now = side.clock.now()
        if now < self._rests_until:
            return handed
        for one in await self.held.due(self.sink.name, now, HANDED_AT_ONCE):
            handed += await self._try(side, one)
            if side.clock.now() < self._rests_until:
                break
        return handed

    async def _note(self, side: AgencySide) -> None:
        name = self.sink.name
        if self._position is None:
            self._position = await _still_there(side, await self.held.position(name))
        while rows := await side.own.read(INBOX, self._position.place, NOTED_AT_ONCE):
            last = rows[-1]
            self._position = Position(last.offset + 1, last.message.key)
            opened = [(row, _row(side, row.message.key, row.message.value)) for row in rows]
            noted = [
                (row.offset, row.message.key, is_urgent(one))
                for row, one in opened
                if _for_sinks(one)
            ]
            await self.held.note(name, noted, self._position, side.clock.now())

    async def _try(self, side: AgencySide, waiting: Waiting) -> bool:
        """Hand over one delivery, or keep why not; return whether the sink has it."""
        name, now = self.sink.name, side.clock.now()
        rows = await side.own.read(INBOX, waiting.place, 1)
        row = None
        if rows and rows[0].offset == waiting.place:
            row = _row(side, rows[0].message.key, rows[0].message.value)
        if row is None or row.expired(now):
            await self.held.dropped(name, waiting.place)
            return False
        one = hand_over(side, row)
        unmet = sorted(one.obligations - self.sink.honours)
        if unmet:
            await self._refuse(waiting, OBLIGATION.name, ", ".join(unmet), now)
            return False
        try:
            reach("sink.before-hand")
            await self.sink.hand(one)
            reach("sink.after-hand")
        except SinkRefused as error:
            await self._refuse(waiting, error.code.name, error.where, now)
        except SinkFailed as error:
            await self._fail(waiting, error, now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the delivery is not handed over
            await self._fail(waiting, SinkFailed(SINK_FAULT, type(error).__name__), now)
        else:
            await self.held.handed(name, waiting.place, now)
            if self._failures >= AWAY_AFTER:
                self.heard("hands over again", name)
            self._failures = 0
            return True
        return False

    async def _refuse(self, waiting: Waiting, code: str, where: str, now: Instant) -> None:
        await self.held.refused(self.sink.name, waiting.place, code, where, now)
        self.heard("not handed over", f"{self.sink.name}: {code} {where}".rstrip())

    async def _fail(self, waiting: Waiting, error: SinkFailed, now: Instant) -> None:
        self._failures += 1
        due = Instant(now + int(self.pause_s(waiting.tries + 1) * SECOND))
        await self.held.failed(self.sink.name, waiting.place, error.code.name, due)
        if self._failures == AWAY_AFTER:
            why = f"{self.sink.name}: {error.code.name} {error.where}"
            self.heard("cannot hand over", why.rstrip())
        rest = error.retry_after_s
        if rest is None and self._failures >= AWAY_AFTER:
            rest = self.pause_s(self._failures - AWAY_AFTER + 1)
        if rest is not None:
            self._rests_until = now + int(rest * SECOND)


def hand_over(side: AgencySide, row: InboxRow) -> HandOver:
    """Return a delivery as a sink gets it: the same bytes at each try."""
    document = delivery_document(side, Item(row), content=True)
    return HandOver(
        row.id.hex(),
        document["entry"],
        json.dumps(document, ensure_ascii=False, sort_keys=True).encode(),
        frozenset(one.kind for one in row.told.obligations),
    )


async def _still_there(side: AgencySide, position: Position) -> Position:
    """Return where to read on: from the beginning if the inbox is not the one that was read."""
    if position == BEGINNING:
        return position
    rows = await side.own.read(INBOX, position.place - 1, 1)
    same = rows and (rows[0].offset, rows[0].message.key) == (position.place - 1, position.delivery)
    return position if same else BEGINNING


def _row(side: AgencySide, key: bytes, value: bytes) -> InboxRow:
    return InboxRow.decode(DeliveryId(key), side.open_row(value))


def is_urgent(row: InboxRow) -> bool:
    """Tell whether a delivery must be acknowledged within `URGENT_MS` of its release."""
    return any(
        one.kind == Kind.ACKNOWLEDGE_BY and span_ms(one.detail) <= URGENT_MS
        for one in row.told.obligations
    )


def _for_sinks(row: InboxRow) -> bool:
    return row.told.kind == "delivery"
