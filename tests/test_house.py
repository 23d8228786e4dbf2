"""The rules of the house that no other tool checks."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import ROOT, files

MODULE_LINES = 400
"""A module fits one idea: longer than this, it has two."""

FUNCTION_LINES = 70
"""A function fits one screen, its signature and docstring included."""

# A path that exists on one machine only: somebody's home, or a place where tools were put by hand.
# What stands before must not be a letter or dot, so that an address or `./home/` is not meant.
MACHINE_PATH = re.compile(r"(?<![\w.>~-])/(?:home|root|Users|work|opt|mnt)/[\w.-]+")

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
RUN_LOCK = ROOT / "requirements" / "run.txt"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _modules() -> list[Path]:
    return list(files(".py"))


def _functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_module_is_too_long() -> None:
    lengths = {_name(path): len(path.read_bytes().splitlines()) for path in _modules()}
    assert {name: n for name, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{_name(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in _modules()
        for node in _functions(path)
    }
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES} == {}


def test_no_file_names_a_path_of_one_machine() -> None:
    # latin-1 reads any byte: compiled modules and samples in other encodings are searched as well
    texts = {_name(path): path.read_bytes().decode("latin-1") for path in files()}
    found = {name: sorted(set(MACHINE_PATH.findall(text))) for name, text in texts.items()}
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize(
    ("before", "is_path"),
    [
        ("see ", True),
        ('open("', True),
        ("https://example.org", False),
        ("and", False),
        (".", False),
    ],
)
def test_a_path_of_one_machine_is_told_from_an_address(before: str, *, is_path: bool) -> None:
    # given a path in some text (put together here, so that this file names none itself)
    home = "home"
    text = f"{before}/{home}/ada/notes"

    # when it is searched, then only a path from the root counts
    assert bool(MACHINE_PATH.search(text)) is is_path


@pytest.mark.parametrize("lock", LOCKS, ids=_name)
def test_a_lock_file_names_no_address(lock: Path) -> None:
    # given a lock file, when it is searched for addresses
    text = _text(lock)

    # then there is none: each installation asks the index that its own configuration names
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|\w@\w", text) == []
    assert "--hash=sha256:" in text


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", _text(lock), re.MULTILINE))


def test_every_dependency_is_locked() -> None:
    # given what pyproject.toml asks for
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    names = {re.split(r"[<>=!~ \[;]", line)[0] for line in project["dependencies"]}

    # when the lock of the runtime is read, then each is in it
    assert {name.replace(".", "-") for name in names} - _pins(RUN_LOCK).keys() == set()


def test_the_locks_agree() -> None:
    # given all lock files, when their pins are put together
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in _pins(lock).items():
            versions.setdefault(name, set()).add(version)

    # then no package has two versions
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def _targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", _text(ROOT / "Makefile"), re.MULTILINE))


def test_make_help_lists_every_target() -> None:
    # given the targets of the Makefile, when make is asked for help
    command = ["make", "--no-print-directory", "help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    # then each is listed, with what it does
    assert set(re.findall(r"^  make (\S+) +\S", said, re.MULTILINE)) == _targets()


def _make_commands(page: str) -> list[str]:
    """Return the `make` lines of a page's blocks of commands, without their comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", _text(ROOT / page), re.MULTILINE | re.DOTALL)
    lines = (line.removeprefix("$ ") for block in blocks for line in block.splitlines())
    commands = (line.partition("#")[0].strip() for line in lines)
    return [command for command in commands if command.startswith("make ")]


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_a_page_names_only_targets_that_exist(page: str) -> None:
    words = {word for command in _make_commands(page) for word in command.split()[1:]}
    assert {word for word in words if "=" not in word} - _targets() == set()


def test_ci_runs_the_commands_of_the_readme_as_they_stand() -> None:
    ci = {line.strip() for line in _text(ROOT / ".ci" / "run").splitlines()}
    assert set(_make_commands("README.md")) - ci == set()
