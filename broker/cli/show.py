"""How commands speak: tables and sentences for people, one JSON document for programs."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn
from rich.table import Table

from broker.clock import SECOND, Instant
from broker.errors import ConcordatError
from broker.lanes import LaneError
from broker.runtimes.layout import UNUSABLE, InstallationError

Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="Folder of the installation; else what CONCORDAT_DIR names, else ./concordat-data.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
AgencyName = Annotated[
    str, typer.Argument(metavar="AGENCY", help="An agency's id; `concordat doctor` lists them.")
]


class Exit(IntEnum):
    """What an exit code means."""

    DONE = 0
    REJECTED = 1
    USAGE = 2
    UNSAFE = 3


SAFETY = (
    "installation.",
    "protocol.",
    "lane.",
    "store.",
    "shipped.",
    "log.",
    "decision.",
    "witness.",
)
"""Codes that begin so mean that something needed for safety is missing."""

USAGE = (
    "usage.",
    "installation.absent",
    "installation.agency",
    "installation.exists",
    "input.format.unknown",
    "inbox.absent",
    "inbox.ambiguous",
    "inbox.not-withdrawn",
    "outbox.absent",
    "outbox.ambiguous",
    "incident.absent",
    "log.record.absent",
    "protocol.may-i-share.",
    "protocol.narrowing.",
    "quality.month",
    "scenario.",
    "emergency.record",
    "emergency.list",
    "emergency.review",
)
"""Codes that begin so mean that the command was given the wrong thing; looked at first."""

SHOWN_HEX = 12
"""Characters of an id that tables show: enough to tell what one inbox holds apart."""

screen = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class Refused(ConcordatError):  # noqa: N818 - raised by commands to end with a code of their own
    """A command ends with this error."""


def say_json(document: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n")


def say(text: str = "") -> None:
    """Print a line for people; `[bold]…[/]` markup is read, so escape what comes from outside."""
    screen.print(text, soft_wrap=True)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    empty: str = "Nothing.",
    whole: Collection[str] = (),
) -> None:
    """Print a table, or a sentence where it would be empty.

    Args:
        title: above it; may be empty.
        columns: their headings.
        rows: a cell for each column; a cell may have several lines.
        empty: said instead when there are no rows.
        whole: columns whose cells are never broken: ids and times, which people copy.
    """
    if not rows:
        say(empty)
        return
    if title:
        say(f"[bold]{escape(title)}[/]")
    made = Table(box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        made.add_row(*(escape(cell) for cell in row))
    screen.print(made)


def when(at: Instant) -> str:
    """Return an instant as a person reads it, UTC: `2026-03-04 02:25`."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M")


def iso(at: Instant) -> str:
    """Return an instant as a program reads it."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def progress_bar(*columns: ProgressColumn, as_json: bool) -> Progress:
    """Return a progress bar for people at a terminal; nothing anywhere else."""
    hidden = as_json or not errors.is_terminal
    return Progress(*columns, console=errors, transient=True, disable=hidden)


def counted(counts: Mapping[str, int]) -> str:
    """Return counts as `3 accepted, 1 repeats`."""
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing"


def exit_code_of(error: ConcordatError) -> Exit:
    """Return the exit code that an error ends a command with."""
    name = error.code.name
    if name.startswith(USAGE):
        return Exit.USAGE
    if isinstance(error, LaneError) or name.startswith(SAFETY):
        return Exit.UNSAFE
    return Exit.REJECTED


def fail(error: ConcordatError, *, as_json: bool) -> NoReturn:
    """Report an error and end the command.

    Raises:
        typer.Exit: always.
    """
    if as_json:
        say_json({"error": error_document(error)})
    else:
        errors.print(f"[bold]{escape(error.code.sentence)}[/]", soft_wrap=True)
        if error.where:
            errors.print(f"Where: {escape(error.where)}", soft_wrap=True)
        errors.print(f"What to do: {escape(error.fix)}", soft_wrap=True)
        errors.print(f"Code: {error.code.name}", soft_wrap=True)
    raise typer.Exit(exit_code_of(error))


def error_document(error: ConcordatError) -> dict[str, str]:
    """Return an error as JSON shows it."""
    return {
        "code": error.code.name,
        "sentence": error.code.sentence,
        "where": error.where,
        "fix": error.fix,
    }


@contextmanager
def reporting(*, as_json: bool) -> Iterator[None]:
    """Turn an error of ours into its report and exit code."""
    try:
        yield
    except ConcordatError as error:
        fail(error, as_json=as_json)
    except OSError as error:
        # The name of the file only: what the system says of it holds no content either.
        name = Path(str(error.filename)).name if error.filename else ""
        where = f"{name}: {error.strerror}" if name else str(error.strerror)
        fail(InstallationError(UNUSABLE, where), as_json=as_json)
