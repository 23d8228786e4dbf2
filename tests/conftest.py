"""Fixtures and settings that every folder of tests shares."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import services

pytest_plugins = ("tests.support.installations", "tests.support.kafka")

# No deadline: two shared cores make the time of one example meaningless. CI draws the same examples
# each time, so that a change is judged and not a seed; at a desk new ones are tried in each run.
settings.register_profile("desk", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")


@pytest.fixture
def opa_binary() -> Path:
    """OPA of the version that the policies are built with; skips where it cannot be had."""
    found = services.opa()
    if isinstance(found, services.Missing):
        services.do_without(found)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave a backend whose service is missing out of the coverage that is required.

    A worker process only tells what it did without; the process it works for adds it up.
    """
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["services"] = services.told()
        return
    plugin = session.config.pluginmanager.getplugin("_cov")
    omitted = services.omitted()
    if plugin is not None and plugin.cov_controller is not None and omitted:
        plugin.cov_controller.cov.set_option("report:omit", omitted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist's WorkerController, untyped
    """Add what a worker process did without; one that was killed has told nothing."""
    said = getattr(node, "workeroutput", {}).get("services")
    if said is not None:
        services.add(*said)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was not tested for want of a service."""
    lines = services.left_out()
    if lines:
        terminalreporter.section("left out for want of a service", yellow=True)
        for line in lines:
            terminalreporter.write_line(line)
