"""The table, the file for programs and the picture."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.kafka import plot
from benchmarks.kafka.rendering import (
    Grown,
    Measured,
    Report,
    growth_table,
    rounded,
    table,
    write,
)
from benchmarks.kafka.summaries import DRIVER, Latency, Narrowed, Speed, Waits

A, B, C = "(a) copy", "(b) Concordat", "(c) by hand"


def speed(rate: float, process: str) -> Speed:
    cpu = {process: 2.0, "kafka": 1.0, DRIVER: 9.0}
    return Speed(3, 1000, rate, rate / 2, rate * 2, 2.2, cpu, 0.1, {process: 64.0, "kafka": 300.0})


LATENCY = Latency(50.0, Waits(10, 0.010, 0.020, 0.030), Waits(10, 0.1, 0.2, 0.3), 0.5)


def report(*, b: bool, growth: bool = False) -> Report:
    measured = {
        A: Measured(["two hops"], speed(4000.0, "hop1"), LATENCY),
        C: Measured(["OPA by REST"], speed(250.0, "worker")),
    }
    if b:
        measured[B] = Measured(["all"], speed(1000.0, "router"), LATENCY)
    series = [
        Grown("clauses", number, {A: speed(4000.0, "hop1"), C: speed(1000.0 / number, "worker")})
        for number in (30, 300)
    ]
    return Report(
        "2 cores", "abc", ["Kafka: TLS no."], (A, B, C), B, measured, series if growth else ()
    )


def shown(made: Table) -> list[list[str]]:
    console = Console(file=StringIO(), width=80)
    console.print(made)
    text = console.file.getvalue()  # type: ignore[attr-defined] # a StringIO, just above
    return [[cell for cell in line.split("  ") if cell] for line in text.splitlines()]


def row(made: Table, name: str) -> list[str]:
    (found,) = [
        [cell.strip() for cell in cells[1:]] for cells in shown(made) if cells[0].strip() == name
    ]
    return found


def test_a_contestant_that_was_not_measured_has_no_figures() -> None:
    # given that Concordat was not asked for
    made = table(report(b=False))

    # when the table is shown
    rates = row(made, "records/s, median")

    # then its column says so, and nothing is compared with it
    assert rates == ["4,000", "left out", "250", "–", "–"]


def test_a_contestant_that_was_not_asked_for_is_left_out() -> None:
    # given that the bare copy was not asked for
    one = report(b=False)
    made = table(replace(one, measured={C: one.measured[C]}))

    # when the table is shown; then its column is no promise
    assert row(made, "records/s, median")[:3] == ["left out", "left out", "250"]


def test_ratios_compare_concordat_with_each_other_one() -> None:
    # given all three
    made = table(report(b=True))

    # when the table is shown, then its speed is told as parts of theirs
    assert row(made, "records/s, median") == ["4,000", "1,000", "250", "0.25", "4.00"]

    # and processor time leaves out what feeds and reads
    assert row(made, "CPU ms/record, all") == ["3", "3", "3", "1.00", "1.00"]

    # and a figure that one of them does not have stays empty
    assert row(made, "latency ms, p99") == ["20", "20", "–", "1.00", "–"]
    assert row(made, "CPU ms/record, hop1") == ["2", "–", "–", "–", "–"]


def test_a_narrowing_is_told_of_whoever_has_such_a_thing() -> None:
    # given that Concordat's narrowing was measured
    one = report(b=True)
    measured = {**one.measured, B: replace(one.measured[B], narrowed=Narrowed(0.02, 0.4, 30))}

    # when the table is shown; then it has figures, and the others have none
    made = table(replace(one, measured=measured))
    assert row(made, "narrowing ms, in Kafka")[:3] == ["–", "20", "–"]
    assert row(made, "narrowing ms, holds")[:3] == ["–", "400", "–"]


def test_the_table_fits_a_terminal() -> None:
    # given a terminal of 80 columns; when the table is shown; then each figure has one line
    for made in (table(report(b=True)), growth_table(report(b=True, growth=True))):
        lines = shown(made)
        assert [line[0].strip() for line in lines if len(line) < 2] == []
        assert not any("…" in cell for line in lines for cell in line)


def test_a_series_has_a_line_for_each_point() -> None:
    # given a series of clauses; when it is shown; then each point has its figures
    made = growth_table(report(b=False, growth=True))
    assert row(made, "30 clauses: /s")[:3] == ["4,000", "left out", "33.3"]
    assert row(made, "300 clauses: /s")[:3] == ["4,000", "left out", "3.33"]

    # and memory is that of the contestants' own processes, without Kafka's
    assert row(made, "30 clauses: MiB")[:3] == ["64", "left out", "64"]


def test_the_file_says_what_was_on_and_who_is_missing(tmp_path: Path) -> None:
    # given a run without Concordat
    path = tmp_path / "bench" / "kafka.json"

    # when it is written for programs
    write(report(b=False, growth=True), path)

    # then the settings, the figures and the missing contestant stand in it
    read = json.loads(path.read_text("utf-8"))
    assert read["on"] == {"all": ["Kafka: TLS no."], A: ["two hops"], C: ["OPA by REST"]}
    assert read["not_measured"] == [B]
    assert read["ratios"] == []
    assert {
        "name": "records/s, median",
        "unit": "records/s",
        "contestant": C,
        "value": 250.0,
    } in read["figures"]
    (point,) = [one for one in read["growth"] if (one["at"], one["contestant"]) == (300, A)]
    assert (point["axis"], point["records_per_s"], point["records"]) == ("clauses", 4000.0, 1000)
    assert point["cpu_ms_a_record"]["hop1"] == 2.0
    assert point["peak_mib"] == {"hop1": 64.0, "kafka": 300.0}


def test_the_file_has_the_ratios(tmp_path: Path) -> None:
    # given all three; when the run is written; then ratios are in the file, not only on the screen
    write(report(b=True), tmp_path / "kafka.json")
    read = json.loads((tmp_path / "kafka.json").read_text("utf-8"))
    assert {"name": "records/s, median", "of": B, "to": C, "value": 4.0} in read["ratios"]


@pytest.mark.parametrize(
    ("value", "expected"), [(1234.5, "1,234"), (99.94, "99.9"), (0.01234, "0.0123"), (0.0, "0")]
)
def test_figures_have_three_digits(value: float, expected: str) -> None:
    # given a figure; when it is rounded; then what is left can be read at a glance
    assert rounded(value) == expected


def test_the_picture_shows_each_contestant_and_series(tmp_path: Path) -> None:
    # given a run with a series
    path = tmp_path / "kafka.svg"

    # when it is drawn
    plot.draw(report(b=False, growth=True), path)

    # then it is an SVG with a bar for each figure, a line for each contestant, and their names
    root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {A, C, "records a second by clauses"} <= set(texts)
    assert B not in texts
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_the_driver_is_not_drawn() -> None:
    # given processor times; when they are drawn; then what feeds and reads is left out
    (_, cpu, *_) = plot.panels(report(b=True))
    assert cpu.stacked
    assert cpu.series == ["hop1", "kafka", "worker", "router"]
    assert cpu.highest == pytest.approx(3.0)


def test_memory_is_drawn_without_the_brokers() -> None:
    # given memory of all processes; when it is drawn; then Kafka's, which all share, is left out
    memory = plot.panels(report(b=True))[2]
    assert memory.series == ["hop1", "worker", "router"]
    assert memory.highest == pytest.approx(64.0)


def test_a_series_of_one_point_can_be_drawn() -> None:
    # given a single point; when it is drawn; then it stands in the middle
    one = report(b=False, growth=True)
    drawn = plot.svg(replace(one, growth=one.growth[:1]))
    assert drawn.count("<polyline") == 2
