"""What can be wrong with a record, a key or a seal. Each code is stable."""

from broker.errors import Code, ConcordatError

ASK_SUPPLIER = "Send the record again from the source system; if it comes back, tell its supplier."
COMPARE = "Somebody else may have signed it: compare it with the source system before retrying."
RESEND = "Retry it from the source's quarantine: it is signed and sealed anew under the same id."

SIZE = Code("record.size", "The message is larger or smaller than a record may be.", ASK_SUPPLIER)
SUITE = Code(
    "record.suite",
    "The message names a cipher suite that this partnership does not use.",
    "Update the adapter so that it speaks suite 1.",
)
SEAL = Code("record.seal", "The message cannot be opened with the broker's key.", RESEND)
SHAPE = Code("record.shape", "The envelope is not encoded as the format says.", ASK_SUPPLIER)
SCHEMA_UNKNOWN = Code(
    "record.schema.unknown",
    "Nobody here knows the schema that the record names.",
    "Publish the schema with the protocol first, or use a version that is known.",
)
SCHEMA_KIND = Code(
    "record.schema.kind", "This type of record cannot be of this kind.", ASK_SUPPLIER
)
VALUE = Code(
    "record.value", "A part of the record is not encoded as its schema says.", ASK_SUPPLIER
)
LABELS = Code("record.labels", "The labels contradict the record.", ASK_SUPPLIER)
TOPIC = Code(
    "record.topic.agency",
    "The record names another agency than the topic it came on.",
    "Publish each agency's records to its own topic, with its own key.",
)
KEY_UNKNOWN = Code(
    "record.signature.unknown-key",
    "The record is signed by a key that the agency has not registered.",
    "Register the key with the protocol, then retry.",
)
KEY_RETIRED = Code(
    "record.signature.retired-key",
    "The record is signed by a key that was retired more than seven days ago.",
    RESEND,
)
KEY_REVOKED = Code(
    "record.signature.revoked-key", "The record is signed by a revoked key.", COMPARE
)
KEY_COMPROMISED = Code(
    "record.signature.compromised-key",
    "The record is signed by a key that may have been in other hands.",
    COMPARE,
)
SIGNATURE = Code(
    "record.signature.invalid",
    "The signature does not fit: a slot, a label, a digest, the path or the signature was altered.",
    "Find out what changed it on its way, then retry from the source.",
)
ISSUED_EARLY = Code(
    "record.issued.old",
    "The record was issued more than 14 days before it arrived.",
    RESEND,
)
ISSUED_LATE = Code(
    "record.issued.future",
    "The record was issued more than five minutes after it arrived.",
    "Set the adapter's clock, then retry.",
)
CONFLICT = Code(
    "record.conflict",
    "Another record with this id, but other values, was accepted before.",
    "Send the change as a new version that supersedes the former one.",
)
KEY_POINT = Code(
    "key.point",
    "The public key is not a canonical point of full order on the curve.",
    "Make a new key with the adapter and register that.",
)
KEY_NAME = Code(
    "key.name",
    "The entry names the key by another id than the SHA-256 of its bytes.",
    "Make the entry anew with the adapter, which computes the id.",
)
KEY_TWICE = Code(
    "key.twice", "This key is registered already.", "Register a key that nobody has used before."
)
KEY_ABSENT = Code(
    "key.absent", "No such key is registered.", "List the agency's keys and name one of them."
)
STATEMENT = Code(
    "statement.value",
    "A value does not fit its slot's schema.",
    "Correct the mapping, or the value in the source system.",
)
STATEMENT_SLOT = Code(
    "statement.slot",
    "The record type has no slot of this name.",
    "Use a slot that the record type's schema names.",
)


class RecordRefused(ConcordatError):  # noqa: N818 - the word of the design: refused, not wrong
    """A record is not accepted; it goes to quarantine under its code."""


class KeyRefused(ConcordatError):  # noqa: N818 - as above
    """A key is not registered, or may not be used."""


class StatementRefused(ConcordatError):  # noqa: N818 - as above
    """What an adapter mapped does not fit the schema."""
