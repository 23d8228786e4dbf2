# ruff: noqa: INP001 - run as a program
"""Say whether this container's process is alive.

    python healthy.py [WHAT]

WHAT, or else CONCORDAT_HEARTBEAT, is the process's heartbeat file or the address that it serves. A
file must be younger than half a minute, and written after the container's first process began, so
that one left behind by the container before is not mistaken for life; `{host}` in its name is this
host's, a `*` anything. An address must answer a request.

`concordat run alive` does the same for people; it loads the whole program each time, which a dozen
containers every few seconds would be felt by.

Exit codes: 0 alive; 1 not.
"""

import http.client
import os
import platform
import sys
import time
from glob import glob
from pathlib import Path
from urllib.parse import urlsplit

OLDEST_S = 30.0
"""Age of a heartbeat from which on its process counts as dead: each writes one every second."""

ANSWER_S = 5.0
"""How long an answer may take."""


def started() -> float:
    """Return when the container's first process began, in seconds since 1970."""
    ticks = int(Path("/proc/1/stat").read_text("ascii").rpartition(")")[2].split()[19])
    for line in Path("/proc/stat").read_text("ascii").splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return 0.0


def newest(pattern: str) -> float:
    """Return when the newest file of this pattern was written; 0 if there is none."""
    times = []
    for name in glob(pattern):  # noqa: PTH207 - the pattern is absolute
        try:
            times.append(Path(name).stat().st_mtime)
        except FileNotFoundError:
            continue  # replaced this moment
    return max(times, default=0.0)


def beats(pattern: str, began: float) -> bool:
    """Return whether a heartbeat file is young, and of a process that began then."""
    written = newest(pattern.replace("{host}", platform.node()))
    return time.time() - written <= OLDEST_S and written >= began - 1


def answers(address: str) -> bool:
    """Return whether an address answers."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_S)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    what = arguments[0] if arguments else os.environ.get("CONCORDAT_HEARTBEAT", "")
    if not what:
        print("Nothing to look at: set CONCORDAT_HEARTBEAT.")  # noqa: T201 - a program
        return 1
    alive = answers(what) if what.startswith("http:") else beats(what, started())
    print(f"{what}: {'alive' if alive else 'no sign of life'}.")  # noqa: T201 - a program
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
