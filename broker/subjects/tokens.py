"""Subject tokens: identifiers made unreadable, equal for equal identifiers (`docs/formats.md`, 9).

A token is the first 16 bytes of HMAC-SHA-256 under a key that only router and index hold.
Identifiers are normalised first, so that spelling that means nothing makes no second person.
"""

import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from broker.records.digests import ID_BYTES, lp, tag
from broker.records.names import Partnership
from broker.records.statement import Identifiers
from broker.subjects.identifiers import is_date, is_nhs_number, is_upn

STRONG = ("nhs", "upn", "council")
"""Systems whose identifier names one child. The order is fixed: it is part of what is hashed."""

WEAK = "name-and-birth"
PERSON = "person"
BORN = "born"

_SUBJECT = tag("subject")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a record tells of its subject, as tokens.

    Attributes:
        strong: (system, token) of each strong identifier, by system in the order of `STRONG`.
        born: token of the date of birth; None if the source does not have it.
        weak: token of family name, given name and date of birth together; never used to link.
    """

    strong: tuple[tuple[str, bytes], ...]
    born: bytes | None
    weak: bytes | None

    def all(self) -> tuple[bytes, ...]:
        """Return the tokens that the index finds a subject by, weak ones last."""
        found = [token for _, token in self.strong]
        return (*found, self.weak) if self.weak is not None else tuple(found)


NO_TOKENS = Tokens((), None, None)
"""Of a record that names nobody."""


class Tokeniser:
    """Makes tokens under one key."""

    def __init__(self, key: bytes, partnership: Partnership) -> None:
        """Hold the key of this partnership's router and index."""
        self._key = key
        self._head = _SUBJECT + partnership

    def token(self, system: str, value: str) -> bytes:
        """Return the token of one identifier, normalised."""
        return self._mac(system, normalise(value).encode())

    def _mac(self, system: str, value: bytes) -> bytes:
        said = self._head + lp(system.encode()) + lp(value)
        return hmac.digest(self._key, said, "sha256")[:ID_BYTES]

    def person(self, name: str, date_of_birth: str | None = None) -> tuple[bytes, bytes | None]:
        """Return the tokens of a person by name, and by date of birth if that is known.

        The order of names and what stands between them mean nothing: `Sample, Lee` is `Lee Sample`.
        """
        words = "".join(one if one.isalnum() else " " for one in name).split()
        born = _valid(date_of_birth, is_date)
        named = self.token(PERSON, "".join(sorted(normalise(word) for word in words)))
        return named, None if born is None else self.token(BORN, born)

    def tokens(self, identifiers: Identifiers) -> Tokens:
        """Return the tokens of everything valid that a record holds of its subject."""
        held = {
            "nhs": _valid(identifiers.nhs_number, is_nhs_number),
            "upn": _valid(identifiers.upn, is_upn),
            "council": _valid(identifiers.council_id, bool),
        }
        strong = tuple(
            (system, self._mac(system, value.encode()))
            for system in STRONG
            if (value := held[system]) is not None
        )
        born = _valid(identifiers.date_of_birth, is_date)
        names = (_valid(identifiers.family, bool), _valid(identifiers.given, bool))
        weak = None
        if born is not None and None not in names:
            pair = b"".join(lp(part.encode()) for part in (*names, born) if part is not None)
            weak = self._mac(WEAK, pair)
        return Tokens(strong, None if born is None else self.token(BORN, born), weak)


def _valid(value: str | None, is_valid: Callable[[str], bool]) -> str | None:
    """Return an identifier normalised, None if it is not valid (as written, in capitals)."""
    if value is None:
        return None
    plain = normalise(value)
    return plain if is_valid(plain.upper()) else None


def normalise(value: str) -> str:
    """Return an identifier or name without the differences that mean nothing.

    What is normalised stays as it is: hence once more at the end, since an accent that stood
    alone joins the letter before it when the space between them goes.
    """
    folded = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", "".join(folded.split()))
