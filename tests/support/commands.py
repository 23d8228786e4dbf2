"""Runs `concordat` in this process, as a person or a program would, at the time a test sets."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from broker.cli import show
from broker.cli.app import app
from broker.clock import HOUR, Instant
from broker.runtimes.clock import SystemClock

COLUMNS = 80
"""Width of the terminal that commands believe in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said.

    Attributes:
        code: exit code.
        out: on standard output.
        errors: on standard error.
    """

    code: int
    out: str
    errors: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - a JSON document has any shape
        """The one JSON document of a command with `--json`."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the error in the JSON document."""
        return str(self.document["error"]["code"])


class Commands:
    """`concordat` on one installation.

    Args:
        root: the installation's folder.
        monkeypatch: sets the time and the terminal's width.
        at: the time, until `at` is set anew.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, at: Instant) -> None:
        self.root, self.at = root, at
        monkeypatch.setattr(SystemClock, "now", lambda _: self.at)
        monkeypatch.delenv("CONCORDAT_DIR", raising=False)
        for console in (show.screen, show.errors):
            monkeypatch.setattr(console, "_width", COLUMNS)

    def __call__(self, *words: str | Path, code: int = 0) -> Answer:
        """Run a command with `--dir`, and check its exit code."""
        return self.bare(*words, "--dir", self.root, code=code)

    def json(self, *words: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - as `document`
        """Run a command with `--dir` and `--json`; return its document."""
        return self(*words, "--json", code=code).document

    def bare(self, *words: str | Path, code: int = 0) -> Answer:
        """Run a command as it stands, and check its exit code."""
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        answer = Answer(done.exit_code, done.stdout, done.stderr)
        assert answer.code == code, (answer.out, answer.errors)
        return answer

    def later(self, hours: float) -> None:
        """Let time pass."""
        self.at = Instant(self.at + int(hours * HOUR))


def alter_last(store: Path, topic: str, at: int | None = None) -> int:
    """Change one byte of a topic's last message, by default in its middle; return its offset."""
    with sqlite3.connect(store) as database:
        row, place, value = database.execute(
            "SELECT m.rowid, m.place, m.value FROM messages m JOIN topics t ON t.id = m.topic "
            "WHERE t.name = ? ORDER BY m.place DESC LIMIT 1",
            (topic,),
        ).fetchone()
        where = len(value) // 2 if at is None else at
        changed = value[:where] + bytes((value[where] ^ 1,)) + value[where + 1 :]
        database.execute("UPDATE messages SET value = ? WHERE rowid = ?", (changed, row))
    database.close()
    return int(place)
