"""Watched folders: what an agency's systems drop there is taken once, and told of beside it.

In a folder lie four others. A file goes to `work` before it is read, and from there, with a report
beside it, to

- `done`: every item was mapped, or gives no record by design;
- `rejected`: some items were rejected; the others went through;
- `error`: nothing of it could be read.

Rules:

1. A file is taken when its size and time have held still for a while, from one look to another;
   names that begin with a dot or end in `.part`, `.tmp` or `~` are somebody's work in progress.
2. Its records are in the outbox before it leaves `work`. Whoever dies in between finds it there:
   it is read again, and the outbox knows what it has.
3. A file that changes while it is read is read again at the next look.
4. A file that cannot be moved (a full disk, a missing right) stays where it is, and is said once.
5. No name is ever overwritten.
6. Files of one folder are taken one after the other, by name: a later one may amend an earlier one.
   Folders do not wait for each other.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.accounting import WHOLE_FILE
from adapters.format import Rejected
from adapters.reading import ReadingStopped, never
from adapters.sources.files import masked
from broker.faults import reach
from broker.runtimes.adapter_settings import Watched
from broker.runtimes.agency import AgencySide
from broker.runtimes.publishing import (
    PublishReport,
    context_of,
    keep_reading,
    load_rule,
    read_aside,
)

WORK, DONE, REJECTED, ERROR = "work", "done", "rejected", "error"
PLACES = (WORK, DONE, REJECTED, ERROR)
UNFINISHED = (".part", ".tmp", "~")
REPORT = ".report.json"

STILL_S = 1.0
"""How long a file must have held still before it is taken, in seconds."""

LOOK_S = 0.2
"""Pause between two looks at a folder, in seconds: what a file waits beyond the time above."""

State = tuple[int, int]
"""Size, and time of the last change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that was taken.

    Attributes:
        place: done, rejected or error.
        report: what became of it.
    """

    place: str
    report: PublishReport


@dataclass(slots=True)
class Watch:
    """Watches folders of one agency.

    Attributes:
        folders: which.
        said: told what cannot be done, once.
        still_s: how long a file must have held still, in seconds; two looks at least see it.
        seconds: a clock that is never set back.
    """

    folders: tuple[Watched, ...]
    said: Callable[[str, str], None]
    still_s: float = 0.0
    seconds: Callable[[], float] = time.monotonic
    _seen: dict[Path, dict[Path, tuple[State, float]]] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def settle(self) -> None:
        """Note what lies in the folders now, and since when it is as it is."""
        for folder in self.folders:
            self._settle(folder)

    async def look(self, side: AgencySide) -> list[TakenFile]:
        """Take what has settled and what was left in work; its records are in the outbox then.

        Raises:
            ProtocolTextError: the publication rule cannot be read.
            LaneError: the outbox cannot be written.
        """
        return [one for folder in self.folders async for one in self._look(side, folder)]

    async def follow(
        self,
        side: AgencySide,
        folder: Watched,
        taken: Callable[[TakenFile], None],
        last: asyncio.Event,
    ) -> None:
        """Take what comes into one folder, until `last` is set.

        The file under way is finished; a large one is left in work between two portions.

        Raises:
            ProtocolTextError: the publication rule cannot be read.
            LaneError: the outbox cannot be written.
        """
        while not last.is_set():
            async for one in self._look(side, folder, last.is_set):
                taken(one)
                if last.is_set():
                    return  # the others lie in work, and are taken when it begins anew
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await last.wait()

    async def _look(
        self, side: AgencySide, folder: Watched, stopped: Callable[[], bool] = never
    ) -> AsyncIterator[TakenFile]:
        """Take a folder's files, one by one."""
        try:
            waiting = self._begin(folder)
        except OSError as error:
            self._say("cannot look", folder.path.name, error)
            return
        if waiting:
            given = {one.name: one for one in (*_files(folder.path), *waiting)}
            for path in waiting:
                with suppress(ReadingStopped):  # it stays in work
                    found = await self._take(side, folder, path, given, stopped)
                    if found is not None:
                        yield found
        self._settle(folder)

    def _begin(self, folder: Watched) -> list[Path]:
        """Put what has settled into work; return what lies there."""
        for name in PLACES:
            (folder.path / name).mkdir(parents=True, exist_ok=True)
        seen, now = self._seen.get(folder.path, {}), self.seconds()
        for path, state in _lying(folder):
            before, since = seen.get(path, (None, now))
            if before != state or now < since + self.still_s:
                continue
            try:
                path.rename(_free(folder.path / WORK, path.name))
            except OSError as error:
                self._say("cannot move", masked(path.name), error)
            reach("adapter.after-work")
        return sorted(_files(folder.path / WORK))

    def _settle(self, folder: Watched) -> None:
        seen, now = self._seen.get(folder.path, {}), self.seconds()
        self._seen[folder.path] = {
            path: seen[path] if path in seen and seen[path][0] == state else (state, now)
            for path, state in _lying(folder)
        }

    async def _take(
        self,
        side: AgencySide,
        folder: Watched,
        path: Path,
        given: Mapping[str, Path],
        stopped: Callable[[], bool],
    ) -> TakenFile | None:
        before = _state(path)
        rule = load_rule(side)
        context = context_of(side, rule, folder.encoding)
        report = PublishReport()
        reading = await read_aside(path, context, folder.format, given, stopped)
        if before is None or _state(path) != before:
            return None
        await keep_reading(side, rule, reading, report, stopped=stopped)
        if _state(path) != before:
            return None
        reach("adapter.after-keep")
        place = _place_of(report)
        try:
            _put_away(path, folder.path / place, report)
        except OSError as error:
            self._say("cannot move", masked(path.name), error)
            return None
        reach("adapter.after-move")
        return TakenFile(place, report)

    def _say(self, what: str, name: str, error: OSError) -> None:
        if (what, name) not in self._told:
            self._told.add((what, name))
            self.said(what, f"{name}: {error.strerror}")


def _put_away(path: Path, folder: Path, report: PublishReport) -> None:
    target = _free(folder, path.name)
    written = target.with_name(target.name + REPORT)
    try:
        written.write_text(json.dumps(document_of(report), indent=1) + "\n", "utf-8")
        path.rename(target)
    except OSError:
        written.unlink(missing_ok=True)  # half a report says nothing
        raise


def taken_words(taken: TakenFile) -> str:
    """Return what became of a file in a line."""
    (account,) = taken.report.files
    return (
        f"{account.file}: {account.read} items, {account.mapped} mapped, "
        f"{len(account.rejected) + len(taken.report.refused)} rejected, "
        f"{len(taken.report.published)} records new"
    )


def document_of(report: PublishReport) -> dict[str, object]:
    """Return the report that lies beside a file: counts, codes and what to do; no value."""
    (account,) = report.files
    return {
        "file": account.file,
        "format": account.format,
        "read": account.read,
        "mapped": account.mapped,
        "context": account.context,
        "rejected": [_plain(one) for one in (*account.rejected, *_refused(report))],
        "records_new": len(report.published),
        "records_there_already": report.already,
        "records_kept_back": len(report.kept_back),
        "warnings": [
            {"item": one.item, "field": one.field, "code": one.code, "fix": one.fix}
            for one in account.warnings
        ],
        "not_mapped": list(account.unmapped),
    }


def _refused(report: PublishReport) -> Iterator[Rejected]:
    return (one for _, one in report.refused)


def _plain(one: Rejected) -> dict[str, str]:
    return {
        "item": one.item,
        "field": one.field,
        "code": one.code,
        "reason": one.reason,
        "fix": one.fix,
    }


def _place_of(report: PublishReport) -> str:
    (account,) = report.files
    if any(one.item == WHOLE_FILE for one in account.rejected) and not account.mapped:
        return ERROR
    return DONE if report.clean else REJECTED


def lying_in(folder: Path) -> int:
    """Return how many files lie in a folder, without reports and what somebody still writes."""
    return sum(not path.name.endswith(REPORT) for path in _files(folder))


def _lying(folder: Watched) -> Iterator[tuple[Path, State]]:
    for path in _files(folder.path):
        state = _state(path)
        if state is not None:
            yield path, state


def _files(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        name = path.name
        if path.is_file() and not name.startswith(".") and not name.endswith(UNFINISHED):
            yield path


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _free(folder: Path, name: str) -> Path:
    """Return a path in a folder under which nothing lies, nor a report."""
    path, number = folder / name, 1
    while path.exists() or path.with_name(path.name + REPORT).exists():
        number += 1
        path = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
    return path
