"""The guide to a new format: what it writes is written here, too, and does what it says."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from types import ModuleType

import pytest

from adapters.format import Format
from adapters.reading import read_bytes
from adapters.registry import FORMATS, recognise
from broker.records.names import AgencyId
from broker.records.signing import prepare
from tests.adapters.reading_support import context, schemas
from tests.support.county import County
from tests.support.tree import ROOT

GUIDE = (ROOT / "docs" / "new-format.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^`(?P<file>[\w./]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
WRITTEN = {found["file"]: found["text"] for found in BLOCK.finditer(GUIDE)}
MAPPING = "adapters/social_care/interview_list.py"
TESTS = "tests/adapters/social_care/test_interview_list.py"


def loaded(file: str, folder: Path) -> ModuleType:
    """Write a file of the guide and import it by the name that it would have in the tree."""
    path = folder / Path(file).name
    path.write_text(WRITTEN[file], encoding="utf-8")
    name = file.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Format]:
    before = set(sys.modules)
    try:
        made: Format = loaded(MAPPING, tmp_path).FORMAT
        yield made
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]


def sample() -> bytes:
    return WRITTEN["interviews.csv"].encode()


def test_the_guide_has_what_it_tells_of() -> None:
    assert set(WRITTEN) == {"interviews.csv", MAPPING, TESTS}


def test_the_tests_of_the_guide_pass(written: Format, tmp_path: Path) -> None:  # noqa: ARG001 - the tests import it
    module = loaded(TESTS, tmp_path)
    tests = [one for name, one in vars(module).items() if name.startswith("test_")]
    assert len(tests) == len(re.findall(r"^def test_", WRITTEN[TESTS], re.MULTILINE))
    for one in tests:
        assert list(signature(one).parameters) == ["sample"]
        one(sample())


def test_what_the_format_gives_can_be_signed(written: Format) -> None:
    signer = County().signer(AgencyId("eastshire-council"))
    reading = read_bytes(sample(), "interviews.csv", context("social-care"), written)
    for one in reading.drafts:
        assert prepare(one.statement, schemas(), signer).statement == one.statement


def test_no_other_format_takes_its_files(written: Format) -> None:
    assert recognise(sample(), "interviews.csv", (*FORMATS, written)) is written
