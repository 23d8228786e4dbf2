"""The program of docs/examples that has nothing of ours agrees with `log verify-evidence`."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random

import pytest

from broker.runtimes.evidence import read_archive
from tests.support.commands import Commands
from tests.support.tree import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "verify_evidence.py"
GIRL = "9990000018"


@pytest.fixture
def case(week: Commands, tmp_path: Path) -> Path:
    """Evidence of all about one girl."""
    week("log", "evidence", "--nhs-number", GIRL, "-o", tmp_path / "case.zip")
    return tmp_path / "case.zip"


def run(file: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the example, with nothing of ours to import."""
    words = [sys.executable, "-I", str(EXAMPLE), str(file), str(root)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)


def test_it_agrees_that_everything_holds(case: Path, week: Commands) -> None:
    done = run(case, week.root / "1.root.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The evidence holds." in done.stdout
    assert "     8 agencies that cosigned the checkpoint" in done.stdout
    entries = week.bare("log", "verify-evidence", case, "--json").document["entries"]
    assert f"{len(entries):6} stand in the log" in done.stdout
    slots = sum(x["what"] == "slots" for one in entries for x in one["checked"])
    assert f"{slots:6} open slots as told" in done.stdout


def test_it_agrees_that_nothing_was_touched(case: Path, week: Commands) -> None:
    # given evidence in which one bit of one file was changed, when it looks, then it says so
    files, random = read_archive(case.read_bytes()), Random(11)
    parts = ("leaf", "facts", "personal", "told", "minimised", "proof")
    names = sorted(files)
    for part in (*parts, "protocol/", "root"):
        name = random.choice([one for one in names if part in one])
        changed = bytearray(files[name])
        changed[random.randrange(len(changed))] ^= 1
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for one, value in (files | {name: bytes(changed)}).items():
                archive.writestr(one, value)
        case.write_bytes(data.getvalue())
        done = run(case, week.root / "1.root.json")
        assert done.returncode == 1, (name, done.stdout, done.stderr)
        assert done.stdout.startswith("WRONG: "), name


def test_it_takes_no_other_root(case: Path, founded: Path) -> None:
    done = run(case, founded / "1.root.json")
    assert "another first root" in done.stdout


def test_it_imports_nothing_of_ours() -> None:
    text = EXAMPLE.read_text("utf-8")
    assert "broker" not in text
    assert "import adapters" not in text
