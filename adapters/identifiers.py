"""Identifiers of a child: checked, never trusted (`Identifiers` holds what passed).

Rules:

1. An invalid identifier is left out and told; an empty one is nothing.
2. What is left must tell whom the record is about: an NHS number, a unique pupil number or a
   council's identifier; or full name and date of birth. Otherwise the item is rejected, with the
   code of the first identifier that was invalid, else `identity.insufficient`.
3. A date of birth must lie between 1900 and the day of reading.

The router checks again (`broker.subjects.identifiers`): there a wrong number links nobody, here it
is told to those who can mend it. NHS numbers are checked by a library of the NHS developers'
community.
"""

import re
from dataclasses import dataclass

from nhs_number.validate import is_valid

from adapters.dates import day_of, iso_of
from adapters.errors import BIRTH, LOCAL_ID, NHS_NUMBER, NO_BIRTH, UPN, WEAK, InputRefused
from adapters.format import Warned, warned
from broker.clock import Instant
from broker.errors import Code
from broker.records.statement import Identifiers
from broker.subjects.identifiers import is_upn

NO_UPN = frozenset({"UN1", "UN2", "UN3", "UN4", "UN5", "UN6", "UN7", "UN8", "UN9", "UN10"})
"""Codes of the statutory returns for why a child has no unique pupil number."""

ISSUED = "4679"
"""First digits of numbers that England, Wales and the Isle of Man issue, and 9 for tests."""

ADULT_FROM = 26
"""Years: from then on nobody is in the 18–25 band (care leavers, SEND)."""

_NHS = re.compile(r"\d{10}|\d{3} \d{3} \d{4}|\d{3}-\d{3}-\d{4}", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """What a source says of whom a record is about, unchecked.

    Attributes:
        born: days since 1970-01-01.
    """

    nhs_number: str | None = None
    upn: str | None = None
    council_id: str | None = None
    own_id: str | None = None
    given: str | None = None
    family: str | None = None
    born: int | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """Whom a record is about, checked.

    Attributes:
        identifiers: what passed.
        born: days since 1970-01-01; None if not known.
        warnings: what did not pass, or is not there.
    """

    identifiers: Identifiers
    born: int | None
    warnings: tuple[Warned, ...]

    @property
    def local_subject(self) -> str:
        """The agency's own name of the child: seed of message keys and of natural ids."""
        ids = self.identifiers
        for system, value in (
            ("own", ids.own_id),
            ("council", ids.council_id),
            ("nhs", ids.nhs_number),
            ("upn", ids.upn),
        ):
            if value is not None:
                return f"{system}:{value}"
        return f"name:{ids.family}:{ids.given}:{ids.date_of_birth}"


def nhs_number(text: str) -> str | None:
    """Return the ten digits of a valid NHS number of England, Wales or the Isle of Man, else None.

    Numbers from 9000000000 on are for tests; they pass, because nobody real has one.
    """
    said = text.strip()
    if _NHS.fullmatch(said) is None:
        return None
    digits = said.replace(" ", "").replace("-", "")
    # One digit ten times has a true check digit, and is what people type when they have none.
    made_up = len(set(digits)) == 1
    return digits if digits[0] in ISSUED and not made_up and is_valid(digits) else None


def upn(text: str) -> str | None:
    """Return a valid unique pupil number in upper case, else None.

    A temporary one ends in a letter; it names one child as long as it is in use, so it passes.
    """
    said = text.strip().upper()
    return said if is_upn(said) else None


def local_id(text: str) -> str | None:
    """Return a council's or system's own identifier, else None."""
    said = text.strip()
    return said if _LOCAL.fullmatch(said) else None


def check(said: Said, item: str, at: Instant) -> Child:
    """Return whom a record is about, by the rules above.

    Raises:
        InputRefused: `identity.…`: nothing tells.
    """
    passed, faults = _identifiers(said)
    born = said.born
    if born is not None and born > day_of(at):
        faults.append((BIRTH, "date_of_birth"))
        born = None
    elif born is None:
        faults.append((NO_BIRTH, "date_of_birth"))
    strong = passed["nhs_number"] or passed["upn"] or passed["council_id"]
    if strong is None and not (said.given and said.family and born is not None):
        invalid = [fault for fault in faults if fault[0] is not NO_BIRTH]
        code, name = invalid[0] if invalid else (WEAK, "identity")
        raise InputRefused(code, name)
    identifiers = Identifiers(
        **passed,
        given=said.given,
        family=said.family,
        date_of_birth=None if born is None else iso_of(born),
    )
    return Child(identifiers, born, tuple(warned(item, code, name) for code, name in faults))


def _identifiers(said: Said) -> tuple[dict[str, str | None], list[tuple[Code, str]]]:
    passed: dict[str, str | None] = {}
    faults = []
    for name, value, valid, code in (
        ("nhs_number", said.nhs_number, nhs_number, NHS_NUMBER),
        ("upn", said.upn, upn, UPN),
        ("council_id", said.council_id, local_id, LOCAL_ID),
        ("own_id", said.own_id, local_id, LOCAL_ID),
    ):
        given = value is not None and not (name == "upn" and value.strip().upper() in NO_UPN)
        passed[name] = valid(value) if given and value is not None else None
        if given and passed[name] is None:
            faults.append((code, name))
    return passed, faults


def age_band(born: int | None, on: int) -> str:
    """Return the age band on a day; both are days since 1970-01-01."""
    if born is None:
        return "unknown"
    if on < born:
        return "unborn"
    b_year, b_rest = iso_of(born)[:4], iso_of(born)[5:]
    year, rest = iso_of(on)[:4], iso_of(on)[5:]
    age = int(year) - int(b_year) - (rest < b_rest)
    for limit, band in ((13, "under-13"), (16, "13-15"), (18, "16-17"), (ADULT_FROM, "18-25")):
        if age < limit:
            return band
    return "adult"
