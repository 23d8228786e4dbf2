"""SSDA903 files that give no record: known by their heads, kept in the council."""

from io import BytesIO

import pytest

from adapters.format import Context
from adapters.registry import FORMATS, named, recognise
from tests.adapters.reading_support import SHAPES, codes, context, read
from tests.adapters.ssda903_support import MODULES_CSV

FAMILY = "social-care-ssda903-"


def test_every_module_is_tried_here() -> None:
    # Given the registry, when formats of the family without records are looked for, all are here.
    with_records = {"missing", "header", "episodes", "xml"}
    names = {one.name.removeprefix(FAMILY) for one in FORMATS if one.name.startswith(FAMILY)}
    assert names - with_records == set(MODULES_CSV)


@pytest.mark.parametrize("name", MODULES_CSV)
def test_its_rows_are_context_and_its_columns_are_named(name: str) -> None:
    # Given a module with a second row that is too short, when it is read
    text = MODULES_CSV[name]
    account = read(text + "EC-2,x\n", FAMILY + name, context("social-care")).accounting
    # Then no row gives a record, none is lost, and every column that says something is named.
    assert (account.read, account.context, account.mapped) == (2, 2, 0)
    assert set(account.unmapped) == set(text.splitlines()[0].split(",")) - {"CHILD", "DOB"}


@pytest.mark.parametrize("name", MODULES_CSV)
def test_each_row_says_why(name: str) -> None:
    # Given a module, when it is read, then its item of context says why it gives no record.
    outcomes = named(FAMILY + name).read(
        BytesIO(MODULES_CSV[name].encode()), "export", context("social-care")
    )
    said = [one.what for one in outcomes if isinstance(one, Context)]
    assert len(said) == 1
    assert len(said[0]) > 40


@pytest.mark.parametrize("name", [one for one in SHAPES if one.startswith(FAMILY)])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_recognised_whatever_divides_its_columns(name: str, separator: str) -> None:
    # Given a file of the return as a spreadsheet saves it, when it is recognised, then as itself.
    if name.endswith("xml"):
        return
    text = SHAPES[name][1].decode().replace(",", separator)
    assert recognise(text.lower().encode(), "export").name == name


def test_a_file_cut_short_is_told() -> None:
    # Given a quote that never ends, when it is read, then what came before stays.
    text = MODULES_CSV["oc3"] + 'EC-3,"'
    assert codes(read(text, FAMILY + "oc3", context("social-care"))) == {"input.csv": 1}
