"""Refuse network file systems: SQLite's write-ahead log needs locks and memory that they lack."""

from pathlib import Path

from broker.backends.filesystem import network_type
from broker.backends.sqlite.errors import NETWORK, StoreError


def refuse_network(path: Path) -> None:
    """Raise if the path lies on a network file system.

    A system that does not list its mounts in `/proc` is not checked.

    Raises:
        StoreError: it does; `where` names path and type.
    """
    kind = network_type(path)
    if kind:
        raise StoreError(NETWORK, f"{path}, {kind}")
