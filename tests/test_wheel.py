"""The wheel carries the whole product, and runs alone."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support import services
from tests.support.tree import ROOT, files

INSTALL_SECONDS = 240
"""Longest wait for an installation from the package index: about 15 s from a warm cache."""

DEMO_SECONDS = 240
"""Longest wait for the demo: its own promise is 60 s on an idle machine of two cores."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this tree with what is installed here, as `make wheel` does."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def _content(wheel: Path, below: str) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.removeprefix(below): archive.read(name)
            for name in archive.namelist()
            if name.startswith(below) and not name.endswith("/")
        }


@pytest.mark.parametrize("folder", ["schemas", "policies"])
def test_the_wheel_ships_the_trees_data_byte_for_byte(wheel: Path, folder: str) -> None:
    # given what the tree holds
    tree = {
        path.relative_to(ROOT / folder).as_posix(): path.read_bytes()
        for path in files(below=folder)
    }

    # when the wheel is built, then it holds the same, no more and no less
    assert _content(wheel, f"broker/shipped/{folder}/") == tree
    assert tree


@pytest.mark.parametrize("package", ["broker", "adapters"])
def test_the_wheel_ships_every_module(wheel: Path, package: str) -> None:
    # given the modules of the tree
    tree = {path.relative_to(ROOT).as_posix() for path in files(".py", below=package)}

    # when the wheel is built, then it holds the same
    shipped = {f"{package}/{name}" for name in _content(wheel, f"{package}/")}
    assert {name for name in shipped if name.endswith(".py")} == tree


def test_the_wheel_ships_nothing_else(wheel: Path) -> None:
    # given the wheel, when its top folders are listed
    tops = {name.split("/")[0] for name in _content(wheel, "")}

    # then there are the two packages, the metadata, and the licence in it
    assert tops == {"adapters", "broker", "concordat_broker-0.1.0.dist-info"}
    assert "licenses/LICENSE" in _content(wheel, "concordat_broker-0.1.0.dist-info/")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path | services.Missing:
    """Install the wheel and its locked dependencies into an empty environment, outside the tree."""
    place = tmp_path_factory.mktemp("alone")
    venv.create(place / "env", with_pip=True)
    python = str(place / "env" / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    try:
        subprocess.run(
            [*pip, "--require-hashes", "-r", str(ROOT / "requirements/run.txt")],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        # Only an index that does not answer excuses: a wrong hash or a conflict is our mistake.
        if "Connection" in error.stderr or "NewConnectionError" in error.stderr:
            return services.Missing("package index", "pip could not reach it.")
        raise
    except subprocess.TimeoutExpired:
        return services.Missing("package index", f"no installation within {INSTALL_SECONDS} s.")
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, cwd=place)
    return place


def _run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `concordat` there, without anything of this environment to lean on."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CONCORDAT", "COVERAGE", "COV_", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [place / "env" / "bin" / "concordat", *arguments],
        cwd=place,
        env=bare | {"HOME": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEMO_SECONDS,
    )


@pytest.mark.slow
def test_the_wheel_alone_runs_the_demo(installed: Path | services.Missing) -> None:
    # given the wheel in an empty environment outside the tree
    if isinstance(installed, services.Missing):
        services.do_without(installed)

    if "demo" not in _run(installed, "--help").stdout:
        services.do_without(services.Missing("the demo", "concordat --help does not list it."))

    # when the demo runs
    demo = _run(installed, "demo")

    # then it ends well, and its log has been checked
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "released ⊆ logged ⊆ allowed: verified" in demo.stdout
