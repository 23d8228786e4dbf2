"""The made-up files: every format reads its own whole, and a seed says all of them."""

from pathlib import Path

import pytest

from adapters.format import ReadContext
from adapters.reading import read_bytes, read_file
from adapters.registry import FORMATS, named
from benchmarks.adapters import made_up
from benchmarks.adapters.bare import PARSERS
from benchmarks.adapters.catalogue import NOT_MEASURED, SHAPES
from benchmarks.adapters.formats import Read, measure
from benchmarks.adapters.reader import AGENCIES, BARE
from benchmarks.adapters.shapes import Shape
from benchmarks.county import NOW
from broker.records.names import AgencyId
from broker.subjects.identifiers import is_upn

ITEMS = 60
EACH = pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.name)


def test_every_format_is_measured() -> None:
    # given the registry, then each format has a shape, but for those with nothing to repeat
    assert {one.format for one in SHAPES} | NOT_MEASURED == {one.name for one in FORMATS}
    assert len({one.name for one in SHAPES}) == len(SHAPES)


@EACH
def test_a_file_is_recognised_and_read_whole(shape: Shape, tmp_path: Path) -> None:
    # given a made-up file, when it is read
    path = shape.write(tmp_path, ITEMS)
    context = ReadContext(AgencyId(AGENCIES[shape.agency_type]), shape.agency_type, NOW)
    reading = read_file(path, context)

    # then its format is found by its content, and all that was asked for is there
    account = reading.accounting
    assert account.format == shape.format
    assert account.read == shape.units(ITEMS) * shape.gives == ITEMS
    assert (account.rejected, account.warnings) == ((), ())
    assert account.mapped + account.context == account.read

    # and the bare parser meets something, too
    assert PARSERS[shape.bare](path) > 0


@EACH
def test_the_same_number_gives_the_same_bytes(shape: Shape) -> None:
    # given a shape, when its text is made twice, then it is the same
    assert list(shape.pieces(20)) == list(shape.pieces(20))


def test_no_two_files_tell_of_one_item() -> None:
    # given three files of every format, whose units have other numbers
    told: dict[tuple[str, str, str], tuple[str, int]] = {}
    for shape in SHAPES:
        context = ReadContext(AgencyId(AGENCIES[shape.agency_type]), shape.agency_type, NOW)
        for first in (0, 300, 90_000):
            data = "".join(shape.pieces(ITEMS, first)).encode()
            reading = read_bytes(data, shape.file, context, named(shape.format))
            assert reading.accounting.rejected == ()

            # then no item of one is an item of another: a soak can tell what has become of each
            for one in reading.drafts:
                said = one.statement
                item = (shape.agency_type, said.system, said.natural_id)
                file = (shape.name, first)
                assert told.setdefault(item, file) == file


def test_a_million_pupils_are_different() -> None:
    # given numbers that are far apart, then no two pupils share one, and each is a valid one
    found = [made_up.upn(number) for number in range(0, 1_000_000, 997)]
    assert len(set(found)) == len(found)
    assert all(map(is_upn, found))


def test_a_list_that_is_parsed_whole_ends_where_the_format_ends() -> None:
    # given a format that takes 10,000 entries, when a million are asked for, then there are so many
    (form,) = (one for one in SHAPES if one.format == "form")
    assert form.units(1_000_000) == 10_000
    (mark,) = (one for one in SHAPES if one.format == "education-attendance-csv")
    assert mark.units(1_000_000) == 1_000_000


def test_figures_come_from_what_readers_say(tmp_path: Path) -> None:
    # given readers that say so much, the one of ours twice as long and with more memory
    asked: list[tuple[str, int]] = []

    def reader(arguments: object) -> Read:
        assert isinstance(arguments, list)
        path = Path(arguments[-1])
        items = len(path.read_text().splitlines()) - 1
        bare = arguments[0] == BARE
        asked.append((str(arguments[0]), items))
        cost = items / (1000 if bare else 500)
        return Read(items, items, (), cost, cost, 50 + items / (1000 if bare else 100))

    # when a table is measured with two lengths
    (shape,) = (one for one in SHAPES if one.format == "social-care-ssda903-reviews")
    small, large = measure(shape, (100, 1_000), tmp_path, reader)

    # then each has its rate, its memory beyond the least, and is compared on the same file
    assert [items for _, items in asked] == [1, 1, 100, 100, 1_000, 1_000]
    assert (small.rate, small.bare_rate) == (500, 1_000)
    assert large.cpu_times == 2
    assert large.peak_mib == pytest.approx(9.99)
    assert (small.refused, small.capped) == ("", False)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_file_has_its_code_in_place_of_figures(tmp_path: Path) -> None:
    # given a reader that takes no file of more than a row
    def reader(arguments: object) -> Read:
        assert isinstance(arguments, list)
        rows = len(Path(arguments[-1]).read_text().splitlines()) - 1
        if arguments[0] != BARE and rows > 1:
            return Read(1, 0, ("input.too-large",), 0.1, 0.1, 50)
        return Read(rows, rows, (), 0.1, 0.1, 50)

    # when it is measured, then its result is the code
    (shape,) = (one for one in SHAPES if one.format == "social-care-ssda903-oc3")
    (one,) = measure(shape, (50,), tmp_path, reader)
    assert (one.refused, one.rate, one.cpu_times) == ("input.too-large", 0, 0)
    assert one.bare_rate == 500
