"""Looks: a search of the log for a person is itself an entry of the log, with who and why.

What is kept of a look is one JSON object (RFC 8785) in the entry's personal part, where other
entries have the question that policy was asked; it is sealed under a key of its own, as a record's
is. The child stands there as tokens, never by a number or a name (`docs/log-format.md`, section 6).
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from broker.access_log.errors import SHAPE, LogError
from broker.access_log.ports import Token
from broker.clock import Instant
from broker.protocol.policy_data import canonical
from broker.records.digests import ID_BYTES, tag
from broker.records.names import RecordDigest

LOOKS = "looks"
"""What stands for the topic that looks come by: they wait in a file of the broker."""

KIND = "look"
"""Kind of a look's entry."""

_LOOK = tag("look")
_WHERE = "look"


@dataclass(frozen=True, slots=True)
class Look:
    """One search for a person.

    Attributes:
        id: 16 random bytes: two looks are never alike, and none can be guessed.
        at: when.
        agency: whose auditor looked; empty for the independent scrutineer.
        role: of the person who looked.
        because: why, in the looker's words.
        asked: names of what else was asked for, sorted; never a value.
        tokens: of the child who was looked for.
    """

    id: bytes
    at: Instant
    agency: str
    role: str
    because: str
    asked: tuple[str, ...]
    tokens: tuple[Token, ...]

    def encode(self) -> bytes:
        """Return the look as it is kept."""
        return canonical(
            {
                "agency": self.agency,
                "asked": list(self.asked),
                "at": self.at,
                "because": self.because,
                "id": self.id.hex(),
                "role": self.role,
                "tokens": [token.hex() for token in self.tokens],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the look in `data`.

        Raises:
            LogError: `log.shape`; anything but the one valid encoding.
        """
        try:
            fields: dict[str, Any] = json.loads(data)
            made = cls(
                bytes.fromhex(fields["id"]),
                Instant(int(fields["at"])),
                fields["agency"],
                fields["role"],
                fields["because"],
                tuple(fields["asked"]),
                tuple(bytes.fromhex(token) for token in fields["tokens"]),
            )
            same = made.encode() == data
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LogError(SHAPE, _WHERE) from error
        if not same or any(len(one) != ID_BYTES for one in (made.id, *made.tokens)):
            raise LogError(SHAPE, _WHERE)
        return made

    @property
    def digest(self) -> RecordDigest:
        """What stands for r in the entry: the look's key is kept under it."""
        return RecordDigest(sha256(_LOOK + self.encode()).digest())
