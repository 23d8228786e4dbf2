"""Made-up rows of a large log: two years of a county, without a broker having decided anything."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from broker.access_log.ports import DeliveryId, LeafIndex, LogRow, Row
from broker.clock import DAY, Instant
from broker.records.names import RecordDigest

FIRST_DAY = Instant(1_735_689_600_000)
"""1 January 2025, 00:00 UTC."""

SPAN = 730 * DAY
JITTER = 2_000
"""Milliseconds by which times of neighbouring entries may be out of order."""

AGENCIES = tuple(f"agency-{number:02}" for number in range(40))
DESKS = ("", "", "", "/mash", "/edt", "/dsl")
TYPES = tuple(f"type-{number:02}" for number in range(30))
CLAUSES = tuple(f"{part}.{number}" for part in range(1, 7) for number in range(1, 11))
OUTCOMES = ("content", "withhold", "existence", "refer")
SHARES = (66, 30, 3, 1)
RARE_CLAUSE = "9.9"
RARE_TYPE = "type-rare"
RARE = 20_000
"""One row in so many is of the rare type, and one of the rare clause."""

PER_RECORD = 4
PER_CHILD = 60


@dataclass(slots=True)
class Rows:
    """The rows of one log, in order.

    Attributes:
        count: how many.
        seed: the same gives the same rows.
        some: some of the rows, for questions about one record or child.
    """

    count: int
    seed: int = 1
    some: list[LogRow] = field(default_factory=list)

    def batches(self, size: int) -> Iterator[tuple[LeafIndex, list[LogRow]]]:
        """Yield all rows, `size` at a time, with the first leaf of each batch."""
        chance = random.Random(self.seed)
        children = max(1, self.count // PER_CHILD)
        record, tokens = RecordDigest(bytes(32)), (bytes(16), bytes(16))
        source = of_type = ""
        batch: list[LogRow] = []
        for leaf in range(self.count):
            if leaf % PER_RECORD == 0:
                record = RecordDigest(chance.randbytes(32))
                child = random.Random(chance.randrange(children))
                tokens = (child.randbytes(16), child.randbytes(16))
                source = _skewed(chance, AGENCIES)
                of_type = RARE_TYPE if chance.randrange(RARE) == 0 else _skewed(chance, TYPES)
            at = FIRST_DAY + SPAN * leaf // self.count + chance.randrange(JITTER)
            (outcome,) = chance.choices(OUTCOMES, SHARES)
            clauses = () if outcome == "withhold" else tuple(chance.sample(CLAUSES, 2))
            if chance.randrange(RARE) == 0:
                clauses = (RARE_CLAUSE,)
            consumer = _skewed(chance, AGENCIES) + chance.choice(DESKS)
            kind = "task" if chance.randrange(30) == 0 else "decision"
            row = Row(kind, Instant(at), source, consumer, outcome, of_type, clauses, tokens)
            batch.append(
                LogRow(
                    LeafIndex(leaf),
                    LeafIndex(leaf - leaf % size),
                    DeliveryId(chance.randbytes(16)),
                    record,
                    row,
                )
            )
            if len(batch) == size:
                self.some.append(chance.choice(batch))
                yield LeafIndex(leaf + 1 - size), batch
                batch = []
        if batch:
            yield LeafIndex(self.count - len(batch)), batch


def _skewed(chance: random.Random, names: tuple[str, ...]) -> str:
    """Return one of the names: the first ones far more often, as police and council are."""
    return names[int(len(names) * chance.random() ** 3)]
