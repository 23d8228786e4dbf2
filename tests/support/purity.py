"""Fails a test whose code reaches outside: for the parts that only compute."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

OUTSIDE = ("open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "ctypes.", "import")
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_watching: list[str] = []


def _watch(event: str, about: tuple[object, ...]) -> None:
    if _watching and event.startswith(OUTSIDE):
        _watching.append(f"{event} {about}")


sys.addaudithook(_watch)  # stays for good, as all audit hooks do; idle outside `shut_in`


@contextmanager
def shut_in(monkeypatch: pytest.MonkeyPatch, but: tuple[str, ...] = ()) -> Iterator[None]:
    """Fail if anything inside reaches outside, or asks a clock.

    Args:
        monkeypatch: stops the clocks.
        but: events that are allowed, by the beginning of their names.
    """

    def refuse() -> float:
        message = "the core asked a clock"
        raise AssertionError(message)

    with monkeypatch.context() as patch:
        for clock in CLOCKS:
            patch.setattr(time, clock, refuse)
        _watching.append("watching")
        try:
            yield
            seen = [one for one in _watching[1:] if not (but and one.startswith(but))]
            assert seen == []
        finally:
            _watching.clear()
