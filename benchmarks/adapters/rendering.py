"""What was measured, as tables for people, a file for programs, and a picture."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from rich.table import Table

from benchmarks.adapters.acknowledging import Acknowledged
from benchmarks.adapters.bare import TOLD
from benchmarks.adapters.delivering import Waited
from benchmarks.adapters.formats import Measured
from benchmarks.kafka.plot import COLOURS
from benchmarks.kafka.rendering import rounded

ON = (
    "On: signatures, sealing, policy, log, proofs, fsync of the outbox before anything counts as"
    " safe, fsync of each delivery in the sink. Off: TLS; what a part says goes into a file."
)

MILLI = 1000.0


@dataclass(frozen=True, slots=True)
class Published:
    """A file that was published.

    Attributes:
        format: of the file.
        records: that it gave.
        seconds: from opening it to the last record on the stream.
        reading: of them, seconds that reading and mapping take by themselves.
        peak_mib: the most memory that the process has had.
    """

    format: str
    records: int
    seconds: float
    reading: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


@dataclass(slots=True)
class Report:
    """One run of the benchmark; what was left out is empty.

    Attributes:
        machine: that it was run on.
        commit: that was measured.
        formats: each format on files of several lengths.
        published: files that were published.
        delivered: from drop to delivery.
        acknowledged: MLLP.
    """

    machine: str
    commit: str
    formats: list[Measured] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    delivered: list[Waited] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)


def tables(report: Report) -> Iterator[Table]:
    """Yield a table for each part that was measured."""
    if report.formats:
        yield _formats(report.formats)
    if report.published:
        yield _published(report.published)
    if report.delivered:
        yield _delivered(report.delivered)
    if report.acknowledged:
        yield _acknowledged(report.acknowledged)


def _table(title: str, *columns: str) -> Table:
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left")
    return shown


def _formats(found: Sequence[Measured]) -> Table:
    shown = _table(
        "Formats",
        *("format", "items", "MiB", "items/s", "MiB/s", "peak MiB"),
        *("bare parser", "items/s", "peak MiB", "times its CPU"),
    )
    for one in found:
        own = (
            (one.refused, "", "")
            if one.refused
            else (rounded(one.rate), rounded(one.mib_rate), rounded(one.peak_mib))
        )
        items = f"{one.items:,}{' (most)' if one.capped else ''}"
        times = "" if one.refused else rounded(one.cpu_times)
        bare = (TOLD[one.bare], rounded(one.bare_rate), rounded(one.bare_peak_mib), times)
        shown.add_row(one.name, items, rounded(one.mib), *own, *bare)
    return shown


def _published(found: Sequence[Published]) -> Table:
    shown = _table("Published", "format", "records", "records/s", "reading alone", "peak MiB")
    for one in found:
        share = f"{100 * one.reading / one.seconds:.0f} %"
        cells = (f"{one.records:,}", rounded(one.rate), share, rounded(one.peak_mib))
        shown.add_row(one.format, *cells)
    return shown


def _delivered(found: Sequence[Waited]) -> Table:
    shown = _table(
        "Dropped file to delivery",
        *("a drop", "drops", "p50 s", "p99 s", "most s", "taken p50 s", "taken p99 s", "exports"),
    )
    for one in found:
        times = (one.p50, one.p99, one.most, one.taken_p50, one.taken_p99)
        seconds = (f"{value:.2f}" for value in times)
        shown.add_row(one.what, f"{one.drops:,}", *seconds, str(one.bulk_files or ""))
    return shown


def _acknowledged(found: Sequence[Acknowledged]) -> Table:
    shown = _table(
        "MLLP, acknowledged",
        *("connections", "listener", "messages", "messages/s", "p50 ms", "p99 ms", "CPU ms"),
        "of the bare one",
    )
    for one in found:
        bare = next(
            (other for other in found if other.connections == one.connections and _is_bare(other)),
            None,
        )
        part = "" if bare is None or _is_bare(one) else f"{one.rate / bare.rate:.2f}"
        shown.add_row(
            str(one.connections),
            one.who,
            f"{one.messages:,}",
            rounded(one.rate),
            f"{MILLI * one.p50:.1f}",
            f"{MILLI * one.p99:.1f}",
            f"{one.cpu_ms:.2f}",
            part,
        )
    return shown


def _is_bare(one: Acknowledged) -> bool:
    return one.who.startswith("bare")


def write(report: Report, path: Path) -> None:
    """Write everything for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = asdict(report) | {"on": ON}
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


WIDE, ROW, NAMES, TOP = 760, 18, 260, 40
BARS = WIDE - NAMES - 120


def svg(report: Report) -> str:
    """Return bars: items a second of each format and length."""
    shown = [one for one in report.formats if not one.refused]
    highest = max((one.rate for one in shown), default=1.0)
    wanted = list(dict.fromkeys(one.wanted for one in report.formats))
    height = TOP + ROW * len(shown) + 10
    size = f'width="{WIDE}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        f'<rect {size} fill="#fff"/>',
        '<text x="8" y="16" font-size="13" font-weight="bold">items a second by format</text>',
    ]
    for number, items in enumerate(wanted):
        left = 8 + number * 130
        parts.append(
            f'<rect x="{left}" y="23" width="9" height="9" fill="{COLOURS[number]}"/>'
            f'<text x="{left + 13}" y="31">{items:,} wanted</text>'
        )
    for row, one in enumerate(shown):
        y = TOP + ROW * row
        long = BARS * one.rate / highest
        colour = COLOURS[wanted.index(one.wanted)]
        parts.append(
            f'<text x="{NAMES - 6}" y="{y + 12}" text-anchor="end">{escape(one.name)}</text>'
            f'<rect x="{NAMES}" y="{y + 2}" width="{long:.1f}" height="{ROW - 5}" fill="{colour}"/>'
            f'<text x="{NAMES + long + 5:.1f}" y="{y + 12}">{rounded(one.rate)},'
            f" {rounded(one.peak_mib)} MiB</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def draw(report: Report, path: Path) -> None:
    """Write the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(report), "utf-8")
