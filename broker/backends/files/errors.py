"""What can be wrong with the directory of a log beyond being out of reach for the moment."""

from broker.errors import Code, ConcordatError

NETWORK = Code(
    "log.store.network-file-system",
    "The log would lie on a network file system, where its locks do not hold.",
    "Choose a directory on a disk of this machine.",
)


class FileStoreError(ConcordatError):
    """A directory that is not as it must be: trying again does not help."""
