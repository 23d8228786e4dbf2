"""Files: the log's store in a directory of a local file system.

What lives here: `FileTileStore`. It knows names, bytes, durability and the one swap, and nothing of
trees. Who may import it: `broker.runtimes` and tests.
"""

from broker.backends.files.store import FileTileStore

__all__ = ["FileTileStore"]
