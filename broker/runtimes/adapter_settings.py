"""What an agency's adapter watches: `adapter.yaml` in the agency's folder.

    folders:
      - path: /srv/exports/attendance
        format: education-attendance-csv
        encoding: cp1252

A path that is not absolute begins at the agency's folder. Format and encoding may be left out: a
file is recognised by what is in it.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.errors import InputRefused
from adapters.registry import named
from adapters.sources.text import VOUCHED
from adapters.sources.yaml_text import parse_yaml
from broker.errors import Code
from broker.runtimes.layout import InstallationError, Layout

ABSENT = Code(
    "installation.adapter-absent",
    "This agency's adapter has no settings.",
    "Write its adapter.yaml; docs/adapter.md shows one.",
)
WRONG = Code(
    "installation.adapter-settings",
    "The settings of this agency's adapter cannot be used.",
    "Mend what is named; docs/adapter.md shows how it is written.",
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder that is watched.

    Attributes:
        path: the folder.
        format: of its files; None: recognised.
        encoding: that somebody vouches for; None: found out.
    """

    path: Path
    format: str | None = None
    encoding: str | None = None


class _Folder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(min_length=1)
    format: str | None = None
    encoding: str | None = None


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    folders: list[_Folder] = Field(min_length=1)


def read_adapter_settings(layout: Layout, agency: str) -> tuple[Watched, ...]:
    """Return the folders that an agency's adapter watches.

    Raises:
        InstallationError: `installation.adapter-absent`, `installation.adapter-settings`.
    """
    path = layout.adapter_settings(agency)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InstallationError(ABSENT, path.name) from error
    try:
        said = _Settings.model_validate(parse_yaml(data))
        for one in said.folders:
            if one.format is not None:
                named(one.format)
    except InputRefused as error:
        raise InstallationError(WRONG, f"{path.name}: {error.where}", error.fix) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        raise InstallationError(WRONG, f"{path.name}: {where}: {first['msg']}") from error
    found = tuple(
        Watched(layout.agency(agency) / one.path, one.format, one.encoding) for one in said.folders
    )
    wrong = next((one for one in found if one.encoding not in {None, *VOUCHED}), None)
    if wrong is not None:
        raise InstallationError(WRONG, f"{path.name}: encoding")
    if len({one.path.resolve() for one in found}) < len(found):
        raise InstallationError(WRONG, f"{path.name}: one folder twice")
    return found
