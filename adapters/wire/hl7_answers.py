"""Headers and acknowledgements of HL7 v2, as bytes on the wire (HL7 v2.5.1, section 2.9).

Only the header is read, field by field as it stands; what a message says is the formats' business.
Bytes are taken as latin-1, so that what is echoed is echoed exactly, whatever its character set.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from broker.clock import SECOND, Instant

ECHO = 200
"""Characters of a field that are echoed: names and control ids are 20 to 199 long; what is longer
is not a field that another system would know again."""

TEXT = 1000
"""Characters of what an acknowledgement says: several reasons, and still one line of a log."""

USUAL = "|^~\\&"
"""Separators where the other side's own are not known."""

HEADER_OCTETS = 8 * 1024
"""Bytes of a first segment that are looked at."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER = re.compile(rb"(?:^|[\r\n])[ \t]*MSH[^A-Za-z0-9\s]")
_BREAK = re.compile(rb"[\r\n]")
_LEADING = b"\r\n \t\xef\xbb\xbf"

ERR_SINCE = (2, 5)
"""Version from which ERR has fields 3 to 8; before, the text stands in MSA-3 alone."""


class Verdict(Enum):
    """What becomes of a message; the value is MSA-1 without its first letter (table 0008)."""

    ACCEPTED = "A"
    ERROR = "E"
    REJECTED = "R"


@dataclass(frozen=True, slots=True)
class Header:
    """A message's MSH.

    Attributes:
        signs: field separator and encoding characters: five.
        fields: MSH-1 is the first.
    """

    signs: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """Return a field as it stands; empty if there is none."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    def part(self, number: int, component: int = 1) -> str:
        """Return a component of a field's first repeat."""
        first = self.field(number).split(self.signs[2])[0]
        parts = first.split(self.signs[1])
        return parts[component - 1].strip() if component <= len(parts) else ""

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.field(10)

    @property
    def version(self) -> tuple[int, int]:
        """MSH-12: (2, 4) for `2.4` and `2.4.1`; (2, 0) for what is no version."""
        found = re.match(r"2\.(\d)", self.part(12), re.ASCII)
        return 2, int(found[1]) if found else 0


NO_HEADER = Header(USUAL, ())
"""Stands for the header of what is no message."""


def read_header(content: bytes) -> Header | None:
    """Return a message's header; None if it doesn't begin with one."""
    text = content[:HEADER_OCTETS].lstrip(_LEADING)
    line = _BREAK.split(text, maxsplit=1)[0].decode("latin-1")
    if not line.startswith("MSH"):
        return None
    signs = line[3:8]
    apart = len(set(signs)) == len(USUAL) and not any(one.isalnum() for one in signs)
    if not apart or any(one.isspace() for one in signs):
        return None
    separator = signs[0]
    return Header(signs, (separator, *line[4:].split(separator)))


def messages_in(content: bytes) -> int:
    """Return how many messages begin in it."""
    return len(_HEADER.findall(content))


def answer_wanted(header: Header, verdict: Verdict) -> str | None:
    """Return the first letter of MSA-1: `A` for an application's answer, `C` for a commit's.

    None if the sender wants no answer (MSH-15, MSH-16, table 0155). Where it wants both, one answer
    of the application is given: it says more.
    """
    accept, application = header.part(15), header.part(16)
    if not accept and not application:
        return "A"
    if _wants(application, verdict):
        return "A"
    return "C" if _wants(accept, verdict) else None


def _wants(condition: str, verdict: Verdict) -> bool:
    match condition:
        case "AL":
            return True
        case "ER":
            return verdict is not Verdict.ACCEPTED
        case "SU":
            return verdict is Verdict.ACCEPTED
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Told:
    """A reason in an acknowledgement: a stable code, and words without any value of a record."""

    code: str
    text: str


def acknowledge(
    header: Header,
    letters: str,
    reasons: Sequence[Told],
    at: Instant,
    own_id: str,
) -> bytes:
    """Return an acknowledgement: sender and receiver swapped, the control id echoed.

    Args:
        header: of the message that is answered.
        letters: MSA-1.
        reasons: what was wrong; the first is the message's, the others of its items.
        at: now.
        own_id: the answer's own control id.
    """
    separator, signs = header.signs[0], header.signs[1:]
    event = _echo(header.part(9, 2))
    type_ = signs[0].join(("ACK", event, "ACK")) if event and header.version >= (2, 4) else "ACK"
    moment = datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y%m%d%H%M%S+0000")
    echoed = [_echo(header.field(number)) for number in (5, 6, 3, 4)]
    version = _echo(header.field(12)) or "2.4"
    processing = _echo(header.field(11)) or "P"
    lines = [
        separator.join(("MSH", signs, *echoed, moment, "", type_, own_id, processing, version))
    ]
    said = " / ".join(f"{one.text} [{one.code}]" for one in reasons)
    acknowledged = ["MSA", letters, _echo(header.control_id)]
    if said:
        acknowledged.append(escaped(said, header.signs))
    lines.append(separator.join(acknowledged))
    if header.version >= ERR_SINCE:
        lines += [_error(header, one, letters) for one in reasons]
    return "".join(f"{line}\r" for line in lines).encode("latin-1")


def _error(header: Header, reason: Told, letters: str) -> str:
    separator, component = header.signs[0], header.signs[1]
    known = component.join(("207", "Application internal error", "HL70357"))
    severity = "W" if letters.endswith(Verdict.ACCEPTED.value) else "E"
    code = escaped(reason.code, header.signs)
    text = escaped(reason.text, header.signs)
    return separator.join(("ERR", "", "", known, severity, code, "", "", text))


def escaped(text: str, signs: str) -> str:
    """Return our own words as they may stand in a field of any character set: ASCII."""
    return escaped_text(text.encode("ascii", "replace").decode("ascii")[:TEXT], signs)


def escaped_text(text: str, signs: str) -> str:
    """Return text as it may stand in a field, separators escaped (section 2.7)."""
    escape = signs[3]
    names = dict(zip(signs, "FSRET", strict=True))
    shown = _CONTROL.sub(" ", text)
    return "".join(f"{escape}{names[one]}{escape}" if one in names else one for one in shown)


def _echo(text: str) -> str:
    return "" if len(text) > ECHO or _CONTROL.search(text) else text


@dataclass(frozen=True, slots=True)
class Answer:
    """What an acknowledgement says.

    Attributes:
        control_id: the message that it answers (MSA-2).
        letters: `AA`, `AE`, `AR`, `CA`, `CE` or `CR` (MSA-1).
    """

    control_id: str
    letters: str


def read_answer(content: bytes) -> Answer | None:
    """Return what an acknowledgement says; None if it is none."""
    header = read_header(content)
    if header is None:
        return None
    for line in _BREAK.split(content):
        fields = line.decode("latin-1").strip().split(header.signs[0])
        if fields[0] == "MSA" and len(fields) > 2:  # noqa: PLR2004 - MSA-1 and MSA-2
            return Answer(fields[2], fields[1])
    return None
