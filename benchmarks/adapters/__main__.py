"""Measure the agencies' adapters: formats, publishing, a dropped file, MLLP."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from adapters.demo_week.people import COUNCIL, ST_BRANNOCKS
from benchmarks.adapters.acknowledging import NotTaken, acknowledging
from benchmarks.adapters.catalogue import SHAPES
from benchmarks.adapters.delivering import delivering
from benchmarks.adapters.formats import LONGEST_S, measure
from benchmarks.adapters.rendering import ON, Published, Report, draw, tables, write
from benchmarks.adapters.shapes import Shape
from benchmarks.adapters.site import NotComing, Site, running
from benchmarks.figures import FOLDER, ROOT, commit, machine, screen
from benchmarks.kafka.__main__ import numbers, telling
from benchmarks.kafka.measuring import Told
from benchmarks.kafka.processes import Ended, program

FAILURES = (Ended, NotComing, NotTaken, subprocess.SubprocessError, OSError)
"""What ends the benchmark: a process that is measured does not do as it should."""

WIDE = 132
"""Characters of the widest table, whoever reads it where."""

CONNECTIONS = (1, 4, 16)
PUBLISHED = {
    "education-concern-csv": ST_BRANNOCKS,
    "social-care-ssda903-missing": COUNCIL,
}
"""Formats of which every row is a record, and whose: one of records, one of history."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for.

    Attributes:
        rows: lengths of the formats' files, in items.
        publish: rows of a published file.
        drops: files dropped, by themselves and beside exports.
        messages: over MLLP, in each run.
        only: parts that are measured.
        shapes: formats that are measured.
    """

    rows: tuple[int, ...]
    publish: int
    drops: int
    messages: int
    only: tuple[str, ...]
    shapes: tuple[Shape, ...]


Part = Callable[[Plan, Path, Report, Told], None]


def formats(plan: Plan, folder: Path, report: Report, told: Told) -> None:
    """Read files of every format."""
    for number, shape in enumerate(plan.shapes, 1):
        told(f"Format {number} of {len(plan.shapes)}: {shape.name}")
        for one in measure(shape, plan.rows, folder / "files"):
            report.formats.append(one)  # at once: whoever ends it sees what there is


def publish(plan: Plan, folder: Path, report: Report, told: Told) -> None:
    """Publish a file of records and one of history."""
    site = asyncio.run(Site.found(folder / "publish"))
    for shape in SHAPES:
        agency = PUBLISHED.get(shape.format)
        if agency is None:
            continue
        told(f"Publishing {plan.publish:,} rows: {shape.name}")
        path = shape.write(site.layout.root, plan.publish)
        module = program("benchmarks.adapters.publisher", site.layout.root, agency, path)
        done = subprocess.run(  # noqa: S603 - a program of ours
            [str(one) for one in module],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=LONGEST_S,
        )
        said = json.loads(done.stdout)
        report.published.append(
            Published(
                shape.name,
                int(said["records"]),
                said["seconds"],
                said["reading"],
                said["peak_mib"],
            )
        )


def delivery(plan: Plan, folder: Path, report: Report, told: Told) -> None:
    """Drop files, and wait for their deliveries."""
    told(f"Dropping {plan.drops} files by themselves, {plan.drops} beside exports")
    with running(asyncio.run(Site.found(folder / "delivery"))) as site:
        report.delivered += delivering(site, folder / "folders", plan.drops)


def mllp(plan: Plan, folder: Path, report: Report, told: Told) -> None:
    """Send messages over MLLP."""
    with running(asyncio.run(Site.found(folder / "mllp"))) as site:
        report.acknowledged += acknowledging(site, folder, CONNECTIONS, plan.messages, told)


PARTS: Mapping[str, Part] = {
    "formats": formats,
    "publish": publish,
    "delivery": delivery,
    "mllp": mllp,
}


def planned(arguments: Sequence[str]) -> Plan:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a tenth of everything: a first look")
    add("--rows", type=numbers, default=(), metavar="N,…", help="items of files: 10000,1000000")
    names = [*PARTS, *dict.fromkeys(one.format for one in SHAPES)]
    add("--only", action="append", default=[], metavar="NAME", help=f"of {', '.join(names)}")
    asked = parser.parse_args(arguments)
    unknown = set(asked.only) - set(names)
    if unknown:
        parser.error(f"--only takes names of {', '.join(names)}")
    shapes = tuple(one for one in SHAPES if one.format in asked.only)
    parts = tuple(one for one in PARTS if one in asked.only or (shapes and one == "formats"))
    return Plan(
        asked.rows or ((1_000, 10_000) if asked.quick else (10_000, 1_000_000)),
        1_000 if asked.quick else 10_000,
        20 if asked.quick else 200,
        200 if asked.quick else 2_000,
        parts or tuple(PARTS),
        shapes or SHAPES,
    )


def main(arguments: Sequence[str]) -> int:
    """Measure; return the exit code."""
    plan = planned(arguments)
    screen.print(f"{machine()}; commit {commit()}")
    screen.print(ON)
    report = Report(machine(), commit())
    code = 0
    try:
        for part in plan.only:
            with telling() as told, TemporaryDirectory(prefix="concordat-bench-") as where:
                PARTS[part](plan, Path(where), report, told)
    except FAILURES as error:
        screen.print(f"Ended early: {error}", markup=False)
        code = 1
    except KeyboardInterrupt:
        screen.print("Ended early; all processes were stopped.")
        code = 130
    show(report)
    return code


def show(report: Report) -> None:
    """Print what was measured, and write it for programs and as a picture."""
    wide = Console(highlight=False, width=max(screen.width, WIDE))
    for shown in tables(report):
        wide.print(shown)
        wide.print()
    write(report, FOLDER / "adapters.json")
    draw(report, FOLDER / "adapters.svg")
    where = (FOLDER / "adapters.json").relative_to(ROOT)
    screen.print(f"Written to {where} and adapters.svg beside it.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
