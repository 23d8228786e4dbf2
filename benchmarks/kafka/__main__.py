"""Compare Concordat on Kafka with a bare copy and with a pipeline by hand, on one machine."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import FOLDER, ROOT, commit, machine, screen
from benchmarks.kafka.by_hand import ByHand
from benchmarks.kafka.concordat import Concordat
from benchmarks.kafka.contestants import Contestant, Shape
from benchmarks.kafka.copying import Copying
from benchmarks.kafka.driver import Stalled
from benchmarks.kafka.load import Load, county_load
from benchmarks.kafka.measuring import RUN_S, Bench, Told
from benchmarks.kafka.narrowed import narrowing
from benchmarks.kafka.plot import draw
from benchmarks.kafka.processes import Ended
from benchmarks.kafka.rendering import Grown, Measured, Report, growth_table, table, write
from benchmarks.kafka.services import Kafka, NotHere, running_kafka

NAMES = (Copying.name, Concordat.name, ByHand.name)

LONG = 300_000
POOL = 1_000
"""Different records of the county; contestants that remember nothing get them again and again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for.

    Attributes:
        records: a run; none: as many as fill `RUN_S`. The first is that of the comparison; several
            are a series.
        agencies: a series of numbers of agencies.
        clauses: a series of numbers of clauses.
        repeats: runs of each contestant.
        seconds: of each half of a latency measurement, before and after the kill.
        pool: different records.
        only: letters of the contestants that are measured.
    """

    records: tuple[int, ...]
    agencies: tuple[int, ...]
    clauses: tuple[int, ...]
    repeats: int
    seconds: float
    pool: int
    only: str


def numbers(text: str) -> tuple[int, ...]:
    """Return numbers above nothing that are separated by commas.

    Raises:
        ArgumentTypeError: they are none.
    """
    try:
        found = tuple(int(one.replace("_", "")) for one in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no numbers: {text}") from error
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"numbers begin with 1: {text}")
    return found


def planned(arguments: Sequence[str]) -> Plan:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__)
    add = parser.add_argument
    add("--records", type=numbers, default=(), metavar="N,…", help="a run; or a series")
    add("--agencies", type=numbers, default=(), metavar="N,…", help="a series: 4,16,64")
    add("--clauses", type=numbers, default=(), metavar="N,…", help="a series: 30,300,3000")
    add("--long", action="store_true", help=f"{LONG:,} records a run, one run each")
    add("--repeats", type=int, metavar="N", help="runs of each (3; with --long 1)")
    add("--seconds", type=float, default=8.0, metavar="S", help="of load before and after a kill")
    add("--pool", type=int, default=POOL, metavar="N", help="different records")
    add("--only", default="abc", metavar="LETTERS", help="contestants: abc")
    asked = parser.parse_args(arguments)
    if not set(asked.only) <= set("abc") or not asked.only:
        parser.error("--only takes letters of a, b and c")
    return Plan(
        asked.records or ((LONG,) if asked.long else ()),
        asked.agencies,
        asked.clauses,
        max(1, asked.repeats or (1 if asked.long else 3)),
        asked.seconds,
        asked.pool,
        asked.only,
    )


def contestants(only: str) -> list[Contestant]:
    """Return the contestants of some letters."""
    every: dict[str, Contestant] = {"a": Copying(), "b": Concordat(), "c": ByHand()}
    return [one for letter, one in every.items() if letter in only]


def about(kafka: Kafka, load: Load, plan: Plan) -> list[str]:
    """Return what holds for all contestants."""
    many = f"{plan.records[0]:,} records" if plan.records else f"some {RUN_S:g} s"
    different = f"{len(load.records):,} different ones, {load.octets:,.0f} bytes sealed on average"
    then = f"{plan.seconds:g} s; then its worker is killed and started again, {plan.seconds:g} s"
    return [
        f"Kafka: {kafka.on}.",
        f"Records of the county: {different}, {len(load.agencies)} agencies.",
        f"Runs: {plan.repeats} of each by turns, {many} warmed up, to the last delivery read.",
        f"At most {load.batch} records a transaction.",
        f"Latency: fed evenly at half the contestant's own median, {then}.",
        "Feeding and reading (driver) run on the same machine, for all alike.",
        "Narrowing: half way an agency stops all that it sends; from then to its last delivery.",
    ]


def compare(bench: Bench, load: Load, plan: Plan) -> Report:
    """Measure everything that was asked for.

    Raises:
        Stalled, Ended: a contestant does not come to the end.
    """
    taking_part = contestants(plan.only)
    for one in taking_part:
        one.prepare(load)
    shape = Shape(len(load.agencies))
    count = plan.records[0] if plan.records else None
    speeds = bench.rounds(taking_part, shape, count, plan.repeats)
    measured = {
        one.name: Measured(
            one.on,
            speeds[one.name],
            bench.latency(one, shape, speeds[one.name].rate / 2, 2 * plan.seconds),
            narrowing(bench, one, shape, speeds[one.name].rate / 2, 2 * plan.seconds)
            if isinstance(one, Concordat)
            else None,
        )
        for one in taking_part
    }
    points = [
        *(("agencies", n, Shape(n), count) for n in plan.agencies),
        *(("clauses", n, Shape(shape.agencies, n), count) for n in plan.clauses),
        *(("records", n, shape, n) for n in plan.records[1:]),
    ]
    growth = []
    for axis, value, varied, some in points:
        bench.said(f"With {value:,} {axis}:")
        growth.append(Grown(axis, value, bench.point(taking_part, varied, some)))
    described = about(bench.kafka, load, plan)
    return Report(machine(), commit(), described, NAMES, Concordat.name, measured, growth)


def show(report: Report) -> None:
    """Print everything, and write it for programs and as a picture."""
    screen.print(table(report))
    if report.growth:
        screen.print()
        screen.print(growth_table(report))
    write(report, FOLDER / "kafka.json")
    draw(report, FOLDER / "kafka.svg")
    screen.print(f"Written to {(FOLDER / 'kafka.json').relative_to(ROOT)} and kafka.svg beside it.")


@contextmanager
def telling() -> Iterator[Told]:
    """Show what is being done; a request to end is a keyboard's interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with screen.status("") as status:
        yield status.update


def main(arguments: Sequence[str]) -> int:
    """Compare; return the exit code."""
    plan = planned(arguments)
    screen.print(f"{machine()}; commit {commit()}")
    try:
        with ExitStack() as stack:
            told = stack.enter_context(telling())
            where = stack.enter_context(TemporaryDirectory(prefix="concordat-bench-"))
            folder = Path(where)
            told("Making a county and looking at what becomes of its records")
            load = asyncio.run(county_load(plan.pool))
            told("Starting Kafka")
            (folder / "kafka").mkdir()
            kafka = stack.enter_context(running_kafka(folder / "kafka"))
            for line in about(kafka, load, plan):
                screen.print(line)
            for one in contestants(plan.only):
                screen.print(f"{one.name}: {'; '.join(one.on)}.")
            report = compare(Bench.at(kafka, folder, told, screen.print), load, plan)
    except (NotHere, Stalled, Ended) as error:
        screen.print(f"Nothing was measured: {error}")
        return 1
    except KeyboardInterrupt:
        screen.print("Ended; all processes were stopped.")
        return 130
    show(report)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
