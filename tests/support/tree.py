"""The project's own tree, as tests read it."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The root of the checkout."""

_MADE = frozenset({"build", "dist", "site", "node_modules", "__pycache__"})
"""Folders that tools make. Hidden ones are left out too, but for `.ci`."""


def files(suffix: str = "", below: str = "") -> Iterator[Path]:
    """Yield the files that people wrote, by path.

    Args:
        suffix: only names that end so, for example `.py`.
        below: only this folder of the tree; it may be absent.
    """
    for folder, folders, names in os.walk(ROOT / below):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _MADE and (name == ".ci" or not name.startswith("."))
        )
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffix))
