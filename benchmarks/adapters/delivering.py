"""From a file that is dropped into a watched folder to the delivery in the consumer's own folder.

The time of the drop is taken before the rename that brings the file in; that of the delivery is the
file system's own, of the rename that brings the delivery in. Drops come at a pace that chance
varies, so that they fall on no look of the adapter more than on another.
"""

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from adapters.demo_week.people import COUNCIL, ST_BRANNOCKS
from benchmarks.adapters import made_up
from benchmarks.adapters.shapes import SEED
from benchmarks.adapters.site import ON_ROLL, Site, concern, until
from benchmarks.adapters.tables import ABSENT, PRESENT
from benchmarks.kafka.summaries import percentile
from broker.protocol.clauses import Kind

PACE_S = 0.25
"""Mean pause between two drops."""

BULK_ROWS = 10_000
BULK_PAUSE_S = 5.0
"""Pause between an export that was taken and the next, so that they come as often as the broker
decides what they hold, and no oftener."""
NANO = 1e9
_MARK = re.compile(rb"drop-(\d{6})")


@dataclass(frozen=True, slots=True)
class Waited:
    """How long deliveries took.

    Attributes:
        what: happened meanwhile.
        drops: how many.
        p50: seconds.
        p99: seconds.
        most: seconds.
        taken_p50: of them, seconds until the file's record was in the outbox, and the file in
            `done`.
        taken_p99: as above.
        bulk_files: files of BULK_ROWS rows that were dropped meanwhile.
    """

    what: str
    drops: int
    p50: float
    p99: float
    most: float
    taken_p50: float
    taken_p99: float
    bulk_files: int = 0

    @classmethod
    def of(
        cls, what: str, waits: Sequence[float], taken: Sequence[float], bulk_files: int = 0
    ) -> "Waited":
        """Condense what was measured."""
        return cls(
            what,
            len(waits),
            percentile(waits, 50),
            percentile(waits, 99),
            max(waits),
            percentile(taken, 50),
            percentile(taken, 99),
            bulk_files,
        )


@dataclass(slots=True)
class Drops:
    """Drops files with one concern each, and finds the deliveries that come of them.

    Attributes:
        site: that runs.
        folder: the school's for what is urgent.
        bulk: the school's for exports.
        out: the council's.
    """

    site: Site
    folder: Path
    bulk: Path
    out: Path
    _number: int = 0

    @classmethod
    def at(cls, site: Site, root: Path) -> "Drops":
        """Start broker and adapters; return when a first drop has come through."""
        made = cls(site, root / "urgent", root / "bulk", root / "out")
        for one in (made.folder, made.bulk, made.out):
            one.mkdir(parents=True)
        site.route()
        site.adapt(ST_BRANNOCKS, f"folders: [{{path: {made.folder}}}, {{path: {made.bulk}}}]\n")
        honours = ", ".join(Kind)
        sink = f"{{kind: folder, name: case, path: {made.out}, honours: [{honours}]}}"
        site.adapt(COUNCIL, f"sinks: [{sink}]\n")
        made.measured(1, lambda: None)
        return made

    def measured(
        self, count: int, meanwhile: Callable[[], None]
    ) -> tuple[list[float], list[float]]:
        """Drop so many at their pace; return seconds to delivery, and until the file was taken.

        Args:
            count: how many.
            meanwhile: called before each drop.
        """
        random = Random(SEED)
        dropped: dict[int, int] = {}
        for _ in range(count):
            meanwhile()
            self.site.check()
            self._number += 1
            dropped[self._number] = self._drop(self._number)
            time.sleep(random.uniform(0.0, 2 * PACE_S))
        came: dict[int, int] = {}
        seen: set[str] = set()

        def all_there() -> bool:
            """A delivery for each drop."""
            for entry in os.scandir(self.out):
                if entry.name not in seen and entry.name.endswith(".json"):
                    seen.add(entry.name)
                    self._note(entry, came)
            return dropped.keys() <= came.keys()

        until(all_there, self.site.check)
        return (
            [(came[number] - at) / NANO for number, at in dropped.items()],
            [(self._taken_at(number) - at) / NANO for number, at in dropped.items()],
        )

    def _taken_at(self, number: int) -> int:
        """Return when a file came into `done`, by the file system."""
        path = self.folder / "done" / f"drop-{number:06d}.json"
        until(path.exists, self.site.check)
        return path.stat().st_ctime_ns

    def _drop(self, number: int) -> int:
        name = f"drop-{number:06d}"
        part = self.folder / f".{name}"
        part.write_text(json.dumps({"forms": [concern(name)]}), encoding="utf-8")
        at = time.time_ns()
        part.rename(self.folder / f"{name}.json")
        return at

    @staticmethod
    def _note(entry: "os.DirEntry[str]", came: dict[int, int]) -> None:
        found = _MARK.search(Path(entry.path).read_bytes())
        if found is not None:
            at = entry.stat().st_ctime_ns
            number = int(found[1])
            came[number] = min(at, came.get(number, at))


@dataclass(slots=True)
class Bulk:
    """Drops exports of BULK_ROWS marks into the folder for exports, one after the other.

    Attributes:
        drops: of the same site.
        files: that were dropped.
        free: since when none lies there, by the monotonic clock.
    """

    drops: Drops
    files: int = 0
    free: float = -BULK_PAUSE_S

    def __call__(self) -> None:
        """Drop another one if the last was taken a while ago."""
        folder = self.drops.bulk
        if any((folder / "work").glob("marks-*")) or any(folder.glob("*.csv")):
            self.free = time.monotonic()
            return
        if time.monotonic() < self.free + BULK_PAUSE_S:
            return
        self.files += 1
        path = self.drops.bulk / f".marks-{self.files:03d}.csv"
        path.write_text(marks(self.files), encoding="utf-8")
        path.rename(self.drops.bulk / path.name.removeprefix("."))


def marks(seed: int) -> str:
    """Return an export of attendance of the school's children; each seed has other absences."""
    random = Random(seed)
    rows = ["UPN,Forename,Surname,DOB,Date,Session,Code,Comment\r\n"]
    for number in range(BULK_ROWS):
        pupil, mark = number % ON_ROLL, number // ON_ROLL
        day, session = divmod(mark, 2)
        code = random.choice(ABSENT) if random.random() < 1 / 12 else PRESENT[session]
        rows.append(
            f"{made_up.upn(pupil + 1)},{made_up.given(pupil)},{made_up.family(pupil)},"
            f"{made_up.british(made_up.born(pupil))},{made_up.british(made_up.school_day(day))},"
            f"{('AM', 'PM')[session]},{code},\r\n"
        )
    return "".join(rows)


def delivering(site: Site, root: Path, count: int) -> list[Waited]:
    """Measure drops by themselves, and beside exports.

    Raises:
        Ended, NotComing: a part ends, or a delivery does not come.
    """
    drops = Drops.at(site, root)
    alone = Waited.of("by itself", *drops.measured(count, lambda: None))
    bulk = Bulk(drops)
    beside = drops.measured(count, bulk)
    return [alone, Waited.of(f"beside exports of {BULK_ROWS:,} rows", *beside, bulk.files)]
