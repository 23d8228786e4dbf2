"""A file system of a few megabytes, which can be filled to the last byte."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.services import Missing, do_without

CHUNK = 64 * 1024


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a small file system on `folder`, which is made; skip where that is not allowed."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        do_without(Missing("tmpfs", "only root may mount a small file system"))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def fill(folder: Path, left: int = 0) -> Path:
    """Fill the file system up to some last bytes; return the file to remove."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (CHUNK, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
        file.truncate(max(0, os.fstat(file.fileno()).st_size - left))
    return path
