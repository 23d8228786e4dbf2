"""Watched folders day and night: folders do not wait for each other, files of one folder do."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.format import ReadContext
from adapters.reading import AnyReading, read_file
from broker.runtimes import publishing, watching
from broker.runtimes.adapter import Adapter
from broker.runtimes.adapter_settings import Watched
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SetClock
from broker.runtimes.layout import Layout
from broker.runtimes.watching import TakenFile, Watch
from tests.broker.cli.files import concern, written
from tests.support.commands import Commands

SCHOOL = "st-brannocks-school"
PATIENCE_S = 20


@asynccontextmanager
async def school(commands: Commands) -> AsyncIterator[AgencySide]:
    async with agency_side(Layout(commands.root), SCHOOL, SetClock(commands.at)) as side:
        yield side


def watch_of(*folders: Path, still_s: float = 0.0) -> Watch:
    for one in folders:
        one.mkdir()
    return Watch(tuple(map(Watched, folders)), lambda *_: None, still_s)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110 - a list of another task sets no event
            await asyncio.sleep(0.01)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What reading `bulk-a.json` waits for."""
    opened = threading.Event()

    def slow(
        path: Path,
        context: ReadContext,
        name: str | None,
        given: Mapping[str, Path],
        stopped: Callable[[], bool],
    ) -> AnyReading:
        if path.name == "bulk-a.json":
            assert opened.wait(PATIENCE_S)
        return read_file(path, context, name, given, stopped)

    monkeypatch.setattr(publishing, "read_file", slow)
    return opened


async def test_a_folder_does_not_wait_for_another_one(
    eastshire: Commands, tmp_path: Path, gate: threading.Event
) -> None:
    # given a file of which nobody knows how long it takes, and another behind it
    bulk, urgent = tmp_path / "bulk", tmp_path / "urgent"
    adapter = Adapter(watch_of(bulk, urgent))
    written(bulk, "bulk-a.json", concern(1))
    written(bulk, "bulk-b.json", concern(2))
    taken: list[TakenFile] = []
    names: Callable[[], list[str]] = lambda: [one.report.files[0].file for one in taken]  # noqa: E731 - said twice
    async with school(eastshire) as side, adapter.attending(side, taken.append) as check:
        await until(lambda: any((bulk / "work").glob("*.json")))

        # when something lands in another folder, then that is taken meanwhile
        written(urgent, "urgent.json", concern(3))
        await until(lambda: bool(taken))
        assert names() == ["urgent.json"]

        # and the files of one folder come one after the other, by name
        gate.set()
        await until(lambda: len(taken) == 3)
        assert names() == ["urgent.json", "bulk-a.json", "bulk-b.json"]
        check()


async def test_at_the_end_the_file_under_way_is_finished_and_no_other_begun(
    eastshire: Commands, tmp_path: Path, gate: threading.Event
) -> None:
    # given two files, of which the first is being read
    bulk = tmp_path / "bulk"
    watch = watch_of(bulk)
    written(bulk, "bulk-a.json", concern(1))
    written(bulk, "bulk-b.json", concern(2))
    taken: list[TakenFile] = []
    last = asyncio.Event()
    async with school(eastshire) as side:
        following = asyncio.create_task(watch.follow(side, watch.folders[0], taken.append, last))
        await until(lambda: len(list((bulk / "work").glob("*.json"))) == 2)

        # when it is to end, then the first is taken to its place, the second waits in work
        last.set()
        gate.set()
        await following
        assert [one.place for one in taken] == ["done"]
        assert [one.name for one in (bulk / "work").iterdir()] == ["bulk-b.json"]

        # and is taken when it begins anew
        assert [one.report.files[0].file for one in await watch.look(side)] == ["bulk-b.json"]


async def test_a_file_must_have_held_still_for_as_long_as_is_said(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given a watch that wants a second, and a file
    now = [100.0]
    watch = watch_of(tmp_path / "drop", still_s=1.0)
    watch.seconds = lambda: now[0]
    path = written(tmp_path / "drop", "c.json", concern(1))
    async with school(eastshire) as side:
        # when it is looked at again and again, then it waits for that second
        for now[0] in (100.0, 100.4, 100.9):
            assert await watch.look(side) == []

        # and for another one if it changed meanwhile
        path.write_text(path.read_text() + "\n")
        for now[0] in (101.0, 101.9):
            assert await watch.look(side) == []
        now[0] = 102.0
        assert [one.place for one in await watch.look(side)] == ["done"]


async def test_what_ends_a_folder_s_work_is_told(
    eastshire: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a rule that cannot be read
    drop = tmp_path / "drop"
    adapter = Adapter(watch_of(drop))
    written(drop, "c.json", concern(1))

    def broken(_side: AgencySide) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(watching, "load_rule", broken)
    async with school(eastshire) as side, adapter.attending(side) as check:
        # when a file comes, then whoever asks hears of it
        async def asked() -> None:
            while True:
                check()
                await asyncio.sleep(0.01)

        with pytest.raises(FileNotFoundError):
            await asyncio.wait_for(asked(), PATIENCE_S)
