"""What was measured, as a table for people, and as a file for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.kafka.summaries import Latency, Narrowed, Speed, ratio

MISSING = "–"
LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one contestant.

    Attributes:
        on: what was switched on, and what was not.
        speed: of records fed all at once.
        latency: under half of that.
        narrowed: how long a narrowing took, if the contestant has such a thing.
    """

    on: Sequence[str]
    speed: Speed
    latency: Latency | None = None
    narrowed: Narrowed | None = None


@dataclass(frozen=True, slots=True)
class Grown:
    """Speed at one point of a series.

    Attributes:
        axis: what is varied: agencies, clauses or records.
        value: of it.
        speeds: contestant → speed.
    """

    axis: str
    value: int
    speeds: Mapping[str, Speed]


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark.

    Attributes:
        machine: that it was run on.
        commit: that was measured.
        about: what was switched on for all, and what the records are.
        names: of all contestants, in the order of their columns.
        compared: the columns that the others are compared with, and the one that is compared.
        measured: contestant → what is known of it.
        growth: series, if any were asked for.
    """

    machine: str
    commit: str
    about: Sequence[str]
    names: Sequence[str]
    compared: str
    measured: Mapping[str, Measured]
    growth: Sequence[Grown] = field(default=())


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all contestants: name, unit, contestant → value."""

    name: str
    unit: str
    values: Mapping[str, float]


def rows(measured: Mapping[str, Measured]) -> list[Row]:
    """Return the figures of the comparison."""
    found = [
        _row("records/s, median", "records/s", measured, lambda one: one.speed.rate),
        _row("records/s, slowest", "records/s", measured, lambda one: one.speed.slowest),
        _row("records/s, fastest", "records/s", measured, lambda one: one.speed.fastest),
        _row("records a run", "records", measured, lambda one: one.speed.records),
        _row("deliveries a record", "", measured, lambda one: one.speed.deliveries),
        _row("CPU ms/record, all", "ms/record", measured, lambda one: one.speed.cpu_of_all),
    ]
    processes = list(dict.fromkeys(name for one in measured.values() for name in one.speed.cpu))
    for name in processes:
        cpu = {who: one.speed.cpu[name] for who, one in measured.items() if name in one.speed.cpu}
        found.append(Row(f"CPU ms/record, {name}", "ms/record", cpu))
    found.append(_row("CPUs busy elsewhere", "CPUs", measured, lambda one: one.speed.others))
    for name in processes:
        peak = {who: one.speed.peak.get(name, 0.0) for who, one in measured.items()}
        found.append(Row(f"peak MiB, {name}", "MiB", {w: v for w, v in peak.items() if v}))
    timed = {name: one.latency for name, one in measured.items() if one.latency is not None}
    parts: tuple[tuple[str, str, Callable[[Latency], float]], ...] = (
        ("latency at records/s", "records/s", lambda one: one.load),
        ("latency ms, p50", "ms", lambda one: 1000 * one.steady.p50),
        ("latency ms, p99", "ms", lambda one: 1000 * one.steady.p99),
        ("after kill ms, p50", "ms", lambda one: 1000 * one.killed.p50),
        ("after kill ms, p99", "ms", lambda one: 1000 * one.killed.p99),
        ("kill to next ms", "ms", lambda one: 1000 * one.recovered),
    )
    found += [
        Row(name, unit, {who: take(one) for who, one in timed.items()})
        for name, unit, take in parts
    ]
    narrowed = {name: one.narrowed for name, one in measured.items() if one.narrowed is not None}
    found += [
        Row("narrowing ms, in Kafka", "ms", {w: 1000 * n.published for w, n in narrowed.items()}),
        Row("narrowing ms, holds", "ms", {w: 1000 * n.last for w, n in narrowed.items()}),
    ]
    return [row for row in found if row.values]


def _row(
    name: str, unit: str, measured: Mapping[str, Measured], take: Callable[[Measured], float]
) -> Row:
    return Row(name, unit, {who: take(one) for who, one in measured.items()})


def table(report: Report) -> Table:
    """Return the comparison, with the ratios of the compared contestant to each other one."""
    made = _columns(report, "figure")
    for row in rows(report.measured):
        made.add_row(row.name, *_cells(report, row.values))
    return made


def growth_table(report: Report) -> Table:
    """Return figures at each point of each series.

    Records a second, processor time and deliveries a record, peak memory without Kafka's.
    """
    made = _columns(report, "with")
    figures: tuple[tuple[str, Callable[[Speed], float]], ...] = (
        ("/s", lambda one: one.rate),
        ("CPU ms", lambda one: one.cpu_of_all),
        ("out", lambda one: one.deliveries),
        ("MiB", lambda one: one.peak_of_own),
    )
    for one in report.growth:
        for name, take in figures:
            values = {who: take(speed) for who, speed in one.speeds.items()}
            made.add_row(f"{one.value:,} {one.axis}: {name}", *_cells(report, values))
    return made


def _columns(report: Report, first: str) -> Table:
    made = Table(box=None, pad_edge=False)
    made.add_column(first, no_wrap=True)
    for name in report.names:
        made.add_column(name, justify="right", no_wrap=True)
    for name in _others(report):
        made.add_column(f"{_letter(report.compared)}/{_letter(name)}", justify="right")
    return made


def _cells(report: Report, values: Mapping[str, float]) -> list[str]:
    cells = [_cell(report, name, values.get(name)) for name in report.names]
    compared = values.get(report.compared)
    for name in _others(report):
        found = ratio(compared, values.get(name))
        cells.append(MISSING if found is None else f"{found:.2f}")
    return cells


def _cell(report: Report, name: str, value: float | None) -> str:
    if value is not None:
        return rounded(value)
    return MISSING if name in report.measured else LEFT_OUT


def _others(report: Report) -> list[str]:
    return [name for name in report.names if name != report.compared]


def _letter(name: str) -> str:
    return name.partition(" ")[0]


def rounded(value: float) -> str:
    """Return three digits of a figure; all of a large one."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def plain(report: Report) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "machine": report.machine,
        "commit": report.commit,
        "on": {
            "all": list(report.about),
            **{name: list(one.on) for name, one in report.measured.items()},
        },
        "not_measured": [name for name in report.names if name not in report.measured],
        "figures": [
            {"name": row.name, "unit": row.unit, "contestant": who, "value": value}
            for row in rows(report.measured)
            for who, value in row.values.items()
        ],
        "ratios": [
            {"name": row.name, "of": report.compared, "to": name, "value": found}
            for row in rows(report.measured)
            for name in _others(report)
            if (found := ratio(row.values.get(report.compared), row.values.get(name))) is not None
        ],
        "growth": [
            {
                "axis": one.axis,
                "at": one.value,
                "contestant": who,
                "records": speed.records,
                "records_per_s": speed.rate,
                "deliveries_a_record": speed.deliveries,
                "cpu_ms_a_record": dict(speed.cpu),
                "peak_mib": dict(speed.peak),
            }
            for one in report.growth
            for who, speed in one.speeds.items()
        ],
    }


def write(report: Report, path: Path) -> None:
    """Write everything for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
