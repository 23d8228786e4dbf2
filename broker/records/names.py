"""Identifiers and small closed lists that everything else speaks in."""

import re
from enum import IntEnum
from typing import NewType

AgencyId = NewType("AgencyId", str)
"""One controller, for example `eastshire-police`: `[a-z0-9-]{1,63}`."""

ConsumerId = NewType("ConsumerId", str)
"""An agency, or one desk of it: `agency` or `agency/desk`."""

RecordId = NewType("RecordId", bytes)
"""16 bytes: a keyed hash of source system, natural id, version (`docs/formats.md`, section 3)."""

RecordDigest = NewType("RecordDigest", bytes)
"""32 bytes: what the source signs of a record, called r."""

KeyId = NewType("KeyId", bytes)
"""32 bytes: SHA-256 of a raw public key."""

Partnership = NewType("Partnership", bytes)
"""32 bytes, called P: SHA-256 of the stored bytes of the partnership's first root."""

SLOTS = 32
"""Slots of every record, whatever its type, so that their number tells nothing."""

SLOT_SCHEMA = 0
SLOT_LABELS = 1
SLOT_NHS_NUMBER = 2
SLOT_UPN = 3
SLOT_COUNCIL_ID = 4
SLOT_OWN_ID = 5
SLOT_IDENTITY = 6
SLOT_CONTACT = 7
FIRST_TYPE_SLOT = 8

ZERO_ID = RecordId(bytes(16))

RESERVED = frozenset({"log", "router"})
"""Names that things are sealed to which are no agency."""

_AGENCY = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_VERSION = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})", re.ASCII)


class Kind(IntEnum):
    """What a record does; the one thing about it that travels in clear inside the envelope."""

    RECORD = 0
    CORRECTION = 1
    RETRACTION = 2
    REGISTER = 3
    HISTORY = 4

    @property
    def word(self) -> str:
        """The kind in lower case, as questions and pages write it."""
        return self.name.lower()


def is_agency_id(text: str) -> bool:
    """Tell whether `text` may name an agency."""
    return _AGENCY.fullmatch(text) is not None and text not in RESERVED


def is_version(text: str) -> bool:
    """Tell whether `text` may be a schema's version, `major.minor`."""
    return _VERSION.fullmatch(text) is not None


def agency_of(consumer: str) -> AgencyId:
    """Return the agency of a consumer (`agency/desk` → `agency`)."""
    return AgencyId(consumer.partition("/")[0])


def desk_of(consumer: str) -> str:
    """Return the desk of a consumer, empty for a whole agency."""
    return consumer.partition("/")[2]
