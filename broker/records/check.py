"""The check of every message before anything else is done with it.

Steps, in this order, each the subject of a test. The numbers are those of `docs/formats.md`,
section 7; a step that fails raises its code and the message goes to quarantine.

(0) sizes and suite; the seal opens; the envelope is the one valid encoding
(1) the schema in slot 0 is known, allows the record's kind, and names the head's version
(2) the topic's agency is the record's agency
(3) the signing key is valid for that agency by log order
(4) slot digests → record digest → path → root: the signature fits
(5) issued no more than 14 days before, and five minutes after, it arrived
(6) labels and every slot of the schema decode strictly; the labels name the schema's type
(7) not seen: same id and values is a repeat (counted, dropped); same id, other values a conflict

(6) comes after (4) because values are hashed as received and decoded only then.
"""

from dataclasses import dataclass
from enum import Enum

from broker.clock import DAY, MINUTE, Instant
from broker.lanes import Received
from broker.records.batches import BatchVerifier
from broker.records.digests import values_digest
from broker.records.envelope import Envelope, decode_envelope, digest_of
from broker.records.errors import (
    CONFLICT,
    ISSUED_EARLY,
    ISSUED_LATE,
    LABELS,
    SCHEMA_KIND,
    SCHEMA_UNKNOWN,
    TOPIC,
    RecordRefused,
)
from broker.records.head import decode_identifiers, decode_labels
from broker.records.keys import KeyRegistry
from broker.records.names import (
    FIRST_TYPE_SLOT,
    SLOT_CONTACT,
    SLOT_LABELS,
    SLOT_SCHEMA,
    AgencyId,
    Partnership,
    RecordDigest,
)
from broker.records.schemas import RecordSchema, SchemaSet
from broker.records.sealing import RECORD, Opener, Way
from broker.records.statement import Identifiers, Labels

OLDEST_ISSUE = 14 * DAY
"""A record older than this on arrival is refused: the memory of seen ids reaches back 15 days."""

LATEST_ISSUE = 5 * MINUTE
"""Clock skew allowed between an adapter and the broker."""

ROUTER = AgencyId("router")
"""The name that records are sealed to; no agency may bear it."""

RECORD_PURPOSE = RECORD
"""What a record is sealed for."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record that passed steps (0) to (6).

    Attributes:
        received: the message it came in.
        envelope: all slots open.
        digests: of every slot.
        digest: r.
        schema: its type's schema.
        labels: what policy may see.
        identifiers: of its subject.
    """

    received: Received
    envelope: Envelope
    digests: tuple[bytes, ...]
    digest: RecordDigest
    schema: RecordSchema
    labels: Labels
    identifiers: Identifiers

    @property
    def agency(self) -> AgencyId:
        """The source."""
        return self.envelope.head.agency


@dataclass(frozen=True, slots=True)
class Checker:
    """What the check stands on; the same for every record of a batch.

    Attributes:
        partnership: P.
        opener: holds the routers' private keys.
        schemas: all schemas known.
        registry: agencies' keys.
        verifier: batch signatures, with its bounded memory.
        seen_key: secret of the routers, for the memory of seen values.
    """

    partnership: Partnership
    opener: Opener
    schemas: SchemaSet
    registry: KeyRegistry
    verifier: BatchVerifier
    seen_key: bytes

    def check(self, received: Received, position: int) -> Accepted:
        """Run steps (0) to (6) on one message.

        Args:
            received: the message.
            position: how much of the `protocol` topic was read.

        Raises:
            RecordRefused: the step's code.
        """
        topic = received.message.topic
        sender = topic.partition(".")[2]
        # (0) sizes, suite, seal, encoding
        way = Way(RECORD_PURPOSE, sender, ROUTER, topic)
        envelope = decode_envelope(self.opener.open(received.message.value, way))
        return self.check_envelope(envelope, sender, received, position)

    def check_envelope(
        self, envelope: Envelope, sender: str, received: Received, position: int
    ) -> Accepted:
        """Run steps (1) to (6): all that can be done again from what the broker keeps.

        Args:
            envelope: what was sealed.
            sender: the agency of the topic it came on.
            received: the message, or what is known of it.
            position: how much of the `protocol` topic was read.

        Raises:
            RecordRefused: the step's code.
        """
        head = envelope.head
        # (1) schema, kind, version of the head
        schema = self.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
        if head.kind not in schema.kinds:
            raise RecordRefused(SCHEMA_KIND, f"{schema.type}: {head.kind.word}")
        if head.head_version != schema.head:
            raise RecordRefused(SCHEMA_UNKNOWN, "head version")
        # (2) topic's agency
        if head.agency != sender:
            raise RecordRefused(TOPIC, received.message.topic)
        # (3) key, by log order
        issued = Instant(head.issued_at)
        key = self.registry.signing_key(
            head.agency,
            envelope.batch.key_id,
            position=position,
            arrived=received.at,
            issued=issued,
        )
        # (4) slots → digests → r → path → root → signature
        digests = envelope.digests(self.partnership)
        digest = digest_of(self.partnership, head, digests)
        self.verifier.verify(digest, envelope.batch, head.agency, key)
        # (5) time of issue
        refuse_wrong_time(issued, received.at)
        # (6) labels and slots
        return self._read(received, envelope, digests, digest)

    def reread(self, envelope: Envelope, received: Received) -> Accepted:
        """Return a record that was accepted before, for a later decision: step (6) alone.

        Raises:
            RecordRefused: only if what was kept has been damaged.
        """
        digests = envelope.digests(self.partnership)
        digest = digest_of(self.partnership, envelope.head, digests)
        return self._read(received, envelope, digests, digest)

    def _read(
        self,
        received: Received,
        envelope: Envelope,
        digests: tuple[bytes, ...],
        digest: RecordDigest,
    ) -> Accepted:
        schema = self.schemas.by_digest(envelope.slots[SLOT_SCHEMA].value)
        head_schema = self.schemas.head(schema.head)
        labels = decode_labels(head_schema, envelope.slots[SLOT_LABELS].value)
        if labels.type != schema.type:
            raise RecordRefused(LABELS, "labels.type")
        identifiers = decode_identifiers(head_schema, envelope.slots)
        head_schema.slots[SLOT_CONTACT].decode(envelope.slots[SLOT_CONTACT].value)
        for number, spec in schema.slots.items():
            spec.decode(envelope.slots[number].value)
        return Accepted(received, envelope, digests, digest, schema, labels, identifiers)

    def memory(self, accepted: Accepted) -> bytes:
        """Return what is remembered of a record: a keyed digest of values, kind, supersedes.

        Spare slots are left out: they hold fresh random bytes every time.
        """
        slots = accepted.envelope.slots
        said = (*range(FIRST_TYPE_SLOT), *sorted(accepted.schema.slots))
        head = accepted.envelope.head
        values = tuple(slots[number].value for number in said)
        return values_digest(self.seen_key, values, bytes((head.kind,)), head.supersedes)


class Seen(Enum):
    """What step (7) finds of an accepted record that is not new and not in conflict."""

    NEW = "new"
    REPEAT = "repeat"


def compare_seen(memory: bytes, remembered: bytes | None) -> Seen:
    """Run step (7).

    Raises:
        RecordRefused: `record.conflict`.
    """
    if remembered is None:
        return Seen.NEW
    if remembered == memory:
        return Seen.REPEAT
    raise RecordRefused(CONFLICT, "record_id")


def refuse_wrong_time(issued: Instant, arrived: Instant) -> None:
    """Run step (5).

    Raises:
        RecordRefused: `record.issued.old` or `record.issued.future`.
    """
    if issued < arrived - OLDEST_ISSUE:
        raise RecordRefused(ISSUED_EARLY, "issued_at_ms")
    if issued > arrived + LATEST_ISSUE:
        raise RecordRefused(ISSUED_LATE, "issued_at_ms")
