"""The tables, the file for programs and the picture of the adapters' benchmark."""

import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from benchmarks.adapters.__main__ import PARTS, planned
from benchmarks.adapters.acknowledging import BARE, CONCORDAT, Acknowledged
from benchmarks.adapters.catalogue import SHAPES
from benchmarks.adapters.delivering import Waited, marks
from benchmarks.adapters.formats import Measured
from benchmarks.adapters.rendering import Published, Report, draw, tables, write


def measured(name: str, wanted: int, refused: str = "") -> Measured:
    rate = 0.0 if refused else 20_000.0
    return Measured(name, "csv", wanted, wanted, 5.0, 9, refused, rate, 1.0, 40.0, 5e5, 0.5, 22.0)


def report() -> Report:
    return Report(
        "2 cores",
        "abc",
        [measured("a-csv", 10_000), measured("a-csv", 1_000_000, "input.too-large")],
        [Published("a-csv", 10_000, 5.0, 1.0, 90.0)],
        [Waited.of("by itself", [1.0, 2.0, 3.0], [0.5, 0.75, 0.9])],
        [
            Acknowledged(CONCORDAT, 4, 100, 150.0, 0.02, 0.07, 3.6),
            Acknowledged(BARE, 4, 100, 1_500.0, 0.001, 0.04, 0.1),
        ],
    )


def test_tables_tell_figures_and_what_was_refused() -> None:
    # given a run, when its tables are printed
    out = StringIO()
    console = Console(file=out, width=200)
    for one in tables(report()):
        console.print(one)
    text = out.getvalue()

    # then each part is there, a refused file by its code, and ours as a part of the bare one
    for part in (
        "20,000",
        "input.too-large",
        "csv.DictReader",
        "2,000",
        "20 %",
        "2.00",
        "0.75",
        "0.10",
    ):
        assert part in text


def test_a_program_gets_everything_and_a_picture_is_well_formed(tmp_path: Path) -> None:
    # given a run, when it is written
    write(report(), tmp_path / "a" / "adapters.json")
    draw(report(), tmp_path / "a" / "adapters.svg")

    # then it can be read again, and says what was on
    said = json.loads((tmp_path / "a" / "adapters.json").read_text())
    assert said["formats"][1]["refused"] == "input.too-large"
    assert said["acknowledged"][0]["rate"] == 150
    assert "fsync" in said["on"]

    # and the picture has a bar for each file that was read
    root = ET.fromstring((tmp_path / "a" / "adapters.svg").read_text())  # noqa: S314 - our own
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("a-csv") == 1


def test_what_is_asked_for_is_planned() -> None:
    # given nothing, then everything is measured
    plan = planned([])
    assert plan.only == tuple(PARTS)
    assert (plan.rows, plan.shapes) == ((10_000, 1_000_000), SHAPES)

    # given a part or a format, then only that is
    assert planned(["--only", "mllp"]).only == ("mllp",)
    one = planned(["--only", "form", "--rows", "10,20", "--quick"])
    assert (one.only, one.rows, len(one.shapes)) == (("formats",), (10, 20), 1)
    with pytest.raises(SystemExit):
        planned(["--only", "nothing"])


def test_no_two_exports_are_the_same() -> None:
    # given two exports of marks, then they have as many rows, and other absences
    first, second = marks(1), marks(2)
    assert first.count("\n") == second.count("\n") == 10_001
    assert first != second
    assert first == marks(1)
