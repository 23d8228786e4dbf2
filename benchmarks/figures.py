"""What a benchmark has measured, as a table for people and a file for programs."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "bench"

screen = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: of the value and the goal.
        goal: what it should be; None where it is only told.
        at_most: whether the goal is a most; else a least.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None if there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def machine() -> str:
    """Return what measured: cores, memory, Python."""
    octets = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = platform.python_version()
    return f"{cores} cores, {octets / 2**30:.0f} GiB, {platform.machine()}, Python {python}"


def commit() -> str:
    """Return the commit that was measured, with `+` if the tree differs from it; else `unknown`."""
    try:
        named = subprocess.run(
            ("git", "rev-parse", "--short=12", "HEAD"),  # noqa: S607 - whichever git is there
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        changed = subprocess.run(
            ("git", "status", "--porcelain"),  # noqa: S607 - as above
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return named + ("+" if changed else "")


def report(name: str, figures: Sequence[Figure]) -> None:
    """Print a benchmark's table and write `build/bench/NAME.json`."""
    shown = Table(title=name, title_justify="left", box=None, pad_edge=False)
    shown.add_column("figure")
    shown.add_column("value", justify="right")
    shown.add_column("unit")
    shown.add_column("goal", justify="right")
    shown.add_column("met")
    words = {True: "yes", False: "NO", None: ""}
    for one in figures:
        goal = "" if one.goal is None else f"{'≤' if one.at_most else '≥'} {one.goal:,g}"
        shown.add_row(one.name, _rounded(one.value), one.unit, goal, words[one.met])
    screen.print(shown)
    FOLDER.mkdir(parents=True, exist_ok=True)
    where = {"machine": machine(), "commit": commit()}
    rows = [
        {name: value for name, value in asdict(one).items() if name != "at_most"}
        | {"met": one.met}
        | where
        for one in figures
    ]
    (FOLDER / f"{name}.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Say what is being done while it is done."""
    with screen.status(what):
        yield
