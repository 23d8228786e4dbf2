"""Opening what the log keeps: the port to whoever holds keys, and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from broker.access_log.decided import Kept, KeptEntry
from broker.access_log.entry import Leaf, Opening
from broker.access_log.parts import Facts, Personal
from broker.access_log.ports import LeafIndex


class Closed(Enum):
    """Why a sealed part stays closed."""

    NO_KEY = "no key"
    """Whoever looks was not given the key."""

    ERASED = "erased"
    """The record's key is destroyed."""

    BROKEN = "broken"
    """There is a key, and the bytes do not open with it."""


Part = bytes | Closed
"""What was sealed, or why it cannot be had."""


@dataclass(frozen=True, slots=True)
class UnsealedEntry:
    """An entry's parts.

    Attributes:
        facts: bytes of an `Opening`.
        private: bytes of a `PrivateOpening`.
    """

    facts: Part
    private: Part


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What the log keeps of one message, as far as it opens.

    Attributes:
        archive: the record's envelope; None if none is kept.
        entries: in the order of the leaves.
    """

    archive: Part | None
    entries: tuple[UnsealedEntry, ...]


class PartOpener(Protocol):
    """Holds keys: the log's, and those of records."""

    async def open(self, messages: Sequence[Kept]) -> Sequence[Unsealed]:
        """Return what each message's sealed parts hold, as far as there are keys.

        Raises:
            Unavailable: the keys cannot be reached now.
        """
        ...


class NoKeys:
    """Opens nothing: for those who check the tree alone, with public keys."""

    async def open(self, messages: Sequence[Kept]) -> Sequence[Unsealed]:
        """Return that every part stays closed."""
        closed = UnsealedEntry(Closed.NO_KEY, Closed.NO_KEY)
        return [
            Unsealed(Closed.NO_KEY if kept.archive else None, (closed,) * len(kept.entries))
            for kept in messages
        ]


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """An entry whose open parts fit its commitments.

    Attributes:
        index: its leaf.
        leaf: its commitments; the told one fits only if who may see the record makes it again.
        kept: as the log keeps it.
        facts: None if closed.
        personal: None if closed, or if the entry has none.
        told: salt and bytes of the told decision; None if closed.
    """

    index: LeafIndex
    leaf: Leaf
    kept: KeptEntry
    facts: Facts | None
    personal: Personal | None
    told: Opening | None


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """One message of the log, opened as far as there are keys.

    Attributes:
        cause: digest of the message that made us decide.
        archive: the record's envelope; None if none is kept or it is closed.
        erased: whether the record was kept and is erased.
        entries: in the order of their leaves.
    """

    cause: bytes
    archive: bytes | None
    erased: bool
    entries: tuple[OpenedEntry, ...]
