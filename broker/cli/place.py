"""Where a command works: the folder given, the environment's, or the settings file's."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from broker.runtimes.layout import Layout
from broker.settings import Settings


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
