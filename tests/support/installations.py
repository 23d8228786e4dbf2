"""Two installations, each made once: Eastshire just founded, and Eastshire after its week."""

import asyncio
import shutil
from pathlib import Path

import pytest

from broker.clock import DAY, Instant
from broker.runtimes.demonstration import DemoReport, run_demo
from broker.settings import Settings
from tests.journeys.steps import NOON, installation
from tests.support.commands import Commands

AFTER_THE_WEEK = Instant(NOON + 5 * DAY)
"""9 March 2026, 12:00 UTC."""


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eastshire, founded on 3 March 2026; for copying only."""
    root = tmp_path_factory.mktemp("founded") / "county"
    installation(root)
    return root


@pytest.fixture
def eastshire(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands on an Eastshire where nothing has happened yet, on 4 March 2026 at noon."""
    root = Path(shutil.copytree(founded, tmp_path / "county"))
    return Commands(root, monkeypatch, NOON)


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoReport]:
    """Eastshire after the demonstration's week, and its report; for reading only."""
    root = tmp_path_factory.mktemp("demonstrated") / "county"
    root.mkdir()
    report = asyncio.run(run_demo(root, Settings(dir=root), lambda _what, _done, _total: None))
    return root, report


@pytest.fixture
def week(demonstrated: tuple[Path, DemoReport], monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands on Eastshire after its week, on 9 March 2026 at noon; for reading only."""
    return Commands(demonstrated[0], monkeypatch, AFTER_THE_WEEK)


@pytest.fixture
def own_week(
    demonstrated: tuple[Path, DemoReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """As `week`, in a copy that the test may change."""
    root = Path(shutil.copytree(demonstrated[0], tmp_path / "county"))
    return Commands(root, monkeypatch, AFTER_THE_WEEK)
