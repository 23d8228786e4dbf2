"""Alarms of witnesses: what one agency has seen of the log, told to all, and signed by it.

An alarm brings the signed notes that show it, so that nobody has to believe the agency: two
checkpoints of one size with two roots, both signed by the log's key, are proof by themselves. It
stands until the agency that raised it says that a person has looked into it, and why it is settled.

    Alarm = key_id ‖ signature ‖ body; signed: T("alarm") ‖ P ‖ body, raw Ed25519

See `docs/witnesses.md`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.access_log.codec import Codec, array, hash_type, record
from broker.access_log.errors import SHAPE, WITNESS_ALARM, LogError
from broker.access_log.notes import MOST_NOTE_BYTES
from broker.clock import Instant
from broker.lanes import Received
from broker.records.batches import key_id_of
from broker.records.digests import tag
from broker.records.errors import RecordRefused
from broker.records.names import AgencyId, KeyId, Partnership, is_agency_id

ALARMS = "alarms"
"""The public topic; one shard."""

MOST_SAID = 500
"""Characters that a person may say of why an alarm is settled: a sentence or two, no case."""

MOST_NOTES = 4
"""Notes that an alarm brings at most; two show a split."""

MOST_BYTES = MOST_NOTES * MOST_NOTE_BYTES + 4096
"""Size of an alarm at most."""

_SIGNED = tag("alarm")
_HASH_BYTES = 32
_CODEC = Codec(
    record("Alarm", key_id=hash_type(), signature=hash_type("Signature", 64), body="bytes")
)
_BODY = Codec(
    record(
        "AlarmBody",
        agency="string",
        code="string",
        at_ms="long",
        size="long",
        notes=array("bytes"),
        settles="bytes",
        said="string",
    )
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """What an agency tells all others about the log.

    Attributes:
        agency: which.
        code: `witness.*`; what it has seen, or what it settles.
        at: when.
        size: of the log, as the witness last cosigned it.
        notes: signed notes that show it.
        settles: id of an alarm of its own that is explained now; empty for an alarm.
        said: why it is explained; empty for an alarm.
    """

    agency: AgencyId
    code: str
    at: Instant
    size: int
    notes: tuple[bytes, ...] = ()
    settles: bytes = b""
    said: str = ""

    def sign(self, partnership: Partnership, key: Ed25519PrivateKey) -> bytes:
        """Return the message's value."""
        body = _BODY.encode(
            {
                "agency": self.agency,
                "code": self.code,
                "at_ms": self.at,
                "size": self.size,
                "notes": self.notes,
                "settles": self.settles,
                "said": self.said,
            }
        )
        return _CODEC.encode(
            {
                "key_id": key_id_of(key.public_key().public_bytes_raw()),
                "signature": key.sign(_SIGNED + partnership + body),
                "body": body,
            }
        )


KeyOf = Callable[[AgencyId, KeyId, Instant], Ed25519PublicKey]
"""Returns an agency's signing key that is good for what arrived then; raises `RecordRefused`."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm as it lies on its topic, its signature good.

    Attributes:
        id: SHA-256 of the message's value.
        alarm: what it says.
    """

    id: bytes
    alarm: Alarm


def read_alarm(received: Received, partnership: Partnership, key_of: KeyOf) -> Raised:
    """Return the alarm in a message.

    Raises:
        LogError: `log.shape`, or `witness.alarm`: the agency has not signed it.
    """
    value = received.message.value
    if len(value) > MOST_BYTES:
        raise LogError(SHAPE, "alarm: size")
    outer = _CODEC.decode(value)
    fields = _BODY.decode(outer["body"])
    agency = AgencyId(fields["agency"])
    sound = (
        is_agency_id(agency)
        and len(fields["notes"]) <= MOST_NOTES
        and len(fields["said"]) <= MOST_SAID
        and len(fields["settles"]) in {0, _HASH_BYTES}
        and fields["size"] >= 0
        and fields["at_ms"] >= 0
    )
    if not sound:
        raise LogError(SHAPE, "alarm")
    try:
        key = key_of(agency, KeyId(outer["key_id"]), received.at)
        key.verify(outer["signature"], _SIGNED + partnership + outer["body"])
    except (RecordRefused, InvalidSignature) as error:
        raise LogError(WITNESS_ALARM, agency) from error
    alarm = Alarm(
        agency,
        fields["code"],
        Instant(fields["at_ms"]),
        fields["size"],
        tuple(fields["notes"]),
        fields["settles"],
        fields["said"],
    )
    return Raised(sha256(value).digest(), alarm)


def standing_alarms(raised: Iterable[Raised]) -> tuple[Raised, ...]:
    """Return the alarms that nobody has settled, in their order; only who raised one settles it."""
    found: dict[bytes, Raised] = {}
    for one in raised:
        if not one.alarm.settles:
            found.setdefault(one.id, one)
        elif (
            settled := found.get(one.alarm.settles)
        ) is not None and settled.alarm.agency == one.alarm.agency:
            del found[one.alarm.settles]
    return tuple(found.values())
