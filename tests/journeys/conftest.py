"""A founded county with files to publish, made once; each test works on a copy."""

import shutil
from pathlib import Path

import pytest

from adapters.demo_week.week import write_week
from tests.journeys.killing import Outcome, finish, outcome
from tests.journeys.steps import PUBLISHED, installation

CHILDREN = 40
SHEETS = (
    "*/2026-03-02-involvement.json",
    "eastshire-police/2026-03-02-missing.json",
    "eastshire-police/2026-03-02-flags.json",
    "eastshire-hospitals/2026-03-03-adt.hl7",
    "st-brannocks-school/2026-03-03-absence.json",
    "eastshire-hospitals/2026-03-04-concerns.json",
    "eastshire-council/2026-03-03-referrals.json",
)
"""Files of the demonstration's week of which none is about what another one says."""


@pytest.fixture(scope="session")
def to_publish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eastshire, founded, with some files that nobody has published yet."""
    root, week = tmp_path_factory.mktemp("county") / "county", tmp_path_factory.mktemp("week")
    write_week(week, count=CHILDREN)
    installation(root)
    for pattern in SHEETS:
        for file in sorted(week.glob(pattern)):
            folder = root / PUBLISHED / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / file.name)
    return root


@pytest.fixture
def county(to_publish: Path, tmp_path: Path) -> Path:
    """A copy of the founded county."""
    return Path(shutil.copytree(to_publish, tmp_path / "county"))


@pytest.fixture(scope="session")
def undisturbed(to_publish: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What all receive when nothing happens."""
    county = Path(shutil.copytree(to_publish, tmp_path_factory.mktemp("undisturbed") / "county"))
    finish(county)
    return outcome(county)
