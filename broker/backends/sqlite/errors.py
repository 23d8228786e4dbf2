"""What can be wrong with a file of ours beyond being out of reach for the moment."""

from broker.errors import Code, ConcordatError

FOREIGN = Code(
    "store.foreign",
    "This file is not the Concordat file that belongs here.",
    "Check the directory; to start anew, make an installation in an empty one.",
)
NEWER = Code(
    "store.newer",
    "A newer version of Concordat wrote this file.",
    "Install that version or a later one.",
)
OLDER = Code(
    "store.older",
    "An older version of Concordat wrote this file, and it is open for reading only.",
    "Start the process that owns the file once; it brings the file up to date.",
)
MISSING = Code(
    "store.missing",
    "There is no such file.",
    "Check the directory, or make an installation there with `concordat init`.",
)
DAMAGED = Code(
    "store.damaged",
    "The file is damaged.",
    "Stop every process that uses it and restore it from a copy; then run `concordat log verify`.",
)
NETWORK = Code(
    "store.network-file-system",
    "The file would lie on a network file system, where its locks do not hold.",
    "Choose a directory on a disk of this machine.",
)
SHAPE = Code(
    "store.shape",
    "A topic was made with another number of shards, or as another kind, than the settings say.",
    "Set it back: a topic keeps its shape for ever.",
)
SHORTENED = Code(
    "store.shortened",
    "More of a topic was consumed than it ever held: its file was replaced by an older one.",
    "Restore the stores of one installation together, from the same moment.",
)
MASTER_KEY = Code(
    "store.master-key",
    "The record keys in this file lie under another master key.",
    "Start with the master key of this installation.",
)


class StoreError(ConcordatError):
    """A file that is not as it must be: trying again does not help."""
