"""The comparison as one SVG: bars side by side, and a line for each contestant of a series."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.kafka.rendering import Grown, Report, rounded
from benchmarks.kafka.summaries import BROKER, DRIVER

WIDTH, HEIGHT, ROOM = 440, 260, 24
LEFT, BOTTOM, TOP = 56, 40, 40
COLOURS = ("#4c72b0", "#c44e52", "#55a868", "#8172b2", "#ccb974", "#64b5cd")


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars in groups.

    Attributes:
        title: with the unit.
        groups: name of a group → series → value.
        stacked: series stand on one another instead of side by side.
    """

    title: str
    groups: Mapping[str, Mapping[str, float]]
    stacked: bool = False

    @property
    def series(self) -> list[str]:
        """Names of all series, in the order in which they come."""
        return list(dict.fromkeys(name for group in self.groups.values() for name in group))

    @property
    def highest(self) -> float:
        """The height of the axis."""
        add = sum if self.stacked else max
        return max((add(group.values()) for group in self.groups.values() if group), default=0.0)


def panels(report: Report) -> list[Panel]:
    """Return what the comparison shows: speed, processor time, memory, and latencies."""
    speeds = {name: {"records/s": one.speed.rate} for name, one in report.measured.items()}
    cpu = {
        name: {process: ms for process, ms in one.speed.cpu.items() if process != DRIVER}
        for name, one in report.measured.items()
    }
    peak = {
        name: {process: mib for process, mib in one.speed.peak.items() if process in own and mib}
        for name, one in report.measured.items()
        if (own := one.speed.cpu.keys() - {DRIVER, BROKER})
    }
    found = [
        Panel("records a second", speeds),
        Panel("processor time, ms a record", cpu, stacked=True),
        Panel("peak memory without Kafka's, MiB", peak, stacked=True),
    ]
    waits = {
        name: {
            "p50": 1000 * one.latency.steady.p50,
            "p99": 1000 * one.latency.steady.p99,
            "p50 after a kill": 1000 * one.latency.killed.p50,
            "p99 after a kill": 1000 * one.latency.killed.p99,
        }
        for name, one in report.measured.items()
        if one.latency is not None
    }
    if waits:
        found.append(Panel("produced to readable at half load, ms", waits))
    return found


def svg(report: Report) -> str:
    """Return the picture."""
    axes = dict.fromkeys(one.axis for one in report.growth)
    drawn = [
        *(_bars(panel) for panel in panels(report)),
        *(_lines(axis, [one for one in report.growth if one.axis == axis]) for axis in axes),
    ]
    height = len(drawn) * (HEIGHT + ROOM) + ROOM
    size = f'width="{WIDTH + 2 * ROOM}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        f'<rect {size} fill="#fff"/>',
    ]
    for number, body in enumerate(drawn):
        at = ROOM + number * (HEIGHT + ROOM)
        parts.append(f'<g transform="translate({ROOM},{at})">{body}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bars(panel: Panel) -> str:
    names, highest = panel.series, panel.highest or 1.0
    parts = [_title(panel.title), *_legend(names if len(names) > 1 else [])]
    step = (WIDTH - LEFT) / max(1, len(panel.groups))
    for place, (group, values) in enumerate(panel.groups.items()):
        left = LEFT + place * step + step * 0.1
        wide = step * 0.8 if panel.stacked else step * 0.8 / len(names)
        foot = float(HEIGHT - BOTTOM)
        for number, name in enumerate(names):
            tall = (HEIGHT - BOTTOM - TOP) * values.get(name, 0.0) / highest
            at = left if panel.stacked else left + number * wide
            parts.append(
                f'<rect x="{at:.1f}" y="{foot - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
                f' fill="{_colour(number)}"/>'
            )
            if not panel.stacked and name in values:
                parts.append(_text(at + wide / 2, foot - tall - 3, rounded(values[name])))
            foot -= tall if panel.stacked else 0.0
        if panel.stacked:
            parts.append(_text(left + wide / 2, foot - 3, rounded(sum(values.values()))))
        parts.append(_text(LEFT + (place + 0.5) * step, HEIGHT - BOTTOM + 15, group))
    return "".join([*parts, _floor()])


def _lines(axis: str, series: Sequence[Grown]) -> str:
    names = list(dict.fromkeys(name for one in series for name in one.speeds))
    highest = max(speed.rate for one in series for speed in one.speeds.values())
    least, most = (math.log(pick(one.value for one in series)) for pick in (min, max))
    parts = [_title(f"records a second by {axis}"), *_legend(names)]

    def across(value: int) -> float:
        part = (math.log(value) - least) / (most - least) if most > least else 0.5
        return LEFT + 20 + (WIDTH - LEFT - 60) * part

    def up(rate: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * rate / highest

    for number, name in enumerate(names):
        points = [(one.value, one.speeds[name].rate) for one in series if name in one.speeds]
        line = " ".join(f"{across(value):.1f},{up(rate):.1f}" for value, rate in points)
        colour = _colour(number)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [_text(across(v), up(rate) - 5, rounded(rate)) for v, rate in points]
    parts += [_text(across(one.value), HEIGHT - BOTTOM + 15, f"{one.value:,}") for one in series]
    return "".join([*parts, _floor()])


def _title(text: str) -> str:
    return f'<text x="0" y="12" font-size="13" font-weight="bold">{escape(text)}</text>'


def _legend(names: Sequence[str]) -> list[str]:
    parts: list[str] = []
    at = 0.0
    for number, name in enumerate(names):
        parts.append(
            f'<rect x="{at:.0f}" y="19" width="9" height="9" fill="{_colour(number)}"/>'
            f'<text x="{at + 12:.0f}" y="27">{escape(name)}</text>'
        )
        at += 24 + 6.2 * len(name)
    return parts


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'


def _floor() -> str:
    at = HEIGHT - BOTTOM
    return f'<line x1="{LEFT}" y1="{at}" x2="{WIDTH}" y2="{at}" stroke="#444"/>'


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def draw(report: Report, path: Path) -> None:
    """Write the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(report), "utf-8")
