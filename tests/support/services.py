"""Services that tests need and this machine may lack: found, else provided, else skipped aloud.

The order is the same for each: what the environment names, a container where there is Docker and
the image, what can be provided here, and else a skip that is counted at the end of the run with its
reasons. In CI (CI=true) such a skip is a failure, so that a green run has run everything.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from tests.support.tree import ROOT

BUILD_SECONDS = 200
"""Longest wait for a service to be had: OPA is built with Go in 70 s on two idle cores. With a pull
that came to nothing before it (`tests.support.containers`), below the time at which pytest ends a
test that hangs (`faulthandler_timeout`)."""

Found = TypeVar("Found")

_left_out: Counter[str] = Counter()
_omitted: set[str] = set()


@dataclass(frozen=True, slots=True)
class Missing:
    """A service that is neither named by the environment nor to be had here.

    Attributes:
        service: its name.
        why: the reason, for whoever reads the end of the run.
        backend: folder of the backend that needs it, which is left out of the coverage.
    """

    service: str
    why: str
    backend: str = ""


def in_order(*ways: Callable[[], Found | Missing]) -> Found | Missing:
    """Return what the first way finds that has the service; without one, all their reasons.

    No way is tried after one that has it.
    """
    reasons = []
    found: Found | Missing = Missing("nothing", "nobody looked for it.")
    for way in ways:
        found = way()
        if not isinstance(found, Missing):
            return found
        reasons.append(found.why)
    assert isinstance(found, Missing)
    return replace(found, why=" ".join(reasons))


def found_by(service: str, script: str, backend: str = "") -> Path | Missing:
    """Return what `scripts/SCRIPT` finds or makes."""
    try:
        found = subprocess.run(
            [ROOT / "scripts" / script],
            capture_output=True,
            text=True,
            check=True,
            timeout=BUILD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said: list[str] = error.stderr.splitlines()
        return Missing(service, said[-1] if said else f"scripts/{script} failed", backend)
    except subprocess.TimeoutExpired:
        return Missing(service, f"nothing within {BUILD_SECONDS} s", backend)
    return Path(found.stdout.strip())


@cache
def opa() -> Path | Missing:
    """Return the OPA binary of the version that the policies are built with, if it can be had."""
    return found_by("OPA", "opa")


def do_without(missing: Missing) -> NoReturn:
    """Skip the running test for want of a service, and count it; fail it in CI."""
    line = f"{missing.service} is missing: {missing.why}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{line} In CI nothing may be left out.", pytrace=False)
    _left_out[line] += 1
    if missing.backend:
        _omitted.add(missing.backend)
    pytest.skip(line)


def left_out() -> list[str]:
    """Return one line for each missing service: how many tests did without it, and why."""
    return [f"{count} not run, {line}" for line, count in sorted(_left_out.items())]


def told() -> tuple[dict[str, int], list[str]]:
    """Return what this process did without, for the process that it works for: see `add`."""
    return dict(_left_out), sorted(_omitted)


def add(counts: Mapping[str, int], backends: Iterable[str]) -> None:
    """Add what another process of this run did without."""
    _left_out.update(counts)
    _omitted.update(backends)


def omitted() -> list[str]:
    """Return the files of backends that were not tested for want of their service."""
    return [f"{backend}/*" for backend in sorted(_omitted)]
