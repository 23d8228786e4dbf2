"""The batch in work: what was recalled for it, what it has become so far."""

from collections import Counter
from dataclasses import dataclass, field

from broker.access_log.decided import Archive, Decided, DecidedLeaf
from broker.lanes import Message, Received
from broker.records.names import RecordDigest
from broker.routing.host import Outputs, Recalled
from broker.routing.intake import cause_of

DECIDED = "decided"

Rows = dict[tuple[str, bytes], bytes]


@dataclass(slots=True)
class Work:
    """Outputs of one batch, in order.

    Attributes:
        recalled: rows as committed, with those of batches whose commit is under way.
        recalled_keys: record keys of held records.
        messages: to commit.
        rows: rows of compacted topics that this batch has written.
        keys: record keys that this batch has made.
        counts: what happened, by name.
        registers_changed: a register entry is among the messages.
    """

    recalled: Rows
    recalled_keys: dict[RecordDigest, bytes]
    messages: list[Message] = field(default_factory=list)
    rows: Rows = field(default_factory=dict)
    keys: dict[RecordDigest, bytes] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    registers_changed: bool = False

    def put(self, message: Message) -> None:
        """Write a row of a compacted topic; later messages of the batch see it."""
        self.rows[message.topic, message.key] = message.value
        self.messages.append(message)

    def row(self, topic: str, key: bytes) -> bytes | None:
        """Return a row's value; None if there is none, or it was removed."""
        name = (topic, key)
        value = self.rows[name] if name in self.rows else self.recalled.get(name)
        return value or None

    def visible(self) -> Rows:
        """Return all rows, this batch's own on top."""
        return {**self.recalled, **self.rows}

    def key(self, record: RecordDigest) -> bytes | None:
        """Return a record's key; None if it was erased."""
        return self.keys.get(record) or self.recalled_keys.get(record)

    def log(self, received: Received, leaves: list[DecidedLeaf], archive: Archive | None) -> None:
        """Hand a message's entries to the sequencer."""
        decided = Decided(cause_of(received), archive, tuple(leaves))
        self.messages.append(Message(DECIDED, received.message.key, decided.encode()))

    def outputs(self) -> Outputs:
        """Return what is to be committed."""
        counts = {name: number for name, number in self.counts.items() if number}
        return Outputs(tuple(self.messages), self.keys, self.registers_changed, counts)


class Recent:
    """Rows and keys of the last two batches: what is in work may not be committed yet."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._rows: list[Rows] = [{}, {}]
        self._keys: list[dict[RecordDigest, bytes]] = [{}, {}]

    def begin(self, recalled: Recalled) -> Work:
        """Return an empty work that sees what was recalled and what is recent."""
        rows = {**recalled.rows, **self._rows[0], **self._rows[1]}
        return Work(rows, {**recalled.keys, **self._keys[0], **self._keys[1]})

    def keep(self, work: Work) -> None:
        """Remember a batch instead of the one before the last."""
        self._rows = [self._rows[1], work.rows]
        self._keys = [self._keys[1], work.keys]
