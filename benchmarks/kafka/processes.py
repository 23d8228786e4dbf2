"""Other processes: starting and ending them, and what the system says they have used (Linux)."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
END_S = 5.0
"""How long a process may take to end when asked, in seconds; then it is killed."""


class Ended(RuntimeError):  # noqa: N818 - what happened
    """A process that should run has ended."""


def tree(pid: int, apart: Collection[int] = ()) -> list[int]:
    """Return a process and all that descend from it; none if it has ended.

    Args:
        pid: the process.
        apart: processes that are left out, with what descends from them.
    """
    found = [pid]
    for one in found:
        for thread in _listed(PROC / str(one) / "task"):
            text = _text(thread / "children")
            found += [child for child in map(int, text.split()) if child not in apart]
    return [one for one in found if (PROC / str(one)).exists()]


def cpu_seconds(pid: int, apart: Collection[int] = ()) -> float:
    """Return the processor time of a process and its descendants so far."""
    total = 0
    for one in tree(pid, apart):
        fields = _text(PROC / str(one) / "stat").rpartition(")")[2].split()
        # utime, stime, and of children that have ended and were waited for
        total += sum(int(fields[place]) for place in (11, 12, 13, 14)) if fields else 0
    return total / TICKS


def machine_seconds() -> float:
    """Return the processor time of everything on this machine so far; waiting is none."""
    fields = _text(PROC / "stat").partition("\n")[0].split()[1:]
    # user, nice, system, interrupts; guests are in user, and what was stolen counts as taken
    return sum(int(fields[place]) for place in (0, 1, 2, 5, 6, 7)) / TICKS


def peak_mib(pid: int, apart: Collection[int] = ()) -> float:
    """Return the most memory that a process and its descendants have had, each at its own time."""
    total = 0
    for one in tree(pid, apart):
        for line in _text(PROC / str(one) / "status").splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1])
    return total / 1024


def command(pid: int) -> str:
    """Return the command that a process runs; nothing if it has ended."""
    return _text(PROC / str(pid) / "cmdline").replace("\0", " ")


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


class Worker:
    """A program in a process of its own; what it says goes into a file."""

    def __init__(self, name: str, command: Sequence[str | Path], said: Path) -> None:
        """Say what is to be started.

        Args:
            name: for people.
            command: the program and its arguments.
            said: file for its output.
        """
        self.name = name
        self._command = tuple(map(str, command))
        self._said = said
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process.

        Raises:
            Ended: it does not run.
        """
        self.check()
        if self._process is None:
            raise Ended(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self._said.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                # Ctrl-C is for the measuring program, which ends its workers itself.
                start_new_session=True,
            )

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            Ended: it has ended, with the last that it said.
        """
        if self._process is not None and self._process.poll() is not None:
            last = self._said.read_text("utf-8", "replace")[-2000:]
            raise Ended(f"{self.name} ended with {self._process.returncode}:\n{last}")

    def kill(self) -> None:
        """End it and all that descends from it at once, as a power cut would."""
        if self._process is not None:
            for one in reversed(tree(self._process.pid)):
                _signal(one, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        if self._process is not None:
            _signal(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def program(module: str, *arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs a module of this tree."""
    return (sys.executable, "-m", module, *arguments)
