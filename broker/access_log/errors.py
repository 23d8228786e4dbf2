"""What can be wrong with the log, its stores and its proofs. Each code is stable."""

from broker.errors import Code, ConcordatError

STORE_CONFLICT = Code(
    "log.store.conflict",
    "Other bytes stand already where the log writes once and never again.",
    "Stop writing and run `concordat log verify`: it names the first place that is wrong.",
)
SWAP_LOST = Code(
    "log.swap.lost",
    "Another sequencer has moved the log on.",
    "Drop what was in work and read the log's state afresh; run one sequencer only.",
)
INDEX_GAP = Code(
    "log.index.gap",
    "Rows for the index do not begin where it ends.",
    "Rebuild the index from the log.",
)
KEY_CONFLICT = Code(
    "log.key.conflict",
    "Another key is kept already for this record.",
    "Read the kept key and seal again with that.",
)
ERASED = Code(
    "log.key.erased",
    "The record was erased: its key is destroyed.",
    "Nothing can open it again; the entry itself stands.",
)
SHAPE = Code(
    "log.shape",
    "Bytes of the log are not encoded as the format says.",
    "Restore this file from a copy, then run `concordat log verify` again.",
)
FORM = Code(
    "log.form",
    "A part of another version has written a message in a form that is not known here.",
    "It waits where it is. Bring this part to the version of the part that wrote it, then start "
    "it again.",
)
PROOF_SHAPE = Code(
    "log.proof.shape",
    "The proof is not written as the format says.",
    "Ask for the delivery again; if it comes back, tell the partnership who runs the log.",
)
PROOF_INCLUSION = Code(
    "log.proof.inclusion",
    "The proof does not show that the entry stands in the log.",
    "Do not use the delivery; tell the partnership, which must explain it.",
)
PROOF_CONSISTENCY = Code(
    "log.proof.consistency",
    "The log does not continue the one that was seen before.",
    "Keep both checkpoints and tell the partnership: the log was rewritten or split.",
)
NOTE_SHAPE = Code(
    "log.note.shape",
    "The signed note is not written as the format says.",
    "Fetch the checkpoint again; if it comes back, tell the partnership who runs the log.",
)
NOTE_SIGNATURE = Code(
    "log.note.signature",
    "The checkpoint is not signed by a key of this log.",
    "Check that the log's keys are those of the partnership's current root.",
)
NOTE_ORIGIN = Code(
    "log.note.origin",
    "The checkpoint belongs to another log.",
    "Check which partnership this is meant for.",
)
ROOT = Code(
    "log.root",
    "The log's parts do not lead to the root that its checkpoint vouches for.",
    "Restore the log from a copy, then run `concordat log verify`: it names the first wrong place.",
)
MISSING = Code(
    "log.missing",
    "A file of the log is missing.",
    "Restore it from a copy; tiles, bundles and descriptors of the last batch are written again "
    "when the sequencer starts.",
)
OPENINGS_DIGEST = Code(
    "log.openings.digest",
    "An openings object is not the one that its batch names.",
    "Restore this file from a copy, then run `concordat log verify` again.",
)
ORIGIN = Code(
    "log.origin",
    "A message that the log counts as its own stands in none of its batches.",
    "Run `concordat log verify`; nothing more of this lane is released until that is explained.",
)
LEAF = Code(
    "log.leaf",
    "The leaf in the tree is not the one that its openings belong to.",
    "Restore bundle and openings from a copy, then run `concordat log verify` again.",
)
TILE = Code(
    "log.tile",
    "A tile does not hold the hashes of the entries below it.",
    "Remove the tile and start the sequencer, or restore it from a copy.",
)
BATCH = Code(
    "log.batch",
    "A batch does not follow on the one before it.",
    "Restore its descriptor from a copy, then run `concordat log verify` again.",
)
SEALED = Code(
    "log.sealed",
    "What is sealed beside an entry was altered: it does not open.",
    "Restore the openings object from a copy, then run `concordat log verify` again.",
)
COMMITMENT = Code(
    "log.commitment",
    "What is kept of an entry is not what the entry committed to.",
    "Keep a copy of the log and find out who changed it: this does not happen by itself.",
)
ROW = Code(
    "log.row",
    "What can be searched of an entry is not what its facts say.",
    "Keep a copy of the log and find out who changed it; search results may mislead.",
)
INDEX = Code(
    "log.index",
    "The index does not hold what the log holds.",
    "Rebuild the index from the log.",
)
DELIVERY_TWICE = Code(
    "log.delivery.twice",
    "Two deliveries were released for one entry.",
    "Find out who writes to the deliveries' topics beside the releaser.",
)
DELIVERY_TOPIC = Code(
    "log.delivery.topic",
    "A delivery was released where its entry does not say.",
    "Treat it as a disclosure to the wrong consumer, and find out who published it.",
)
DELIVERY_CHECKPOINT = Code(
    "log.delivery.checkpoint",
    "A delivery's proof rests on a checkpoint that is signed but not of this log's history.",
    "Keep the delivery and the log: the log's key has vouched for two histories.",
)
LOG_OLDER = Code(
    "log.older",
    "The log's store is older than the topics: entries that were made are missing from it.",
    "Nothing was signed. Put back a copy of the log's store that is not older than the topics, "
    "then start again; never begin a new log, for the old one was published.",
)
TOPICS_OLDER = Code(
    "log.topics-older",
    "The topics are older than the log: messages that the log took in are not there any more.",
    "Nothing was signed or released. Put back a copy of the topics that is not older than the log, "
    "then start again.",
)
TAKEN_BACK = Code(
    "log.taken-back",
    "Steps of the log that this agency has followed are published no more, or others are.",
    "Nothing was taken in. Tell the partnership: the broker was put back to an older state, or "
    "shows another log. It must put back a newer copy.",
)
DEAD = Code(
    "log.sequencer.dead",
    "This sequencer or releaser has failed and must not go on.",
    "Acquire its lanes again and open a new one.",
)


EVIDENCE = Code(
    "evidence.shape",
    "The file is no evidence, or it was damaged or cut short.",
    "Ask whoever made it for another copy; what is in this one shows nothing.",
)


WITNESS_ROLLBACK = Code(
    "witness.rollback",
    "The log shows a smaller size than a witness has cosigned.",
    "Tell the partnership: the log was put back to an older state. It must put back a newer copy; "
    "the witness signs nothing until then.",
)
WITNESS_SPLIT = Code(
    "witness.split-view",
    "The log has signed two roots for one size: it shows its readers different histories.",
    "Keep both checkpoints, they are in the alarm: each signatory can check that the log's key "
    "signed both. Stop the broker until that is explained.",
)
WITNESS_FORK = Code(
    "witness.inconsistent",
    "The log does not continue what a witness has cosigned.",
    "Keep both checkpoints, they are in the alarm. Stop the broker until the signatories know who "
    "rewrote the log.",
)
WITNESS_REPLAY = Code(
    "witness.replay",
    "The checkpoint is the one that was cosigned already.",
    "Nothing needs doing: it is not cosigned twice.",
)
WITNESS_LOST = Code(
    "witness.state-lost",
    "The witness has cosigned more of the log than it remembers.",
    "Put back the newest copy of the agency's folder. If there is none, look that nobody else uses "
    "its keys, then run `concordat log witness AGENCY --confirm REASON`.",
)
WITNESS_COSIGNATURE = Code(
    "witness.cosignature",
    "A cosignature is not one by a key that this agency has for witnessing.",
    "It counts for nothing. If it comes back, find out who writes to the topic of cosignatures.",
)
WITNESS_ALARM = Code(
    "witness.alarm",
    "An alarm is not signed by the agency that it names.",
    "It counts for nothing. If it comes back, find out who writes to the topic of alarms.",
)


class LogError(ConcordatError):
    """The log cannot do what was asked, or does not add up."""


class StoreConflict(LogError):  # noqa: N818 - the port's own word; what happened
    """A path that is written once holds other bytes."""

    def __init__(self, where: str = "") -> None:
        """Name the path in `where`."""
        super().__init__(STORE_CONFLICT, where)


class SwapLost(LogError):  # noqa: N818 - as above
    """The commit record is no longer the one that was to be replaced."""

    def __init__(self, where: str = "") -> None:
        """Name the store in `where`."""
        super().__init__(SWAP_LOST, where)


class IndexGap(LogError):  # noqa: N818 - as above
    """Rows would leave a hole in the index."""

    def __init__(self, where: str = "") -> None:
        """Name sizes in `where`."""
        super().__init__(INDEX_GAP, where)


class KeyConflict(LogError):  # noqa: N818 - as above
    """A record has one key, and another one was offered."""

    def __init__(self, where: str = "") -> None:
        """Say in `where` what was done."""
        super().__init__(KEY_CONFLICT, where)


class Erased(LogError):  # noqa: N818 - as above
    """The record's key is destroyed."""

    def __init__(self, where: str = "") -> None:
        """Say in `where` what was done."""
        super().__init__(ERASED, where)
