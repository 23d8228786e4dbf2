"""Deliveries as files in a folder: one JSON document each, named by the delivery's id.

A file appears whole under its name or not at all, and is on the disk when the delivery counts as
handed over. A delivery that is handed over again replaces its own file, which holds the same bytes.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.configured import Configured
from adapters.sinks.errors import FOLDER, SinkFailed
from adapters.sinks.port import HandOver

UNFINISHED = ".part"
MODE = 0o640
"""The adapter's user writes, its group reads."""


@dataclass(frozen=True, slots=True)
class FolderSinking(Configured):
    """How a sink of files is configured.

    Attributes:
        name: what status calls it.
        path: the folder; it is made if it is missing.
        honours: kinds of obligations that the system behind it keeps.
    """

    name: str
    path: Path
    honours: frozenset[str] = frozenset()


class FolderSink:
    """A `Sink`."""

    def __init__(self, config: FolderSinking) -> None:
        """Take what it works with; nothing is written yet."""
        self._config = config

    @property
    def name(self) -> str:
        """What configuration and status call it."""
        return self._config.name

    @property
    def honours(self) -> frozenset[str]:
        """Kinds of obligations that the system behind it keeps, as its agency declares."""
        return self._config.honours

    async def hand(self, one: HandOver) -> None:
        """Write a delivery; return when it is on the disk.

        Raises:
            SinkFailed: `sink.folder`: not now; to be tried again.
        """
        try:
            await asyncio.to_thread(_place, self._config.path, one)
        except OSError as error:
            raise SinkFailed(FOLDER, error.strerror or type(error).__name__) from error

    async def close(self) -> None:
        """Do nothing: nothing is held open."""


def _place(folder: Path, one: HandOver) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{one.delivery}.json{UNFINISHED}"
    try:
        _write(unfinished, one.document)
        unfinished.rename(folder / f"{one.delivery}.json")
        _keep(folder)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _write(path: Path, document: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())


def _keep(folder: Path) -> None:
    """Put the folder's list of names on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
