# ruff: noqa: INP001 - run as a program
"""Make the empty folders that containers mount their volumes on, one a party.

    python mount_points.py FOLDER

Docker gives a new volume the owner of the folder in the image that it is first mounted on. So the
image has these folders, owned by the user that the processes run as.
"""

import sys
from pathlib import Path

from ruamel.yaml import YAML

from broker import shipped

COUNTY = "eastshire"
SHARED = ("broker", "officers", "stream")


def agencies() -> list[str]:
    """Return the agencies of the protocol that the image ships."""
    protocol = shipped.policies() / "protocols" / COUNTY / "protocol.yaml"
    return [one["id"] for one in YAML(typ="safe").load(protocol)["agencies"]]


def make(folder: Path) -> None:
    """Make the folders, readable by their owner alone."""
    for below in (*SHARED, *(f"agencies/{agency}" for agency in agencies())):
        (folder / below).mkdir(parents=True)
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o700)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
