"""A disk that is full: said in one line, nothing lost, and on it goes once there is room."""

import shutil
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from broker.lanes import LaneError
from tests.support.restoring import FileCounty
from tests.support.tmpfs import fill, small_disk

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    with small_disk(tmp_path / "disk", megabytes=24) as folder:
        yield folder


async def said(work: Awaitable[None]) -> str:
    """Return the line that work ends with, or nothing."""
    try:
        await work
    except LaneError as error:
        return str(error)
    return ""


async def assert_all_is_well(county: FileCounty) -> None:
    """Make sure that more work comes through, once, and that the log proves it."""
    await county.work(2)
    received = await county.county.concerns_received()
    assert len(received) == len(set(received)) == county.county.published
    verification = await county.county.verified()
    assert verification.sound, [str(one) for one in verification.findings]
    assert verification.deliveries is not None
    assert verification.deliveries.absent == 0


@pytest.mark.parametrize("left", [0, 40_000, 200_000])
async def test_an_installation_on_a_full_disk_loses_nothing(disk: Path, left: int) -> None:
    # given an installation with records that wait, on a disk with next to nothing left
    county = await FileCounty.found(disk)
    await county.work(2)
    await county.county.publish_concerns(2)
    filler = fill(disk, left)

    # when it is to work, again and again, then each refusal is one line with the file's name
    lines = [await said(work()) for _ in range(2) for work in (county.route, county.receive)]
    assert any(lines)
    for line in filter(None, lines):
        assert "The disk is full: free some space" in line
        assert str(disk) in line or "log store" in line
        assert "\n" not in line

    # when there is room again, then all goes on
    filler.unlink()
    await assert_all_is_well(county)


@pytest.mark.parametrize("left", [0, 2_000])
async def test_a_log_on_a_full_disk_of_its_own_loses_nothing(tmp_path: Path, left: int) -> None:
    # given an installation whose log lies on a small disk, which is full
    county = await FileCounty.found(tmp_path)
    await county.work(1)
    place, aside = county.county.layout.log, tmp_path / "aside"
    shutil.move(place, aside)
    with small_disk(place, megabytes=2) as disk:
        shutil.copytree(aside, disk, dirs_exist_ok=True)
        await county.work(1)
        filler = fill(disk, left)
        await county.county.publish_concerns(2)

        # when the broker is to work, then it says what is full; nothing of it is released
        for _ in range(2):
            line = await said(county.route())
            assert "log store" in line
            assert "The disk is full: free some space" in line
        await county.receive()
        assert len(await county.county.concerns_received()) == 2

        # when there is room again, then all goes on
        filler.unlink()
        await assert_all_is_well(county)
