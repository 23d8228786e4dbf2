"""Watched folders: what an agency's systems drop there is taken once, and told of beside it.

In a folder lie four others. A file goes to `work` before it is read, and from there, with a report
beside it, to

- `done`: every item was mapped, or gives no record by design;
- `rejected`: some items were rejected; the others went through;
- `error`: nothing of it could be read.

Rules:

1. A file is taken when its size and time have held still from one look to the next; names that
   begin with a dot or end in `.part`, `.tmp` or `~` are somebody's work in progress.
2. Its records are in the outbox before it leaves `work`. Whoever dies in between finds it there:
   it is read again, and the outbox knows what it has.
3. A file that changes while it is read is read again at the next look.
4. A file that cannot be moved (a full disk, a missing right) stays where it is, and is said once.
5. No name is ever overwritten.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.accounting import WHOLE_FILE
from adapters.format import Rejected
from adapters.reading import ReadingStopped
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

FOLDERS_S = 1.0
"""Pause between two looks, in seconds: what has held still for so long is taken."""

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
        ending: set to take nothing more; a large file is left in work between two portions.
    """

    folders: tuple[Watched, ...]
    said: Callable[[str, str], None]
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: dict[Path, State] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def settle(self) -> None:
        """Note what lies in the folders now: what is the same at the next look is taken."""
        self._seen = {path: state for folder in self.folders for path, state in _lying(folder)}

    async def look(self, side: AgencySide) -> list[TakenFile]:
        """Take what has settled and what was left in work; its records are in the outbox then.

        Raises:
            ProtocolTextError: the publication rule cannot be read.
            LaneError: the outbox cannot be written.
        """
        taken: list[TakenFile] = []
        for folder in self.folders:
            try:
                waiting = self._begin(folder)
            except OSError as error:
                self._say("cannot look", folder.path.name, error)
                continue
            for path in waiting:
                if self.ending.is_set():
                    return taken
                with suppress(ReadingStopped):  # it stays in work
                    found = await self._take(side, folder, path)
                    taken += [] if found is None else [found]
        self.settle()
        return taken

    def _begin(self, folder: Watched) -> list[Path]:
        """Put what has settled into work; return what lies there."""
        for name in PLACES:
            (folder.path / name).mkdir(parents=True, exist_ok=True)
        for path, state in _lying(folder):
            if self._seen.get(path) != state:
                continue
            try:
                path.rename(_free(folder.path / WORK, path.name))
            except OSError as error:
                self._say("cannot move", masked(path.name), error)
            reach("adapter.after-work")
        return sorted(_files(folder.path / WORK))

    async def _take(self, side: AgencySide, folder: Watched, path: Path) -> TakenFile | None:
        before = _state(path)
        given = {one.name: one for one in (*_files(folder.path), *_files(path.parent))}
        rule = load_rule(side)
        context = context_of(side, rule, folder.encoding)
        report = PublishReport()
        stopped = self.ending.is_set
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
