"""CloudEvents 1.0 attributes of what the parties exchange, as headers of a Kafka message.

Kafka protocol binding, binary mode. For tools that look at a stream without opening anything: the
headers say no more than topic, bytes and time of a message say already. Nothing of ours reads
them, and no signature or seal covers them.

Rules: (1) topics that never leave the broker or an agency have no headers; (2) the id is a hash of
the message's bytes as they are sent, so the same message has the same id wherever it is copied to;
(3) the type is the topic's, never the record's; (4) the time is that of sending, in whole seconds,
which is coarser than the time that Kafka itself keeps with a message.
"""

from datetime import UTC, datetime
from hashlib import sha256

from broker.clock import SECOND, Instant

SPEC_VERSION = "1.0"

ID_OCTETS = 16
"""Octets of the hash that make an id: as many as a delivery id has."""

BROKER = "urn:concordat:broker"
AGENCY = "urn:concordat:agency:"

SEALED = "application/octet-stream"
JSON = "application/json"
AVRO = "application/avro"
TEXT = "text/plain; charset=utf-8"

TYPES = {
    "records.": ("org.concordat.record.v1", SEALED),
    "urgent.": ("org.concordat.record.v1", SEALED),
    "deliveries.": ("org.concordat.delivery.v1", SEALED),
    "quarantine.": ("org.concordat.quarantine.v1", SEALED),
    "protocol": ("org.concordat.protocol.v1", JSON),
    "checkpoints": ("org.concordat.checkpoint.v1", AVRO),
    "cosignatures": ("org.concordat.cosignature.v1", TEXT),
    "alarms": ("org.concordat.alarm.v1", AVRO),
}
"""Topic, or its beginning → type of the event, content type of its value."""

FROM_AGENCIES = ("records.", "urgent.")
"""What an agency itself sends; everything else comes from the broker, or through it."""

NAMES = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type")


def headers(topic: str, value: bytes, at: Instant) -> list[tuple[str, bytes]]:
    """Return the headers of a message.

    Args:
        topic: name of the topic, without the installation's prefix.
        value: the message's bytes as they are sent.
        at: the time of sending.

    Returns:
        Name and value of each, in the order of `NAMES`; none for a topic of one party's own.
    """
    beginning, dot, agency = topic.partition(".")
    found = TYPES.get(beginning + dot)
    if found is None:
        return []
    kind, content = found
    source = AGENCY + agency if beginning + dot in FROM_AGENCIES else BROKER
    ident = sha256(value).digest()[:ID_OCTETS].hex()
    sent = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = (SPEC_VERSION, ident, source, kind, sent, content)
    return [(name, text.encode("ascii")) for name, text in zip(NAMES, values, strict=True)]
