"""The port to the core: where it runs, and how it is stopped when it hangs or crashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broker.clock import Instant
from broker.errors import Code, ConcordatError
from broker.lanes import Message, Received
from broker.records.names import RecordDigest

CORE_FAILED = Code(
    "router.core",
    "The core crashed, or worked longer than it may, on a batch.",
    "The batch is halved until the message that does it is found and quarantined.",
)
INTERNAL = Code(
    "router.internal",
    "The broker could not work on this message.",
    "The message is kept; tell the operator, and retry it after an update.",
)


class CoreFailed(ConcordatError):  # noqa: N818 - what happened; the router bisects on it
    """The core is gone, with all state: it must be taught anew."""

    def __init__(self, where: str = "") -> None:
        """Name the step in `where`."""
        super().__init__(CORE_FAILED, where)


@dataclass(frozen=True, slots=True)
class Needs:
    """What the core must be told of a batch that it has opened, before it can decide.

    Attributes:
        rows: topic → keys of rows to recall.
        prefixes: topic → prefixes: every row whose key begins so.
        keys_of: topics whose rows begin with a record digest: those records' keys are needed too.
        records: records of the batch itself, which may have a key from a commit that failed.
    """

    rows: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    prefixes: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    keys_of: frozenset[str] = frozenset()
    records: frozenset[RecordDigest] = frozenset()


@dataclass(frozen=True, slots=True)
class Recalled:
    """The answer to `Needs`.

    Attributes:
        rows: (topic, key) → value; absent rows are left out.
        keys: record keys; those of erased records are left out.
    """

    rows: Mapping[tuple[str, bytes], bytes] = field(default_factory=dict)
    keys: Mapping[RecordDigest, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a batch becomes.

    Attributes:
        messages: to commit, all in the broker's store.
        keys: new record keys; durable before the commit.
        registers_changed: whether register entries are among the messages.
        counts: what happened, by name, for figures and the report; no values.
    """

    messages: tuple[Message, ...] = ()
    keys: Mapping[RecordDigest, bytes] = field(default_factory=dict)
    registers_changed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


class CoreHost(Protocol):
    """A core, somewhere. Every call raises `CoreFailed` if it crashed or took too long."""

    async def learn(self, protocol: Sequence[Received], registers: Sequence[Received]) -> None:
        """Tell the core what is new on the two topics, in order."""
        ...

    async def open(self, messages: Sequence[Received]) -> Needs:
        """Open and check a batch; say what else must be known."""
        ...

    async def decide(self, recalled: Recalled) -> Outputs:
        """Decide the batch that was opened last."""
        ...

    async def give_up(self, message: Received) -> Outputs:
        """Quarantine a message that makes the core fail, without looking into it."""
        ...

    async def look_back(self) -> Needs:
        """Ask what must be recalled to see whether time has ended what held records back."""
        ...

    async def sweep(self, recalled: Recalled, at: Instant) -> Outputs:
        """Decide afresh what is held and is no longer stopped."""
        ...

    async def restart(self) -> None:
        """Throw the core away with all that it knows, and begin with an empty one."""
        ...
