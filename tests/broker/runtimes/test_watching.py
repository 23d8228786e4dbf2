"""Watched folders: taken once, told of beside, nothing lost and nothing twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters import reading
from adapters.format import ReadContext
from adapters.reading import AnyReading, read_file
from broker.backends.sqlite.lock import exclusive
from broker.faults import ADAPTER_POINTS
from broker.runtimes import publishing, watching
from broker.runtimes.adapter_settings import Watched
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.layout import Layout
from broker.runtimes.watching import PLACES, TakenFile, Watch
from tests.adapters.reading_support import SHAPES
from tests.broker.cli.files import concern, written
from tests.support.commands import Commands
from tests.support.tmpfs import fill, small_disk

SCHOOL = "st-brannocks-school"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder into which the school's systems drop files."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def settings(commands: Commands, text: str) -> Path:
    """Write the settings of the school's adapter."""
    path = Layout(commands.root).adapter_settings(SCHOOL)
    path.write_text(text, encoding="utf-8")
    return path


def looked(commands: Commands, watch: Watch, times: int = 2) -> list[TakenFile]:
    """Look so many times; return what was taken."""

    async def run() -> list[TakenFile]:
        found: list[TakenFile] = []
        layout = Layout(commands.root)
        async with agency_side(layout, SCHOOL, SetClock(commands.at)) as side:
            for _ in range(times):
                found += await watch.look(side)
        return found

    return asyncio.run(run())


def watch_of(drop: Path) -> tuple[Watch, list[str]]:
    said: list[str] = []
    return Watch((Watched(drop),), lambda what, why: said.append(f"{what}: {why}")), said


def waiting(commands: Commands) -> int:
    """Return how many records of the school wait in its outbox."""

    async def run() -> int:
        layout = Layout(commands.root)
        async with agency_side(layout, SCHOOL, SetClock(commands.at)) as side:
            return len(await side.outbox.waiting(100))

    return asyncio.run(run())


def names(folder: Path) -> dict[str, list[str]]:
    """Return what lies in a watched folder, without reports."""
    places = {name: folder / name for name in PLACES} | {"": folder}
    return {
        name: found
        for name, place in places.items()
        if (
            found := sorted(
                x.name
                for x in place.iterdir()
                if x.is_file() and not x.name.endswith(".report.json")
            )
        )
    }


def test_a_file_that_holds_still_is_taken(eastshire: Commands, drop: Path) -> None:
    # given a file that was dropped, when its folder is looked at twice
    written(drop, "c.json", concern())
    watch, said = watch_of(drop)
    assert looked(eastshire, watch, 1) == []
    (taken,) = looked(eastshire, watch, 1)

    # then its record is in the outbox, and a report without any value lies beside it
    assert (taken.place, waiting(eastshire), said) == ("done", 1, [])
    assert names(drop) == {"done": ["c.json"]}
    text = (drop / "done" / "c.json.report.json").read_text()
    assert (json.loads(text)["mapped"], json.loads(text)["records_new"]) == (1, 1)
    assert "Robin" not in text
    assert "Tired" not in text


def test_a_file_that_grows_waits(eastshire: Commands, drop: Path) -> None:
    path = written(drop, "c.json", concern())
    watch, _ = watch_of(drop)
    whole = path.read_bytes()
    for cut in (10, 20, 30):
        path.write_bytes(whole[:cut])
        assert looked(eastshire, watch, 1) == []
    path.write_bytes(whole)
    assert [one.place for one in looked(eastshire, watch)] == ["done"]


def test_work_in_progress_of_others_is_passed_over(eastshire: Commands, drop: Path) -> None:
    for name in ("c.json.part", "c.tmp", ".c.json", "c.json~"):
        (drop / name).write_text("x", encoding="utf-8")
    watch, _ = watch_of(drop)
    assert looked(eastshire, watch, 3) == []


def test_each_file_goes_where_it_belongs(eastshire: Commands, drop: Path) -> None:
    # given a good file, one of which a part is wrong, and one that is nothing
    written(drop, "good.json", concern())
    written(drop, "half.json", concern(2), concern(3, on="2026-02-31"))
    (drop / "nothing.json").write_text("{", encoding="utf-8")
    watch, _ = watch_of(drop)
    looked(eastshire, watch)

    # then each lies in its place, and what was right has gone through
    assert names(drop) == {
        "done": ["good.json"], "rejected": ["half.json"], "error": ["nothing.json"],
    }  # fmt: skip
    assert waiting(eastshire) == 2
    said: dict[str, Any] = json.loads((drop / "rejected" / "half.json.report.json").read_text())
    assert [one["code"] for one in said["rejected"]] == ["field.date"]


def test_no_name_is_overwritten_and_a_file_again_is_nothing_new(
    eastshire: Commands, drop: Path
) -> None:
    for _ in range(3):
        written(drop, "c.json", concern())
        watch, _ = watch_of(drop)
        looked(eastshire, watch)
    assert names(drop) == {"done": ["c.2.json", "c.3.json", "c.json"]}
    assert waiting(eastshire) == 1


def test_a_file_that_changes_while_it_is_read_is_read_again(
    eastshire: Commands, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a system that writes on into a file that was taken already
    written(drop, "c.json", concern())
    watch, _ = watch_of(drop)

    def writes_on(
        path: Path,
        context: ReadContext,
        name: str | None,
        given: Mapping[str, Path],
        stopped: Callable[[], bool],
    ) -> AnyReading:
        found = read_file(path, context, name, given, stopped)
        if path.read_bytes()[-1:] != b" ":
            path.write_bytes(path.read_bytes() + b" ")
        return found

    monkeypatch.setattr(publishing, "read_file", writes_on)
    looked(eastshire, watch, 2)
    assert names(drop) == {"work": ["c.json"]}
    looked(eastshire, watch, 1)
    assert names(drop) == {"done": ["c.json"]}


def test_a_full_disk_is_said_once_and_nothing_is_lost(eastshire: Commands, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        drop = disk / "drop"
        drop.mkdir()
        written(drop, "c.json", concern())
        watch, said = watch_of(drop)
        looked(eastshire, watch, 1)
        filler = fill(disk)
        looked(eastshire, watch, 3)
        assert len(said) == 1
        filler.unlink()
        looked(eastshire, watch, 2)
        assert names(drop) == {"done": ["c.json"]}
    assert waiting(eastshire) == 1


def test_a_file_that_cannot_be_moved_holds_no_other_up(
    eastshire: Commands, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two files, the first of which nobody may move
    written(drop, "a.json", concern(1))
    written(drop, "b.json", concern(2))
    real = Path.rename

    def refuses(path: Path, target: Path) -> Path:
        if path.name == "a.json":
            raise PermissionError(13, "Permission denied")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", refuses)
    watch, said = watch_of(drop)

    # when their folder is looked at, then the other one is taken, and that is said once
    looked(eastshire, watch, 3)
    assert names(drop) == {"": ["a.json"], "done": ["b.json"]}
    assert said == ["cannot move: a.json: Permission denied"]


PROGRAM = "from broker.cli import main; main()"


@pytest.mark.slow
@pytest.mark.parametrize("point", ADAPTER_POINTS)
def test_whenever_an_adapter_dies_nothing_is_lost_and_nothing_twice(
    eastshire: Commands, drop: Path, point: str
) -> None:
    # given an adapter that dies at a point
    settings(eastshire, f"folders: [{{path: {drop}}}]")
    written(drop, "c.json", concern())
    command = [sys.executable, "-c", PROGRAM, "adapter", SCHOOL, "--once", "--json"]
    command += ["--dir", str(eastshire.root)]
    died = subprocess.run(
        command, env=os.environ | {"CONCORDAT_CRASH_AT": point}, check=False, capture_output=True
    )
    assert died.returncode == -signal.SIGKILL

    # when another one goes on, then the record was published, once
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert names(drop) == {"done": ["c.json"]}

    async def published() -> int:
        layout = Layout(eastshire.root)
        async with agency_side(layout, SCHOOL, SetClock(eastshire.at)) as side:
            assert await publishing.send_waiting(side) == 0
            return await side.stream.end(f"records.{SCHOOL}")

    assert asyncio.run(published()) == 1


def test_two_adapters_of_one_agency_are_not_let_in(eastshire: Commands, drop: Path) -> None:
    settings(eastshire, f"folders: [{{path: {drop}}}]")
    with exclusive(Layout(eastshire.root).adapter_lock(SCHOOL)):
        answer = eastshire("adapter", SCHOOL, "--once", "--json", code=3)
    assert answer.error == "lane.unavailable"
    assert "adapter.lock" in answer.document["error"]["where"]


def test_an_agency_without_settings_is_told_how(eastshire: Commands) -> None:
    answer = eastshire("adapter", SCHOOL, "--once", "--json", code=3)
    assert answer.error == "installation.adapter-absent"


def a_large_log(drop: Path, monkeypatch: pytest.MonkeyPatch, incidents: int = 5) -> Path:
    """Drop a log of concerns that is read in portions of one."""
    monkeypatch.setattr(reading, "LARGE", 0)
    monkeypatch.setattr(reading, "PORTION", 1)
    head, row, _ = SHAPES["education-concern-csv"][1].decode().splitlines()
    rows = (row.replace("INC-1", f"INC-{number}") for number in range(incidents))
    path = drop / "log.csv"
    path.write_text("\n".join((head, *rows)), encoding="utf-8")
    return path


def followed(commands: Commands, watch: Watch, last: asyncio.Event) -> list[TakenFile]:
    """Follow the one folder of a watch until it is told to end; return what was taken."""

    async def run() -> list[TakenFile]:
        found: list[TakenFile] = []
        layout = Layout(commands.root)
        (folder,) = watch.folders
        async with agency_side(layout, SCHOOL, SetClock(commands.at)) as side:
            await watch.follow(side, folder, found.append, last)
        return found

    return asyncio.run(run())


def test_an_adapter_that_ends_within_a_large_file_goes_on_with_it(
    eastshire: Commands, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an adapter that is told to end when two of five portions are kept
    a_large_log(drop, monkeypatch)
    watch, _ = watch_of(drop)
    watch.settle()
    keep, kept, last = publishing.keep_signed, [], asyncio.Event()

    async def ends_at_two(*values: Any) -> None:  # noqa: ANN401 - whatever it is called with
        await keep(*values)
        kept.append(values)
        if len(kept) == 2:
            last.set()

    monkeypatch.setattr(publishing, "keep_signed", ends_at_two)
    assert followed(eastshire, watch, last) == []
    assert (names(drop), waiting(eastshire)) == ({"work": ["log.csv"]}, 2)
    # when the next one begins, then the rest is kept, once
    (taken,) = looked(eastshire, watch, 1)
    assert names(drop) == {"done": ["log.csv"]}
    assert (len(taken.report.published), taken.report.already, waiting(eastshire)) == (3, 2, 5)


def test_a_large_file_that_changes_between_two_portions_is_read_again(
    eastshire: Commands, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_large_log(drop, monkeypatch)
    watch, _ = watch_of(drop)
    read = read_file

    def is_written(path: Path, *values: Any) -> AnyReading:  # noqa: ANN401 - as it is called
        found = read(path, *values)
        times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        with path.open("ab") as file:
            file.write(b"\n")
        os.utime(path, ns=times)  # so that nobody sees it but by its size
        monkeypatch.setattr(publishing, "read_file", read)
        return found

    monkeypatch.setattr(publishing, "read_file", is_written)
    monkeypatch.setattr(watching, "_state", lambda _path: (0, 0))
    (taken,) = looked(eastshire, watch)
    assert [one.code for _, one in taken.report.refused] == ["input.changed"]
    assert names(drop) == {"rejected": ["log.csv"]}
