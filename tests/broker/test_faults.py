"""Crash points are armed by name, and do nothing otherwise."""

import os
import re
import signal

import pytest

from broker import faults
from tests.support.tree import ROOT


def test_a_point_that_is_not_armed_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # given no armed point, or another one, when it is reached, then nobody is killed
    monkeypatch.setattr(os, "kill", pytest.fail)
    for armed in ("", "router.before-commit"):
        faults.arm(armed)
        faults.reach("router.after-commit")
    faults.arm("")


def test_an_armed_point_kills_the_process_at_the_time_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a point armed for its second time
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda process, by: killed.append((process, by)))
    faults.arm("router.after-commit:2")

    # when it is reached again and again, then the process is killed once, the second time
    faults.reach("router.after-commit")
    assert killed == []
    for _ in range(3):
        faults.reach("router.after-commit")
    assert killed == [(os.getpid(), signal.SIGKILL)]
    faults.arm("")


def test_a_misspelt_point_is_refused_at_once() -> None:
    # given a name that is no point, when it is armed, then those that there are are named
    with pytest.raises(ValueError, match=r"router\.before-commit"):
        faults.arm("router.befor-commit")


def test_every_point_is_reached_somewhere() -> None:
    # given the table of points, when the source is searched, then each is used, and no other
    found = {
        name
        for file in (ROOT / "broker").rglob("*.py")
        for name in re.findall(r'reach\("([a-z.-]+)"\)', file.read_text())
    }
    known = faults.POINTS | faults.ADAPTER_POINTS | faults.SINK_POINTS | faults.NOTICE_POINTS
    assert found == set(known)
