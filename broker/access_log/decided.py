"""`Decided`: what the router hands to the sequencer for one message that it decided.

It has two halves. What is *kept* (commitments, sealed parts, rows, the archived record) goes into
the log's openings as it stands, without being encoded again; what is *released* waits until its
entry is in the tree, and is not kept (`docs/log-format.md`, section 7).
"""

from dataclasses import dataclass
from typing import Any, Self

from broker.access_log.codec import Codec, Fields, array, hash_type, record
from broker.access_log.entry import DELIVERY_ID_BYTES
from broker.access_log.errors import FORM, SHAPE, LogError
from broker.access_log.ports import Row
from broker.access_log.tiles import ENTRY_BYTES
from broker.clock import Instant
from broker.records.names import RecordDigest

KEY_BYTES = 8
"""Size of a message key."""

MOST_ENTRIES = 4_096
"""Entries of one message at most: every agency of a large partnership and its desks, many times
over; a message that asks for more is a fault of the router and stops the log."""

KEPT = Codec(
    record(
        "Kept",
        cause=hash_type(),
        archive=["null", record("Archive", record="Hash", sealed="bytes")],
        entries=array(
            record(
                "Entry",
                leaf=hash_type("Leaf", ENTRY_BYTES),
                facts="bytes",
                personal="bytes",
                record=["null", "Hash"],
                topic="string",
                kind="string",
                at_ms="long",
                source="string",
                consumer="string",
                outcome="string",
                type="string",
                clauses=array("string"),
                tokens=array(hash_type("Id", DELIVERY_ID_BYTES)),
            )
        ),
    ),
    unknown=FORM,
)
DECIDED = Codec(
    record(
        "Decided",
        kept="bytes",
        releases=array(
            record(
                "Release",
                entry="int",
                topic="string",
                key=hash_type("Key", KEY_BYTES),
                sealed="bytes",
            )
        ),
    ),
    unknown=FORM,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A record as the broker keeps it, sealed under the record's own key."""

    record: RecordDigest
    sealed: bytes

    def fields(self) -> Fields:
        """Return the fields of `Archive`."""
        return {"record": self.record, "sealed": self.sealed}

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Return the archive in fields of `Archive`."""
        return cls(RecordDigest(fields["record"]), fields["sealed"])


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One entry as the log keeps it.

    Attributes:
        leaf: 96 bytes, three commitments.
        facts: `Opening`, sealed under the log's key.
        personal: `PrivateOpening`, sealed under the record's key, or the log's if there is none.
        record: r of the record that the entry is about; None if it is about none.
        topic: where something was released to; empty if nothing was.
        row: what the index holds.
    """

    leaf: bytes
    facts: bytes
    personal: bytes
    record: RecordDigest | None
    topic: str
    row: Row


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that the log keeps of one message.

    Attributes:
        cause: digest of the message that made us decide.
        archive: the record, if it was accepted with this message.
        entries: one or more.
    """

    cause: bytes
    archive: Archive | None
    entries: tuple[KeptEntry, ...]

    def encode(self) -> bytes:
        """Return the bytes that lie in the openings object."""
        return KEPT.encode(
            {
                "cause": self.cause,
                "archive": None if self.archive is None else self.archive.fields(),
                "entries": [_entry_fields(entry) for entry in self.entries],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what stands in `data`.

        Raises:
            LogError: `log.shape`; not the one valid encoding, or the number of entries.
        """
        fields = KEPT.decode(data)
        entries = tuple(_entry_of(entry) for entry in fields["entries"])
        if not 0 < len(entries) <= MOST_ENTRIES:
            raise LogError(SHAPE, "number of entries")
        archive: dict[str, Any] | None = fields["archive"]
        return cls(
            cause=fields["cause"],
            archive=None if archive is None else Archive.of(archive),
            entries=entries,
        )


def _entry_fields(entry: KeptEntry) -> Fields:
    row = entry.row
    return {
        "leaf": entry.leaf,
        "facts": entry.facts,
        "personal": entry.personal,
        "record": entry.record,
        "topic": entry.topic,
        "kind": row.kind,
        "at_ms": row.at,
        "source": row.source,
        "consumer": row.consumer,
        "outcome": row.outcome,
        "type": row.type,
        "clauses": row.clauses,
        "tokens": row.tokens,
    }


def _entry_of(fields: Fields) -> KeptEntry:
    return KeptEntry(
        leaf=fields["leaf"],
        facts=fields["facts"],
        personal=fields["personal"],
        record=fields["record"],
        topic=fields["topic"],
        row=Row(
            kind=fields["kind"],
            at=Instant(fields["at_ms"]),
            source=fields["source"],
            consumer=fields["consumer"],
            outcome=fields["outcome"],
            type=fields["type"],
            clauses=tuple(fields["clauses"]),
            tokens=tuple(fields["tokens"]),
        ),
    )


@dataclass(frozen=True, slots=True)
class Release:
    """What one consumer gets once the entry is in the log.

    Attributes:
        topic: for example `deliveries.eastshire-council`.
        key: 8 bytes that tell nothing.
        sealed: for the consumer's eyes.
    """

    topic: str
    key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DecidedLeaf:
    """One entry as the router makes it; see `KeptEntry` for what each part is."""

    leaf: bytes
    facts: bytes
    personal: bytes
    row: Row
    record: RecordDigest | None = None
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The router's message on `decided`: one for each message accepted or quarantined.

    Attributes:
        cause: digest of the message that made us decide.
        archive: the record, sealed under its own key, if it was accepted.
        leaves: one or more entries; they stand in the log in this order, next to each other.
    """

    cause: bytes
    archive: Archive | None
    leaves: tuple[DecidedLeaf, ...]

    def encode(self) -> bytes:
        """Return the message's value.

        Raises:
            LogError: `log.shape`; no entry, too many, or a leaf or key of another size.
        """
        if not 0 < len(self.leaves) <= MOST_ENTRIES:
            raise LogError(SHAPE, "number of entries")
        kept = Kept(
            self.cause,
            self.archive,
            tuple(
                KeptEntry(
                    leaf=leaf.leaf,
                    facts=leaf.facts,
                    personal=leaf.personal,
                    record=leaf.record,
                    topic=leaf.release.topic if leaf.release else "",
                    row=leaf.row,
                )
                for leaf in self.leaves
            ),
        )
        releases = [
            {
                "entry": number,
                "topic": leaf.release.topic,
                "key": leaf.release.key,
                "sealed": leaf.release.sealed,
            }
            for number, leaf in enumerate(self.leaves)
            if leaf.release is not None
        ]
        try:
            return DECIDED.encode({"kept": kept.encode(), "releases": releases})
        except ValueError as error:
            raise LogError(SHAPE, "leaf or key") from error


@dataclass(frozen=True, slots=True)
class Handed:
    """A `Decided` as sequencer and releaser read it.

    Attributes:
        kept: the bytes that the log keeps, an encoded `Kept`.
        releases: number of the entry within the message, and what waits for it.
    """

    kept: bytes
    releases: tuple[tuple[int, Release], ...]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return both halves of a message's value.

        Raises:
            LogError: `log.shape`.
        """
        fields = DECIDED.decode(data)
        releases = tuple(
            (one["entry"], Release(one["topic"], one["key"], one["sealed"]))
            for one in fields["releases"]
        )
        return cls(fields["kept"], releases)
