"""Each format on files of several lengths, and the bare parser on the same files."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.adapters.reader import BARE
from benchmarks.adapters.shapes import Shape
from benchmarks.figures import ROOT
from benchmarks.kafka.processes import program

READER = "benchmarks.adapters.reader"
MIB = 2**20
LONGEST_S = 1800.0
"""Seconds after which a reader counts as stuck."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one reader has said of one file.

    Attributes:
        items: that it met.
        records: that they gave.
        rejected: codes of what was rejected.
        seconds: from opening the file to its end.
        cpu: of them, seconds of processor time.
        peak_mib: the most memory that the process has had.
    """

    items: int
    records: int
    rejected: tuple[str, ...]
    seconds: float
    cpu: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A format on one file.

    Attributes:
        name: of the shape.
        bare: the parser it is compared with.
        wanted: items that were asked for.
        items: in the file: fewer where the format takes no more of one file.
        mib: size of the file.
        records: that it gave.
        refused: code of a file that is refused as a whole; empty if it was read.
        rate: items a second.
        mib_rate: MiB a second.
        peak_mib: memory, beyond what the same process has for a file of one unit.
        bare_rate: items a second of the bare parser.
        bare_peak_mib: its memory, as above.
        cpu_times: processor time, of the bare parser's.
    """

    name: str
    bare: str
    wanted: int
    items: int
    mib: float
    records: int
    refused: str
    rate: float
    mib_rate: float
    peak_mib: float
    bare_rate: float
    bare_peak_mib: float
    cpu_times: float

    @property
    def capped(self) -> bool:
        """Whether the format takes fewer items of one file than were asked for."""
        return self.items < self.wanted * 9 // 10


Reader = Callable[[Sequence[str | Path]], Read]


def read_apart(arguments: Sequence[str | Path]) -> Read:
    """Read in a process of its own.

    Raises:
        CalledProcessError, TimeoutExpired: it fails, or does not come to an end.
    """
    done = subprocess.run(  # noqa: S603 - a program of ours
        [str(one) for one in program(READER, *arguments)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=LONGEST_S,
    )
    said = json.loads(done.stdout)
    return Read(**said | {"rejected": tuple(said["rejected"])})


def measure(
    shape: Shape, sizes: Sequence[int], folder: Path, reader: Reader = read_apart
) -> Iterator[Measured]:
    """Measure a format on files of some lengths; each file is deleted when it was read."""
    folder.mkdir(parents=True, exist_ok=True)
    small = shape.write(folder, 1)
    least = reader([shape.format, shape.agency_type, small])
    bare_least = reader([BARE, shape.bare, small])
    done: set[int] = set()
    for wanted in sizes:
        items = shape.units(wanted) * shape.gives
        if items in done:
            continue  # the format takes no more: it is measured already
        done.add(items)
        path = shape.write(folder, wanted)
        octets = path.stat().st_size
        ours = reader([shape.format, shape.agency_type, path])
        bare = reader([BARE, shape.bare, path])
        # A file that is refused, at once or from some place on, counts as an item itself.
        refused = "" if ours.items == items else ", ".join(ours.rejected)
        yield Measured(
            shape.name,
            shape.bare,
            wanted,
            items,
            octets / MIB,
            ours.records,
            refused,
            0.0 if refused else ours.items / ours.seconds,
            0.0 if refused else octets / MIB / ours.seconds,
            max(0.0, ours.peak_mib - least.peak_mib),
            items / bare.seconds,
            max(0.0, bare.peak_mib - bare_least.peak_mib),
            0.0 if refused else ours.cpu / bare.cpu,
        )
    for left in folder.iterdir():
        left.unlink()
