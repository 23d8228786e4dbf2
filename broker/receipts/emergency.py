"""Sent past the broker in an emergency: a minimised record, and the signed record that says so.

What goes to the recipient is both, sealed to it. The signed record (type `break-glass`) is the
local entry: the recipient believes the rest on its signature, and the source publishes the same
record by the ordinary way as soon as there is one, so that the log has it, later.

A recipient checks

(0) the seal
(1) that the entry is a record of the type, signed by its source
(2) that the minimised record is the one that the entry names, signed by the same source
(3) that the entry names a desk of this agency, and a role, a desk and slots of the revision's list
(4) that its time has not passed, and has begun
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from broker.access_log.codec import Codec, record
from broker.access_log.errors import LogError
from broker.access_log.parts import ProtocolPlace, Told, ToldObligation
from broker.access_log.ports import DeliveryId
from broker.clock import MINUTE, SECOND, Instant
from broker.errors import ConcordatError
from broker.protocol.clauses import Kind as Duty
from broker.protocol.clauses import span_text
from broker.protocol.emergency import Emergency
from broker.receipts.delivery import signed_by_source
from broker.receipts.errors import (
    GLASS_LATE,
    GLASS_LIST,
    GLASS_RECIPIENT,
    GLASS_SHAPE,
    GLASS_SOURCE,
    EmergencyRefused,
)
from broker.receipts.inbox import InboxRow
from broker.records.batches import BatchVerifier
from broker.records.digests import ID_BYTES, tag
from broker.records.envelope import Envelope, Minimised, decode_envelope, decode_minimised
from broker.records.errors import RecordRefused
from broker.records.keys import KeyRegistry
from broker.records.names import (
    FIRST_TYPE_SLOT,
    SLOT_SCHEMA,
    AgencyId,
    Partnership,
    RecordDigest,
    agency_of,
    desk_of,
)
from broker.records.schemas import RecordSchema, SchemaSet
from broker.records.sealing import Opener, Way

BREAK_GLASS = "break-glass"
PURPOSE = "emergency"
NOT_LOGGED = -1
"""Index of what is not in the log, as far as the recipient knows."""

SKEW = 5 * MINUTE
"""How far clocks may differ."""

_PACKAGE = Codec(record("EmergencyPackage", said="bytes", minimised="bytes"))
_ID = tag("emergency")


def emergency_way(source: str, agency: str) -> Way:
    """Return the way of what is sent past the broker."""
    return Way(PURPOSE, source, agency, PURPOSE)


@dataclass(frozen=True, slots=True)
class Package:
    """What goes to the recipient: the signed entry, and the minimised record."""

    said: Envelope
    minimised: bytes

    def encode(self) -> bytes:
        """Return the bytes, to be sealed."""
        return _PACKAGE.encode({"said": self.said.encode(), "minimised": self.minimised})


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a recipient verifies with; nothing of it comes with the package.

    Attributes:
        partnership: P.
        agency: who this is.
        opener: its private sealing keys.
        registry: agencies' keys, from the published protocol.
        position: how many entries of the protocol were read.
        head: the protocol's head at that position.
        schemas: all that are known.
        list_of: revision digest → what may be sent; raises if there is no such revision.
    """

    partnership: Partnership
    agency: AgencyId
    opener: Opener
    registry: KeyRegistry
    position: int
    head: bytes
    schemas: SchemaSet
    list_of: Callable[[bytes], Emergency | None]

    def take(self, sealed: bytes, source: str, at: Instant) -> InboxRow:
        """Verify a package and return the row that it makes.

        Raises:
            EmergencyRefused: the step's code.
        """
        said, body = self._opened(sealed, source)
        minimised = _decoded(body)
        entry, schema = self._signed(said, minimised)
        to = str(entry["to"])
        if agency_of(to) != self.agency:
            raise EmergencyRefused(GLASS_RECIPIENT)
        rule = self._listed(entry, to, schema, minimised)
        until = Instant(entry["until"])
        if at >= until or at + SKEW < entry["at"]:
            raise EmergencyRefused(GLASS_LATE)
        told = Told(
            "delivery",
            to,
            "content",
            minimised.opened(),
            (rule.clause,),
            (
                ToldObligation(Duty.DELETE_AFTER, span_text(_whole_seconds(until - at))),
                ToldObligation(Duty.NAMED_DESK_ONLY),
            ),
            entry["revision"],
            ProtocolPlace(self.position, self.head),
            desk_of(to),
        )
        name = DeliveryId(sha256(_ID + said.digest(self.partnership)).digest()[:ID_BYTES])
        return InboxRow(name, at, NOT_LOGGED, body, told)

    def _opened(self, sealed: bytes, source: str) -> tuple[Envelope, bytes]:
        try:
            fields = _PACKAGE.decode(self.opener.open(sealed, emergency_way(source, self.agency)))
            return decode_envelope(fields["said"]), fields["minimised"]
        except (RecordRefused, LogError) as error:
            raise EmergencyRefused(GLASS_SHAPE, error.code.name) from error

    def _signed(
        self, said: Envelope, minimised: Minimised
    ) -> tuple[Mapping[str, Any], RecordSchema]:
        of = (self.partnership, self.registry, BatchVerifier(self.partnership), self.position)
        try:
            signed_by_source(said, *of)
            digest = signed_by_source(minimised, *of)
            entry = entry_of(said, self.schemas)
            name = minimised.slots[SLOT_SCHEMA]
            schema = self.schemas.by_digest(b"" if isinstance(name, bytes) else name.value)
        except ConcordatError as error:
            raise EmergencyRefused(GLASS_SOURCE, error.code.name) from error
        same = said.head.agency == minimised.head.agency
        if entry is None or not same or RecordDigest(entry["digest"]) != digest:
            raise EmergencyRefused(GLASS_SOURCE)
        return entry, schema

    def _listed(
        self, entry: Mapping[str, Any], to: str, schema: RecordSchema, minimised: Minimised
    ) -> Emergency:
        try:
            rule = self.list_of(entry["revision"])
        except ConcordatError as error:
            raise EmergencyRefused(GLASS_LIST, error.code.name) from error
        opened = minimised.opened()
        if (
            rule is None
            or entry["role"] not in rule.roles
            or to not in rule.to
            or rule.opens(schema) != opened
            or tuple(entry["slots"]) != opened
            or entry["until"] - entry["at"] > rule.lasts
        ):
            raise EmergencyRefused(GLASS_LIST)
        return rule


def entry_of(said: Envelope, schemas: SchemaSet) -> Mapping[str, Any] | None:
    """Return what a signed entry says; None if it is a record of another type, or says nothing.

    Raises:
        RecordRefused: its schema is not known, or a slot does not hold what the schema says.
    """
    schema = schemas.by_digest(said.slots[SLOT_SCHEMA].value)
    if schema.type != BREAK_GLASS:
        return None
    found: Mapping[str, Any] | None = schema.slots[FIRST_TYPE_SLOT].decode(
        said.slots[FIRST_TYPE_SLOT].value
    )
    return found


def _decoded(body: bytes) -> Minimised:
    try:
        return decode_minimised(body)
    except RecordRefused as error:
        raise EmergencyRefused(GLASS_SHAPE, error.code.name) from error


def _whole_seconds(ms: int) -> int:
    return max(SECOND, ms - ms % SECOND)
