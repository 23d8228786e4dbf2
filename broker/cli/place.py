"""Where a command works: the folder given, the environment's, or the settings file's."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from broker.runtimes import receiving
from broker.runtimes.agency import AgencySide, agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.layout import Layout
from broker.settings import Settings

Found = TypeVar("Found")


class Runtime(StrEnum):
    """What a new installation's parties exchange over."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


RuntimeOption = Annotated[
    Runtime,
    typer.Option(
        "--runtime", help="Exchange over files of the folder, or over the Kafka in CONCORDAT_KAFKA."
    ),
]


def settings_for(folder: Path | None) -> Settings:
    """Return the settings, with the folder of the command line if one was given."""
    settings = Settings()
    return settings if folder is None else settings.model_copy(update={"dir": folder})


def layout_for(folder: Path | None) -> Layout:
    """Return the layout of the installation that a command works on."""
    return Layout.of(settings_for(folder))


def at_agency(
    agency: str,
    folder: Path | None,
    work: Callable[[AgencySide], Awaitable[Found]],
    *,
    receive: bool = True,
    by_copy: bool = False,
) -> Found:
    """Do a command's work on one agency's side, by default once what came for it is taken in.

    With `by_copy`, the work can do without the stream: the agency's copy of the protocol will do.

    Raises:
        ConcordatError: there is no such installation or agency, or what the work raises.
    """

    async def run() -> Found:
        async with agency_side(layout_for(folder), agency, SystemClock(), by_copy=by_copy) as side:
            if receive:
                await receiving.receive(side)
            return await work(side)

    return asyncio.run(run())
