"""Where a command works: the folder given, the environment's, or the settings file's."""

from pathlib import Path

from broker.runtimes.layout import Layout
from broker.settings import Settings


def settings_for(folder: Path | None) -> Settings:
    """Return the settings, with the folder of the command line if one was given."""
    settings = Settings()
    return settings if folder is None else settings.model_copy(update={"dir": folder})


def layout_for(folder: Path | None) -> Layout:
    """Return the layout of the installation that a command works on."""
    return Layout(settings_for(folder).dir)
