"""Where an installation keeps what, and what is said of a folder that is none."""

import os
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE

import pytest

from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.embedded import open_broker
from broker.runtimes.keystore import AgencyKeys
from broker.runtimes.layout import (
    NO_AGENCY,
    NO_COUNTY,
    InstallationError,
    Layout,
    replace_file,
)
from broker.settings import Settings
from tests.support.county import NOON, SCHOOL, revision
from tests.support.tree import ROOT


def refused(check: Callable[[], None]) -> InstallationError:
    with pytest.raises(InstallationError) as caught:
        check()
    return caught.value


def test_a_folder_without_a_first_root_is_no_installation(tmp_path: Path) -> None:
    # given an absent folder, an empty one, and one with a folder in the place of the root
    absent, empty, odd = Layout(tmp_path / "absent"), Layout(tmp_path / "empty"), tmp_path / "odd"
    empty.root.mkdir()
    (odd / "1.root.json").mkdir(parents=True)

    # when an installation is required there, then it says so, and how to make one
    for layout in (absent, empty, Layout(odd)):
        for agency in (None, SCHOOL):
            error = refused(lambda layout=layout, agency=agency: layout.require(agency))  # type: ignore[misc]  # bound at once, for the loop
            assert (error.code, error.where) == (NO_COUNTY, layout.root.name)
            assert "concordat init" in error.fix
        assert layout.agencies() == ()


async def test_nothing_opens_a_folder_that_is_no_installation(tmp_path: Path) -> None:
    # given an empty folder, when an agency or the broker opens it, then both say so and make none
    layout, clock = Layout(tmp_path), SetClock(NOON)
    with pytest.raises(InstallationError, match=r"installation\.absent"):
        async with agency_side(layout, SCHOOL, clock):
            pass
    with pytest.raises(InstallationError, match=r"installation\.absent"):
        async with open_broker(layout, clock, Settings(dir=tmp_path), inline=True):
            pass
    assert Layout(tmp_path).agencies() == ()
    assert not layout.stream.exists()


NAMES = (
    "",
    "nobody",
    "St-Brannocks-School",
    "../st-brannocks-school",
    "st-brannocks-school/",
    ".",
    "..",
    "/",
    "a\0b",
    "school\n",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_agencys_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    # given an installation with one agency
    layout = Layout(tmp_path)
    layout.first_root.write_bytes(b"root")
    AgencyKeys.fresh().save(layout.agency_keys(SCHOOL))

    # when another one is required, or a path in its place, then there is none, whatever it leads to
    error = refused(lambda: layout.require(name))
    assert (error.code, error.where) == (NO_AGENCY, "")
    layout.require(SCHOOL)
    layout.require()


def test_an_agency_is_one_that_has_keys(tmp_path: Path) -> None:
    # given an agency's folder without keys, and a file that somebody left among the folders
    layout = Layout(tmp_path)
    layout.first_root.write_bytes(b"root")
    layout.agency("harbour-academy").mkdir(parents=True)
    (tmp_path / "agencies" / "notes.txt").write_text("left here")

    # when it is required, then it is not there
    assert refused(lambda: layout.require("harbour-academy")).code is NO_AGENCY
    assert layout.agencies() == ("harbour-academy",)


def test_a_founded_county_has_every_agency_of_its_roster(founded: Path) -> None:
    # given a founded county, when its agencies are listed, then they are those of the protocol
    layout = Layout(founded)
    assert layout.agencies() == tuple(sorted(revision().agreement.roster.agencies))
    for agency in layout.agencies():
        layout.require(agency)


def test_all_that_is_secret_lies_in_files_of_their_owner(founded: Path) -> None:
    # given a founded county, when its files are looked at, then secret ones are its owner's alone
    layout = Layout(founded)
    secret = [layout.broker_secrets, layout.router_keys, layout.officers]
    secret += [layout.agency_keys(agency) for agency in layout.agencies()]
    assert {S_IMODE(path.stat().st_mode) for path in secret} == {0o600}

    # and each file that the layout names is where the architecture says
    said = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for path in (*secret[:2], layout.stream, layout.broker_store, layout.first_root):
        assert path.is_file()
        assert path.name in said, path.name


# ---------------------------------------------------------------- writing a file in one step


def test_a_file_is_replaced_whole_and_readable_as_asked(tmp_path: Path) -> None:
    # given a file, when it is replaced, then it holds the new bytes, and nothing lies beside it
    path = tmp_path / "1.root.json"
    replace_file(path, b"first")
    replace_file(path, b"second", 0o600)
    assert path.read_bytes() == b"second"
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_half_way_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file whose replacement is cut off before it lasts
    path = tmp_path / "1.root.json"
    replace_file(path, b"first")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        replace_file(path, b"second, and longer")

    # then the file is what it was, and the next replacement works
    assert path.read_bytes() == b"first"
    monkeypatch.undo()
    replace_file(path, b"3")
    assert path.read_bytes() == b"3"
    assert list(tmp_path.iterdir()) == [path]
